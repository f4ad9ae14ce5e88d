//! One-to-one kernels: one packet adds one weight to one accumulator.
//!
//! A packet carries the neuron's index `i` in the source slice; the descriptor is that of [`s2c_abi::one_to_one`].
//!
//! ```text
//! nothing unless FIRST <= i < FIRST + COUNT
//! entry = TABLE[i - FIRST]
//! accumulators[entry & 0xffff] += (entry >> 16) * x      (arithmetic, wraps)
//! ```
//!
//! with x as [`Factor`] says.

use super::{Accumulator, Factor, body::Body};
use s2c_abi::one_to_one;

/// A one-to-one kernel variant. See the module's page for what it does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OneToOneKernel {
    /// Width of the accumulators.
    pub accumulators: Accumulator,
    /// What the weight is multiplied by.
    pub factor: Factor,
}

impl OneToOneKernel {
    /// Bytes of descriptor and code, as LLVM writes it without a factor.
    pub const FIXED_BYTES: u32 = one_to_one::SIZE + 36;

    /// The kernel's symbol, such as `one_to_one_i16`.
    pub fn name(&self) -> String {
        format!("one_to_one_{}{}", self.accumulators.name(), self.factor.name())
    }

    /// The kernel as a function of MLIR's `llvm` dialect.
    pub fn emit(&self) -> String {
        let mut body = Body::default();
        let field = |body: &mut Body, offset: u32, kind: &str| {
            let address = body.offset("%descriptor", offset);
            body.load(kind, &address)
        };
        let first = field(&mut body, one_to_one::FIRST, "i32");
        let index = body.binary("sub", "%index", &first);
        let count = field(&mut body, one_to_one::COUNT, "i32");
        let is_here = body.value(format_args!("llvm.icmp \"ult\" {index}, {count} : i32"));
        body.line(format_args!("llvm.cond_br {is_here}, ^here, ^exit"));
        body.block("^here");
        let table = field(&mut body, one_to_one::TABLE, "!llvm.ptr");
        let entry =
            body.value(format_args!("llvm.getelementptr {table}[{index}] : (!llvm.ptr, i32) -> !llvm.ptr, i32"));
        let entry = body.load("i32", &entry);
        let half = body.constant(16);
        let weight = body.binary("ashr", &entry, &half);
        let weight = match self.factor.emit(&mut body) {
            Some(factor) => body.binary("mul", &weight, &factor),
            None => weight,
        };
        let low = body.constant(0xffff);
        let target = body.binary("and", &entry, &low);
        let accumulators = field(&mut body, one_to_one::ACCUMULATORS, "!llvm.ptr");
        let kind = self.accumulators.name();
        let address = body
            .value(format_args!("llvm.getelementptr {accumulators}[{target}] : (!llvm.ptr, i32) -> !llvm.ptr, {kind}"));
        let sum = body.load(kind, &address);
        let weight = match self.accumulators {
            Accumulator::I16 => body.value(format_args!("llvm.trunc {weight} : i32 to i16")),
            Accumulator::I32 => weight,
        };
        let sum = body.value(format_args!("llvm.add {sum}, {weight} : {kind}"));
        body.line(format_args!("llvm.store {sum}, {address} : {kind}, !llvm.ptr"));
        body.line("llvm.br ^exit");
        body.block("^exit");
        format!(
            "llvm.func @{}(%index: i32, %descriptor: !llvm.ptr{}) attributes {{passthrough = [\"nounwind\"]}} {{\n{}  \
             llvm.return\n}}\n",
            self.name(),
            self.factor.arguments(),
            body.into_text()
        )
    }
}
