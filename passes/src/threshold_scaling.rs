//! Threshold scaling: weights in units of their last bit, thresholds along with them.
//!
//! Needs: `snn`, discretised.
//! Gives: for each neuron one positive factor s by which its incoming weights, biases and all its potentials are
//! multiplied, so that the chosen percentile of its absolute weights is the largest integer (127 for 8 bits). The
//! potentials are divided by `r` times `w_in`, whose sign moves into the weights. Nothing is rounded: the network still
//! fires exactly the same spikes.
//! Example: weights [0.5, -0.25] and threshold 1 become [127, -63.5] and threshold 254, with `weight_scale` 254.
//! A population that has a `weight_scale` is scaled already and left as it is.
//! Limits: every operand of a neuron must be made of connections and `snn.add`.
//! Source: the dynamics of LIF, CubaLIF and IF are linear in membrane and input, so a common factor cancels in the
//! comparison. Arfa et al., arXiv 2504.06748 (one factor per layer, percentile); per neuron it costs no more.

use crate::{
    Session,
    analysis::projections::{self, Projection},
    options::{Options, WeightScale},
};
use s2c_dialects::{
    Module,
    attribute::Tensor,
    diagnostic::{Diagnostic, Result},
    snn::{Network, Op},
};
use std::collections::BTreeMap;

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut network = Network::read(&module)?;
    let options = Options::from_map(&network.options)?;
    let fan_in = separate_fan_in(&mut network)?;
    let largest = f64::from((1i32 << (options.weight_bits - 1)) - 1);

    let mut magnitudes = BTreeMap::new();
    for (&population, connections) in &fan_in {
        let gains = fold_gain(&mut network, population, connections)?;
        let rows = row_magnitudes(&network, population, connections, options.weight_percentile);
        magnitudes.insert(population, (rows, gains));
    }
    let whole = magnitudes.values().flat_map(|(rows, _)| rows.layer).fold(0.0, f64::max);
    for (population, (rows, gains)) in magnitudes {
        // A neuron without weights keeps its potentials: any factor is right for it.
        let fill = |magnitude: f64| if magnitude > 0.0 { largest / magnitude } else { 1.0 };
        let factor = |neuron: usize| match options.weight_scale {
            WeightScale::Channel => fill(rows.channel[neuron]),
            WeightScale::Layer => fill(rows.layer.unwrap_or(0.0)),
            WeightScale::Network => fill(whole),
            WeightScale::Factor(factor) => factor,
        };
        let factors: Vec<f64> = (0..rows.channel.len()).map(factor).collect();
        scale(&mut network, population, &fan_in[&population], &factors, &gains);
    }
    network.write(session.context)
}

/// Copies connections until none feeds two populations: they need scales (and biases) of their own.
pub(crate) fn unshare(network: &mut Network) {
    let shared = |network: &Network| {
        let users = network.users();
        let is_shared = |&index: &usize| {
            let op = &network.nodes[index].op;
            (op.is_linear() || matches!(op, Op::Add(_))) && users[index].len() > 1
        };
        (0..network.nodes.len()).find(is_shared).map(|index| (index, users[index][1]))
    };
    while let Some((index, user)) = shared(network) {
        let copy = network.nodes[index].clone();
        network.nodes.push(copy);
        let copy = network.nodes.len() - 1;
        let position = network.nodes[user].inputs.iter().rposition(|&input| input == index);
        if let Some(position) = position {
            network.nodes[user].inputs[position] = copy;
        }
    }
}

/// For each population the connections that feed it, each of them feeding no other population.
fn separate_fan_in(network: &mut Network) -> Result<BTreeMap<usize, Vec<usize>>> {
    // After `simplification` several populations may share a connection.
    unshare(network);
    let mut fan_in = BTreeMap::new();
    for population in (0..network.nodes.len()).filter(|&index| is_unscaled(&network.nodes[index].op)) {
        let all = projections::of_snn(network, population)?;
        fan_in.insert(population, all.into_iter().map(|Projection { connection, .. }| connection).collect());
    }
    Ok(fan_in)
}

fn is_unscaled(op: &Op) -> bool {
    op.is_neuron() && op.weight_scale().is_none()
}

/// Takes `r` and `w_in` out of a population and moves their sign (or that they are zero) into the weights. What is left
/// is the gain by which potentials have to be divided, so that one unit of input is one volt (or one unit of current).
fn fold_gain(network: &mut Network, population: usize, connections: &[usize]) -> Result<Vec<f64>> {
    let count = network.result(population)?.len();
    let mut gains = vec![1.0; count];
    for factor in network.nodes[population].op.gains_mut() {
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

/// The percentile of the absolute weights of each neuron, and of all of them.
struct Magnitudes {
    channel: Vec<f64>,
    layer: Option<f64>,
}

fn row_magnitudes(network: &Network, population: usize, connections: &[usize], p: f64) -> Magnitudes {
    let count = network.nodes[population].result.as_ref().map_or(0, |result| result.len());
    let groups = channels_of(network, connections).unwrap_or(count);
    let mut rows = vec![Vec::new(); groups];
    for &connection in connections {
        let weight = match &network.nodes[connection].op {
            Op::Linear(op) => &op.weight,
            Op::Conv2d(op) => &op.weight,
            Op::Scale(op) => &op.scale,
            _ => continue,
        };
        let columns = weight.len() / weight.shape[0].max(1);
        for (index, weight) in weight.iter().enumerate() {
            rows[index / columns * groups / (weight_rows(network, connection)).max(1)].push(f64::from(weight).abs());
        }
    }
    let layer = percentile(rows.concat(), p);
    let groups: Vec<f64> = rows.into_iter().map(|row| percentile(row, p).unwrap_or(0.0)).collect();
    let size = count / groups.len().max(1);
    Magnitudes { channel: (0..count).map(|neuron| groups[neuron / size.max(1)]).collect(), layer }
}

fn weight_rows(network: &Network, connection: usize) -> usize {
    match &network.nodes[connection].op {
        Op::Linear(op) => op.weight.shape[0],
        Op::Conv2d(op) => op.weight.shape[0],
        Op::Scale(op) => op.scale.len(),
        _ => 0,
    }
}

/// The p-th percentile, with linear interpolation between the two nearest values (as numpy's default).
pub(crate) fn percentile(mut values: Vec<f64>, p: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let position = p / 100.0 * last as f64;
    let (low, high) = (values[position.floor() as usize], values[position.ceil() as usize]);
    Some(low + (high - low) * position.fract())
}

/// Multiplies weights by `factors` and potentials by `factors / gains`.
fn scale(network: &mut Network, population: usize, connections: &[usize], factors: &[f64], gains: &[f64]) {
    multiply_rows(network, connections, factors);
    let factors: Vec<f64> = factors.iter().zip(gains).map(|(factor, gain)| factor / gain).collect();
    let shape = network.nodes[population].result.as_ref().map_or_else(Vec::new, |result| result.shape.clone());
    let op = &mut network.nodes[population].op;
    for tensor in op.potentials_mut() {
        let values = tensor.iter().zip(&factors).map(|(value, factor)| value * factor).collect();
        *tensor = Tensor::new(tensor.shape.clone(), values);
    }
    if let Some(weight_scale) = op.weight_scale_mut() {
        *weight_scale = Some(Tensor::new(shape, factors));
    }
}

/// The diagnostic for an operand that is not a connection.
pub(crate) fn not_a_connection(node: &str) -> Diagnostic {
    Diagnostic::error("no-connection", "a population's input does not come through a connection")
        .at_node(node)
        .hint("put a Linear or Affine node between the two")
}
