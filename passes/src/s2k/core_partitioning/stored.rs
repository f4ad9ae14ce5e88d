//! How the weights of one projection are stored, and what that takes of a PE.

use super::slice::Slice;
use crate::analysis::cost::CostModel;
use s2c_dialects::{
    attribute::Weights,
    convolution::Geometry,
    diagnostic::{Diagnostic, Result},
    qsnn::{Conv2d, Dense, Op},
};
use s2c_kernels::{Accumulator, ConvKernel, Factor, RowKernel, SparseKernel, WeightWidth};
use std::ops::AddAssign;

/// How the weights of one projection are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Dense rows of a matrix.
    Rows(WeightWidth),
    /// Rows of the 8-bit weights of a matrix that are not 0.
    SparseRows,
    /// A convolution's kernel.
    Convolution(WeightWidth),
    /// One word for each neuron.
    OneToOne,
}

/// How the weights of all projections into a population are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// In the order of the projections.
    pub projections: Vec<Stored>,
    /// Bits of the sums.
    pub width: i64,
    /// Base-2 logarithm of the factor by which sums are too large.
    pub scale_log2: u32,
    /// Whether parameters are stored once for all places of a map's channel.
    pub repeats: bool,
}

/// What a projection takes of a PE, whatever slice this holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Bytes per neuron.
    pub per_neuron: usize,
    /// Bytes per channel of a map.
    pub per_channel: usize,
    /// Bytes whatever the slice's size.
    pub fixed: usize,
    /// Rows and columns of the source's map that the tables of a convolution have entries for.
    pub taps: usize,
    /// Incoming synapses of a neuron.
    pub fan_in: usize,
}

impl AddAssign for Share {
    fn add_assign(&mut self, other: Self) {
        self.per_neuron += other.per_neuron;
        self.per_channel += other.per_channel;
        self.fixed += other.fixed;
        self.taps += other.taps;
        self.fan_in += other.fan_in;
    }
}

impl Stored {
    /// The weights of a connection as they are, in 8 or 16 bits.
    ///
    /// # Errors
    /// A bug where the op is no connection with weights.
    pub fn plain(op: &Op) -> Result<Self> {
        let width = |bits: i64| if bits <= 8 { WeightWidth::W8 } else { WeightWidth::W16 };
        match op {
            Op::Dense(op) => Ok(Self::Rows(width(op.bits))),
            Op::Conv2d(op) => Ok(Self::Convolution(width(op.bits))),
            Op::Scale(_) => Ok(Self::OneToOne),
            _ => Err(Box::new(Diagnostic::bug("a projection's connection is neither dense nor a convolution"))),
        }
    }

    /// What the weights of a connection from a source of some shape to so many neurons take.
    pub fn share(self, op: &Op, source: &[usize], neurons: usize) -> Share {
        match (self, op) {
            (Self::SparseRows, Op::Dense(op)) => {
                let rows = padded_sources(op);
                // A word in the table, and up to three entries behind the row.
                Share {
                    per_neuron: (2 * nonzero(op)).div_ceil(neurons),
                    fixed: rows * 8,
                    fan_in: rows,
                    ..Share::default()
                }
            }
            (Self::Rows(width), Op::Dense(op)) => {
                let rows = padded_sources(op);
                let per_neuron = (rows * width.bits() as usize).div_ceil(8);
                Share { per_neuron, fixed: rows * gap(width), fan_in: rows, ..Share::default() }
            }
            (Self::Convolution(width), Op::Conv2d(op)) => {
                let (positions, taps) = (positions(op), op.weight.shape()[1..].iter().product());
                Share {
                    per_channel: (positions * width.bits() as usize).div_ceil(8),
                    fixed: positions * gap(width),
                    taps: op.geometry(source).map_or(0, |geometry| geometry.input[1] + geometry.input[2]),
                    fan_in: taps,
                    ..Share::default()
                }
            }
            _ => Share { per_neuron: 4, fan_in: 1, ..Share::default() },
        }
    }

    /// Bytes of the weights into a slice, tables that LLVM or the runtime keep not counted.
    pub fn bytes(self, op: &Op, slice: &Slice, width: i64) -> usize {
        match (self, op) {
            (Self::SparseRows, Op::Dense(op)) => {
                let kernel = sparse(width);
                kernel.bytes((0..op.weight.shape()[1]).map(|source| kernel.groups(row(op, slice, source))))
            }
            (Self::Rows(weights), Op::Dense(op)) => {
                op.weight.shape()[1] * rows(weights, slice.neurons.len(), width).row_bytes() as usize
            }
            (Self::Convolution(weights), Op::Conv2d(op)) => {
                let channels = slice.layout.map_or(0, |layout| layout.padded);
                positions(op) * rows(weights, channels, width).row_bytes() as usize
            }
            _ => 4 * slice.neurons.len(),
        }
    }

    /// Cycles of a packet to a slice, on average over the source.
    pub fn cycles(self, model: &CostModel<'_>, op: &Op, source: &[usize], slice: &Slice, width: i64) -> f64 {
        match (self, op) {
            (Self::SparseRows, Op::Dense(op)) => {
                let (kernel, sources) = (sparse(width), op.weight.shape()[1]);
                let groups: usize = (0..sources).map(|source| kernel.groups(row(op, slice, source))).sum();
                model.sparse(&kernel, groups.div_ceil(sources.max(1))).cycles
            }
            (Self::Rows(weights), Op::Dense(_)) => model.row(&rows(weights, slice.neurons.len(), width)).cycles,
            (Self::Convolution(weights), Op::Conv2d(op)) => {
                let channels = slice.layout.map_or(0, |layout| layout.padded);
                let kernel = op.geometry(source).map(|geometry| convolution(weights, &geometry, channels, width));
                kernel.map_or(0.0, |kernel| model.convolution(&kernel).cycles)
            }
            _ => 0.0,
        }
    }

    /// Cycles of a packet to a slice of so many neurons, on average over a whole matrix.
    pub fn mean_cycles(self, model: &CostModel<'_>, op: &Dense, neurons: u32, width: i64, factor: Factor) -> f64 {
        match self {
            Self::SparseRows => {
                let groups = (nonzero(op) * neurons as usize).div_ceil(4 * count(&op.weight).max(1));
                model.sparse(&sparse(width), groups).cycles
            }
            _ => model.row(&RowKernel { factor, ..rows(self.width(), neurons as usize, width) }).cycles,
        }
    }

    /// The same with weights of another width, where there is a choice.
    pub const fn with_width(self, width: WeightWidth) -> Self {
        match self {
            Self::Rows(_) => Self::Rows(width),
            Self::Convolution(_) => Self::Convolution(width),
            Self::SparseRows | Self::OneToOne => self,
        }
    }

    /// Width of a weight as stored.
    pub const fn width(self) -> WeightWidth {
        match self {
            Self::Rows(width) | Self::Convolution(width) => width,
            Self::SparseRows => WeightWidth::W8,
            Self::OneToOne => WeightWidth::W16,
        }
    }
}

/// The kernel of rows to so many neurons.
pub fn rows(weights: WeightWidth, neurons: usize, width: i64) -> RowKernel {
    let length = neurons.next_multiple_of(4) as u32;
    RowKernel { weights, accumulators: Accumulator::of_bits(width), length, factor: Factor::One }
}

/// The kernel of sparse rows.
pub fn sparse(width: i64) -> SparseKernel {
    SparseKernel { accumulators: Accumulator::of_bits(width) }
}

/// The kernel of a convolution from the whole source to all places, with so many channels at each.
pub fn convolution(weights: WeightWidth, geometry: &Geometry, channels: usize, width: i64) -> ConvKernel {
    let [inputs, _, columns] = geometry.input;
    ConvKernel { weights, ..ConvKernel::whole(geometry, Accumulator::of_bits(width), [inputs, columns], channels) }
}

/// Bytes that may be lost behind a row, because it ends with a word.
const fn gap(width: WeightWidth) -> usize {
    if width.is_narrow() { 3 } else { 0 }
}

/// Rows of a matrix; sources that are maps may be padded.
fn padded_sources(op: &Dense) -> usize {
    op.weight.shape()[1].next_multiple_of(4)
}

/// Kernel positions of a convolution for all its source channels.
fn positions(op: &Conv2d) -> usize {
    op.groups as usize * op.weight.shape()[1..].iter().product::<usize>()
}

/// Number of weights.
pub fn count(weights: &Weights) -> usize {
    weights.shape().iter().product()
}

/// Weights of a matrix that are not 0.
pub fn nonzero(op: &Dense) -> usize {
    (0..count(&op.weight)).filter(|&index| op.weight.at(index) != 0).count()
}

/// The weights from one source neuron to a slice.
fn row(op: &Dense, slice: &Slice, source: usize) -> impl Iterator<Item = i32> {
    let columns = op.weight.shape()[1];
    slice.neurons.iter().map(move |target| target.map_or(0, |target| op.weight.at(target * columns + source)))
}
