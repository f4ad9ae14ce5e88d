//! Buffer allocation: addresses in each PE's memory.
//!
//! Needs: `s2k` with keys.
//! Gives: `address` on every buffer, plus a buffer of `packets`, the receive ring. From the start of the data region: the
//! runtime's tables, the buffers with values, the zeroed ones, the ring, and what is left.
//! Example: with code up to 4096 and 256 bytes of tables, the first weights lie at 4352.
//! Limits: a PE that needs more than its memory is an error with the memory map.
//! Source: the target's memory; table sizes from `analysis/tables.rs`.

use crate::{
    analysis::{tables, variants::alignment},
    option_spec::OptionSpec,
    session::Session,
    target::TARGET,
};
use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
    s2k::{Buffer, Pe, Program, Purpose},
};
use std::{cmp::Reverse, collections::BTreeMap};

/// See [`Pass::options`](crate::session::Pass::options).
pub const OPTIONS: &[&OptionSpec] = &[&TARGET];

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut program = Program::read(&module)?;
    let memory = &session.target.memory;
    let end = memory.sram_bytes - memory.stack_bytes;
    let mut sizes = Vec::with_capacity(program.pes.len());
    let keys = tables::keys(&program);
    let packet_bytes = tables::packet_bytes(program.takes_values());
    for pe in &program.pes {
        sizes.push(tables::plan(&keys, pe)?.bytes);
    }
    for (pe, tables) in program.pes.iter_mut().zip(sizes) {
        let mut at = i64::from((memory.code_bytes + tables).next_multiple_of(8));
        pe.buffers.retain(|buffer| buffer.purpose != Purpose::Packets);
        let mut buffers = std::mem::take(&mut pe.buffers);
        let alignments: BTreeMap<String, i64> =
            buffers.iter().map(|buffer| (buffer.sym_name.clone(), alignment(pe, &buffer.sym_name))).collect();
        // Those that must lie at multiples of many bytes come first, where they leave the least gaps.
        buffers.sort_by_key(|buffer| (buffer.values.is_none(), Reverse(alignments[&buffer.sym_name])));
        for buffer in &mut buffers {
            let mask = alignments[&buffer.sym_name] - 1;
            at = (at + mask) & !mask;
            buffer.address = Some(at);
            at = (at + buffer.bytes + 3) & !3;
        }
        pe.buffers = buffers;
        let left = i64::from(end) - at;
        let fifo = tables::fifo_bytes(pe, u32::try_from(left).unwrap_or(0), packet_bytes);
        // A ring holds one packet less than it has room for.
        if left < 0 || fifo < 2 * packet_bytes {
            return Err(Box::new(overflow(pe, session.target.data_bytes(), tables, at - i64::from(memory.code_bytes))));
        }
        let (sym_name, purpose) = ("fifo".to_owned(), Purpose::Packets);
        pe.buffers.push(Buffer { sym_name, purpose, bytes: fifo.into(), address: Some(at), values: None });
    }
    program.write(session.context)
}

fn overflow(pe: &Pe, available: u32, tables: u32, needed: i64) -> Diagnostic {
    let map: Vec<String> =
        pe.buffers.iter().map(|buffer| format!("{} {} bytes", buffer.sym_name, buffer.bytes)).collect();
    let node = pe.updates.first().map_or("?", |update| update.population.as_str());
    Diagnostic::error("pe-memory-overflow", format!("PE `{}` needs {needed} bytes of data", pe.name))
        .at_node(node)
        .text(format!("There are {available}. Tables {tables} bytes; {}.", map.join("; ")))
        .hint("use fewer --weight-bits, or split the layer")
}
