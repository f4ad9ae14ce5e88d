//! The text of one `llvm`-dialect function while it is written: fresh names for values and blocks, and short forms of
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

    /// A fresh block name, `^` included.
    pub fn fresh_block(&mut self, stem: &str) -> String {
        self.names += 1;
        format!("^{stem}{}", self.names)
    }

    /// Starts a block without arguments.
    pub fn block(&mut self, name: &str) {
        let _ = writeln!(self.text, "{name}:");
    }

    /// Starts a block with arguments of the types given; returns their names.
    pub fn block_with(&mut self, name: &str, types: &[&str]) -> Vec<Value> {
        let first = self.names;
        self.names += types.len() as u32;
        let names: Vec<Value> = (first..self.names).map(|number| format!("%v{number}")).collect();
        let list: Vec<String> = names.iter().zip(types).map(|(name, kind)| format!("{name}: {kind}")).collect();
        let _ = writeln!(self.text, "{name}({}):", list.join(", "));
        names
    }

    /// A 32-bit constant.
    pub fn constant(&mut self, value: i32) -> Value {
        self.value(format_args!("llvm.mlir.constant({value} : i32) : i32"))
    }

    /// A binary operation on two 32-bit values, by its name after `llvm.`.
    pub fn binary(&mut self, operation: &str, a: &str, b: &str) -> Value {
        self.value(format_args!("llvm.{operation} {a}, {b} : i32"))
    }

    /// Whether a 32-bit value is not 0.
    pub fn is_not_zero(&mut self, value: &str) -> Value {
        let zero = self.constant(0);
        self.value(format_args!("llvm.icmp \"ne\" {value}, {zero} : i32"))
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
