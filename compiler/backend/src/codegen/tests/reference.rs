//! What kernels compute, in plain Rust: a transcription of the module pages of `s2c_kernels`.

use std::collections::BTreeMap;

use s2c_dialects::fixed_point::Multiplier;
use s2c_kernels::{Decay, Factor, Parameter, Reset, State, UpdateKernel};

/// What weights are multiplied by.
pub fn factor(factor: Factor, payload: i32) -> i32 {
    match factor {
        Factor::One => 1,
        Factor::Shifted(bits) => 1 << bits,
        Factor::Payload(bits) if bits >= 0 => payload << bits,
        Factor::Payload(bits) => ((i64::from(payload) + (1i64 << -bits >> 1)) >> -bits) as i32,
    }
}

/// A slice's state and parameters, floats as their bits; uniform parameters are vectors of equal values.
#[derive(Clone)]
pub struct Neurons {
    pub accumulators: Vec<i32>,
    pub membranes: Vec<i32>,
    pub parameters: BTreeMap<Parameter, Vec<i32>>,
}

/// One tick. Returns the indices of the neurons that send something, with the payload where there is one.
pub fn update(kernel: &UpdateKernel, neurons: &mut Neurons) -> Vec<(u32, Option<u32>)> {
    if kernel.state == State::Float {
        return float_update(kernel, neurons);
    }
    let saturate = kernel.state == State::Saturate;
    let add = |a: i32, b: i32| if saturate { a.saturating_add(b) } else { a.wrapping_add(b) };
    let subtract = |a: i32, b: i32| if saturate { a.saturating_sub(b) } else { a.wrapping_sub(b) };
    let mut sent = Vec::new();
    for i in 0..neurons.membranes.len() {
        let parameter = |name| neurons.parameters[&name][i];
        let x = std::mem::take(&mut neurons.accumulators[i]);
        let distance = kernel.input_shift.unsigned_abs();
        let x = if kernel.input_shift < 0 { x >> distance } else { x << distance };
        let mut current = None;
        let drive = match &kernel.current {
            None => x,
            Some(stage) => {
                let c = parameter(Parameter::Currents);
                let mut c = add(decay(stage.decay, c, || parameter(Parameter::CurrentDecay)), x);
                if stage.offset.is_some() {
                    c = add(c, parameter(Parameter::CurrentOffset));
                }
                current = Some(c);
                let half = 1i64 << stage.output_shift >> 1;
                ((i64::from(c) + half) >> stage.output_shift) as i32
            }
        };
        let mut v = add(decay(kernel.decay, neurons.membranes[i], || parameter(Parameter::Decay)), drive);
        if kernel.offset.is_some() {
            v = add(v, parameter(Parameter::Offset));
        }
        if let Some(fire) = &kernel.fire {
            let (threshold, by) = (parameter(Parameter::Threshold), parameter(Parameter::ResetBy));
            let reduced = subtract(v, by);
            let pending = matches!(fire.reset, Reset::SubtractPending(_)) && neurons.membranes[i] > threshold;
            if v > threshold && (!pending || reduced > threshold) {
                sent.push((i as u32, None));
                v = if matches!(fire.reset, Reset::Value(_)) { by } else { reduced };
            }
        }
        if kernel.readout.is_some() {
            let y = Multiplier::from_bits(parameter(Parameter::Readout)).times(v);
            sent.extend((y != 0).then_some((i as u32, Some(y as u32))));
        }
        neurons.membranes[i] = kernel
            .byte_shift
            .map_or(v, |shift| ((i64::from(v) + (1 << (shift - 1))) >> shift).clamp(-128, 127) as i32 * (1 << shift));
        if let (Some(c), Some(currents)) = (current, neurons.parameters.get_mut(&Parameter::Currents)) {
            currents[i] = c;
        }
    }
    sent
}

/// One tick with float state.
fn float_update(kernel: &UpdateKernel, neurons: &mut Neurons) -> Vec<(u32, Option<u32>)> {
    let mut sent = Vec::new();
    for i in 0..neurons.membranes.len() {
        let parameter = |name| f32::from_bits(neurons.parameters[&name][i] as u32);
        let stage = |state: f32, decay: Decay, factor, x: f32, offset: Option<_>, constant| {
            let decayed = if decay == Decay::None { state } else { state * parameter(factor) };
            let sum = decayed + x;
            if offset.is_some() { sum + parameter(constant) } else { sum }
        };
        let x = std::mem::take(&mut neurons.accumulators[i]) as f32;
        let current = kernel.current.as_ref().map(|current| {
            let (factor, constant) = (Parameter::CurrentDecay, Parameter::CurrentOffset);
            stage(parameter(Parameter::Currents), current.decay, factor, x, current.offset, constant)
        });
        let before = f32::from_bits(neurons.membranes[i] as u32);
        let drive = current.unwrap_or(x);
        let mut v = stage(before, kernel.decay, Parameter::Decay, drive, kernel.offset, Parameter::Offset);
        if let Some(fire) = &kernel.fire {
            let (threshold, by) = (parameter(Parameter::Threshold), parameter(Parameter::ResetBy));
            let pending = matches!(fire.reset, Reset::SubtractPending(_)) && before > threshold;
            if v > threshold && (!pending || v - by > threshold) {
                sent.push((i as u32, None));
                v = if matches!(fire.reset, Reset::Value(_)) { by } else { v - by };
            }
        }
        if kernel.readout.is_some() {
            let y = (v * parameter(Parameter::Readout)).round_ties_even() as i32;
            sent.extend((y != 0).then_some((i as u32, Some(y as u32))));
        }
        neurons.membranes[i] = v.to_bits() as i32;
        if let (Some(c), Some(currents)) = (current, neurons.parameters.get_mut(&Parameter::Currents)) {
            currents[i] = c.to_bits() as i32;
        }
    }
    sent
}

fn decay(decay: Decay, v: i32, factor: impl FnOnce() -> i32) -> i32 {
    let operand = || Multiplier::from_bits(factor());
    match decay {
        Decay::None => v,
        Decay::Whole(_) => operand().more_of(v),
        Decay::Mixed => {
            let operand = operand();
            if operand < Multiplier::ZERO { operand.more_of(v) } else { operand.times(v) }
        }
        _ => operand().times(v),
    }
}
