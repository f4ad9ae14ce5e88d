//! `s2c`: a compiler from spiking neural networks in NIR to machine code for the SpiNNaker2 chip.
//!
//! This is the only crate that does I/O. [`driver`] is the way through: [`import`] makes an `snn` module of a NIR file,
//! the passes of `s2c-passes` lower it to `s2k`, [`emit`] and [`codegen`] make a binary of that, and [`machine`] runs
//! the binary on the chip model.

pub mod calibration;
pub mod cli;
pub mod codegen;
mod commands;
pub mod data;
pub mod driver;
pub mod emit;
pub mod evaluation;
pub mod export;
pub mod faults;
pub mod files;
pub mod import;
pub mod machine;
pub mod model_file;
mod output;
pub mod profile;
pub mod recording;
pub mod render;
pub mod report;
pub mod summary;
mod table;
pub mod targets;
mod trace;
mod usage;
pub mod width_search;
