//! Networks that hand on values instead of spikes: machine code, integer interpreter and float interpreter.

mod support;

use ndarray::{Array, ArrayD, IxDyn};
use s2c_nir::{
    self, Node,
    linear::{Affine, Linear},
    neuron::{CubaLi, Integrator, Li, Lif},
};
use s2c_passes::options::{Convention, Options, State};
use s2c_tests::Random;
use support::*;

const DT: f64 = 1e-3;

/// A matrix of numbers from -gain to gain.
fn weights(random: &mut Random, outputs: usize, inputs: usize, gain: f64) -> ArrayD<f32> {
    Array::from_shape_fn(IxDyn(&[outputs, inputs]), |_| random.real(-gain, gain) as f32)
}

/// One value per neuron.
fn parameters(random: &mut Random, count: usize, low: f64, high: f64) -> ArrayD<f64> {
    Array::from_shape_fn(IxDyn(&[count]), |_| random.real(low, high))
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

/// Nodes without spikes, with one value of each parameter per neuron.
fn integrators(count: usize, numbers: &mut Random) -> Vec<(&'static str, Node)> {
    let li = Li {
        tau: parameters(numbers, count, 2.0 * DT, 30.0 * DT),
        r: parameters(numbers, count, 0.5, 2.0),
        v_leak: parameters(numbers, count, -0.2, 0.2),
    };
    let cuba_li = CubaLi {
        tau_syn: parameters(numbers, count, 2.0 * DT, 6.0 * DT),
        tau_mem: all(count, 10.0 * DT),
        r: all(count, 2.0),
        w_in: parameters(numbers, count, -1.5, 1.5),
        v_leak: all(count, 0.1),
    };
    vec![
        ("li", Node::Li(li)),
        ("i", Node::I(Integrator { r: parameters(numbers, count, -1.0, 1.0) })),
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
    let mut numbers = Random(1);
    let weight = weights(&mut numbers, 7, 12, 1.0);
    let bias = parameters(&mut numbers, 7, -0.1, 0.1);
    let mut nodes: Vec<(&str, Option<Node>)> =
        integrators(7, &mut numbers).into_iter().map(|(name, node)| (name, Some(node))).collect();
    // A connection can be an output, too.
    nodes.push(("fc", None));
    let input = noise(200, 12, 3);
    for (name, node) in nodes {
        let fc = Node::Affine(Affine { weight: weight.clone(), bias: bias.clone() });
        let nodes = std::iter::once(("fc", fc)).chain(node.map(|node| (name, node))).collect();
        let model = chain(&format!("graded_{name}"), &[12], nodes, &[7]);
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
    let mut numbers = Random(2);
    let (first, second) = (weights(&mut numbers, 40, 12, 0.6), weights(&mut numbers, 130, 40, 0.6));
    for (name, node) in integrators(130, &mut numbers) {
        let nodes = vec![
            ("fc1", Node::Linear(Linear { weight: first.clone() })),
            ("lif", lif(40)),
            ("fc2", Node::Linear(Linear { weight: second.clone() })),
            (name, node),
        ];
        let model = chain(&format!("graded_hidden_{name}"), &[12], nodes, &[130]);
        let options = options(DT, Convention::Sinabs, None);
        machine_code_is_exact(&model, &options, &noise(100, 12, 3), &["lif", name, "output"]);
    }
}
