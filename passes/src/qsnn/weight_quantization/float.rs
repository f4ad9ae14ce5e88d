//! Neurons that keep float32 state: no fractional bits to choose, no range to prove, parameters rounded to nearest.

use super::{
    Fire, Population, in_integers,
    rule::Rule,
    snap,
    values::{self, Readout},
};
use s2c_dialects::{
    attribute::{Reset, Tensor},
    qsnn,
    snn::Compare,
};

/// The population `node` of neurons with these rules, of this shape, whose sums have `fraction` fractional bits.
/// `headroom` is how many times its drive a membrane is expected to reach whose range is unbounded.
pub fn population(
    node: String,
    shape: &[usize],
    rules: &[Rule],
    fire: Fire,
    fraction: i32,
    headroom: f64,
) -> Population {
    let words = |f: &dyn Fn(&Rule) -> f64| {
        Tensor::new(shape.to_vec(), rules.iter().map(|rule| f(rule) as f32).collect::<Vec<f32>>())
    };
    let unit = f64::from(fraction).exp2();
    let scale = rules.iter().map(|rule| rule.scale(fraction) * rule.weight_scale).collect();
    let scale = Tensor::new(shape.to_vec(), scale);
    let (decay, offset) = (words(&|rule| rule.keep), words(&|rule| rule.offset(fraction)));
    let has_current = rules.iter().any(|rule| rule.current_keep.is_some());
    let current_decay = words(&|rule| rule.current_keep.unwrap_or(1.0));
    let current_offset = words(&|rule| rule.bias * unit);
    let Some((reset, compare)) = fire else {
        let Readout { factor: readout, value } = values::of_floats(&scale, rules, fraction, headroom);
        let (fraction_out, start) = (value.fraction, None);
        let op = match has_current {
            false => qsnn::FloatLi { node, decay, offset, readout, fraction: fraction_out, scale, start }.into(),
            true => qsnn::FloatCubaLi {
                node,
                current_decay,
                current_offset,
                decay,
                offset,
                readout,
                fraction: fraction_out,
                scale,
                start,
            }
            .into(),
        };
        return Population { op, fraction, value: Some(value) };
    };
    let level = |rule: &Rule| snap(rule.threshold * rule.scale(fraction) / unit) * unit;
    // A float is at or above a level where it is above the next lower float.
    let threshold = words(&level).map(|level| match compare {
        Compare::Greater => level,
        Compare::GreaterEqual => level.next_down(),
    });
    let reset_by = match reset {
        Reset::Subtract | Reset::SubtractPending => words(&level),
        Reset::SubtractLate => words(&|rule| level(rule) / rule.keep),
        Reset::Value => words(&|rule| rule.reset_value * rule.scale(fraction)),
    };
    let (reset, start) = (in_integers(reset), None);
    let op = match has_current {
        false => qsnn::FloatLif { node, decay, offset, threshold, reset, reset_by, scale, start }.into(),
        true => qsnn::FloatCubaLif {
            node,
            current_decay,
            current_offset,
            decay,
            offset,
            threshold,
            reset,
            reset_by,
            scale,
            start,
        }
        .into(),
    };
    Population { op, fraction, value: None }
}
