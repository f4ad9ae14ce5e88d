//! Routing: router entries from each source to all PEs that hold synapses from it.
//!
//! Needs: `s2k` with places and keys.
//! Gives: one `s2k.route` per source and chip that its packets pass, with the QPEs and the mask of PEs on each; blocks
//! of neighbouring keys with the same destinations share an entry.
//! Example: a source with targets on cores 0 and 2 of QPE (3, 3) gets the destination [3, 3, 5].
//! Limits: a chip's table must not have more entries than the target's router; links are taken first along the chip
//! columns, then along the rows.
//! Source: one packet per QPE with a mask of its PEs (NESTML pull request 1191, spike_processing.c); the links' order
//! is that of SpiNNaker (E, NE, N, W, SW, S).

use crate::{Session, target::Target};
use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
    s2k::{Program, Route},
};
use std::collections::{BTreeMap, BTreeSet};

/// Marks an inter-chip link in a list of destinations.
pub const LINK: i64 = -1;
/// Marks the host in a list of destinations.
pub const HOST: i64 = -2;

/// The chip that the host is connected to.
const HOST_CHIP: i64 = 0;

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut program = Program::read(&module)?;
    let mut entries: BTreeMap<i64, Vec<Route>> = BTreeMap::new();
    let readers = readers(&program)?;
    for source in sources(&program)? {
        let qpes = readers.get(&source.name).cloned().unwrap_or_default();
        for (chip, destinations) in tree(&session.target, qpes, &source) {
            let route = Route { chip, key: source.key, mask: source.mask, destinations };
            entries.entry(chip).or_default().push(route);
        }
    }
    program.routes = entries.into_values().flat_map(merge).collect();
    for chip in 0..session.target.chip_count() as i64 {
        let count = program.routes.iter().filter(|route| route.chip == chip).count();
        if count > session.target.comms.router_entries {
            return Err(Box::new(
                Diagnostic::error("router-full", format!("chip {chip} needs {count} router entries"))
                    .text(format!("The router has {}.", session.target.comms.router_entries)),
            ));
        }
    }
    program.write(session.context)
}

/// What sends packets, from where, to the host or not.
struct Source {
    name: String,
    chip: i64,
    key: i64,
    mask: i64,
    to_host: bool,
}

fn sources(program: &Program) -> Result<Vec<Source>> {
    let missing = |what: &str| Box::new(Diagnostic::bug(format!("`{what}` has not run")));
    let keys = |key: Option<i64>, mask: Option<i64>| key.zip(mask).ok_or_else(|| missing("key-allocation"));
    let mut sources = Vec::new();
    for input in &program.inputs {
        let (key, mask) = keys(input.key, input.mask)?;
        sources.push(Source { name: input.node.clone(), chip: HOST_CHIP, key, mask, to_host: false });
    }
    for (pe, update) in program.slices() {
        let (key, mask) = keys(update.key, update.mask)?;
        let place = program.pes[pe].place.as_ref().ok_or_else(|| missing("placement"))?;
        let to_host = program.outputs.iter().any(|output| output.population == update.population);
        sources.push(Source { name: update.slice.clone(), chip: place[0], key, mask, to_host });
    }
    Ok(sources)
}

/// By chip and QPE the mask of PEs that hold synapses from one source.
type Qpes = BTreeMap<i64, BTreeMap<[i64; 2], i64>>;

/// For each source, by its name, where its synapses are.
fn readers(program: &Program) -> Result<BTreeMap<String, Qpes>> {
    let mut readers: BTreeMap<String, Qpes> = BTreeMap::new();
    for pe in &program.pes {
        let place = pe.place.as_ref().ok_or_else(|| Diagnostic::bug("`placement` has not run"))?;
        for block in pe.blocks() {
            let qpes = readers.entry(block.source().to_owned()).or_default();
            *qpes.entry(place[0]).or_default().entry([place[1], place[2]]).or_default() |= 1 << place[3];
        }
    }
    Ok(readers)
}

/// The destinations of a source's packets on every chip that they pass.
fn tree(target: &Target, qpes: Qpes, source: &Source) -> BTreeMap<i64, Vec<i64>> {
    let mut chips: BTreeSet<i64> = qpes.keys().copied().collect();
    if source.to_host {
        chips.insert(HOST_CHIP);
    }
    let mut links: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::from([(source.chip, BTreeSet::new())]);
    for chip in chips {
        let mut here = source.chip;
        while let Some((link, next)) = step(target, here, chip) {
            links.entry(here).or_default().insert(link);
            links.entry(next).or_default();
            here = next;
        }
    }
    let destinations = |(chip, links): (i64, BTreeSet<i64>)| {
        let mut list: Vec<i64> = Vec::new();
        for (qpe, mask) in qpes.get(&chip).into_iter().flatten() {
            list.extend([qpe[0], qpe[1], *mask]);
        }
        links.into_iter().for_each(|link| list.extend([LINK, link, 0]));
        if source.to_host && chip == HOST_CHIP {
            list.extend([HOST, 0, 0]);
        }
        (chip, list)
    };
    links.into_iter().map(destinations).collect()
}

/// The next link from one chip towards another, and the chip behind it; `None` where they are the same.
fn step(target: &Target, from: i64, to: i64) -> Option<(i64, i64)> {
    let (columns, rows) = (i64::from(target.chips.columns), i64::from(target.chips.rows));
    let towards = |from: i64, to: i64, size: i64| {
        let ahead = (to - from).rem_euclid(size);
        if ahead == 0 {
            0
        } else if ahead * 2 <= size {
            1
        } else {
            -1
        }
    };
    let (x, y) = (from % columns, from / columns);
    let dx = towards(x, to % columns, columns);
    let dy = if dx == 0 { towards(y, to / columns, rows) } else { 0 };
    let link = match (dx, dy) {
        (1, _) => 0,
        (-1, _) => 3,
        (_, 1) => 2,
        (_, -1) => 5,
        _ => return None,
    };
    Some((link, (x + dx).rem_euclid(columns) + (y + dy).rem_euclid(rows) * columns))
}

/// Merges neighbouring blocks of keys that go to the same destinations, until nothing changes.
fn merge(mut routes: Vec<Route>) -> Vec<Route> {
    loop {
        routes.sort_by_key(|route| (route.mask, route.key));
        let before = routes.len();
        let mut merged: Vec<Route> = Vec::with_capacity(before);
        for route in routes {
            match merged.last_mut() {
                Some(last) if are_siblings(last, &route) => last.mask &= !(last.key ^ route.key),
                _ => merged.push(route),
            }
        }
        if merged.len() == before {
            return merged;
        }
        routes = merged;
    }
}

/// True where two blocks of the same size are the halves of a block of twice the size.
fn are_siblings(low: &Route, high: &Route) -> bool {
    let size = (1i64 << 32) - low.mask;
    low.mask == high.mask && low.destinations == high.destinations && low.key ^ high.key == size && low.key < high.key
}
