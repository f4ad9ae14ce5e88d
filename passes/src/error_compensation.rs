//! Error compensation: weights become integers one after another, each taking up the errors of those before it.
//!
//! Needs: `snn` with scaled thresholds (`threshold-scaling`); calibration data and the option `weight_rounding`.
//! Gives: weights that are integers (still as floats), with a smaller square error of the drive on the calibration data
//! than rounding each to nearest has; what weights can't make up for goes into the bias, which keeps its fraction.
//! Example: two inputs that always spike together, weights [3.4, 5.4]: nearest is [3, 5], this gives [3, 6].
//! Limits: weights that are 0 stay 0. Weights that are integers already stay as they are, and so do those of neurons
//! with more inputs than calibration pairs, or of a convolution and a dense connection together, with a warning: they
//! are rounded to nearest later.
//! Source: Frantar et al., GPTQ, ICLR 2023, with its order (largest second moment first) and dampening, in the form of
//! Babai's nearest plane, to which it is equal (Chen et al., arXiv 2507.18553). That a constant input takes up the mean
//! of the error is the bias correction of Nagel et al., ICCV 2019.

use crate::{
    Session,
    analysis::{grid, moments::Moments, projections, widths},
    options::{Options, WeightRounding},
};
use s2c_dialects::{
    Module,
    attribute::Tensor,
    diagnostic::{Diagnostic, Result},
    snn::{Network, Op},
};

/// What is added to the second moments, as a part of their mean.
const DAMPENING: f64 = 0.01;
/// How far 32-bit floats leave scaled weights off their integers, at most.
const INTEGER: f64 = 1e-3;

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut network = Network::read(&module)?;
    let options = Options::from_map(&network.options)?;
    if options.weight_rounding != WeightRounding::Compensated {
        return Ok(module);
    }
    let bits = widths::of_connections(&network, &options)?;
    for population in 0..network.nodes.len() {
        let node = &network.nodes[population];
        if !node.op.is_neuron() {
            continue;
        }
        let name = node.op.node().unwrap_or(&node.name).to_owned();
        let connections: Vec<(usize, u32)> = projections::of_snn(&network, population)?
            .into_iter()
            .map(|projection| (projection.connection, bits[&projection.connection]))
            .collect();
        if connections.iter().all(|&(connection, _)| is_integer(&network.nodes[connection].op)) {
            continue;
        }
        match session.calibration.as_deref().and_then(|calibration| calibration.of(&name)) {
            Some(moments) if fits(&network, &connections, moments) => compensate(&mut network, &connections, moments),
            _ => session.warnings.push(
                Diagnostic::warning("not-compensated", "the errors of these weights are not compensated")
                    .at_node(name)
                    .text("There are no second moments of all pairs of inputs; the weights are rounded to nearest.")
                    .hint("give recordings with --calibrate"),
            ),
        }
    }
    network.write(session.context)
}

fn parts(op: &mut Op) -> Option<(&mut Tensor<f32>, &mut Option<Tensor<f64>>)> {
    match op {
        Op::Linear(op) => Some((&mut op.weight, &mut op.bias)),
        Op::Conv2d(op) => Some((&mut op.weight, &mut op.bias)),
        _ => None,
    }
}

fn weight_of(op: &Op) -> Option<&Tensor<f32>> {
    match op {
        Op::Linear(op) => Some(&op.weight),
        Op::Conv2d(op) => Some(&op.weight),
        _ => None,
    }
}

fn is_integer(op: &Op) -> bool {
    let off = |weight: f32| f64::from(weight - weight.round()).abs();
    weight_of(op).is_none_or(|weight| weight.values.iter().all(|&weight| off(weight) <= INTEGER))
}

/// True where the moments are those of pairs, and of the inputs that a row of all connections together has.
fn fits(network: &Network, connections: &[(usize, u32)], moments: &[Moments]) -> bool {
    let weights = || connections.iter().filter_map(|&(connection, _)| weight_of(&network.nodes[connection].op));
    let columns: usize = weights().map(|weight| weight.len() / weight.shape[0].max(1)).sum();
    let rows = weights().next().map_or(0, |weight| weight.shape[0]);
    let is_shared = |moments: &Moments| moments.inputs() == columns && moments.matrix().is_some();
    rows > 0 && weights().all(|weight| weight.shape[0] == rows) && moments.iter().all(is_shared)
}

/// Makes the weights of all connections into a population integers.
fn compensate(network: &mut Network, connections: &[(usize, u32)], moments: &[Moments]) {
    let mut planes: Vec<Plane> = moments.iter().filter_map(Plane::new).collect();
    let weights: Vec<(Vec<f32>, u32)> = connections
        .iter()
        .filter_map(|&(connection, bits)| Some((weight_of(&network.nodes[connection].op)?.iter().collect(), bits)))
        .collect();
    let rows = weight_of(&network.nodes[connections[0].0].op).map_or(0, |weight| weight.shape[0]);
    let mut integers: Vec<Vec<f32>> = vec![Vec::new(); weights.len()];
    let mut corrections = Vec::with_capacity(rows);
    for row in 0..rows {
        let mut values: Vec<(f64, u32)> = Vec::new();
        for (weight, bits) in &weights {
            let columns = weight.len() / rows;
            values.extend(weight[row * columns..(row + 1) * columns].iter().map(|&weight| (weight.into(), *bits)));
        }
        let group = row * planes.len() / rows;
        corrections.push(planes[group].round(&mut values));
        let mut values = values.into_iter();
        for (integers, (weight, _)) in integers.iter_mut().zip(&weights) {
            integers.extend(values.by_ref().take(weight.len() / rows).map(|(integer, _)| integer as f32));
        }
    }
    for (position, (&(connection, _), integers)) in connections.iter().zip(integers).enumerate() {
        let Some((weight, bias)) = parts(&mut network.nodes[connection].op) else { continue };
        *weight = Tensor::new(weight.shape.clone(), integers);
        if position == 0 && corrections.iter().any(|&correction| correction != 0.0) {
            let before = |row: usize| bias.as_ref().map_or(0.0, |bias| bias.at(row));
            let values = corrections.iter().enumerate().map(|(row, correction)| before(row) + correction).collect();
            *bias = Some(Tensor::new(vec![rows], values));
        }
    }
}

/// The lower triangle L with M = L' L, inputs in the order in which they are rounded, the bias last. The square error of
/// rounding errors d is the sum of the squares of L d.
struct Plane {
    order: Vec<usize>,
    triangle: Vec<f64>,
    /// Rounding errors of the row at hand, in order.
    errors: Vec<f64>,
}

impl Plane {
    fn new(moments: &Moments) -> Option<Self> {
        let (matrix, inputs) = (moments.matrix()?, moments.inputs());
        let size = inputs + 1;
        let mut order: Vec<usize> = (0..inputs).collect();
        order.sort_by(|&a, &b| moments.square(b).total_cmp(&moments.square(a)));
        order.push(inputs);
        let dampening = DAMPENING * moments.mean_square() + f64::MIN_POSITIVE.sqrt();
        let mut triangle = vec![0.0; size * size];
        // From the last row up: a row of L follows from those below it.
        for row in (0..size).rev() {
            for column in (0..=row).rev() {
                let mut value = matrix[order[row] * size + order[column]];
                if row == column && row < inputs {
                    value += dampening;
                }
                triangle[row * size + column] = value;
            }
        }
        for pivot in (0..size).rev() {
            let diagonal = triangle[pivot * size + pivot].max(dampening).sqrt();
            let (above, rest) = triangle.split_at_mut(pivot * size);
            let line = &mut rest[..=pivot];
            line[..pivot].iter_mut().for_each(|value| *value /= diagonal);
            line[pivot] = diagonal;
            for row in 0..pivot {
                let factor = line[row];
                if factor != 0.0 {
                    let target = &mut above[row * size..=row * size + row];
                    target.iter_mut().zip(&line[..=row]).for_each(|(value, other)| *value -= factor * other);
                }
            }
        }
        Some(Self { order, triangle, errors: vec![0.0; size] })
    }

    /// Rounds a row of weights, each with its bits; gives what is to be added to the bias.
    fn round(&mut self, weights: &mut [(f64, u32)]) -> f64 {
        if weights.iter().all(|(weight, _)| (weight - weight.round()).abs() <= INTEGER) {
            weights.iter_mut().for_each(|(weight, bits)| *weight = grid::nearest(*weight, *bits));
            return 0.0;
        }
        let size = self.order.len();
        for (position, &input) in self.order.iter().enumerate() {
            let line = &self.triangle[position * size..=position * size + position];
            let before = line[..position].iter().zip(&self.errors);
            let owed = before.map(|(factor, error)| factor * error).sum::<f64>() / line[position];
            let Some((weight, bits)) = weights.get_mut(input) else { return owed };
            let integer = if *weight == 0.0 && *bits > 1 { 0.0 } else { grid::nearest(*weight + owed, *bits) };
            self.errors[position] = *weight - integer;
            *weight = integer;
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moments of two inputs that spike together, or alone.
    fn moments(ticks: &[[f32; 2]]) -> Moments {
        let mut moments = Moments::new(2);
        ticks.iter().for_each(|tick| moments.add(tick, 1.0));
        moments
    }

    #[test]
    fn inputs_that_spike_together_share_their_errors() {
        let mut plane = Plane::new(&moments(&[[1.0, 1.0], [0.0, 0.0], [1.0, 1.0], [0.0, 0.0]])).unwrap();
        let mut weights = [(3.4, 8), (5.4, 8)];
        let correction = plane.round(&mut weights);
        assert_eq!(weights.map(|(weight, _)| weight), [3.0, 6.0]);
        assert!(correction.abs() < 0.2, "{correction}");
    }

    #[test]
    fn the_bias_takes_up_what_is_left_of_the_mean() {
        // Input 0 spikes in every tick, so that its error is a constant.
        let mut plane = Plane::new(&moments(&[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])).unwrap();
        let mut weights = [(3.4, 8), (0.0, 8)];
        let correction = plane.round(&mut weights);
        assert_eq!(weights[0].0, 3.0);
        assert!((correction - 0.4).abs() < 0.01, "{correction}");
    }

    #[test]
    fn integers_stay() {
        let mut plane = Plane::new(&moments(&[[1.0, 1.0], [0.0, 1.0]])).unwrap();
        let mut weights = [(3.00001, 8), (-2.0, 8)];
        assert_eq!(plane.round(&mut weights), 0.0);
        assert_eq!(weights.map(|(weight, _)| weight), [3.0, -2.0]);
    }
}
