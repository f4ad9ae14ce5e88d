//! The command line as a user calls it: exit codes, diagnostics, equal bytes, dumps that the stock `mlir-opt` reads.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const DIGITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits");
const MODEL_OPTIONS: [&str; 6] = ["--dt", "1e-3", "--convention", "snntorch", "--reset", "subtract"];

fn s2c(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_s2c")).args(arguments).output().expect("the executable runs")
}

/// An empty folder of a test's own.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the build's folder can be written");
    folder
}

fn text(path: &Path) -> String {
    path.to_str().expect("paths of tests are UTF-8").to_owned()
}

fn compile(folder: &Path, name: &str, more: &[&str]) -> PathBuf {
    let (model, binary) = (format!("{DIGITS}/digits.nir"), folder.join(name));
    let binary_text = text(&binary);
    let mut arguments = vec!["compile", &model, "-o", &binary_text];
    arguments.extend(MODEL_OPTIONS);
    arguments.extend(more);
    let output = s2c(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    binary
}

#[test]
fn the_same_compile_gives_the_same_bytes() {
    let folder = scratch("same_bytes");
    let (first, second) = (compile(&folder, "a.bin", &["-O2"]), compile(&folder, "b.bin", &["-O2"]));
    assert_eq!(fs::read(first).unwrap(), fs::read(second).unwrap());
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "only the two binaries are left: {names:?}");
}

#[test]
fn wrong_files_get_a_diagnostic_and_exit_code_1() {
    let folder = scratch("wrong_files");
    let model = fs::read(format!("{DIGITS}/digits.nir")).unwrap();
    fs::write(folder.join("truncated.nir"), &model[..model.len() / 2]).unwrap();
    fs::write(folder.join("text.nir"), "not a model\n").unwrap();
    fs::write(folder.join("broken.mlir"), "snn.network @x {").unwrap();
    fs::write(folder.join("binary.mlir"), [0xff, 0x00]).unwrap();
    for (file, code) in [
        ("truncated.nir", "not-a-nir-file"),
        ("text.nir", "not-a-nir-file"),
        ("missing.nir", "file-not-found"),
        ("broken.mlir", "bad-ir"),
        ("binary.mlir", "not-text"),
        ("missing.mlir", "file-not-found"),
    ] {
        let (file, out) = (text(&folder.join(file)), text(&folder.join("out.bin")));
        let output = s2c(&["compile", &file, "--dt", "1e-3", "-o", &out]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{file}: {message}");
        assert!(message.contains(&format!("[{code}]")), "{file}: {message}");
        assert!(!Path::new(&out).exists());
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in [&["compile"][..], &["frobnicate"], &["compile", "m.nir", "--reset", "maybe"], &["passes", "-x"]] {
        assert_eq!(s2c(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn a_damaged_binary_is_refused() {
    let folder = scratch("damaged");
    let binary = compile(&folder, "out.bin", &[]);
    let bytes = fs::read(&binary).unwrap();
    let input = format!("{DIGITS}/sample.npy");
    let damaged = text(&folder.join("damaged.bin"));
    for at in (0..bytes.len()).step_by(bytes.len() / 23) {
        let mut copy = bytes.clone();
        copy[at] ^= 0x10;
        fs::write(&damaged, &copy).unwrap();
        let output = s2c(&["run", &damaged, "--input", &input]);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "byte {at}: {message}");
        assert!(message.contains("[bad-binary]"), "byte {at}: {message}");
    }
}

#[test]
fn dumps_are_read_by_mlir_opt_and_compiled_on_to_the_same_program() {
    let folder = scratch("dumps");
    compile(&folder, "out.bin", &["-O2", "--dump-dir", &text(&folder.join("dumps"))]);
    let mut dumps: Vec<_> = fs::read_dir(folder.join("dumps")).unwrap().map(|entry| entry.unwrap().path()).collect();
    dumps.sort();
    assert_eq!(dumps.len(), s2c_passes::PIPELINE.len() + 1);
    let last = fs::read_to_string(dumps.last().unwrap()).unwrap();
    let plugin = Path::new(env!("S2C_DIALECTS_FOLDER")).join("libs2c_dialects.so");
    for dump in &dumps {
        let output = s2c(&["opt", &text(dump)]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stdout), last, "{}", dump.display());
        let output = Command::new("mlir-opt-22")
            .arg(format!("--load-dialect-plugin={}", plugin.display()))
            .arg(dump)
            .output()
            .expect("the system packages of the README are installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn both_engines_give_the_same_recordings() {
    let folder = scratch("engines");
    let binary = text(&compile(&folder, "out.bin", &["-O2"]));
    let input = format!("{DIGITS}/sample.npy");
    let run = |engine: &str| {
        let file = |name: &str| text(&folder.join(format!("{engine}-{name}.npy")));
        let (output, spikes, membranes) = (file("output"), file("spikes"), file("membranes"));
        let records = [format!("hidden={spikes}"), format!("out:v={membranes}")];
        let arguments = ["run", &binary, "--input", &input, "--engine", engine, "--output", &output];
        let ran = s2c(&[&arguments[..], &["--record", &records[0], "--record", &records[1]]].concat());
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        (ran.stdout, [output, spikes, membranes].map(|file| fs::read(file).unwrap()))
    };
    assert!(run("chip") == run("reference"));
    let stats = text(&folder.join("stats.json"));
    let refused = s2c(&["run", &binary, "--input", &input, "--engine", "reference", "--stats", &stats]);
    assert_eq!(refused.status.code(), Some(1));
}

#[test]
fn the_report_is_one_page_that_refers_to_nothing_else() {
    let folder = scratch("report");
    let [stats, page, passes, evaluation] =
        ["stats.json", "report.html", "passes.json", "evaluation.json"].map(|name| text(&folder.join(name)));
    let binary = compile(&folder, "out.bin", &["-O2", "--report", &passes]);
    let [model, sample, data] = ["digits.nir", "sample.npy", "test.npz"].map(|name| format!("{DIGITS}/{name}"));
    let evaluate = ["evaluate", &model, "--data", &data, "--levels", "float,quantized", "--json"];
    fs::write(&evaluation, s2c(&[&evaluate[..], &MODEL_OPTIONS].concat()).stdout).unwrap();
    let binary = text(&binary);
    assert!(s2c(&["run", &binary, "--input", &sample, "--stats", &stats, "--rasters"]).status.success());
    let material = ["--stats", &stats, "--evaluation", &evaluation, "--compile", &passes];
    let output = s2c(&[&["report", &binary, "-o", &page][..], &material].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let html = fs::read_to_string(&page).unwrap();
    for part in ["hidden[0..48]", "Spikes of hidden", "Map of chip 0", "packets between", "tick 0:", "input to hidden"]
        .into_iter()
        .chain(["weight-quantization", "code-generation", "<b>warning[", "<td>quantized</td>", "Membrane error"])
    {
        assert!(html.contains(part), "the page lacks `{part}`");
    }
    let svg_names = html.matches("http").count();
    assert_eq!(svg_names, 0, "the page refers to the network");
    assert!(!html.contains("<script"));
    let browser = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"];
    match Command::new("chromium").args(browser).arg(format!("file://{page}")).output() {
        Ok(output) => {
            let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(dom.contains("Membrane error"), "the browser shows no page: {log}");
            assert!(!log.contains("CONSOLE"), "{log}");
        }
        Err(error) => s2c_tests::skip(&format!("chromium does not run: {error}")),
    }
}

#[test]
fn evaluate_counts_what_run_counts() {
    let folder = scratch("costs");
    let [binary, stats, samples] = ["out.bin", "stats.json", "samples.npy"].map(|name| text(&folder.join(name)));
    compile(&folder, "out.bin", &["-O2"]);
    let [model, sample] = ["digits.nir", "sample.npy"].map(|name| format!("{DIGITS}/{name}"));
    assert!(s2c(&["run", &binary, "--input", &sample, "--stats", &stats]).status.success());
    // The same recording twice: 2 samples x 16 ticks x 64 neurons instead of 16 x 64, in a header of the same length.
    let recording = fs::read(&sample).unwrap();
    let (header, spikes) = recording.split_at(recording.len() - 16 * 64);
    let header = String::from_utf8_lossy(header).replace("(16, 64), }   ", "(2, 16, 64), }");
    let header: Vec<u8> = header.chars().map(|char| if char == '\u{FFFD}' { 0x93 } else { char as u8 }).collect();
    fs::write(&samples, [&header, spikes, spikes].concat()).unwrap();
    let evaluate = ["evaluate", &model, "--data", &samples, "-O2", "--levels", "chip", "--json"];
    let output = s2c(&[&evaluate[..], &MODEL_OPTIONS].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).unwrap();
    let (stats, cost) = (json(&fs::read(&stats).unwrap()), json(&output.stdout)["cost"].clone());
    let count = |counts: &serde_json::Value, name: &str| counts[name].as_u64().unwrap();
    for name in ["ticks", "synaptic_events", "neuron_updates", "packets"] {
        assert_eq!(count(&cost["total"], name), 2 * count(&stats, name), "{name}");
    }
    for name in ["instructions", "cycles"] {
        // The PEs boot when the binary is loaded, which belongs to no sample, and again before each sample.
        let boot = count(&stats, name) - count(&cost["total"], name) / 2;
        assert!((1..500).contains(&boot), "{name}: {boot} for the boot of two PEs");
    }
    assert_eq!(cost["total"]["max_cycles_per_tick"], stats["max_cycles_per_tick"]);
    let joules = |energy: &serde_json::Value| energy[0]["joules"].as_f64().unwrap();
    assert!((joules(&cost["energy_per_sample"]) / joules(&stats["energy"]) - 1.0).abs() < 1e-3);
}

#[test]
fn inputs_may_be_real_values() {
    let folder = scratch("values");
    let [binary, input, integers] = ["out.bin", "in.npy", "qsnn.mlir"].map(|name| text(&folder.join(name)));
    compile(&folder, "out.bin", &["-O2", "--input-kind", "values"]);
    let model = format!("{DIGITS}/digits.nir");
    let quantize = ["compile", &model, "-O2", "--input-kind", "values", "--emit", "qsnn", "-o", &integers];
    assert!(s2c(&[&quantize[..], &MODEL_OPTIONS].concat()).status.success());
    let brightness = |at: usize| ((at * 37) % 101) as f32 / 100.0;
    let values = ndarray::Array::from_shape_fn((16, 64), |(tick, pixel)| brightness(pixel + tick / 4));
    s2c::data::write_npy(Path::new(&input), &values.clone().into_dyn()).unwrap();
    let output = |name: &str, command: &[&str]| {
        let file = text(&folder.join(name));
        let done = s2c(&[command, &["--input", &input, "--output", &file]].concat());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        fs::read(file).unwrap()
    };
    let chip = output("chip.npy", &["run", &binary]);
    assert_eq!(chip, output("reference.npy", &["run", &binary, "--engine", "reference"]));
    assert_eq!(chip, output("integers.npy", &["simulate", &integers]));
    assert!(chip.iter().skip(128).filter(|&&byte| byte == 1).count() > 10, "too few spikes to compare");
    s2c::data::write_npy(Path::new(&input), &values.mapv(|value| 2.0 * value).into_dyn()).unwrap();
    let refused = s2c(&["run", &binary, "--input", &input]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("error[input-limit]"));
}

#[test]
fn executables_of_pes_are_read_by_objdump() {
    let folder = scratch("elf");
    let model = format!("{DIGITS}/digits.nir");
    let output_folder = text(&folder);
    let mut arguments = vec!["compile", &model, "--emit", "elf", "-o", &output_folder];
    arguments.extend(MODEL_OPTIONS);
    assert!(s2c(&arguments).status.success());
    let output = Command::new("llvm-objdump-22").args(["-d", "-t"]).arg(folder.join("pe0.elf")).output().unwrap();
    let listing = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && listing.contains("<reset>:") && listing.contains("membranes"), "{listing}");
}

#[test]
fn differences_of_binaries_are_named() {
    let folder = scratch("diff");
    let [old, new] =
        [("8", "a.bin"), ("4", "b.bin")].map(|(bits, name)| text(&compile(&folder, name, &["--weight-bits", bits])));
    let same = s2c(&["diff", &old, &old]);
    assert_eq!(String::from_utf8_lossy(&same.stdout), "the binaries are equal\n");
    let listing = s2c(&["diff", &old, &new]).stdout;
    assert!(String::from_utf8_lossy(&listing).contains("option weight_bits"));
}

#[test]
fn a_campaign_of_faults_repeats_and_hurts() {
    let folder = scratch("faults");
    let binary = text(&compile(&folder, "out.bin", &["-O2"]));
    let data = format!("{DIGITS}/test.npz");
    let campaign = |seed: &str, file: &str| {
        let file = text(&folder.join(file));
        let rates = ["--rates", "0,0.02", "--runs", "2", "--samples", "12", "--seed", seed, "-o", &file];
        let output = s2c(&[&["faults", &binary, "--data", &data][..], &rates].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&fs::read(file).unwrap()).unwrap()
    };
    let outcomes = campaign("3", "a.json");
    assert_eq!(outcomes, campaign("3", "b.json"));
    let correct = |kind: &str, rate: f64| -> u64 {
        let rows = outcomes.as_array().unwrap().iter();
        let mine = rows.filter(|row| row["kind"] == kind && row["rate"] == rate);
        mine.map(|row| row["correct"].as_u64().unwrap()).sum()
    };
    for kind in ["weights", "state", "tables", "code", "drop", "duplicate", "late", "dead"] {
        assert!(correct(kind, 0.0) >= 20, "{kind} without faults");
    }
    assert!(correct("state", 0.02) < correct("state", 0.0));
    assert_eq!(correct("code", 0.02), 0);
}

#[test]
fn completions_and_manual_pages_cover_all_commands() {
    let folder = scratch("man");
    for shell in ["bash", "zsh", "fish"] {
        let text = s2c(&["completions", shell]).stdout;
        assert!(String::from_utf8_lossy(&text).contains("evaluate"), "{shell}");
    }
    assert!(s2c(&["man", &text(&folder)]).status.success());
    assert!(fs::read_to_string(folder.join("s2c-compile.1")).unwrap().contains("weight\\-bits"));
}
