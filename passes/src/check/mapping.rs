//! Checks a finished program against itself: every PE fits, no two things overlap, every packet reaches exactly the
//! PEs that hold rows for it.

use super::{broken, packets};
use crate::{
    analysis::{tables, variants::alignment},
    target::Target,
};
use s2c_dialects::{
    diagnostic::Result,
    s2k::{Block, Form, Pe, Program, Values},
};
use std::collections::{BTreeMap, BTreeSet};

/// Runs all checks; the first broken rule is a bug of the compiler.
pub fn check(program: &Program, target: &Target) -> Result<()> {
    places_are_distinct(program, target)?;
    keys_are_disjoint(program)?;
    let keys = tables::keys(program);
    for pe in &program.pes {
        memory_fits(&keys, pe, target)?;
        weights_have_rows(pe)?;
    }
    packets::arrive(program, target)
}

fn places_are_distinct(program: &Program, target: &Target) -> Result<()> {
    let mut usable: BTreeMap<i64, BTreeSet<[u8; 3]>> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for pe in &program.pes {
        let place = pe.place.clone().unwrap_or_default();
        let [chip, column, row, core] = place[..] else {
            return Err(broken("place", format!("`{}` has none", pe.name)));
        };
        let there = |chip| if chip < target.chip_count() { target.places(chip).collect() } else { BTreeSet::new() };
        let usable = usable.entry(chip).or_insert_with(|| usize::try_from(chip).map(there).unwrap_or_default());
        if !usable.contains(&[column as u8, row as u8, core as u8]) {
            return Err(broken("place", format!("`{}` is at {place:?}, where no PE is", pe.name)));
        }
        if !taken.insert(place.clone()) {
            return Err(broken("place", format!("two PEs are at {place:?}")));
        }
    }
    Ok(())
}

fn keys_are_disjoint(program: &Program) -> Result<()> {
    let mut ranges = packets::key_ranges(program)?;
    ranges.sort();
    match ranges.windows(2).find(|pair| pair[0].1 >= pair[1].0) {
        Some(pair) => Err(broken("keys", format!("`{}` and `{}` share keys", pair[0].2, pair[1].2))),
        None => Ok(()),
    }
}

fn memory_fits(keys: &tables::Keys<'_>, pe: &Pe, target: &Target) -> Result<()> {
    let memory = &target.memory;
    let tables = tables::plan(keys, pe)?.bytes;
    let mut regions =
        vec![(0, i64::from(memory.code_bytes), "code"), (i64::from(memory.code_bytes), i64::from(tables), "tables")];
    for buffer in &pe.buffers {
        let Some(address) = buffer.address else {
            return Err(broken("memory", format!("`{}` of `{}` has no address", buffer.sym_name, pe.name)));
        };
        if address % alignment(pe, &buffer.sym_name) != 0 {
            return Err(broken("memory", format!("`{}` of `{}` is not aligned", buffer.sym_name, pe.name)));
        }
        regions.push((address, buffer.bytes, &buffer.sym_name));
    }
    regions.sort();
    if let Some(pair) = regions.windows(2).find(|pair| pair[0].0 + pair[0].1 > pair[1].0) {
        return Err(broken("memory", format!("`{}` and `{}` of `{}` overlap", pair[0].2, pair[1].2, pe.name)));
    }
    let end = i64::from(memory.sram_bytes - memory.stack_bytes);
    match regions.iter().find(|region| region.0 < 0 || region.0 + region.1 > end) {
        Some(region) => Err(broken("memory", format!("`{}` of `{}` ends beyond {end}", region.2, pe.name))),
        None => Ok(()),
    }
}

fn weights_have_rows(pe: &Pe) -> Result<()> {
    // Rows of weights begin at words.
    let row_bytes = |length: i64, bits: i64| 4 * (length * bits + 31).div_euclid(32);
    for Block { head, form } in &pe.blocks {
        let (needed, sums) = match form {
            Form::Rows(rows) => ((rows.first + head.count) * row_bytes(rows.length, rows.bits), rows.length),
            // Of sparse rows no more is known without their weights than that each has a word in the table.
            Form::SparseRows(rows) => ((rows.first + head.count) * 4, rows.length),
            Form::Convolution(c) => {
                let taps = (c.source_channel + 1) * c.kernel.iter().product::<i64>();
                (taps * row_bytes(c.target_channels, c.bits), c.target_rows * c.target_width * c.target_channels)
            }
            Form::OneToOne(block) => {
                let last = match &pe.buffer(&head.weights.0)?.values {
                    Some(Values::I32(table)) => table.iter().map(|entry| i64::from(entry & 0xffff)).max(),
                    _ => None,
                };
                (4 * block.length, last.unwrap_or(-1) + 1)
            }
        };
        let (name, bytes) = (&head.weights.0, pe.buffer(&head.weights.0)?.bytes);
        if needed > bytes {
            return Err(broken("weights", format!("`{name}` of `{}` has {bytes} bytes, needs {needed}", pe.name)));
        }
        let slots = tables::slots_of(pe, &head.accumulators.0);
        let room = pe.buffer(&head.accumulators.0)?.bytes;
        if head.slot < 0 || head.slot >= slots || sums * head.width / 8 * slots > room {
            return Err(broken("weights", format!("the sums of `{}` in `{}` have no room", head.source, pe.name)));
        }
    }
    Ok(())
}
