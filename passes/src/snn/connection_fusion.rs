//! Connection fusion: chains of connections become one connection each.
//!
//! Needs: `snn`, discretised, verified.
//! Gives: every connection (`snn.linear`, `snn.conv2d`, `snn.scale`) takes what an input or a population hands on,
//! perhaps some ticks late, and no `snn.pool` is left. A pool before a convolution becomes its `pool`; scales go into
//! rows or columns; matrices are multiplied; convolutions are composed; a connection of a sum becomes a sum of
//! connections; a delay of currents moves in front of their connections. Biases are carried through.
//! Example: `snn.pool %z window [2, 2]` and `snn.linear` of 10 x 4 become one `snn.linear` of 10 x 16.
//! Limits: what is no convolution after composition becomes a matrix of at most 2^25 elements. A bias acts from the
//! first tick on, even where a delay comes behind it.
//! Source: connections are linear maps, and so are their compositions.

pub(crate) mod columns;
pub(crate) mod compose;

use crate::session::Session;
use columns::to_linear;
use compose::{compose, pool_to_convolution};
use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
    snn::{self, Network, Op},
};

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut network = Network::read(&module)?;
    fuse(session, &mut network)?;
    network.write(session.context)
}

/// Brings a network into the form that the page promises.
pub(crate) fn fuse(session: &mut Session<'_>, network: &mut Network) -> Result<()> {
    let mut is_settled = false;
    while !is_settled {
        is_settled = true;
        let mut index = 0;
        // Steps add nodes, which are looked at in turn.
        while index < network.nodes.len() {
            while step(session, network, index)? {
                is_settled = false;
            }
            index += 1;
        }
    }
    for index in 0..network.nodes.len() {
        if let Op::Pool(pool) = &network.nodes[index].op {
            let convolution = pool_to_convolution(pool, &network.result(network.nodes[index].inputs[0])?.shape);
            network.nodes[index].op =
                convolution.ok_or_else(|| Diagnostic::bug("not a pool").at_node(network.nodes[index].name.clone()))?;
        }
    }
    network.remove_unused(|op| op.is_linear() || matches!(op, Op::Add(_) | Op::Delay(_)));
    Ok(())
}

/// Brings a node one step closer to the form that the page promises; false where nothing is to be done.
fn step(session: &mut Session<'_>, network: &mut Network, index: usize) -> Result<bool> {
    let is_delay = matches!(network.nodes[index].op, Op::Delay(_));
    if !is_delay && !network.nodes[index].op.is_linear() {
        return Ok(false);
    }
    let operand = network.nodes[index].inputs[0];
    if matches!(network.nodes[operand].op, Op::Add(_)) {
        distribute(network, index, operand);
        return Ok(true);
    }
    if !network.nodes[operand].op.is_linear() {
        return Ok(false);
    }
    if is_delay {
        delay_first(session, network, index, operand)?;
        return Ok(true);
    }
    let source = network.nodes[operand].inputs[0];
    let [from, between, to] = [source, operand, index].map(|node| network.result(node).map(|r| r.shape.as_slice()));
    let (shapes, outer, inner) = ([from?, between?, to?], &network.nodes[index].op, &network.nodes[operand].op);
    let composed = match compose(outer, inner, shapes) {
        Some(op) => op,
        None => to_linear(outer, inner, shapes)
            .map_err(|error| Box::new(error.at_node(network.nodes[index].name.clone())))?,
    };
    network.nodes[index].op = composed;
    network.nodes[index].inputs = vec![source];
    Ok(true)
}

/// `L (a + b)` becomes `L a + L b`; the bias stays with the first.
fn distribute(network: &mut Network, index: usize, sum: usize) {
    let parts = network.nodes[sum].inputs.clone();
    let (node, mut copies) = (network.nodes[index].clone(), Vec::with_capacity(parts.len()));
    for (position, part) in parts.into_iter().enumerate() {
        let mut op = node.op.clone();
        if position > 0 {
            without_bias(&mut op);
        }
        copies.push(network.push(op, node.name.clone(), vec![part], node.result.clone()));
    }
    network.nodes[index].op = snn::Add {}.into();
    network.nodes[index].inputs = copies;
}

/// A delay behind a connection changes places with it.
fn delay_first(session: &mut Session<'_>, network: &mut Network, delay: usize, connection: usize) -> Result<()> {
    let source = network.nodes[connection].inputs[0];
    let moved = network.nodes[delay].clone();
    let result = network.result(source)?.clone();
    if bias_of(&network.nodes[connection].op).is_some() {
        session.warnings.push(
            Diagnostic::warning("bias-not-delayed", "a bias acts before the delay behind it lets it through")
                .at_node(network.nodes[connection].name.clone())
                .text(
                    "A delay gives zero in its first ticks; on the chip the bias is a constant from the first tick on.",
                ),
        );
    }
    let first = network.push(moved.op, moved.name, vec![source], Some(result));
    network.nodes[delay].op = network.nodes[connection].op.clone();
    network.nodes[delay].name = network.nodes[connection].name.clone();
    network.nodes[delay].inputs = vec![first];
    Ok(())
}

fn bias_of(op: &Op) -> Option<&s2c_dialects::attribute::Tensor<f64>> {
    match op {
        Op::Linear(op) => op.bias.as_ref(),
        Op::Conv2d(op) => op.bias.as_ref(),
        _ => None,
    }
}

pub(crate) fn without_bias(op: &mut Op) {
    match op {
        Op::Linear(op) => op.bias = None,
        Op::Conv2d(op) => op.bias = None,
        _ => {}
    }
}
