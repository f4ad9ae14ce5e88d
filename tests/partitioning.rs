//! Slices that `core-partitioning` takes to fit do fit: what it reckons of a PE before there are keys is what
//! `buffer-allocation` takes.

#[path = "graphs/maker.rs"]
mod maker;

use maker::graph;
use ndarray::{ArrayD, IxDyn};
use s2c::frontend::import;
use s2c_dialects::{diagnostic::Result, ir, s2k::Program};
use s2c_nir::{
    Graph, Model, Node,
    conv::{Conv, Padding},
    linear::Scale,
    neuron::Lif,
    port,
    signal::{Delay, Threshold},
};
use s2c_passes::{
    analysis::{
        memory,
        shared::{Analyses, Analysis},
        tables::{self, AllTables},
    },
    options::{Convention, Level, Options, State},
    session::{self, Phase, Session},
    target::Target,
};
use s2c_tests::Random;
use std::collections::BTreeSet;

const DT: f64 = 1e-3;
const GRAPHS: u64 = 300;
/// Bytes of an entry of the dispatch table.
const ENTRY: i64 = 16;
/// Bytes of SRAM for data and code, so few that most populations are cut.
const SMALL: [u32; 2] = [10_240, 16_384];

/// The programs that partitioning and all passes give.
fn compile(graph: Graph, options: &Options, target: &Target) -> Result<[Program; 2]> {
    let context = ir::context();
    let (notes, warnings, choices) = Default::default();
    let model = Model { graph, version: None, notes, warnings, choices };
    let mut module = import::import_model(&context, model, "network", options, &mut Vec::new())?;
    let mut session = Session::new(&context, target.clone());
    let mut partitioned = None;
    for pass in s2c_passes::pipeline(options.level) {
        module = session::run(pass, &mut session, module)?;
        if pass.gives == Phase::S2k && partitioned.is_none() {
            partitioned = Some(Program::read(&module)?);
        }
    }
    Ok([partitioned.unwrap(), Program::read(&module)?])
}

/// Compares the bytes of all PEs, to the byte but for entries of the dispatch table: how many it has follows from keys.
fn compare([partitioned, finished]: &[Program; 2], target: &Target) {
    let packet_bytes = tables::packet_bytes(partitioned.takes_values());
    let (code, ring) = (i64::from(target.memory.code_bytes), i64::from(tables::ring_bytes(0, packet_bytes)));
    let AllTables(all_tables) = AllTables::of(finished, target, &mut Analyses::default()).unwrap();
    for ((before, after), tables) in partitioned.pes.iter().zip(&finished.pes).zip(&all_tables) {
        let taken = after.ring().unwrap().address.unwrap();
        assert_eq!(memory::lay_out(before, code + i64::from(tables.bytes)).1, taken, "`{}`", after.name);
        let sources: BTreeSet<&String> = before.blocks.iter().map(|block| &block.head.source).collect();
        let spare = (2 * sources.len()).next_power_of_two() as i64 - tables.dispatch.entries.len() as i64;
        let reckoned = i64::from(tables::bytes_without_keys(before).unwrap());
        assert_eq!(reckoned - i64::from(tables.bytes), spare * ENTRY, "`{}`", after.name);
        assert!(spare >= 0, "`{}` has {spare} entries too many", after.name);
        assert!(memory::needed(before, target.memory.code_bytes, packet_bytes).unwrap() >= taken - code + ring);
    }
}

#[test]
fn what_partitioning_reckons_is_what_allocation_takes() {
    let text = include_str!("../compiler/targets/spinnaker2.toml");
    let (mut pes, mut refused) = (0, 0);
    for seed in 0..GRAPHS {
        let mut random = Random(seed ^ 1);
        let bytes = format!("sram_bytes = {}", SMALL[random.below(2)]);
        let target = Target::parse(&text.replace("sram_bytes = 131072", &bytes), "small.toml").unwrap();
        let options = Options {
            level: [Level::O0, Level::O1, Level::O2, Level::Os][random.below(4)],
            dt: Some(DT),
            convention: [Convention::Norse, Convention::Sinabs][random.below(2)],
            weight_bits: [2, 8, 16][random.below(3)],
            state: if random.one_in(4) { State::F32 } else { State::Fixed },
            ..Options::default()
        };
        match compile(graph(seed, 3 + random.below(12)).0, &options, &target) {
            Ok(programs) => {
                compare(&programs, &target);
                pes += programs[1].pes.len();
            }
            Err(error) => {
                assert_ne!(error.code, "pe-memory-overflow", "seed {seed}: {error}");
                refused += 1;
            }
        }
    }
    println!("{pes} PEs; {refused} graphs of {GRAPHS} refused");
    assert!(refused < GRAPHS / 10, "{refused} graphs are refused");
}

/// A map of one channel behind delays of its own for each neuron: padded to four channels, its matrices would take sixteen
/// times their bytes.
#[test]
fn a_map_that_no_convolution_touches_is_not_padded() {
    let shape = [1, 8, 8];
    let all = |value: f64| ArrayD::from_elem(IxDyn(&shape), value);
    let delay = ArrayD::from_shape_fn(IxDyn(&shape), |index| ((index[1] * 5 + index[2] * 3) % 6) as f64 * DT);
    let conv = Conv {
        input_shape: Some([8, 8]),
        weight: ArrayD::from_elem(IxDyn(&[1, 1, 1, 1]), 0.7),
        stride: [1, 1],
        padding: Padding::Fixed([0, 0]),
        dilation: [1, 1],
        groups: 1,
        bias: ArrayD::zeros(IxDyn(&[1])),
    };
    let lif = Lif { tau: all(0.01), r: all(1.0), v_leak: all(0.0), v_threshold: all(1.0), v_reset: all(0.0) };
    let nodes = [
        ("input", Node::Input(port::Input { shape: shape.to_vec() })),
        ("scale", Node::Scale(Scale { scale: ArrayD::from_elem(IxDyn(&shape), 1.0) })),
        ("threshold", Node::Threshold(Threshold { threshold: all(0.5) })),
        ("delay", Node::Delay(Delay { delay })),
        ("conv", Node::Conv2d(conv)),
        ("lif", Node::Lif(lif)),
        ("output", Node::Output(port::Output { shape: shape.to_vec() })),
    ];
    let edges = nodes.windows(2).map(|pair| (pair[0].0.to_owned(), pair[1].0.to_owned())).collect();
    let graph = Graph { nodes: nodes.iter().map(|(name, node)| ((*name).to_owned(), node.clone())).collect(), edges };
    let target = Target::parse(include_str!("../compiler/targets/spinnaker2.toml"), "spinnaker2.toml").unwrap();
    for level in [Level::O0, Level::O2] {
        let options = Options { level, dt: Some(DT), convention: Convention::Norse, ..Options::default() };
        let programs = compile(graph.clone(), &options, &target).unwrap();
        compare(&programs, &target);
        assert_eq!(programs[1].pes.len(), 2, "a PE for each population");
    }
}
