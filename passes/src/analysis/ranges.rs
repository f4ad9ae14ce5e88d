//! Range analysis: what sums and states a neuron can reach, whatever the input.

use super::projections;
use s2c_dialects::{diagnostic::Result, qsnn};

/// The smallest and the largest value that a quantity can take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Not above any value.
    pub low: f64,
    /// Not below any value.
    pub high: f64,
}

impl Range {
    /// What a signed integer of 32 bits can hold.
    pub const ALL: Self = Self { low: i32::MIN as f64, high: i32::MAX as f64 };

    /// True where both ends fit into a signed integer of `bits` bits.
    pub fn fits(&self, bits: u32) -> bool {
        let limit = (1i64 << (bits - 1)) as f64;
        self.low >= -limit && self.high < limit
    }

    /// The range times a positive factor.
    pub fn times(self, factor: f64) -> Self {
        Self { low: self.low * factor, high: self.high * factor }
    }

    /// The range shifted by a value.
    pub fn plus(self, value: f64) -> Self {
        Self { low: self.low + value, high: self.high + value }
    }

    /// The range of a state `s <- s - leak s + x` that starts at 0, for x in this range and 0 <= leak <= 1, with up to
    /// half a unit of rounding per tick. Unbounded where nothing decays.
    pub fn accumulated(self, leak: f64) -> Self {
        let end = |x: f64| if x == 0.0 { 0.0 } else { x / leak };
        Self { low: end((self.low - 0.5).min(0.0)), high: end((self.high + 0.5).max(0.0)) }
    }
}

/// The sums of weights that can arrive in a tick, partial sums included: every spike may come or not, in any order.
pub fn sum_of_weights(weights: impl Iterator<Item = (i32, i64)>) -> Range {
    weights.fold(Range { low: 0.0, high: 0.0 }, |range, (weight, limit)| {
        let largest = f64::from(weight) * limit as f64;
        Range { low: range.low + largest.min(0.0), high: range.high + largest.max(0.0) }
    })
}

/// The same for graded values between -`bound` and `bound`.
pub fn sum_of_values(weights: impl Iterator<Item = i32>, bound: f64) -> Range {
    let high: f64 = weights.map(|weight| f64::from(weight.abs()) * bound).sum();
    Range { low: -high, high }
}

/// The range of a membrane within a tick, before it is reset: `v <- v - leak v + drive`, fires above `threshold`, then
/// the reset.
pub fn membrane(drive: Range, leak: f64, threshold: f64, reset: ResetRange) -> Range {
    let free = drive.accumulated(leak);
    // The highest membrane that is left after a tick: one that did not fire, or one that fired and was reset.
    let rest = match reset {
        ResetRange::To(value) => threshold.max(value).max(0.0),
        ResetRange::By(amount) => {
            let surplus = drive.high + 0.5 - amount;
            threshold.max(0.0).max(if surplus > 0.0 { surplus / leak } else { 0.0 })
        }
    };
    let low = match reset {
        ResetRange::To(value) => free.low.min(value),
        // Subtraction from a membrane above the threshold ends above threshold - amount.
        ResetRange::By(amount) => free.low.min(threshold - amount),
    };
    Range { low, high: ((1.0 - leak) * rest + drive.high + 0.5).max(rest) }
}

/// What a reset does, for [`membrane`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ResetRange {
    /// The membrane is set to this.
    To(f64),
    /// This is subtracted.
    By(f64),
}

/// The sums of weights that can arrive at a neuron of the population in a tick.
pub fn sums(network: &qsnn::Network, population: usize) -> Result<Range> {
    let mut widest = Range { low: 0.0, high: 0.0 };
    let mut sums = vec![widest; network.result(population)?.len()];
    for projection in projections::of_qsnn(network, population)? {
        let (weight, area) = match &network.nodes[projection.connection].op {
            qsnn::Op::Dense(op) => (&op.weight, 1),
            qsnn::Op::Conv2d(op) => (&op.weight, op.pool.iter().product()),
            qsnn::Op::Scale(op) => (&op.weight, 1),
            _ => continue,
        };
        let limit = match &network.nodes[projection.source].op {
            qsnn::Op::Input(input) => input.limit * area,
            _ => area,
        };
        let rows = weight.shape()[0];
        let columns = weight.shape()[1..].iter().product::<usize>();
        let places = sums.len() / rows.max(1);
        for row in 0..rows {
            let indices = row * columns..(row + 1) * columns;
            let range = sum_of_weights(indices.map(|index| (weight.at(index), limit)));
            for sum in &mut sums[row * places..(row + 1) * places] {
                *sum = Range { low: sum.low + range.low, high: sum.high + range.high };
            }
        }
    }
    for sum in sums {
        widest = Range { low: widest.low.min(sum.low), high: widest.high.max(sum.high) };
    }
    Ok(widest)
}
