//! The three dialects of `s2c` and typed access to them from Rust.
//!
//! | dialect | holds | must not hold |
//! |---|---|---|
//! | [`snn`] | a float network | bit widths, cores |
//! | [`qsnn`] | integers: weights, accumulators, membranes, thresholds | float tensors, cores |
//! | [`s2k`] | PEs: buffers, kernels, keys, routes | neuron-model names, anything not placed |
//!
//! Each dialect is defined once, in an ODS file (`snn/Snn.td`, …), which gives MLIR its parser, printer and structural
//! verifier. The Rust structs of the same names are the decoded form that passes and interpreters work on:
//! [`graph::Network::read`] takes them out of a module, [`graph::Network::write`] makes a module of them.
//! What ODS can't say is checked in each dialect's `verify`.

pub mod attribute;
pub mod codes;
pub mod convolution;
pub mod diagnostic;
pub mod fixed_point;
pub mod graph;
pub mod ir;
mod nesting;
pub mod neuron;
pub mod qsnn;
mod raw;
pub mod s2k;
pub mod shown;
pub mod snn;

pub use melior::{Context, ir::Module};
