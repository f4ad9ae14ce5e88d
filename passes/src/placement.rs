//! Placement: a place on the grid for each PE.
//!
//! Needs: an `s2k` program.
//! Gives: `[chip, column, row, core]` on every PE, each place used once.
//! Example: the first PE comes to the QPE that is nearest to the router.
//! Limits: PEs are placed in program order, which keeps neighbours in the network close to each other on the chip.
//! Source: the target's grid; all packets pass the router, so that distance to the router is what a hop costs.

use crate::{Session, target::Target};
use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
    s2k::Program,
};

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut program = Program::read(&module)?;
    let target = &session.target;
    let available = target.pe_count();
    if program.pes.len() > available {
        return Err(Box::new(
            Diagnostic::error("too-many-pes", format!("the network needs {} PEs", program.pes.len()))
                .text(format!("Target `{}` has {available} for applications.", target.name))
                .hint("use fewer --weight-bits, -Os, or a target with more chips"),
        ));
    }
    let places = chips(target).flat_map(|chip| target.places(chip).map(move |place| (chip, place)));
    for (pe, (chip, [column, row, core])) in program.pes.iter_mut().zip(places) {
        pe.place = Some(vec![chip as i64, column.into(), row.into(), core.into()]);
    }
    program.write(session.context)
}

/// The chips, from the host's on.
fn chips(target: &Target) -> impl Iterator<Item = usize> {
    let (host, count) = (target.chips.host as usize, target.chip_count());
    (0..count).map(move |number| (host + number) % count)
}
