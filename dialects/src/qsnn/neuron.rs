//! `qsnn.neuron`: a population in integers, or with float32 states behind integer sums.

use crate::{
    attribute::{AttributeValue, Number, Reset, Tensor, read},
    diagnostic::Result,
    fixed_point::Factor,
    neuron::{self, Level, Stages, present, stages},
};
use melior::{
    Context,
    ir::{Attribute, Identifier, OperationRef, operation::OperationLike},
};
use std::fmt::Debug;

/// The numbers of neurons' states and coefficients.
pub trait Numbers: Clone + Debug + PartialEq + 'static {
    /// What states are multiplied by.
    type Factor: Number + Debug;
    /// States, and what is added to them or compared with them.
    type Word: Number + Debug;
}

/// 32-bit integers.
#[derive(Clone, Debug, PartialEq)]
pub struct Integers;

/// binary32.
#[derive(Clone, Debug, PartialEq)]
pub struct Floats;

impl Numbers for Integers {
    type Factor = Factor;
    type Word = i32;
}

impl Numbers for Floats {
    type Factor = f32;
    type Word = f32;
}

stages! {
    /// i <- decay(i) + x + offset.
    pub struct Current<N: Numbers> {
        /// Decay factor per tick.
        decay: Tensor<N::Factor> = "current_decay",
        /// Added per tick.
        offset: Tensor<N::Word> = "current_offset",
        /// Rounding right shift on its way to the membrane; none is 0.
        shift: Option<i64> = "current_shift",
    }
    /// v <- decay(v) + x + offset, x being the current, shifted, where there is one.
    pub struct Membrane<N: Numbers> {
        /// Decay factor per tick.
        decay: Tensor<N::Factor> = "decay",
        /// Added per tick.
        offset: Tensor<N::Word> = "offset",
    }
    /// A spike where the membrane is above the threshold, and what that does to it.
    pub struct Fire<N: Numbers> {
        /// Fires where v > threshold.
        threshold: Tensor<N::Word> = "threshold",
        /// What a spike does.
        reset: Reset = "reset",
        /// Amount that is subtracted, or the value that is set.
        reset_by: Tensor<N::Word> = "reset_by",
    }
    /// The membrane times a factor.
    pub struct HandOn<N: Numbers> {
        /// What a membrane is multiplied by to be handed on; of integers below 1/2.
        readout: Tensor<N::Factor> = "readout",
        /// Fractional bits per volt of what is handed on.
        fraction: i64 = "fraction",
    }
}

impl<N: Numbers> Level for N {
    type Current = Current<N>;
    type Membrane = Membrane<N>;
    type Fire = Fire<N>;
    type HandOn = HandOn<N>;
}

/// Which coefficient of a neuron's stages, in the order of the stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coefficient {
    /// Decay factor of the current.
    CurrentDecay,
    /// Added to the current.
    CurrentOffset,
    /// Decay factor of the membrane.
    Decay,
    /// Added to the membrane.
    Offset,
    /// Threshold.
    Threshold,
    /// What a spike subtracts or sets.
    ResetBy,
    /// What the membrane is multiplied by to be handed on.
    Readout,
}

impl Coefficient {
    /// The name of its attribute.
    pub fn name(self) -> &'static str {
        match self {
            Self::CurrentDecay => "current_decay",
            Self::CurrentOffset => "current_offset",
            Self::Decay => "decay",
            Self::Offset => "offset",
            Self::Threshold => "threshold",
            Self::ResetBy => "reset_by",
            Self::Readout => "readout",
        }
    }
}

/// The values of a coefficient, one per neuron.
#[derive(Clone, Copy, Debug)]
pub enum PerNeuron<'s, N: Numbers> {
    /// Factors of states.
    Factors(&'s Tensor<N::Factor>),
    /// Numbers like states.
    Words(&'s Tensor<N::Word>),
}

impl<N: Numbers> PerNeuron<'_, N> {
    /// Whether all neurons have the same.
    pub fn is_uniform(&self) -> bool {
        match self {
            Self::Factors(tensor) => tensor.uniform().is_some(),
            Self::Words(tensor) => tensor.uniform().is_some(),
        }
    }

    /// Whether two neurons have the same.
    pub fn agree(&self, one: usize, other: usize) -> bool {
        match self {
            Self::Factors(tensor) => tensor.at(one) == tensor.at(other),
            Self::Words(tensor) => tensor.at(one) == tensor.at(other),
        }
    }
}

impl<N: Numbers> Stages<N> {
    /// The coefficients of the stages that are there.
    pub fn coefficients(&self) -> Vec<(Coefficient, PerNeuron<'_, N>)> {
        let mut all = Vec::new();
        if let Some(current) = &self.current {
            all.push((Coefficient::CurrentDecay, PerNeuron::Factors(&current.decay)));
            all.push((Coefficient::CurrentOffset, PerNeuron::Words(&current.offset)));
        }
        all.push((Coefficient::Decay, PerNeuron::Factors(&self.membrane.decay)));
        all.push((Coefficient::Offset, PerNeuron::Words(&self.membrane.offset)));
        if let Some(fire) = self.fire() {
            all.push((Coefficient::Threshold, PerNeuron::Words(&fire.threshold)));
            all.push((Coefficient::ResetBy, PerNeuron::Words(&fire.reset_by)));
        }
        if let Some(hand_on) = self.hand_on() {
            all.push((Coefficient::Readout, PerNeuron::Factors(&hand_on.readout)));
        }
        all
    }

    fn traits(&self) -> Traits {
        Traits {
            has_current: self.current.is_some(),
            reset: self.fire().map(|fire| fire.reset),
            fraction: self.hand_on().map(|hand_on| hand_on.fraction),
        }
    }
}

/// What does not depend on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traits {
    /// Whether a current lies between input and membrane.
    pub has_current: bool,
    /// What a spike does, where the neurons have spikes.
    pub reset: Option<Reset>,
    /// Fractional bits of what is handed on instead.
    pub fraction: Option<i64>,
}

/// The stages, by their numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// 32-bit integers.
    Integers(Stages<Integers>),
    /// binary32 behind integer sums.
    Floats(Stages<Floats>),
}

/// A population of neurons; see the dialect's page.
#[derive(Clone, Debug, PartialEq)]
pub struct Neuron {
    /// NIR node.
    pub node: String,
    /// Left shift of the input; none is 0, and float state has none.
    pub shift: Option<i64>,
    /// The difference equation.
    pub state: State,
    /// Additions clamp to int32 where no proof exists that they fit.
    pub saturate: bool,
    /// Membranes are kept in 8 bits from tick to tick, in units of 2^byte_shift; none where they are kept whole.
    pub byte_shift: Option<i64>,
    /// Membrane units per volt.
    pub scale: Tensor<f64>,
    /// Chip tick of network tick 0; set by `retiming`.
    pub start: Option<i64>,
}

impl Neuron {
    /// Full name of the op.
    pub const NAME: &'static str = "qsnn.neuron";

    /// Decodes the attributes of an op of this name.
    ///
    /// # Errors
    /// An attribute that is missing or of another kind.
    pub fn read(operation: OperationRef<'_, '_>) -> Result<Self> {
        let has_floats = Tensor::<f32>::decode(operation.attribute("decay").ok()).is_ok();
        Ok(Self {
            node: read(operation, "node")?,
            shift: read(operation, "shift")?,
            state: match has_floats {
                true => State::Floats(Stages::read(operation)?),
                false => State::Integers(Stages::read(operation)?),
            },
            saturate: read(operation, "saturate")?,
            byte_shift: read(operation, "byte_shift")?,
            scale: read(operation, "scale")?,
            start: read(operation, "start")?,
        })
    }

    /// The attributes that are there.
    pub fn attributes<'c>(&self, context: &'c Context) -> Vec<(Identifier<'c>, Attribute<'c>)> {
        let mut all: neuron::Attributes<'c> = vec![
            ("node", self.node.encode(context)),
            ("shift", self.shift.encode(context)),
            ("saturate", self.saturate.encode(context)),
            ("byte_shift", self.byte_shift.encode(context)),
            ("scale", self.scale.encode(context)),
            ("start", self.start.encode(context)),
        ];
        all.extend(match &self.state {
            State::Integers(stages) => stages.attributes(context),
            State::Floats(stages) => stages.attributes(context),
        });
        present(context, all)
    }

    /// Bytes in which a membrane is kept from tick to tick.
    pub fn membrane_bytes(&self) -> i64 {
        if self.byte_shift.is_some() { 1 } else { 4 }
    }

    /// What does not depend on the numbers of the states.
    pub fn traits(&self) -> Traits {
        match &self.state {
            State::Integers(stages) => stages.traits(),
            State::Floats(stages) => stages.traits(),
        }
    }
}
