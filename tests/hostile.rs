//! Files that were made to do harm to whoever reads what `s2c` prints: names that act on a terminal, and more of
//! everything than a person can read.

use ndarray::{Array, ArrayD};
use s2c::{
    data::{npy_bytes, write_npz},
    frontend::model_file,
};
use s2c_backend::emit::Binary;
use s2c_dialects::shown;
use s2c_nir::{
    Graph, Node,
    linear::Linear,
    neuron::{Integrator, Lif},
    port::{Input, Output},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Bytes that a command may print of a file that has too much of something.
const MOST_BYTES: usize = 10_000;

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs `s2c` with words in a folder; gives the exit code and all that it prints.
fn s2c(folder: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_s2c")).args(words).current_dir(folder).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (output.status.code(), out, err)
}

/// Input, weights, neurons and output under these names.
fn network(names: [&str; 4]) -> Graph {
    let all = |value: f64| ArrayD::from_elem(vec![4], value);
    let lif = Lif { tau: all(0.0101), r: all(1.0), v_leak: all(0.0), v_threshold: all(1.0), v_reset: all(0.0) };
    let nodes = [
        Node::Input(Input { shape: vec![4] }),
        Node::Linear(Linear { weight: Array::eye(4).into_dyn() }),
        Node::Lif(lif),
        Node::Output(Output { shape: vec![4] }),
    ];
    Graph {
        edges: names.windows(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect(),
        nodes: names.iter().map(|&name| name.to_owned()).zip(nodes).collect(),
    }
}

const NAMES: [&str; 4] =
    ["in\x1b[31m\u{7f}put", "fc\x07\r\u{9b}2J", "lif\u{202e}\nerror[internal]: no", "out\u{2066}\u{85}\tput"];
const OPTIONS: [&str; 6] = ["--dt", "1e-3", "--convention", "norse", "--reset", "subtract"];

#[test]
fn names_do_nothing_to_the_terminal_and_json_has_them_exactly() {
    let folder = scratch("hostile_names");
    let mut graph = network(NAMES);
    // A warning that names two nodes.
    graph.edges.push(graph.edges[1].clone());
    model_file::write(&graph, &folder.join("m.nir")).unwrap();
    let spikes = Array::from_elem(vec![5, 4], 1_u8);
    fs::write(folder.join("x.npy"), npy_bytes(&spikes.clone().into_dyn())).unwrap();
    write_npz(
        &folder.join("x.npz"),
        &[("a\x1b[2J", npy_bytes(&spikes.clone().into_dyn())), ("b\u{202e}", npy_bytes(&spikes.into_dyn()))],
    )
    .unwrap();
    let compile = [&["compile", "m.nir", "-o", "m.bin", "--remarks"][..], &OPTIONS].concat();
    let model = |words: &[&'static str]| [words, &OPTIONS].concat();
    let lines = [
        compile.clone(),
        vec!["compile", "m.nir", "-o", "m.bin"],
        model(&["check", "m.nir"]),
        vec!["inspect", "m.nir"],
        vec!["inspect", "m.bin"],
        vec!["run", "m.bin", "--input", "x.npy"],
        vec!["run", "m.bin", "--input", "x.npz"],
        vec!["run", "m.bin", "--input", "x.npy", "--record", "n\x1b=f.npy"],
        model(&["evaluate", "m.nir", "--data", "x.npz", "--input-array", "none\x1b"]),
        vec!["report", "m.bin", "-o", "page.html"],
        vec!["compile", "no\x1b]0;title\x07.nir", "-o", "x.bin"],
        vec!["compile", "m.nir", "--n\x1bonsense"],
    ];
    for words in &lines {
        for format in ["text", "json"] {
            let (_, out, err) = s2c(&folder, &[words, &["--error-format", format][..]].concat());
            let acts = |c: char| shown::acts(c) && c != '\n';
            for text in [&out, &err] {
                assert!(!text.contains(acts) && !text.contains("\nerror[internal]"), "{words:?}: {text:?}");
            }
        }
    }
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(!page.contains(|c: char| shown::acts(c) && c != '\n') && page.contains(r"lif\u{202e}\n"), "{page}");
    let (_, json, _) = s2c(&folder, &["inspect", "m.nir", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let names: Vec<&str> =
        json["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect();
    // HDF5 lists them in this order.
    let mut sorted = NAMES;
    sorted.sort_unstable();
    assert_eq!(names, sorted);
    let (_, _, json) = s2c(&folder, &[&compile, &["--error-format", "json"][..]].concat());
    let warning = json.lines().find(|line| line.contains("duplicate-edge")).unwrap();
    let warning: serde_json::Value = serde_json::from_str(warning).unwrap();
    assert_eq!(warning["place"]["node"], NAMES[2]);
    assert!(warning["text"].as_str().unwrap().contains(NAMES[1]));
}

#[test]
fn what_there_is_too_much_of_is_told_in_a_few_lines() {
    let folder = scratch("too_much");
    let is_short = |words: &[&str], code: i32, word: &str| {
        for format in ["text", "json"] {
            let (found, out, err) = s2c(&folder, &[words, &["--error-format", format][..]].concat());
            assert_eq!(found, Some(code), "{words:?}: {err}");
            assert!(out.len() + err.len() < MOST_BYTES, "{words:?}: {} bytes", out.len() + err.len());
            assert!(err.contains(word), "{words:?}: {err}");
        }
    };
    let compile = |model: &'static str| [&["compile", model, "-o", "m.bin"][..], &OPTIONS].concat();
    let mut same = network(["input", "fc", "lif", "output"]);
    same.edges.extend(vec![same.edges[0].clone(); 100_000]);
    model_file::write(&same, &folder.join("same.nir")).unwrap();
    is_short(&compile("same.nir"), 0, "is there 100001 times");
    // As many edges that are each there twice, as in a model with thousands of nodes.
    let mut twice = network(["input", "fc", "lif", "output"]);
    for copy in 0..500 {
        let name = format!("fc{copy}");
        twice.nodes.insert(name.clone(), Node::Linear(Linear { weight: Array::eye(4).into_dyn() }));
        let edges = [("input".to_owned(), name.clone()), (name, "lif".to_owned())];
        twice.edges.extend([edges.clone(), edges].concat());
    }
    model_file::write(&twice, &folder.join("twice.nir")).unwrap();
    is_short(&compile("twice.nir"), 0, "990 more of these");
    s2c(&folder, &compile("same.nir"));
    let byte = npy_bytes(&Array::from_elem(vec![1], 1_u8).into_dyn());
    let names: Vec<String> = (0..70_000).map(|number| format!("array{number}")).collect();
    let members: Vec<(&str, Vec<u8>)> = names.iter().map(|name| (name.as_str(), byte.clone())).collect();
    write_npz(&folder.join("many.npz"), &members).unwrap();
    is_short(&["run", "m.bin", "--input", "many.npz"], 1, "and 69990 more");
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({}), }}\n", "1, ".repeat(50_000));
    let length = u32::try_from(header.len()).unwrap().to_le_bytes();
    fs::write(folder.join("axes.npy"), [b"\x93NUMPY\x02\x00", &length[..], header.as_bytes(), &[1]].concat()).unwrap();
    is_short(&["run", "m.bin", "--input", "axes.npy"], 1, "50000 axes");
    let long = "n".repeat(20_000);
    model_file::write(&network(["input", &long, "lif", "output"]), &folder.join("long.nir")).unwrap();
    is_short(&["compile", "long.nir", "-o", "m.bin"], 1, "missing-dt");
}

/// A binary of four neurons, as bytes.
fn binary(folder: &Path) -> Binary {
    model_file::write(&network(["input", "fc", "lif", "output"]), &folder.join("m.nir")).unwrap();
    let spikes = npy_bytes(&Array::from_elem(vec![5, 4], 1_u8).into_dyn());
    fs::write(folder.join("x.npy"), spikes).unwrap();
    let (code, _, err) =
        s2c(folder, &[&["compile", "m.nir", "-o", "m.bin", "--dump-dir", "dumps"][..], &OPTIONS].concat());
    assert_eq!(code, Some(0), "{err}");
    Binary::from_bytes(&fs::read(folder.join("m.bin")).unwrap(), "m.bin").unwrap()
}

#[test]
fn texts_that_are_nested_too_deeply_are_refused_wherever_they_are() {
    let folder = scratch("too_deep");
    let binary = binary(&folder);
    let fails = |words: &[&str], title: &str| {
        let (code, _, err) = s2c(&folder, words);
        assert!(code == Some(1) && err.contains(title) && err.len() < MOST_BYTES, "{words:?}: {code:?} {err}");
    };
    let nested = "module {".repeat(20_000);
    let list = format!("module attributes {{a = {}1{}}} {{}}", "[".repeat(100_000), "]".repeat(100_000));
    let aliases: String = (1..20_000).map(|n| format!("#a{n} = [#a{}]\n", n - 1)).collect();
    for (number, text) in [nested, list, format!("#a0 = [1]\n{aliases}module {{}}\n")].into_iter().enumerate() {
        let file = format!("deep{number}.mlir");
        fs::write(folder.join(&file), &text).unwrap();
        fails(&["compile", &file, "-o", "x.bin"], "nested too deeply");
        fails(&["opt", &file, "--passes", "retiming"], "nested too deeply");
        fails(&["simulate", &file, "--input", "x.npy"], "nested too deeply");
        let mut hostile = binary.clone();
        hostile.add_network(text);
        fs::write(folder.join("deep.bin"), hostile.to_bytes().unwrap()).unwrap();
        fails(&["run", "deep.bin", "--input", "x.npy", "--engine", "reference"], "nested too deeply");
    }
}

#[test]
fn a_binarys_network_is_verified_and_compared() {
    let folder = scratch("network_in_binary");
    let binary = binary(&folder);
    // A network of another level, and one that the dialect forbids.
    let imported = fs::read_to_string(folder.join("dumps/00-import.snn.mlir")).unwrap();
    let forbidden = binary.network().unwrap().replacen("bits 8", "bits 99", 1);
    for (text, word) in [(imported, "`snn`"), (forbidden, "C4"), ("no network".to_owned(), "valid IR")] {
        let mut changed = binary.clone();
        changed.add_network(text);
        fs::write(folder.join("changed.bin"), changed.to_bytes().unwrap()).unwrap();
        let (code, _, err) = s2c(&folder, &["run", "changed.bin", "--input", "x.npy", "--engine", "reference"]);
        assert!(code == Some(1) && err.contains("error[bad-binary]") && err.contains(word), "{code:?} {err}");
        let (code, out, _) = s2c(&folder, &["diff", "m.bin", "changed.bin"]);
        assert!(code == Some(0) && out.contains("integer network"), "{out}");
    }
    let mut bare = binary.clone();
    bare.manifest.network = None;
    fs::write(folder.join("bare.bin"), bare.to_bytes().unwrap()).unwrap();
    assert!(s2c(&folder, &["diff", "m.bin", "bare.bin"]).1.contains("integer network"));
    let mut shifted = binary.clone();
    shifted.manifest.outputs[0].start += 1;
    fs::write(folder.join("shifted.bin"), shifted.to_bytes().unwrap()).unwrap();
    assert!(s2c(&folder, &["diff", "m.bin", "shifted.bin"]).1.contains("outputs"));
    assert_eq!(s2c(&folder, &["diff", "m.bin", "m.bin"]).1, "the binaries are equal\n");
}

#[test]
fn dumps_with_sizes_that_mean_nothing_are_refused() {
    let folder = scratch("sizes");
    binary(&folder);
    let s2k = fs::read_dir(folder.join("dumps")).unwrap().map(|entry| entry.unwrap().path());
    let mut s2k: Vec<PathBuf> = s2k.filter(|path| path.to_string_lossy().ends_with(".s2k.mlir")).collect();
    s2k.sort();
    let program = fs::read_to_string(&s2k[0]).unwrap();
    for (from, to) in
        [("from 0 count 4", "from 0 count 0"), ("from 0 count 4", "from -1 count 4"), (" length 4", " length 0")]
    {
        assert!(program.contains(from), "{program}");
        fs::write(folder.join("changed.mlir"), program.replacen(from, to, 1)).unwrap();
        let (code, _, err) = s2c(&folder, &["compile", "changed.mlir", "-o", "x.bin"]);
        assert!(code == Some(1) && err.contains("error[bad-ir]"), "{to}: {code:?} {err}");
    }
}

#[test]
fn what_no_binary_can_hold_is_refused_by_the_compile() {
    let folder = scratch("no_binary");
    let mut graph = network(["input", "fc", "n", "output"]);
    let r = ArrayD::from_elem(vec![4], 1e-310);
    graph.nodes.insert("n".to_owned(), Node::I(Integrator { r }));
    model_file::write(&graph, &folder.join("tiny.nir")).unwrap();
    let target = include_str!("../compiler/targets/spinnaker2.toml");
    assert!(target.contains("base = 0xE1000000"));
    fs::write(folder.join("odd.toml"), target.replace("base = 0xE1000000", "base = 1")).unwrap();
    binary(&folder);
    for state in ["fixed", "f32"] {
        let words = ["compile", "tiny.nir", "-o", "x.bin", "--state", state];
        let (code, _, err) = s2c(&folder, &[&words[..], &OPTIONS].concat());
        assert!(code == Some(1) && err.contains("error[neuron-too-wide]"), "{code:?} {err}");
    }
    let words = ["compile", "m.nir", "-o", "x.bin", "--target", "odd.toml"];
    let (code, _, err) = s2c(&folder, &[&words[..], &OPTIONS].concat());
    assert!(code == Some(1) && err.contains("error[bad-target]"), "{code:?} {err}");
    assert!(!folder.join("x.bin").exists());
}
