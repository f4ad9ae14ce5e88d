//! What is cut, and for what.

use crate::{
    analysis::{
        projections::{Projection, Projections},
        tables,
    },
    options::Options,
    target::Target,
};
use s2c_dialects::{
    convolution,
    diagnostic::Result,
    qsnn::{Network, Op},
};
use std::collections::BTreeSet;

/// A network that is cut into slices, and the machine that they are for.
pub struct Job<'s> {
    /// The machine.
    pub target: &'s Target,
    /// The network.
    pub network: &'s Network,
    /// Its options.
    pub options: &'s Options,
    /// Bytes of a packet in a receive ring.
    pub packet_bytes: u32,
    projections: &'s Projections,
    maps: Vec<Option<[usize; 3]>>,
}

impl<'s> Job<'s> {
    /// The job of cutting a network.
    ///
    /// # Errors
    /// A bug where an input or a population is no value.
    pub fn new(
        target: &'s Target,
        network: &'s Network,
        options: &'s Options,
        projections: &'s Projections,
    ) -> Result<Self> {
        let is_graded = |projection: &Projection| network.nodes[projection.source].op.fraction().is_some();
        let takes_values = projections.all().any(|(_, projection)| is_graded(projection));
        let packet_bytes = tables::packet_bytes(takes_values);
        let maps = maps(network, projections)?;
        Ok(Self { target, network, options, packet_bytes, projections, maps })
    }

    /// The projections into a population, in the order of its operands.
    pub fn projections(&self, population: usize) -> &'s [Projection] {
        self.projections.of_population(population)
    }

    /// Channels, rows and columns, where the values of an input or a population are a map.
    pub fn map(&self, index: usize) -> Option<[usize; 3]> {
        self.maps[index]
    }
}

/// Which values are maps: channels, rows and columns, or channels and columns, where a convolution takes or gives them.
/// Inputs of three axes always are: they have no padding.
fn maps(network: &Network, projections: &Projections) -> Result<Vec<Option<[usize; 3]>>> {
    let convolved: BTreeSet<usize> = projections
        .all()
        .filter(|(_, projection)| matches!(network.nodes[projection.connection].op, Op::Conv2d(_)))
        .flat_map(|(population, projection)| [population, projection.source])
        .collect();
    let map = |index: usize| {
        let node = &network.nodes[index];
        if !(node.op.is_neuron() || matches!(node.op, Op::Input(_))) {
            return Ok(None);
        }
        let shape = &network.result(index)?.shape;
        let is_map = convolved.contains(&index) || !node.op.is_neuron() && shape.len() == 3;
        Ok(is_map.then(|| convolution::map_of(shape)).flatten())
    };
    (0..network.nodes.len()).map(map).collect()
}
