//! The `snn` dialect: a spiking network in floating point, one op per NIR node.
#![doc = include_str!("README.md")]

mod verify;

use crate::{
    attribute::{Reset, Tensor, enum_attribute},
    convolution::Geometry,
    graph::{dialect_enum, op_structs},
};
pub use verify::verify;

/// A network of this dialect.
pub type Network = crate::graph::Network<Op>;

enum_attribute! {
    /// How a time constant becomes a factor per tick.
    pub enum Integrator {
        /// f = dt / tau.
        Euler = 0, "euler";
        /// f = 1 - exp(-dt / tau).
        Exponential = 1, "exponential";
    }
}

impl Integrator {
    /// The factor f of the update `v <- v + f (target - v)`.
    pub fn factor(self, dt: f64, tau: f64) -> f64 {
        match self {
            Self::Euler => dt / tau,
            Self::Exponential => -(-dt / tau).exp_m1(),
        }
    }
}

enum_attribute! {
    /// Which membranes fire.
    pub enum Compare {
        /// v > threshold.
        Greater = 0, "greater";
        /// v >= threshold.
        GreaterEqual = 1, "greater_equal";
    }
}

op_structs! {
    /// Spikes from outside.
    pub struct Input = "snn.input" {
        /// NIR node.
        node: String,
        /// Largest count per neuron and tick.
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
        /// One value per output channel.
        bias: Option<Tensor<f64>>,
        /// Window whose sum is an element of the convolution's input; [1, 1] for none.
        pool: Vec<i64>,
        /// Steps between outputs.
        stride: Vec<i64>,
        /// Zeros at each side.
        padding: Vec<i64>,
        /// Steps between taps.
        dilation: Vec<i64>,
        /// Groups of channels.
        groups: i64,
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
        /// By what the weights and potentials were multiplied, once scaled.
        weight_scale: Option<Tensor<f64>>,
        /// Set by `discretization`.
        integrator: Option<Integrator>,
        /// Set by `discretization`.
        reset: Option<Reset>,
        /// Set by `discretization`.
        compare: Option<Compare>,
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
        /// By what the weights and potentials were multiplied, once scaled.
        weight_scale: Option<Tensor<f64>>,
        /// Set by `discretization`.
        integrator: Option<Integrator>,
        /// Set by `discretization`.
        reset: Option<Reset>,
        /// Set by `discretization`.
        compare: Option<Compare>,
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
        /// By what the weights and potentials were multiplied, once scaled.
        weight_scale: Option<Tensor<f64>>,
        /// Set by `discretization`.
        integrator: Option<Integrator>,
        /// Set by `discretization`.
        reset: Option<Reset>,
        /// Set by `discretization`.
        compare: Option<Compare>,
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
            _ => None,
        }
    }

    /// True for populations of neurons.
    pub fn is_neuron(&self) -> bool {
        matches!(self, Self::If(_) | Self::Lif(_) | Self::CubaLif(_))
    }
}
