//! Which kernel variant each update of a PE runs.

use s2c_dialects::{
    attribute,
    diagnostic::{Diagnostic, Result},
    qsnn::Coefficient,
    s2k::{self, DecayForm, Pe, Update},
};
use s2c_kernels::{Accumulator, CurrentStage, Decay, Fire, Reset, Spread, State, UpdateKernel, WeightWidth};
use std::collections::BTreeMap;

/// Weights as stored.
pub fn weight_width(bits: i64) -> WeightWidth {
    WeightWidth::of_bits(bits).unwrap_or(WeightWidth::W16)
}

fn spread(update: &Update, parameter: &s2k::Parameter) -> Spread {
    match (parameter, update.period) {
        (s2k::Parameter::Value(_) | s2k::Parameter::Float(_), _) => Spread::Uniform,
        (s2k::Parameter::Buffer(_), None) => Spread::PerNeuron,
        (s2k::Parameter::Buffer(_), Some(period)) => Spread::Repeating(period.ilog2() as u8),
    }
}

/// What a PE's kernels ask of a buffer: its address is a multiple of this many bytes, a power of two.
pub fn alignment(pe: &Pe, buffer: &str) -> i64 {
    let of = |update: &Update| match update.period {
        Some(period) if update.accumulators.0 == buffer => period * update.width / 8,
        Some(period) if update.parameter_buffers().any(|parameter| parameter.0 == buffer) => 8 * period,
        _ => 4,
    };
    pe.updates.iter().map(of).max().unwrap_or(4)
}

fn decay(form: Option<DecayForm>, spread: Option<Spread>) -> Decay {
    match (form, spread) {
        (Some(DecayForm::Whole), Some(spread)) => Decay::Whole(spread),
        (Some(DecayForm::Fraction), Some(spread)) => Decay::Fraction(spread),
        (Some(DecayForm::Mixed), Some(_)) => Decay::Mixed,
        (Some(DecayForm::Float), Some(spread)) => Decay::Float(spread),
        _ => Decay::None,
    }
}

/// The kernel of an update.
pub fn update_kernel(update: &Update) -> Result<UpdateKernel> {
    let shift = |shift: i64| u8::try_from(shift).map_err(|_| Box::new(Diagnostic::bug(format!("a shift of {shift}"))));
    let spreads = update.parameters.iter().map(|(which, parameter)| (*which, spread(update, parameter)));
    let mut words: BTreeMap<Coefficient, Spread> = spreads.collect();
    let current = match &update.currents {
        Some(_) => Some(CurrentStage {
            decay: decay(update.current_form, words.remove(&Coefficient::CurrentDecay)),
            offset: words.remove(&Coefficient::CurrentOffset),
            output_shift: shift(update.current_shift.unwrap_or(0))?,
        }),
        None => None,
    };
    let fire = words.remove(&Coefficient::Threshold).zip(words.remove(&Coefficient::ResetBy));
    let fire = fire.map(|(threshold, by)| Fire {
        threshold,
        reset: match update.reset {
            Some(attribute::Reset::Subtract) => Reset::Subtract(by),
            Some(attribute::Reset::SubtractPending) => Reset::SubtractPending(by),
            _ => Reset::Value(by),
        },
    });
    Ok(UpdateKernel {
        accumulators: Accumulator::of_bits(update.width),
        state: match (update.float_state, update.saturate) {
            (true, _) => State::Float,
            (false, true) => State::Saturate,
            (false, false) => State::Wrap,
        },
        input_shift: i8::try_from(update.shift)
            .map_err(|_| Box::new(Diagnostic::bug(format!("a shift of {}", update.shift))))?,
        current,
        decay: decay(update.form, words.remove(&Coefficient::Decay)),
        byte_shift: update.byte_shift.map(shift).transpose()?,
        fire,
        words,
    })
}
