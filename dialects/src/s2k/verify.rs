//! What ODS can't say about the `s2k` dialect. The numbers are those of the dialect's README.

use super::{Parameter, Pe, Program, Synapses, Update};
use crate::diagnostic::{Diagnostic, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Checks constraints C1 to C6.
pub fn verify(program: &Program) -> Result<()> {
    let broken = |title: String| Err(Box::new(Diagnostic::error("bad-ir", title)));
    // C1: names of slices and host inputs are unique.
    let mut sources = BTreeSet::new();
    let names = program.inputs.iter().map(|input| &input.node).chain(program.slices().map(|(_, update)| &update.slice));
    for name in names {
        if !sources.insert(name) {
            return broken(format!("C1: two sources have the name `{name}`"));
        }
    }
    for pe in &program.pes {
        for block in pe.blocks() {
            // C2: synapses come from a source that exists.
            if !sources.iter().any(|source| source.as_str() == block.source()) {
                return broken(format!("C2: `{}` has synapses of the unknown source `{}`", pe.name, block.source()));
            }
            for name in [block.weights(), block.accumulators()] {
                if !has_buffer(pe, name) {
                    return broken(format!("C2: `{}` has synapses in `{name}`, which is none of its buffers", pe.name));
                }
            }
            // C3: accumulators come in whole words of four, of 16 or 32 bits.
            let width = width_of(block);
            let length = match block {
                Synapses::Rows(rows) => rows.length,
                Synapses::Convolution(convolution) => convolution.target_channels,
                Synapses::OneToOne(_) => 4,
            };
            if length % 4 != 0 || length <= 0 || !matches!(width, 16 | 32) {
                return broken(format!("C3: `{}` has synapses into {length} accumulators of {width} bits", pe.name));
            }
        }
        // C5: sums of one scale.
        let mut scales = BTreeMap::new();
        for block in pe.blocks() {
            let (bits, sparse) = match block {
                Synapses::Rows(rows) => (rows.bits, rows.sparse),
                Synapses::Convolution(convolution) => (convolution.bits, false),
                Synapses::OneToOne(_) => (16, false),
            };
            let scale = match bits {
                1 | 2 => 64,
                4 => 16,
                _ => 1,
            };
            if !matches!(bits, 1 | 2 | 4 | 8 | 16) || sparse && bits != 8 {
                return broken(format!("C5: `{}` has weights of {bits} bits", pe.name));
            }
            // C6: what multiplies weights takes them as they are, and adds to 32-bit sums.
            let least = if block.is_graded() { -31 } else { 0 };
            let (multiplies, shift) = (block.factor() != (false, 0), block.factor().1);
            if multiplies && (width_of(block) != 32 || bits < 8 || sparse) || !(least..=30).contains(&shift) {
                return broken(format!("C6: `{}` multiplies weights of {bits} bits, shifted by {shift}", pe.name));
            }
            if *scales.entry(block.accumulators()).or_insert(scale) != scale {
                return broken(format!("C5: sums in `{}` of `{}` differ in scale", block.accumulators(), pe.name));
            }
        }
        for update in &pe.updates {
            // C4: an update's buffers exist.
            if let Some(name) = buffers_of(update).find(|name| !has_buffer(pe, name)) {
                return broken(format!("C4: `{}` uses `{name}`, which is no buffer of `{}`", update.slice, pe.name));
            }
            // C6: parameters repeat after a power of two of neurons, a whole number of times.
            let Some(period) = update.period else { continue };
            if period < 4 || period.count_ones() != 1 || update.count % period != 0 {
                return broken(format!("C6: parameters of `{}` repeat after {period} neurons", update.slice));
            }
            for buffer in update.parameters() {
                if pe.buffer(&buffer.0)?.bytes != 4 * period {
                    return broken(format!("C6: `{}` of `{}` does not have {period} words", buffer.0, pe.name));
                }
            }
        }
    }
    Ok(())
}

fn has_buffer(pe: &Pe, name: &str) -> bool {
    pe.buffers.iter().any(|buffer| buffer.sym_name == name)
}

/// Buffers of states and of parameters per neuron.
fn buffers_of(update: &Update) -> impl Iterator<Item = &str> {
    let states = [Some(&update.accumulators), Some(&update.membranes), update.currents.as_ref()];
    let parameters = [
        &update.current_decay,
        &update.current_offset,
        &update.decay,
        &update.offset,
        &update.threshold,
        &update.reset_by,
        &update.readout,
    ];
    let parameters = parameters.into_iter().filter_map(|parameter| match parameter {
        Some(Parameter::Buffer(buffer)) => Some(buffer),
        _ => None,
    });
    states.into_iter().flatten().chain(parameters).map(|buffer| buffer.0.as_str())
}

/// Bits of the sums that a block adds to.
fn width_of(block: Synapses<'_>) -> i64 {
    match block {
        Synapses::Rows(rows) => rows.width,
        Synapses::Convolution(convolution) => convolution.width,
        Synapses::OneToOne(block) => block.width,
    }
}
