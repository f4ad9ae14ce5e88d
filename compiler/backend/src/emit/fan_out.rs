//! How many synapses packets lead to, for the counts of a run.

use super::manifest;
use s2c_dialects::s2k::{MapLayout, Pe, Program, Synapses, Update, Values};
use std::collections::BTreeMap;

/// Synapses behind each neuron of a source in one PE.
pub fn targets_of(pe: &Pe, block: Synapses<'_>) -> Vec<u32> {
    let real = |update: &Update| match update.layout.as_deref().and_then(MapLayout::from_attribute) {
        Some(map) => map.channels * map.rows * map.map[2],
        None => update.count as usize,
    };
    match block {
        Synapses::Rows(rows) if rows.sparse => {
            let Some(Values::I8(weights)) = pe.buffer(&rows.weights.0).ok().and_then(|buffer| buffer.values.as_ref())
            else {
                return vec![0; rows.count as usize];
            };
            let columns = weights.shape.last().copied().unwrap_or(0);
            let there = |row: usize| (row * columns..(row + 1) * columns).filter(|&index| weights.at(index) != 0);
            (rows.first..rows.first + rows.count).map(|row| there(row as usize).count() as u32).collect()
        }
        Synapses::Rows(rows) => vec![pe.updates.first().map_or(0, real) as u32; rows.count as usize],
        Synapses::OneToOne(block) => {
            let has = |index: i64| u32::from((block.first..block.first + block.length).contains(&index));
            (0..block.count).map(has).collect()
        }
        Synapses::Convolution(c) => {
            let channels = pe.updates.first().and_then(|update| update.layout.as_deref());
            let channels = channels.and_then(MapLayout::from_attribute).map_or(0, |map| map.channels);
            // Taps along rows (those that end in this PE) times taps along columns.
            let along = |axis: usize, position: i64, first: i64, size: i64| {
                let window = position / c.pool[axis];
                let taps = (0..c.kernel[axis]).filter(|tap| {
                    let shifted = window + c.padding[axis] - tap * c.dilation[axis];
                    let output = shifted / c.stride[axis] - first;
                    shifted >= 0 && shifted % c.stride[axis] == 0 && (0..size).contains(&output)
                });
                if window < c.pooled[axis] { taps.count() } else { 0 }
            };
            (0..c.count)
                .map(|index| {
                    let place = index / c.source_channels;
                    let (row, column) = (place / c.source_width + c.source_row, place % c.source_width);
                    let rows = along(0, row, c.target_row, c.target_rows);
                    (rows * along(1, column, 0, c.target_width) * channels) as u32
                })
                .collect()
        }
    }
}

/// How many synapses the packets of each source lead to.
pub fn fan_out(program: &Program) -> Vec<manifest::FanOut> {
    let mut sums: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for pe in &program.pes {
        for block in pe.blocks() {
            let targets = targets_of(pe, block);
            let sum = sums.entry(block.source()).or_insert_with(|| vec![0; targets.len()]);
            sum.iter_mut().zip(targets).for_each(|(sum, targets)| *sum += targets);
        }
    }
    let keys = program.inputs.iter().map(|input| (&input.node, input.key));
    let keys = keys.chain(program.slices().map(|(_, update)| (&update.slice, update.key)));
    keys.filter_map(|(name, key)| {
        let sums = sums.get(name.as_str())?;
        let runs = sums.chunk_by(|a, b| a == b).map(|run| (run.len() as u32, run[0])).collect();
        Some(manifest::FanOut { key: key.unwrap_or(0) as u32, runs })
    })
    .collect()
}
