//! Weights and biases of the integer network in the units of the float network.
//!
//! A weight is the integer divided by the factor of its neuron (`threshold-scaling`): with `weight_scale` s, which scales
//! potentials, and the gain g = r w_in, it is W / (s g). What a neuron adds per tick besides its input is its bias and its
//! leak; the leak is known, and the rest goes into the bias of one of its connections.

use super::levels::{Levels, inexpressible};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    qsnn::{Network, Op, State},
    snn,
};
use s2c_passes::analysis::projections;
use std::collections::BTreeMap;

/// One connection.
pub struct Connection {
    /// The population that it leads to.
    pub population: usize,
    /// In the order of the integers.
    pub values: Vec<f32>,
    /// One per row; `None` where there is none.
    pub bias: Option<Vec<f64>>,
}

/// All connections, by the index of their op.
pub struct Weights(BTreeMap<usize, Connection>);

impl Weights {
    /// One connection's.
    pub fn of(&self, index: usize) -> Result<&Connection> {
        self.0.get(&index).ok_or_else(|| Box::new(Diagnostic::bug("a connection leads to no population")))
    }
}

/// The connections of a network.
pub fn of(levels: &Levels<'_>) -> Result<Weights> {
    let network = levels.integers;
    let mut all = BTreeMap::new();
    for population in (0..network.nodes.len()).filter(|&index| network.nodes[index].op.is_neuron()) {
        let factors = factors(levels, population)?;
        let mut connections: Vec<usize> =
            projections::of_qsnn(network, population)?.into_iter().map(|projection| projection.connection).collect();
        connections.sort_unstable();
        connections.dedup();
        for &connection in &connections {
            let weight = match &network.nodes[connection].op {
                Op::Dense(op) => &op.weight,
                Op::Scale(op) => &op.weight,
                Op::Conv2d(op) => &op.weight,
                _ => return Err(Box::new(Diagnostic::bug("not a connection"))),
            };
            // A convolution has one row per channel, whose neurons share a factor.
            let count: usize = weight.shape().iter().product();
            let (rows, columns) = (weight.shape()[0], count / weight.shape()[0].max(1));
            let places = factors.len() / rows.max(1);
            let value = |index: usize| (f64::from(weight.at(index)) / factors[index / columns * places]) as f32;
            let values = (0..count).map(value).collect();
            all.insert(connection, Connection { population, values, bias: None });
        }
        set_bias(levels, population, &connections, &factors, &mut all)?;
    }
    Ok(Weights(all))
}

fn float<'a>(network: &'a snn::Network, node: &str) -> Result<&'a snn::Neuron> {
    let neurons = network.nodes.iter().filter_map(|other| other.op.neuron());
    let found = neurons.into_iter().find(|neuron| neuron.node == node);
    found.ok_or_else(|| Box::new(Diagnostic::bug("a population is missing").at_node(node)))
}

/// What each neuron's weights were multiplied by; never 0.
fn factors(levels: &Levels<'_>, population: usize) -> Result<Vec<f64>> {
    let node = levels.integers.nodes[population].op.node().unwrap_or_default();
    let (scaled, original) = (float(levels.scaled, node)?, float(levels.discretized, node)?);
    let scale = scaled.weight_scale.as_ref().ok_or_else(|| Diagnostic::bug("`threshold-scaling` has not run"))?;
    // Behind a gain of 0 no weight counts.
    let gain = |n: usize| Some(original.gain(n)).filter(|&gain| gain != 0.0).unwrap_or(1.0);
    let count = levels.integers.result(population)?.len();
    Ok((0..count).map(|n| scale.at(n) * gain(n)).collect())
}

/// Gives the bias of a population to the first of its connections that can hold one: a matrix, else a convolution.
fn set_bias(
    levels: &Levels<'_>,
    population: usize,
    connections: &[usize],
    factors: &[f64],
    all: &mut BTreeMap<usize, Connection>,
) -> Result<()> {
    let network = levels.integers;
    let unit = connections.first().map_or(1.0, |&connection| (sum_fraction(network, connection) as f64).exp2());
    let bias = bias(levels, population)?;
    let bias: Vec<f64> = bias.iter().zip(factors).map(|(bias, factor)| bias / factor / unit).collect();
    if bias.iter().all(|&bias| bias == 0.0) {
        return Ok(());
    }
    let find = |wanted: fn(&Op) -> bool| connections.iter().find(|&&index| wanted(&network.nodes[index].op));
    let (connection, rows) = match find(|op| matches!(op, Op::Dense(_))) {
        Some(&connection) => (connection, bias.len()),
        None => match find(|op| matches!(op, Op::Conv2d(_))) {
            Some(&connection) => match &network.nodes[connection].op {
                Op::Conv2d(op) => (connection, op.weight.shape()[0]),
                _ => (connection, bias.len()),
            },
            None => {
                let name = network.nodes[population].op.node().unwrap_or_default();
                return Err(inexpressible(name, "It has a bias, and no connection that could hold it."));
            }
        },
    };
    let places = bias.len() / rows.max(1);
    let of_rows: Vec<f64> = bias.iter().step_by(places.max(1)).copied().collect();
    if let Some(connection) = all.get_mut(&connection) {
        connection.bias = Some(of_rows);
    }
    Ok(())
}

/// Fractional bits of the sums that a connection is part of: those of the values that it multiplies, after its shift.
fn sum_fraction(network: &Network, connection: usize) -> i64 {
    let mut source = network.nodes[connection].inputs[0];
    while let Op::Delay(_) = network.nodes[source].op {
        source = network.nodes[source].inputs[0];
    }
    let fraction = match &network.nodes[source].op {
        Op::Input(op) => op.fraction,
        _ => None,
    };
    network.nodes[connection].op.shift() + fraction.unwrap_or(0)
}

/// What each neuron adds to its sums in every tick: the offset of the stage that they go into, without the leak.
fn bias(levels: &Levels<'_>, population: usize) -> Result<Vec<f64>> {
    let op = &levels.integers.nodes[population].op;
    let neuron = op.neuron().ok_or_else(|| Diagnostic::bug("not a population"))?;
    let rule = float(levels.discretized, &neuron.node)?;
    // What is added per tick for the leak, in units of the membrane.
    let leak = |n: usize| rule.factor(n).unwrap_or(0.0) * rule.rest(n) * neuron.scale.at(n);
    let unit = (neuron.shift.unwrap_or(0) as f64).exp2();
    let of = |n: usize| match &neuron.state {
        State::Integers(stages) => match &stages.current {
            Some(current) => f64::from(current.offset.at(n)) / unit,
            None => (f64::from(stages.membrane.offset.at(n)) - leak(n).round()) / unit,
        },
        State::Floats(stages) => match &stages.current {
            Some(current) => f64::from(current.offset.at(n)),
            None => f64::from(stages.membrane.offset.at(n)) - f64::from(leak(n) as f32),
        },
    };
    Ok((0..levels.integers.result(population)?.len()).map(of).collect())
}
