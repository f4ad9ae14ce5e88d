//! Connections as events: only spikes cost something.

use super::{
    arithmetic::shift_input,
    row::{Layout, Row},
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
        spikes.for_each_event(|input, count| {
            let count = shift_input(count, shift);
            match &self.columns {
                Columns::All(weights) => {
                    add(sums.span_mut(0, self.outputs), &weights[input * self.outputs..][..self.outputs], count);
                }
                Columns::Sparse { pairs, starts } => {
                    for &(output, weight) in &pairs[starts[input]..starts[input + 1]] {
                        let sum = sums.value_mut(output as usize);
                        *sum = sum.wrapping_add(i32::from(weight).wrapping_mul(count));
                    }
                }
            }
        });
    }
}

/// A convolution.
pub struct Convolution {
    geometry: Geometry,
    /// By input channel, kernel row and kernel column, the last column first: the weights of the outputs of the channel's
    /// group. In this order the columns of the output rise with those of the kernel.
    weights: Vec<i16>,
    /// By input row: the rows of the kernel that it meets, and the output rows that they lead to.
    rows: Vec<Vec<(usize, usize)>>,
    /// By input column: neighbouring columns of the kernel, and of the output.
    columns: Vec<Vec<Run>>,
}

/// Neighbouring columns.
struct Run {
    /// First column of the kernel, counted from the last.
    kernel: usize,
    output: usize,
    length: usize,
}

impl Convolution {
    /// From row-major weights: output channels × channels per group × kernel rows × kernel columns.
    pub fn new(geometry: Geometry, weight: &Weights) -> Self {
        let [kernel_rows, kernel_columns] = geometry.kernel;
        let mut weights = Vec::new();
        for channel in 0..geometry.input[0] {
            let (outputs, within) = geometry.targets_of(channel);
            for kernel in (0..kernel_rows).flat_map(|y| (0..kernel_columns).rev().map(move |x| [y, x])) {
                let index = |output| geometry.weight_index(output, within, kernel);
                weights.extend(outputs.clone().map(|output| weight.at(index(output)) as i16));
            }
        }
        let rows = (0..geometry.input[1]).map(|row| geometry.taps_along(0, row).collect()).collect();
        let columns = (0..geometry.input[2]).map(|column| runs(&geometry, column)).collect();
        Self { geometry, weights, rows, columns }
    }

    /// The sums over all spikes, or values shifted by `shift`.
    pub fn apply(&self, spikes: &Row, shift: i64, sums: &mut Row) {
        let [channels, _, out_columns] = self.geometry.output();
        let [in_channels, _, in_columns] = self.geometry.input;
        let [kernel_rows, kernel_columns] = self.geometry.kernel;
        let outputs = channels / self.geometry.groups;
        sums.clear();
        spikes.for_each_event(|input, count| {
            let (place, channel) = (input / in_channels, input % in_channels);
            let (first, count) = (self.geometry.targets_of(channel).0.start, shift_input(count, shift));
            for &(kernel_row, row) in &self.rows[place / in_columns] {
                for run in &self.columns[place % in_columns] {
                    let kernel = (channel * kernel_rows + kernel_row) * kernel_columns + run.kernel;
                    let weights = &self.weights[kernel * outputs..][..run.length * outputs];
                    let start = (row * out_columns + run.output) * channels + first;
                    add(sums.span_mut(start, weights.len()), weights, count);
                }
            }
        });
    }
}

/// The columns of the kernel that an input column meets. Outputs are neighbours in a row where no other group's lie between.
fn runs(geometry: &Geometry, column: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut taps: Vec<_> = geometry.taps_along(1, column).collect();
    taps.reverse();
    for (kernel, output) in taps {
        let kernel = geometry.kernel[1] - 1 - kernel;
        match runs.last_mut() {
            Some(run)
                if geometry.groups == 1 && (run.kernel + run.length, run.output + run.length) == (kernel, output) =>
            {
                run.length += 1;
            }
            _ => runs.push(Run { kernel, output, length: 1 }),
        }
    }
    runs
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
