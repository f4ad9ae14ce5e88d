//! Single weights: a packet adds one weight to one sum.

use super::interface::{Argument, Call, Matrix, StorageForm, Word, Work, accumulators, factor};
use crate::analysis::cost::{self, Cost, CostModel, Memory};
use s2c_abi::one_to_one;
use s2c_dialects::{
    diagnostic::Result,
    s2k::{Head, OneToOne, Pe},
};
use s2c_kernels::{Factor, Kernel, OneToOneKernel};

fn kernel(head: &Head) -> OneToOneKernel {
    OneToOneKernel { accumulators: accumulators(head), factor: factor(head) }
}

impl StorageForm for OneToOne {
    fn call(&self, head: &Head) -> Call {
        Call {
            kernel: Kernel::OneToOne(kernel(head)),
            argument: Argument::Number,
            descriptor: vec![
                (one_to_one::ACCUMULATORS, Word::sums(head)),
                (one_to_one::TABLE, Word::weights(head, 0)),
                (one_to_one::FIRST, Word::Number(self.first as u32)),
                (one_to_one::COUNT, Word::Number(self.length as u32)),
            ],
        }
    }

    fn pack(&self, _: &Head, words: &Matrix<'_>, _: u32) -> Result<Vec<u8>> {
        let words = (0..words.rows()).map(|row| words.row(row)).collect::<Result<Vec<_>>>()?;
        Ok(words.into_iter().flatten().flat_map(i32::to_le_bytes).collect())
    }

    fn work(&self, _: &Pe, head: &Head, model: &CostModel<'_>) -> Work {
        Work { cycles: model.one_to_one(&kernel(head)).cycles, reach: 1.0 / head.count.max(1) as f64 }
    }

    fn fan_out(&self, _: &Pe, head: &Head) -> Vec<u32> {
        let here = self.first..self.first + self.length;
        (0..head.count).map(|neuron| u32::from(here.contains(&neuron))).collect()
    }
}

/// A packet through a one-to-one connection, as LLVM writes its kernel.
const ONE_TO_ONE: (f64, Memory) = (12.0, Memory { first: 3.0, next: 0.0, words: 4.0, branches: 1.0 });

impl CostModel<'_> {
    /// A packet through a one-to-one connection.
    pub fn one_to_one(&self, kernel: &OneToOneKernel) -> Cost {
        let multiplies = kernel.factor != Factor::One;
        self.counted(&ONE_TO_ONE) + if multiplies { cost::FACTOR } else { Cost::default() }
    }
}
