//! Simplification: operations that nobody uses are removed, and equal ones are merged.
//!
//! Needs: a verified module of `snn`.
//! Gives: the same network with fewer operations; populations from which no way leads to an output are gone, also those
//! in cycles, and can't be recorded any more: `-O0` keeps them.
//! Example: two `snn.linear` with the same operand and weights become one.
//! Limits: whole populations; single neurons that nobody reads stay.
//! Source: MLIR's own `canonicalize` and `cse`, which know from the ODS traits what is pure.

use crate::{
    option_spec::OptionSpec,
    session::{LEVEL, Session},
};
use melior::pass::{PassManager, transform};
use s2c_dialects::{
    Module,
    diagnostic::Result,
    ir,
    snn::{Network, Op},
};

/// See [`Pass::options`](crate::session::Pass::options).
pub const OPTIONS: &[&OptionSpec] = &[&LEVEL];

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, mut module: Module<'c>) -> Result<Module<'c>> {
    let manager = PassManager::new(session.context);
    manager.add_pass(transform::create_canonicalizer());
    manager.add_pass(transform::create_cse());
    ir::with_diagnostics(session.context, "internal", "canonicalize and cse failed", || manager.run(&mut module).ok())?;
    let mut network = Network::read(&module)?;
    let kept = lead_to_outputs(&network);
    if kept.iter().all(|&kept| kept) {
        return Ok(module);
    }
    network.retain(&kept);
    network.write(session.context)
}

/// For each node whether it is an input or a way leads from it to an output.
fn lead_to_outputs(network: &Network) -> Vec<bool> {
    let mut kept: Vec<bool> = network.nodes.iter().map(|node| matches!(node.op, Op::Input(_))).collect();
    let is_output = |&index: &usize| matches!(network.nodes[index].op, Op::Output(_));
    let mut open: Vec<usize> = (0..network.nodes.len()).filter(is_output).collect();
    while let Some(index) = open.pop() {
        kept[index] = true;
        open.extend(network.nodes[index].inputs.iter().filter(|&&input| !kept[input]));
    }
    kept
}
