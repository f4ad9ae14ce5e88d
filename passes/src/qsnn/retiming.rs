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
//! least as many ticks of delay as it has populations (`analysis/timing.rs`). Where it does not, a tick is added to one of its delays and the
//! user is told which cycle it was.

use crate::{
    analysis::{
        projections::{self, Projection},
        timing::{Cycle, Timing},
    },
    session::Session,
};
use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
    qsnn::{Network, Op},
};

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut network = Network::read(&module)?;
    let starts = loop {
        match Timing::of(&network)?.earliest_starts() {
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

/// Adds a tick to a delay of the cycle and says so.
fn relax(session: &mut Session<'_>, network: &mut Network, cycle: &Cycle) -> Result<()> {
    let (ticks, cycle) = (cycle.ticks, &cycle.populations);
    let name = |index: usize| network.nodes[index].op.node().unwrap_or("?").to_owned();
    let path = cycle.iter().map(|&index| name(index)).collect::<Vec<_>>().join(" -> ");
    for (position, &to) in cycle.iter().enumerate() {
        let from = cycle[(position + cycle.len() - 1) % cycle.len()];
        // Of several projections the least delayed one is on the cycle.
        let projections = projections::of_qsnn(network, to)?.into_iter().filter(|p| p.source == from);
        let delayed = projections.min_by_key(|p| p.ticks).filter(|p| p.ticks > 0);
        let Some(delay) = delayed.and_then(|projection| delay_of(network, to, projection)) else { continue };
        session.warnings.push(
            Diagnostic::warning("timing-not-kept", format!("the cycle {path} can't keep its timing"))
                .at_node(name(to))
                .text(format!(
                    "Every hop on the chip takes a tick, so that a cycle of {} populations needs as many ticks of delay; \
                     it holds {ticks}. The projection from `{}` to `{}` was made a tick slower.",
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
    let is_delay = |index: usize| matches!(&network.nodes[index].op, Op::Delay(delay) if delay.ticks > 0);
    // From the population over sums to the connection, then on to the source.
    let mut at = to;
    let mut past = false;
    while at != projection.source || !past {
        past |= at == projection.connection;
        let mut inputs = network.nodes[at].inputs.iter().copied();
        at = inputs.find(|&input| past || leads_from(network, input, projection.connection))?;
        if is_delay(at) {
            return Some(at);
        }
    }
    None
}

/// Whether a sum's operand is the connection itself, perhaps late or within another sum.
fn leads_from(network: &Network, operand: usize, connection: usize) -> bool {
    match &network.nodes[operand].op {
        _ if operand == connection => true,
        Op::Add(_) | Op::Delay(_) => {
            network.nodes[operand].inputs.iter().any(|&input| leads_from(network, input, connection))
        }
        _ => false,
    }
}
