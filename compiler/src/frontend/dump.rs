//! What a dump says about itself besides its network: who wrote it, and which passes have run. Both are attributes of
//! the module around it.

use s2c_dialects::{Context, Module, ir};
use s2c_passes::PIPELINE;
use std::collections::BTreeSet;

/// The version of s2c that wrote a dump.
const VERSION: &str = "s2c.version";
/// Names of passes, in the order of the pipeline.
const PASSES: &str = "s2c.passes";

/// Marks a module with the passes that have run on it.
pub fn mark<'c>(context: &'c Context, module: &mut Module<'c>, done: &BTreeSet<String>) {
    let names: Vec<&str> = PIPELINE.iter().map(|pass| pass.name).filter(|&name| done.contains(name)).collect();
    ir::set_mark(context, module, VERSION, env!("CARGO_PKG_VERSION"));
    ir::set_mark(context, module, PASSES, &names.join(" "));
}

/// The passes that have run on a module, as far as it says so.
pub fn passes_of(module: &Module<'_>) -> BTreeSet<String> {
    ir::mark(module, PASSES).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}
