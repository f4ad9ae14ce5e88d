//! Update kernels: what a tick does to each neuron of a slice.
//!
//! All numbers are 32-bit two's complement and `>>` is arithmetic. For each neuron `i` of the slice:
//!
//! ```text
//! x = accumulators[i];  accumulators[i] = 0
//! with a current:   c = decay_c(c) + (x << input_shift) [+ offset_c]
//!                   drive = output_shift == 0 ? c : (c + (1 << (output_shift - 1))) >> output_shift
//! without:          drive = x << input_shift
//! v = decay(v) + drive [+ offset]
//! with fire, if v > threshold:   send key + i;  v = v - reset  or  v = reset
//! ```
//!
//! Every addition and the subtraction saturate or wrap, as the variant says. `x << input_shift` never overflows: the
//! compiler proves it. A decay is one instruction, SMMLAR or SMMULR (ARM DDI 0403E, A7.7):
//!
//! ```text
//! None      v
//! Whole     high32((v << 32) + v * m + 2^31)
//! Fraction  high32(v * m + 2^31)
//! Mixed     per neuron the one or the other, by the sign of m
//! ```
//!
//! With float state everything but the accumulators is binary32 and nothing is shifted: `x` is converted, each operation
//! is rounded to nearest even in the order written, none are fused, and a decay is a multiplication by the factor.

use std::fmt::Write;

use s2c_abi::slice;

use super::{
    Accumulator, Registers,
    body::Body,
    descriptor::{Slice, field},
    neuron::{PAIR_LOG2, Turn},
};

/// An update kernel variant. See the module's page for what it does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UpdateKernel {
    /// Width of the accumulators. The array is padded to a multiple of 4 elements.
    pub accumulators: Accumulator,
    /// What states and parameters are.
    pub state: State,
    /// Left shift of the accumulators, 0 to 31; 0 for float state.
    pub input_shift: u8,
    /// The synaptic current, where the model has one.
    pub current: Option<CurrentStage>,
    /// Decay of the membranes.
    pub decay: Decay,
    /// Constant added to the membranes in each tick.
    pub offset: Option<Spread>,
    /// Threshold and reset; none for neurons that never fire.
    pub fire: Option<Fire>,
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

/// A parameter word of a slice descriptor ([`slice::PARAMETERS`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parameter {
    /// Address of the currents, an array of 32-bit values.
    Currents,
    /// Factor m of the currents' decay.
    CurrentDecay,
    /// Constant added to the currents.
    CurrentOffset,
    /// Factor m of the membranes' decay.
    Decay,
    /// Constant added to the membranes.
    Offset,
    /// Threshold.
    Threshold,
    /// What is subtracted or assigned when a neuron fires.
    ResetBy,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Wrap => "wrap",
            Self::Saturate => "saturate",
            Self::Float => "float",
        }
    }

    /// The type of states and parameters in MLIR.
    pub(super) const fn type_name(self) -> &'static str {
        match self {
            Self::Wrap | Self::Saturate => "i32",
            Self::Float => "f32",
        }
    }
}

impl Spread {
    const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "u",
            Self::PerNeuron => "n",
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
            Self::Subtract(spread) | Self::Value(spread) => *spread,
        }
    }
}

impl UpdateKernel {
    /// The kernel's symbol, such as `update_i16_wrap_in4_mem_whole_u_fire_n_subtract_u`: accumulators, state, input
    /// shift, then the stages, each parameter with `u` (uniform) or `n` (per neuron).
    pub fn name(&self) -> String {
        let offset = |spread: Option<Spread>| spread.map(|s| format!("_offset_{}", s.name())).unwrap_or_default();
        let mut name = format!("update_{}_{}_in{}", self.accumulators.name(), self.state.name(), self.input_shift);
        if let Some(current) = &self.current {
            let _ = write!(name, "_cur_{}{}_out{}", current.decay.name(), offset(current.offset), current.output_shift);
        }
        let _ = write!(name, "_mem_{}{}", self.decay.name(), offset(self.offset));
        if let Some(fire) = &self.fire {
            let reset = match fire.reset {
                Reset::Subtract(_) => "subtract",
                Reset::Value(_) => "value",
            };
            let _ = write!(name, "_fire_{}_{reset}_{}", fire.threshold.name(), fire.reset.spread().name());
        }
        name
    }

    /// The slice's parameter words in order, those of absent stages left out.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.spreads().into_iter().map(|(parameter, _)| parameter).collect()
    }

    /// The parameters in order with their spreads. Currents are an array, so they count as per neuron.
    pub fn spreads(&self) -> Vec<(Parameter, Spread)> {
        let current = self.current.as_ref();
        [
            (Parameter::Currents, current.map(|_| Spread::PerNeuron)),
            (Parameter::CurrentDecay, current.and_then(|stage| stage.decay.spread())),
            (Parameter::CurrentOffset, current.and_then(|stage| stage.offset)),
            (Parameter::Decay, self.decay.spread()),
            (Parameter::Offset, self.offset),
            (Parameter::Threshold, self.fire.as_ref().map(|fire| fire.threshold)),
            (Parameter::ResetBy, self.fire.as_ref().map(|fire| fire.reset.spread())),
        ]
        .into_iter()
        .filter_map(|(parameter, spread)| Some((parameter, spread?)))
        .collect()
    }

    /// The kernel as a function of MLIR's `llvm` dialect: a loop over pairs of neurons, and one more neuron after it
    /// where the count is odd.
    pub fn emit(&self, registers: &Registers) -> String {
        let mut body = Body::default();
        let count = field(&mut body, slice::COUNT, "i32");
        let one = body.constant(1);
        let odd = body.binary("and", &count, &one);
        let even = body.binary("sub", &count, &odd);
        let pairs = body.shift("lshr", &count, PAIR_LOG2);
        let slice = Slice::read(self, &mut body, registers, &even);
        slice.enter(&mut body, &pairs, "^loop", "^rest");
        let mut pair = Turn::start(self, &slice, &mut body, "^loop", true);
        pair.emit(2);
        pair.loop_back("^loop", "^rest");
        let mut last = Turn::start(self, &slice, &mut body, "^rest", false);
        last.only_if(&odd, "^last", "^exit");
        last.emit(1);
        body.line("llvm.br ^exit");
        body.block("^exit");
        format!(
            "llvm.func @{}(%slice: !llvm.ptr) attributes {{passthrough = [\"nounwind\"]}} {{\n{}  llvm.return\n}}\n",
            self.name(),
            body.into_text()
        )
    }
}
