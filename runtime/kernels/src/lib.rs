//! Kernels: the loops that run on a PE, one MLIR `llvm`-dialect function per *variant*.
//!
//! What a loop looks like is decided per layer, from widths that the compiler has proved. A [`Kernel`] is plain data;
//! [`Kernel::emit`] turns it into text and `compiler/backend/src/codegen` turns the text into machine code. Two PEs that need
//! equal kernels share one object, found by [`Kernel::name`].
//!
//! Kernels are called as `s2c_abi` says: row and convolution kernels as targets of the dispatch table
//! ([`s2c_abi::dispatch`]), update kernels once per tick with the address of a slice descriptor ([`s2c_abi::slice`]).
//! Instructions are those of the Armv7E-M architecture (ARM DDI 0403E), chapter A7.7.

mod assembly;
mod body;
mod conv;
mod conv_code;
mod counter;
mod factor;
mod fire;
mod float;
mod interface;
mod membrane;
mod neuron;
mod one_to_one;
mod resting;
mod row;
mod sparse;
mod taps;
mod update;
mod update_code;

pub use assembly::Assembly;
pub use conv::{ConvKernel, pack_kernel};
pub use conv_code::ConvCode;
pub use factor::Factor;
pub use interface::Accumulator;
pub use one_to_one::OneToOneKernel;
pub use row::{RowCode, RowKernel, WeightWidth, pack_row, unpack_row};
pub use s2c_abi::Registers;
pub use sparse::{SparseCode, SparseKernel};
pub use taps::Extent;
pub use update::{CurrentStage, Decay, Fire, GROUP, Parameter, Reset, Spread, State, UpdateKernel};

/// A kernel variant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kernel {
    /// Adds one row of weights to the accumulators, on arrival of a packet.
    Row(RowKernel),
    /// Adds one sparse row of weights to the accumulators, on arrival of a packet.
    Sparse(SparseKernel),
    /// Adds the weights of one source neuron of a convolution to the accumulators, on arrival of a packet.
    Conv(ConvKernel),
    /// Adds one weight to one accumulator, on arrival of a packet.
    OneToOne(OneToOneKernel),
    /// Advances the neurons of a slice by one tick.
    Update(UpdateKernel),
}

impl Kernel {
    /// The kernel's symbol; equal kernels have equal names and different kernels different ones.
    pub fn name(&self) -> String {
        match self {
            Self::Row(kernel) => kernel.name(),
            Self::Sparse(kernel) => kernel.name(),
            Self::Conv(kernel) => kernel.name(),
            Self::OneToOne(kernel) => kernel.name(),
            Self::Update(kernel) => kernel.name(),
        }
    }

    /// The kernel as a function of MLIR's `llvm` dialect.
    pub fn emit(&self, registers: &Registers) -> String {
        match self {
            Self::Row(kernel) => kernel.emit(),
            Self::Sparse(kernel) => kernel.emit(),
            Self::Conv(kernel) => kernel.emit(),
            Self::OneToOne(kernel) => kernel.emit(),
            Self::Update(kernel) => kernel.emit(registers),
        }
    }
}

#[cfg(test)]
mod tests;
