//! From kernels to the code of a PE: compile, assemble, link, and write as an ELF file.
//!
//! ```text
//! Kernel ── text ──> MLIR llvm dialect ──> LLVM IR ──> object ─┐
//!                                                              ├─ link ──> CodeImage ──> ELF
//! runtime.s + constants ── assembler ──> object ───────────────┘
//! ```

mod cache;
mod elf;
mod link;
mod llvm;
mod runtime;

pub use cache::KernelCache;
pub use elf::{Segment, write_executable};
pub use link::{CodeImage, Symbol, link};
pub use llvm::{CodeGenerator, llvm_version};
pub use runtime::{RuntimeConstants, runtime_source};

#[cfg(test)]
mod tests;
