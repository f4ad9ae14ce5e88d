//! Reference interpreters: the meaning of the `snn` and `qsnn` dialects as readable Rust.
//!
//! They are the oracles of the compiler: [`snn`] is compared with the frameworks that export NIR, and the machine code
//! is compared with [`qsnn`], bit for bit. Both run a network tick by tick; a connection acts within the tick, a
//! `delay` hands on what it held some ticks before, and each neuron is updated once per tick.
#![forbid(unsafe_code)]

mod delay_line;
mod order;
pub mod qsnn;
pub mod snn;

use s2c_dialects::diagnostic::{Diagnostic, Result};

/// A neuron and how many spikes it has in a tick.
pub type Event = (u32, u16);

/// A network that can be run tick by tick. Inputs are given in the order of the text.
pub trait Interpreter {
    /// Back to the state before tick 0.
    fn reset(&mut self);
    /// Runs one tick; `inputs` holds the spike counts or the analog values of each input node.
    fn step_values(&mut self, inputs: &[&[f64]]) -> Result<()>;
    /// Runs one tick; `inputs` holds the neurons of each input node that spike, each of them once.
    fn step_events(&mut self, inputs: &[&[Event]]) -> Result<()>;
    /// As [`Self::step_values`], for inputs that are all spikes.
    fn step(&mut self, inputs: &[&[u16]]) -> Result<()> {
        let values: Vec<Vec<f64>> =
            inputs.iter().map(|counts| counts.iter().map(|&count| f64::from(count)).collect()).collect();
        self.step_values(&values.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }
    /// Index of the node of this name: an input, output or population.
    fn find(&self, name: &str) -> Option<usize>;
    /// Spike counts of node `index` in the last tick.
    fn spikes(&self, index: usize) -> Vec<u16>;
    /// Whether node `index` hands on values instead of spikes.
    fn is_graded(&self, index: usize) -> bool;
    /// What node `index` handed on in the last tick: spike counts, or values in volts.
    fn values(&self, index: usize) -> Vec<f64>;
    /// Membranes of population `index` after the last tick, in volts; `None` for other nodes.
    fn membranes(&self, index: usize) -> Option<Vec<f64>>;
    /// Membranes of population `index` that stand at an end of their integers' range after the last tick.
    fn saturated(&self, _index: usize) -> usize {
        0
    }
}

/// Checks that each input is given.
fn check_inputs(given: usize, expected: usize) -> Result<()> {
    if given == expected {
        return Ok(());
    }
    Err(Box::new(Diagnostic::bug(format!("{given} inputs given, the network has {expected}"))))
}

/// Checks one tick's input against what the network declares.
fn check_input(node: &str, values: &[f64], expected: usize, limit: i64) -> Result<()> {
    if values.len() != expected {
        return Err(Box::new(
            Diagnostic::error("input-shape", format!("the input has {} values per tick", values.len()))
                .at_node(node)
                .text(format!("The node takes {expected}.")),
        ));
    }
    match values.iter().position(|&value| value.is_nan() || value.abs() > limit as f64) {
        None => Ok(()),
        Some(neuron) => Err(beyond_limit(node, neuron, values[neuron], limit)),
    }
}

/// As [`check_input`], for events.
fn check_events(node: &str, events: &[Event], expected: usize, limit: i64) -> Result<()> {
    match events.iter().find(|&&(neuron, count)| neuron as usize >= expected || i64::from(count) > limit) {
        None => Ok(()),
        Some(&(neuron, _)) if neuron as usize >= expected => Err(Box::new(
            Diagnostic::error("input-shape", format!("the input has a spike of neuron {neuron}"))
                .at_node(node)
                .text(format!("The node takes {expected} values per tick.")),
        )),
        Some(&(neuron, count)) => Err(beyond_limit(node, neuron as usize, count.into(), limit)),
    }
}

fn beyond_limit(node: &str, neuron: usize, value: f64, limit: i64) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::error("input-limit", format!("an input of {value} in one tick at neuron {neuron}"))
            .at_node(node)
            .text(format!("The network was prepared for at most {limit} per neuron and tick."))
            .hint("give a larger --input-limit"),
    )
}
