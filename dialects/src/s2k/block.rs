//! Blocks of synapses: what all storage forms have in common, and what each adds.

use crate::{
    attribute::Symbol,
    convolution::Axis,
    diagnostic::Result,
    graph::{attribute_struct, op_structs},
    ir,
};
use melior::{
    Context,
    ir::{Attribute, Identifier, OperationRef},
};

/// A block of synapses from one source.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// What all forms have.
    pub head: Head,
    /// How the weights are stored.
    pub form: Form,
}

attribute_struct! {
    /// What all blocks of synapses have.
    pub struct Head {
        /// Name of the slice or host input that sends.
        source: String,
        /// Number of its neurons.
        count: i64,
        /// Buffer of the weights.
        weights: Symbol,
        /// Buffer of the sums.
        accumulators: Symbol,
        /// Bits per accumulator, 16 or 32.
        width: i64,
        /// Ticks between the next update and the one that the sums are for.
        slot: i64,
        /// Left shift of what weights are multiplied by; a negative one is a rounding right shift.
        shift: Option<i64>,
        /// Weights are multiplied by the packet's payload instead of by one.
        graded: bool,
    }
}

op_structs! {
    /// One row of weights per source neuron; the buffer holds rows x targets.
    pub struct Rows = "s2k.rows" {
        /// First row of the weights that belongs to the source.
        first: i64,
        /// Accumulators per row, a multiple of 4.
        length: i64,
        /// Bits per weight as stored: 1, 2, 4, 8 or 16. With less than 8, sums are 64, 64 or 16 times too large.
        bits: i64,
    }
    /// One row per source neuron of 8-bit weights, of which only those that are not 0 are stored; the buffer's values are
    /// rows x targets.
    pub struct SparseRows = "s2k.sparse_rows" {
        /// First row of the weights that belongs to the source.
        first: i64,
        /// Accumulators per row, a multiple of 4.
        length: i64,
    }
    /// A convolution kernel; the buffer holds source channels x kernel rows x kernel columns x target channels. Pairs are
    /// [rows, columns].
    pub struct Convolution = "s2k.convolution" {
        /// Bits per weight as stored.
        bits: i64,
        /// Columns of the source map.
        source_width: i64,
        /// Channels per place of the source slice, padding included.
        source_channels: i64,
        /// First channel of the source slice.
        source_channel: i64,
        /// First row of the source slice.
        source_row: i64,
        /// Window that is summed before the convolution.
        pool: Vec<i64>,
        /// Rows and columns of the source map in windows.
        pooled: Vec<i64>,
        /// Rows and columns of the kernel.
        kernel: Vec<i64>,
        /// Steps between outputs.
        stride: Vec<i64>,
        /// Zeros at each side.
        padding: Vec<i64>,
        /// Steps between taps.
        dilation: Vec<i64>,
        /// Columns of the target map.
        target_width: i64,
        /// Accumulators per place, a multiple of 4.
        target_channels: i64,
        /// First row of the target slice.
        target_row: i64,
        /// Rows of the target slice.
        target_rows: i64,
    }
    /// One weight per source neuron; the buffer holds words of a weight (upper half) and the number of an accumulator (lower
    /// half).
    pub struct OneToOne = "s2k.one_to_one" {
        /// The first neuron of the source that has a synapse here.
        first: i64,
        /// Words of the buffer.
        length: i64,
    }
}

/// Declares the forms: an enum of their structs that is read and written by the op's name.
macro_rules! forms {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        /// How the weights of a block are stored.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Form { $($(#[$meta])* $name($name),)* }

        impl Block {
            /// Decodes an op; `None` where it is no block of synapses.
            pub fn read(operation: OperationRef<'_, '_>) -> Result<Option<Self>> {
                let form = match ir::name_of(operation).as_str() {
                    $($name::NAME => Form::$name($name::read(operation)?),)*
                    _ => return Ok(None),
                };
                Ok(Some(Self { head: Head::read(operation)?, form }))
            }

            /// Full name of the op.
            pub fn name(&self) -> &'static str {
                match &self.form { $(Form::$name(_) => $name::NAME,)* }
            }

            /// The attributes that are there.
            pub fn attributes<'c>(&self, context: &'c Context) -> Vec<(Identifier<'c>, Attribute<'c>)> {
                let mut attributes = self.head.attributes(context);
                attributes.extend(match &self.form { $(Form::$name(form) => form.attributes(context),)* });
                attributes
            }
        }
    };
}

forms! {
    /// Dense rows.
    Rows,
    /// Sparse rows.
    SparseRows,
    /// A convolution kernel.
    Convolution,
    /// Single weights.
    OneToOne,
}

impl Form {
    /// Bits per weight as stored.
    pub fn bits(&self) -> i64 {
        match self {
            Self::Rows(rows) => rows.bits,
            Self::SparseRows(_) => 8,
            Self::Convolution(convolution) => convolution.bits,
            Self::OneToOne(_) => 16,
        }
    }

    /// Accumulators that lie together and are added to by one packet; single ones for `None`.
    pub fn length(&self) -> Option<i64> {
        match self {
            Self::Rows(rows) => Some(rows.length),
            Self::SparseRows(rows) => Some(rows.length),
            Self::Convolution(convolution) => Some(convolution.target_channels),
            Self::OneToOne(_) => None,
        }
    }
}

impl Head {
    /// Whether a packet's weights are multiplied by anything but one.
    pub fn multiplies(&self) -> bool {
        self.graded || self.shift.is_some_and(|shift| shift != 0)
    }
}

impl Convolution {
    /// The convolution along one axis.
    pub fn axis(&self, axis: usize) -> Axis {
        let of = |pair: &Vec<i64>| pair.get(axis).map_or(0, |&value| value as usize);
        Axis {
            pool: of(&self.pool),
            pooled: of(&self.pooled),
            kernel: of(&self.kernel),
            stride: of(&self.stride),
            padding: of(&self.padding),
            dilation: of(&self.dilation),
        }
    }
}
