//! Bits per weight of each connection, as the options say: a connection's own, else its population's, else the
//! network's.

use super::projections;
use crate::options::Options;
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    shown,
    snn::Network,
};
use std::collections::{BTreeMap, BTreeSet};

/// Bits of each connection, by its index.
///
/// # Errors
/// An option for a node that is neither a population nor a connection.
pub fn of_connections(network: &Network, options: &Options) -> Result<BTreeMap<usize, u32>> {
    let bits_of = &options.weight_bits;
    let mut bits = BTreeMap::new();
    let mut names = BTreeSet::new();
    for (index, node) in network.nodes.iter().enumerate().filter(|(_, node)| node.op.is_neuron()) {
        let population = node.op.node().unwrap_or(&node.name);
        names.insert(population.to_owned());
        for projection in projections::of_snn(network, index)? {
            let connection = &network.nodes[projection.connection].name;
            names.insert(connection.clone());
            let own = bits_of.of.get(connection).or_else(|| bits_of.of.get(population));
            bits.insert(projection.connection, *own.unwrap_or(&bits_of.all));
        }
    }
    match bits_of.of.keys().find(|&name| !names.contains(name)) {
        None => Ok(bits),
        Some(unknown) => Err(Box::new(
            Diagnostic::error("unknown-node", format!("there are no weights at `{unknown}`"))
                .at_option("weight-bits", unknown)
                .text(format!("The network has the nodes {}.", shown::list(names)))
                .hint("--weight-bits NODE=N takes a connection, or a population for all weights into it"),
        )),
    }
}
