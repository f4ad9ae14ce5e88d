//! What populations are cut into.

use crate::analysis::projections;
use s2c_dialects::{
    convolution,
    diagnostic::Result,
    qsnn::{Network, Op},
    s2k::MapLayout,
};

/// A piece of a population, or an input as a whole: what sends packets.
pub struct Slice {
    /// Name, unique in the program.
    pub name: String,
    /// First neuron; 0 for a piece of a map.
    pub first: usize,
    /// The piece of a map that it is.
    pub layout: Option<MapLayout>,
    /// For each neuron on the chip its index in the network's population; `None` for padding.
    pub neurons: Vec<Option<usize>>,
}

impl Slice {
    /// Neighbouring neurons.
    pub fn range(name: String, first: usize, count: usize) -> Self {
        Self { name, first, layout: None, neurons: (first..first + count).map(Some).collect() }
    }

    /// A piece of a map.
    pub fn map(name: String, layout: MapLayout) -> Self {
        let neurons = (0..layout.count()).map(|index| layout.network_index(index)).collect();
        Self { name, first: 0, layout: Some(layout), neurons }
    }
}

/// Channels, rows and columns, where the values of an input or a population are a map. Channels and columns alone are
/// one where a convolution takes or gives them.
pub fn map_of(network: &Network, index: usize) -> Result<Option<[usize; 3]>> {
    let shape = &network.result(index)?.shape;
    if shape.len() != 2 {
        return Ok(shape.as_slice().try_into().ok());
    }
    for (user, node) in network.nodes.iter().enumerate().filter(|(_, node)| node.op.is_neuron()) {
        let convolved = projections::of_qsnn(network, user)?.into_iter().any(|projection| {
            let touches = user == index || projection.source == index;
            touches && matches!(network.nodes[projection.connection].op, Op::Conv2d(_))
        });
        if convolved && node.result.is_some() {
            return Ok(convolution::map_of(shape));
        }
    }
    Ok(None)
}
