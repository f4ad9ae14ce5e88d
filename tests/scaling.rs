//! Import takes time in proportion to a network's populations and edges.

mod support;

use ndarray::{ArrayD, IxDyn};
use s2c::{driver::Compile, frontend::model_file};
use s2c_dialects::ir;
use s2c_nir::{Graph, Node, linear::Linear, neuron::Lif, port};
use s2c_passes::options::{Convention, Options};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// Populations of the smaller network; the larger one has twice as many.
const POPULATIONS: usize = 1000;
const NEURONS: usize = 4;
/// How much longer the larger one may take.
const RATIO: f64 = 2.5;
/// Runs at least, and at most where other work on the machine disturbs them.
const RUNS: [usize; 2] = [5, 25];

/// A chain of populations, each with a loop of its own.
fn chain(populations: usize) -> Graph {
    let shape = vec![NEURONS];
    let all = |value: f64| ArrayD::from_elem(IxDyn(&shape), value);
    let lif = Lif { tau: all(0.01), r: all(1.0), v_leak: all(0.0), v_threshold: all(1.0), v_reset: all(0.0) };
    let weight = ArrayD::from_shape_fn(IxDyn(&[NEURONS; 2]), |index| (index[0] * 3 + index[1]) as f32 * 0.1 - 0.5);
    let mut graph = Graph::default();
    graph.nodes.insert("input".to_owned(), Node::Input(port::Input { shape: shape.clone() }));
    let mut before = "input".to_owned();
    for number in 0..populations {
        let names = ["w", "n", "r"].map(|kind| format!("{kind}{number}"));
        let [forward, population, back] = names.clone();
        let nodes = [Node::Linear(Linear { weight: weight.clone() }), Node::Lif(lif.clone())];
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

/// The time of each step.
fn times(file: &Path) -> BTreeMap<&'static str, Duration> {
    let options = Options { dt: Some(1e-3), convention: Convention::Norse, ..Options::default() };
    let context = ir::context();
    let source = support::open(&context, file);
    let done = Compile::start(&context, &source, &support::setup(&source, &options)).unwrap();
    done.steps.iter().map(|step| (step.name, step.time)).collect()
}

#[test]
fn import_is_linear_in_populations_and_edges() {
    let files = [POPULATIONS, 2 * POPULATIONS].map(|populations| {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chain{populations}.nir"));
        model_file::write(&chain(populations), &file).unwrap();
        file
    });
    let mut least: [BTreeMap<&str, Duration>; 2] = Default::default();
    for run in 1.. {
        for (least, file) in least.iter_mut().zip(&files) {
            for (step, time) in times(file) {
                least.entry(step).and_modify(|least| *least = time.min(*least)).or_insert(time);
            }
        }
        let ratio = |step: &str| least[1][step].as_secs_f64() / least[0][step].as_secs_f64();
        if run >= RUNS[0] && ratio("import") <= RATIO {
            least[1].iter().for_each(|(step, time)| println!("{step} {time:.1?}, {:.2} times", ratio(step)));
            return;
        }
        assert!(run < RUNS[1], "{least:?}");
    }
}
