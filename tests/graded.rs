//! Networks that hand on values instead of spikes: machine code, integer interpreter and float interpreter.

mod support;

use ndarray::{Array, ArrayD, IxDyn};
use s2c::frontend::model_file;
use s2c_nir::{
    self, Graph, Node,
    linear::{Affine, Linear},
    neuron::{CubaLi, Integrator, Li, Lif},
    port::{Input, Output},
};
use s2c_passes::options::{Convention, Options, State};
use std::path::{Path, PathBuf};
use support::*;

const DT: f64 = 1e-3;

/// Pseudo-random numbers from -1 to 1.
struct Numbers(u32);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(self.0 >> 8) / f64::from(1 << 23) - 1.0
    }

    fn weights(&mut self, outputs: usize, inputs: usize, gain: f64) -> ArrayD<f32> {
        Array::from_shape_fn(IxDyn(&[outputs, inputs]), |_| (self.next() * gain) as f32)
    }

    /// One value per neuron.
    fn values(&mut self, count: usize, low: f64, high: f64) -> ArrayD<f64> {
        Array::from_shape_fn(IxDyn(&[count]), |_| low + (high - low) * (self.next() + 1.0) / 2.0)
    }
}

fn all(count: usize, value: f64) -> ArrayD<f64> {
    Array::from_elem(IxDyn(&[count]), value)
}

fn lif(count: usize) -> Node {
    Node::Lif(Lif {
        tau: all(count, 10.0 * DT),
        r: all(count, 1.0),
        v_leak: all(count, 0.0),
        v_threshold: all(count, 0.1),
        v_reset: all(count, 0.0),
    })
}

/// A chain of nodes between an input and an output.
fn chain(name: &str, inputs: usize, outputs: usize, nodes: Vec<(&str, Node)>) -> PathBuf {
    let mut graph = Graph::default();
    let (input, output) = (Node::Input(Input { shape: vec![inputs] }), Node::Output(Output { shape: vec![outputs] }));
    let mut before = "input";
    graph.nodes.insert("input".to_owned(), input);
    for (name, node) in nodes.into_iter().chain([("output", output)]) {
        graph.nodes.insert(name.to_owned(), node);
        graph.edges.push((before.to_owned(), name.to_owned()));
        before = name;
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("graded_{name}.nir"));
    model_file::write(&graph, &file).unwrap();
    file
}

/// Nodes without spikes, with one value of each parameter per neuron.
fn integrators(count: usize, numbers: &mut Numbers) -> Vec<(&'static str, Node)> {
    let li = Li {
        tau: numbers.values(count, 2.0 * DT, 30.0 * DT),
        r: numbers.values(count, 0.5, 2.0),
        v_leak: numbers.values(count, -0.2, 0.2),
    };
    let cuba_li = CubaLi {
        tau_syn: numbers.values(count, 2.0 * DT, 6.0 * DT),
        tau_mem: all(count, 10.0 * DT),
        r: all(count, 2.0),
        w_in: numbers.values(count, -1.5, 1.5),
        v_leak: all(count, 0.1),
    };
    vec![
        ("li", Node::Li(li)),
        ("i", Node::I(Integrator { r: numbers.values(count, -1.0, 1.0) })),
        ("cuba_li", Node::CubaLi(cuba_li)),
    ]
}

/// The largest difference, relative to the largest value.
fn error(float: &[f64], other: &[f64]) -> f64 {
    let largest = float.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    assert!(largest > 0.0 && float.len() == other.len());
    float.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / largest
}

/// Input spikes straight into a readout, so that no spike of a hidden neuron can differ between float and integers.
#[test]
fn readouts_are_exact_on_the_chip_and_close_to_float() {
    let mut numbers = Numbers(1);
    let weight = numbers.weights(7, 12, 1.0);
    let bias = numbers.values(7, -0.1, 0.1);
    let mut nodes: Vec<(&str, Option<Node>)> =
        integrators(7, &mut numbers).into_iter().map(|(name, node)| (name, Some(node))).collect();
    // A connection can be an output, too.
    nodes.push(("fc", None));
    let input = noise(200, 12, 3);
    for (name, node) in nodes {
        let fc = Node::Affine(Affine { weight: weight.clone(), bias: bias.clone() });
        let nodes = std::iter::once(("fc", fc)).chain(node.map(|node| (name, node))).collect();
        let model = chain(name, 12, 7, nodes);
        for state in [State::Fixed, State::F32] {
            for (weight_bits, most) in [(8, 0.01), (16, 1e-4)] {
                let options =
                    Options { state, weight_bits: weight_bits.into(), ..options(DT, Convention::Norse, None) };
                machine_code_is_exact(&model, &options, &input, &[name, "output"]);
                let mut levels = levels(&model, &options);
                let float = values(&mut s2c_interp::snn::Snn::new(&levels.float).unwrap(), &input, "output");
                let error = error(&float, &values_on_chip(&mut levels.machine, &input, "output"));
                println!("{name} {state} {weight_bits} bits: {error:.1e}");
                assert!(error < most, "{name} {state} {weight_bits} bits: {error}");
            }
        }
    }
}

#[test]
fn a_readout_behind_spiking_neurons_is_exact_on_the_chip() {
    let mut numbers = Numbers(2);
    let (first, second) = (numbers.weights(40, 12, 0.6), numbers.weights(130, 40, 0.6));
    for (name, node) in integrators(130, &mut numbers) {
        let nodes = vec![
            ("fc1", Node::Linear(Linear { weight: first.clone() })),
            ("lif", lif(40)),
            ("fc2", Node::Linear(Linear { weight: second.clone() })),
            (name, node),
        ];
        let model = chain(&format!("hidden_{name}"), 12, 130, nodes);
        let options = options(DT, Convention::Sinabs, None);
        machine_code_is_exact(&model, &options, &noise(100, 12, 3), &["lif", name, "output"]);
    }
}
