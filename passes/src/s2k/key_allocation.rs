//! Key allocation: a block of keys for each source of packets.
//!
//! Needs: `s2k` with places.
//! Gives: `key` and `mask` on host inputs and slices. All blocks have the same size, a power of two, so that one shift
//! turns a key into the number of its source: PEs find the rows of a packet without a search. Sources on one chip whose
//! packets go to the same PEs have neighbouring numbers, from a multiple of a power of two on, so that one router entry
//! covers them; and the numbers that a PE reads differ in few low bits, so that its table is small.
//! Example: with 12 inputs and slices of 38 neurons, blocks have 64 keys; the second source owns 0x40 to 0x7f.
//! Limits: 2^32 keys; where they are too few to leave gaps, numbers are given without.
//! Source: the router compares 32-bit keys under a mask (`compiler/targets`).

mod numbers;

use crate::{
    analysis::traffic::{self, RATE, RATES, Sender},
    option_spec::OptionSpec,
    session::Session,
    target::TARGET,
};
use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
    s2k::Program,
};
use std::collections::BTreeMap;

/// Keys are dealt to the busiest sources first.
pub const OPTIONS: &[&OptionSpec] = &[&TARGET, &RATE, &RATES];

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut program = Program::read(&module)?;
    let inputs = program.inputs.iter().map(|input| (&input.node, input.shape.iter().product::<i64>()));
    let slices = program.slices().map(|(_, update)| (&update.slice, update.count));
    let sizes: Vec<(&String, i64)> = inputs.chain(slices).collect();
    let largest = sizes.iter().max_by_key(|(_, size)| *size).copied();
    let block = largest.map_or(1, |(_, size)| size.max(1) as u64).next_power_of_two();
    let most = (1u64 << 32) / block;
    if sizes.len() as u64 > most {
        return Err(Box::new(
            Diagnostic::error("out-of-keys", "the network needs more than 2^32 keys")
                .at_node(largest.map_or("?", |(name, _)| name))
                .text(format!(
                    "It sends from {} sources, of which the largest has {} neurons: {} blocks of {block} keys, where \
                     the routers' 32 bits give {most}.",
                    sizes.len(),
                    largest.map_or(0, |(_, size)| size),
                    sizes.len()
                ))
                .hint("cut the largest input or population into several nodes"),
        ));
    }
    let senders = traffic::senders(&program, &session.options)?;
    let groups = groups(&program, &senders)?;
    let numbers = numbers::assign(&groups, &senders, most);
    let mask = (1i64 << 32) - block as i64;
    let mut keys = numbers.into_iter().map(|number| (number * block) as i64);
    for input in &mut program.inputs {
        (input.key, input.mask) = (keys.next(), Some(mask));
    }
    for update in program.pes.iter_mut().flat_map(|pe| &mut pe.updates) {
        (update.key, update.mask) = (keys.next(), Some(mask));
    }
    program.write(session.context)
}

/// The sources, by their indices, in groups that go the same ways; groups in the order of their first members.
fn groups(program: &Program, senders: &[Sender]) -> Result<Vec<Vec<usize>>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known = BTreeMap::new();
    for (index, sender) in senders.iter().enumerate() {
        let chip = sender.pe.map(|pe| traffic::place_of(&program.pes[pe])).transpose()?.map(|(chip, _)| chip);
        let group = *known.entry((chip, &sender.readers, sender.to_host)).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(index);
    }
    Ok(groups)
}
