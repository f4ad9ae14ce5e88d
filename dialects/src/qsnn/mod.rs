//! The `qsnn` dialect: the network in integers, exact to the bit.
#![doc = include_str!("README.md")]

mod neuron;
mod verify;

use crate::{
    attribute::Weights,
    convolution::Geometry,
    graph::{dialect_enum, op_structs},
};
pub use neuron::{
    Coefficient, Current, Fire, Floats, HandOn, Integers, Membrane, Neuron, Numbers, PerNeuron, State, Traits,
};
pub use verify::verify;

/// A network of this dialect.
pub type Network = crate::graph::Network<Op>;

op_structs! {
    /// Spikes from outside.
    pub struct Input = "qsnn.input" {
        /// NIR node.
        node: String,
        /// Largest count, or absolute value, per neuron and tick.
        limit: i64,
        /// Fractional bits of graded values; `None` for spikes.
        fraction: Option<i64>,
        /// Chip tick of network tick 0; set by `retiming`.
        start: Option<i64>,
    }
    /// What the network hands back.
    pub struct Output = "qsnn.output" {
        /// NIR node.
        node: String,
    }
    /// y = W (x << shift) in integers.
    pub struct Dense = "qsnn.dense" {
        /// Outputs x inputs.
        weight: Weights,
        /// Bits per weight, sign included.
        bits: i64,
        /// Left shift of x; a negative one is a rounding right shift, none is 0.
        shift: Option<i64>,
    }
    /// y = w (x << shift), element by element, in integers.
    pub struct Scale = "qsnn.scale" {
        /// One weight per element.
        weight: Weights,
        /// Bits per weight, sign included.
        bits: i64,
        /// Left shift of x; a negative one is a rounding right shift, none is 0.
        shift: Option<i64>,
    }
    /// Convolution over rows and columns of sums over windows, in integers; pairs are [rows, columns].
    pub struct Conv2d = "qsnn.conv2d" {
        /// Output channels x input channels per group x kernel rows x kernel columns.
        weight: Weights,
        /// Bits per weight, sign included.
        bits: i64,
        /// Left shift of x; a negative one is a rounding right shift, none is 0.
        shift: Option<i64>,
        /// Window whose sum is an element of the convolution's input; [1, 1] for none.
        pool: Vec<i64>,
        /// Steps between outputs.
        stride: Vec<i64>,
        /// Zeros at each side; four numbers where the sides differ: rows, columns in front, then behind.
        padding: Vec<i64>,
        /// Steps between taps.
        dilation: Vec<i64>,
        /// Groups of channels.
        groups: i64,
    }
    /// Sum of all operands.
    pub struct Add = "qsnn.add" {}
    /// The value of some ticks before; zero in the first ticks.
    pub struct Delay = "qsnn.delay" {
        /// Ticks, 0 or more.
        ticks: i64,
    }
}

dialect_enum! {
    /// An op of the dialect.
    pub enum Op in "qsnn.network" {
        /// See [`Input`].
        Input,
        /// See [`Output`].
        Output,
        /// See [`Dense`].
        Dense,
        /// See [`Scale`].
        Scale,
        /// See [`Conv2d`].
        Conv2d,
        /// See [`Add`].
        Add,
        /// See [`Delay`].
        Delay,
        /// See [`Neuron`].
        Neuron,
    }
}

impl Conv2d {
    /// The convolution's geometry on an input of a shape.
    pub fn geometry(&self, input: &[usize]) -> Option<Geometry> {
        let pairs = [&self.pool, &self.stride, &self.padding, &self.dilation];
        Geometry::new(input, self.weight.shape(), pairs, self.groups)
    }
}

impl Op {
    /// The NIR node that an input, an output or a population stands for.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Input(Input { node, .. }) | Self::Output(Output { node }) => Some(node),
            Self::Neuron(neuron) => Some(&neuron.node),
            _ => None,
        }
    }

    /// A population of neurons.
    pub fn neuron(&self) -> Option<&Neuron> {
        match self {
            Self::Neuron(neuron) => Some(neuron),
            _ => None,
        }
    }

    /// True for populations of neurons.
    pub fn is_neuron(&self) -> bool {
        self.neuron().is_some()
    }

    /// Where an input or a population keeps the chip tick of its network tick 0; `None` for other ops.
    pub fn start_mut(&mut self) -> Option<&mut Option<i64>> {
        match self {
            Self::Input(op) => Some(&mut op.start),
            Self::Neuron(neuron) => Some(&mut neuron.start),
            _ => None,
        }
    }

    /// Chip tick of network tick 0 of an input or a population, once `retiming` has set it.
    pub fn start(&self) -> Option<i64> {
        match self {
            Self::Input(op) => op.start,
            Self::Neuron(neuron) => neuron.start,
            _ => None,
        }
    }

    /// Fractional bits of the values that an input or a population hands on; `None` where those are spikes.
    pub fn fraction(&self) -> Option<i64> {
        match self {
            Self::Input(op) => op.fraction,
            Self::Neuron(neuron) => neuron.traits().fraction,
            _ => None,
        }
    }

    /// Left shift of what a connection takes; 0 for other ops.
    pub fn shift(&self) -> i64 {
        match self {
            Self::Dense(op) => op.shift,
            Self::Scale(op) => op.shift,
            Self::Conv2d(op) => op.shift,
            _ => None,
        }
        .unwrap_or(0)
    }
}
