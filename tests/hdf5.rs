//! Files that the HDF5 C library has to read, in a process of `s2c`'s own, and what becomes of those that crash it.

use hdf5::types::VarLenUnicode;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Runs `s2c`; gives the exit code and what it prints.
fn s2c(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_s2c")).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hdf5");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn text(group: &hdf5::Group, name: &str, text: &str) {
    let text: VarLenUnicode = text.parse().unwrap();
    group.new_dataset::<VarLenUnicode>().create(name).unwrap().write_scalar(&text).unwrap();
}

/// Six inputs, an affine layer whose arrays have filter lzf, four neurons.
fn network(file: &Path) {
    let root = hdf5::File::create(file).unwrap().create_group("node").unwrap();
    text(&root, "type", "NIRGraph");
    let edges = [["in", "fc"], ["fc", "lif"], ["lif", "out"]].map(|edge| edge.map(|name| name.parse().unwrap()));
    let edges: ndarray::Array2<VarLenUnicode> = ndarray::arr2(&edges);
    root.new_dataset_builder().with_data(&edges).create("edges").unwrap();
    let nodes = root.create_group("nodes").unwrap();
    let node = |name: &str, kind: &str| {
        let node = nodes.create_group(name).unwrap();
        text(&node, "type", kind);
        node
    };
    for (name, kind, size) in [("in", "Input", 6_i64), ("out", "Output", 4)] {
        node(name, kind).new_dataset_builder().with_data(&[size]).create("shape").unwrap();
    }
    let fc = node("fc", "Affine");
    let weight = ndarray::Array2::from_shape_fn((4, 6), |(row, column)| (row + column) as f32 / 8.0);
    fc.new_dataset_builder().with_data(&weight).chunk((2, 6)).shuffle().lzf().create("weight").unwrap();
    fc.new_dataset_builder().with_data(&[0.125_f32; 4]).chunk(4).lzf().create("bias").unwrap();
    let lif = node("lif", "LIF");
    for (name, value) in [("tau", 0.01), ("r", 1.0), ("v_leak", 0.0), ("v_threshold", 1.0), ("v_reset", 0.0)] {
        lif.new_dataset_builder().with_data(&[value; 4]).create(name).unwrap();
    }
}

#[test]
fn a_model_with_filter_lzf_compiles_and_is_written_again_without() {
    let [model, binary, copy] =
        ["lzf.nir", "lzf.bin", "copy.nir"].map(|name| folder().join(name).display().to_string());
    network(model.as_ref());
    let options = ["--dt", "1e-3", "--reset", "subtract"];
    let compile = |model: &str, more: &[&str]| s2c(&[&["compile", model][..], &options, more].concat());
    assert_eq!(compile(&model, &["-o", &binary]).0, Some(0));
    let (code, listing) = s2c(&["inspect", &model]);
    assert!(code == Some(0) && listing.contains("bias [4], weight [4, 6]"), "{listing}");
    assert_eq!(compile(&model, &["--emit", "nir", "-o", &copy]).0, Some(0));
    // Somebody who has the model open, for writing even, is no obstacle.
    let held = hdf5::File::open_rw(&model).unwrap();
    assert_eq!(s2c(&["inspect", &model]), (Some(0), listing));
    drop(held);
    let file = hdf5::File::open(&copy).unwrap();
    let weight: Vec<f32> = file.dataset("node/nodes/fc/weight").unwrap().read_raw().unwrap();
    let expected: Vec<f32> = (0..24).map(|place| (place / 6 + place % 6) as f32 / 8.0).collect();
    assert_eq!(weight, expected);
}

#[test]
fn a_file_that_crashes_the_c_library_ends_in_a_diagnostic() {
    let model = folder().join("crash.nir");
    network(&model);
    // The length of the first object of the heap of strings, made 2^63.
    let mut bytes = fs::read(&model).unwrap();
    let heap = bytes.windows(4).position(|window| window == b"GCOL").unwrap();
    let length = heap + 16 + 8;
    assert_eq!(bytes[length..length + 16], [&8_u64.to_le_bytes()[..], b"NIRGraph"].concat());
    bytes[length + 7] = 0x80;
    fs::write(&model, bytes).unwrap();
    let (code, text) = s2c(&["inspect", &model.display().to_string()]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("unsupported filter: filter id 32000"), "{text}");
    match hdf5::library_version() {
        (1, 10, _) => assert!(text.starts_with("error[hdf5-library-failed]") && text.contains("SIGSEGV"), "{text}"),
        // Later releases may have learnt to refuse it.
        _ => assert!(text.starts_with("error[hdf5-library-failed]") || text.starts_with("error[not-a-nir-file]")),
    }
}
