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
//! Source: slices are cut by what their parts take on average (`cut.rs`), then made, and cut again where `analysis/memory.rs`,
//! by which memory is allocated later, says that one doesn't fit.

mod build;
mod cut;
mod job;
mod pace;
mod plan;
mod slice;
mod storage;
mod stored;
mod update;

use crate::{
use crate::{
    analysis::{
        projections::{self, Projections},
        traffic::{RATE, RATES, TICK},
    },
    option_spec::OptionSpec,
    session::{LEVEL, Session},
    target::TARGET,
};
use job::Job;
use plan::{Pieces, Planner};
use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
    qsnn::{Network, Op},
    s2k::{HostInput, HostOutput, MapLayout, Pe, Program},
};
use slice::Slice;
use std::collections::BTreeMap;
use stored::Storage;

/// What decides how large slices may be.
pub const OPTIONS: &[&OptionSpec] = &[&LEVEL, &TARGET, &TICK, &RATE, &RATES];

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let network = Network::read(&module)?;
    let options = session.options.clone();
    let projections = session.analysis::<Projections>(&network)?;
    let job = Job::new(&session.target, &network, &options, &projections)?;
    let mut planner = Planner::new(&job)?;
    let pes = loop {
        let pieces = planner.pieces()?;
        let warning = planner.warning(&pieces);
        let pes = pes(&job, &planner.storages, pieces)?;
        if planner.fit(&pes)? {
            session.warnings.extend(warning);
            break pes;
        }
    };
    let program = Program {
        name: network.name.clone(),
        target: session.target.name.clone(),
        dt: network.dt.ok_or_else(|| Diagnostic::bug("`discretization` has not run"))?,
        options: network.options.clone(),
        inputs: inputs(&job)?,
        outputs: outputs(&network)?,
        pes: pes.into_iter().map(|(_, pe)| pe).collect(),
        routes: Vec::new(),
    };
    program.write(session.context)
}

/// The PEs of all slices, each with its population's index.
fn pes(job: &Job<'_>, storages: &BTreeMap<usize, Storage>, mut pieces: Pieces) -> Result<Vec<(usize, Pe)>> {
    let mut slices: BTreeMap<usize, Vec<Slice>> = BTreeMap::new();
    for (index, node) in job.network.nodes.iter().enumerate() {
        let name = node.op.node().unwrap_or(&node.name);
        if let Op::Input(_) = &node.op {
            slices.insert(
                index,
                vec![match job.map(index) {
                    Some(map) => Slice::map(name.to_owned(), MapLayout::whole(map)),
                    None => Slice::range(name.to_owned(), 0, job.network.result(index)?.len()),
                }],
            );
        } else if let Some(pieces) = pieces.remove(&index) {
            slices.insert(index, cut::slices(name, pieces));
        }
    }
    let mut pes = Vec::new();
    for (&population, storage) in storages {
        for slice in &slices[&population] {
            let name = format!("pe{}", pes.len());
            pes.push((population, build::pe(job, &slices, population, slice, storage, name)?));
        }
    }
    Ok(pes)
}

fn inputs(job: &Job<'_>) -> Result<Vec<HostInput>> {
    let mut inputs = Vec::new();
    for (index, node) in job.network.nodes.iter().enumerate() {
        let Op::Input(op) = &node.op else { continue };
        inputs.push(HostInput {
            node: op.node.clone(),
            shape: integers(&job.network.result(index)?.shape),
            limit: op.limit,
            fraction: op.fraction,
            layout: job.map(index).map(|map| MapLayout::whole(map).to_attribute()),
            key: None,
            mask: None,
        });
    }
    Ok(inputs)
}

fn outputs(network: &Network) -> Result<Vec<HostOutput>> {
    let outputs = network.nodes.iter().enumerate().filter_map(|(index, node)| match &node.op {
        Op::Output(op) => Some(output(network, index, &op.node)),
        _ => None,
    });
    outputs.collect()
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
