//! Passes that give an integer network.

pub mod retiming;
pub mod vendor_rounding;
pub mod weight_quantization;
pub mod width_narrowing;
