//! Networks with several inputs and outputs on the command line: each gets its file by name, at every level.

use ndarray::{ArrayD, IxDyn};
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

const OPTIONS: [&str; 6] = ["--dt", "1e-3", "--convention", "norse", "--reset", "subtract"];
const TICKS: u32 = 30;

/// Exit code and standard error stream of `s2c` in a folder.
fn s2c(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_s2c")).args(arguments).current_dir(folder).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// `left` and `right` drive `first`, which drives `second`; both populations are outputs.
fn network() -> Graph {
    let lif = |count: usize| {
        let all = |value: f64| ArrayD::from_elem(IxDyn(&[count]), value);
        Lif { tau: all(0.01), r: all(1.0), v_leak: all(0.0), v_threshold: all(0.1), v_reset: all(0.0) }
    };
    let weight = |outputs: usize, inputs: usize| {
        let weight = |at: IxDyn| 1.0 + 0.5 * ((3 * at[0] + 5 * at[1]) % 7) as f32 / 7.0;
        Node::Linear(Linear { weight: ArrayD::from_shape_fn(IxDyn(&[outputs, inputs]), weight) })
    };
    let nodes = [
        ("left", Node::Input(Input { shape: vec![3] })),
        ("right", Node::Input(Input { shape: vec![2] })),
        ("from left", weight(4, 3)),
        ("from right", weight(4, 2)),
        ("first", Node::Lif(lif(4))),
        ("between", weight(2, 4)),
        ("second", Node::Lif(lif(2))),
        ("early", Node::Output(Output { shape: vec![4] })),
        ("late", Node::Output(Output { shape: vec![2] })),
    ];
    let edges = [
        ("left", "from left"),
        ("right", "from right"),
        ("from left", "first"),
        ("from right", "first"),
        ("first", "between"),
        ("between", "second"),
        ("first", "early"),
        ("second", "late"),
    ];
    Graph {
        nodes: nodes.map(|(name, node)| (name.to_owned(), node)).into_iter().collect(),
        edges: edges.map(|(from, to)| (from.to_owned(), to.to_owned())).to_vec(),
    }
}

/// A folder with the model, its binary, and spikes for both inputs.
fn material(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    model_file::write(&network(), &folder.join("net.nir")).unwrap();
    let compile = [&["compile", "net.nir", "-o", "net.bin", "--weight-bits", "16"], &OPTIONS[..]].concat();
    assert_eq!(s2c(&folder, &compile).0, Some(0), "{}", s2c(&folder, &compile).1);
    let spikes = |file: &str, neurons: u32, ticks: u32, step: u32| {
        let counts = (0..ticks * neurons).map(|at| u8::from((at * step + at / 5).is_multiple_of(3))).collect();
        let counts = ArrayD::from_shape_vec(IxDyn(&[ticks as usize, neurons as usize]), counts).unwrap();
        s2c::data::write_npy(&folder.join(file), &counts).unwrap();
    };
    spikes("l.npy", 3, TICKS, 1);
    spikes("r.npy", 2, TICKS, 2);
    spikes("short.npy", 2, TICKS - 1, 2);
    folder
}

#[test]
fn every_level_takes_and_gives_files_by_node() {
    let folder = material("ports");
    let run = |arguments: &[&str]| {
        let ports =
            ["--input", "right=r.npy", "--input", "left=l.npy", "--output", "late=b.npy", "--output", "early=a.npy"];
        let (exit, errors) = s2c(&folder, &[arguments, &ports].concat());
        assert_eq!(exit, Some(0), "{errors}");
        ["a.npy", "b.npy"].map(|file| s2c::data::read_spikes(&folder.join(file), None).unwrap())
    };
    let chip = run(&["run", "net.bin"]);
    assert!(chip.iter().all(|spikes| spikes.total() > 10), "both outputs spike");
    assert_eq!((chip[0].shape(), chip[1].shape()), (&[4][..], &[2][..]));
    assert_eq!(run(&["run", "net.bin", "--engine", "reference"]), chip);
    assert_eq!(run(&[&["simulate", "net.nir"], &OPTIONS[..]].concat()), chip);
    // The two inputs are not each other.
    let single = |file: &str| {
        let arguments = ["run", "net.bin", "--input", "left=l.npy", "--input", file, "--output", "early=c.npy"];
        assert_eq!(s2c(&folder, &arguments).0, Some(0));
        s2c::data::read_spikes(&folder.join("c.npy"), None).unwrap()
    };
    let silent = ArrayD::<u8>::zeros(IxDyn(&[TICKS as usize, 2]));
    s2c::data::write_npy(&folder.join("silent.npy"), &silent).unwrap();
    assert!(single("right=silent.npy").total() < single("right=r.npy").total());
}

#[test]
fn silent_neurons_of_a_list_exist_and_names_with_equals_signs_are_recorded() {
    let folder = material("lists");
    let mut graph = network();
    let renamed = |name: String| name.replace("first", "a=b");
    graph.nodes = graph.nodes.into_iter().map(|(name, node)| (renamed(name), node)).collect();
    graph.edges = graph.edges.into_iter().map(|(from, to)| (renamed(from), renamed(to))).collect();
    model_file::write(&graph, &folder.join("net.nir")).unwrap();
    let compile = [&["compile", "net.nir", "-o", "net.bin", "--weight-bits", "16"], &OPTIONS[..]].concat();
    assert_eq!(s2c(&folder, &compile).0, Some(0));
    // The last of the three neurons of `left` never spikes.
    let spikes: String = (0..TICKS).map(|tick| format!("{tick},{}\n", tick % 2)).collect();
    fs::write(folder.join("l.csv"), spikes).unwrap();
    let run = |arguments: &[&str]| {
        let files =
            ["--input", "left=l.csv", "--input", "right=r.npy", "--record", "a=b=s.npy", "--record", "a=b:v=v.npy"];
        let (exit, errors) = s2c(&folder, &[arguments, &files].concat());
        assert_eq!(exit, Some(0), "{errors}");
        assert_eq!(s2c::data::read::<f32>(&folder.join("v.npy"), None).unwrap().shape(), [4]);
        s2c::data::read_spikes(&folder.join("s.npy"), None).unwrap()
    };
    let chip = run(&["run", "net.bin"]);
    assert!(chip.total() > 10 && chip.shape() == [4]);
    assert_eq!(run(&["run", "net.bin", "--engine", "reference"]), chip);
    assert_eq!(run(&[&["simulate", "net.nir"], &OPTIONS[..]].concat()), chip);
}

#[test]
fn what_the_command_line_leaves_open_is_an_error() {
    let folder = material("open_ports");
    for (code, arguments) in [
        ("which-port", &["--input", "l.npy"][..]),
        ("which-port", &["--input", "left=l.npy"]),
        ("which-port", &["--input", "left=l.npy", "--input", "left=l.npy", "--input", "right=r.npy"]),
        ("input-ticks", &["--input", "left=l.npy", "--input", "right=short.npy"]),
        ("input-shape", &["--input", "left=r.npy", "--input", "right=r.npy"]),
        ("which-port", &["--input", "left=l.npy", "--input", "right=r.npy", "--output", "o.npy"]),
    ] {
        let (exit, errors) = s2c(&folder, &[&["run", "net.bin"], arguments].concat());
        assert_eq!(exit, Some(1), "{arguments:?}");
        assert!(errors.contains(&format!("error[{code}]")), "{arguments:?}: {errors}");
    }
    let samples = ArrayD::<u8>::zeros(IxDyn(&[2, TICKS as usize, 3]));
    s2c::data::write_npy(&folder.join("samples.npy"), &samples).unwrap();
    let (exit, errors) = s2c(&folder, &[&["evaluate", "net.nir", "--data", "samples.npy"], &OPTIONS[..]].concat());
    assert!(exit == Some(1) && errors.contains("error[several-inputs]"), "{errors}");
}
