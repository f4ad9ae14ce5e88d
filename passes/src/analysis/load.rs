//! Load: how long a PE works in a tick, as expected, and how many packets it gets and sends.
//!
//! The costs are those of `analysis/cost.rs`, the packets those of `analysis/traffic.rs`.

use super::{cost::CostModel, form, traffic::Sender, variants::update_kernel};
use s2c_dialects::{diagnostic::Result, s2k::Pe};
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
    for block in &pe.blocks {
        let source = block.head.source.as_str();
        let packets = sender(source).map_or(0.0, |sender| sender.packets);
        let work = form::of(block).work(pe, &block.head, model);
        reach += packets * work.reach;
        let source = sources.entry(source).or_insert((packets, 0, 0.0));
        (source.1, source.2) = (source.1 + 1, source.2 + work.cycles);
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
