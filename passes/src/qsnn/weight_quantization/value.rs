//! Graded values.

/// The values that an input or a population hands on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// Fractional bits per volt.
    pub fraction: i64,
    /// Largest absolute value in volts.
    pub bound: f64,
}
