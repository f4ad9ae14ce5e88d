//! Quantization as a user calls it: calibration, the search for widths, what evaluation hands back, grids that are kept.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
const MODEL_OPTIONS: [&str; 6] = ["--dt", "1e-3", "--convention", "snntorch", "--reset", "subtract"];

/// Runs a command on a model of the examples for digits.
fn s2c(command: &str, model: &str, more: &[&str]) -> Output {
    let model = format!("{EXAMPLES}/digits/{model}");
    let mut s2c = Command::new(env!("CARGO_BIN_EXE_s2c"));
    s2c.args([command, &model]).args(MODEL_OPTIONS).args(more).output().expect("the executable runs")
}

/// What it printed, and what it said besides.
fn words(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let (out, error) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{error}");
    (out, error)
}

fn data() -> String {
    format!("{EXAMPLES}/digits/test.npz")
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("the build's folder can be written");
    folder
}

fn evaluate(model: &str, more: &[&str]) -> serde_json::Value {
    let data = data();
    let output = s2c("evaluate", model, &[&["--data", &data, "--levels", "float,quantized", "--json"], more].concat());
    serde_json::from_str(&words(&output).0).expect("JSON")
}

fn correct(report: &serde_json::Value, level: &str) -> u64 {
    report["levels"][level]["correct"].as_u64().expect("the data have labels")
}

#[test]
fn calibration_brings_narrow_weights_nearer_to_the_float_network() {
    let distance = |report: &serde_json::Value| {
        let layers = report["layers"].as_array().expect("layers").iter();
        layers.map(|layer| layer["distance"].as_f64().expect("a number")).sum::<f64>()
    };
    let plain =
        evaluate("digits.nir", &["--weight-bits", "3", "--weight-scale", "layer", "--weight-percentile", "100"]);
    let calibrated =
        evaluate("digits.nir", &["--weight-bits", "3", "--calibrate", &data(), "--calibrate-samples", "16"]);
    assert!(distance(&calibrated) < distance(&plain), "{} and {}", distance(&calibrated), distance(&plain));
    assert!(correct(&calibrated, "quantized") > correct(&plain, "quantized"));
    assert_eq!(correct(&calibrated, "float"), correct(&plain, "float"));
}

#[test]
fn the_search_for_widths_saves_memory_within_its_limits() {
    let folder = scratch("auto");
    let (binary, data) = (folder.join("auto.bin"), data());
    let binary = binary.to_str().expect("UTF-8");
    let auto = ["-O2", "-o", binary, "--weight-bits", "auto", "--calibrate", &data, "--calibrate-samples", "60"];
    let search = |limits: &[&str]| s2c("compile", "digits.nir", &[&auto, limits].concat());
    let sizes = |table: &str| {
        let rows = table.lines().skip_while(|line| !line.contains("SRAM bytes")).skip(1);
        let sizes = rows.map_while(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        sizes.collect::<Vec<u64>>()
    };
    let (_, table) = words(&search(&["--max-loss", "20"]));
    let sizes = sizes(&table);
    assert!(sizes.len() > 1 && sizes.is_sorted_by(|one, next| one > next), "{table}");

    let (_, told) = words(&search(&["--max-loss", "0", "--sram-budget", "100000000"]));
    assert!(told.contains("[too-few-samples]"), "the first choice is within the budget: {told}");
    // Of 60 samples none may change, and 5 % of all others still may.
    let (_, told) = words(&search(&[]));
    assert!(told.contains("[too-few-samples]") && told.contains("At least 299 samples"), "{told}");
    // Enough samples, on which 8 bits themselves change some answers: they are kept, and nothing is promised.
    let enough = auto.map(|word| if word == "60" { "300" } else { word });
    let (_, told) = words(&s2c("compile", "digits.nir", &[&enough[..], &["--max-loss", "1"]].concat()));
    assert!(told.contains("[no-narrower-widths]") && told.contains("may on other samples"), "{told}");
    let (_, told) = words(&search(&["--sram-budget", "100000000"]));
    assert!(told.contains("[no-narrower-widths]"), "{told}");

    let refused = search(&["--sram-budget", "1000"]);
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(message.contains("[limits-out-of-reach]"), "{message}");
}

#[test]
fn plots_are_pages_of_vector_graphics() {
    let (folder, data) = (scratch("plots"), data());
    let plots = folder.to_str().expect("UTF-8");
    words(&s2c("evaluate", "digits_qat4.nir", &["--data", &data, "--levels", "float,quantized", "--plots", plots]));
    for name in ["rates.svg", "divergence.svg"] {
        let plot = fs::read_to_string(folder.join(name)).expect(name);
        assert!(plot.starts_with("<svg") && plot.trim_end().ends_with("</svg>"), "{name}");
        assert!(plot.contains("hidden") && !plot.contains("NaN"), "{name}");
    }
}

#[test]
fn grids_of_training_are_said_to_be_kept() {
    let binary = scratch("grids").join("out.bin");
    let binary = binary.to_str().expect("UTF-8");
    for (model, bits) in [("digits_qat8.nir", "8"), ("digits_qat4.nir", "4"), ("digits_qat2.nir", "2")] {
        let (_, told) = words(&s2c("compile", model, &["--weight-bits", bits, "-o", binary]));
        assert_eq!(told.matches("[grid-kept]").count(), 2, "{model}: {told}");
    }
}
