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

/// A network that can be run tick by tick.
pub trait Interpreter {
    /// Back to the state before tick 0.
    fn reset(&mut self);
    /// Runs one tick; `inputs` holds the spike counts of each input node, in the order of the text.
    fn step(&mut self, inputs: &[&[u16]]) -> Result<()>;
    /// Index of the node of this name: an input, output or population.
    fn find(&self, name: &str) -> Option<usize>;
    /// Spike counts of node `index` in the last tick.
    fn spikes(&self, index: usize) -> Vec<u16>;
    /// Membranes of population `index` after the last tick, in volts; `None` for other nodes.
    fn membranes(&self, index: usize) -> Option<Vec<f64>>;
}

/// Checks one tick's input against what the network declares.
fn check_input(node: &str, counts: &[u16], expected: usize, limit: i64) -> Result<()> {
    if counts.len() != expected {
        return Err(Box::new(
            Diagnostic::error("input-shape", format!("the input has {} values per tick", counts.len()))
                .at_node(node)
                .text(format!("The node takes {expected}.")),
        ));
    }
    match counts.iter().position(|&count| i64::from(count) > limit) {
        None => Ok(()),
        Some(neuron) => Err(Box::new(
            Diagnostic::error("input-limit", format!("{} spikes in one tick at neuron {neuron}", counts[neuron]))
                .at_node(node)
                .text(format!("The network was prepared for at most {limit} per neuron and tick."))
                .hint("give a larger --input-limit"),
        )),
    }
}
