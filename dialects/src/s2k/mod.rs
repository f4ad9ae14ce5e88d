//! The `s2k` dialect: what each PE of a SpiNNaker2 machine holds and runs.
#![doc = include_str!("README.md")]

mod block;
mod layout;
mod program;
mod verify;

use crate::{
    attribute::{AttributeValue, Reset, Symbol, Tensor, enum_attribute},
    graph::op_structs,
    qsnn::Coefficient,
};
pub use block::{Block, Convolution, Form, Head, OneToOne, Rows, SparseRows};
pub use layout::MapLayout;
use melior::{
    Context,
    ir::{Attribute, Identifier, attribute::DictionaryAttribute},
};
pub use program::{Pe, Program};
use std::collections::BTreeMap;
pub use verify::verify;

enum_attribute! {
    /// How a decay is computed from its multiplier M; D is the factor times 2^32, 0 to 2^32.
    pub enum DecayForm {
        /// v + v M / 2^32 with M = D - 2^32; for D >= 2^31.
        Whole = 0, "whole";
        /// v M / 2^32 with M = D; for D < 2^31.
        Fraction = 1, "fraction";
        /// Per neuron: [`Self::Whole`] where M is negative, else [`Self::Fraction`].
        Mixed = 2, "mixed";
        /// v M in float32, M the factor itself.
        Float = 3, "float";
    }
}

enum_attribute! {
    /// What a buffer holds.
    pub enum Purpose {
        /// Weights of synapses, with what finds them.
        Weights = 0, "weights";
        /// Parameters of neurons, which never change.
        Parameters = 1, "parameters";
        /// What neurons keep from tick to tick, and sums.
        State = 2, "state";
        /// Packets that were received.
        Packets = 3, "packets";
    }
}

/// A kernel parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Parameter {
    /// The same integer for all neurons.
    Value(i64),
    /// The same float for all neurons.
    Float(f32),
    /// One 32-bit word per neuron, in this buffer.
    Buffer(Symbol),
}

impl AttributeValue for Parameter {
    fn decode(attribute: Option<Attribute<'_>>) -> Result<Self, String> {
        i64::decode(attribute)
            .map(Self::Value)
            .or_else(|_| f32::decode(attribute).map(Self::Float))
            .or_else(|_| Symbol::decode(attribute).map(Self::Buffer))
            .map_err(|_| "a number or a symbol".to_owned())
    }
    fn encode<'c>(&self, context: &'c Context) -> Option<Attribute<'c>> {
        match self {
            Self::Value(value) => value.encode(context),
            Self::Float(value) => value.encode(context),
            Self::Buffer(symbol) => symbol.encode(context),
        }
    }
}

/// Parameters by the coefficient that they hold.
pub type Parameters = BTreeMap<Coefficient, Parameter>;

impl AttributeValue for Parameters {
    fn decode(attribute: Option<Attribute<'_>>) -> Result<Self, String> {
        let expected = || "a dictionary of parameters".to_owned();
        let all = attribute.and_then(|attribute| DictionaryAttribute::try_from(attribute).ok()).ok_or_else(expected)?;
        let parameter = |index: usize| {
            let (name, value) = all.element(index).map_err(|_| expected())?;
            let name = name.as_string_ref().as_str().unwrap_or("?");
            let which = Coefficient::ALL.into_iter().find(|which| which.name() == name);
            let which = which.ok_or_else(|| format!("without `{name}`, which is no coefficient"))?;
            Ok((which, Parameter::decode(Some(value))?))
        };
        (0..all.len()).map(parameter).collect()
    }
    fn encode<'c>(&self, context: &'c Context) -> Option<Attribute<'c>> {
        let all = self.iter().filter_map(|(which, parameter)| {
            Some((Identifier::new(context, which.name()), parameter.encode(context)?))
        });
        Some(DictionaryAttribute::new(context, &all.collect::<Vec<_>>()).into())
    }
}

/// Initial values of a buffer.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// 8-bit weights, rows x columns.
    I8(Tensor<i8>),
    /// 16-bit weights, rows x columns.
    I16(Tensor<i16>),
    /// Parameters of neurons.
    I32(Tensor<i32>),
    /// Parameters of neurons with float32 state.
    F32(Tensor<f32>),
}

impl Values {
    /// Extent of each dimension.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::I8(tensor) => &tensor.shape,
            Self::I16(tensor) => &tensor.shape,
            Self::I32(tensor) => &tensor.shape,
            Self::F32(tensor) => &tensor.shape,
        }
    }
}

impl AttributeValue for Values {
    fn decode(attribute: Option<Attribute<'_>>) -> Result<Self, String> {
        Tensor::decode(attribute)
            .map(Self::I8)
            .or_else(|_| Tensor::decode(attribute).map(Self::I16))
            .or_else(|_| Tensor::decode(attribute).map(Self::I32))
            .or_else(|_| Tensor::decode(attribute).map(Self::F32))
            .map_err(|_| "dense i8, i16, i32 or f32 elements".to_owned())
    }
    fn encode<'c>(&self, context: &'c Context) -> Option<Attribute<'c>> {
        match self {
            Self::I8(tensor) => tensor.encode(context),
            Self::I16(tensor) => tensor.encode(context),
            Self::I32(tensor) => tensor.encode(context),
            Self::F32(tensor) => tensor.encode(context),
        }
    }
}

op_structs! {
    /// Spikes that the host sends: the packet of neuron i has key `key` + i.
    pub struct HostInput = "s2k.host_input" {
        /// NIR node.
        node: String,
        /// Shape of one tick's counts.
        shape: Vec<i64>,
        /// Largest count, or absolute value, per neuron and tick.
        limit: i64,
        /// Fractional bits of the payloads; `None` where the packets are spikes.
        fraction: Option<i64>,
        /// Order of the neurons, where it is not that of the shape; see [`MapLayout`].
        layout: Option<Vec<i64>>,
        /// Key of neuron 0; set by `key-allocation`.
        key: Option<i64>,
        /// Which bits of a key say that it belongs here.
        mask: Option<i64>,
    }
    /// Spikes that the host receives.
    pub struct HostOutput = "s2k.host_output" {
        /// NIR node.
        node: String,
        /// The population that sends them.
        population: String,
        /// Shape of one tick's counts.
        shape: Vec<i64>,
        /// Chip tick of the output's tick 0; negative behind a delay that is longer than the pipeline.
        start: i64,
        /// Fractional bits of the payloads; `None` where the packets are spikes.
        fraction: Option<i64>,
    }
    /// A piece of a PE's SRAM.
    pub struct Buffer = "s2k.buffer" {
        /// Name within the PE.
        sym_name: String,
        /// What it holds.
        purpose: Purpose,
        /// Size in bytes, padding included.
        bytes: i64,
        /// Byte address; set by `buffer-allocation`.
        address: Option<i64>,
        /// Initial values; zero where there are none.
        values: Option<Values>,
    }
    /// The update of a slice of neurons.
    pub struct Update = "s2k.update" {
        /// Name of the slice, unique in the program.
        slice: String,
        /// Population that the slice is a part of: a NIR node.
        population: String,
        /// Shape of the population, where it is neither that of the layout's map nor a single axis.
        shape: Option<Vec<i64>>,
        /// First neuron within the population; 0 where there is a layout.
        first: i64,
        /// Number of neurons, padding included.
        count: i64,
        /// Which neurons of a map they are, in which order; see [`MapLayout`].
        layout: Option<Vec<i64>>,
        /// First chip tick in which the slice is updated.
        start: i64,
        /// Key of the first neuron; set by `key-allocation`.
        key: Option<i64>,
        /// Which bits of a key say that it belongs here.
        mask: Option<i64>,
        /// Buffer of the sums, `slots` times.
        accumulators: Symbol,
        /// Bits per accumulator, 16 or 32.
        width: i64,
        /// Ticks ahead that sums are kept for, 1 or more.
        slots: i64,
        /// Left shift of the sums; a negative one is a right shift, which takes out what narrow weights are too large.
        shift: i64,
        /// Buffer of the synaptic currents, where the slice has any.
        currents: Option<Symbol>,
        /// Rounding right shift from current to membrane.
        current_shift: Option<i64>,
        /// Form of the current's decay.
        current_form: Option<DecayForm>,
        /// Buffer of the membranes.
        membranes: Symbol,
        /// Form of the membrane's decay.
        form: Option<DecayForm>,
        /// What a spike does.
        reset: Option<Reset>,
        /// Fractional bits per volt of the payloads, for the host.
        fraction: Option<i64>,
        /// The coefficients of the stages as kernels take them: decays as multipliers of their forms.
        parameters: Parameters,
        /// Neurons after which parameters in buffers repeat; without it there is one for each neuron.
        period: Option<i64>,
        /// Membrane units per volt, for read-out.
        scale: Tensor<f64>,
        /// Additions clamp to int32.
        saturate: bool,
        /// Membranes are bytes, in units of 2^byte_shift; none where they are words.
        byte_shift: Option<i64>,
        /// State and parameters are float32.
        float_state: bool,
    }
    /// A router entry of one chip.
    pub struct Route = "s2k.route" {
        /// Number of the chip.
        chip: i64,
        /// Key to compare with.
        key: i64,
        /// Bits of the key that are compared.
        mask: i64,
        /// Triples: [QPE column, QPE row, PE mask], [-1, link, 0] or [-2, 0, 0] for the host.
        destinations: Vec<i64>,
    }
}
