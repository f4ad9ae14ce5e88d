//! Tests on whole files, and what they share.

#[cfg(feature = "hdf5-c")]
mod c_library;
mod damage;
mod odd_files;
mod real_models;
mod round_trip;
mod subgraphs;

use super::{conv::Padding, *};
use indexmap::IndexMap;
use ndarray::ArrayD;
use s2c_tests::{Random, shared};
use std::{fs, path::Path};

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

fn conv2d(padding: Padding<2>) -> Node {
    Node::Conv2d(conv::Conv2d {
        input_shape: Some([8, 8]),
        weight: ArrayD::from_elem([4, 1, 3, 3].as_slice(), 0.5),
        stride: [1, 1],
        padding,
        dilation: [1, 1],
        groups: 2,
        bias: filled(&[4], 0.1),
    })
}

fn conv1d() -> Node {
    Node::Conv1d(conv::Conv1d {
        input_shape: Some([9]),
        weight: ArrayD::from_elem([2, 4, 3].as_slice(), 0.5),
        stride: [2],
        padding: Padding::Fixed([1]),
        dilation: [1],
        groups: 1,
        bias: filled(&[2], 0.0),
    })
}

/// One node of every type, connected so that all shapes fit.
fn every_node() -> Graph {
    let pool = |stride| pool::Pool2d { kernel_size: [2, 2], stride: [stride, stride], padding: [0, 0] };
    let inner = Graph {
        nodes: nodes([("in", input(&[4])), ("lif", cuba_lif(&[4])), ("rec", linear(4, 4)), ("out", output(&[4]))]),
        edges: edges(&[("in", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "out")]),
    };
    let order = "input conv if sum avg flatten conv1d join fc sub scale delay i li lif cuba threshold output";
    let order: Vec<&str> = order.split(' ').collect();
    Graph {
        nodes: nodes([
            ("input", input(&[2, 8, 8])),
            ("conv", conv2d(Padding::Same)),
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
            ("conv1d", conv1d()),
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
        edges: order.windows(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect(),
    }
}
