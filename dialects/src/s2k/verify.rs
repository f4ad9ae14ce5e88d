//! What ODS can't say about the `s2k` dialect. The numbers are those of the dialect's README.

use super::{Block, Convolution, Form, Pe, Program, Purpose, Update};
use crate::diagnostic::{Diagnostic, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Checks constraints C1 to C9.
pub fn verify(program: &Program) -> Result<()> {
    check_sizes(program)?;
    // C1: names of slices and host inputs are unique.
    let mut sources = BTreeSet::new();
    let names = program.inputs.iter().map(|input| &input.node).chain(program.slices().map(|(_, update)| &update.slice));
    for name in names {
        if !sources.insert(name.as_str()) {
            return broken(format!("C1: two sources have the name `{name}`"));
        }
    }
    for pe in &program.pes {
        // The factor by which the sums of a buffer are too large.
        let mut scales = BTreeMap::new();
        for block in &pe.blocks {
            check_block(pe, block, &sources)?;
            let scale = match block.form.bits() {
                1 | 2 => 64,
                4 => 16,
                _ => 1,
            };
            let sums = &block.head.accumulators.0;
            if *scales.entry(sums).or_insert(scale) != scale {
                return broken(format!("C5: sums in `{sums}` of `{}` differ in scale", pe.name));
            }
        }
        for update in &pe.updates {
            check_update(pe, update)?;
        }
    }
    Ok(())
}

fn broken<T>(title: String) -> Result<T> {
    Err(Box::new(Diagnostic::error("bad-ir", title)))
}

/// C9: sizes are 1 or more, positions 0 or more, and all are below 2^31.
fn check_sizes(program: &Program) -> Result<()> {
    const END: i64 = 1 << 31;
    let check = |of: &str, sizes: &[i64], positions: &[i64]| {
        let wrong = sizes.iter().find(|size| !(1..END).contains(*size));
        match wrong.or_else(|| positions.iter().find(|position| !(0..END).contains(*position))) {
            Some(number) => broken(format!("C9: a size of `{of}` is {number}")),
            None => Ok(()),
        }
    };
    for input in &program.inputs {
        let neurons = input.shape.iter().try_fold(1_i64, |count, &extent| count.checked_mul(extent));
        check(&input.node, &input.shape, &[input.limit, neurons.unwrap_or(END)])?;
    }
    for pe in &program.pes {
        for Block { head, form } in &pe.blocks {
            check(&head.source, &[head.count, form.length().unwrap_or(1)], &[head.slot])?;
        }
        for update in &pe.updates {
            check(&update.slice, &[update.count, update.slots], &[update.first, update.start])?;
        }
        for buffer in &pe.buffers {
            check(&buffer.sym_name, &[], &[buffer.bytes, buffer.address.unwrap_or(0)])?;
        }
    }
    Ok(())
}

fn check_block(pe: &Pe, block: &Block, sources: &BTreeSet<&str>) -> Result<()> {
    let (pe_name, head, bits) = (&pe.name, &block.head, block.form.bits());
    // C2: synapses come from a source that exists, and so do their buffers.
    if !sources.contains(head.source.as_str()) {
        return broken(format!("C2: `{pe_name}` has synapses of the unknown source `{}`", head.source));
    }
    for (name, purpose) in [(&head.weights.0, Purpose::Weights), (&head.accumulators.0, Purpose::State)] {
        if !has_buffer(pe, name, purpose) {
            let what = purpose.keyword();
            return broken(format!("C2: synapses of `{pe_name}` need a buffer `{name}` of {what}, which is not there"));
        }
    }
    // C3: accumulators come in whole words of four, of 16 or 32 bits.
    let length = block.form.length().unwrap_or(4);
    if length % 4 != 0 || length <= 0 || !matches!(head.width, 16 | 32) {
        return broken(format!("C3: `{pe_name}` has synapses into {length} accumulators of {} bits", head.width));
    }
    // C5: weights have one of five widths.
    if !matches!(bits, 1 | 2 | 4 | 8 | 16) {
        return broken(format!("C5: `{pe_name}` has weights of {bits} bits"));
    }
    // C7: what multiplies weights takes them as they are, and adds to 32-bit sums.
    let (least, shift) = (if head.graded { -31 } else { 0 }, head.shift.unwrap_or(0));
    let can_multiply = head.width == 32 && bits >= 8 && !matches!(block.form, Form::SparseRows(_));
    if head.multiplies() && !can_multiply || !(least..=30).contains(&shift) {
        return broken(format!("C7: `{pe_name}` multiplies weights of {bits} bits, shifted by {shift}"));
    }
    match &block.form {
        Form::Convolution(convolution) if !is_convolution(convolution) => {
            broken(format!("C8: `{pe_name}` has a convolution from `{}` that is none", head.source))
        }
        _ => Ok(()),
    }
}

/// C8: numbers of a convolution are pairs and not negative, those that are steps or sizes positive.
fn is_convolution(c: &Convolution) -> bool {
    let pairs = [(&c.pool, 1), (&c.pooled, 0), (&c.kernel, 1), (&c.stride, 1), (&c.padding, 0), (&c.dilation, 1)];
    let positive = [c.source_width, c.source_channels, c.target_width, c.target_rows];
    pairs.into_iter().all(|(pair, least)| pair.len() == 2 && pair.iter().all(|&value| value >= least))
        && positive.into_iter().all(|value| value > 0)
        && [c.source_channel, c.source_row, c.target_row].into_iter().all(|value| value >= 0)
}

fn check_update(pe: &Pe, update: &Update) -> Result<()> {
    // C4: an update's buffers exist.
    let states = [Some(&update.accumulators), Some(&update.membranes), update.currents.as_ref()].into_iter().flatten();
    let states = states.map(|buffer| (buffer, Purpose::State));
    for (buffer, purpose) in states.chain(update.parameter_buffers().map(|buffer| (buffer, Purpose::Parameters))) {
        if !has_buffer(pe, &buffer.0, purpose) {
            let (slice, what) = (&update.slice, purpose.keyword());
            return broken(format!(
                "C4: `{slice}` needs a buffer `{}` of {what}, which `{}` does not have",
                buffer.0, pe.name
            ));
        }
    }
    // C6: parameters repeat after a power of two of neurons, a whole number of times.
    let Some(period) = update.period else { return Ok(()) };
    if period < 4 || period.count_ones() != 1 || update.count % period != 0 {
        return broken(format!("C6: parameters of `{}` repeat after {period} neurons", update.slice));
    }
    for buffer in update.parameter_buffers() {
        if pe.buffer(&buffer.0)?.bytes != 4 * period {
            return broken(format!("C6: `{}` of `{}` does not have {period} words", buffer.0, pe.name));
        }
    }
    Ok(())
}

fn has_buffer(pe: &Pe, name: &str, purpose: Purpose) -> bool {
    pe.buffers.iter().any(|buffer| buffer.sym_name == name && buffer.purpose == purpose)
}
