//! How many synapses packets lead to, for the counts of a run.

use super::manifest;
use s2c_dialects::s2k::Program;
use s2c_passes::analysis::form;
use std::collections::BTreeMap;

/// How many synapses the packets of each source lead to.
pub fn fan_out(program: &Program) -> Vec<manifest::FanOut> {
    let mut sums: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for pe in &program.pes {
        for block in &pe.blocks {
            let targets = form::of(block).fan_out(pe, &block.head);
            let sum = sums.entry(block.head.source.as_str()).or_insert_with(|| vec![0; targets.len()]);
            sum.iter_mut().zip(targets).for_each(|(sum, targets)| *sum += targets);
        }
    }
    let keys = program.inputs.iter().map(|input| (&input.node, input.key));
    let keys = keys.chain(program.slices().map(|(_, update)| (&update.slice, update.key)));
    keys.filter_map(|(name, key)| {
        let sums = sums.get(name.as_str())?;
        let runs = sums.chunk_by(|a, b| a == b).map(|run| (run.len() as u32, run[0])).collect();
        Some(manifest::FanOut { key: key.unwrap_or(0) as u32, runs })
    })
    .collect()
}
