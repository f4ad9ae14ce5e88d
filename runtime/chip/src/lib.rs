//! A model of SpiNNaker2 chips: it executes the Thumb-2 code of every PE bit for bit and carries the packets.
#![forbid(unsafe_code)]

mod bus;
mod chip;
mod comms;
mod config;
mod cpu;
mod decode;
mod fault;
mod harness;
mod op;
mod pe;
mod router;
mod stats;

pub use chip::{Chip, TickReport};
pub use config::{ChipConfig, CycleModel, Destination, Packet, PeImage, RouterEntry};
pub use fault::{Fault, PeId, SetupError, Trap};
pub use harness::{CallReport, Harness};
pub use router::{DropReason, Dropped};
pub use stats::{NetworkStats, PeStats, Stats};
