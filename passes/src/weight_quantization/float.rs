//! Neurons that keep float32 state: no fractional bits to choose, no range to prove, parameters rounded to nearest.

use super::{Rule, in_integers, snap};
use s2c_dialects::{
    attribute::{Reset, Tensor},
    qsnn,
    snn::Compare,
};

/// The population `node` of neurons with these rules, of this shape.
pub fn neuron(node: String, shape: &[usize], rules: &[Rule], reset: Reset, compare: Compare) -> qsnn::Op {
    let words = |f: &dyn Fn(&Rule) -> f64| {
        Tensor::new(shape.to_vec(), rules.iter().map(|rule| f(rule) as f32).collect::<Vec<f32>>())
    };
    let level = |rule: &Rule| snap(rule.threshold * rule.scale(0));
    // A float is at or above a level where it is above the next lower float.
    let threshold = words(&level).map(|level| match compare {
        Compare::Greater => level,
        Compare::GreaterEqual => level.next_down(),
    });
    let reset_by = match reset {
        Reset::Subtract | Reset::SubtractPending => words(&level),
        Reset::SubtractLate => words(&|rule| level(rule) / rule.keep),
        Reset::Value => words(&|rule| rule.reset_value * rule.scale(0)),
    };
    let reset = in_integers(reset);
    let scale = rules.iter().map(|rule| rule.scale(0) * rule.weight_scale).collect();
    let scale = Tensor::new(shape.to_vec(), scale);
    let (decay, offset) = (words(&|rule| rule.keep), words(&|rule| rule.offset(0)));
    if rules.iter().all(|rule| rule.current_keep.is_none()) {
        return qsnn::FloatLif { node, decay, offset, threshold, reset, reset_by, scale, start: None }.into();
    }
    let op = qsnn::FloatCubaLif {
        node,
        current_decay: words(&|rule| rule.current_keep.unwrap_or(1.0)),
        current_offset: words(&|rule| rule.bias),
        decay,
        offset,
        threshold,
        reset,
        reset_by,
        scale,
        start: None,
    };
    op.into()
}
