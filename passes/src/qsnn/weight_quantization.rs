//! Weight quantization: integer weights and fixed-point neurons.
//!
//! Needs: `snn` with scaled thresholds (`threshold-scaling`).
//! Gives: a `qsnn` network; |weight| <= 2^(bits-1) - 1, or the sign with one bit; each population has the most
//! fractional bits for which range analysis proves that its states fit into int32, and saturating additions where there
//! is no proof. With `--state f32` populations keep float32 states instead. What neurons hand on instead of spikes is a
//! 32-bit number with the most fractional bits that it can have; sums of such numbers have as many as fit into 32 bits,
//! to which connections shift what they take.
//! Example: weight 63.5 becomes 64; a LIF neuron with dt / tau = 0.1 and threshold 254 gets decay 3865470566 (0.9 * 2^32).
//! Limits: the range of a neuron that never decays (IF) is unbounded, so it always saturates; it is
//! expected to stay within some times its drive. A loop of graded values alone is refused.
//! Source: the rules of README.md of `qsnn`; Jacob et al., "Quantization and Training of Neural Networks for Efficient
//! Integer-Arithmetic-Only Inference", CVPR 2018, for the symmetric integer grid.

mod bytes;
mod fixed;
mod float;
mod options;
mod population;
mod rounding;
mod rule;
mod values;
mod weights;

use crate::{
    analysis::{projections, widths},
    options::{Options, State},
    session::Session,
};
pub use options::OPTIONS;
use population::{Dynamics, HEADROOM, INTEGRATOR_HEADROOM, Population, beyond_floats, too_wide};
use rule::{Rule, Value};
use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
    graph::Node,
    ir::{Element, ValueType},
    qsnn, shown,
    snn::{Network, Op},
};
use std::collections::BTreeMap;
use weights::{bits_at, conv2d, dense, one_to_one};

/// Bits that a connection shifts what it takes up by, at most (C13 of `qsnn`).
const MOST_UP: i64 = 30;

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let network = Network::read(&module)?;
    let options = session.options.clone();
    let bits = widths::of_connections(&network, &options)?;
    let inputs = values::of_inputs(&network);
    let populations = populations(session, &network, &bits, &inputs, &options)?;
    let shifts = shifts(&network, &populations, &inputs)?;
    let mut integer = qsnn::Network {
        name: network.name.clone(),
        dt: network.dt,
        options: network.options.clone(),
        nodes: Vec::new(),
    };
    for (index, node) in network.nodes.iter().enumerate() {
        let result = node.result.as_ref().map(|result| match result.element {
            Element::F32 => ValueType::new(result.shape.clone(), Element::I32),
            _ => result.clone(),
        });
        let shift = shifts.get(&index).copied().filter(|&shift| shift != 0);
        let op: qsnn::Op = match &node.op {
            Op::Input(op) => {
                let fraction = inputs.get(&index).map(|value| value.fraction);
                qsnn::Input { node: op.node.clone(), limit: op.limit, fraction, start: None }.into()
            }
            Op::Output(op) => qsnn::Output { node: op.node.clone() }.into(),
            Op::Add(_) => qsnn::Add {}.into(),
            Op::Delay(op) => qsnn::Delay { ticks: op.ticks }.into(),
            Op::Linear(op) => dense(op, bits_at(&bits, index)?, shift, &options).into(),
            Op::Conv2d(op) => conv2d(op, bits_at(&bits, index)?, shift, &options).into(),
            Op::Scale(op) => one_to_one(op, bits_at(&bits, index)?, shift, &options).into(),
            Op::Pool(_) => return Err(Box::new(Diagnostic::bug("`connection-fusion` has not run"))),
            _ => {
                let population = populations.get(&index).map(|population| population.op.clone());
                population.ok_or_else(|| Diagnostic::bug("a population is missing").at_node(node.name.clone()))?
            }
        };
        integer.nodes.push(Node { op, name: node.name.clone(), inputs: node.inputs.clone(), result });
    }
    integer.write(session.context)
}

/// All populations, those first whose graded values others need to know the range of.
fn populations(
    session: &mut Session<'_>,
    network: &Network,
    bits: &BTreeMap<usize, u32>,
    inputs: &BTreeMap<usize, Value>,
    options: &Options,
) -> Result<BTreeMap<usize, Population>> {
    let (mut done, mut values) = (BTreeMap::new(), inputs.clone());
    let mut open: Vec<usize> = (0..network.nodes.len()).filter(|&index| network.nodes[index].op.is_neuron()).collect();
    while !open.is_empty() {
        let mut waiting = Vec::new();
        for &index in &open {
            let unknown = |source: usize| network.nodes[source].op.is_graded() && !values.contains_key(&source);
            if projections::of_snn(network, index)?.iter().any(|projection| unknown(projection.source)) {
                waiting.push(index);
                continue;
            }
            let rules = rule::rules(network, index, bits, &values, options)?;
            let taken = projections::of_snn(network, index)?.into_iter();
            let least = taken.map(|projection| values.get(&projection.source).map_or(0, |value| value.fraction)).min();
            let population = population(session, network, index, &rules, least.unwrap_or(0), options)?;
            values.extend(population.value.map(|value| (index, value)));
            done.insert(index, population);
        }
        if waiting.len() == open.len() {
            return Err(graded_loop(network, &waiting));
        }
        open = waiting;
    }
    Ok(done)
}

fn graded_loop(network: &Network, populations: &[usize]) -> Box<Diagnostic> {
    let names: Vec<&str> = populations.iter().filter_map(|&index| network.nodes[index].op.node()).collect();
    Box::new(
        Diagnostic::error("graded-loop", "graded values go round in a loop")
            .at_node(names.first().copied().unwrap_or("?"))
            .text(format!("No range can be proved for the values of {}.", shown::list(&names)))
            .hint("put spiking neurons into the loop"),
    )
}

/// By which power of two each connection multiplies what it takes, so that all sums into a population count in the same
/// unit.
fn shifts(
    network: &Network,
    populations: &BTreeMap<usize, Population>,
    inputs: &BTreeMap<usize, Value>,
) -> Result<BTreeMap<usize, i64>> {
    let mut shifts = BTreeMap::new();
    for (&index, population) in populations {
        for projection in projections::of_snn(network, index)? {
            let value = populations.get(&projection.source).and_then(|source| source.value);
            let value = value.or(inputs.get(&projection.source).copied());
            let taken = value.map_or(0, |value| value.fraction);
            // Values that are this small against the sum vanish either way.
            shifts.insert(projection.connection, (i64::from(population.fraction) - taken).max(-31));
        }
    }
    Ok(shifts)
}

/// The population at `index`; the coarsest of what it takes has `least` fractional bits.
fn population(
    session: &mut Session<'_>,
    network: &Network,
    index: usize,
    rules: &[Rule],
    least: i64,
    options: &Options,
) -> Result<Population> {
    let node = &network.nodes[index];
    let neuron = node.op.neuron().ok_or_else(|| Diagnostic::bug("`discretization` has not run"))?;
    let reset = neuron.fire().map(|fire| fire.reset);
    if let Some(wrong) = rules.iter().position(|rule| !(rule.scale(0) * rule.weight_scale).is_normal()) {
        return Err(beyond_floats(&node.name, wrong));
    }
    // Connections shift what they take by no more than MOST_UP.
    let fraction = rule::fraction(rules).ok_or_else(|| too_wide(&node.name, rules, reset))?;
    let fraction = fraction.min((least + MOST_UP) as i32);
    let headroom = if neuron.fire().is_some() { HEADROOM } else { INTEGRATOR_HEADROOM };
    let dynamics = Dynamics { neuron, shape: &network.result(index)?.shape, rules, fraction, headroom };
    session.warnings.extend(dynamics.never_fires());
    match options.state {
        State::F32 => float::population(&dynamics),
        State::Fixed | State::Fixed8 => fixed::population(session, &dynamics, options.state == State::Fixed8),
    }
}
