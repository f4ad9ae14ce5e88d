//! Import and partitioning take time in proportion to a network's populations and edges.

use ndarray::{ArrayD, IxDyn};
use s2c::{
    driver::{Compile, Wishes},
    frontend::model_file,
};
use s2c_dialects::ir;
use s2c_nir::{Graph, Node, linear::Linear, neuron::If, port};
use s2c_passes::{
    options::{Convention, Level, Options},
    session::Phase,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

/// Populations of the smaller network; the larger one has twice as many.
const POPULATIONS: usize = 1000;
const NEURONS: usize = 4;
/// The steps that are compared.
const LINEAR: [&str; 2] = ["import", "core-partitioning"];
/// How much longer the larger one may take.
const RATIO: f64 = 2.5;
/// Runs at least, and at most where other work on the machine disturbs them.
const RUNS: [usize; 2] = [5, 25];

/// A chain of populations, each with a loop of its own.
fn chain(populations: usize) -> Graph {
    let shape = vec![NEURONS];
    let all = |value: f64| ArrayD::from_elem(IxDyn(&shape), value);
    let neuron = If { r: all(1.0), v_threshold: all(1.0), v_reset: all(0.0) };
    let weight = ArrayD::from_shape_fn(IxDyn(&[NEURONS; 2]), |index| (index[0] * 3 + index[1]) as f32 * 0.1 - 0.5);
    let mut graph = Graph::default();
    graph.nodes.insert("input".to_owned(), Node::Input(port::Input { shape: shape.clone() }));
    let mut before = "input".to_owned();
    for number in 0..populations {
        let names = ["w", "n", "r"].map(|kind| format!("{kind}{number}"));
        let [forward, population, back] = names.clone();
        let nodes = [Node::Linear(Linear { weight: weight.clone() }), Node::If(neuron.clone())];
        graph.nodes.extend(names.into_iter().zip(nodes.iter().chain(&nodes[..1]).cloned()));
        let edges = [(before, forward.clone()), (forward, population.clone()), (population.clone(), back.clone())];
        graph.edges.extend(edges);
        graph.edges.push((back, population.clone()));
        before = population;
    }
    graph.nodes.insert("output".to_owned(), Node::Output(port::Output { shape }));
    graph.edges.push((before, "output".to_owned()));
    graph
}

/// The time of each step up to core-partitioning.
fn times(file: &Path, level: Level) -> BTreeMap<&'static str, Duration> {
    let options = Options { level, dt: Some(1e-3), convention: Convention::Norse, ..Options::default() };
    let context = ir::context();
    let target = s2c::targets::load("spinnaker2-board48").unwrap();
    let passes = s2c_passes::pipeline(level).filter(|pass| pass.takes < Phase::S2k);
    let start = Compile::start(&context, file, &options).unwrap();
    let done = start.run(&context, &target, passes, &Wishes::default()).unwrap();
    done.steps.iter().map(|step| (step.name, step.time)).collect()
}

/// Compares the least times of each step, of several runs.
fn is_linear(files: &[PathBuf; 2], level: Level) {
    let mut least: [BTreeMap<&str, Duration>; 2] = Default::default();
    for run in 1.. {
        for (least, file) in least.iter_mut().zip(files) {
            for (step, time) in times(file, level) {
                least.entry(step).and_modify(|least| *least = time.min(*least)).or_insert(time);
            }
        }
        let ratio = |step: &str| least[1][step].as_secs_f64() / least[0][step].as_secs_f64();
        if run >= RUNS[0] && LINEAR.iter().all(|step| ratio(step) <= RATIO) {
            least[1].iter().for_each(|(step, time)| println!("-O{level} {step} {time:.1?}, {:.2} times", ratio(step)));
            return;
        }
        assert!(run < RUNS[1], "-O{level}: {:?} of {least:?}", LINEAR.map(ratio));
    }
}

#[test]
fn import_and_partitioning_are_linear_in_populations_and_edges() {
    let files = [POPULATIONS, 2 * POPULATIONS].map(|populations| {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chain{populations}.nir"));
        model_file::write(&chain(populations), &file).unwrap();
        file
    });
    is_linear(&files, Level::O0);
    is_linear(&files, Level::O2);
}
