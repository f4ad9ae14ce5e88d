//! `s2c`: a compiler from spiking neural networks in NIR to machine code for the SpiNNaker2 chip.
//!
//! This is the only crate that does I/O. [`driver`] is the way through: [`frontend`] makes an `snn` module of a NIR file,
//! the passes of `s2c-passes` lower it to `s2k`, `s2c-backend` makes a binary of that, and [`tools`] run, evaluate and
//! report on it. [`cli`] is the command line.

pub mod calibration;
pub mod cli;
pub mod data;
pub mod driver;
pub mod files;
pub mod frontend;
pub mod levels;
pub mod progress;
pub mod sink;
pub mod targets;
pub mod tools;
