//! The hand-over to the vendor's programs: what they do equals the integer interpreter, which equals the machine code.
//! `board.py` runs what is written for a board on a stand-in of the vendor's package.

mod support;

use s2c::{
    data::{DataSet, Layout, SpikeTrain},
    frontend::model_file,
    tools::spinnaker2::{self, Kind, Plan, Simulation, Synapses},
};
use s2c_dialects::{attribute::Reset, qsnn};
use s2c_interp::qsnn::Qsnn;
use s2c_nir::{
    Graph, Node,
    linear::Linear,
    neuron::If,
    port::{Input, Output},
    signal::Delay,
};
use s2c_passes::options::{Convention, Options, State};
use std::path::Path;
use support::{differing, example, levels, noise, options, values};

/// A network in the vendor's programs, and as it was before.
fn lower(model: &Path, options: Options) -> (Plan, qsnn::Network) {
    let network = levels(model, &Options { state: State::F32, vendor: true, ..options }).quantized;
    (spinnaker2::lower(&network).unwrap(), network)
}

/// All populations do the same in all ticks of the network; gives the number of spikes.
fn same_spikes((plan, network): &(Plan, qsnn::Network), input: &SpikeTrain) -> usize {
    let cells = spinnaker2::cells(input, "input").unwrap();
    let raster = Simulation::new(plan).run(&[cells]);
    let mut spikes = 0;
    for (cell, found) in plan.cells.iter().zip(&raster.cells) {
        let Kind::Neurons(_) = cell.kind else { continue };
        let expected = values(&mut Qsnn::new(network).unwrap(), input, &cell.name);
        let first = cell.first * cell.size;
        let found: Vec<f64> = found[first..first + expected.len()].iter().map(|&spike| spike.into()).collect();
        assert_eq!(differing(&found, &expected), 0, "{}", cell.name);
        spikes += expected.iter().filter(|&&spike| spike != 0.0).count();
    }
    spikes
}

fn sample(file: &str) -> SpikeTrain {
    DataSet::open(&example(file), None, Layout::Samples).unwrap().sample(3).unwrap()
}

#[test]
fn biases_behind_synapses_are_sources_that_always_fire() {
    let norse = options(1e-3, Convention::Norse, Some(Reset::Subtract));
    let digits = lower(&example("digits/digits.nir"), norse);
    let sources = digits.0.cells.iter().filter(|cell| cell.kind == Kind::Always);
    assert_eq!(sources.map(|cell| cell.first).collect::<Vec<_>>(), [0, 1], "a tick before their populations");
    assert!(same_spikes(&digits, &sample("digits/test.npz")) > 50);
}

#[test]
fn convolutions_stay_kernels() {
    let euler = Some(s2c_passes::options::Integrator::Euler);
    let vendor = Options { integrator: euler.into(), ..options(1e-3, Convention::Spinnaker2, None) };
    let gesture = lower(&example("gesture/gesture.nir"), vendor);
    let kernels = gesture.0.projections.iter().filter(|p| matches!(p.synapses, Synapses::Kernel(..))).count();
    assert_eq!(kernels, 3);
    assert!(same_spikes(&gesture, &sample("gesture/test.npz")) > 1000);
}

#[test]
fn delays_are_relays() {
    let all = |value: f64| ndarray::ArrayD::from_elem(vec![6], value);
    let weight = || ndarray::ArrayD::from_shape_fn(vec![6, 6], |at| if at[0] == at[1] { 2.0 } else { 0.5 });
    let neurons = || If { r: all(1.0), v_threshold: all(3.0), v_reset: all(0.0) };
    let nodes = [
        ("input", Node::Input(Input { shape: vec![6] })),
        ("fc1", Node::Linear(Linear { weight: weight() })),
        ("early", Node::If(neurons())),
        ("delay", Node::Delay(Delay { delay: all(4e-3) })),
        ("fc2", Node::Linear(Linear { weight: weight() })),
        ("late", Node::If(neurons())),
        ("output", Node::Output(Output { shape: vec![6] })),
    ];
    let edges =
        [("input", "fc1"), ("fc1", "early"), ("early", "delay"), ("delay", "fc2"), ("fc2", "late"), ("late", "output")];
    let graph = Graph {
        nodes: nodes.into_iter().map(|(name, node)| (name.to_owned(), node)).collect(),
        edges: edges.map(|(from, to)| (from.to_owned(), to.to_owned())).to_vec(),
    };
    let model = Path::new(env!("CARGO_TARGET_TMPDIR")).join("relays.nir");
    model_file::write(&graph, &model).unwrap();
    let network = lower(&model, options(1e-3, Convention::Spinnaker2, Some(Reset::Subtract)));
    let relays = network.0.cells.iter().filter(|cell| matches!(cell.kind, Kind::Relay(_))).count();
    assert_eq!(relays, 3, "four ticks, one of which the hop takes");
    assert!(same_spikes(&network, &noise(200, 6, 5)) > 100);
}
