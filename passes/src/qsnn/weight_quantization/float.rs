//! Neurons that keep float32 state: no fractional bits to choose, no range to prove, parameters rounded to nearest.

use super::{
    population::{Dynamics, Population, beyond_floats, in_integers, snap},
    rule::Rule,
    values::{self, Readout},
};
use s2c_dialects::{
    attribute::Reset,
    diagnostic::Result,
    neuron::{Output, Stages},
    qsnn::{self, Current, Fire, Floats, HandOn, Membrane, PerNeuron, State},
    snn::{self, Compare},
};

/// The population with float32 state.
///
/// # Errors
/// Coefficients beyond float32.
pub fn population(dynamics: &Dynamics<'_>) -> Result<Population> {
    let fraction = dynamics.fraction;
    let unit = f64::from(fraction).exp2();
    let scale = dynamics.all(|rule| rule.scale(fraction) * rule.weight_scale);
    let current = dynamics.has_current().then(|| Current {
        decay: dynamics.all(|rule| rule.current_keep() as f32),
        offset: dynamics.all(|rule| (rule.bias * unit) as f32),
        shift: None,
    });
    let membrane = Membrane {
        decay: dynamics.all(|rule| rule.keep() as f32),
        offset: dynamics.all(|rule| rule.offset(fraction) as f32),
    };
    let (output, value) = match dynamics.neuron.fire() {
        None => {
            let Readout { factor: readout, value } =
                values::of_floats(&scale, dynamics.rules, fraction, dynamics.headroom);
            (Output::HandOn(HandOn { readout, fraction: value.fraction }), Some(value))
        }
        Some(rule) => (Output::Fire(fire(dynamics, rule)), None),
    };
    let stages = Stages { current, membrane, output };
    for (_, values) in stages.coefficients() {
        let (PerNeuron::Factors(values) | PerNeuron::Words(values)) = values;
        if let Some(neuron) = values.iter().position(|value: f32| !value.is_finite()) {
            return Err(beyond_floats(&dynamics.neuron.node, neuron));
        }
    }
    let state = State::Floats(stages);
    let node = dynamics.neuron.node.clone();
    let op = qsnn::Neuron { node, shift: None, state, saturate: false, byte_shift: None, scale, start: None };
    Ok(Population { op: op.into(), fraction, value })
}

fn fire(dynamics: &Dynamics<'_>, fire: &snn::Fire) -> Fire<Floats> {
    let unit = f64::from(dynamics.fraction).exp2();
    let level = |rule: &Rule| snap(rule.threshold * rule.scale(dynamics.fraction) / unit) * unit;
    // A float is at or above a level where it is above the next lower float.
    let threshold = dynamics.all(|rule| match fire.compare {
        Compare::Greater => level(rule) as f32,
        Compare::GreaterEqual => (level(rule) as f32).next_down(),
    });
    let reset_by = dynamics.all(|rule| match fire.reset {
        Reset::Subtract | Reset::SubtractPending => level(rule) as f32,
        Reset::SubtractLate => (level(rule) / rule.keep()) as f32,
        Reset::Value => (rule.reset_value * rule.scale(dynamics.fraction)) as f32,
    });
    Fire { threshold, reset: in_integers(fire.reset), reset_by }
}
