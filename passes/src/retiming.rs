//! Retiming: the chip tick in which each population starts, so that the chip keeps the network's timing.
//!
//! Needs: a verified `qsnn` network.
//! Gives: `start` on inputs and populations. Chip tick `start + t` of a population is tick t of the network.
//! Example: input -> a -> b, with a feeding itself one tick late, gives input 0, a 1, b 2.
//! Limits: a cycle with fewer ticks of delay than populations can't keep its timing; see below.
//! Source: Leiserson and Saxe, "Retiming synchronous circuitry", Algorithmica 6, 1991; the constraints are solved as
//! longest paths by Bellman and Ford.
//!
//! On the chip every hop costs a tick: a packet of tick t acts in tick t + 1. A projection from u to v with w ticks of
//! network delay therefore asks for start(v) + w >= start(u) + 1. Around a cycle the starts cancel: it must hold at
//! least as many ticks of delay as it has populations. Where it does not, a tick is added to one of its delays and the
//! user is told which cycle it was.

use crate::{
    Session,
    analysis::projections::{self, Projection},
};
use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
    qsnn::{Network, Op},
};

/// A projection as a constraint: start(to) >= start(from) + 1 - ticks.
#[derive(Clone, Copy)]
struct Edge {
    from: usize,
    to: usize,
    ticks: i64,
}

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut network = Network::read(&module)?;
    let starts = loop {
        match earliest(network.nodes.len(), &edges(&network)?) {
            Ok(starts) => break starts,
            Err(cycle) => relax(session, &mut network, &cycle)?,
        }
    };
    for (node, start) in network.nodes.iter_mut().zip(starts) {
        if let Some(place) = node.op.start_mut() {
            *place = Some(start);
        }
    }
    network.write(session.context)
}

fn edges(network: &Network) -> Result<Vec<Edge>> {
    let mut edges = Vec::new();
    for to in (0..network.nodes.len()).filter(|&index| network.nodes[index].op.is_neuron()) {
        let projections = projections::of_qsnn(network, to)?;
        edges.extend(projections.into_iter().map(|Projection { source, ticks, .. }| Edge { from: source, to, ticks }));
    }
    Ok(edges)
}

/// The earliest start of each node (0 for those without constraints), or a cycle that asks for more and more.
fn earliest(count: usize, edges: &[Edge]) -> std::result::Result<Vec<i64>, Vec<usize>> {
    let mut starts = vec![0; count];
    let mut before: Vec<Option<usize>> = vec![None; count];
    for round in 0..=count {
        let mut last = None;
        for edge in edges {
            let asked = starts[edge.from] + 1 - edge.ticks;
            if asked > starts[edge.to] {
                starts[edge.to] = asked;
                before[edge.to] = Some(edge.from);
                last = Some(edge.to);
            }
        }
        let Some(last) = last else { return Ok(starts) };
        if round == count {
            return Err(cycle_behind(last, &before));
        }
    }
    Ok(starts)
}

/// The cycle that one reaches by going back from a node that still moves after as many rounds as there are nodes.
fn cycle_behind(last: usize, before: &[Option<usize>]) -> Vec<usize> {
    let mut on_cycle = last;
    for _ in 0..before.len() {
        on_cycle = before[on_cycle].unwrap_or(on_cycle);
    }
    let mut cycle = vec![on_cycle];
    let mut node = before[on_cycle];
    while let Some(index) = node.filter(|&index| index != on_cycle) {
        cycle.push(index);
        node = before[index];
    }
    cycle.reverse();
    cycle
}

/// Adds a tick to a delay of the cycle and says so.
fn relax(session: &mut Session<'_>, network: &mut Network, cycle: &[usize]) -> Result<()> {
    let name = |index: usize| network.nodes[index].op.node().unwrap_or("?").to_owned();
    let path = cycle.iter().map(|&index| name(index)).collect::<Vec<_>>().join(" -> ");
    for (position, &to) in cycle.iter().enumerate() {
        let from = cycle[(position + cycle.len() - 1) % cycle.len()];
        let delayed = projections::of_qsnn(network, to)?.into_iter().find(|p| p.source == from && p.ticks > 0);
        let Some(delay) = delayed.and_then(|projection| delay_of(network, to, projection)) else { continue };
        session.warnings.push(
            Diagnostic::warning("timing-not-kept", format!("the cycle {path} can't keep its timing"))
                .at_node(name(to))
                .text(format!(
                    "Every hop on the chip takes a tick, so that a cycle of {} populations needs {} ticks of delay. \
                     The projection from `{}` to `{}` was made a tick slower.",
                    cycle.len(),
                    cycle.len(),
                    name(from),
                    name(to)
                ))
                .hint("train with that delay, or merge the populations of the cycle into one"),
        );
        if let Op::Delay(op) = &mut network.nodes[delay].op {
            op.ticks += 1;
        }
        return Ok(());
    }
    Err(Box::new(Diagnostic::bug(format!("the cycle {path} holds no delay"))))
}

/// A delay on the way of a projection into population `to`.
fn delay_of(network: &Network, to: usize, projection: Projection) -> Option<usize> {
    let mut open = vec![projection.connection];
    open.extend(&network.nodes[to].inputs);
    while let Some(index) = open.pop() {
        let node = &network.nodes[index];
        match &node.op {
            Op::Delay(delay) if delay.ticks > 0 => return Some(index),
            Op::Dense(_) | Op::Conv2d(_) if index != projection.connection => {}
            op if op.is_neuron() || matches!(op, Op::Input(_)) => {}
            _ => open.extend(&node.inputs),
        }
    }
    None
}
