//! Connections as events: only spikes cost something.

use super::shift_input;
use s2c_dialects::convolution::Geometry;

/// A matrix, by columns: what a spike adds to all outputs.
pub struct Matrix {
    outputs: usize,
    columns: Columns,
}

enum Columns {
    /// All weights, one column after another.
    All(Vec<i32>),
    /// The outputs and weights that are not 0.
    Sparse(Vec<Vec<(u32, i32)>>),
}

/// Share of weights that are not 0 below which a matrix is kept as lists of them.
const SPARSE: f64 = 0.25;

impl Matrix {
    /// From row-major weights, outputs × inputs.
    pub fn new(outputs: usize, inputs: usize, weight: impl Fn(usize) -> i32) -> Self {
        let column = |input: usize| (0..outputs).map(move |output| output * inputs + input);
        let there = (0..outputs * inputs).filter(|&index| weight(index) != 0).count();
        let columns = if there as f64 >= SPARSE * (outputs * inputs) as f64 {
            Columns::All((0..inputs).flat_map(column).map(&weight).collect())
        } else {
            let pairs = |input| (0..).zip(column(input)).map(|(output, index)| (output, weight(index)));
            Columns::Sparse((0..inputs).map(|input| pairs(input).filter(|pair| pair.1 != 0).collect()).collect())
        };
        Self { outputs, columns }
    }

    /// The sums over all spikes, or values shifted by `shift`.
    pub fn apply(&self, spikes: &[i32], shift: i64, sums: &mut [i32]) {
        sums.fill(0);
        for (input, &count) in spikes.iter().enumerate().filter(|&(_, &count)| count != 0) {
            let count = shift_input(count, shift);
            match &self.columns {
                Columns::All(weights) => add(sums, &weights[input * self.outputs..][..self.outputs], count),
                Columns::Sparse(columns) => {
                    for &(output, weight) in &columns[input] {
                        let sum = &mut sums[output as usize];
                        *sum = sum.wrapping_add(weight.wrapping_mul(count));
                    }
                }
            }
        }
    }
}

/// A convolution. Sums are collected with the channels of a place side by side, and only places that a spike has reached
/// are brought into the order of the network.
pub struct Convolution {
    geometry: Geometry,
    /// By input channel, kernel row and column: the weights of the outputs of the channel's group.
    weights: Vec<i32>,
    /// Taps of each input row, and of each column.
    taps: [Vec<Vec<(usize, usize)>>; 2],
    sums: Vec<i32>,
    reached: Vec<usize>,
    is_reached: Vec<bool>,
}

impl Convolution {
    /// From row-major weights: output channels × channels per group × kernel rows × kernel columns.
    pub fn new(geometry: Geometry, weight: impl Fn(usize) -> i32) -> Self {
        let [channels, rows, columns] = geometry.output();
        let mut weights = Vec::new();
        for channel in 0..geometry.input[0] {
            let (outputs, within) = geometry.targets_of(channel);
            for kernel in (0..geometry.kernel[0]).flat_map(|y| (0..geometry.kernel[1]).map(move |x| [y, x])) {
                weights.extend(outputs.clone().map(|output| weight(geometry.weight_index(output, within, kernel))));
            }
        }
        let taps = [0, 1].map(|axis| {
            (0..geometry.input[axis + 1]).map(|position| geometry.taps_along(axis, position).collect()).collect()
        });
        let places = rows * columns;
        Self {
            geometry,
            weights,
            taps,
            sums: vec![0; places * channels],
            reached: Vec::new(),
            is_reached: vec![false; places],
        }
    }

    /// The sums over all spikes. `result` has to hold what the last call has left there, or zeros.
    pub fn apply(&mut self, spikes: &[i32], shift: i64, result: &mut [i32]) {
        let [channels, out_rows, out_columns] = self.geometry.output();
        let [_, rows, columns] = self.geometry.input;
        let [kernel_rows, kernel_columns] = self.geometry.kernel;
        let places = out_rows * out_columns;
        for place in self.reached.drain(..) {
            self.is_reached[place] = false;
            (0..channels).for_each(|channel| result[channel * places + place] = 0);
        }
        let outputs = channels / self.geometry.groups;
        for (index, &count) in spikes.iter().enumerate().filter(|&(_, &count)| count != 0) {
            let (channel, row, column) = (index / (rows * columns), index / columns % rows, index % columns);
            let (first, count) = (self.geometry.targets_of(channel).0.start, shift_input(count, shift));
            for &(kernel_row, row) in &self.taps[0][row] {
                for &(kernel_column, column) in &self.taps[1][column] {
                    let place = row * out_columns + column;
                    let kernel = (channel * kernel_rows + kernel_row) * kernel_columns + kernel_column;
                    let sums = &mut self.sums[place * channels + first..][..outputs];
                    add(sums, &self.weights[kernel * outputs..][..outputs], count);
                    if !self.is_reached[place] {
                        self.is_reached[place] = true;
                        self.reached.push(place);
                    }
                }
            }
        }
        for &place in &self.reached {
            let sums = &mut self.sums[place * channels..][..channels];
            for (channel, sum) in sums.iter_mut().enumerate() {
                result[channel * places + place] = std::mem::take(sum);
            }
        }
    }
}

/// `sums + weights * count`, wrapping.
fn add(sums: &mut [i32], weights: &[i32], count: i32) {
    let pairs = sums.iter_mut().zip(weights);
    if count == 1 {
        pairs.for_each(|(sum, &weight)| *sum = sum.wrapping_add(weight));
    } else {
        pairs.for_each(|(sum, &weight)| *sum = sum.wrapping_add(weight.wrapping_mul(count)));
    }
}
