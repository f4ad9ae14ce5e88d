//! Connections as events: only spikes cost something.

use super::{
    row::{Layout, Row},
    shift_input,
};
use s2c_dialects::{attribute::Weights, convolution::Geometry};

/// A matrix, by columns: what a spike adds to all outputs.
pub struct Matrix {
    outputs: usize,
    columns: Columns,
}

enum Columns {
    /// All weights, one column after another.
    All(Vec<i16>),
    /// The outputs and weights that are not 0, and where each column begins, and the end of the last.
    Sparse { pairs: Vec<(u32, i16)>, starts: Vec<usize> },
}

/// Share of weights that are not 0 below which a matrix is kept as lists of them.
const SPARSE: f64 = 0.25;

impl Matrix {
    /// From row-major weights, outputs × inputs.
    pub fn new(weight: &Weights, outputs: Layout, inputs: Layout) -> Self {
        let (rows, row) = (outputs.width(), inputs.width());
        let there = (0..rows * row).filter(|&index| weight.at(index) != 0).count();
        let order: Vec<usize> = outputs.indices().collect();
        let column = |input: usize| order.iter().map(move |output| weight.at(output * row + input) as i16);
        let columns = if there as f64 >= SPARSE * (rows * row) as f64 {
            Columns::All(inputs.indices().flat_map(column).collect())
        } else {
            let (mut pairs, mut starts) = (Vec::with_capacity(there), vec![0]);
            for input in inputs.indices() {
                pairs.extend((0..).zip(column(input)).filter(|&(_, weight)| weight != 0));
                starts.push(pairs.len());
            }
            Columns::Sparse { pairs, starts }
        };
        Self { outputs: rows, columns }
    }

    /// The sums over all spikes, or values shifted by `shift`.
    pub fn apply(&self, spikes: &Row, shift: i64, sums: &mut Row) {
        sums.clear();
        for (input, count) in spikes.events() {
            let count = shift_input(count, shift);
            match &self.columns {
                Columns::All(weights) => {
                    add(sums.span_mut(0, self.outputs), &weights[input * self.outputs..][..self.outputs], count);
                }
                Columns::Sparse { pairs, starts } => {
                    for &(output, weight) in &pairs[starts[input]..starts[input + 1]] {
                        add(sums.span_mut(output as usize, 1), &[weight], count);
                    }
                }
            }
        }
    }
}

/// A convolution.
pub struct Convolution {
    geometry: Geometry,
    /// By input channel, kernel row and column: the weights of the outputs of the channel's group.
    weights: Vec<i16>,
    /// Taps of each input row, and of each column.
    taps: [Vec<Vec<(usize, usize)>>; 2],
}

impl Convolution {
    /// From row-major weights: output channels × channels per group × kernel rows × kernel columns.
    pub fn new(geometry: Geometry, weight: &Weights) -> Self {
        let mut weights = Vec::new();
        for channel in 0..geometry.input[0] {
            let (outputs, within) = geometry.targets_of(channel);
            for kernel in (0..geometry.kernel[0]).flat_map(|y| (0..geometry.kernel[1]).map(move |x| [y, x])) {
                let index = |output| geometry.weight_index(output, within, kernel);
                weights.extend(outputs.clone().map(|output| weight.at(index(output)) as i16));
            }
        }
        let taps = [0, 1].map(|axis| {
            (0..geometry.input[axis + 1]).map(|position| geometry.taps_along(axis, position).collect()).collect()
        });
        Self { geometry, weights, taps }
    }

    /// The sums over all spikes, or values shifted by `shift`.
    pub fn apply(&self, spikes: &Row, shift: i64, sums: &mut Row) {
        let [channels, _, out_columns] = self.geometry.output();
        let [in_channels, _, columns] = self.geometry.input;
        let [kernel_rows, kernel_columns] = self.geometry.kernel;
        let outputs = channels / self.geometry.groups;
        sums.clear();
        for (input, count) in spikes.events() {
            let (place, channel) = (input / in_channels, input % in_channels);
            let (row, column) = (place / columns, place % columns);
            let (first, count) = (self.geometry.targets_of(channel).0.start, shift_input(count, shift));
            for &(kernel_row, row) in &self.taps[0][row] {
                for &(kernel_column, column) in &self.taps[1][column] {
                    let kernel = (channel * kernel_rows + kernel_row) * kernel_columns + kernel_column;
                    let sums = sums.span_mut((row * out_columns + column) * channels + first, outputs);
                    add(sums, &self.weights[kernel * outputs..][..outputs], count);
                }
            }
        }
    }
}

/// `sums + weights * count`, wrapping.
fn add(sums: &mut [i32], weights: &[i16], count: i32) {
    let pairs = sums.iter_mut().zip(weights);
    if count == 1 {
        pairs.for_each(|(sum, &weight)| *sum = sum.wrapping_add(weight.into()));
    } else {
        pairs.for_each(|(sum, &weight)| *sum = sum.wrapping_add(i32::from(weight).wrapping_mul(count)));
    }
}
