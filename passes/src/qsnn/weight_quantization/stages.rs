//! Stages in the units that have been chosen: integers, or floats that are rounded to nearest.

use super::{
    dynamics::Dynamics,
    rule::Rule,
    units::Units,
    value::Value,
    values::{self, Readout},
};
use crate::analysis::ranges::Range;
use s2c_dialects::{
    attribute::{Reset, Tensor},
    neuron::{Output, Stages},
    qsnn::{Current, Fire, Floats, HandOn, Integers, Membrane, Numbers, ONE, PerNeuron},
    snn::{self, Compare},
};

/// How real numbers become coefficients.
pub trait Rounded: Numbers {
    /// Whether currents are shifted on their way to the membrane.
    const SHIFTS: bool;
    /// A decay factor.
    fn factor(keep: f64) -> Self::Factor;
    /// A number in units of a state.
    fn word(value: f64) -> Self::Word;
    /// The largest membrane that does not fire at a level.
    fn threshold(level: f64, compare: Compare) -> Self::Word;
    /// What a spike subtracts or sets.
    fn reset_by(rule: &Rule, units: &Units, reset: Reset) -> Self::Word;
    /// How membranes of these units per volt are handed on.
    fn readout(dynamics: &Dynamics<'_>, units: &Units, scale: &Tensor<f64>) -> Readout<Self::Factor>;
}

impl Rounded for Integers {
    const SHIFTS: bool = true;
    fn factor(keep: f64) -> i64 {
        (keep * ONE as f64).round() as i64
    }
    fn word(value: f64) -> i32 {
        value.round() as i32
    }
    fn threshold(level: f64, compare: Compare) -> i32 {
        Self::word(match compare {
            Compare::Greater => level.floor(),
            Compare::GreaterEqual => level.ceil() - 1.0,
        })
    }
    fn reset_by(rule: &Rule, units: &Units, reset: Reset) -> i32 {
        Self::word(rule.reset_by(units.membrane, reset))
    }
    fn readout(dynamics: &Dynamics<'_>, units: &Units, scale: &Tensor<f64>) -> Readout<i64> {
        let reach = dynamics.rules.iter().map(|rule| {
            let range = if units.saturate { Range::ALL } else { rule.membrane(units.membrane, None, None) };
            range.high.max(-range.low)
        });
        values::of_integers(scale, reach)
    }
}

impl Rounded for Floats {
    const SHIFTS: bool = false;
    fn factor(keep: f64) -> f32 {
        keep as f32
    }
    fn word(value: f64) -> f32 {
        value as f32
    }
    /// A float is at or above a level where it is above the next lower float.
    fn threshold(level: f64, compare: Compare) -> f32 {
        match compare {
            Compare::Greater => level as f32,
            Compare::GreaterEqual => (level as f32).next_down(),
        }
    }
    fn reset_by(rule: &Rule, units: &Units, reset: Reset) -> f32 {
        let level = rule.level(units.membrane);
        Self::word(match reset {
            Reset::Subtract | Reset::SubtractPending => level,
            Reset::SubtractLate => level / rule.keep(),
            Reset::Value => rule.reset_value * rule.scale(units.membrane),
        })
    }
    fn readout(dynamics: &Dynamics<'_>, units: &Units, scale: &Tensor<f64>) -> Readout<f32> {
        values::of_floats(scale, dynamics.rules, units.membrane, dynamics.headroom)
    }
}

/// The stages of a population, and the values that it hands on, where it does. `scale` holds membrane units per volt.
pub fn of<N: Rounded>(dynamics: &Dynamics<'_>, units: &Units, scale: &Tensor<f64>) -> (Stages<N>, Option<Value>) {
    let current = dynamics.has_current().then(|| Current {
        decay: dynamics.all(|rule| N::factor(rule.current_keep())),
        offset: dynamics.all(|rule| N::word(rule.bias * f64::from(units.current).exp2())),
        shift: N::SHIFTS.then(|| (units.current - units.membrane).into()),
    });
    let membrane = Membrane {
        decay: dynamics.all(|rule| N::factor(rule.keep())),
        offset: dynamics.all(|rule| N::word(rule.offset(units.membrane))),
        bound: dynamics.neuron.stages.membrane.bound.as_ref().map(|bound| {
            let bounds = dynamics.rules.iter().zip(bound.iter());
            let words = bounds.map(|(rule, bound)| N::word(bound * rule.scale(units.membrane)));
            Tensor::new(dynamics.shape.to_vec(), words.collect())
        }),
    };
    let (output, value) = match dynamics.neuron.fire() {
        None => {
            let Readout { factor: readout, value } = N::readout(dynamics, units, scale);
            (Output::HandOn(HandOn { readout, fraction: value.fraction }), Some(value))
        }
        Some(rule) => (Output::Fire(fire(dynamics, units, rule)), None),
    };
    (Stages { current, membrane, output }, value)
}

/// A neuron with a coefficient that no float holds.
pub fn beyond(stages: &Stages<Floats>) -> Option<usize> {
    stages.coefficients().into_iter().find_map(|(_, values)| {
        let (PerNeuron::Factors(values) | PerNeuron::Words(values)) = values;
        values.iter().position(|value: f32| !value.is_finite())
    })
}

/// Threshold and reset. What is subtracted a tick later is subtracted at once, in the size that decays to it.
fn fire<N: Rounded>(dynamics: &Dynamics<'_>, units: &Units, fire: &snn::Fire) -> Fire<N> {
    Fire {
        threshold: dynamics.all(|rule| N::threshold(rule.level(units.membrane), fire.compare)),
        reset: if fire.reset == Reset::SubtractLate { Reset::Subtract } else { fire.reset },
        reset_by: dynamics.all(|rule| N::reset_by(rule, units, fire.reset)),
    }
}
