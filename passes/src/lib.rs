//! The passes of `s2c`: each takes a module of MLIR and gives a module, and is one file.
//!
//! [`PIPELINE`] is the whole compiler between importer and code generator, in order. The driver runs the entries one
//! after another, verifies the module after each and dumps it where asked to; a pass does none of that itself.
//! Passes are deterministic and do no I/O.

pub mod analysis;
pub mod buffer_allocation;
pub mod check;
pub mod connection_algebra;
pub mod connection_fusion;
pub mod core_partitioning;
pub mod discretization;
pub mod error_compensation;
pub mod key_allocation;
pub mod options;
pub mod placement;
pub mod retiming;
pub mod routing;
pub mod simplification;
pub mod target;
pub mod threshold_scaling;
pub mod weight_quantization;
pub mod width_narrowing;

use analysis::moments::Calibration;
use options::{Level, Options};
use s2c_dialects::{
    Context, Module,
    diagnostic::{Diagnostic, Result},
    graph::Network,
    ir, qsnn,
    s2k::{self, Program},
    snn,
};
use std::sync::Arc;
use target::Target;

/// What a pass may use besides the module.
pub struct Session<'c> {
    /// The context of all modules.
    pub context: &'c Context,
    /// The machine to compile for.
    pub target: Target,
    /// What the user is to be told although the compile goes on.
    pub warnings: Vec<Diagnostic>,
    /// What the float network's neurons receive on calibration data, where there is such data.
    pub calibration: Option<Arc<Calibration>>,
    /// What passes chose to do, for who asks.
    pub remarks: Vec<Remark>,
}

/// What a pass did, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The pass.
    pub pass: &'static str,
    /// What it did, in order.
    pub steps: Vec<String>,
    /// What that saves.
    pub saved: String,
}

impl<'c> Session<'c> {
    /// A session without calibration data, in which nothing has been said yet.
    pub fn new(context: &'c Context, target: Target) -> Self {
        Self { context, target, warnings: Vec::new(), calibration: None, remarks: Vec::new() }
    }
}

/// The dialect that a module holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Float network.
    Snn,
    /// Integer network.
    Qsnn,
    /// Program for PEs.
    S2k,
}

impl Phase {
    /// The dialect's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Snn => "snn",
            Self::Qsnn => "qsnn",
            Self::S2k => "s2k",
        }
    }

    /// The phase that a module is in.
    pub fn of(module: &Module<'_>) -> Result<Self> {
        if Network::<snn::Op>::is_in(module) {
            Ok(Self::Snn)
        } else if Network::<qsnn::Op>::is_in(module) {
            Ok(Self::Qsnn)
        } else if Program::is_in(module) {
            Ok(Self::S2k)
        } else {
            Err(Box::new(
                Diagnostic::error("wrong-level", "the module holds no network and no program")
                    .hint("the first op must be `snn.network`, `qsnn.network` or `s2k.program`"),
            ))
        }
    }
}

/// A pass.
pub struct Pass {
    /// Name on the command line, in file names and in test folders.
    pub name: &'static str,
    /// One line.
    pub description: &'static str,
    /// The phase of the module that it takes.
    pub takes: Phase,
    /// The phase of the module that it gives.
    pub gives: Phase,
    /// The lowest optimisation level that runs it.
    pub from: Level,
    /// The pass itself.
    pub run: for<'c> fn(&mut Session<'c>, Module<'c>) -> Result<Module<'c>>,
}

/// All passes in the order in which they run.
#[rustfmt::skip]
pub const PIPELINE: &[Pass] = &[
    // First, because nothing is known about a network in time before dt, integrator, reset and comparison are.
    Pass { name: "discretization", description: "Time step, integrator, reset and comparison of every neuron",
           takes: Phase::Snn, gives: Phase::Snn, from: Level::O0, run: discretization::run },
    // Equal ops can only be merged once they carry all their attributes.
    Pass { name: "simplification", description: "Dead and duplicate operations",
           takes: Phase::Snn, gives: Phase::Snn, from: Level::O1, run: simplification::run },
    // Before chains are composed one after another, because it knows cheaper ways to write them.
    Pass { name: "connection-algebra", description: "Connections written in the way that takes the least of a PE",
           takes: Phase::Snn, gives: Phase::Snn, from: Level::O2, run: connection_algebra::run },
    // Everything after it knows only connections on spikes.
    Pass { name: "connection-fusion", description: "Pooling moved into the connections behind it",
           takes: Phase::Snn, gives: Phase::Snn, from: Level::O0, run: connection_fusion::run },
    // Still in floats, so that the float interpreter can show that it changes nothing.
    Pass { name: "threshold-scaling", description: "Weights in units of their last bit, thresholds along with them",
           takes: Phase::Snn, gives: Phase::Snn, from: Level::O0, run: threshold_scaling::run },
    // Errors are those of the last bit, so it needs the scales; the float interpreter can still run what it gives.
    Pass { name: "error-compensation", description: "Errors of rounding that undo each other on calibration data",
           takes: Phase::Snn, gives: Phase::Snn, from: Level::O0, run: error_compensation::run },
    // The only place where floats become integers.
    Pass { name: "weight-quantization", description: "Integer weights and fixed-point neurons",
           takes: Phase::Snn, gives: Phase::Qsnn, from: Level::O0, run: weight_quantization::run },
    // Needs integer weights for its proofs; must come before memory is counted.
    Pass { name: "width-narrowing", description: "16-bit accumulators where they are proved to suffice",
           takes: Phase::Qsnn, gives: Phase::Qsnn, from: Level::O1, run: width_narrowing::run },
    // Delays on the chip decide how many accumulator slots a population needs, so it comes before partitioning.
    Pass { name: "retiming", description: "Start ticks that keep the network's timing on the chip",
           takes: Phase::Qsnn, gives: Phase::Qsnn, from: Level::O0, run: retiming::run },
    Pass { name: "core-partitioning", description: "Populations cut into slices that fit into a PE and a tick",
           takes: Phase::Qsnn, gives: Phase::S2k, from: Level::O0, run: core_partitioning::run },
    Pass { name: "placement", description: "A place on the grid for each PE",
           takes: Phase::S2k, gives: Phase::S2k, from: Level::O0, run: placement::run },
    // Sources that go the same ways get keys that one mask covers, which needs places.
    Pass { name: "key-allocation", description: "A block of keys for each source of packets",
           takes: Phase::S2k, gives: Phase::S2k, from: Level::O0, run: key_allocation::run },
    // Needs places and keys.
    Pass { name: "routing", description: "Router entries from each source to its targets",
           takes: Phase::S2k, gives: Phase::S2k, from: Level::O0, run: routing::run },
    // Last, because the size of a PE's tables depends on the keys that it receives.
    Pass { name: "buffer-allocation", description: "Addresses in each PE's memory",
           takes: Phase::S2k, gives: Phase::S2k, from: Level::O0, run: buffer_allocation::run },
];

/// The passes that look at calibration data, where there is any.
pub const CALIBRATED: &[&str] = &["threshold-scaling", "error-compensation"];

/// The pass of a name.
pub fn find(name: &str) -> Option<&'static Pass> {
    PIPELINE.iter().find(|pass| pass.name == name)
}

/// The passes that a level runs, in order.
pub fn pipeline(level: Level) -> impl Iterator<Item = &'static Pass> {
    PIPELINE.iter().filter(move |pass| pass.from.is_in(level))
}

/// Runs one pass and verifies what it gives.
pub fn run<'c>(pass: &Pass, session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let phase = Phase::of(&module)?;
    if phase != pass.takes {
        return Err(Box::new(
            Diagnostic::error("wrong-level", format!("`{}` takes a module of `{}`", pass.name, pass.takes.name()))
                .text(format!("This one holds `{}`.", phase.name()))
                .hint("`s2c passes` lists what each pass takes and gives"),
        ));
    }
    let module = (pass.run)(session, module)?;
    verify(session.context, &module, pass.gives)?;
    Ok(module)
}

/// Checks everything that a module of `phase` must hold.
pub fn verify(context: &Context, module: &Module<'_>, phase: Phase) -> Result<()> {
    ir::verify(context, module)?;
    match phase {
        Phase::Snn => snn::verify(&snn::Network::read(module)?),
        Phase::Qsnn => qsnn::verify(&qsnn::Network::read(module)?),
        Phase::S2k => s2k::verify(&Program::read(module)?),
    }
}

/// The options that a module carries.
pub fn options_of(module: &Module<'_>) -> Result<Options> {
    let map = match Phase::of(module)? {
        Phase::Snn => snn::Network::read(module)?.options,
        Phase::Qsnn => qsnn::Network::read(module)?.options,
        Phase::S2k => Program::read(module)?.options,
    };
    Options::from_map(&map)
}
