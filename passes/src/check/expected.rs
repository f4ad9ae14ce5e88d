//! Checks what is reported of a program against the program: routers are walked, memory and packets are counted anew.

use super::{
    broken,
    packets::{self, Tables},
};
use crate::{analysis::expected::Expected, options::Options, target::Target};
use s2c_dialects::{
    diagnostic::Result,
    s2k::{MapLayout, Program},
};
use std::collections::{BTreeMap, BTreeSet};

/// What a packet's way adds up to over all sources.
#[derive(Default)]
struct Sums {
    packets: f64,
    deliveries: f64,
    hops: f64,
    links: f64,
}

/// Checks all numbers but the cycles themselves, which only a run can tell.
pub fn check(program: &Program, target: &Target, options: &Options, expected: &Expected) -> Result<()> {
    let chips: BTreeSet<i64> = program.pes.iter().flat_map(|pe| pe.place.iter().map(|place| place[0])).collect();
    equal("chips", expected.chips as f64, chips.len() as f64)?;
    equal("PEs", expected.pes.len() as f64, program.pes.len() as f64)?;
    let tables: Tables<'_> = packets::tables(program);
    equal("routers", expected.router_entries.len() as f64, tables.len() as f64)?;
    for (&chip, table) in &tables {
        let reported = expected.router_entries.get(&(chip as usize)).copied().unwrap_or(0);
        equal("router entries", reported as f64, table.len() as f64)?;
    }
    let (sums, received, sent) = walk(program, target, &tables, options)?;
    equal("packets", expected.packets_per_tick, sums.packets)?;
    equal("deliveries", expected.deliveries_per_tick, sums.deliveries)?;
    equal("hops", expected.hops_per_tick, sums.hops)?;
    equal("links", expected.links_per_tick, sums.links)?;
    let link = f64::from(target.comms.cycles_per_link) / f64::from(target.comms.cycles_per_hop);
    let in_order = expected.hops_in_order + link * expected.links_in_order;
    if sums.hops + link * sums.links > in_order * (1.0 + 1e-9) {
        return Err(broken("report", "the placement is worse than the order of the program".to_owned()));
    }
    let mut busiest = 0.0f64;
    for ((pe, reported), (received, sent)) in program.pes.iter().zip(&expected.pes).zip(received.iter().zip(&sent)) {
        equal("packets received", reported.packets_in, *received)?;
        equal("packets sent", reported.packets_out, *sent)?;
        // No neuron and no packet is handled in less than a cycle.
        let least = pe.updates.iter().map(|update| update.count).sum::<i64>() as f64 + received;
        if reported.cycles_per_tick < least {
            return Err(broken(
                "report",
                format!("`{}` can't be done in {} cycles", pe.name, reported.cycles_per_tick),
            ));
        }
        busiest = busiest.max(reported.cycles_per_tick);
    }
    equal("cycles of the busiest PE", expected.max_cycles_per_tick, busiest)?;
    let fits = |hertz: u64| busiest <= hertz as f64 * expected.tick_seconds;
    if expected.frequency.is_some_and(|hertz| !fits(hertz)) {
        return Err(broken("report", "the busiest PE is not done within a tick at the frequency".to_owned()));
    }
    Ok(())
}

/// Sends the first key of every source through the routers; gives sums, and packets received and sent by PE.
fn walk(
    program: &Program,
    target: &Target,
    tables: &Tables<'_>,
    options: &Options,
) -> Result<(Sums, Vec<f64>, Vec<f64>)> {
    let host = i64::from(target.chips.host);
    let router = target.grid.router.map(i64::from);
    let distance = |x: i64, y: i64| ((x - router[0]).abs() + (y - router[1]).abs()) as f64;
    let index: BTreeMap<&[i64], usize> =
        program.pes.iter().enumerate().filter_map(|(index, pe)| Some((pe.place.as_deref()?, index))).collect();
    let (mut received, mut sent) = (vec![0.0; program.pes.len()], vec![0.0; program.pes.len()]);
    let mut sums = Sums::default();
    let mut add = |chip: i64, entered: f64, key: i64, packets: f64| -> Result<()> {
        let reached = packets::deliver(tables, target, chip, key)?;
        sums.packets += packets;
        sums.links += packets * reached.links as f64;
        sums.hops += packets * (entered + reached.qpes.iter().map(|&(_, x, y)| distance(x, y)).sum::<f64>());
        for pe in reached.places.iter().filter_map(|place| index.get(place.as_slice())) {
            sums.deliveries += packets;
            received[*pe] += packets;
        }
        Ok(())
    };
    for input in &program.inputs {
        let rate = if input.fraction.is_some() { 1.0 } else { options.rate.at(&input.node) };
        let packets = rate * input.shape.iter().product::<i64>() as f64;
        add(host, 0.0, input.key.unwrap_or(0), packets)?;
    }
    for (number, update) in program.slices() {
        let neurons = match update.layout.as_deref().and_then(MapLayout::from_attribute) {
            Some(map) => (0..map.count()).filter(|&neuron| map.network_index(neuron).is_some()).count(),
            None => update.count as usize,
        };
        let rate = if update.readout.is_some() { 1.0 } else { options.rate.at(&update.population) };
        let packets = rate * neurons as f64;
        sent[number] += packets;
        let place = program.pes[number].place.clone().unwrap_or_default();
        add(place[0], distance(place[1], place[2]), update.key.unwrap_or(0), packets)?;
    }
    Ok((sums, received, sent))
}

fn equal(what: &str, reported: f64, counted: f64) -> Result<()> {
    if (reported - counted).abs() <= 1e-6 * counted.abs().max(1.0) {
        return Ok(());
    }
    Err(broken("report", format!("{reported} {what} are reported, {counted} counted")))
}
