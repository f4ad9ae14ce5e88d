//! The `qsnn` dialect: the network in integers, exact to the bit.
#![doc = include_str!("README.md")]

mod verify;

use crate::{
    attribute::{Reset, Tensor, Weights},
    convolution::Geometry,
    graph::{dialect_enum, op_structs},
};
pub use verify::{ONE, verify};

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
    /// v <- decay(v) + (x << shift) + offset; fires above the threshold.
    pub struct Lif = "qsnn.lif" {
        /// NIR node.
        node: String,
        /// Left shift of the input.
        shift: i64,
        /// Decay factor per tick times 2^32, 0 to 2^32.
        decay: Tensor<i64>,
        /// Added per tick.
        offset: Tensor<i32>,
        /// Fires where v > threshold.
        threshold: Tensor<i32>,
        /// What a spike does.
        reset: Reset,
        /// Amount that is subtracted, or the value that is set.
        reset_by: Tensor<i32>,
        /// Membrane units per volt.
        scale: Tensor<f64>,
        /// Additions clamp to int32 where no proof exists that they fit.
        saturate: bool,
        /// Membranes are kept in 8 bits from tick to tick, in units of 2^byte_shift; none where they are kept whole.
        byte_shift: Option<i64>,
        /// Chip tick of network tick 0; set by `retiming`.
        start: Option<i64>,
    }
    /// i <- decay(i) + (x << shift) + offset; v <- decay(v) + (i >> current_shift) + offset; fires above the threshold.
    pub struct CubaLif = "qsnn.cuba_lif" {
        /// NIR node.
        node: String,
        /// Left shift of the input.
        shift: i64,
        /// Decay factor of the current per tick times 2^32, 0 to 2^32.
        current_decay: Tensor<i64>,
        /// Added to the current per tick.
        current_offset: Tensor<i32>,
        /// Rounding right shift of the current on its way to the membrane.
        current_shift: i64,
        /// Decay factor of the membrane per tick times 2^32, 0 to 2^32.
        decay: Tensor<i64>,
        /// Added to the membrane per tick.
        offset: Tensor<i32>,
        /// Fires where v > threshold.
        threshold: Tensor<i32>,
        /// What a spike does.
        reset: Reset,
        /// Amount that is subtracted, or the value that is set.
        reset_by: Tensor<i32>,
        /// Membrane units per volt.
        scale: Tensor<f64>,
        /// Additions clamp to int32 where no proof exists that they fit.
        saturate: bool,
        /// Membranes are kept in 8 bits from tick to tick, in units of 2^byte_shift; none where they are kept whole.
        byte_shift: Option<i64>,
        /// Chip tick of network tick 0; set by `retiming`.
        start: Option<i64>,
    }
    /// v <- v decay + x + offset in float32; fires above the threshold.
    pub struct FloatLif = "qsnn.float_lif" {
        /// NIR node.
        node: String,
        /// Decay factor per tick.
        decay: Tensor<f32>,
        /// Added per tick.
        offset: Tensor<f32>,
        /// Fires where v > threshold.
        threshold: Tensor<f32>,
        /// What a spike does.
        reset: Reset,
        /// Amount that is subtracted, or the value that is set.
        reset_by: Tensor<f32>,
        /// Membrane units per volt.
        scale: Tensor<f64>,
        /// Chip tick of network tick 0; set by `retiming`.
        start: Option<i64>,
    }
    /// i <- i current_decay + x + current_offset; v <- v decay + i + offset in float32; fires above the threshold.
    pub struct FloatCubaLif = "qsnn.float_cuba_lif" {
        /// NIR node.
        node: String,
        /// Decay factor of the current per tick.
        current_decay: Tensor<f32>,
        /// Added to the current per tick.
        current_offset: Tensor<f32>,
        /// Decay factor of the membrane per tick.
        decay: Tensor<f32>,
        /// Added to the membrane per tick.
        offset: Tensor<f32>,
        /// Fires where v > threshold.
        threshold: Tensor<f32>,
        /// What a spike does.
        reset: Reset,
        /// Amount that is subtracted, or the value that is set.
        reset_by: Tensor<f32>,
        /// Membrane units per volt.
        scale: Tensor<f64>,
        /// Chip tick of network tick 0; set by `retiming`.
        start: Option<i64>,
    }
    /// v <- decay(v) + (x << shift) + offset; hands on v times `readout`.
    pub struct Li = "qsnn.li" {
        /// NIR node.
        node: String,
        /// Left shift of the input.
        shift: i64,
        /// Decay factor per tick times 2^32, 0 to 2^32.
        decay: Tensor<i64>,
        /// Added per tick.
        offset: Tensor<i32>,
        /// What a membrane is multiplied by to be handed on, times 2^32, 0 to 2^31 - 1.
        readout: Tensor<i64>,
        /// Fractional bits per volt of what is handed on.
        fraction: i64,
        /// Membrane units per volt.
        scale: Tensor<f64>,
        /// Additions clamp to int32 where no proof exists that they fit.
        saturate: bool,
        /// Chip tick of network tick 0; set by `retiming`.
        start: Option<i64>,
    }
    /// i <- decay(i) + (x << shift) + offset; v <- decay(v) + (i >> current_shift) + offset; hands on v times `readout`.
    pub struct CubaLi = "qsnn.cuba_li" {
        /// NIR node.
        node: String,
        /// Left shift of the input.
        shift: i64,
        /// Decay factor of the current per tick times 2^32, 0 to 2^32.
        current_decay: Tensor<i64>,
        /// Added to the current per tick.
        current_offset: Tensor<i32>,
        /// Rounding right shift of the current on its way to the membrane.
        current_shift: i64,
        /// Decay factor of the membrane per tick times 2^32, 0 to 2^32.
        decay: Tensor<i64>,
        /// Added to the membrane per tick.
        offset: Tensor<i32>,
        /// What a membrane is multiplied by to be handed on, times 2^32, 0 to 2^31 - 1.
        readout: Tensor<i64>,
        /// Fractional bits per volt of what is handed on.
        fraction: i64,
        /// Membrane units per volt.
        scale: Tensor<f64>,
        /// Additions clamp to int32 where no proof exists that they fit.
        saturate: bool,
        /// Chip tick of network tick 0; set by `retiming`.
        start: Option<i64>,
    }
    /// v <- v decay + x + offset in float32; hands on v times `readout`, as an integer.
    pub struct FloatLi = "qsnn.float_li" {
        /// NIR node.
        node: String,
        /// Decay factor per tick.
        decay: Tensor<f32>,
        /// Added per tick.
        offset: Tensor<f32>,
        /// What a membrane is multiplied by to be handed on.
        readout: Tensor<f32>,
        /// Fractional bits per volt of what is handed on.
        fraction: i64,
        /// Membrane units per volt.
        scale: Tensor<f64>,
        /// Chip tick of network tick 0; set by `retiming`.
        start: Option<i64>,
    }
    /// i <- i current_decay + x + current_offset; v <- v decay + i + offset in float32; hands on v times `readout`.
    pub struct FloatCubaLi = "qsnn.float_cuba_li" {
        /// NIR node.
        node: String,
        /// Decay factor of the current per tick.
        current_decay: Tensor<f32>,
        /// Added to the current per tick.
        current_offset: Tensor<f32>,
        /// Decay factor of the membrane per tick.
        decay: Tensor<f32>,
        /// Added to the membrane per tick.
        offset: Tensor<f32>,
        /// What a membrane is multiplied by to be handed on.
        readout: Tensor<f32>,
        /// Fractional bits per volt of what is handed on.
        fraction: i64,
        /// Membrane units per volt.
        scale: Tensor<f64>,
        /// Chip tick of network tick 0; set by `retiming`.
        start: Option<i64>,
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
        /// See [`Lif`].
        Lif,
        /// See [`CubaLif`].
        CubaLif,
        /// See [`FloatLif`].
        FloatLif,
        /// See [`FloatCubaLif`].
        FloatCubaLif,
        /// See [`Li`].
        Li,
        /// See [`CubaLi`].
        CubaLi,
        /// See [`FloatLi`].
        FloatLi,
        /// See [`FloatCubaLi`].
        FloatCubaLi,
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
            Self::Lif(Lif { node, .. }) | Self::CubaLif(CubaLif { node, .. }) => Some(node),
            Self::FloatLif(FloatLif { node, .. }) | Self::FloatCubaLif(FloatCubaLif { node, .. }) => Some(node),
            Self::Li(Li { node, .. }) | Self::CubaLi(CubaLi { node, .. }) => Some(node),
            Self::FloatLi(FloatLi { node, .. }) | Self::FloatCubaLi(FloatCubaLi { node, .. }) => Some(node),
            _ => None,
        }
    }

    /// Bytes in which a population keeps a membrane from tick to tick.
    pub fn membrane_bytes(&self) -> i64 {
        match self {
            Self::Lif(Lif { byte_shift: Some(_), .. }) | Self::CubaLif(CubaLif { byte_shift: Some(_), .. }) => 1,
            _ => 4,
        }
    }

    /// True for populations of neurons.
    pub fn is_neuron(&self) -> bool {
        self.is_graded() || matches!(self, Self::Lif(_) | Self::CubaLif(_) | Self::FloatLif(_) | Self::FloatCubaLif(_))
    }

    /// Where an input or a population keeps the chip tick of its network tick 0; `None` for other ops.
    pub fn start_mut(&mut self) -> Option<&mut Option<i64>> {
        match self {
            Self::Input(op) => Some(&mut op.start),
            Self::Lif(op) => Some(&mut op.start),
            Self::CubaLif(op) => Some(&mut op.start),
            Self::FloatLif(op) => Some(&mut op.start),
            Self::FloatCubaLif(op) => Some(&mut op.start),
            Self::Li(op) => Some(&mut op.start),
            Self::CubaLi(op) => Some(&mut op.start),
            Self::FloatLi(op) => Some(&mut op.start),
            Self::FloatCubaLi(op) => Some(&mut op.start),
            _ => None,
        }
    }

    /// True for populations whose neurons hand on a value instead of spikes.
    pub fn is_graded(&self) -> bool {
        matches!(self, Self::Li(_) | Self::CubaLi(_) | Self::FloatLi(_) | Self::FloatCubaLi(_))
    }

    /// Chip tick of network tick 0 of an input or a population, once `retiming` has set it.
    pub fn start(&self) -> Option<i64> {
        match self {
            Self::Input(op) => op.start,
            Self::Lif(op) => op.start,
            Self::CubaLif(op) => op.start,
            Self::FloatLif(op) => op.start,
            Self::FloatCubaLif(op) => op.start,
            Self::Li(op) => op.start,
            Self::CubaLi(op) => op.start,
            Self::FloatLi(op) => op.start,
            Self::FloatCubaLi(op) => op.start,
            _ => None,
        }
    }

    /// Fractional bits of the values that an input or a population hands on; `None` where those are spikes.
    pub fn fraction(&self) -> Option<i64> {
        match self {
            Self::Input(op) => op.fraction,
            Self::Li(op) => Some(op.fraction),
            Self::CubaLi(op) => Some(op.fraction),
            Self::FloatLi(op) => Some(op.fraction),
            Self::FloatCubaLi(op) => Some(op.fraction),
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
