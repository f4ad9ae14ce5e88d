//! Checks a finished program against itself: every PE fits, no two things overlap, kernels find what they need, every
//! packet reaches exactly the PEs that hold synapses for it.

use super::{broken, keys, memory, packets, synapses, updates};
use crate::target::Target;
use s2c_dialects::{diagnostic::Result, s2k::Program};
use std::collections::{BTreeMap, BTreeSet};

/// Runs all checks; the first broken rule is a bug of the compiler.
pub fn check(program: &Program, target: &Target) -> Result<()> {
    places_are_distinct(program, target)?;
    let sources = keys::sources(program)?;
    let channels = synapses::channels(program);
    let packet_bytes = if program.takes_values() { 8 } else { 4 };
    for pe in &program.pes {
        memory::fits(&sources, pe, target, packet_bytes)?;
        updates::have_room(pe)?;
        synapses::have_room(&channels, pe)?;
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
