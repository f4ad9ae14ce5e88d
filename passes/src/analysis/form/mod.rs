//! Storage forms of synapses. A form answers in one file for its kernel, the words that this needs in memory, the order of
//! its weights' bytes, the cost of a packet, and its fan-out.

mod convolution;
mod interface;
mod one_to_one;
mod rows;
mod sparse_rows;

use super::variants::update_kernel;
pub use interface::{Argument, Call, Descriptor, Matrix, Place, StorageForm, Word, Work};
use s2c_dialects::{
    diagnostic::Result,
    s2k::{Block, Form, Pe},
};
use s2c_kernels::Kernel;
use std::collections::BTreeSet;

/// The form of a block.
pub fn of(block: &Block) -> &dyn StorageForm {
    match &block.form {
        Form::Rows(form) => form,
        Form::SparseRows(form) => form,
        Form::Convolution(form) => form,
        Form::OneToOne(form) => form,
    }
}

/// All kernel variants that a PE needs.
pub fn kernels_of(pe: &Pe) -> Result<BTreeSet<Kernel>> {
    let updates = pe.updates.iter().map(|update| Ok(Kernel::Update(update_kernel(update)?)));
    pe.blocks.iter().map(|block| Ok(of(block).call(&block.head).kernel)).chain(updates).collect()
}
