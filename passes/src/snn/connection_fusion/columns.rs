//! Compositions that only a matrix can hold: column by column, one per element of the input.

use super::compose::pool_to_convolution;
use s2c_dialects::{
    attribute::Tensor,
    diagnostic::{Diagnostic, Result},
    snn::{Linear, Op},
};

/// Largest matrix that is made of two connections.
const MOST_ELEMENTS: usize = 1 << 25;

/// `outer` after `inner` as a matrix. Shapes: from, between, to.
pub fn to_linear(outer: &Op, inner: &Op, [from, between, to]: [&[usize]; 3]) -> Result<Op> {
    let [inputs, middle, outputs] = [from, between, to].map(|shape| shape.iter().product::<usize>());
    if inputs.saturating_mul(outputs) > MOST_ELEMENTS {
        return Err(Box::new(Diagnostic::error("large-composition", "two connections in a row are too large to be made one")
            .text(format!(
                "Together they are no convolution but a matrix of {outputs} x {inputs} weights; up to {MOST_ELEMENTS} are \
                 supported."
            ))
            .hint("put a population of neurons between the two, or avoid padding in the second")));
    }
    let wrong = || Diagnostic::bug("a connection does not fit its input");
    let (first, second) = (columns(inner, from).ok_or_else(wrong)?, columns(outer, between).ok_or_else(wrong)?);
    let mut weight = vec![0.0f64; outputs * inputs];
    for (input, column) in first.iter().enumerate() {
        for &(place, a) in column {
            for &(output, b) in &second[place] {
                weight[output * inputs + input] += a * b;
            }
        }
    }
    let mut bias = constant(outer, outputs);
    for (place, value) in constant(inner, middle).into_iter().enumerate().filter(|&(_, value)| value != 0.0) {
        second[place].iter().for_each(|&(output, weight)| bias[output] += weight * value);
    }
    let bias = bias.iter().any(|&value| value != 0.0).then(|| Tensor::new(vec![outputs], bias));
    let weight = weight.into_iter().map(|weight| weight as f32).collect();
    Ok(Linear { weight: Tensor::new(vec![outputs, inputs], weight), bias }.into())
}

/// The bias of each element.
fn constant(op: &Op, elements: usize) -> Vec<f64> {
    let bias = match op {
        Op::Linear(op) => &op.bias,
        Op::Conv2d(op) => &op.bias,
        _ => &None,
    };
    match bias {
        Some(bias) => (0..elements).map(|at| bias.at(at / (elements / bias.len().max(1)).max(1))).collect(),
        None => vec![0.0; elements],
    }
}

/// For each element of the input the elements of the output that it leads to.
fn columns(op: &Op, input: &[usize]) -> Option<Vec<Vec<(usize, f64)>>> {
    let count: usize = input.iter().product();
    match op {
        Op::Scale(op) => Some((0..count).map(|at| vec![(at, f64::from(op.scale.at(at)))]).collect()),
        Op::Linear(op) => {
            let outputs = op.weight.shape[0];
            let weight = |output: usize, at: usize| f64::from(op.weight.at(output * count + at));
            let column = |at: usize| {
                let all = (0..outputs).map(|output| (output, weight(output, at)));
                all.filter(|&(_, weight)| weight != 0.0).collect()
            };
            Some((0..count).map(column).collect())
        }
        Op::Conv2d(op) => {
            let geometry = op.geometry(input)?;
            let ([_, rows, columns], [_, out_rows, out_columns]) = (geometry.input, geometry.output());
            let column = |at: usize| {
                let (channel, row, column) = (at / (rows * columns), at / columns % rows, at % columns);
                let (outputs, within) = geometry.targets_of(channel);
                let mut leads_to = Vec::new();
                for tap in geometry.taps(row, column) {
                    for output in outputs.clone() {
                        let place = (output * out_rows + tap.output[0]) * out_columns + tap.output[1];
                        let weight = op.weight.at(geometry.weight_index(output, within, tap.kernel));
                        leads_to.push((place, f64::from(weight)));
                    }
                }
                leads_to
            };
            Some((0..count).map(column).collect())
        }
        Op::Pool(op) => columns(&pool_to_convolution(op, input)?, input),
        _ => None,
    }
}
