//! Checks keys. A device finds the source of a packet by one shift and one mask, which only works where all sources have
//! blocks of one size to themselves.

use super::broken;
use s2c_dialects::{
    diagnostic::Result,
    s2k::{Pe, Program},
};
use std::collections::{BTreeMap, BTreeSet};

/// The keys of a source.
pub(super) struct Keys {
    /// Number of its block.
    block: i64,
    /// Number of its neurons.
    neurons: i64,
}

/// The keys of each source, by its name.
pub(super) type Sources<'p> = BTreeMap<&'p str, Keys>;

/// Bits of a block's number that a dispatch table can tell apart at most.
const MOST_BITS: u32 = 16;

/// The blocks of all sources, which must be of one size and distinct.
pub(super) fn sources(program: &Program) -> Result<Sources<'_>> {
    let inputs = program.inputs.iter().map(|input| (&input.node, input.key, input.mask, input.shape.iter().product()));
    let slices = program.slices().map(|(_, update)| (&update.slice, update.key, update.mask, update.count));
    let mut sources = Sources::new();
    let mut owners: BTreeMap<i64, &str> = BTreeMap::new();
    let mut all_have = None;
    for (name, key, mask, neurons) in inputs.chain(slices) {
        let (Some(key), Some(mask)) = (key, mask) else {
            return Err(broken("keys", format!("`{name}` has none")));
        };
        let size = (1 << 32) - mask;
        if !(0..1 << 32).contains(&mask) || size.count_ones() != 1 {
            return Err(broken("keys", format!("the mask {mask:#x} of `{name}` is none of a block")));
        }
        if *all_have.get_or_insert(size) != size {
            return Err(broken("keys", format!("`{name}` has a block of {size} keys, others have another size")));
        }
        if !(0..1 << 32).contains(&key) || key % size != 0 || neurons > size {
            return Err(broken("keys", format!("{neurons} keys from {key:#x} of `{name}` are no block of {size}")));
        }
        if let Some(other) = owners.insert(key / size, name) {
            return Err(broken("keys", format!("`{other}` and `{name}` share keys")));
        }
        sources.insert(name, Keys { block: key / size, neurons });
    }
    Ok(sources)
}

/// Entries of the smallest dispatch table in which every source of a PE has one to itself: as many as there are values of
/// the low bits that tell all blocks apart.
pub(super) fn dispatch_entries(sources: &Sources<'_>, pe: &Pe) -> Result<i64> {
    let mut numbers = BTreeSet::new();
    for block in &pe.blocks {
        let (name, count) = (block.head.source.as_str(), block.head.count);
        let keys = sources.get(name).ok_or_else(|| broken("keys", format!("`{name}` has none")))?;
        if keys.neurons != count {
            let text = format!("`{}` has synapses of {count} neurons of `{name}`, which has {}", pe.name, keys.neurons);
            return Err(broken("keys", text));
        }
        // Numbers that agree in many low bits are neighbours.
        numbers.insert((keys.block as u32).reverse_bits());
    }
    let numbers: Vec<u32> = numbers.into_iter().collect();
    let bits = numbers.windows(2).map(|pair| (pair[0] ^ pair[1]).leading_zeros() + 1).max().unwrap_or(0);
    if bits > MOST_BITS {
        return Err(broken("keys", format!("only {bits} bits tell the sources of `{}` apart", pe.name)));
    }
    Ok(1 << bits)
}
