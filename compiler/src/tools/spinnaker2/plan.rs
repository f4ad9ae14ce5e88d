//! What is handed over.

use s2c_dialects::convolution::Geometry;

/// A network of the vendor's programs. Every projection takes one tick.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Name of the network.
    pub name: String,
    /// Inputs first, then what else fires, each population behind the relays and sources that it needs.
    pub cells: Vec<Cell>,
    /// All projections, by target.
    pub projections: Vec<Projection>,
    /// Outputs of the network: NIR node, index of the cell, ticks of delay on the way.
    pub outputs: Vec<(String, usize, usize)>,
}

/// A population of the vendor's software.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// NIR node, or a name that says what it is for.
    pub name: String,
    /// Number of neurons.
    pub size: usize,
    /// Chip tick of network tick 0; of a source that always fires, the chip tick of its first spikes.
    pub first: usize,
    /// What it does.
    pub kind: Kind,
}

/// What a cell does.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Fires as the sample says.
    Input,
    /// Fires in every tick.
    Always,
    /// Repeats the spikes of another cell a tick later.
    Relay(Neurons),
    /// A population of the network.
    Neurons(Neurons),
}

/// Programs for neurons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// No synaptic current, a list of synapses.
    Lif,
    /// No synaptic current, one convolution.
    Conv2d,
    /// A decaying synaptic current, a list of synapses.
    CurrExp,
}

impl Program {
    /// The vendor's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lif => "lif_no_delay",
            Self::Conv2d => "lif_conv2d",
            Self::CurrExp => "lif_curr_exp_no_delay",
        }
    }
}

/// Parameters of neurons, one value per neuron: i ← i `current_decay` + x, v ← v `decay` + i + `offset`; a spike where
/// v > `threshold`, which is then subtracted, or v ← `v_reset`. Everything in float32.
#[derive(Clone, Debug, PartialEq)]
pub struct Neurons {
    /// Which program runs them.
    pub program: Program,
    /// Decay of the synaptic current per tick, for [`Program::CurrExp`].
    pub current_decay: Option<Vec<f32>>,
    /// Decay of the membrane per tick.
    pub decay: Vec<f32>,
    /// Added to the membrane per tick.
    pub offset: Vec<f32>,
    /// Threshold; out of reach where there is a readout.
    pub threshold: Vec<f32>,
    /// Whether a spike subtracts the threshold.
    pub subtracts: bool,
    /// What a spike sets the membrane to otherwise.
    pub v_reset: Vec<f32>,
    /// How membranes are read where there are no spikes.
    pub readout: Option<Readout>,
    /// Neurons per PE.
    pub atoms: usize,
}

/// How a membrane is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Readout {
    /// What the membrane is multiplied by before it is rounded, one value per neuron.
    pub factor: Vec<f32>,
    /// Fractional bits per volt of the result.
    pub fraction: i64,
}

/// What leads from one cell to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    /// Index of the cell that sends.
    pub pre: usize,
    /// Index of the cell that receives.
    pub post: usize,
    /// Its weights.
    pub synapses: Synapses,
}

/// Weights of a projection.
#[derive(Clone, Debug, PartialEq)]
pub enum Synapses {
    /// One by one, by source and then by target.
    List(Vec<Synapse>),
    /// A convolution: its geometry, and weights as (output, input, row, column).
    Kernel(Geometry, Vec<i8>),
}

/// A synapse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Synapse {
    /// Neuron that sends.
    pub pre: u32,
    /// Neuron that receives.
    pub post: u32,
    /// Its weight, -127 to 127.
    pub weight: i8,
}

impl Cell {
    /// The parameters of neurons, of the network's own or of relays.
    pub fn neurons(&self) -> Option<&Neurons> {
        match &self.kind {
            Kind::Neurons(neurons) | Kind::Relay(neurons) => Some(neurons),
            Kind::Input | Kind::Always => None,
        }
    }
}

impl Plan {
    /// Chip ticks that a sample takes beyond its own: until the last population has seen its last tick.
    pub fn latency(&self) -> usize {
        let starts = self.cells.iter().filter(|cell| matches!(cell.kind, Kind::Neurons(_))).map(|cell| cell.first);
        let outputs = self.outputs.iter().map(|&(_, cell, ticks)| self.cells[cell].first + ticks);
        starts.chain(outputs).max().unwrap_or(0)
    }

    /// Inputs with their indices.
    pub fn inputs(&self) -> impl Iterator<Item = (usize, &Cell)> {
        self.cells.iter().enumerate().filter(|(_, cell)| cell.kind == Kind::Input)
    }

    /// The projections into a cell.
    pub fn into(&self, cell: usize) -> impl Iterator<Item = &Projection> {
        self.projections.iter().filter(move |projection| projection.post == cell)
    }
}
