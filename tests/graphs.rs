//! Random valid NIR graphs: every primitive, branches, joins, loops, odd names. Each is written, read back, and run at
//! all levels: machine code and integer interpreter agree in every cell, and 16-bit integers follow the float network. Each
//! is also written as it will run (`--emit nir`) and read again.

#[path = "graphs/maker.rs"]
mod maker;
mod support;

use maker::{DT, Random, graph};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use s2c::{
    data::{Cell, Train},
    frontend::model_file,
    levels::{self, Descent},
    sink::Quiet,
    tools::{
        machine::{Machine, Time, Wish},
        recording::Quantity,
    },
};
use s2c_dialects::{graph::Network, ir, qsnn, snn};
use s2c_interp::Interpreter;
use s2c_nir::Node;
use s2c_passes::options::{Convention, InputKind, Level, Options, State};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

/// Graphs per run of the suite.
const GRAPHS: u32 = 500;
/// Where the seeds of a run come from.
const SEED: u64 = 1;
const TICKS: usize = 12;
/// Spikes or values of each input by its name: ticks x neurons.
type Inputs = BTreeMap<String, Vec<Vec<f32>>>;

/// The inputs of a network in the order in which an interpreter takes them.
fn names<O>(network: &Network<O>, input: impl Fn(&O) -> bool) -> Vec<String> {
    network.nodes.iter().filter(|node| input(&node.op)).map(|node| node.name.clone()).collect()
}

/// What each population handed on, tick by tick.
fn interpret(
    interpreter: &mut dyn Interpreter,
    order: &[String],
    inputs: &Inputs,
    nodes: &[(String, Vec<usize>)],
) -> Vec<Vec<f64>> {
    let indices: Vec<usize> = nodes.iter().map(|(name, _)| interpreter.find(name).unwrap()).collect();
    let mut values = vec![Vec::new(); nodes.len()];
    let given: Vec<&Vec<Vec<f32>>> = order.iter().map(|name| &inputs[name]).collect();
    for tick in 0..TICKS {
        let wide = |train: &&Vec<Vec<f32>>| train[tick].iter().map(|&value| value.into()).collect();
        let given: Vec<Vec<f64>> = given.iter().map(wide).collect();
        interpreter.step_values(&given.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap();
        for (values, &index) in values.iter_mut().zip(&indices) {
            values.extend(interpreter.values(index));
        }
    }
    values
}

fn interpret_float(network: &snn::Network, inputs: &Inputs, nodes: &[(String, Vec<usize>)]) -> Vec<Vec<f64>> {
    let order = names(network, |op| matches!(op, snn::Op::Input(_)));
    interpret(&mut s2c_interp::snn::Snn::new(network).unwrap(), &order, inputs, nodes)
}

fn interpret_integers(network: &qsnn::Network, inputs: &Inputs, nodes: &[(String, Vec<usize>)]) -> Vec<Vec<f64>> {
    let order = names(network, |op| matches!(op, qsnn::Op::Input(_)));
    interpret(&mut s2c_interp::qsnn::Qsnn::new(network).unwrap(), &order, inputs, nodes)
}

/// The inputs in the order in which the machine takes them.
fn trains<T: Cell>(machine: &Machine, inputs: &Inputs) -> Vec<Train<T>> {
    let train = |name: &String| {
        let mut train = Train::builder(&[inputs[name][0].len()]).unwrap();
        let cells = |tick: &Vec<f32>| tick.iter().map(|&value| T::of(value.into()).unwrap()).collect::<Vec<T>>();
        inputs[name].iter().for_each(|tick| train.push_tick(&cells(tick)));
        train.finish()
    };
    machine.binary().manifest.inputs.iter().map(|input| train(&input.node)).collect()
}

/// Cells of feed-forward graphs, and those in which float and 16-bit integers differ.
static CELLS: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
/// Graphs that were refused.
static TOO_WIDE: AtomicU64 = AtomicU64::new(0);

fn levels_agree(seed: u64, steps: usize) {
    let (graph, mut nodes, has_loop) = graph(seed, steps);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("graph{seed:x}_{steps}.nir"));
    model_file::write(&graph, &file).unwrap();
    assert_eq!(model_file::read(&file).unwrap().graph.edges, graph.edges);
    let mut random = Random(seed ^ 1);
    let level = [Level::O0, Level::O1, Level::O2][random.below(3)];
    let limit = if random.one_in(4) { 3 } else { 1 };
    let options = Options {
        level,
        dt: Some(DT),
        convention: [Convention::Norse, Convention::Sinabs][random.below(2)],
        input_kind: if random.one_in(4) { InputKind::Values } else { InputKind::Spikes },
        input_limit: limit,
        weight_bits: [8, 16][random.below(2)].into(),
        state: if random.one_in(4) { State::F32 } else { State::Fixed },
        ..Options::default()
    };
    let mut inputs = Inputs::new();
    for (name, node) in &graph.nodes {
        let Node::Input(input) = node else { continue };
        let width: usize = input.shape.iter().product();
        let mut cell = || match options.input_kind {
            _ if !random.one_in(3) => 0.0,
            InputKind::Spikes => random.between(1, limit.into()) as f32,
            InputKind::Values => f32::from(limit) * (random.between(0, 2000) as f32 / 1000.0 - 1.0),
        };
        inputs.insert(name.clone(), (0..TICKS).map(|_| (0..width).map(|_| cell()).collect()).collect());
    }
    let fail = |error: Box<s2c_dialects::diagnostic::Diagnostic>| -> ! { panic!("seed {seed} steps {steps}: {error}") };
    let network = match support::integers(&file, &options) {
        Ok(network) => network,
        // Integrators of integrators: spikes and values too large for one sum.
        Err(error) if error.code == "neuron-too-wide" => {
            TOO_WIDE.fetch_add(1, Ordering::Relaxed);
            return;
        }
        Err(error) => fail(error),
    };
    let binary = support::binary(&file, &options, support::target(), &Quiet).unwrap_or_else(|error| fail(error));
    // What leads nowhere is left out above -O0.
    let integers = s2c_interp::qsnn::Qsnn::new(&network).unwrap();
    nodes.retain(|(name, _)| level == Level::O0 || integers.find(name).is_some());
    let expected = interpret_integers(&network, &inputs, &nodes);
    // Neurons that hand on values are not written.
    if !network.nodes.iter().any(|node| node.op.is_neuron() && node.op.fraction().is_some()) {
        reads_back(&file, &options, &inputs, &nodes, &expected);
    }
    let mut machine = Machine::load(binary).unwrap();
    let wishes: Vec<Wish> =
        nodes.iter().map(|(node, _)| Wish { node: node.clone(), quantity: Quantity::Spikes }).collect();
    // Retiming may have made a loop slower, in both; the interpreter runs what came out of it.
    let recordings = match options.input_kind {
        InputKind::Spikes => machine.run_all(&trains::<u16>(&machine, &inputs), &wishes, Time::Network),
        InputKind::Values => machine.run_all(&trains::<f32>(&machine, &inputs), &wishes, Time::Network),
    };
    let recordings = recordings.unwrap_or_else(|error| fail(error));
    for (((node, shape), expected), recording) in nodes.iter().zip(&expected).zip(recordings) {
        assert!(recording.shape() == *shape, "seed {seed} steps {steps}: `{node}` has shape {:?}", recording.shape());
        assert!(recording.numbers() == *expected, "seed {seed} steps {steps}: `{node}` differs on the chip");
    }
    if has_loop || options.weight_bits.all < 16 {
        return;
    }
    let float = support::float(&file, &options).unwrap();
    let float = interpret_float(&float, &inputs, &nodes);
    for (float, integer) in float.iter().zip(&expected) {
        // Spikes, or values by more than a few per cent.
        let differs = |(a, b): &(&f64, &f64)| (*a - *b).abs() > 0.03 * a.abs().max(1.0);
        let differing = float.iter().zip(integer).filter(differs).count();
        CELLS[0].fetch_add(float.len() as u64, Ordering::Relaxed);
        CELLS[1].fetch_add(differing as u64, Ordering::Relaxed);
    }
}

/// Cells of graphs that were written as they run and read again: all, those whose integers differ, those in which their
/// float network differs; and graphs that NIR can't express.
static EXPORTED: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

/// The integer network written as NIR, and compiled again, gives the same spikes; so does its float network.
fn reads_back(
    file: &Path,
    options: &Options,
    inputs: &Inputs,
    populations: &[(String, Vec<usize>)],
    expected: &[Vec<f64>],
) {
    let context = ir::context();
    let source = support::open(&context, file);
    let setup = support::setup(&source, options);
    let exported =
        Descent::begin(&context, &source, &setup).and_then(|mut descent| levels::to_nir(&mut descent, &source));
    let (graph, choices) = match exported {
        Ok(exported) => exported,
        Err(error) if error.code == "not-in-nir" => {
            EXPORTED[3].fetch_add(1, Ordering::Relaxed);
            return;
        }
        Err(error) => panic!("{}: {error}", file.display()),
    };
    let again = file.with_extension("again.nir");
    // Names of nodes within subgraphs are paths, which a name in a file can't hold.
    let populations: Vec<_> = populations.iter().map(|(name, shape)| (name.replace('/', "."), shape.clone())).collect();
    let populations = &populations[..];
    model_file::write_with(&graph, &choices, &again).unwrap();
    // Time and rules come from the file.
    let options = Options { dt: None, convention: Convention::Nir, ..options.clone() };
    let fail = |error| -> ! { panic!("{}: {error}", again.display()) };
    let integers = support::integers(&again, &options).unwrap_or_else(|error| fail(error));
    let integers = interpret_integers(&integers, inputs, populations);
    let float = support::float(&again, &options).unwrap();
    let float = interpret_float(&float, inputs, populations);
    for ((expected, integers), float) in expected.iter().zip(&integers).zip(&float) {
        let differing = |other: &[f64]| expected.iter().zip(other).filter(|(a, b)| a != b).count() as u64;
        EXPORTED[0].fetch_add(expected.len() as u64, Ordering::Relaxed);
        EXPORTED[1].fetch_add(differing(integers), Ordering::Relaxed);
        EXPORTED[2].fetch_add(differing(float), Ordering::Relaxed);
    }
}

#[test]
fn all_levels_agree_on_random_graphs() {
    let config = Config { cases: GRAPHS, failure_persistence: None, ..Config::default() };
    let seed = std::env::var("S2C_GRAPH_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(SEED);
    println!("{GRAPHS} graphs from seed {seed}; S2C_GRAPH_SEED gives others; a failure prints its own seed and steps");
    let mut random = Random(seed);
    let bytes: Vec<u8> = (0..4).flat_map(|_| random.next().to_le_bytes()).collect();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let strategy = (any::<u64>(), 0usize..9);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&strategy, |(seed, steps)| {
        levels_agree(seed, steps);
        Ok(())
    });
    let [cells, differing] = [0, 1].map(|index| CELLS[index].load(Ordering::Relaxed));
    println!("float and 16-bit integers differ in {differing} of {cells} cells of feed-forward graphs");
    let [written, integers, float, inexpressible] = [0, 1, 2, 3].map(|i| EXPORTED[i].load(Ordering::Relaxed));
    println!(
        "written as they run and read again: {integers} (as integers), {float} (as float) of {written} cells differ"
    );
    println!("{inexpressible} graphs can't be written");
    assert!(written > 20_000 && (integers + float) * 1000 < written, "{integers} and {float} of {written} cells");
    assert!(inexpressible * 5 < u64::from(GRAPHS), "{inexpressible} graphs");
    result.unwrap_or_else(|error| panic!("{error}"));
    let refused = TOO_WIDE.load(Ordering::Relaxed);
    assert!(20 * refused < u64::from(GRAPHS), "{refused} graphs were refused");
    assert!(cells > 10_000 && differing * 100 < cells, "{differing} of {cells} cells");
}
