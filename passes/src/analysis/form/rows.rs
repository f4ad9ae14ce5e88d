//! Dense rows: a packet adds the row of its neuron.

use super::interface::{Argument, Call, Matrix, Place, StorageForm, Word, Work, accumulators, factor};
use crate::analysis::{
    cost::{self, Cost, CostModel},
    variants::weight_width,
};
use s2c_abi::synapse;
use s2c_dialects::{
    diagnostic::Result,
    s2k::{Head, Pe, Rows, Update},
};
use s2c_kernels::{Kernel, RowCode, RowKernel, pack_row};

fn kernel(rows: &Rows, head: &Head) -> RowKernel {
    RowKernel {
        weights: weight_width(rows.bits),
        accumulators: accumulators(head),
        length: rows.length as u32,
        factor: factor(head),
    }
}

impl StorageForm for Rows {
    fn call(&self, head: &Head) -> Call {
        let kernel = kernel(self, head);
        let stride = kernel.row_bytes();
        let start = Place { buffer: head.weights.clone(), offset: stride * self.first as u32 };
        Call {
            kernel: Kernel::Row(kernel),
            argument: Argument::Row { start, stride },
            descriptor: vec![(synapse::ACCUMULATORS, Word::sums(head))],
        }
    }

    fn pack(&self, head: &Head, weights: &Matrix<'_>, _: u32) -> Result<Vec<u8>> {
        let kernel = kernel(self, head);
        let rows = (0..weights.rows()).map(|row| Ok(pack_row(&kernel, &weights.row(row)?)));
        Ok(rows.collect::<Result<Vec<_>>>()?.concat())
    }

    fn work(&self, _: &Pe, head: &Head, model: &CostModel<'_>) -> Work {
        Work { cycles: model.row(&kernel(self, head)).cycles, reach: 1.0 }
    }

    fn fan_out(&self, pe: &Pe, head: &Head) -> Vec<u32> {
        let neurons = pe.updates.first().map_or(0, Update::neurons);
        vec![neurons as u32; head.count as usize]
    }
}

impl CostModel<'_> {
    /// A packet through one block of rows.
    pub fn row(&self, kernel: &RowKernel) -> Cost {
        let code = kernel.code();
        let descriptor = self.text(["ldr"]) + cost::factor(kernel.factor);
        self.call(code.last) + descriptor + self.row_code(&code)
    }

    /// The instructions of a row.
    pub(super) fn row_code(&self, code: &RowCode) -> Cost {
        let loops = match code.steps {
            0 => Cost::default(),
            steps => self.turns(&code.step, steps.into()),
        };
        self.lines(&code.enter) + loops + self.lines(&code.tail)
    }
}
