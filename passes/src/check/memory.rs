//! Checks a PE's memory: regions do not overlap, end before the stack, and begin where kernels can find them.

use super::{broken, keys::Sources, tables};
use crate::target::Target;
use s2c_dialects::{
    diagnostic::Result,
    s2k::{Pe, Update},
};

/// Checks all regions of a PE: code, tables, buffers.
pub(super) fn fits(sources: &Sources<'_>, pe: &Pe, target: &Target, packet_bytes: i64) -> Result<()> {
    let memory = &target.memory;
    let code = i64::from(memory.code_bytes);
    let mut regions = vec![(0, code, "code"), (code, tables::bytes(sources, pe)?, "tables")];
    for buffer in &pe.buffers {
        let Some(address) = buffer.address else {
            return Err(broken("memory", format!("`{}` of `{}` has no address", buffer.sym_name, pe.name)));
        };
        if address % multiple(pe, &buffer.sym_name) != 0 {
            return Err(broken("memory", format!("`{}` of `{}` is not aligned", buffer.sym_name, pe.name)));
        }
        regions.push((address, buffer.bytes, &buffer.sym_name));
    }
    regions.sort();
    if let Some(pair) = regions.windows(2).find(|pair| pair[0].0 + pair[0].1 > pair[1].0) {
        return Err(broken("memory", format!("`{}` and `{}` of `{}` overlap", pair[0].2, pair[1].2, pe.name)));
    }
    let end = i64::from(memory.sram_bytes - memory.stack_bytes);
    if let Some(region) = regions.iter().find(|region| region.0 < 0 || region.0 + region.1 > end) {
        return Err(broken("memory", format!("`{}` of `{}` ends beyond {end}", region.2, pe.name)));
    }
    let ring = pe.ring()?.bytes;
    // One packet's room stays free.
    if ring < 2 * packet_bytes || ring % packet_bytes != 0 {
        return Err(broken("memory", format!("{ring} bytes of `{}` are no ring of packets", pe.name)));
    }
    Ok(())
}

/// What a buffer's address is a multiple of: a word, or more where parameters repeat. A kernel then clears one bit of an
/// address to come back from behind the last parameter to the first, so that this bit and all below must be 0 at the
/// start; one that follows the sums alone takes the number of a parameter from the bits of the sum's address.
fn multiple(pe: &Pe, name: &str) -> i64 {
    let of = |update: &Update| {
        let period = update.period?;
        if update.accumulators.0 == name {
            return Some(period * update.width / 8);
        }
        let is_parameter = update.parameter_buffers().any(|parameter| parameter.0 == name);
        is_parameter.then_some(2 * period * 4)
    };
    pe.updates.iter().filter_map(of).fold(4, i64::max)
}
