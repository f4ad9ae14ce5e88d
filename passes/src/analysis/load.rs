//! Load: how long a PE works in a tick, as expected, and how many packets it gets and sends.
//!
//! The costs are those of `analysis/cost.rs`, the packets those of `analysis/traffic.rs`.

use super::{
    cost::{CostModel, sparse_groups},
    traffic::Sender,
};
use crate::analysis::variants::{conv_kernel, one_to_one_kernel, row_kernel, sparse_kernel, update_kernel};
use s2c_dialects::{
    diagnostic::Result,
    s2k::{Convolution, Pe, Synapses},
};
use s2c_kernels::GROUP;
use std::collections::BTreeMap;

/// See the module's page; averages over ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// Cycles.
    pub cycles: f64,
    /// Packets that arrive.
    pub packets: f64,
    /// Spikes that are sent.
    pub spikes: f64,
}

/// The load of a PE, given the senders by name.
pub fn load<'s>(model: &CostModel<'_>, pe: &Pe, sender: impl Fn(&str) -> Option<&'s Sender>) -> Result<Load> {
    let mut load = Load { cycles: model.tick().cycles, ..Load::default() };
    // By source its packets, its blocks and the cycles of a packet in them.
    let mut sources: BTreeMap<&str, (f64, usize, f64)> = BTreeMap::new();
    // Weights that arrive at a neuron.
    let mut reach = 0.0;
    for block in pe.blocks() {
        let packets = sender(block.source()).map_or(0.0, |sender| sender.packets);
        let cycles = match block {
            Synapses::Rows(rows) if rows.sparse => {
                let groups = sparse_groups(pe, rows)? / rows.count.max(1) as f64;
                reach += packets * groups * 4.0 / rows.length as f64;
                model.sparse(&sparse_kernel(rows), groups.round() as usize).cycles
            }
            Synapses::Rows(rows) => {
                reach += packets;
                model.row(&row_kernel(rows)).cycles
            }
            Synapses::OneToOne(block) => {
                reach += packets / block.count.max(1) as f64;
                model.one_to_one(&one_to_one_kernel(block)).cycles
            }
            Synapses::Convolution(c) => {
                let kernel = conv_kernel(c)?;
                let places = (c.target_rows * c.target_width).max(1) as f64;
                let taps = [0, 1].map(|axis| taps_along(c, axis));
                reach += packets * taps[0] * taps[1] / places;
                let all = kernel.taps(0) * kernel.taps(1);
                let packet = model.convolution_packet(&kernel).cycles;
                let adding = model.convolution(&kernel).cycles - packet;
                packet + adding * if all > 0.0 { taps[0] * taps[1] / all } else { 0.0 }
            }
        };
        let source = sources.entry(block.source()).or_insert((packets, 0, 0.0));
        (source.1, source.2) = (source.1 + 1, source.2 + cycles);
    }
    for (packets, blocks, cycles) in sources.into_values() {
        load.packets += packets;
        load.cycles += packets * (model.packet(blocks).cycles + cycles);
    }
    let active = reach.min(1.0);
    for update in &pe.updates {
        let spikes = sender(&update.slice).map_or(0.0, |sender| sender.packets);
        let cost = model.update(&update_kernel(update)?);
        let groups = (update.count as f64 / f64::from(GROUP)).ceil();
        let group = cost.group.cycles * active + cost.silent.cycles * (1.0 - active);
        load.cycles += cost.fixed.cycles + group * groups + cost.spike.cycles * spikes;
        load.spikes += spikes;
    }
    Ok(load)
}

/// Taps per packet along an axis (0 rows, 1 columns) that end in the PE, averaged over the source's places.
fn taps_along(c: &Convolution, axis: usize) -> f64 {
    let (first, size, target, length) = match axis {
        0 => (c.source_row, c.count / (c.source_channels * c.source_width).max(1), c.target_row, c.target_rows),
        _ => (0, c.source_width, 0, c.target_width),
    };
    let windows = (first..first + size).map(|place| place / c.pool[axis]).filter(|&window| window < c.pooled[axis]);
    let taps = windows.flat_map(|window| {
        (0..c.kernel[axis]).filter(move |tap| {
            let shifted = window + c.padding[axis] - tap * c.dilation[axis];
            let output = shifted / c.stride[axis];
            shifted >= 0 && shifted % c.stride[axis] == 0 && (target..target + length).contains(&output)
        })
    });
    taps.count() as f64 / size.max(1) as f64
}
