//! What a finished program takes of the machine, and what it is expected to do in a tick.

use super::{
    cost::CostModel,
    load::load,
    traffic::{self, Sender, Travel},
};
use crate::{options::Options, target::Target};
use s2c_dialects::{diagnostic::Result, s2k::Program};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// See the module's page. Everything per tick is an average over ticks at the expected rates.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Expected {
    /// Chips in use.
    pub chips: usize,
    /// Entries of the routers, by chip.
    pub router_entries: BTreeMap<usize, usize>,
    /// Length of a tick in seconds.
    pub tick_seconds: f64,
    /// The lowest clock frequency, in Hz, at which the busiest PE is done within a tick; none where it never is.
    pub frequency: Option<u64>,
    /// Cycles of the busiest PE per tick.
    pub max_cycles_per_tick: f64,
    /// Packets sent per tick, those of the host included.
    pub packets_per_tick: f64,
    /// Packets received by PEs per tick.
    pub deliveries_per_tick: f64,
    /// Hops between neighbouring QPEs per tick.
    pub hops_per_tick: f64,
    /// Links between chips that packets take per tick.
    pub links_per_tick: f64,
    /// Hops per tick if the PEs were placed in the order of the program.
    pub hops_in_order: f64,
    /// Links per tick if the PEs were placed in the order of the program.
    pub links_in_order: f64,
    /// The PEs, in the order of the program.
    pub pes: Vec<ExpectedPe>,
}

/// What a PE is expected to do in a tick.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ExpectedPe {
    /// Cycles.
    pub cycles_per_tick: f64,
    /// Packets received.
    pub packets_in: f64,
    /// Packets sent.
    pub packets_out: f64,
}

/// Works it out for a program that all passes have run on.
pub fn expected(program: &Program, target: &Target, options: &Options) -> Result<Expected> {
    let senders = traffic::senders(program, options)?;
    let places = program.pes.iter().map(traffic::place_of).collect::<Result<Vec<_>>>()?;
    let Travel { packets, deliveries, hops, links } = traffic::travel(target, &senders, &places);
    let in_order = traffic::travel(target, &senders, &traffic::in_order(target, places.len()));
    let by_name: BTreeMap<&str, &Sender> = senders.iter().map(|sender| (sender.name.as_str(), sender)).collect();
    let model = CostModel::new(&target.cycles);
    let mut pes = Vec::with_capacity(program.pes.len());
    for pe in &program.pes {
        let load = load(&model, pe, |name| by_name.get(name).copied())?;
        pes.push(ExpectedPe { cycles_per_tick: load.cycles, packets_in: load.packets, packets_out: load.spikes });
    }
    let max_cycles_per_tick = pes.iter().map(|pe| pe.cycles_per_tick).fold(0.0, f64::max);
    let tick_seconds = options.tick.unwrap_or(program.dt);
    let mut router_entries = BTreeMap::new();
    for route in &program.routes {
        *router_entries.entry(route.chip as usize).or_default() += 1;
    }
    Ok(Expected {
        chips: places.iter().map(|place| place.0).collect::<BTreeSet<_>>().len(),
        router_entries,
        tick_seconds,
        frequency: target
            .clock
            .frequencies
            .iter()
            .copied()
            .find(|&hertz| max_cycles_per_tick <= hertz as f64 * tick_seconds),
        max_cycles_per_tick,
        packets_per_tick: packets,
        deliveries_per_tick: deliveries,
        hops_per_tick: hops,
        links_per_tick: links,
        hops_in_order: in_order.hops,
        links_in_order: in_order.links,
        pes,
    })
}
