//! Key allocation: a block of keys for each source of packets.
//!
//! Needs: an `s2k` program.
//! Gives: `key` and `mask` on host inputs and slices. All blocks have the same size, a power of two, so that one shift
//! turns a key into the number of its source: PEs find the rows of a packet without a search.
//! Example: with 12 inputs and slices of 38 neurons, blocks have 64 keys; the second source owns 0x40 to 0x7f.
//! Limits: 2^32 keys.
//! Source: the router compares 32-bit keys under a mask (`compiler/targets`).

use crate::Session;
use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
    s2k::Program,
};

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut program = Program::read(&module)?;
    let inputs = program.inputs.iter().map(|input| input.shape.iter().product::<i64>());
    let slices = program.slices().map(|(_, update)| update.count);
    let sizes: Vec<i64> = inputs.chain(slices).collect();
    let block = sizes.iter().map(|&size| size.max(1) as u64).max().unwrap_or(1).next_power_of_two() as i64;
    if block * sizes.len() as i64 > 1 << 32 {
        return Err(Box::new(
            Diagnostic::error("out-of-keys", "the network needs more than 2^32 keys")
                .text(format!("{} sources with up to {block} neurons each.", sizes.len())),
        ));
    }
    let mask = (1i64 << 32) - block;
    let mut keys = (0..).map(|number: i64| number * block);
    for input in &mut program.inputs {
        (input.key, input.mask) = (keys.next(), Some(mask));
    }
    for update in program.pes.iter_mut().flat_map(|pe| &mut pe.updates) {
        (update.key, update.mask) = (keys.next(), Some(mask));
    }
    program.write(session.context)
}
