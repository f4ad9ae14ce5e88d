//! Graded values: what populations hand on instead of spikes, as fixed-point numbers in packets.

use super::rule::{Rule, Value};
use s2c_dialects::{
    attribute::Tensor,
    fixed_point::Factor,
    snn::{Network, Op},
};
use std::collections::BTreeMap;

/// Bits that the largest value takes.
const BITS: f64 = 30.0;

/// The values of the inputs that are analog: as fine as numbers of 31 bits and a sign can be.
pub fn of_inputs(network: &Network) -> BTreeMap<usize, Value> {
    let nodes = network.nodes.iter().enumerate();
    let analog = nodes.filter(|(_, node)| node.result.as_ref().is_some_and(|result| !result.element.is_spikes()));
    let value = |limit: f64| Value { fraction: (BITS - limit.log2()).floor() as i64, bound: limit };
    analog
        .filter_map(|(index, node)| match &node.op {
            Op::Input(op) => Some((index, value(op.limit.max(1) as f64))),
            _ => None,
        })
        .collect()
}

/// What membranes are multiplied by to be handed on, so that all neurons of a population count in the same unit.
pub struct Readout<T> {
    /// The factor of each neuron.
    pub factor: Tensor<T>,
    /// What comes out.
    pub value: Value,
}

/// The readout of integer membranes of these scales (units per volt): the finest unit of 2^-k volts that is at least two
/// units of every membrane, so that the factor is below 1/2. `reach` is the largest absolute
/// membrane of each neuron, in its units.
pub fn of_integers(scale: &Tensor<f64>, reach: impl Iterator<Item = f64>) -> Readout<Factor> {
    let smallest = scale.iter().fold(f64::INFINITY, f64::min);
    let fraction = smallest.log2().ceil() - 2.0;
    let unit = fraction.exp2();
    let factor = scale.map(|scale| Factor::nearest(unit / scale));
    Readout { factor, value: Value { fraction: fraction as i64, bound: bound(scale, reach, unit) } }
}

/// The readout of float32 membranes of sums with `shift` fractional bits: the finest unit of 2^-k volts in which the largest membrane takes [`BITS`].
pub fn of_floats(scale: &Tensor<f64>, rules: &[Rule], shift: i32, headroom: f64) -> Readout<f32> {
    let reach = |rule: &Rule| {
        let free = rule.membrane(shift, None, None);
        let range = if free.low.is_finite() && free.high.is_finite() {
            free
        } else {
            rule.membrane(shift, None, Some(headroom))
        };
        range.high.max(-range.low).max(1.0)
    };
    let volts = rules.iter().zip(scale.iter()).map(|(rule, scale)| reach(rule) / scale).fold(0.0, f64::max);
    let fraction = (BITS - volts.log2()).floor();
    let factor = scale.map(|scale| (fraction.exp2() / scale) as f32);
    // A float membrane can get larger than expected; what is sent then saturates at 32 bits.
    Readout { factor, value: Value { fraction: fraction as i64, bound: (31.0 - fraction).exp2() } }
}

fn bound(scale: &Tensor<f64>, reach: impl Iterator<Item = f64>, unit: f64) -> f64 {
    let largest = reach.zip(scale.iter()).map(|(reach, scale)| reach.min(f64::from(i32::MAX) + 1.0) / scale);
    largest.fold(0.0, f64::max) + 1.0 / unit
}
