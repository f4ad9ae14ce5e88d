//! The passes of `s2c`: each takes a module of MLIR and gives a module, and is one file.
//!
//! [`PIPELINE`] is the whole compiler between importer and code generator, in order. The driver runs the entries one
//! after another, verifies the module after each and dumps it where asked to; a pass does none of that itself.
//! Passes are deterministic and do no I/O.

pub mod analysis;
pub mod check;
pub mod option_spec;
pub mod options;
pub mod qsnn;
pub mod registry;
pub mod s2k;
pub mod session;
pub mod snn;
pub mod target;

use options::Level;
use session::{Pass, Phase};

/// All passes in the order in which they run.
#[rustfmt::skip]
pub const PIPELINE: &[Pass] = &[
    // First, because nothing is known about a network in time before dt, integrator, reset and comparison are.
    Pass { name: "discretization", description: "Time step, integrator, reset and comparison of every neuron",
           takes: Phase::Snn, gives: Phase::Snn, from: Level::O0, options: snn::discretization::OPTIONS,
           run: snn::discretization::run },
    // Equal ops can only be merged once they carry all their attributes.
    Pass { name: "simplification", description: "Dead and duplicate operations",
           takes: Phase::Snn, gives: Phase::Snn, from: Level::O1, options: snn::simplification::OPTIONS,
           run: snn::simplification::run },
    // Before chains are composed one after another, because it knows cheaper ways to write them.
    Pass { name: "connection-algebra", description: "Connections written in the way that takes the least of a PE",
           takes: Phase::Snn, gives: Phase::Snn, from: Level::O2, options: snn::connection_algebra::OPTIONS,
           run: snn::connection_algebra::run },
    // Everything after it knows only connections on spikes.
    Pass { name: "connection-fusion", description: "Pooling moved into the connections behind it",
           takes: Phase::Snn, gives: Phase::Snn, from: Level::O0, options: &[],
           run: snn::connection_fusion::run },
    // Still in floats, so that the float interpreter can show that it changes nothing.
    Pass { name: "threshold-scaling", description: "Weights in units of their last bit, thresholds along with them",
           takes: Phase::Snn, gives: Phase::Snn, from: Level::O0, options: snn::threshold_scaling::OPTIONS,
           run: snn::threshold_scaling::run },
    // Errors are those of the last bit, so it needs the scales; the float interpreter can still run what it gives.
    Pass { name: "error-compensation", description: "Errors of rounding that undo each other on calibration data",
           takes: Phase::Snn, gives: Phase::Snn, from: Level::O0, options: snn::error_compensation::OPTIONS,
           run: snn::error_compensation::run },
    // The only place where floats become integers.
    Pass { name: "weight-quantization", description: "Integer weights and fixed-point neurons",
           takes: Phase::Snn, gives: Phase::Qsnn, from: Level::O0, options: qsnn::weight_quantization::OPTIONS,
           run: qsnn::weight_quantization::run },
    // Needs integer weights for its proofs; must come before memory is counted.
    Pass { name: "width-narrowing", description: "16-bit accumulators where they are proved to suffice",
           takes: Phase::Qsnn, gives: Phase::Qsnn, from: Level::O1, options: qsnn::width_narrowing::OPTIONS,
           run: qsnn::width_narrowing::run },
    // Delays on the chip decide how many accumulator slots a population needs, so it comes before partitioning.
    Pass { name: "retiming", description: "Start ticks that keep the network's timing on the chip",
           takes: Phase::Qsnn, gives: Phase::Qsnn, from: Level::O0, options: &[],
           run: qsnn::retiming::run },
    // Knows by then which populations start after tick 0.
    Pass { name: "vendor-rounding", description: "Parameters that the vendor's programs can have",
           takes: Phase::Qsnn, gives: Phase::Qsnn, from: Level::O0, options: qsnn::vendor_rounding::OPTIONS,
           run: qsnn::vendor_rounding::run },
    Pass { name: "core-partitioning", description: "Populations cut into slices that fit into a PE and a tick",
           takes: Phase::Qsnn, gives: Phase::S2k, from: Level::O0, options: s2k::core_partitioning::OPTIONS,
           run: s2k::core_partitioning::run },
    Pass { name: "placement", description: "A place on the grid for each PE",
           takes: Phase::S2k, gives: Phase::S2k, from: Level::O0, options: s2k::placement::OPTIONS,
           run: s2k::placement::run },
    // Sources that go the same ways get keys that one mask covers, which needs places.
    Pass { name: "key-allocation", description: "A block of keys for each source of packets",
           takes: Phase::S2k, gives: Phase::S2k, from: Level::O0, options: s2k::key_allocation::OPTIONS,
           run: s2k::key_allocation::run },
    // Needs places and keys.
    Pass { name: "routing", description: "Router entries from each source to its targets",
           takes: Phase::S2k, gives: Phase::S2k, from: Level::O0, options: s2k::routing::OPTIONS,
           run: s2k::routing::run },
    // Last, because the size of a PE's tables depends on the keys that it receives.
    Pass { name: "buffer-allocation", description: "Addresses in each PE's memory",
           takes: Phase::S2k, gives: Phase::S2k, from: Level::O0, options: s2k::buffer_allocation::OPTIONS,
           run: s2k::buffer_allocation::run },
];

/// The pass of a name.
pub fn find(name: &str) -> Option<&'static Pass> {
    PIPELINE.iter().find(|pass| pass.name == name)
}

/// The passes that a level runs, in order.
pub fn pipeline(level: Level) -> impl Iterator<Item = &'static Pass> {
    PIPELINE.iter().filter(move |pass| pass.from.is_in(level))
}
