//! A PE's memory: where its buffers lie, and how many bytes it needs before its sources have keys. `core-partitioning`
//! asks here whether a slice fits, `buffer-allocation` for addresses.

use super::{tables, variants::alignment};
use s2c_dialects::{
    diagnostic::Result,
    s2k::{Pe, Purpose},
};
use std::cmp::Reverse;

/// Where a PE's buffers begin behind tables that end at `start`, by their numbers and in their order in memory, and where
/// the last one ends. Those with values come first, the ring of packets is left out.
pub fn lay_out(pe: &Pe, start: i64) -> (Vec<(usize, i64)>, i64) {
    let buffers = pe.buffers.iter().enumerate().filter(|(_, buffer)| buffer.purpose != Purpose::Packets);
    let mut order: Vec<(usize, i64)> =
        buffers.map(|(number, buffer)| (number, alignment(pe, &buffer.sym_name))).collect();
    // Those that must lie at multiples of many bytes come first, where they leave the least gaps.
    order.sort_by_key(|&(number, alignment)| (pe.buffers[number].values.is_none(), Reverse(alignment)));
    let mut at = (start + 7) & !7;
    let place = |(number, alignment): (usize, i64)| {
        let address = (at + alignment - 1) & !(alignment - 1);
        at = (address + pe.buffers[number].bytes + 3) & !3;
        (number, address)
    };
    (order.into_iter().map(place).collect(), at)
}

/// Bytes of data that a PE needs before its sources have keys: its buffers, a short ring of packets, and tables with as
/// many entries for sources as `key-allocation` begins with, which is never less than they take in the end unless sources
/// are in each other's way.
pub fn needed(pe: &Pe, code_bytes: u32, packet_bytes: u32) -> Result<i64> {
    let tables = tables::bytes_without_keys(pe)?;
    let (_, end) = lay_out(pe, i64::from(code_bytes + tables));
    Ok(end - i64::from(code_bytes) + i64::from(tables::ring_bytes(0, packet_bytes)))
}
