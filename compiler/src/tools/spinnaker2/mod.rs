//! The hand-over to SpiNNaker2's own software: a quantized network as populations and projections of py-spinnaker2.
//!
//! The vendor's programs keep float32 state behind integer weights, as `--state f32` does, so that scales, thresholds and
//! offsets go over as they are. [`lower`] says a network in what those programs can do: every projection takes one tick,
//! so that longer delays become relay populations; a bias that is no constant drive of the membrane becomes the weight of
//! a source that fires in every tick; a convolution that `lif_conv2d` does not know becomes a list of synapses.
//! The pass `vendor-rounding` has prepared biases and thresholds.
//! [`Simulation`] is the programs' semantics, and [`script`] what a board owner runs.
//! Source of what the programs do: `docs/board.md`.

mod cores;
mod decode;
mod lower;
mod plan;
mod run;
mod sample;
pub mod script;
mod synapses;

pub use cores::cut;
pub use lower::lower;
pub use plan::{Cell, Kind, Neurons, Plan, Program, Projection, Readout, Synapse, Synapses};
pub use run::{Raster, Simulation};
pub use sample::{cells, random};
