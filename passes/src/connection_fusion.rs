//! Connection fusion: pooling moves into the connection behind it.
//!
//! Needs: `snn`, verified.
//! Gives: a network without `snn.pool`: a convolution gets the window as its `pool`, a linear connection one column per
//! element of the window; the mean divides the weights by the window's size. Every connection then acts on spikes.
//! Example: `snn.pool %z window [2, 2]` and `snn.linear` of 10 x 4 become one `snn.linear` of 10 x 16.
//! Limits: a pool must be followed by connections only.
//! Source: sums are linear, so that a connection of sums is a connection of what is summed.

use crate::Session;
use s2c_dialects::{
    Module,
    attribute::Tensor,
    diagnostic::{Diagnostic, Result},
    snn::{Network, Op, Pool},
};

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut network = Network::read(&module)?;
    for index in 0..network.nodes.len() {
        let Some((pool, source)) = pool_before(&network, index) else { continue };
        let shape = network.result(source)?.shape.clone();
        let &[_, rows, columns] = &shape[..] else { return Err(not_a_map(&network, index)) };
        let node = &mut network.nodes[index];
        match &mut node.op {
            Op::Conv2d(op) => {
                let share = share_of(&pool);
                op.weight = op.weight.map(|weight| (f64::from(weight) * share) as f32);
                // Windows of windows are windows.
                op.pool = op.pool.iter().zip(&pool.window).map(|(inner, outer)| inner * outer).collect();
            }
            Op::Linear(op) => op.weight = spread(&op.weight, &pool, rows, columns),
            _ => return Err(not_a_map(&network, index)),
        }
        network.nodes[index].inputs[0] = source;
    }
    remove_pools(&mut network)?;
    network.write(session.context)
}

/// The pool whose result the node takes, and what the pool takes.
fn pool_before(network: &Network, index: usize) -> Option<(Pool, usize)> {
    let input = *network.nodes[index].inputs.first()?;
    match &network.nodes[input].op {
        Op::Pool(pool) => Some((pool.clone(), network.nodes[input].inputs[0])),
        _ => None,
    }
}

/// What one element of a window counts.
fn share_of(pool: &Pool) -> f64 {
    if pool.mean { 1.0 / pool.window.iter().product::<i64>() as f64 } else { 1.0 }
}

/// A matrix on windows as a matrix on their elements.
fn spread(weight: &Tensor<f32>, pool: &Pool, rows: usize, columns: usize) -> Tensor<f32> {
    let (high, wide) = (pool.window[0] as usize, pool.window[1] as usize);
    let (windows_down, windows_across) = (rows / high, columns / wide);
    let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
    let channels = inputs / (windows_down * windows_across).max(1);
    let share = share_of(pool);
    let mut values = Vec::with_capacity(outputs * channels * rows * columns);
    for output in 0..outputs {
        for channel in 0..channels {
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                let (down, across) = (row / high, column / wide);
                let inside = down < windows_down && across < windows_across;
                let window = (channel * windows_down + down) * windows_across + across;
                let value = if inside { f64::from(weight.at(output * inputs + window)) * share } else { 0.0 };
                values.push(value as f32);
            }
        }
    }
    Tensor::new(vec![outputs, channels * rows * columns], values)
}

fn remove_pools(network: &mut Network) -> Result<()> {
    let users = network.users();
    let is_pool = |index: usize| matches!(network.nodes[index].op, Op::Pool(_));
    if let Some(used) = (0..network.nodes.len()).find(|&index| is_pool(index) && !users[index].is_empty()) {
        return Err(not_a_map(network, users[used][0]));
    }
    let kept: Vec<usize> = (0..network.nodes.len()).filter(|&index| !is_pool(index)).collect();
    let mut place = vec![0; network.nodes.len()];
    kept.iter().enumerate().for_each(|(new, &old)| place[old] = new);
    let mut nodes: Vec<_> = kept.into_iter().map(|index| network.nodes[index].clone()).collect();
    nodes.iter_mut().for_each(|node| node.inputs.iter_mut().for_each(|input| *input = place[*input]));
    network.nodes = nodes;
    Ok(())
}

fn not_a_map(network: &Network, index: usize) -> Box<Diagnostic> {
    let title = "what follows a pool must be a connection on a map of channels, rows and columns";
    Box::new(Diagnostic::error("unsupported-pool", title).at_node(network.nodes[index].name.clone()))
}
