//! Rows of weights and the step of their integers: a row is what a neuron, or a channel of neurons, receives.

use crate::{
    analysis::{
        grid::{self, Grid},
        lattice::{FINE_BITS, Lattice},
        moments::Moments,
    },
    options::WeightCast,
};
use s2c_dialects::{
    attribute::Tensor,
    snn::{Network, Op},
};

/// Steps that are tried lie between the one that saturates nothing and an eighth of it, twelve to a factor of two.
const STEPS: i32 = 36;
const STEPS_PER_OCTAVE: f64 = 12.0;

/// Where errors are compensated: steps around the one of least error without that, in fractions of an octave.
const TRIALS: [f64; 7] = [0.0, -0.25, 0.25, -0.5, 0.5, -0.75, 0.75];
/// Products of a population beyond which no other step than that of least error without compensation is tried.
const PRODUCTS: usize = 1 << 27;

/// What an input that never spiked during calibration counts, as a part of what inputs count on average.
const UNSEEN: f64 = 0.01;

/// A weight, and how much its error counts.
#[derive(Clone, Copy, Debug)]
pub struct Weight {
    value: f64,
    bits: u32,
    importance: f64,
}

/// The weights into a population.
pub struct Rows<'n> {
    blocks: Vec<(&'n Tensor<f32>, u32)>,
    moments: Option<&'n [Moments]>,
    /// Number of rows.
    pub count: usize,
    /// Neurons of a row.
    pub neurons: usize,
}

impl<'n> Rows<'n> {
    /// Rows of the given connections, each with its bits, into a population of `neurons` neurons.
    pub fn new(
        network: &'n Network,
        connections: impl Iterator<Item = (usize, u32)>,
        neurons: usize,
        moments: Option<&'n [Moments]>,
    ) -> Self {
        let (mut blocks, mut channels) = (Vec::new(), None);
        for (connection, bits) in connections {
            match &network.nodes[connection].op {
                Op::Linear(op) => blocks.push((&op.weight, bits)),
                Op::Scale(op) => blocks.push((&op.scale, bits)),
                Op::Conv2d(op) => {
                    channels = Some(op.weight.shape[0]);
                    blocks.push((&op.weight, bits));
                }
                _ => {}
            }
        }
        let count = channels.unwrap_or(neurons);
        let columns: usize = blocks.iter().map(|(weight, _)| weight.len() / count.max(1)).sum();
        let fits = |moments: &&[Moments]| moments.iter().all(|moments| moments.inputs() == columns);
        Self { blocks, moments: moments.filter(fits), count, neurons: neurons / count.max(1) }
    }

    /// Fewest bits of any weight.
    pub fn bits(&self) -> u32 {
        self.blocks.iter().map(|(_, bits)| *bits).min().unwrap_or(1)
    }

    /// True where the largest weight decides the step: at 8 bits and more, without calibration data. What clipping takes
    /// from a weight that matters then costs more than what it saves in rounding the others.
    pub fn largest_decides(&self) -> bool {
        self.moments.is_none() && self.bits() >= FINE_BITS
    }

    /// The weights of a row. Without moments all inputs count alike; inputs that were never seen to spike count a little.
    pub fn row(&self, row: usize) -> Vec<Weight> {
        let moments = self.moments.map(|groups| &groups[row * groups.len() / self.count]);
        let floor = moments.map_or(0.0, |moments| UNSEEN * moments.mean_square());
        let mut weights = Vec::new();
        for (weight, bits) in &self.blocks {
            let columns = weight.len() / self.count.max(1);
            for index in row * columns..(row + 1) * columns {
                let importance = moments.map_or(1.0, |moments| moments.square(weights.len()) + floor);
                weights.push(Weight { value: weight.at(index).into(), bits: *bits, importance });
            }
        }
        weights
    }

    /// The metric of each group of rows, to choose steps by; none without moments of pairs, with 8 bits or more, or where
    /// there is too much to try.
    pub fn lattices(&self) -> Option<Vec<Lattice>> {
        if self.bits() >= FINE_BITS {
            return None;
        }
        let moments = self.moments.filter(|all| all.iter().all(|one| self.count * one.inputs().pow(2) <= PRODUCTS))?;
        moments.iter().map(Lattice::new).collect()
    }

    /// The step of a row with which compensated rounding has the least error.
    pub fn least_compensated(&self, row: usize, lattices: &[Lattice]) -> Option<f64> {
        let (weights, lattice) = (self.row(row), &lattices[row * lattices.len() / self.count]);
        let start = least_error(&[(weights.clone(), 1.0)])?;
        let mut best = (f64::INFINITY, start);
        for trial in TRIALS {
            let mut step = start * trial.exp2();
            for _ in 0..2 {
                let scaled: Vec<(f64, u32)> = weights.iter().map(|weight| (weight.value / step, weight.bits)).collect();
                let rounded = lattice.round(&scaled);
                let error = rounded.error * step * step;
                if error < best.0 {
                    best = (error, step);
                }
                // For the integers that this step gives, the step of least error.
                step *= lattice.fit(&scaled, &rounded.integers).unwrap_or(1.0);
            }
        }
        Some(best.1)
    }

    /// All weights of the population.
    pub fn all(&self) -> Vec<Weight> {
        (0..self.count).flat_map(|row| self.row(row)).collect()
    }

    /// The values of each connection, with its bits.
    pub fn of_each_connection(&self) -> impl Iterator<Item = (Vec<f64>, u32)> {
        self.blocks.iter().map(|(weight, bits)| (weight.iter().map(f64::from).collect(), *bits))
    }
}

/// The grid on which all weights lie.
pub fn grid(weights: &[Weight], bits: u32, whole: bool) -> Option<Grid> {
    let values: Vec<f64> = weights.iter().map(|weight| weight.value).collect();
    if whole { grid::find(&values, bits) } else { grid::find_of_row(&values, bits) }
}

/// The step with which the p-th percentile of the absolute weights is the largest integer of its width, with linear
/// interpolation between the two nearest values (as numpy's default). None where that is 0.
pub fn percentile(weights: &[Weight], p: f64) -> Option<f64> {
    let mut units: Vec<f64> = weights.iter().map(Weight::unit).collect();
    units.sort_by(f64::total_cmp);
    let last = units.len().checked_sub(1)?;
    let position = p / 100.0 * last as f64;
    let (low, high) = (units[position.floor() as usize], units[position.ceil() as usize]);
    Some(low + (high - low) * position.fract()).filter(|&step| step > 0.0)
}

/// The step with the least square error of the weights, each weighted by its importance and its row's. None where all
/// weights are 0. For one bit the result is the mean absolute weight.
pub fn least_error(rows: &[(Vec<Weight>, f64)]) -> Option<f64> {
    let units = rows.iter().flat_map(|(row, _)| row).map(Weight::unit);
    let highest = units.fold(0.0, f64::max);
    if highest == 0.0 {
        return None;
    }
    let mut best = (error(rows, highest), highest);
    for trial in 0..=STEPS {
        let mut step = highest * (f64::from(-trial) / STEPS_PER_OCTAVE).exp2();
        for _ in 0..2 {
            // For the integers that this step gives, the step of least error.
            step = fitted(rows, step).unwrap_or(step);
            let error = error(rows, step);
            if error < best.0 {
                best = (error, step);
            }
        }
    }
    Some(best.1)
}

impl Weight {
    /// The step with which the weight is the largest integer of its width.
    fn unit(&self) -> f64 {
        self.value.abs() / f64::from(grid::largest(self.bits))
    }

    /// Whether the weight is exactly 0.
    pub fn is_zero(&self) -> bool {
        self.value == 0.0
    }

    /// Whether the weight becomes the integer 0 with this step.
    pub fn vanishes(&self, step: f64, cast: WeightCast) -> bool {
        let weight = self.value / step;
        grid::nearest(if cast == WeightCast::Truncate { weight.trunc() } else { weight }, self.bits) == 0.0
    }

    fn integer(&self, step: f64) -> f64 {
        grid::nearest(self.value / step, self.bits)
    }
}

fn error(rows: &[(Vec<Weight>, f64)], step: f64) -> f64 {
    let of_weight = |weight: &Weight| weight.importance * (weight.integer(step) * step - weight.value).powi(2);
    rows.iter().map(|(row, importance)| importance * row.iter().map(of_weight).sum::<f64>()).sum()
}

fn fitted(rows: &[(Vec<Weight>, f64)], step: f64) -> Option<f64> {
    let (mut products, mut squares) = (0.0, 0.0);
    for (row, importance) in rows {
        for weight in row {
            let integer = weight.integer(step);
            products += importance * weight.importance * integer * weight.value;
            squares += importance * weight.importance * integer * integer;
        }
    }
    (squares > 0.0 && products > 0.0).then(|| products / squares)
}
