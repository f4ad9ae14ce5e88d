//! Checks that blocks of synapses have the weights that their kernels read, and sums where they write.

use super::broken;
use s2c_dialects::{
    diagnostic::Result,
    s2k::{Block, Form, MapLayout, Pe, Program, Rows, SparseRows, Values},
};
use std::collections::BTreeMap;

/// Channels of the sources that are maps, padding not included, by name.
pub(super) type Channels<'p> = BTreeMap<&'p str, i64>;

/// The channels of all sources that are maps.
pub(super) fn channels(program: &Program) -> Channels<'_> {
    let inputs = program.inputs.iter().map(|input| (input.node.as_str(), &input.layout));
    let slices = program.slices().map(|(_, update)| (update.slice.as_str(), &update.layout));
    let channels = |layout: &Option<Vec<i64>>| Some(MapLayout::from_attribute(layout.as_deref()?)?.channels as i64);
    inputs.chain(slices).filter_map(|(name, layout)| Some((name, channels(layout)?))).collect()
}

/// Checks all blocks of a PE.
pub(super) fn have_room(channels: &Channels<'_>, pe: &Pe) -> Result<()> {
    for block in &pe.blocks {
        let (head, name) = (&block.head, &block.head.weights.0);
        let (needed, sums) = needs(channels, pe, block)?;
        let bytes = pe.buffer(name)?.bytes;
        if needed > bytes {
            return Err(broken("weights", format!("`{name}` of `{}` has {bytes} bytes, needs {needed}", pe.name)));
        }
        let Some(update) = pe.updates.iter().find(|update| update.accumulators == head.accumulators) else {
            return Err(broken("weights", format!("no neuron of `{}` takes the sums of `{}`", pe.name, head.source)));
        };
        if head.width != update.width || sums > (update.count + 3) / 4 * 4 || !(0..update.slots).contains(&head.slot) {
            return Err(broken("weights", format!("the sums of `{}` in `{}` have no room", head.source, pe.name)));
        }
    }
    Ok(())
}

/// Bytes of weights, and sums of a tick, that a block needs.
fn needs(channels: &Channels<'_>, pe: &Pe, Block { head, form }: &Block) -> Result<(i64, i64)> {
    // Rows of weights begin at words.
    let row_bytes = |length: i64, bits: i64| 4 * (length * bits + 31).div_euclid(32);
    let values = pe.buffer(&head.weights.0)?.values.as_ref();
    Ok(match form {
        Form::Rows(Rows { first, length, bits }) => ((first + head.count) * row_bytes(*length, *bits), *length),
        Form::SparseRows(SparseRows { first, length }) => {
            let rows = values.map_or(Vec::new(), |values| sparse_rows(values, head.width / 8));
            if (rows.len() as i64) < first + head.count {
                let text = format!("`{}` of `{}` has {} rows", head.weights.0, pe.name, rows.len());
                return Err(broken("weights", text));
            }
            (rows.iter().sum(), *length)
        }
        Form::Convolution(c) => {
            let Some(channels) = channels.get(head.source.as_str()) else {
                return Err(broken("weights", format!("`{}` is no map", head.source)));
            };
            let positions = (c.source_channel + channels) * c.kernel.iter().product::<i64>();
            (positions * row_bytes(c.target_channels, c.bits), c.target_rows * c.target_width * c.target_channels)
        }
        Form::OneToOne(block) => {
            let last = match values {
                Some(Values::I32(table)) => table.iter().map(|entry| i64::from(entry & 0xffff)).max(),
                _ => None,
            };
            (4 * block.length, last.unwrap_or(-1) + 1)
        }
    })
}

/// Bytes of each sparse row with its word in the table: half a word for each weight that is not 0 and for each stretch of
/// zeros that a byte can't count, in groups of four.
fn sparse_rows(values: &Values, sum_bytes: i64) -> Vec<i64> {
    let farthest = 255 / sum_bytes;
    let row = |weights: &mut dyn Iterator<Item = bool>| {
        let (mut entries, mut distance) = (0, 0);
        for is_there in weights {
            if is_there {
                // Of n steps, each entry before the last takes as many as a byte can.
                entries += 1 + (distance - 1).max(0) / farthest;
                distance = 0;
            }
            distance += 1;
        }
        4 + 2 * ((entries + 3) / 4 * 4)
    };
    let (Values::I8(tensor), &[_, columns]) = (values, values.shape()) else { return Vec::new() };
    let rows = tensor.len() / columns.max(1);
    (0..rows).map(|number| row(&mut (0..columns).map(|column| tensor.at(number * columns + column) != 0))).collect()
}
