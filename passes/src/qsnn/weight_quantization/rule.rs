//! What a neuron's float rule says, and how large its states can get.

use super::{
    connections::{bits_at, quantize},
    value::Value,
};
use crate::{
    analysis::{
        projections,
        ranges::{self, Range, ResetRange},
    },
    options::Options,
};
use s2c_dialects::{
    attribute::Reset,
    diagnostic::{Diagnostic, Result},
    snn::{Network, Op},
};
use std::collections::BTreeMap;

/// Fractional bits that sums of graded values may have; sums that spikes add to have at least none.
const FRACTIONS: std::ops::RangeInclusive<i32> = -31..=60;

/// What one neuron's float rule says, in units of scaled weights.
pub struct Rule {
    /// The sums that can arrive.
    pub sum: Range,
    /// The sum of the absolute weights on graded values, which are each rounded by up to half a unit.
    pub graded: f64,
    /// Whether spikes arrive.
    pub takes_spikes: bool,
    /// Added to every sum.
    pub bias: f64,
    /// What a tick moves the current by, of the way to its target, where there is one.
    pub current_factor: Option<f64>,
    /// What a tick moves the membrane by, of the way to its target; none where nothing leaks.
    pub factor: Option<f64>,
    /// Where the membrane decays to.
    pub leak: f64,
    /// Threshold; 0 for a neuron that hands on its membrane.
    pub threshold: f64,
    /// What a spike may reset to.
    pub reset_value: f64,
    /// By what weights and potentials were multiplied.
    pub weight_scale: f64,
}

impl Rule {
    /// The share of the membrane that is left after a tick.
    pub fn keep(&self) -> f64 {
        1.0 - self.factor.unwrap_or(0.0)
    }

    /// The share of the current that is left after a tick; 1 where there is none.
    pub fn current_keep(&self) -> f64 {
        1.0 - self.current_factor.unwrap_or(0.0)
    }

    /// What a unit of input adds to the membrane per tick, at the end of both stages.
    fn gain(&self) -> f64 {
        self.factor.unwrap_or(1.0) * self.current_factor.unwrap_or(1.0)
    }

    /// Membrane units per scaled volt with `shift` fractional bits.
    pub fn scale(&self, shift: i32) -> f64 {
        f64::from(shift).exp2() / self.gain()
    }

    /// The threshold in membrane units with `shift` fractional bits. One in units of the weights' last bit that is an
    /// integer but for the rounding of 32-bit floats (about three units in the last place) becomes that integer, so that
    /// sums which meet it exactly are told apart from it exactly.
    pub fn level(&self, shift: i32) -> f64 {
        let unit = f64::from(shift).exp2();
        let value = self.threshold * self.scale(shift) / unit;
        let integer = value.round();
        unit * if (value - integer).abs() <= integer.abs() * 2e-7 { integer } else { value }
    }

    /// What is added to the membrane per tick besides the sum (LIF) or the current (CubaLIF).
    pub fn offset(&self, shift: i32) -> f64 {
        let leak = self.factor.map_or(0.0, |factor| factor * self.leak * self.scale(shift));
        if self.current_factor.is_some() { leak } else { leak + self.bias * f64::from(shift).exp2() }
    }

    /// What a spike takes off the membrane, or sets it to, with `shift` fractional bits.
    pub fn reset_by(&self, shift: i32, reset: Reset) -> f64 {
        let by = match reset {
            Reset::Subtract | Reset::SubtractPending => self.threshold,
            Reset::SubtractLate => self.threshold / self.keep(),
            Reset::Value => self.reset_value,
        };
        by * self.scale(shift)
    }

    /// The current's range with `shift` fractional bits.
    pub fn current(&self, shift: i32) -> Range {
        let factor = self.current_factor.unwrap_or(0.0);
        self.sum.plus(self.bias).times(f64::from(shift).exp2()).accumulated(factor)
    }

    /// The membrane's drive with `shift` fractional bits.
    fn drive(&self, shift: i32) -> Range {
        let unit = f64::from(shift).exp2();
        let drive = match self.current_factor {
            Some(_) => self.current(0).times(unit),
            None => self.sum.times(unit),
        };
        drive.plus(self.offset(shift))
    }

    /// The membrane's range with `shift` fractional bits; `reset` is what a spike does, where the neuron has spikes.
    /// `headroom` stands in for a membrane whose range is unbounded: so many times its drive or its threshold.
    pub fn membrane(&self, shift: i32, reset: Option<Reset>, headroom: Option<f64>) -> Range {
        let (scale, drive, factor) = (self.scale(shift), self.drive(shift), self.factor.unwrap_or(0.0));
        let threshold = self.threshold * scale;
        let range = |threshold: f64, reset| ranges::membrane(drive, factor, threshold, reset);
        match (headroom, reset) {
            (Some(headroom), _) => {
                let reach = drive.high.abs().max(drive.low.abs()).max(threshold.abs()) * headroom;
                Range { low: -reach, high: reach }
            }
            (None, None) => drive.accumulated(factor),
            (None, Some(Reset::Value)) => range(threshold, ResetRange::To(self.reset_value * scale)),
            (None, Some(Reset::SubtractLate)) => range(threshold, ResetRange::By(threshold / self.keep())),
            // Where a reset is pending, a membrane may stay above the threshold by what would be subtracted.
            (None, Some(Reset::SubtractPending)) => range(2.0 * threshold, ResetRange::By(threshold)),
            (None, Some(Reset::Subtract)) => range(threshold, ResetRange::By(threshold)),
        }
    }

    /// True where everything fits into int32 with `shift` fractional bits.
    pub fn fits(&self, shift: i32, reset: Option<Reset>, headroom: Option<f64>) -> bool {
        let constant = |value: f64| Range { low: value, high: value }.fits(32);
        let states = self.membrane(shift, reset, headroom).fits(32) && self.drive(shift).fits(32);
        let reset_by = reset.map_or(0.0, |reset| self.reset_by(shift, reset));
        states && constant(self.threshold * self.scale(shift)) && constant(reset_by)
    }
}

/// The most fractional bits with which the sums that arrive at all neurons fit into 32 bits; 0 where only spikes arrive,
/// and a negative number where values are so large.
pub fn fraction(rules: &[Rule]) -> Option<i32> {
    if rules.iter().all(|rule| rule.graded == 0.0) {
        return Some(0);
    }
    let fits = |rule: &Rule, fraction: i32| {
        let sum = rule.sum.times(f64::from(fraction).exp2());
        Range { low: sum.low - rule.graded, high: sum.high + rule.graded }.fits(32)
    };
    let least = if rules.iter().any(|rule| rule.takes_spikes) { 0 } else { *FRACTIONS.start() };
    (least..=*FRACTIONS.end()).rev().find(|&fraction| rules.iter().all(|rule| fits(rule, fraction)))
}

/// What arrives at a neuron in a tick.
#[derive(Clone, Copy)]
struct Arriving {
    sum: Range,
    graded: f64,
    bias: f64,
}

/// What arrives at each of `count` neurons, and whether spikes do. `values` has what is known of the graded values.
fn arriving(
    network: &Network,
    index: usize,
    widths: &BTreeMap<usize, u32>,
    values: &BTreeMap<usize, Value>,
    options: &Options,
) -> Result<(Vec<Arriving>, bool)> {
    let count = network.result(index)?.len();
    let mut all = vec![Arriving { sum: Range { low: 0.0, high: 0.0 }, graded: 0.0, bias: 0.0 }; count];
    let mut takes_spikes = false;
    for projection in projections::of_snn(network, index)? {
        let (weight, offsets, area) = match &network.nodes[projection.connection].op {
            Op::Linear(op) => (&op.weight, &op.bias, 1),
            Op::Conv2d(op) => (&op.weight, &op.bias, op.pool.iter().product()),
            Op::Scale(op) => (&op.scale, &None, 1),
            _ => continue,
        };
        let bits = bits_at(widths, projection.connection)?;
        let value = values.get(&projection.source);
        takes_spikes |= value.is_none();
        let limit = match (value, &network.nodes[projection.source].op) {
            (Some(value), _) => value.bound * area as f64,
            (None, Op::Input(input)) => (input.limit * area) as f64,
            _ => area as f64,
        };
        // A convolution has one row of weights per channel, at most all of which meet a neuron.
        let (rows, columns) = (weight.shape[0], weight.len() / weight.shape[0].max(1));
        let places = count / rows.max(1);
        for row in 0..rows {
            let integers = || {
                let indices = (row * columns)..((row + 1) * columns);
                indices.map(|index| quantize(weight.at(index), bits, options.weight_cast))
            };
            let range = match value {
                None => ranges::sum_of_weights(integers().map(|weight| (weight, limit as i64))),
                Some(_) => ranges::sum_of_values(integers(), limit),
            };
            let absolute = integers().map(|weight| f64::from(weight.abs())).sum::<f64>() * area as f64;
            for (neuron, arriving) in all.iter_mut().enumerate().skip(row * places).take(places) {
                let Arriving { sum, graded, bias } = arriving;
                *sum = Range { low: sum.low + range.low, high: sum.high + range.high };
                *graded += value.map_or(0.0, |_| absolute);
                *bias += offsets.as_ref().map_or(0.0, |bias| bias.at(neuron * bias.len() / count));
            }
        }
    }
    Ok((all, takes_spikes))
}

/// The rules of a population's neurons. `values` has what is known of the graded values that arrive.
pub fn rules(
    network: &Network,
    index: usize,
    widths: &BTreeMap<usize, u32>,
    values: &BTreeMap<usize, Value>,
    options: &Options,
) -> Result<Vec<Rule>> {
    let neuron = network.nodes[index].op.neuron().ok_or_else(|| Diagnostic::bug("`discretization` has not run"))?;
    let (arriving, takes_spikes) = arriving(network, index, widths, values, options)?;
    let fire = neuron.fire();
    let rule = |(n, Arriving { sum, graded, bias }): (usize, Arriving)| Rule {
        sum,
        graded,
        takes_spikes,
        bias,
        current_factor: neuron.current_factor(n),
        factor: neuron.factor(n),
        leak: neuron.rest(n),
        threshold: fire.map_or(0.0, |fire| fire.threshold.at(n)),
        reset_value: fire.and_then(|fire| fire.reset_to.as_ref()).map_or(0.0, |to| to.at(n)),
        weight_scale: neuron.weight_scale.as_ref().map_or(1.0, |scale| scale.at(n)),
    };
    Ok(arriving.into_iter().enumerate().map(rule).collect())
}
