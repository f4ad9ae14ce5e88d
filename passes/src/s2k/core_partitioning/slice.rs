//! What populations are cut into.

use s2c_dialects::s2k::MapLayout;

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
