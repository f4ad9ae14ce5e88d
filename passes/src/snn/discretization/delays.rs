//! Delays in seconds become whole ticks, to nearest; elements of different delays become delays of their own.

use crate::session::Session;
use s2c_dialects::{
    attribute::Tensor,
    diagnostic::{Diagnostic, Result},
    ir::{Element, ValueType},
    snn::{Add, Delay, Network, Op, Scale},
};
use std::collections::BTreeMap;

/// Share of a tick that a delay may miss a whole number of ticks by without a word.
const TOLERANCE: f64 = 1e-3;

/// Turns the `seconds` of every delay into ticks of `dt` seconds.
pub fn discretize(session: &mut Session<'_>, network: &mut Network, dt: f64) -> Result<()> {
    for index in 0..network.nodes.len() {
        let Op::Delay(delay) = &mut network.nodes[index].op else { continue };
        let Some(seconds) = delay.seconds.take() else { continue };
        let exact: Vec<f64> = seconds.values.iter().map(|seconds| seconds / dt).collect();
        let ticks: Vec<i64> = exact.iter().map(|ticks| ticks.round() as i64 + delay.ticks).collect();
        let worst = exact.iter().copied().max_by(|a, b| miss(*a).total_cmp(&miss(*b))).unwrap_or(0.0);
        if miss(worst) > TOLERANCE {
            session.warnings.push(
                Diagnostic::warning("delay-rounded", "a delay is no whole number of ticks")
                    .at_node(network.nodes[index].name.clone())
                    .text(format!("{:e} s are {worst:.3} ticks of {dt:e} s; {} were taken.", worst * dt, worst.round()))
                    .hint("choose a --dt that divides the delays"),
            );
        }
        match ticks[..] {
            [only] => network.nodes[index].op = Delay { ticks: only, seconds: None }.into(),
            _ => split(network, index, &ticks)?,
        }
    }
    Ok(())
}

fn miss(ticks: f64) -> f64 {
    (ticks - ticks.round()).abs()
}

/// A sum of delays, each of the elements that it is for.
fn split(network: &mut Network, index: usize, ticks: &[i64]) -> Result<()> {
    let mut groups: BTreeMap<i64, Vec<f32>> = BTreeMap::new();
    for (element, &ticks) in ticks.iter().enumerate() {
        groups
            .entry(ticks)
            .or_insert_with(|| vec![0.0; network.nodes[index].result.as_ref().map_or(0, ValueType::len)])[element] =
            1.0;
    }
    let (name, input) = (network.nodes[index].name.clone(), network.nodes[index].inputs[0]);
    let source = network.result(input)?.clone();
    let current = ValueType::new(source.shape.clone(), Element::F32);
    let mut parts = Vec::with_capacity(groups.len());
    for (ticks, mask) in groups {
        let delay = Delay { ticks, seconds: None };
        let delay = network.push(delay.into(), name.clone(), vec![input], Some(source.clone()));
        let scale = Scale { scale: Tensor::new(vec![mask.len()], mask) };
        parts.push(network.push(scale.into(), name.clone(), vec![delay], Some(current.clone())));
    }
    let node = &mut network.nodes[index];
    node.op = Add {}.into();
    node.inputs = parts;
    node.result = Some(current);
    Ok(())
}
