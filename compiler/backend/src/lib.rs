//! From an `s2k` program to a binary: [`codegen`] makes machine code of kernels, [`emit`] the memory image of every PE.

pub mod codegen;
pub mod emit;
