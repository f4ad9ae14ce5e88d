//! Passes that give an integer network.

pub mod retiming;
pub mod weight_quantization;
pub mod width_narrowing;
