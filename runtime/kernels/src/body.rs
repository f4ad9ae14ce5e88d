//! The text of one `llvm`-dialect function while it is written: fresh names for values, and short forms of
//! the operations that kernels need.

use std::fmt::{Display, Write};

/// The name of an SSA value, `%` included.
pub type Value = String;

/// The body of a function.
#[derive(Default)]
pub struct Body {
    text: String,
    names: u32,
}

impl Body {
    /// The text written so far.
    pub fn into_text(self) -> String {
        self.text
    }

    /// An operation with one result.
    pub fn value(&mut self, operation: impl Display) -> Value {
        let name = format!("%v{}", self.names);
        self.names += 1;
        let _ = writeln!(self.text, "  {name} = {operation}");
        name
    }

    /// An operation without result.
    pub fn line(&mut self, operation: impl Display) {
        let _ = writeln!(self.text, "  {operation}");
    }

    /// Starts a block.
    pub fn block(&mut self, name: &str) {
        let _ = writeln!(self.text, "{name}:");
    }

    /// A 32-bit constant.
    pub fn constant(&mut self, value: i32) -> Value {
        self.value(format_args!("llvm.mlir.constant({value} : i32) : i32"))
    }

    /// A binary operation on two 32-bit values, by its name after `llvm.`.
    pub fn binary(&mut self, operation: &str, a: &str, b: &str) -> Value {
        self.value(format_args!("llvm.{operation} {a}, {b} : i32"))
    }

    /// A value of the type given (`i32` or `!llvm.ptr`), loaded from an address.
    pub fn load(&mut self, kind: &str, address: &str) -> Value {
        self.value(format_args!("llvm.load {address} : !llvm.ptr -> {kind}"))
    }

    /// An address moved by a constant number of bytes.
    pub fn offset(&mut self, address: &str, bytes: u32) -> Value {
        self.value(format_args!("llvm.getelementptr {address}[{bytes}] : (!llvm.ptr) -> !llvm.ptr, i8"))
    }
}
