//! Sparse rows: a packet adds the weights of its neuron that are not 0.

use super::interface::{Argument, Call, Matrix, Place, StorageForm, Word, Work, accumulators};
use crate::analysis::cost::{Cost, CostModel};
use s2c_abi::synapse;
use s2c_dialects::{
    diagnostic::Result,
    s2k::{Head, Pe, SparseRows},
};
use s2c_kernels::{Kernel, SparseKernel};

fn kernel(head: &Head) -> SparseKernel {
    SparseKernel { accumulators: accumulators(head) }
}

/// The rows of the block's source, where there are any.
fn own_rows<'p>(rows: &'p SparseRows, pe: &'p Pe, head: &'p Head) -> impl Iterator<Item = Vec<i32>> + 'p {
    let values = pe.buffer(&head.weights.0).ok().and_then(|buffer| buffer.values.as_ref());
    let matrix = values.map(Matrix::new);
    (rows.first..rows.first + head.count).filter_map(move |row| matrix.as_ref()?.row(row as usize).ok())
}

impl StorageForm for SparseRows {
    fn call(&self, head: &Head) -> Call {
        let stride = SparseKernel::STRIDE;
        let start = Place { buffer: head.weights.clone(), offset: stride * self.first as u32 };
        Call {
            kernel: Kernel::Sparse(kernel(head)),
            argument: Argument::Row { start, stride },
            descriptor: vec![(synapse::ACCUMULATORS, Word::sums(head))],
        }
    }

    fn pack(&self, head: &Head, weights: &Matrix<'_>, address: u32) -> Result<Vec<u8>> {
        let rows = (0..weights.rows()).map(|row| weights.row(row)).collect::<Result<Vec<_>>>()?;
        Ok(kernel(head).pack(address, rows.into_iter()))
    }

    fn work(&self, pe: &Pe, head: &Head, model: &CostModel<'_>) -> Work {
        let kernel = kernel(head);
        let groups: usize = own_rows(self, pe, head).map(|row| kernel.groups(row.into_iter())).sum();
        let groups = groups as f64 / head.count.max(1) as f64;
        Work {
            cycles: model.sparse(&kernel, groups.round() as usize).cycles,
            reach: groups * SparseKernel::GROUP as f64 / self.length as f64,
        }
    }

    fn fan_out(&self, pe: &Pe, head: &Head) -> Vec<u32> {
        let there = |row: Vec<i32>| row.into_iter().filter(|&weight| weight != 0).count() as u32;
        own_rows(self, pe, head).map(there).collect()
    }
}

impl CostModel<'_> {
    /// A packet through a sparse row of some groups of entries.
    pub fn sparse(&self, kernel: &SparseKernel, groups: usize) -> Cost {
        let code = kernel.code();
        let text = |lines: &[String]| self.text(lines.iter().map(String::as_str));
        let enter = self.call(7) + self.text(["ldr"]);
        if groups == 0 {
            return enter + text(&code.enter[..3]) + self.branch();
        }
        let enter = enter + text(&code.enter);
        // The loop is entered by a branch past the odd group, or from there.
        let odd = if groups % 2 == 1 { text(&code.odd) + Cost::new(1.0, 1.0) } else { self.branch() };
        let pair = text(&code.pair) + Cost::new(2.0, 2.0) + self.branch();
        enter + odd + pair * (groups / 2) as f64
    }
}
