//! Membranes that are kept in 8 bits from tick to tick (`--state fixed8`), in the spirit of Wei et al., "Q-SNNs: Quantized
//! Spiking Neural Networks", ACM MM 2024.

use s2c_dialects::attribute::{Reset, Tensor};

/// The units that the dialect knows, as powers of two.
const SHIFTS: std::ops::RangeInclusive<i64> = 2..=24;
/// How many times its threshold a membrane can be, on either side, before it clamps. Inhibition takes membranes below
/// minus their threshold: with once instead of twice, spike trains are farther from the float network's on three of four
/// networks.
const REACH: i64 = 2;

/// The unit of a population's bytes: the smallest one in which twice the largest threshold, or value that a spike sets, fits.
pub fn shift(threshold: &Tensor<i32>, reset: Reset, reset_by: &Tensor<i32>) -> i64 {
    let values = reset_by.iter().filter(|_| reset == Reset::Value);
    let largest = threshold.iter().chain(values).map(i32::unsigned_abs).max().unwrap_or(0);
    let fits = |shift: &i64| REACH * i64::from(largest) <= 127 << shift;
    SHIFTS.clone().find(fits).unwrap_or(*SHIFTS.end())
}
