//! Integers whose drive is nearest to that of given weights: what a row of weights becomes on calibration data.
//!
//! With M the second moments of the inputs, the square error of rounding errors d is d' M d: the distance of a point from
//! one of a lattice. Babai's nearest plane gives a near point, coordinate descent a nearer one. The bias, which keeps its
//! fraction, takes up what is left of the mean, so that the distance is that within the Schur complement of M over it.
//! Source: Frantar et al., GPTQ, ICLR 2023, with its order (largest second moment first) and dampening, is Babai's nearest
//! plane (Chen et al., arXiv 2507.18553). Behdin et al., QuantEase, arXiv 2309.01885, for the descent. That a constant
//! input takes up the mean of the error is the bias correction of Nagel et al., ICCV 2019.

use super::{grid, moments::Moments};

/// What is added to the second moments, as a part of their mean.
const DAMPENING: f64 = 0.01;
/// Bits from which on integers are so fine that single recordings, on which the metric rests, don't decide about more
/// than the nearest plane: neither is there descent nor are steps chosen by it.
pub const FINE_BITS: u32 = 8;
/// Most sweeps of the descent over all weights of a row.
const SWEEPS: usize = 4;
/// A smaller gain than this, in squares of an input's last bit, is rounding of the sums.
const LEAST_GAIN: f64 = 1e-9;

/// The metric of a row's rounding errors.
pub struct Lattice {
    /// Inputs as they are rounded, the bias last.
    order: Vec<usize>,
    /// The lower triangle L with M = L' L, in order.
    triangle: Vec<f64>,
    /// The Schur complement of M over the bias, in order.
    square: Vec<f64>,
}

/// A row of weights as integers.
pub struct Rounded {
    /// The integers, by input.
    pub integers: Vec<f64>,
    /// What is to be added to the bias.
    pub bias: f64,
    /// The square error of the drive, up to a factor that all rows of a group share.
    pub error: f64,
}

impl Lattice {
    /// The metric on these data; none where the moments of pairs were not kept.
    pub fn new(moments: &Moments) -> Option<Self> {
        let (matrix, inputs) = (moments.matrix()?, moments.inputs());
        let size = inputs + 1;
        let mut order: Vec<usize> = (0..inputs).collect();
        order.sort_by(|&a, &b| moments.square(b).total_cmp(&moments.square(a)));
        order.push(inputs);
        let dampening = DAMPENING * moments.mean_square() + f64::MIN_POSITIVE.sqrt();
        let mut triangle = vec![0.0; size * size];
        for row in 0..size {
            for column in 0..=row {
                let damped = if row == column && row < inputs { dampening } else { 0.0 };
                triangle[row * size + column] = matrix[order[row] * size + order[column]] + damped;
            }
        }
        let mut square = vec![0.0; inputs * inputs];
        // From the last row up: a row of L follows from those below it.
        for pivot in (0..size).rev() {
            if pivot + 1 == inputs {
                for row in 0..inputs {
                    for column in 0..=row {
                        let value = triangle[row * size + column];
                        (square[row * inputs + column], square[column * inputs + row]) = (value, value);
                    }
                }
            }
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
        Some(Self { order, triangle, square })
    }

    fn inputs(&self) -> usize {
        self.order.len() - 1
    }

    /// Rounds a row of weights, each with its bits. Weights that are 0 stay 0, and integers stay as they are.
    pub fn round(&self, weights: &[(f64, u32)]) -> Rounded {
        if weights.iter().all(|(weight, _)| grid::is_integer(*weight)) {
            let integers = weights.iter().map(|&(weight, bits)| grid::nearest(weight, bits)).collect();
            return Rounded { integers, bias: 0.0, error: 0.0 };
        }
        let mut errors = Vec::with_capacity(self.order.len());
        for &input in &self.order[..self.inputs()] {
            let (weight, bits) = weights[input];
            errors.push(weight - nearest(weight, weight + self.owed(&errors), bits));
        }
        let sweeps = if weights.iter().all(|(_, bits)| *bits >= FINE_BITS) { 0 } else { SWEEPS };
        let error = self.descend(weights, &mut errors, sweeps);
        let mut integers = vec![0.0; self.inputs()];
        self.order.iter().zip(&errors).for_each(|(&input, error)| integers[input] = (weights[input].0 - error).round());
        Rounded { integers, bias: self.owed(&errors), error }
    }

    /// What the next input in order has to make up for.
    fn owed(&self, errors: &[f64]) -> f64 {
        let (size, next) = (self.order.len(), errors.len());
        let line = &self.triangle[next * size..=next * size + next];
        line.iter().zip(errors).map(|(factor, error)| factor * error).sum::<f64>() / line[next]
    }

    /// Moves one weight after another to its best integer, the others being as they are; gives the square error.
    fn descend(&self, weights: &[(f64, u32)], errors: &mut [f64], sweeps: usize) -> f64 {
        let mut slopes = self.times(errors);
        for _ in 0..sweeps {
            let mut moved = false;
            for (position, &input) in self.order[..self.inputs()].iter().enumerate() {
                let line = &self.square[position * self.inputs()..(position + 1) * self.inputs()];
                let (weight, bits) = weights[input];
                let wanted = weight - errors[position] + slopes[position] / line[position];
                let change = weight - nearest(weight, wanted, bits) - errors[position];
                let gain = -change * (2.0 * slopes[position] + change * line[position]);
                if gain > LEAST_GAIN * line[position] {
                    moved = true;
                    errors[position] += change;
                    slopes.iter_mut().zip(line).for_each(|(slope, factor)| *slope += change * factor);
                }
            }
            if !moved {
                break;
            }
        }
        product(errors, &slopes).max(0.0)
    }

    /// By what the step of these integers is to be multiplied so that their error is the least.
    pub fn fit(&self, weights: &[(f64, u32)], integers: &[f64]) -> Option<f64> {
        let inputs = &self.order[..self.inputs()];
        let integers: Vec<f64> = inputs.iter().map(|&input| integers[input]).collect();
        let weights: Vec<f64> = inputs.iter().map(|&input| weights[input].0).collect();
        let image = self.times(&integers);
        let (shared, own) = (product(&weights, &image), product(&integers, &image));
        (shared > 0.0 && own > 0.0).then(|| shared / own)
    }

    fn times(&self, values: &[f64]) -> Vec<f64> {
        self.square.chunks(self.inputs().max(1)).map(|line| product(line, values)).collect()
    }
}

fn product(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// The integer nearest to `wanted`; 0 for a weight of exactly 0, which one bit can't hold.
fn nearest(weight: f64, wanted: f64, bits: u32) -> f64 {
    if weight == 0.0 && bits > 1 { 0.0 } else { grid::nearest(wanted, bits) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moments of inputs that spike together, or alone.
    fn moments<const N: usize>(ticks: &[[f32; N]]) -> Moments {
        let mut moments = Moments::new(N);
        ticks.iter().for_each(|tick| moments.add(tick, 1.0));
        moments
    }

    #[test]
    fn inputs_that_spike_together_share_their_errors() {
        let lattice = Lattice::new(&moments(&[[1.0, 1.0], [0.0, 0.0], [1.0, 1.0], [0.0, 0.0]])).unwrap();
        let rounded = lattice.round(&[(3.4, 8), (5.4, 8)]);
        assert_eq!(rounded.integers, [3.0, 6.0]);
        assert!(rounded.bias.abs() < 0.2, "{}", rounded.bias);
    }

    #[test]
    fn the_bias_takes_up_what_is_left_of_the_mean() {
        // Input 0 spikes in every tick, so that its error is a constant.
        let lattice = Lattice::new(&moments(&[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])).unwrap();
        let rounded = lattice.round(&[(3.4, 8), (0.0, 8)]);
        assert_eq!(rounded.integers, [3.0, 0.0]);
        assert!((rounded.bias - 0.4).abs() < 0.01, "{}", rounded.bias);
    }

    #[test]
    fn integers_stay() {
        let lattice = Lattice::new(&moments(&[[1.0, 1.0], [0.0, 1.0]])).unwrap();
        let rounded = lattice.round(&[(3.000001, 8), (-2.0, 8)]);
        assert_eq!((rounded.integers, rounded.bias), (vec![3.0, -2.0], 0.0));
    }

    #[test]
    fn no_single_weight_could_move_to_a_better_integer() {
        let ticks = [[1.0, 0.0, 1.0, 2.0], [0.0, 1.0, 1.0, 0.0], [1.0, 1.0, 0.0, 1.0], [0.0, 2.0, 1.0, 1.0]];
        let lattice = Lattice::new(&moments(&ticks)).unwrap();
        let weights = [(0.4, 3), (-1.6, 3), (2.45, 3), (0.55, 3)];
        let error = |integers: &[f64]| {
            let errors: Vec<f64> = lattice.order[..4].iter().map(|&input| weights[input].0 - integers[input]).collect();
            product(&errors, &lattice.times(&errors))
        };
        let rounded = lattice.round(&weights);
        assert!((error(&rounded.integers) - rounded.error).abs() < 1e-9);
        for input in 0..4 {
            for integer in -3..=3 {
                let mut other = rounded.integers.clone();
                other[input] = integer.into();
                assert!(error(&other) >= rounded.error - 1e-9, "{input} to {integer}");
            }
        }
    }

    #[test]
    fn the_fitted_step_is_no_worse_than_its_neighbours() {
        let lattice = Lattice::new(&moments(&[[1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0]])).unwrap();
        let (weights, integers) = ([(1.3, 3), (-2.2, 3), (0.8, 3)], [1.0, -2.0, 1.0]);
        let fitted = lattice.fit(&weights, &integers).unwrap();
        let error = |step: f64| {
            let off = |&input: &usize| weights[input].0 - step * integers[input];
            let errors: Vec<f64> = lattice.order[..3].iter().map(off).collect();
            product(&errors, &lattice.times(&errors))
        };
        assert!(error(fitted) < error(fitted * 1.01).min(error(fitted * 0.99)));
    }
}
