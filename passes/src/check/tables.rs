//! The size of a PE's tables, counted anew from the layouts of `s2c-abi`: what the runtime and the kernels read before they
//! come to a buffer.

use super::{
    broken,
    keys::{self, Sources},
    taps,
};
use s2c_abi::{dispatch, header, rotation, slice};
use s2c_dialects::{
    attribute::Reset,
    diagnostic::Result,
    qsnn::Coefficient,
    s2k::{Block, Form, Pe, Update},
};
use std::collections::{BTreeMap, BTreeSet};

/// What a block's kernel is told beyond the packet. Blocks that need the same share it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Descriptor<'p> {
    /// Buffer of the sums, and the ticks that they are ahead.
    sums: (&'p str, i64),
    /// Where the weights begin, where the kernel must know.
    weights: Option<(&'p str, i64)>,
    numbers: Vec<i64>,
    /// Entries of rows and columns.
    maps: Vec<Vec<u8>>,
}

impl<'p> Descriptor<'p> {
    fn of(block: &'p Block) -> Result<Self> {
        let head = &block.head;
        let weights = |first: i64| Some((head.weights.0.as_str(), first));
        let (weights, numbers, maps) = match &block.form {
            Form::Rows(_) | Form::SparseRows(_) => (None, Vec::new(), Vec::new()),
            Form::Convolution(convolution) => {
                let maps = [0, 1].map(|axis| taps::entries(head, convolution, axis));
                let maps = maps.into_iter().collect::<Option<Vec<_>>>();
                let text = || format!("the convolution from `{}` is none", head.source);
                (weights(convolution.source_channel), Vec::new(), maps.ok_or_else(|| broken("weights", text()))?)
            }
            Form::OneToOne(block) => (weights(0), vec![block.first, block.length], Vec::new()),
        };
        Ok(Self { sums: (&head.accumulators.0, head.slot), weights, numbers, maps })
    }

    fn bytes(&self) -> i64 {
        4 * (1 + usize::from(self.weights.is_some()) + self.numbers.len() + self.maps.len()) as i64
    }
}

/// Bytes of a PE's tables, from the start of the data region.
pub(super) fn bytes(sources: &Sources<'_>, pe: &Pe) -> Result<i64> {
    let descriptors = pe.blocks.iter().map(Descriptor::of).collect::<Result<BTreeSet<_>>>()?;
    let maps: BTreeSet<&Vec<u8>> = descriptors.iter().flat_map(|descriptor| &descriptor.maps).collect();
    let mut several: BTreeMap<&str, i64> = BTreeMap::new();
    pe.blocks.iter().for_each(|block| *several.entry(&block.head.source).or_default() += 1);
    // Pointers into sums for several ticks move on in every tick.
    let rings: BTreeSet<&str> =
        pe.updates.iter().filter(|update| update.slots > 1).map(|update| update.accumulators.0.as_str()).collect();
    let pointers = pe.updates.iter().map(|update| update.accumulators.0.as_str());
    let moving = pointers.chain(descriptors.iter().map(|descriptor| descriptor.sums.0));
    let moving = moving.filter(|sums| rings.contains(sums)).count() as i64;

    let entry = i64::from(dispatch::SIZE);
    let lists = several.values().filter(|&&blocks| blocks > 1).map(|blocks| 4 + blocks * entry);
    let slices = pe.updates.iter().map(|update| 4 + i64::from(slice::PARAMETERS) + 4 * parameters(update));
    Ok(i64::from(header::SIZE)
        + keys::dispatch_entries(sources, pe)? * entry
        + lists.sum::<i64>()
        + descriptors.iter().map(Descriptor::bytes).sum::<i64>()
        + maps.into_iter().map(|entries| entries.len() as i64).sum::<i64>()
        + slices.sum::<i64>()
        + moving * i64::from(rotation::SIZE))
}

/// Words behind the fixed ones of a slice's descriptor: one for each stage's parameters, and one for neurons that are
/// passed over without input to note who may fire nevertheless.
fn parameters(update: &Update) -> i64 {
    let has = |coefficient| update.parameters.contains_key(&coefficient);
    let fires = has(Coefficient::Threshold) && has(Coefficient::ResetBy);
    let leaks = has(Coefficient::Decay) && update.form.is_some();
    let current = update.currents.is_some();
    let rests = !(current
        || leaks
        || has(Coefficient::Offset)
        || has(Coefficient::Bound)
        || has(Coefficient::Readout)
        || update.byte_shift.is_some()
        || update.float_state
        || update.reset == Some(Reset::SubtractPending));
    let words = [
        current,
        current && has(Coefficient::CurrentDecay) && update.current_form.is_some(),
        current && has(Coefficient::CurrentOffset),
        leaks,
        has(Coefficient::Offset),
        has(Coefficient::Bound),
        fires,
        fires,
        has(Coefficient::Readout),
        fires && rests,
    ];
    words.into_iter().filter(|&is_there| is_there).count() as i64
}
