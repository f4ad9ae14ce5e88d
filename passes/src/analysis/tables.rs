//! A PE's tables: what the device runtime reads to find kernels, rows and neurons. Layouts are those of `s2c-abi`.

use super::{
    form::{self, Call, Descriptor, Word},
    shared::{Analyses, Analysis},
    variants::update_kernel,
};
use crate::target::Target;
use s2c_abi::{convolution, dispatch, header, rotation, slice, synapse};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    s2k::{Pe, Program, Update},
};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes that a receive ring should have at least, in packets.
const LEAST_PACKETS: u32 = 64;
/// Packets beyond which a longer ring helps nobody.
const MOST_PACKETS: u32 = 2048;

/// How a key finds its entry: `table[(key >> shift) & mask]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// Right shift of the key.
    pub shift: u32,
    /// Number of entries minus one.
    pub mask: u32,
    /// For each entry the key of its source and the numbers of its blocks; empty entries are unknown keys.
    pub entries: Vec<Option<(u32, Vec<usize>)>>,
}

/// Where the tables of a PE are, as byte offsets from the start of the data region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tables {
    /// The dispatch table's contents.
    pub dispatch: Dispatch,
    /// Offset of the dispatch table.
    pub dispatch_at: u32,
    /// For each dispatch entry with several blocks: entry number to the offset of its list.
    pub several_at: BTreeMap<usize, u32>,
    /// How packets to each block are handled.
    pub calls: Vec<Call>,
    /// Offsets of the descriptors that kernels need, in their order in memory: equal ones are there once.
    pub descriptors_at: Vec<(Descriptor, u32)>,
    /// Offsets of the tables that descriptors lead to, by what they hold.
    pub tables_at: BTreeMap<Vec<u8>, u32>,
    /// Offset of the array of slice addresses.
    pub slices_at: u32,
    /// Offsets of the slice descriptors.
    pub slice_at: Vec<u32>,
    /// Offset of the rotations.
    pub rotations_at: u32,
    /// Number of rotations.
    pub rotations: u32,
    /// Size of all tables together.
    pub bytes: u32,
}

/// The tables of all PEs, in the order of the program. They depend on blocks, updates and keys, not on addresses.
#[derive(Clone, Debug, PartialEq)]
pub struct AllTables(pub Vec<Tables>);

impl Analysis for AllTables {
    type Module = Program;
    fn of(program: &Program, _: &Target, _: &mut Analyses) -> Result<Self> {
        let keys = keys(program);
        program.pes.iter().map(|pe| plan(&keys, pe)).collect::<Result<_>>().map(Self)
    }
}

/// Bytes of a slice's descriptor: fixed words, then one per parameter.
fn slice_bytes(update: &Update) -> Result<u32> {
    Ok(slice::PARAMETERS + 4 * update_kernel(update)?.parameters().len() as u32)
}

/// An estimate of the tables of a PE with some projections from sources that are cut into `pieces` and have `neurons`
/// together, whose packets take `packet_bytes`, before there are keys; `taps` is the number of rows and columns of the
/// maps among the sources. The dispatch table has up to twice as many entries as `key-allocation` needs.
pub fn estimate(projections: usize, pieces: usize, neurons: usize, taps: usize, packet_bytes: u32) -> u32 {
    let (projections, pieces) = (projections as u32, pieces as u32);
    let packets = (neurons as u32).clamp(LEAST_PACKETS, MOST_PACKETS / 8);
    let entries = dispatch::SIZE * (2 * pieces).next_power_of_two();
    let blocks = pieces * (convolution::SIZE + dispatch::SIZE + 4);
    let slices = slice::PARAMETERS + 4 * 8 + 4;
    header::SIZE
        + entries
        + blocks
        + projections * (synapse::SIZE + 2 * rotation::SIZE)
        + slices
        + 4 * taps as u32
        + packet_bytes * (packets + 1)
}

/// Bytes of a packet in the receive ring: a key, and a payload where packets carry values.
pub const fn packet_bytes(takes_values: bool) -> u32 {
    if takes_values { 8 } else { 4 }
}

/// Bytes of the receive ring that a PE would like, given the bytes that are left and those of a packet: a neuron sends
/// one packet per tick.
pub fn fifo_bytes(pe: &Pe, left: u32, packet_bytes: u32) -> u32 {
    let wanted = ring_bytes(pe.blocks.iter().map(|block| block.head.count).sum(), packet_bytes);
    wanted.min(left / packet_bytes * packet_bytes)
}

/// Bytes of a receive ring for a packet of each of so many neurons.
pub fn ring_bytes(neurons: i64, packet_bytes: u32) -> u32 {
    packet_bytes * (u32::try_from(neurons).unwrap_or(MOST_PACKETS).clamp(LEAST_PACKETS, MOST_PACKETS) + 1)
}

/// Bytes of a PE's tables before its sources have keys, with a dispatch table of the size that `key-allocation` begins with
/// where sources have to be padded most.
pub fn bytes_without_keys(pe: &Pe) -> Result<u32> {
    let sources: BTreeSet<&str> = pe.blocks.iter().map(|block| block.head.source.as_str()).collect();
    let entries = (2 * sources.len()).next_power_of_two();
    let numbered = plan(&sources.into_iter().zip((0..).map(|key| (key, u32::MAX))).collect(), pe)?;
    Ok(numbered.bytes + dispatch::SIZE * (entries - numbered.dispatch.entries.len()) as u32)
}

/// Plans the tables of a PE, given the keys of all sources.
fn plan(keys: &Keys<'_>, pe: &Pe) -> Result<Tables> {
    let dispatch = plan_dispatch(keys, pe)?;
    let mut at = header::SIZE;
    let mut take = |bytes: u32| {
        at += bytes;
        at - bytes
    };
    let dispatch_at = take(dispatch::SIZE * dispatch.entries.len() as u32);
    let mut several_at = BTreeMap::new();
    for (number, entry) in dispatch.entries.iter().enumerate() {
        if let Some((_, blocks)) = entry.as_ref().filter(|(_, blocks)| blocks.len() > 1) {
            several_at.insert(number, take(4 + dispatch::SIZE * blocks.len() as u32));
        }
    }
    let calls: Vec<Call> = pe.blocks.iter().map(|block| form::of(block).call(&block.head)).collect();
    let mut descriptors_at: Vec<(Descriptor, u32)> = Vec::new();
    for Call { descriptor, .. } in &calls {
        if descriptors_at.iter().all(|(there, _)| there != descriptor) {
            descriptors_at.push((descriptor.clone(), take(4 * descriptor.len() as u32)));
        }
    }
    let mut tables_at = BTreeMap::new();
    for (_, word) in descriptors_at.iter().flat_map(|(descriptor, _)| descriptor) {
        if let Word::Table(table) = word {
            tables_at.entry(table.clone()).or_insert_with(|| take(table.len() as u32));
        }
    }
    let slices_at = take(4 * pe.updates.len() as u32);
    let slice_at = pe.updates.iter().map(|update| Ok(take(slice_bytes(update)?))).collect::<Result<_>>()?;
    // Where a population keeps sums for several ticks, its own pointer and those of its synapses move on every tick.
    let moves = |(_, word): &&(u32, Word)| matches!(word, Word::Sums(sums, _) if slots_of(pe, &sums.0) > 1);
    let rotations = pe.updates.iter().filter(|update| update.slots > 1).count()
        + descriptors_at.iter().flat_map(|(descriptor, _)| descriptor).filter(moves).count();
    let rotations_at = take(rotation::SIZE * rotations as u32);
    Ok(Tables {
        dispatch,
        dispatch_at,
        several_at,
        calls,
        descriptors_at,
        tables_at,
        slices_at,
        slice_at,
        rotations_at,
        rotations: rotations as u32,
        bytes: at,
    })
}

/// Slots of the population that an accumulator buffer belongs to.
pub fn slots_of(pe: &Pe, accumulators: &str) -> i64 {
    pe.updates.iter().find(|update| update.accumulators.0 == accumulators).map_or(1, |update| update.slots)
}

/// Key and mask of each source that has them, by its name.
type Keys<'p> = BTreeMap<&'p str, (u32, u32)>;

/// The keys of a program's sources.
fn keys(program: &Program) -> Keys<'_> {
    let inputs = program.inputs.iter().map(|input| (input.node.as_str(), input.key.zip(input.mask)));
    let slices = program.slices().map(|(_, update)| (update.slice.as_str(), update.key.zip(update.mask)));
    inputs
        .chain(slices)
        .filter_map(|(name, block)| block.map(|(key, mask)| (name, (key as u32, mask as u32))))
        .collect()
}

/// The smallest table in which no two sources of the PE share an entry.
fn plan_dispatch(keys: &Keys<'_>, pe: &Pe) -> Result<Dispatch> {
    let mut blocks: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut shift = 0;
    for (number, block) in pe.blocks.iter().enumerate() {
        let source = &block.head.source;
        let &(key, mask) = keys
            .get(source.as_str())
            .ok_or_else(|| Diagnostic::bug(format!("source `{source}` has no keys: `key-allocation` has not run")))?;
        shift = mask.trailing_zeros().min(31);
        blocks.entry(key).or_default().push(number);
    }
    let fits = |bits: &u32| {
        let mut taken = vec![false; 1 << bits];
        blocks.keys().all(|key| !std::mem::replace(&mut taken[((key >> shift) & ((1 << bits) - 1)) as usize], true))
    };
    let bits =
        (0..=16).find(fits).ok_or_else(|| Diagnostic::bug("no dispatch table of 2^16 entries separates the keys"))?;
    let mask = (1u32 << bits) - 1;
    let mut entries = vec![None; 1 << bits];
    for (key, numbers) in blocks {
        entries[((key >> shift) & mask) as usize] = Some((key, numbers));
    }
    Ok(Dispatch { shift, mask, entries })
}
