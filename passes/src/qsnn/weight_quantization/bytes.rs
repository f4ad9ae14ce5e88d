//! Membranes that are kept in 8 bits from tick to tick (`--state fixed8`), in the spirit of Wei et al., "Q-SNNs: Quantized
//! Spiking Neural Networks", ACM MM 2024.

use s2c_dialects::{attribute::Reset, qsnn::State};

/// The units that the dialect knows, as powers of two.
const SHIFTS: std::ops::RangeInclusive<i64> = 2..=24;
/// How many times its threshold a membrane can be, on either side, before it clamps. Inhibition takes membranes below
/// minus their threshold: with once instead of twice, spike trains are farther from the float network's on three of four
/// networks.
const REACH: i64 = 2;

/// The unit of a population's bytes: the smallest one in which twice the largest threshold, or value that a spike sets,
/// fits. None where neurons hand on their membranes or have float states.
pub fn shift(state: &State) -> Option<i64> {
    let State::Integers(stages) = state else { return None };
    let fire = stages.fire()?;
    let values = fire.reset_by.iter().filter(|_| fire.reset == Reset::Value);
    let largest = fire.threshold.iter().chain(values).map(i32::unsigned_abs).max().unwrap_or(0);
    let fits = |shift: &i64| REACH * i64::from(largest) <= 127 << shift;
    Some(SHIFTS.clone().find(fits).unwrap_or(*SHIFTS.end()))
}
