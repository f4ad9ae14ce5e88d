//! Whole files: round trips, real models, odd ways of storing, damage.

use super::{conv::Padding, *};
use hdf5::types::{FixedAscii, VarLenUnicode};
use indexmap::IndexMap;
use ndarray::{ArrayD, arr0, arr1, arr2};
use proptest::prelude::*;
use std::{fs, path::PathBuf, str::FromStr};

/// A path in a folder for this test run; the test's name keeps parallel tests apart.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("s2c-test-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// The shared folder of real models and recordings, where it exists.
pub(crate) fn shared_data() -> Option<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data"));
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: there is no folder {}", folder.display());
    None
}

/// A small deterministic source of numbers (xorshift).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }

    /// A copy with some bytes changed, or the end cut off.
    pub(crate) fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut copy = bytes.to_vec();
        if self.below(4) == 0 {
            copy.truncate(self.below(bytes.len()));
        }
        for _ in 0..1 + self.below(8) {
            let place = self.below(copy.len());
            if let Some(byte) = copy.get_mut(place) {
                *byte = u8::try_from(self.below(256)).unwrap();
            }
        }
        copy
    }
}

fn edges(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
}

fn nodes<const N: usize>(nodes: [(&str, Node); N]) -> IndexMap<String, Node> {
    nodes.into_iter().map(|(name, node)| (name.to_owned(), node)).collect()
}

fn filled(shape: &[usize], value: f64) -> ArrayD<f64> {
    ArrayD::from_elem(shape, value)
}

fn lif(shape: &[usize]) -> Node {
    Node::Lif(neuron::Lif {
        tau: filled(shape, 0.02),
        r: filled(shape, 1.0),
        v_leak: filled(shape, 0.0),
        v_threshold: filled(shape, 1.0),
        v_reset: filled(shape, 0.0),
    })
}

fn cuba_lif(shape: &[usize]) -> Node {
    Node::CubaLif(neuron::CubaLif {
        tau_syn: filled(shape, 0.005),
        tau_mem: filled(shape, 0.02),
        r: filled(shape, 1.0),
        v_leak: filled(shape, 0.1),
        v_threshold: filled(shape, 1.0),
        v_reset: filled(shape, -0.1),
        w_in: filled(shape, 2.0),
    })
}

fn linear(outputs: usize, inputs: usize) -> Node {
    Node::Linear(linear::Linear { weight: ArrayD::from_elem([outputs, inputs].as_slice(), 0.25) })
}

fn input(shape: &[usize]) -> Node {
    Node::Input(port::Input { shape: shape.to_vec() })
}

fn output(shape: &[usize]) -> Node {
    Node::Output(port::Output { shape: shape.to_vec() })
}

/// One node of every type, connected so that all shapes fit.
fn every_node() -> Graph {
    let conv = |padding| conv::Conv2d {
        input_shape: Some([8, 8]),
        weight: ArrayD::from_elem([4, 1, 3, 3].as_slice(), 0.5),
        stride: [1, 1],
        padding,
        dilation: [1, 1],
        groups: 2,
        bias: filled(&[4], 0.1),
    };
    let conv1d = conv::Conv1d {
        input_shape: Some([9]),
        weight: ArrayD::from_elem([2, 4, 3].as_slice(), 0.5),
        stride: [2],
        padding: Padding::Fixed([1]),
        dilation: [1],
        groups: 1,
        bias: filled(&[2], 0.0),
    };
    let pool = |stride| pool::Pool2d { kernel_size: [2, 2], stride: [stride, stride], padding: [0, 0] };
    let inner = Graph {
        nodes: nodes([("in", input(&[4])), ("lif", cuba_lif(&[4])), ("rec", linear(4, 4)), ("out", output(&[4]))]),
        edges: edges(&[("in", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "out")]),
    };
    Graph {
        nodes: nodes([
            ("input", input(&[2, 8, 8])),
            ("conv", Node::Conv2d(conv(Padding::Same))),
            (
                "if",
                Node::If(neuron::If {
                    r: filled(&[4, 8, 8], 1.0),
                    v_threshold: filled(&[4, 8, 8], 1.0),
                    v_reset: filled(&[4, 8, 8], 0.0),
                }),
            ),
            ("sum", Node::SumPool2d(pool::SumPool2d(pool(2)))),
            ("avg", Node::AvgPool2d(pool::AvgPool2d(pool(1)))),
            ("flatten", Node::Flatten(port::Flatten { input_type: Some(vec![4, 3, 3]), start_dim: 1, end_dim: -1 })),
            ("conv1d", Node::Conv1d(conv1d)),
            ("join", Node::Flatten(port::Flatten { input_type: Some(vec![2, 5]), start_dim: 0, end_dim: -1 })),
            (
                "fc",
                Node::Affine(linear::Affine {
                    weight: ArrayD::from_elem([4, 10].as_slice(), -1.5),
                    bias: filled(&[4], 0.3),
                }),
            ),
            ("sub", Node::Graph(inner)),
            ("scale", Node::Scale(linear::Scale { scale: ArrayD::from_elem([4].as_slice(), 2.0) })),
            ("delay", Node::Delay(signal::Delay { delay: filled(&[4], 0.001) })),
            ("i", Node::I(neuron::Integrator { r: filled(&[4], 1.0) })),
            ("li", Node::Li(neuron::Li { tau: filled(&[4], 0.1), r: filled(&[4], 1.0), v_leak: filled(&[4], 0.0) })),
            ("lif", lif(&[4])),
            (
                "cuba",
                Node::CubaLi(neuron::CubaLi {
                    tau_syn: filled(&[4], 0.1),
                    tau_mem: filled(&[4], 0.2),
                    r: filled(&[4], 1.0),
                    v_leak: filled(&[4], 0.0),
                    w_in: filled(&[4], 1.0),
                }),
            ),
            ("threshold", Node::Threshold(signal::Threshold { threshold: filled(&[4], 0.5) })),
            ("output", output(&[4])),
        ]),
        edges: edges(&[
            ("input", "conv"),
            ("conv", "if"),
            ("if", "sum"),
            ("sum", "avg"),
            ("avg", "flatten"),
            ("flatten", "conv1d"),
            ("conv1d", "join"),
            ("join", "fc"),
            ("fc", "sub"),
            ("sub", "scale"),
            ("scale", "delay"),
            ("delay", "i"),
            ("i", "li"),
            ("li", "lif"),
            ("lif", "cuba"),
            ("cuba", "threshold"),
            ("threshold", "output"),
        ]),
    }
}

#[test]
fn every_node_type_reads_back() {
    let (graph, path) = (every_node(), scratch("every.nir"));
    write(&graph, &path).unwrap();
    let model = read(&path).unwrap();
    assert_eq!(model.graph, graph);
    assert_eq!((model.version.as_deref(), model.notes.len(), model.warnings.len()), (Some("1.0.8"), 0, 0));
    let kinds: std::collections::BTreeSet<_> = graph.nodes.values().map(Node::kind).collect();
    assert!(KINDS.iter().all(|kind| kinds.contains(kind) || *kind == "CubaLIF"));
}

#[test]
fn the_same_graph_gives_the_same_bytes() {
    let paths = [scratch("same-1.nir"), scratch("same-2.nir")];
    write(&every_node(), &paths[0]).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    write(&every_node(), &paths[1]).unwrap();
    assert_eq!(fs::read(&paths[0]).unwrap(), fs::read(&paths[1]).unwrap());
}

#[test]
fn shapes_of_all_node_types_fit() {
    let shapes = infer_shapes(&every_node()).unwrap();
    assert_eq!(shapes.nodes["conv"].output, [4, 8, 8]);
    assert_eq!(shapes.nodes["flatten"].output, [4, 9]);
    assert_eq!(shapes.nodes["conv1d"].output, [2, 5]);
    assert_eq!(shapes.nodes["sub/lif"].output, [4]);
    assert!(shapes.warnings.is_empty());
}

#[test]
fn a_flattened_graph_is_written_with_dots() {
    let path = scratch("flat.nir");
    write(&every_node().flatten().unwrap(), &path).unwrap();
    assert!(read(&path).unwrap().graph.nodes.contains_key("sub.lif"));
}

#[test]
fn subgraphs_dissolve_into_paths() {
    let pass = Graph { nodes: nodes([("a", input(&[1])), ("b", output(&[1]))]), edges: edges(&[("a", "b")]) };
    let two = Graph {
        nodes: nodes([
            ("left", input(&[1])),
            ("right", input(&[1])),
            ("lif", lif(&[1])),
            ("pass", Node::Graph(pass)),
            ("end", output(&[1])),
        ]),
        edges: edges(&[("left", "lif"), ("right", "lif"), ("lif", "pass"), ("pass", "end")]),
    };
    let mut graph = Graph {
        nodes: nodes([("in", input(&[1])), ("two", Node::Graph(two)), ("out", output(&[1]))]),
        edges: edges(&[("in", "two/left"), ("in", "two.right"), ("two", "out")]),
    };
    let flat = graph.flatten().unwrap();
    assert_eq!(flat.nodes.keys().collect::<Vec<_>>(), ["in", "two/lif", "out"]);
    assert_eq!(flat.edges, edges(&[("in", "two/lif"), ("in", "two/lif"), ("two/lif", "out")]));
    graph.edges = edges(&[("in", "two")]);
    assert_eq!(graph.flatten().unwrap_err().code, "ambiguous-port");
    graph.edges = edges(&[("in", "two/end")]);
    assert_eq!(graph.flatten().unwrap_err().code, "missing-node");
}

#[test]
fn a_cycle_of_ports_alone_is_an_error() {
    let pass = Graph { nodes: nodes([("a", input(&[1])), ("b", output(&[1]))]), edges: edges(&[("a", "b")]) };
    let graph = Graph {
        nodes: nodes([("in", input(&[1])), ("x", Node::Graph(pass.clone())), ("y", Node::Graph(pass))]),
        edges: edges(&[("in", "x"), ("x", "y"), ("y", "x")]),
    };
    assert_eq!(graph.flatten().unwrap_err().code, "port-cycle");
}

/// Writes a file by hand: one LIF between input and output, then what `change` makes of its group.
fn by_hand(name: &str, change: impl FnOnce(&hdf5::Group)) -> Result<Model> {
    let path = scratch(name);
    let file = hdf5::File::create(&path).unwrap();
    let text = |group: &hdf5::Group, name: &str, text: &str| {
        group
            .new_dataset::<VarLenUnicode>()
            .create(name)
            .unwrap()
            .write_scalar(&VarLenUnicode::from_str(text).unwrap())
            .unwrap();
    };
    let root = file.create_group("node").unwrap();
    text(&root, "type", "NIRGraph");
    let names = [["in", "lif"], ["lif", "out"]].map(|pair| pair.map(|name| FixedAscii::<8>::from_ascii(name).unwrap()));
    root.new_dataset_builder().with_data(&arr2(&names)).create("edges").unwrap();
    let nodes = root.create_group("nodes").unwrap();
    for (name, kind) in [("in", "Input"), ("out", "Output"), ("lif", "LIF")] {
        let node = nodes.create_group(name).unwrap();
        text(&node, "type", kind);
        if kind != "LIF" {
            node.new_dataset_builder().with_data(&arr1(&[3_u8])).create("shape").unwrap();
        }
    }
    change(&nodes.group("lif").unwrap());
    file.close().unwrap();
    read(&path)
}

#[test]
fn numbers_of_all_widths_orders_and_ranks_are_read() {
    let model = by_hand("odd.nir", |lif| {
        let big = hdf5::Datatype::from_type::<f64>().unwrap();
        assert!(big.size() == 8);
        lif.new_dataset_builder().with_data(&arr1(&[0.5_f64, 0.25, 1.0])).create("tau").unwrap();
        lif.new_dataset_builder().with_data(&arr1(&[1_i16, 2, 3])).create("r").unwrap();
        lif.new_dataset_builder().with_data(&arr1(&[true])).create("v_threshold").unwrap();
        lif.new_dataset::<f32>().create("v_leak").unwrap().write_scalar(&0.5).unwrap();
        lif.new_dataset_builder().with_data(&arr1(&[7_u64])).create("colour").unwrap();
        lif.create_group("metadata").unwrap().new_dataset_builder().with_data(&arr0(1)).create("dt").unwrap();
    })
    .unwrap();
    let Node::Lif(lif) = &model.graph.nodes["lif"] else { panic!("not a LIF") };
    assert_eq!(lif.r, arr1(&[1.0, 2.0, 3.0]).into_dyn());
    assert_eq!(lif.v_threshold, arr1(&[1.0]).into_dyn());
    assert_eq!(lif.v_leak, arr0(0.5).into_dyn());
    let notes: Vec<_> = model.notes.iter().map(|note| (note.kind, note.field.as_str())).collect();
    assert_eq!(
        notes,
        [(NoteKind::Defaulted, "v_reset"), (NoteKind::Unknown, "colour"), (NoteKind::Metadata, "metadata")]
    );
}

#[test]
fn wrong_fields_are_named() {
    let number = |lif: &hdf5::Group, name: &str, values: &[f64]| {
        lif.new_dataset_builder().with_data(&arr1(values)).create(name).unwrap();
    };
    let code = |name: &str, tau: &[f64], r: &[f64]| {
        by_hand(name, |lif| {
            number(lif, "tau", tau);
            number(lif, "r", r);
            number(lif, "v_threshold", &[1.0]);
        })
        .map_or_else(|error| (error.code, error.place), |_| panic!("was read"))
    };
    let place = s2c_dialects::diagnostic::Place::Node("lif".to_owned());
    assert_eq!(code("tau.nir", &[0.0], &[1.0]), ("wrong-field-value", place.clone()));
    assert_eq!(code("nan.nir", &[1.0], &[f64::NAN]), ("wrong-field-value", place.clone()));
    assert_eq!(code("shapes.nir", &[1.0, 2.0], &[1.0, 2.0, 3.0]), ("parameter-shape", place));
    assert_eq!(by_hand("missing.nir", |_| {}).unwrap_err().code, "missing-field");
}

#[test]
fn an_unknown_type_is_named_with_those_that_are_known() {
    let error = by_hand("unknown.nir", |lif| {
        lif.unlink("type").unwrap();
        let kind = VarLenUnicode::from_str("Izhikevich").unwrap();
        lif.new_dataset::<VarLenUnicode>().create("type").unwrap().write_scalar(&kind).unwrap();
    })
    .unwrap_err();
    assert_eq!(error.code, "unknown-node");
    assert!(error.title.contains("Izhikevich") && error.text.contains("CubaLIF"), "{error}");
}

#[test]
fn a_declared_size_beyond_the_file_is_refused_without_allocating() {
    let result = by_hand("huge.nir", |lif| {
        lif.new_dataset::<f64>().chunk([1 << 10]).shape([1_usize << 40]).create("tau").unwrap();
    });
    assert_eq!(result.unwrap_err().code, "not-a-nir-file");
}

#[test]
fn what_is_no_nir_file_is_said_so() {
    assert_eq!(read(&scratch("absent.nir")).unwrap_err().code, "file-not-found");
    for (name, content) in [("text.nir", &b"hello"[..]), ("empty.nir", b""), ("cut.nir", b"\x89HDF\r\n\x1a\n\0\0")] {
        fs::write(scratch(name), content).unwrap();
        assert_eq!(read(&scratch(name)).unwrap_err().code, "not-a-nir-file");
    }
    assert_eq!(read(&std::env::temp_dir()).unwrap_err().code, "not-a-nir-file");
}

#[test]
fn real_models_are_read() {
    let Some(data) = shared_data() else { return };
    let expected = [
        ("nir/lif_norse.nir", 4, &[][..]),
        ("nir/lif_rockpool.nir", 4, &["assumed-reshape"]),
        ("nir/two_lif_neurons.nir", 6, &[]),
        ("nir/cnn_sinabs.nir", 15, &[]),
        ("nir/braille_noDelay_bias_zero.nir", 7, &[]),
        ("nir/braille_noDelay_noBias_subtract.nir", 7, &[]),
        ("nir/braille_noDelay_bias_zero_subgraph.nir", 7, &["renamed-node"]),
        ("nir/braille_noDelay_noBias_subtract_subgraph.nir", 7, &["renamed-node"]),
        ("nir/sinabs_dvs_gesture.nir", 26, &[]),
        ("digits/digits_conv_lif.nir", 11, &[]),
        ("gesture/gesture_hard_conv_lif.nir", 11, &[]),
        ("nmnist/nmnist_conv_lif.nir", 11, &[]),
    ];
    for (name, size, warnings) in expected {
        let model = read(&data.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let flat = model.graph.flatten().unwrap();
        let shapes = infer_shapes(&flat).unwrap_or_else(|error| panic!("{name}: {error}"));
        let codes: Vec<_> = model.warnings.iter().chain(&shapes.warnings).map(|warning| warning.code).collect();
        assert_eq!((flat.nodes.len(), codes.as_slice()), (size, warnings), "{name}");
        let copy = scratch("copy.nir");
        write(&model.graph, &copy).unwrap();
        assert_eq!(read(&copy).unwrap().graph.edges, model.graph.edges, "{name}");
    }
}

#[test]
fn a_subgraph_file_is_the_same_network_as_its_flat_twin() {
    let Some(data) = shared_data() else { return };
    let graph = |name: &str| read(&data.join(name)).unwrap().graph.flatten().unwrap();
    let flat = graph("nir/braille_noDelay_bias_zero.nir");
    let nested = graph("nir/braille_noDelay_bias_zero_subgraph.nir");
    for (nested_name, flat_name) in [("lif1/lif1", "lif1.lif"), ("lif1/lin", "lif1.w_rec"), ("fc2", "fc2")] {
        assert_eq!(nested.nodes[nested_name], flat.nodes[flat_name]);
    }
    assert_eq!(nested.edges.len(), flat.edges.len());
}

#[test]
fn damaged_files_give_an_error_and_no_panic() {
    let (small, path) = (scratch("small.nir"), scratch("damaged.nir"));
    write(&every_node(), &small).unwrap();
    let (bytes, mut random) = (fs::read(&small).unwrap(), Random(7));
    let mut read_anyway = 0;
    for _ in 0..300 {
        fs::write(&path, random.damage(&bytes)).unwrap();
        if let Ok(model) = read(&path) {
            read_anyway += 1;
            let _ = infer_shapes(&model.graph);
        }
    }
    assert!(read_anyway < 300);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn chains_of_any_width_read_back(widths in prop::collection::vec(1_usize..6, 2..6), weight in -2.0_f32..2.0, tau in 1e-4_f64..1.0) {
        let mut graph = Graph::default();
        let mut last = "input".to_owned();
        graph.nodes.insert(last.clone(), input(&widths[..1]));
        for (layer, pair) in widths.windows(2).enumerate() {
            let weights = Node::Linear(linear::Linear { weight: ArrayD::from_elem([pair[1], pair[0]].as_slice(), weight) });
            let mut neurons = lif(&[pair[1]]);
            if let Node::Lif(lif) = &mut neurons {
                lif.tau.fill(tau);
            }
            for (name, node) in [(format!("fc{layer}"), weights), (format!("lif{layer}"), neurons)] {
                graph.nodes.insert(name.clone(), node);
                graph.edges.push((std::mem::replace(&mut last, name.clone()), name));
            }
        }
        let path = scratch("chain.nir");
        write(&graph, &path).unwrap();
        prop_assert_eq!(read(&path).unwrap().graph, graph.clone());
        prop_assert!(infer_shapes(&graph).is_ok());
    }
}
