//! Update kernels: what a tick does to each neuron of a slice.
//!
//! All numbers are 32-bit two's complement and `>>` is arithmetic. For each neuron `i` of the slice:
//!
//! ```text
//! x = accumulators[i] * 2^input_shift;  accumulators[i] = 0
//! with a current:   c = decay_c(c) + x [+ offset_c];  drive = c / 2^output_shift, to nearest, halves up
//! without:          drive = x
//! v = decay(v) + drive [+ offset]
//! with fire, if v > threshold:   send key + i;  v = v - reset  or  v = reset
//! with readout, y = v m / 2^32 to nearest, halves up;  if y is not 0:  send key + i with the payload y
//! ```
//!
//! With a pending reset, a neuron whose membrane was above the threshold before the tick does so only if v - reset is
//! above the threshold, too.
//!
//! Every addition and the subtraction saturate or wrap, as the variant says. x never overflows, and is whole where
//! `input_shift` is negative: the compiler proves it. A decay is one instruction, SMMLAR or SMMULR (ARM DDI 0403E,
//! A7.7), and so is the way from the current to the membrane:
//!
//! ```text
//! None      v
//! Whole     high32((v << 32) + v * m + 2^31)
//! Fraction  high32(v * m + 2^31)
//! Mixed     per neuron the one or the other, by the sign of m
//! ```
//!
//! Membranes that are kept as bytes are `v = byte << byte_shift` before all that, and behind it the byte nearest to
//! v / 2^byte_shift, halves up, from -128 to 127.
//!
//! With float state everything but the accumulators is binary32 and nothing is shifted: `x` is converted, each operation
//! is rounded to nearest even in the order written, none are fused, and a decay is a multiplication by the factor. A
//! readout y is v m, rounded, then converted to an integer, to nearest even, which saturates.
//!
//! Neurons are updated four at a time, so that neighbours are loaded and stored together. Where nothing leaks
//! ([`UpdateKernel::rests`]), four neurons without input are passed over: their membranes stay what they are, and those
//! were compared with the threshold when they were written. A neuron that is above its threshold even after its reset
//! sets the [`Parameter::Pending`] word, which makes the next tick pass over nobody.

use s2c_dialects::qsnn::Coefficient;
use std::{collections::BTreeMap, fmt::Write};

use super::interface::Accumulator;

/// Neurons per turn of the loop; slices are padded to a multiple of it with neurons that never fire.
pub const GROUP: u32 = 4;

/// An update kernel variant. See the module's page for what it does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpdateKernel {
    /// Width of the accumulators.
    pub accumulators: Accumulator,
    /// What states and parameters are.
    pub state: State,
    /// Left shift of the accumulators, -16 to 31; a negative one is a right shift, and float state has 0.
    pub input_shift: i8,
    /// The synaptic current, where the model has one.
    pub current: Option<CurrentStage>,
    /// Decay of the membranes.
    pub decay: Decay,
    /// The unit, as a power of two, in which membranes are kept as bytes; none where they are kept as words.
    pub byte_shift: Option<u8>,
    /// Threshold and reset; none for neurons that never fire.
    pub fire: Option<Fire>,
    /// All other coefficients that there are: what is added to the membranes in each tick, what those are multiplied by
    /// that are sent as payloads.
    pub words: BTreeMap<Coefficient, Spread>,
}

/// What states and parameters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// 32-bit integers whose sums wrap.
    Wrap,
    /// 32-bit integers whose sums saturate.
    Saturate,
    /// binary32.
    Float,
}

/// A low-pass filter between accumulators and membranes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CurrentStage {
    /// Decay of the currents.
    pub decay: Decay,
    /// Constant added to the currents in each tick.
    pub offset: Option<Spread>,
    /// Rounding right shift on the way to the membranes, 0 to 31; 0 for float state.
    pub output_shift: u8,
}

/// How neurons fire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fire {
    /// A neuron fires when its membrane is above this.
    pub threshold: Spread,
    /// What firing does to the membrane.
    pub reset: Reset,
}

/// What firing does to the membrane.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reset {
    /// Subtracts a parameter.
    Subtract(Spread),
    /// The same, but a neuron whose membrane was above the threshold before the tick fires only if the membrane is above
    /// it after the subtraction, too.
    SubtractPending(Spread),
    /// Sets the membrane to a parameter.
    Value(Spread),
}

/// Whether a parameter is one for all neurons or one for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spread {
    /// The parameter word holds the value.
    Uniform,
    /// The parameter word holds the address of an array of 32-bit values.
    PerNeuron,
    /// The same, but the values repeat after 2^n neurons, n from 2 on. The array lies at a multiple of twice its bytes,
    /// and the number of neurons is a multiple of its length.
    Repeating(u8),
}

/// Decay per tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decay {
    /// The value stays.
    None,
    /// Times 1 + m / 2^32.
    Whole(Spread),
    /// Times m / 2^32.
    Fraction(Spread),
    /// Per neuron: as [`Self::Whole`] where m is negative, else as [`Self::Fraction`].
    Mixed,
    /// Times m, a float; for float state alone.
    Float(Spread),
}

/// A parameter word of a slice descriptor ([`s2c_abi::slice::PARAMETERS`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parameter {
    /// Address of the currents, an array of 32-bit values.
    Currents,
    /// A coefficient; of decays and readouts the factor m.
    Of(Coefficient),
    /// State of the kernel: not 0 where a neuron may fire without input. It is 1 at the start.
    Pending,
}

impl Parameter {
    /// See [`Coefficient::CurrentDecay`].
    pub const CURRENT_DECAY: Self = Self::Of(Coefficient::CurrentDecay);
    /// See [`Coefficient::CurrentOffset`].
    pub const CURRENT_OFFSET: Self = Self::Of(Coefficient::CurrentOffset);
    /// See [`Coefficient::Decay`].
    pub const DECAY: Self = Self::Of(Coefficient::Decay);
    /// See [`Coefficient::Offset`].
    pub const OFFSET: Self = Self::Of(Coefficient::Offset);
    /// See [`Coefficient::Threshold`].
    pub const THRESHOLD: Self = Self::Of(Coefficient::Threshold);
    /// See [`Coefficient::ResetBy`].
    pub const RESET_BY: Self = Self::Of(Coefficient::ResetBy);
    /// See [`Coefficient::Readout`].
    pub const READOUT: Self = Self::Of(Coefficient::Readout);
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Wrap => "wrap",
            Self::Saturate => "saturate",
            Self::Float => "float",
        }
    }
}

impl Spread {
    fn name(self) -> String {
        match self {
            Self::Uniform => "u".to_owned(),
            Self::PerNeuron => "n".to_owned(),
            Self::Repeating(log2) => format!("r{}", 1u32 << log2),
        }
    }
}

impl Decay {
    /// The spread of the factor, where there is one.
    pub const fn spread(self) -> Option<Spread> {
        match self {
            Self::None => None,
            Self::Whole(spread) | Self::Fraction(spread) | Self::Float(spread) => Some(spread),
            Self::Mixed => Some(Spread::PerNeuron),
        }
    }

    fn name(self) -> String {
        match self {
            Self::None => "keep".to_owned(),
            Self::Whole(spread) => format!("whole_{}", spread.name()),
            Self::Fraction(spread) => format!("fraction_{}", spread.name()),
            Self::Mixed => "mixed_n".to_owned(),
            Self::Float(spread) => format!("factor_{}", spread.name()),
        }
    }
}

impl Reset {
    /// The spread of the parameter.
    pub const fn spread(&self) -> Spread {
        match self {
            Self::Subtract(spread) | Self::SubtractPending(spread) | Self::Value(spread) => *spread,
        }
    }
}

impl UpdateKernel {
    /// The kernel's symbol, such as `update_i16_wrap_in4_mem_whole_u_fire_n_subtract_u`: accumulators, state, input
    /// shift, then the stages, each parameter with `u` (uniform), `n` (per neuron) or `r16` (after 16 neurons again).
    pub fn name(&self) -> String {
        let offset = |spread: Option<Spread>| spread.map(|s| format!("_offset_{}", s.name())).unwrap_or_default();
        let (way, distance) = if self.input_shift < 0 { ("down", -self.input_shift) } else { ("in", self.input_shift) };
        let mut name = format!("update_{}_{}_{way}{distance}", self.accumulators.name(), self.state.name());
        if let Some(current) = &self.current {
            let _ = write!(name, "_cur_{}{}_out{}", current.decay.name(), offset(current.offset), current.output_shift);
        }
        let _ = write!(name, "_mem_{}{}", self.decay.name(), offset(self.word(Coefficient::Offset)));
        if let Some(shift) = self.byte_shift {
            let _ = write!(name, "_bytes{shift}");
        }
        if let Some(fire) = &self.fire {
            let reset = match fire.reset {
                Reset::Subtract(_) => "subtract",
                Reset::SubtractPending(_) => "pending",
                Reset::Value(_) => "value",
            };
            let _ = write!(name, "_fire_{}_{reset}_{}", fire.threshold.name(), fire.reset.spread().name());
        }
        for (which, spread) in self.words.iter().filter(|(which, _)| **which != Coefficient::Offset) {
            let stage = if *which == Coefficient::Readout { "out" } else { which.name() };
            let _ = write!(name, "_{stage}_{}", spread.name());
        }
        name
    }

    /// The slice's parameter words in order, those of absent stages left out.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.spreads().into_iter().map(|(parameter, _)| parameter).collect()
    }

    /// The parameters in order with their spreads. Currents are an array, so they count as per neuron.
    pub fn spreads(&self) -> Vec<(Parameter, Spread)> {
        let (current, fire) = (self.current.as_ref(), self.fire.as_ref());
        let stages = [
            (Coefficient::CurrentDecay, current.and_then(|stage| stage.decay.spread())),
            (Coefficient::CurrentOffset, current.and_then(|stage| stage.offset)),
            (Coefficient::Decay, self.decay.spread()),
            (Coefficient::Threshold, fire.map(|fire| fire.threshold)),
            (Coefficient::ResetBy, fire.map(|fire| fire.reset.spread())),
        ];
        let mut words = self.words.clone();
        words.extend(stages.into_iter().filter_map(|(which, spread)| Some((which, spread?))));
        let currents = current.map(|_| (Parameter::Currents, Spread::PerNeuron));
        let pending = (self.rests() && fire.is_some()).then_some((Parameter::Pending, Spread::Uniform));
        let words = words.into_iter().map(|(which, spread)| (Parameter::Of(which), spread));
        currents.into_iter().chain(words).chain(pending).collect()
    }

    /// The spread of a coefficient that is neither of the current nor of the fire stage, nor a decay, if it is there.
    pub fn word(&self, which: Coefficient) -> Option<Spread> {
        self.words.get(&which).copied()
    }

    /// Whether a neuron without input stays as it is and sends nothing: nothing leaks and nothing is added by itself, not even a float's
    /// positive zero to a negative one.
    pub fn rests(&self) -> bool {
        !matches!(self.state, State::Float)
            && self.current.is_none()
            && matches!(self.decay, Decay::None)
            && self.words.is_empty()
            && self.byte_shift.is_none()
            && !self.is_pending()
    }

    /// The spread of a parameter.
    pub fn spread(&self, parameter: Parameter) -> Spread {
        let found = self.spreads().into_iter().find(|&(other, _)| other == parameter);
        found.map_or(Spread::Uniform, |(_, spread)| spread)
    }

    /// Whether a reset may be pending.
    pub const fn is_pending(&self) -> bool {
        matches!(self.fire, Some(Fire { reset: Reset::SubtractPending(_), .. }))
    }
}
