//! What the chip model is made of: chips, memories and routers' tables, as a binary says.

use s2c_backend::emit::{Binary, manifest::Manifest};
use s2c_chip::{ChipConfig, CycleModel, Destination, PeImage, RouterEntry};
use s2c_dialects::diagnostic::{Diagnostic, Result};
use s2c_passes::target::Target;
use std::sync::Arc;

/// The chips that a target describes.
pub(super) fn config_of(target: &Target, instruction_budget: u64) -> ChipConfig {
    ChipConfig {
        sram_bytes: target.memory.sram_bytes,
        code_bytes: target.memory.code_bytes,
        registers: target.registers.addresses(),
        cycles: CycleModel {
            branch_taken: target.cycles.branch_taken,
            load_first: target.cycles.load_first,
            load_next: target.cycles.load_next,
            divide: target.cycles.divide,
            float_divide: target.cycles.float_divide,
            float_multiply_add: target.cycles.float_multiply_add,
        },
        cycles_per_hop: target.comms.cycles_per_hop,
        cycles_per_link: target.comms.cycles_per_link,
        host_chip: target.chips.host as usize,
        chips: (target.chips.columns as usize, target.chips.rows as usize),
        router_position: (target.grid.router[0], target.grid.router[1]),
        router_entries: target.comms.router_entries,
        instruction_budget,
    }
}

/// What PEs hold at the start.
pub(super) fn images(binary: &Binary) -> Result<Vec<PeImage>> {
    let blobs: Vec<Arc<[u8]>> = binary.blobs.iter().map(|blob| blob.as_slice().into()).collect();
    let mut images = Vec::with_capacity(binary.manifest.pes.len());
    for pe in &binary.manifest.pes {
        let mut segments = Vec::with_capacity(pe.segments.len());
        for segment in &pe.segments {
            let blob = blobs.get(segment.blob).ok_or_else(|| {
                Diagnostic::error(
                    "bad-binary",
                    format!("`{}` names blob {}, which is not there", pe.name, segment.blob),
                )
            })?;
            segments.push((segment.address, blob.clone()));
        }
        images.push(PeImage { chip: pe.chip, x: pe.column, y: pe.row, core: pe.core, segments });
    }
    Ok(images)
}

/// The routers' tables, by chip.
pub(super) fn routes(manifest: &Manifest) -> Result<Vec<Vec<RouterEntry>>> {
    let mut routes: Vec<Vec<RouterEntry>> = vec![Vec::new(); manifest.target.chip_count()];
    for route in &manifest.routes {
        let table = routes.get_mut(route.chip).ok_or_else(|| {
            Diagnostic::error("bad-binary", format!("a route names chip {}, which is not there", route.chip))
        })?;
        let destinations = route.destinations.chunks_exact(3).map(destination).collect::<Result<Vec<_>>>()?;
        table.push(RouterEntry { key: route.key, mask: route.mask, route: destinations });
    }
    Ok(routes)
}

fn destination(triple: &[i64]) -> Result<Destination> {
    let wrong = || Diagnostic::error("bad-binary", format!("a route names the destination {triple:?}"));
    match *triple {
        [-2, _, _] => Ok(Destination::Host),
        [-1, link @ 0..=5, _] => Ok(Destination::Link(link as u8)),
        [x @ 0..=255, y @ 0..=255, cores @ 1..=15] => {
            Ok(Destination::Qpe { x: x as u8, y: y as u8, cores: cores as u8 })
        }
        _ => Err(Box::new(wrong())),
    }
}
