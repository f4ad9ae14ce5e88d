//! Every tolerance is relative to what it judges, and no expression loses its digits: rows, channels and time constants of
//! very different sizes stand side by side and fire as they do alone. The table is in docs/tolerances.md.

mod support;

use ndarray::{Array2, ArrayD, IxDyn};
use s2c::{
    data::SpikeTrain,
    driver::{self, Wishes},
    frontend::model_file,
};
use s2c_dialects::{attribute::Reset, ir};
use s2c_nir::{
    Graph, Node,
    linear::Linear,
    neuron::{CubaLif, If, Lif},
    port::{Input, Output},
};
use s2c_passes::options::{Convention, InputKind, Integrator, Options, WeightScale};
use std::path::{Path, PathBuf};
use support::{Levels, interpret, levels, noise, on_chip};

const DT: f64 = 1e-3;

/// A model of an input, weights and neurons.
fn model(name: &str, weight: Array2<f32>, neurons: Node) -> PathBuf {
    let (outputs, inputs) = weight.dim();
    let nodes = [
        ("input", Node::Input(Input { shape: vec![inputs] })),
        ("fc", Node::Linear(Linear { weight: weight.into_dyn() })),
        ("n", neurons),
        ("output", Node::Output(Output { shape: vec![outputs] })),
    ];
    let edges = [("input", "fc"), ("fc", "n"), ("n", "output")];
    let graph = Graph {
        nodes: nodes.into_iter().map(|(name, node)| (name.to_owned(), node)).collect(),
        edges: edges.map(|(from, to)| (from.to_owned(), to.to_owned())).to_vec(),
    };
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("numerics_{name}.nir"));
    model_file::write(&graph, &file).unwrap();
    file
}

fn vector(values: &[f64]) -> ArrayD<f64> {
    ArrayD::from_shape_vec(IxDyn(&[values.len()]), values.to_vec()).unwrap()
}

fn options(reset: Reset) -> Options {
    let integrator = Some(Integrator::Euler);
    Options { dt: Some(DT), convention: Convention::Nir, integrator, reset: Some(reset), ..Options::default() }
}

/// Spikes of the neurons in the float network, the integers and the machine code.
fn spikes(file: &Path, options: &Options, input: &SpikeTrain) -> [Vec<u16>; 3] {
    let Levels { float, quantized, mut machine } = levels(file, options);
    [
        interpret(&mut s2c_interp::snn::Snn::new(&float).unwrap(), input, "n"),
        interpret(&mut s2c_interp::qsnn::Qsnn::new(&quantized).unwrap(), input, "n"),
        on_chip(&mut machine, input, "n"),
    ]
}

/// Codes of what a compile says.
fn codes(file: &Path, options: &Options) -> Vec<&'static str> {
    match driver::compile(&ir::context(), file, options, None, &Wishes::default()) {
        Ok((done, ..)) => done.warnings.iter().map(|warning| warning.code).collect(),
        Err(error) => vec![error.code],
    }
}

#[test]
fn rows_of_any_size_fire_as_they_do_alone() {
    for power in -7..=7 {
        let ratio = 10_f64.powi(power);
        let weight = ndarray::arr2(&[[ratio as f32, -ratio as f32 / 2.0], [1.0, 1.0], [0.5, ratio as f32]]);
        let thresholds = vector(&[ratio, 1.0, ratio.max(0.5)].map(|size| size * 1.234_567));
        let (ones, zeros) = (vector(&[1.0; 3]), vector(&[0.0; 3]));
        let neurons = Node::If(If { r: ones, v_threshold: thresholds, v_reset: zeros });
        let file = model(&format!("rows{power}"), weight, neurons);
        // Sums of the weights never meet a threshold exactly.
        let options = Options { convention: Convention::Norse, weight_bits: 16, ..options(Reset::Value) };
        let [float, integers, chip] = spikes(&file, &options, &noise(60, 2, 3));
        assert_eq!(integers, chip);
        assert!(float.iter().sum::<u16>() > 20);
        assert_eq!(float, integers, "rows 1e{power} apart");
    }
}

#[test]
fn two_rows_on_grids_of_their_own_are_not_rounded_away() {
    let weight = ndarray::arr2(&[[1e7_f32], [1.0]]);
    let (ones, zeros) = (vector(&[1.0; 2]), vector(&[0.0; 2]));
    let neurons = Node::If(If { r: ones, v_threshold: vector(&[1e6, 0.1]), v_reset: zeros });
    let file = model("grid", weight, neurons);
    let options = Options { convention: Convention::Norse, ..options(Reset::Value) };
    let [float, integers, chip] = spikes(&file, &options, &noise(30, 1, 3));
    assert_eq!((&float, &integers), (&integers, &chip));
    assert!(float.chunks(2).all(|tick| tick[0] == tick[1]) && float.iter().sum::<u16>() > 10);
    // One step for the network takes the second row, which is said.
    let network = Options { weight_scale: WeightScale::Network, ..options };
    assert!(codes(&file, &network).contains(&"weights-lost"));
}

fn lif(taus: &[f64], threshold: f64) -> Node {
    let all = |value: f64| vector(&vec![value; taus.len()]);
    Node::Lif(Lif { tau: vector(taus), r: all(1.0), v_leak: all(0.0), v_threshold: all(threshold), v_reset: all(0.0) })
}

#[test]
fn a_time_constant_of_any_length_leaks_and_never_becomes_an_integrator_of_gain_one() {
    // Of 1e17 ticks and more, 1 - dt / tau is 1.
    for tau in [1e2, 1e8, 1e13, 1e14, 1e20, 1e38] {
        let file = model(&format!("tau{tau:e}"), ndarray::arr2(&[[1.0_f32]]), lif(&[tau], 0.9));
        let levels = std::panic::catch_unwind(|| spikes(&file, &options(Reset::Value), &noise(50, 1, 1)));
        match levels {
            Ok([float, integers, chip]) => {
                assert_eq!(float.iter().sum::<u16>(), 0);
                assert_eq!((&float, &integers), (&integers, &chip), "tau {tau:e}");
            }
            Err(_) => assert_eq!(codes(&file, &options(Reset::Value)), ["neuron-too-wide"], "tau {tau:e}"),
        }
    }
}

#[test]
fn a_late_reset_of_which_nothing_would_be_left_is_refused_for_all_neurons() {
    // One tick, as float64 and as float32 writes it, and less.
    for (number, tau) in [1e-3, f64::from(1e-3_f32), 0.5e-3].into_iter().enumerate() {
        let all = || vector(&[tau]);
        let one = || vector(&[1.0]);
        let cuba = CubaLif {
            tau_syn: vector(&[5e-3]),
            tau_mem: all(),
            r: one(),
            w_in: one(),
            v_leak: vector(&[0.0]),
            v_threshold: one(),
            v_reset: vector(&[0.0]),
        };
        for (kind, node) in [("cuba", Node::CubaLif(cuba)), ("lif", lif(&[tau], 1.0))] {
            let file = model(&format!("late_{kind}{number}"), ndarray::arr2(&[[1.0_f32]]), node);
            let late =
                Options { reset_delay: Some(true), convention: Convention::Snntorch, ..options(Reset::Subtract) };
            assert_eq!(codes(&file, &late), ["late-reset"], "{kind} {tau}");
        }
    }
}

#[test]
fn slow_currents_keep_their_spikes() {
    for ticks in [1e1, 1e3, 1e5, 1e6] {
        let all = |value: f64| vector(&[value; 2]);
        // As strong as the time constants are long, so that some spikes are enough.
        let cuba = CubaLif {
            tau_syn: all(ticks * DT),
            tau_mem: all(ticks * DT),
            r: all(ticks),
            w_in: all(ticks),
            v_leak: all(0.0),
            v_threshold: all(20.0),
            v_reset: all(0.0),
        };
        let file = model(&format!("slow{ticks:e}"), ndarray::arr2(&[[1.0_f32, 0.3], [0.7, 0.9]]), Node::CubaLif(cuba));
        let options = Options { weight_bits: 16, ..options(Reset::Subtract) };
        let [float, integers, chip] = spikes(&file, &options, &noise(200, 2, 4));
        assert_eq!(integers, chip);
        let total = |spikes: &[u16]| spikes.iter().map(|&count| f64::from(count)).sum::<f64>();
        assert!(total(&float) > 20.0, "{ticks} ticks: {}", total(&float));
        let off = (total(&float) - total(&integers)).abs() / total(&float);
        assert!(off < 0.05, "{ticks} ticks: {} spikes, not {}", total(&integers), total(&float));
    }
}

#[test]
fn weights_of_zero_on_values_compile() {
    // Sums of nothing could have more fractional bits than any shift gives them.
    let file = model("zeros", Array2::zeros((2, 2)), lif(&[0.01, 0.02], 1.0));
    for limit in [1, 2, 8, 255] {
        let values = Options { input_kind: InputKind::Values, input_limit: limit, ..options(Reset::Value) };
        let codes = codes(&file, &values);
        assert!(!codes.contains(&"bad-ir") && codes.contains(&"never-fires"), "limit {limit}: {codes:?}");
    }
}

#[test]
fn neurons_that_cannot_fire_are_said() {
    let file = model("silent", ndarray::arr2(&[[0.5_f32], [5.0]]), lif(&[0.01, 0.01], 1.0));
    assert!(codes(&file, &options(Reset::Value)).contains(&"never-fires"));
    let file = model("lively", ndarray::arr2(&[[1.5_f32], [5.0]]), lif(&[0.01, 0.01], 1.0));
    assert!(!codes(&file, &options(Reset::Value)).contains(&"never-fires"));
}
