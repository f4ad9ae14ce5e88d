//! The step of quantized weights that an exporter may write beside them, checked against the weights.
//!
//! A node of connections may hold `metadata/weight_scale`: the weight that the integer 1 stands for, one number or one per
//! output (the first axis of the weights). Nothing is taken from it: `threshold-scaling` finds the grid in the weights.

use super::raw::Raw;
use ndarray::{ArrayD, Axis};
use s2c_dialects::diagnostic::Diagnostic;

/// The name of the field in a node's metadata.
pub(super) const FIELD: &str = "weight_scale";
/// How far a weight may be from its grid, as a part of the weight: 32-bit floats round it and the step.
const ROUNDING: f64 = 1e-6;

/// The warning where weights are off the grid that the metadata claim, or where that says nothing.
pub(super) fn mismatch(metadata: Option<&Raw>, weights: &ArrayD<f32>) -> Option<Diagnostic> {
    let Some(Raw::Group(members)) = metadata else { return None };
    let steps: Vec<f64> = match members.get(FIELD)? {
        Raw::F32(values) => values.iter().map(|&value| f64::from(value)).collect(),
        Raw::F64(values) => values.iter().copied().collect(),
        other => return Some(warning("the weight scale in the metadata is no number", other.describe())),
    };
    let rows = weights.shape().first().copied().unwrap_or(1);
    if !(steps.len() == 1 || steps.len() == rows) {
        let text =
            format!("There are {} scales for {rows} outputs; one for all or one each are expected.", steps.len());
        return Some(warning("the weight scales in the metadata do not fit the weights", text));
    }
    if let Some(step) = steps.iter().find(|step| !(step.is_finite() && **step > 0.0)) {
        return Some(warning("a weight scale in the metadata is no positive number", format!("It is {step}.")));
    }
    let (mut off, mut worst) = (0, 0.0f64);
    for (row, step) in (0..rows).zip(steps.iter().cycle()) {
        let row = if weights.ndim() == 0 { weights.view() } else { weights.index_axis(Axis(0), row) };
        for weight in row.iter().map(|&weight| f64::from(weight) / step) {
            let distance = (weight - weight.round()).abs();
            if distance > weight.abs() * ROUNDING {
                (off, worst) = (off + 1, worst.max(distance));
            }
        }
    }
    let text = || {
        let all = weights.len();
        format!("{off} of {all} weights are not a multiple of it; the farthest is {worst:.2} steps away.")
    };
    (off > 0).then(|| warning("the weights do not lie on the grid that the metadata claim", text()))
}

fn warning(title: &str, text: impl Into<String>) -> Diagnostic {
    Diagnostic::warning("scale-mismatch", title)
        .text(text)
        .hint("export the weights after they were quantized, with the scale that quantized them")
}
