//! A model of SpiNNaker2 chips: it executes the Thumb-2 code of every PE bit for bit and carries the packets.
//!
//! - [`Chip`] holds one or more chips with their PEs, routers and links, and runs them tick by tick.
//! - [`Harness`] is one core on its own, to test single functions.
//!
//! A PE is an ARMv7E-M core with the FPv4-SP extension, its SRAM at address 0, and the registers of
//! [`s2c_abi::Timer`] and [`s2c_abi::Comms`]. The code region is decoded once, and PEs with the same code share the
//! decoded form; a PE's store into its code region is therefore a fault. Results, flags and instruction counts are
//! exact, cycles are an estimate ([`CycleModel`]). Whatever the model cannot execute is a [`Fault`], never a panic.
//!
//! Not modelled: exceptions (a program masks interrupts and polls after WFI), exclusive accesses, the cumulative
//! floating-point exception flags and modes other than the default, stalls of the network, DMA and accelerators.
#![forbid(unsafe_code)]

mod bus;
mod chip;
mod code;
mod comms;
mod config;
mod cpu;
mod decode;
mod disturb;
mod fault;
mod harness;
mod op;
mod pe;
mod router;
mod stats;

pub use chip::{Chip, TickReport};
pub use config::{ChipConfig, CycleModel, Destination, Packet, PeImage, RouterEntry};
pub use disturb::PacketFaults;
pub use fault::{Fault, PeId, SetupError, Trap};
pub use harness::{CallReport, Harness};
pub use router::{Branch, DropReason, Dropped};
pub use stats::{NetworkStats, PeStats, Stats};
