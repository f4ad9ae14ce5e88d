//! What ODS can't say about the `s2k` dialect. The numbers are those of the dialect's README.

use super::Program;
use crate::diagnostic::{Diagnostic, Result};
use std::collections::BTreeSet;

/// Checks constraints C1 to C4.
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
        for rows in &pe.rows {
            // C2: rows come from a source that exists.
            if !sources.contains(&rows.source) {
                return broken(format!("C2: `{}` has rows of the unknown source `{}`", pe.name, rows.source));
            }
            pe.buffer(&rows.weights.0)?;
            pe.buffer(&rows.accumulators.0)?;
            // C3: lengths are whole words of four accumulators, widths are 16 or 32 bits.
            if rows.length % 4 != 0 || rows.length <= 0 || !matches!(rows.width, 16 | 32) {
                return broken(format!("C3: `{}` has rows of {} x {} bits", pe.name, rows.length, rows.width));
            }
        }
        for update in &pe.updates {
            // C4: an update's buffers exist.
            pe.buffer(&update.accumulators.0)?;
            pe.buffer(&update.membranes.0)?;
            if let Some(currents) = &update.currents {
                pe.buffer(&currents.0)?;
            }
        }
    }
    Ok(())
}
