//! Core partitioning: populations cut into slices that fit into a PE's memory and are done within a tick, and the way their
//! weights are stored.
//!
//! Needs: `qsnn`, retimed.
//! Gives: an `s2k` program of PEs without places, keys and addresses; each PE holds one slice of neurons with all the
//! synapses into it, so that a spike is a packet and nothing else crosses PEs. Slices are as large as memory allows and as
//! the expected cycles of a tick do: at the lowest clock frequency where that takes no more memory than -O0 does, else at
//! the highest, else the tick is as short as there are PEs for, with a warning (`core_partitioning/plan.rs`). -Os goes by
//! the highest frequency, -O0 by memory alone. A population that is a map of channels, rows and columns is cut into rows (and channels, where that takes fewer PEs); a convolution's kernel is stored once
//! per PE.
//! From -O1 on parameters that are the same at all places of a map are stored once per channel.
//! From -O2 on weights are stored in the way that takes the fewest PEs, then the fewest cycles, with -Os the fewest bytes
//! (`storage.rs`).
//! Example: 300 neurons behind 1000 inputs need 300 kB of weights: three PEs of 100 neurons each.
//! Limits: a slice has at least four neurons, or one row of four channels; the weights into it must fit into a PE.
//! Source: the sizes are those of `analysis/tables.rs` and of the buffers that this pass makes.

mod build;
mod cut;
mod pace;
mod plan;
mod slice;
mod storage;
mod stored;
mod update;

use crate::{
    analysis::{
        projections,
        traffic::{RATE, RATES, TICK},
    },
    option_spec::OptionSpec,
    session::{LEVEL, Session},
    target::TARGET,
};
use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
    qsnn::{Network, Op},
    s2k::{HostInput, HostOutput, MapLayout, Program},
};
use slice::{Slice, map_of};
use std::collections::BTreeMap;

/// What decides how large slices may be.
pub const OPTIONS: &[&OptionSpec] = &[&LEVEL, &TARGET, &TICK, &RATE, &RATES];

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let network = Network::read(&module)?;
    let mut program = Program {
        name: network.name.clone(),
        target: session.target.name.clone(),
        dt: network.dt.ok_or_else(|| Diagnostic::bug("`discretization` has not run"))?,
        options: network.options.clone(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        pes: Vec::new(),
        routes: Vec::new(),
    };
    let options = session.options.clone();
    let plan::Plan { mut pieces, storages } = plan::plan(session, &network, &options)?;
    let mut slices: BTreeMap<usize, Vec<Slice>> = BTreeMap::new();
    for (index, node) in network.nodes.iter().enumerate() {
        match &node.op {
            Op::Input(op) => {
                let shape = &network.result(index)?.shape;
                let layout = map_of(&network, index)?.map(MapLayout::whole);
                program.inputs.push(HostInput {
                    node: op.node.clone(),
                    shape: integers(shape),
                    limit: op.limit,
                    fraction: op.fraction,
                    layout: layout.map(|layout| layout.to_attribute()),
                    key: None,
                    mask: None,
                });
                let slice = match layout {
                    Some(layout) => Slice::map(op.node.clone(), layout),
                    None => Slice::range(op.node.clone(), 0, shape.iter().product()),
                };
                slices.insert(index, vec![slice]);
            }
            Op::Output(op) => program.outputs.push(output(&network, index, &op.node)?),
            op if op.is_neuron() => {
                let pieces = pieces.remove(&index).unwrap_or_default();
                slices.insert(index, cut::slices(op.node().unwrap_or(&node.name), pieces));
            }
            _ => {}
        }
    }
    for (&population, mine) in slices.iter().filter(|(index, _)| network.nodes[**index].op.is_neuron()) {
        for slice in mine {
            let name = format!("pe{}", program.pes.len());
            program.pes.push(build::pe(&network, &slices, population, slice, &storages[&population], name)?);
        }
    }
    program.write(session.context)
}

fn output(network: &Network, index: usize, node: &str) -> Result<HostOutput> {
    let (population, ticks) = projections::of_output(network, index)?;
    let from = &network.nodes[population].op;
    let (Some(name), Some(start)) = (from.node().filter(|_| from.is_neuron()), from.start()) else {
        let title = "an output does not come from a population";
        return Err(Box::new(Diagnostic::error("output-without-neurons", title).at_node(node)));
    };
    Ok(HostOutput {
        node: node.to_owned(),
        population: name.to_owned(),
        shape: integers(&network.result(population)?.shape),
        start: start - ticks,
        fraction: from.fraction(),
    })
}

fn integers(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&extent| extent as i64).collect()
}
