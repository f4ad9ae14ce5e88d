//! Error compensation: weights become integers one after another, each taking up the errors of those before it; then,
//! below 8 bits, single weights move on as long as that makes the error smaller.
//!
//! Needs: `snn` with scaled thresholds (`threshold-scaling`); calibration data and the option `weight_rounding`.
//! Gives: weights that are integers (still as floats), with a smaller square error of the drive on the calibration data
//! than rounding each to nearest has; what weights can't make up for goes into the bias, which keeps its fraction.
//! Example: two inputs that always spike together, weights [3.4, 5.4]: nearest is [3, 5], this gives [3, 6].
//! Limits: weights that are 0 stay 0. Weights that are integers already stay as they are, and so do those of neurons
//! with more inputs than calibration pairs, or of a convolution and a dense connection together, with a warning: they
//! are rounded to nearest later.
//! Source: GPTQ with coordinate descent and bias correction; see `analysis/lattice.rs`.

use crate::{
    analysis::{
        grid,
        lattice::Lattice,
        moments::{CALIBRATE, CALIBRATE_SAMPLES, Moments},
        projections, widths,
    },
    option_spec::{self, Heading, OptionSpec},
    options::WeightRounding,
    session::Session,
};
use s2c_dialects::{
    Module,
    attribute::Tensor,
    diagnostic::{Diagnostic, Result},
    snn::{Network, Op},
};

/// What becomes of the errors of rounding.
pub const WEIGHT_ROUNDING: OptionSpec = OptionSpec {
    name: "weight-rounding",
    value: "ROUNDING",
    help: "Round each weight to nearest, or error-compensated on the calibration data (GPTQ) [default: compensated with \
           --calibrate]",
    words: WeightRounding::WORDS,
    set: |options, _, word| {
        option_spec::word(WeightRounding::from_word(word)).map(|rounding| options.weight_rounding = Some(rounding))
    },
    get: |options| option_spec::some(options.weight_rounding, |rounding| rounding.to_string()),
    ..OptionSpec::of(Heading::Quantization)
};
/// See [`Pass::options`](crate::session::Pass::options).
pub const OPTIONS: &[&OptionSpec] = &[&WEIGHT_ROUNDING, &CALIBRATE, &CALIBRATE_SAMPLES];

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut network = Network::read(&module)?;
    if session.rounding() != WeightRounding::Compensated {
        return Ok(module);
    }
    let bits = widths::of_connections(&network, &session.options)?;
    for population in 0..network.nodes.len() {
        let node = &network.nodes[population];
        if !node.op.is_neuron() {
            continue;
        }
        let name = node.op.node().unwrap_or(&node.name).to_owned();
        let connections: Vec<(usize, u32)> = projections::of_snn(&network, population)?
            .into_iter()
            .map(|projection| (projection.connection, bits[&projection.connection]))
            .collect();
        if connections.iter().all(|&(connection, _)| is_integer(&network.nodes[connection].op)) {
            continue;
        }
        match session.calibration.as_deref().and_then(|calibration| calibration.of(&name)) {
            Some(moments) if fits(&network, &connections, moments) => compensate(&mut network, &connections, moments),
            _ => session.warnings.push(
                Diagnostic::warning("not-compensated", "the errors of these weights are not compensated")
                    .at_node(name)
                    .text("There are no second moments of all pairs of inputs; the weights are rounded to nearest.")
                    .hint("give recordings with --calibrate"),
            ),
        }
    }
    network.write(session.context)
}

fn parts(op: &mut Op) -> Option<(&mut Tensor<f32>, &mut Option<Tensor<f64>>)> {
    match op {
        Op::Linear(op) => Some((&mut op.weight, &mut op.bias)),
        Op::Conv2d(op) => Some((&mut op.weight, &mut op.bias)),
        _ => None,
    }
}

fn weight_of(op: &Op) -> Option<&Tensor<f32>> {
    match op {
        Op::Linear(op) => Some(&op.weight),
        Op::Conv2d(op) => Some(&op.weight),
        _ => None,
    }
}

fn is_integer(op: &Op) -> bool {
    weight_of(op).is_none_or(|weight| weight.values.iter().all(|&weight| grid::is_integer(weight.into())))
}

/// True where the moments are those of pairs, and of the inputs that a row of all connections together has.
fn fits(network: &Network, connections: &[(usize, u32)], moments: &[Moments]) -> bool {
    let weights = || connections.iter().filter_map(|&(connection, _)| weight_of(&network.nodes[connection].op));
    let columns: usize = weights().map(|weight| weight.len() / weight.shape[0].max(1)).sum();
    let rows = weights().next().map_or(0, |weight| weight.shape[0]);
    let is_shared = |moments: &Moments| moments.inputs() == columns && moments.matrix().is_some();
    rows > 0 && weights().all(|weight| weight.shape[0] == rows) && moments.iter().all(is_shared)
}

/// Makes the weights of all connections into a population integers.
fn compensate(network: &mut Network, connections: &[(usize, u32)], moments: &[Moments]) {
    let lattices: Vec<Lattice> = moments.iter().filter_map(Lattice::new).collect();
    let weights: Vec<(Vec<f32>, u32)> = connections
        .iter()
        .filter_map(|&(connection, bits)| Some((weight_of(&network.nodes[connection].op)?.iter().collect(), bits)))
        .collect();
    let rows = weight_of(&network.nodes[connections[0].0].op).map_or(0, |weight| weight.shape[0]);
    let mut integers: Vec<Vec<f32>> = vec![Vec::new(); weights.len()];
    let mut corrections = Vec::with_capacity(rows);
    for row in 0..rows {
        let mut values: Vec<(f64, u32)> = Vec::new();
        for (weight, bits) in &weights {
            let columns = weight.len() / rows;
            values.extend(weight[row * columns..(row + 1) * columns].iter().map(|&weight| (weight.into(), *bits)));
        }
        let rounded = lattices[row * lattices.len() / rows].round(&values);
        corrections.push(rounded.bias);
        let mut values = rounded.integers.into_iter();
        for (integers, (weight, _)) in integers.iter_mut().zip(&weights) {
            integers.extend(values.by_ref().take(weight.len() / rows).map(|integer| integer as f32));
        }
    }
    for (position, (&(connection, _), integers)) in connections.iter().zip(integers).enumerate() {
        let Some((weight, bias)) = parts(&mut network.nodes[connection].op) else { continue };
        *weight = Tensor::new(weight.shape.clone(), integers);
        if position == 0 && corrections.iter().any(|&correction| correction != 0.0) {
            let before = |row: usize| bias.as_ref().map_or(0.0, |bias| bias.at(row));
            let values = corrections.iter().enumerate().map(|(row, correction)| before(row) + correction).collect();
            *bias = Some(Tensor::new(vec![rows], values));
        }
    }
}
