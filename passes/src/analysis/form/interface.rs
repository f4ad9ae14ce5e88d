//! What a storage form answers for.

use crate::analysis::cost::CostModel;
use s2c_dialects::{
    attribute::Symbol,
    diagnostic::{Diagnostic, Result},
    s2k::{Head, Pe, Values},
};
use s2c_kernels::{Accumulator, Factor, Kernel};

/// What a form answers for, given what its block has in common with all others.
pub trait StorageForm {
    /// How packets are handled.
    fn call(&self, head: &Head) -> Call;
    /// The bytes of the weights' buffer, to lie at an address.
    fn pack(&self, head: &Head, weights: &Matrix<'_>, address: u32) -> Result<Vec<u8>>;
    /// What a packet costs, on average.
    fn work(&self, pe: &Pe, head: &Head, model: &CostModel<'_>) -> Work;
    /// Synapses behind each neuron of the source.
    fn fan_out(&self, pe: &Pe, head: &Head) -> Vec<u32>;
}

/// How packets to a block are handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The kernel variant.
    pub kernel: Kernel,
    /// What it is told of the packet.
    pub argument: Argument,
    /// What else it needs: words of memory at byte offsets, in ascending order without gaps.
    pub descriptor: Descriptor,
}

/// Words of memory that a kernel needs; see [`Call`].
pub type Descriptor = Vec<(u32, Word)>;

/// What a kernel is told of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// The address of what is stored for the neuron.
    Row {
        /// Where the first neuron's lies.
        start: Place,
        /// Bytes from one neuron's to the next.
        stride: u32,
    },
    /// The neuron's number within the source.
    Number,
}

impl Argument {
    /// Base and stride of the dispatch entry ([`s2c_abi::dispatch`]) of a source whose keys begin at `key`, given the
    /// address of a place.
    pub fn entry(&self, key: u32, address: impl FnOnce(&Place) -> Result<u32>) -> Result<(u32, u32)> {
        let (start, stride) = match self {
            Self::Row { start, stride } => (address(start)?, *stride),
            Self::Number => (0, 1),
        };
        Ok((start.wrapping_sub(key.wrapping_mul(stride)), stride))
    }
}

/// A place in a PE's memory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// A buffer.
    pub buffer: Symbol,
    /// Bytes from its start.
    pub offset: u32,
}

/// A word of a descriptor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// Address of the sums that are so many ticks ahead of the next update.
    Sums(Symbol, i64),
    /// Address of a place.
    Place(Place),
    /// Address of a table with these bytes.
    Table(Vec<u8>),
    /// A number.
    Number(u32),
}

impl Word {
    /// The sums of a block.
    pub(super) fn sums(head: &Head) -> Self {
        Self::Sums(head.accumulators.clone(), head.slot)
    }

    /// The weights of a block, from a byte on.
    pub(super) fn weights(head: &Head, offset: u32) -> Self {
        Self::Place(Place { buffer: head.weights.clone(), offset })
    }
}

/// What a packet costs on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Cycles of the kernel.
    pub cycles: f64,
    /// Weights that arrive at a neuron.
    pub reach: f64,
}

/// Values of weights, row by row.
pub struct Matrix<'v> {
    values: &'v Values,
    /// Values in a row.
    pub columns: usize,
}

impl<'v> Matrix<'v> {
    /// The rows of a buffer's values, each of the last dimension's extent.
    pub fn new(values: &'v Values) -> Self {
        Self { values, columns: values.shape().last().copied().unwrap_or(1) }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.shape().iter().product::<usize>() / self.columns.max(1)
    }

    /// The weights of a row.
    ///
    /// # Errors
    /// A bug where there are no such weights.
    pub fn row(&self, row: usize) -> Result<Vec<i32>> {
        let indices = row * self.columns..(row + 1) * self.columns;
        match self.values {
            Values::I8(tensor) if row < self.rows() => Ok(indices.map(|index| tensor.at(index).into()).collect()),
            Values::I16(tensor) if row < self.rows() => Ok(indices.map(|index| tensor.at(index).into()).collect()),
            Values::I32(tensor) if row < self.rows() => Ok(indices.map(|index| tensor.at(index)).collect()),
            _ => Err(Box::new(Diagnostic::bug(format!("row {row} does not hold weights")))),
        }
    }
}

/// Width of a block's accumulators.
pub(super) fn accumulators(head: &Head) -> Accumulator {
    if head.width == 16 { Accumulator::I16 } else { Accumulator::I32 }
}

/// What a packet multiplies weights by.
pub(super) fn factor(head: &Head) -> Factor {
    Factor::new(head.graded, head.shift)
}
