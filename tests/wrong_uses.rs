//! Wrong uses of the command line, one by one: each ends with the right exit code and a diagnostic that has a code, a
//! place and a hint. What is printed is in `wrong_uses/<case>.snap`.

use ndarray::{Array, ArrayD, arr1};
use s2c::frontend::model_file;
use s2c_nir::{
    self, Graph, Node,
    linear::Linear,
    neuron::Lif,
    port::{Input, Output},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits");
const TARGET: &str = include_str!("../compiler/targets/spinnaker2.toml");

/// Runs `s2c` in a folder; gives the exit code and the standard error stream.
fn s2c(folder: &Path, line: &str) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_s2c")).args(line.split(' ')).current_dir(folder).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Input, weights, neurons, output.
fn network(weight: ArrayD<f32>, change: impl FnOnce(&mut Lif)) -> Graph {
    let (outputs, inputs) = (weight.shape()[0], weight.shape()[1]);
    let all = |value: f64| ArrayD::from_elem(vec![outputs], value);
    let mut lif = Lif { tau: all(0.01), r: all(1.0), v_leak: all(0.0), v_threshold: all(1.0), v_reset: all(0.0) };
    change(&mut lif);
    let nodes = [
        ("input", Node::Input(Input { shape: vec![inputs] })),
        ("fc", Node::Linear(Linear { weight })),
        ("lif", Node::Lif(lif)),
        ("output", Node::Output(Output { shape: vec![outputs] })),
    ];
    let edges = [("input", "fc"), ("fc", "lif"), ("lif", "output")];
    Graph {
        nodes: nodes.into_iter().map(|(name, node)| (name.to_owned(), node)).collect(),
        edges: edges.map(|(from, to)| (from.to_owned(), to.to_owned())).to_vec(),
    }
}

fn ones(outputs: usize, inputs: usize) -> ArrayD<f32> {
    ArrayD::from_elem(vec![outputs, inputs], 1.0)
}

fn npy(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\x00", &u16::to_le_bytes(header.len() as u16)[..], header.as_bytes(), bytes].concat()
}

/// A folder with all the files that the cases name.
fn material() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wrong_uses");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("folder.nir")).unwrap();
    save_files(&folder, &|name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap());
    save_graphs(&|name: &str, graph: Graph| model_file::write(&graph, &folder.join(name)).unwrap());
    folder
}

/// Files that are damaged, of another kind, or what a compile gives.
fn save_files(folder: &Path, save: &dyn Fn(&str, &[u8])) {
    for file in ["digits.nir", "sample.npy", "test.npz"] {
        let bytes = fs::read(Path::new(EXAMPLES).join(file)).unwrap();
        save(file, &bytes);
        save(&format!("truncated_{file}"), &bytes[..bytes.len() / 2]);
    }
    let (code, text) = s2c(folder, "compile digits.nir --dt 1e-3 --convention snntorch --reset zero -o digits.bin");
    assert_eq!(code, Some(0), "{text}");
    let binary = fs::read(folder.join("digits.bin")).unwrap();
    save("truncated.bin", &binary[..binary.len() - 9]);
    let mut damaged = binary.clone();
    *damaged.last_mut().unwrap() ^= 1;
    save("damaged.bin", &damaged);
    let mut newer = binary;
    newer[7] += 1;
    save("newer.bin", &newer);
    let (code, text) = s2c(folder, "compile digits.nir --dt 1e-3 --reset zero --emit s2k -o program.mlir");
    assert_eq!(code, Some(0), "{text}");

    save("text.nir", b"not a model\n");
    save("notes.txt", b"not data\n");
    save("spikes.csv", b"tick,neuron\n0,1\n0,x\n");
    save("complex.npy", &npy("<c8", "(1, 64)", &[0; 512]));
    save("floats.npy", &npy("<f4", "(1, 64)", &[0x3f; 256]));
    save("narrow.npy", &npy("|u1", "(2, 63)", &[0; 126]));
    save("many.npy", &npy("<u2", "(1, 64)", &[7; 128]));
    save("broken.mlir", b"module {\n  snn.network @x dt 1.0 {\n  }\n");
    save("rule.mlir", b"snn.network @x options {} {\n  %0 = snn.input : tensor<2xi1>\n}\n");
    let old = "  %z = snn.lif \"neuron\"(%i) integrator euler reset subtract compare greater {} : tensor<1xf32> -> tensor<1xi1>\n";
    save("old_float.mlir", format!("snn.network @x options {{}} {{\n{old}}}\n").as_bytes());
    let old =
        "  %z = qsnn.cuba_lif \"neuron\"(%i << 4) current >> 2 reset subtract {} : tensor<1xi32> -> tensor<1xi1>\n";
    save("old_integer.mlir", format!("qsnn.network @x dt 1.0 options {{}} {{\n{old}}}\n").as_bytes());
    let program = fs::read_to_string(folder.join("program.mlir")).unwrap();
    save("rows.mlir", program.replacen("count 64 into", "count 65 into", 1).as_bytes());
    save("wide.toml", TARGET.replace("columns = 1\n", "columns = 4294967295\n").as_bytes());
    save("broken.toml", b"name = \"x\"\n\n[memory\nsram_bytes = 131072\n");
    save("unknown.toml", b"name = \"x\"\ncolour = \"green\"\n");
    let tiny = TARGET.replace("columns = [1, 7]", "columns = [1, 1]").replace("rows = [1, 6]", "rows = [1, 1]");
    save("tiny.toml", tiny.as_bytes());
}

/// Models that contradict themselves or are too large.
fn save_graphs(graph: &dyn Fn(&str, Graph)) {
    let mut nan = ones(3, 2);
    nan[[1, 1]] = f32::NAN;
    graph("nan.nir", network(nan, |_| {}));
    graph("tau.nir", network(ones(3, 2), |lif| lif.tau[1] = -0.01));
    graph("threshold.nir", network(ones(3, 2), |lif| lif.v_threshold = arr1(&[1.0, 0.0, 1.0]).into_dyn()));
    graph("parameters.nir", network(ones(3, 2), |lif| lif.r = arr1(&[1.0, 1.0]).into_dyn()));
    graph("huge.nir", network(ones(8, 200_000), |_| {}));
    graph("large.nir", network(ones(2000, 400), |_| {}));
    let mut shapes = network(ones(3, 2), |_| {});
    shapes.nodes.insert("fc".to_owned(), Node::Linear(Linear { weight: ones(4, 2) }));
    graph("shapes.nir", shapes);
    let mut dangling = network(ones(3, 2), |_| {});
    dangling.edges.push(("lif".to_owned(), "fc2".to_owned()));
    graph("dangling.nir", dangling);
    let mut cycle = network(ones(3, 2), |_| {});
    for name in ["a", "b"] {
        cycle.nodes.insert(name.to_owned(), Node::Linear(Linear { weight: Array::eye(3).into_dyn() }));
    }
    for (from, to) in [("fc", "a"), ("a", "b"), ("b", "a"), ("b", "lif")] {
        cycle.edges.push((from.to_owned(), to.to_owned()));
    }
    graph("cycle.nir", cycle);
    let mut orphan = network(ones(3, 2), |_| {});
    orphan.edges.remove(0);
    graph("orphan.nir", orphan);
}

/// A command line for the vendor's software.
macro_rules! board {
    ($model:literal, $more:literal) => {
        concat!("compile ", $model, " --dt 1e-3 --convention norse --reset subtract --emit spinnaker2 -o board", $more)
    };
}

/// Name, command line, exit code, code of the last diagnostic.
const CASES: &[(&str, &str, i32, &str)] = &[
    // The command line.
    ("no_model", "compile", 2, "missing-argument"),
    ("unknown_command", "compil digits.nir", 2, "unknown-command"),
    ("unknown_option", "compile digits.nir --rest zero", 2, "unknown-option"),
    ("unknown_option_value", "compile digits.nir --reset maybe", 2, "bad-option-value"),
    ("option_value_out_of_range", "compile digits.nir --weight-bits=99", 2, "bad-option-value"),
    ("record_without_file", "run digits.bin --input sample.npy --record hidden", 2, "bad-option-value"),
    ("percentile_out_of_range", "compile digits.nir --dt 1e-3 --weight-percentile 0 -o x.bin", 2, "bad-option-value"),
    ("negative_dt", "compile digits.nir --dt=-1e-3 -o x.bin", 2, "bad-option-value"),
    ("no_dt", "compile digits.nir -o x.bin", 1, "missing-dt"),
    (
        "late_reset",
        "compile digits.nir --dt 1e-3 --convention snntorch --reset zero --reset-delay 1 -o x.bin",
        1,
        "late-reset",
    ),
    ("no_output_file", "compile digits.nir --dt 1e-3 --convention snntorch --reset zero", 1, "no-output"),
    (
        "unwritable_output",
        "compile digits.nir --dt 1e-3 --convention snntorch --reset zero -o no/x.bin",
        1,
        "cannot-write",
    ),
    ("unknown_target", "compile digits.nir --target spinnaker3 -o x.bin", 1, "unknown-target"),
    ("unknown_code", "explain bad-binry", 1, "unknown-code"),
    ("unknown_pass", "opt program.mlir --passes retimin", 2, "bad-option-value"),
    ("unknown_node", "run digits.bin --input sample.npy --record hiden=h.npy", 1, "unknown-node"),
    ("unknown_array", "evaluate digits.nir --data test.npz --input-array data --dt 1e-3", 1, "no-such-array"),
    ("rate_that_is_no_probability", "faults digits.bin --data test.npz --rates 2", 2, "bad-option"),
    ("option_with_a_new_name", "compile digits.nir --explain -o x.bin", 2, "unknown-option"),
    ("option_of_another_command", "run digits.bin --input sample.npy --weight-bits 4", 2, "unknown-option"),
    ("option_given_twice", "compile digits.nir --weight-bits 4 --weight-bits 2 -o x.bin", 2, "bad-option"),
    ("option_that_comes_too_late", "compile program.mlir --weight-bits 4 -o x.bin", 2, "option-without-effect"),
    ("option_that_nothing_reaches", "compile digits.nir --emit qsnn --dead-pe 0,3,3,0", 2, "option-without-effect"),
    ("limit_without_a_search", "check digits.nir --sram-budget 1", 2, "option-without-effect"),
    ("search_without_recordings", "check digits.nir --weight-bits auto", 2, "bad-option"),
    ("target_of_another_machine", "compile program.mlir --target spinnaker2-board48 -o x.bin", 2, "bad-option"),
    ("pe_that_is_not_there", "compile digits.nir --dead-pe 9,9,9,9 -o x.bin", 2, "bad-option"),
    ("choice_for_no_population", "simulate digits.nir --input sample.npy --dt 1e-3 --reset fc=zero", 1, "unknown-node"),
    // Models.
    ("missing_model", "compile missing.nir -o x.bin", 1, "file-not-found"),
    ("folder_as_model", "compile folder.nir -o x.bin", 1, "file-unreadable"),
    ("text_as_model", "compile text.nir -o x.bin", 1, "not-a-nir-file"),
    ("truncated_model", "compile truncated_digits.nir -o x.bin", 1, "not-a-nir-file"),
    ("nan_weights", "compile nan.nir --dt 1e-3 -o x.bin", 1, "wrong-field-value"),
    ("negative_tau", "compile tau.nir --dt 1e-3 -o x.bin", 1, "wrong-field-value"),
    ("zero_threshold", "compile threshold.nir --dt 1e-3 -o x.bin", 1, "wrong-field-value"),
    ("parameter_shape", "compile parameters.nir --dt 1e-3 -o x.bin", 1, "parameter-shape"),
    ("shapes_do_not_fit", "compile shapes.nir --dt 1e-3 -o x.bin", 1, "shape-mismatch"),
    ("edge_to_nowhere", "compile dangling.nir --dt 1e-3 -o x.bin", 1, "missing-node"),
    ("loop_without_neuron", "compile cycle.nir --dt 1e-3 -o x.bin", 1, "cycle-without-neuron"),
    ("node_without_input", "compile orphan.nir --dt 1e-3 -o x.bin", 1, "no-input"),
    ("too_large_for_the_chip", "compile large.nir --dt 1e-3 --target tiny.toml -o x.bin", 1, "too-many-pes"),
    ("fan_in_too_large", "compile huge.nir --dt 1e-3 -o x.bin", 1, "neuron-too-big"),
    // What the vendor's programs can't do.
    ("spikes_that_count", board!("digits.nir", " --state f32 --input-limit 2"), 1, "handover-counts"),
    ("values_to_a_board", board!("digits.nir", " --state f32 --input-kind values"), 1, "handover-values"),
    ("weights_too_wide_for_a_board", board!("digits.nir", " --state f32 --weight-bits 12"), 1, "handover-weights"),
    ("integer_states_on_a_board", board!("digits.nir", ""), 1, "handover-state"),
    ("late_reset_on_a_board", board!("digits.nir", " --state f32 --reset-delay 1"), 1, "handover-neuron"),
    ("fan_in_too_large_for_a_board", board!("huge.nir", " --state f32"), 1, "handover-size"),
    // Dumps and targets.
    ("dump_with_syntax_error", "compile broken.mlir -o x.bin", 1, "bad-ir"),
    ("dump_with_more_rows_than_weights", "compile rows.mlir -o x.bin", 1, "bad-ir"),
    ("dump_that_breaks_a_rule", "compile rule.mlir -o x.bin", 1, "bad-ir"),
    ("float_dump_of_an_older_version", "compile old_float.mlir -o x.bin", 1, "old-dump"),
    ("integer_dump_of_an_older_version", "compile old_integer.mlir -o x.bin", 1, "old-dump"),
    ("dump_of_another_level", "simulate program.mlir --input sample.npy", 1, "wrong-level"),
    ("target_with_syntax_error", "compile digits.nir --target broken.toml -o x.bin", 1, "bad-target"),
    ("target_with_too_many_chips", "compile digits.nir --target wide.toml -o x.bin", 1, "bad-target"),
    ("target_with_unknown_entry", "compile digits.nir --target unknown.toml -o x.bin", 1, "bad-target"),
    // Binaries.
    ("model_as_binary", "run digits.nir --input sample.npy", 1, "bad-binary"),
    ("truncated_binary", "run truncated.bin --input sample.npy", 1, "bad-binary"),
    ("damaged_binary", "run damaged.bin --input sample.npy", 1, "bad-binary"),
    ("newer_binary", "run newer.bin --input sample.npy", 1, "bad-binary"),
    ("stats_that_are_not_json", "report digits.bin --stats notes.txt -o x.html", 1, "bad-json"),
    // Data.
    ("missing_data", "run digits.bin --input missing.npy", 1, "file-not-found"),
    ("truncated_npy", "run digits.bin --input truncated_sample.npy", 1, "not-an-npy-file"),
    ("truncated_npz", "evaluate digits.nir --data truncated_test.npz --dt 1e-3", 1, "not-an-npz-file"),
    ("data_of_wrong_type", "run digits.bin --input complex.npy", 1, "unsupported-dtype"),
    ("data_that_is_not_spikes", "run digits.bin --input floats.npy", 1, "not-spike-counts"),
    ("data_of_wrong_shape", "run digits.bin --input narrow.npy", 1, "input-shape"),
    ("too_many_spikes", "run digits.bin --input many.npy", 1, "input-limit"),
    ("data_of_unknown_format", "run digits.bin --input notes.txt", 1, "unknown-data-format"),
    ("csv_with_a_wrong_line", "run digits.bin --input spikes.csv", 1, "not-spike-counts"),
];

#[test]
fn wrong_uses_get_a_code_a_place_and_a_hint() {
    let folder = material();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/wrong_uses"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut wrong = Vec::new();
    for (name, line, exit, code) in CASES {
        let (found, text) = s2c(&folder, line);
        let last = &text[text.rfind("\n\nerror[").map_or(0, |at| at + 2)..];
        let whole = last.contains("┌─ ") && last.contains("= hint: ");
        if found != Some(*exit) || !last.starts_with(&format!("error[{code}]: ")) || !whole {
            wrong.push(format!("{name}: exit code {found:?}\n{text}"));
        }
        let (_, lines) = s2c(&folder, &format!("{line} --error-format json"));
        let json: serde_json::Value =
            serde_json::from_str(lines.lines().last().unwrap_or_default()).unwrap_or_default();
        if json["code"] != *code || !json["place"].is_object() || json["hint"] == "" {
            wrong.push(format!("{name}: {json}"));
        }
        settings.bind(|| insta::assert_snapshot!(*name, format!("$ s2c {line}\n{}", text.trim_end())));
    }
    assert!(wrong.is_empty(), "without the code, a place or a hint:\n{}", wrong.join("\n"));
    assert!(!folder.join("x.bin").exists(), "a wrong use left a result behind");
    every_snapshot_belongs_to_a_case();
}

/// After the snapshots were made, so that one `make bless` is enough for a new case.
fn every_snapshot_belongs_to_a_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/wrong_uses");
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(".snap", ""))
        .collect();
    let mut cases: Vec<String> = CASES.iter().map(|(name, ..)| (*name).to_owned()).collect();
    files.sort();
    cases.sort();
    assert_eq!(files, cases, "snapshots of cases that are gone have to be removed by hand");
}
