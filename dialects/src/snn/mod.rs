//! The `snn` dialect: a spiking network in floating point.
#![doc = include_str!("README.md")]

mod neuron;
mod rules;
mod verify;

use crate::{
    attribute::Tensor,
    convolution::Geometry,
    graph::{dialect_enum, op_structs},
};
pub use neuron::{Current, Fire, HandOn, Membrane, Neuron, Volts};
pub use rules::{Compare, Integrator};
pub use verify::verify;

/// A network of this dialect.
pub type Network = crate::graph::Network<Op>;

impl Network {
    /// Whether an input takes values instead of spikes.
    pub fn takes_values(&self) -> bool {
        let inputs = self.nodes.iter().filter(|node| matches!(node.op, Op::Input(_)));
        inputs.filter_map(|node| node.result.as_ref()).any(|result| !result.element.is_spikes())
    }
}

op_structs! {
    /// Spikes or analog values from outside.
    pub struct Input = "snn.input" {
        /// NIR node.
        node: String,
        /// Largest count, or absolute value, per neuron and tick.
        limit: i64,
    }
    /// What the network hands back.
    pub struct Output = "snn.output" {
        /// NIR node.
        node: String,
    }
    /// y = W x (+ b).
    pub struct Linear = "snn.linear" {
        /// Outputs x inputs.
        weight: Tensor<f32>,
        /// One value per output.
        bias: Option<Tensor<f64>>,
    }
    /// Convolution over rows and columns of sums over windows; pairs are [rows, columns].
    pub struct Conv2d = "snn.conv2d" {
        /// Output channels x input channels per group x kernel rows x kernel columns.
        weight: Tensor<f32>,
        /// One value per output channel, or one per output.
        bias: Option<Tensor<f64>>,
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
    /// y = s x, element by element.
    pub struct Scale = "snn.scale" {
        /// One factor per element.
        scale: Tensor<f32>,
    }
    /// Sum or mean over windows that do not overlap.
    pub struct Pool = "snn.pool" {
        /// Rows and columns of a window.
        window: Vec<i64>,
        /// The mean instead of the sum.
        mean: bool,
    }
    /// Sum of all operands.
    pub struct Add = "snn.add" {}
    /// The value of some ticks before; zero in the first ticks.
    pub struct Delay = "snn.delay" {
        /// Ticks, 0 or more.
        ticks: i64,
        /// Per element, where the length of a tick is not known yet; `discretization` turns them into ticks.
        seconds: Option<Tensor<f64>>,
    }
    /// A spike where x > threshold; there is no state.
    pub struct Threshold = "snn.threshold" {
        /// NIR node.
        node: String,
        /// In units of x.
        threshold: Tensor<f64>,
    }
    /// Hands on x itself; there is no state.
    pub struct Relay = "snn.relay" {
        /// NIR node.
        node: String,
    }
    /// v <- v + r x, hands on v.
    pub struct I = "snn.i" {
        /// NIR node.
        node: String,
        /// Volts per unit of input.
        r: Tensor<f64>,
    }
    /// v <- v + f (v_leak - v + r x), hands on v.
    pub struct Li = "snn.li" {
        /// NIR node.
        node: String,
        /// Time constant in seconds.
        tau: Tensor<f64>,
        /// Resistance, volts per unit of input.
        r: Tensor<f64>,
        /// Leak potential in volts.
        v_leak: Tensor<f64>,
    }
    /// i <- i + f_syn (w_in x - i), then v <- v + f_mem (v_leak - v + r i), hands on v.
    pub struct CubaLi = "snn.cuba_li" {
        /// NIR node.
        node: String,
        /// Synaptic time constant in seconds.
        tau_syn: Tensor<f64>,
        /// Membrane time constant in seconds.
        tau_mem: Tensor<f64>,
        /// Resistance, volts per unit of current.
        r: Tensor<f64>,
        /// Current per unit of input.
        w_in: Tensor<f64>,
        /// Leak potential in volts.
        v_leak: Tensor<f64>,
    }
    /// v <- v + r x.
    pub struct If = "snn.if" {
        /// NIR node.
        node: String,
        /// Resistance, volts per unit of input.
        r: Tensor<f64>,
        /// Threshold in volts.
        v_threshold: Tensor<f64>,
        /// Reset potential in volts.
        v_reset: Tensor<f64>,
    }
    /// v <- v + f (v_leak - v + r x).
    pub struct Lif = "snn.lif" {
        /// NIR node.
        node: String,
        /// Time constant in seconds.
        tau: Tensor<f64>,
        /// Resistance, volts per unit of input.
        r: Tensor<f64>,
        /// Leak potential in volts.
        v_leak: Tensor<f64>,
        /// Threshold in volts.
        v_threshold: Tensor<f64>,
        /// Reset potential in volts.
        v_reset: Tensor<f64>,
    }
    /// i <- i + f_syn (w_in x - i), then v <- v + f_mem (v_leak - v + r i).
    pub struct CubaLif = "snn.cuba_lif" {
        /// NIR node.
        node: String,
        /// Synaptic time constant in seconds.
        tau_syn: Tensor<f64>,
        /// Membrane time constant in seconds.
        tau_mem: Tensor<f64>,
        /// Resistance, volts per unit of current.
        r: Tensor<f64>,
        /// Current per unit of input.
        w_in: Tensor<f64>,
        /// Leak potential in volts.
        v_leak: Tensor<f64>,
        /// Threshold in volts.
        v_threshold: Tensor<f64>,
        /// Reset potential in volts.
        v_reset: Tensor<f64>,
    }
}

dialect_enum! {
    /// An op of the dialect.
    pub enum Op in "snn.network" {
        /// See [`Input`].
        Input,
        /// See [`Output`].
        Output,
        /// See [`Linear`].
        Linear,
        /// See [`Conv2d`].
        Conv2d,
        /// See [`Scale`].
        Scale,
        /// See [`Pool`].
        Pool,
        /// See [`Add`].
        Add,
        /// See [`Delay`].
        Delay,
        /// See [`If`].
        If,
        /// See [`Lif`].
        Lif,
        /// See [`CubaLif`].
        CubaLif,
        /// See [`Threshold`].
        Threshold,
        /// See [`I`].
        I,
        /// See [`Li`].
        Li,
        /// See [`CubaLi`].
        CubaLi,
        /// See [`Relay`].
        Relay,
        /// See [`Neuron`].
        Neuron,
    }
}

impl Conv2d {
    /// The convolution's geometry on an input of a shape.
    pub fn geometry(&self, input: &[usize]) -> Option<Geometry> {
        let pairs = [&self.pool, &self.stride, &self.padding, &self.dilation];
        Geometry::new(input, &self.weight.shape, pairs, self.groups)
    }
}

impl Op {
    /// The NIR node that an input, an output or a population stands for.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Input(Input { node, .. }) | Self::Output(Output { node }) => Some(node),
            Self::If(If { node, .. }) | Self::Lif(Lif { node, .. }) | Self::CubaLif(CubaLif { node, .. }) => Some(node),
            Self::I(I { node, .. }) | Self::Li(Li { node, .. }) | Self::CubaLi(CubaLi { node, .. }) => Some(node),
            Self::Threshold(Threshold { node, .. }) | Self::Relay(Relay { node, .. }) => Some(node),
            Self::Neuron(neuron) => Some(&neuron.node),
            _ => None,
        }
    }

    /// True for populations of neurons, as read or discretised.
    pub fn is_neuron(&self) -> bool {
        let is_nir = matches!(self, Self::If(_) | Self::Lif(_) | Self::CubaLif(_) | Self::Threshold(_));
        is_nir || self.is_graded() || matches!(self, Self::Neuron(_))
    }

    /// True for populations whose neurons hand on a value instead of spikes.
    pub fn is_graded(&self) -> bool {
        let is_nir = matches!(self, Self::I(_) | Self::Li(_) | Self::CubaLi(_) | Self::Relay(_));
        is_nir || self.neuron().is_some_and(|neuron| neuron.fire().is_none())
    }

    /// A population that is discretised.
    pub fn neuron(&self) -> Option<&Neuron> {
        match self {
            Self::Neuron(neuron) => Some(neuron),
            _ => None,
        }
    }

    /// See [`Self::neuron`].
    pub fn neuron_mut(&mut self) -> Option<&mut Neuron> {
        match self {
            Self::Neuron(neuron) => Some(neuron),
            _ => None,
        }
    }

    /// True for what turns one tick's values into currents: connections, and what passes fold into them.
    pub fn is_linear(&self) -> bool {
        matches!(self, Self::Linear(_) | Self::Conv2d(_) | Self::Scale(_) | Self::Pool(_))
    }
}
