//! The code of update kernels.

use s2c_abi::Registers;

use super::{
    assembly::Assembly,
    neuron::Writer,
    update::{State, UpdateKernel},
};

impl UpdateKernel {
    /// The kernel's instructions.
    pub fn code(&self, registers: &Registers) -> Assembly {
        match self.state {
            State::Float => Writer::float(self, registers),
            _ if self.rests() => Writer::resting(self, registers),
            _ => Writer::dense(self, registers),
        }
    }

    /// The kernel as a function of MLIR's `llvm` dialect: a loop over groups of [`GROUP`](crate::GROUP) neurons.
    pub fn emit(&self, registers: &Registers) -> String {
        let code = self.code(registers);
        format!(
            "llvm.func @{}(%slice: !llvm.ptr) attributes {{passthrough = [\"nounwind\"]}} {{\n{}  llvm.return\n}}\n",
            self.name(),
            code.into_body()
        )
    }
}
