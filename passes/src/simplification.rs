//! Simplification: operations that nobody uses are removed, and equal ones are merged.
//!
//! Needs: a verified module of `snn`.
//! Gives: the same network with fewer operations.
//! Example: two `snn.linear` with the same operand and weights become one.
//! Limits: an operation inside a cycle is kept even where the cycle reaches no output.
//! Source: MLIR's own `canonicalize` and `cse`, which know from the ODS traits what is pure.

use crate::Session;
use melior::pass::{PassManager, transform};
use s2c_dialects::{Module, diagnostic::Result, ir};

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, mut module: Module<'c>) -> Result<Module<'c>> {
    let manager = PassManager::new(session.context);
    manager.add_pass(transform::create_canonicalizer());
    manager.add_pass(transform::create_cse());
    ir::with_diagnostics(session.context, "internal", "canonicalize and cse failed", || manager.run(&mut module).ok())?;
    Ok(module)
}
