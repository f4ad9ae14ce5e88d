//! Width narrowing: 16-bit accumulators where they are proved to suffice.
//!
//! Needs: a verified `qsnn` network.
//! Gives: the same network; connections and sums into a population have type `i16` where no input whatsoever can take
//! them out of range, which halves the cost of a synaptic event.
//! Example: `qsnn.dense … -> tensor<38xi32>` becomes `… -> tensor<38xi16>`.
//! Limits: all projections into one population have the same width. Sums of graded values stay wide.
//! Source: `analysis/ranges.rs`; SXTAB16 adds two packed 16-bit sums at once (ARM DDI 0403E, A7.7.179).

use crate::{
    analysis::{projections, ranges},
    option_spec::OptionSpec,
    session::{LEVEL, Session},
};
use s2c_dialects::{Module, diagnostic::Result, ir::Element, qsnn::Network};

/// See [`Pass::options`](crate::session::Pass::options).
pub const OPTIONS: &[&OptionSpec] = &[&LEVEL];

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut network = Network::read(&module)?;
    for population in (0..network.nodes.len()).filter(|&index| network.nodes[index].op.is_neuron()).collect::<Vec<_>>()
    {
        let sources = projections::of_qsnn(&network, population)?;
        let takes_spikes = sources.iter().all(|projection| network.nodes[projection.source].op.fraction().is_none());
        if takes_spikes && ranges::sums(&network, population)?.fits(16) {
            narrow(&mut network, population);
        }
    }
    network.write(session.context)
}

/// Changes the type of everything between the population and its sources.
fn narrow(network: &mut Network, population: usize) {
    let mut open = network.nodes[population].inputs.clone();
    while let Some(index) = open.pop() {
        let node = &mut network.nodes[index];
        if let Some(result) = node.result.as_mut().filter(|result| result.element == Element::I32) {
            result.element = Element::I16;
            open.extend(node.inputs.iter().copied());
        }
    }
}
