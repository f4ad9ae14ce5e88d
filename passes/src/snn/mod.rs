//! Passes that give a float network.

pub mod connection_algebra;
pub mod connection_fusion;
pub mod discretization;
pub mod error_compensation;
pub mod simplification;
pub mod threshold_scaling;
