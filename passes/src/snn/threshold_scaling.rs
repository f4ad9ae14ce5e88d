//! Threshold scaling: weights in units of their last bit, thresholds along with them.
//!
//! Needs: `snn`, discretised.
//! Gives: for each neuron one positive factor s by which its incoming weights, biases and all its potentials are
//! multiplied; 1/s is the step of the weights' integers. The potentials are divided by `r` times `w_in`, whose sign
//! moves into the weights. Nothing is rounded: the network still fires exactly the same spikes. The step is a given one,
//! else what a given percentile of the absolute weights says, else that of a grid on which the weights already lie, else
//! the one with the least square error of the drive on calibration data, below 8 bits after the same compensation of errors
//! as in `error-compensation` where that is asked for; without such data that of the largest weight at 8 bits and more,
//! and of least square error of the weights at fewer.
//! Example: weights [0.5, -0.25, 0.3] and threshold 1 become [127, -63.5, 76.2] and threshold 254, with percentile 100.
//! A population that has a `weight_scale` is scaled already and left as it is.
//! Limits: every operand of a neuron must be made of connections and `snn.add`. The step of a population with more than
//! 2^27 products of neurons (or channels) and pairs of inputs, and one for a layer or a network, does not look at
//! compensation.
//! Source: the dynamics of LIF, CubaLIF and IF are linear in membrane and input, so a common factor cancels in the
//! comparison. Arfa et al., arXiv 2504.06748 (one factor per layer, percentile); per neuron it costs no more. Rastegari
//! et al., XNOR-Net, ECCV 2016, for the step of one bit, which least error gives.

mod options;
mod rows;
mod steps;

use crate::{
    analysis::{
        projections::{self, Projection},
        widths,
    },
    options::{Options, WeightScale},
    session::Session,
};
pub use options::OPTIONS;
use rows::Rows;
use s2c_dialects::{
    Module,
    attribute::Tensor,
    diagnostic::{Diagnostic, Result},
    snn::{Network, Neuron, Op},
};
use std::collections::BTreeMap;

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut network = Network::read(&module)?;
    let options = Options { weight_rounding: Some(session.rounding()), ..session.options.clone() };
    let fan_in = separate_fan_in(&mut network)?;
    let mut gains = BTreeMap::new();
    for (&population, connections) in &fan_in {
        gains.insert(population, fold_gain(&mut network, population, connections)?);
    }
    let bits = widths::of_connections(&network, &options)?;
    let mut populations = BTreeMap::new();
    for (&population, connections) in &fan_in {
        let node = &network.nodes[population];
        let neurons = node.result.as_ref().map_or(0, |result| result.len());
        let moments = session.calibration.as_deref().and_then(|all| all.of(node.op.node().unwrap_or(&node.name)));
        let connections = connections.iter().map(|connection| (*connection, bits[connection]));
        populations.insert(population, Rows::new(&network, connections, neurons, moments));
    }
    let thresholds = |population: usize, neuron: usize| {
        let fire = network.nodes[population].op.neuron().and_then(Neuron::fire);
        fire.map_or(1.0, |fire| fire.threshold.at(neuron))
    };
    let whole = steps::of_network(&populations, &thresholds, &options);
    let mut factors = BTreeMap::new();
    for (&population, rows) in &populations {
        let (steps, notes) = match options.weight_scale {
            WeightScale::Factor(factor) => (vec![Some(1.0 / factor); rows.count], Vec::new()),
            WeightScale::Network => (vec![whole; rows.count], Vec::new()),
            WeightScale::Channel | WeightScale::Layer => steps::of_population(rows, &options),
        };
        let node = &network.nodes[population];
        let name = node.op.node().unwrap_or(&node.name);
        let notes = notes.into_iter().chain(steps::zeros_lost(rows)).chain(steps::rows_lost(rows, &steps, &options));
        session.warnings.extend(notes.map(|note| note.at_node(name)));
        // A neuron without weights keeps its potentials: any factor is right for it.
        let factor = |step: Option<f64>| step.map_or(1.0, |step| 1.0 / step);
        let of_neurons = |step: Option<f64>| std::iter::repeat_n(factor(step), rows.neurons);
        factors.insert(population, steps.into_iter().flat_map(of_neurons).collect::<Vec<f64>>());
    }
    for (population, factors) in factors {
        scale(&mut network, population, &fan_in[&population], &factors, &gains[&population]);
    }
    network.write(session.context)
}

/// For each population the connections that feed it, each of them feeding no other population.
fn separate_fan_in(network: &mut Network) -> Result<BTreeMap<usize, Vec<usize>>> {
    // After `simplification` several populations may share a connection.
    projections::unshare(network);
    let mut fan_in = BTreeMap::new();
    for population in (0..network.nodes.len()).filter(|&index| is_unscaled(&network.nodes[index].op)) {
        let all = projections::of_snn(network, population)?;
        fan_in.insert(population, all.into_iter().map(|Projection { connection, .. }| connection).collect());
    }
    Ok(fan_in)
}

fn is_unscaled(op: &Op) -> bool {
    op.neuron().is_some_and(|neuron| neuron.weight_scale.is_none())
}

/// Takes `r` and `w_in` out of a population and moves their sign (or that they are zero) into the weights. What is left
/// is the gain by which potentials have to be divided, so that one unit of input is one volt (or one unit of current).
fn fold_gain(network: &mut Network, population: usize, connections: &[usize]) -> Result<Vec<f64>> {
    let count = network.result(population)?.len();
    let mut gains = vec![1.0; count];
    for factor in network.nodes[population].op.neuron_mut().into_iter().flat_map(Neuron::gains_mut) {
        gains.iter_mut().enumerate().for_each(|(neuron, gain)| *gain *= factor.at(neuron));
        *factor = Tensor::splat(factor.shape.clone(), 1.0);
    }
    let gain: Vec<f64> = gains.iter().map(|&gain| if gain == 0.0 { 0.0 } else { gain.signum() }).collect();
    let channels = channels_of(network, connections);
    let places = (count / channels.unwrap_or(count).max(1)).max(1);
    if gain.chunks(places).any(|channel| channel.iter().any(|gain| *gain != channel[0])) {
        return Err(Box::new(
            Diagnostic::error("gain-varies", "the gains of a channel's neurons have different signs")
                .at_node(network.nodes[population].name.clone())
                .text("r (times w_in) must have one sign for all neurons that share a convolution's weights."),
        ));
    }
    if gain.iter().any(|&sign| sign != 1.0) {
        multiply_rows(network, connections, &gain);
    }
    Ok(gains.into_iter().map(|gain| if gain == 0.0 { 1.0 } else { gain.abs() }).collect())
}

/// Channels of the convolutions among the connections: neurons of a channel share weights, so they share a scale.
fn channels_of(network: &Network, connections: &[usize]) -> Option<usize> {
    connections.iter().find_map(|&connection| match &network.nodes[connection].op {
        Op::Conv2d(op) => Some(op.weight.shape[0]),
        _ => None,
    })
}

/// Multiplies each neuron's incoming weights and biases by its factor, which is that of its channel where the weights
/// are a channel's.
fn multiply_rows(network: &mut Network, connections: &[usize], factors: &[f64]) {
    for &connection in connections {
        let (weight, bias) = match &mut network.nodes[connection].op {
            Op::Linear(op) => (&mut op.weight, op.bias.as_mut()),
            Op::Conv2d(op) => (&mut op.weight, op.bias.as_mut()),
            Op::Scale(op) => (&mut op.scale, None),
            _ => continue,
        };
        let rows = weight.shape[0];
        let columns = weight.len() / rows.max(1);
        let factor = |row: usize, rows: usize| factors[row * (factors.len() / rows.max(1))];
        let weights = weight.iter().enumerate();
        let weights = weights.map(|(index, w)| (f64::from(w) * factor(index / columns, rows)) as f32).collect();
        *weight = Tensor::new(weight.shape.clone(), weights);
        if let Some(bias) = bias {
            let values = bias.iter().enumerate().map(|(row, value)| value * factor(row, bias.len())).collect();
            *bias = Tensor::new(bias.shape.clone(), values);
        }
    }
}

/// Multiplies weights by `factors` and potentials by `factors / gains`.
fn scale(network: &mut Network, population: usize, connections: &[usize], factors: &[f64], gains: &[f64]) {
    multiply_rows(network, connections, factors);
    let factors: Vec<f64> = factors.iter().zip(gains).map(|(factor, gain)| factor / gain).collect();
    let shape = network.nodes[population].result.as_ref().map_or_else(Vec::new, |result| result.shape.clone());
    let Some(neuron) = network.nodes[population].op.neuron_mut() else { return };
    for tensor in neuron.potentials_mut() {
        let values = tensor.iter().zip(&factors).map(|(value, factor)| value * factor).collect();
        *tensor = Tensor::new(tensor.shape.clone(), values);
    }
    neuron.weight_scale = Some(Tensor::new(shape, factors));
}
