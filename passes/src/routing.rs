//! Routing: router entries from each source to all PEs that hold synapses from it.
//!
//! Needs: `s2k` with places and keys.
//! Gives: one `s2k.route` per source and chip that its packets pass, with the QPEs and the mask of PEs on each; blocks
//! of neighbouring keys with the same destinations share an entry.
//! Example: a source with targets on cores 0 and 2 of QPE (3, 3) gets the destination [3, 3, 5].
//! Limits: a chip's table must not have more entries than the target's router; ways between
//! chips are shortest, with diagonal links first.
//! Source: one packet per QPE with a mask of its PEs (NESTML pull request 1191, spike_processing.c); the links' order
//! is that of SpiNNaker (E, NE, N, W, SW, S).

use crate::{Session, analysis::torus::Torus, target::Target};
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

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut program = Program::read(&module)?;
    let mut entries: BTreeMap<i64, Vec<Route>> = BTreeMap::new();
    let readers = readers(&program)?;
    let none = Qpes::new();
    for source in sources(&session.target, &program)? {
        let qpes = readers.get(&source.name).unwrap_or(&none);
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

fn sources(target: &Target, program: &Program) -> Result<Vec<Source>> {
    let missing = |what: &str| Box::new(Diagnostic::bug(format!("`{what}` has not run")));
    let keys = |key: Option<i64>, mask: Option<i64>| key.zip(mask).ok_or_else(|| missing("key-allocation"));
    let mut sources = Vec::new();
    for input in &program.inputs {
        let (key, mask) = keys(input.key, input.mask)?;
        sources.push(Source { name: input.node.clone(), chip: target.chips.host.into(), key, mask, to_host: false });
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
fn tree(target: &Target, qpes: &Qpes, source: &Source) -> BTreeMap<i64, Vec<i64>> {
    let host = i64::from(target.chips.host);
    let chips = qpes.keys().copied().chain(source.to_host.then_some(host));
    let links = Torus::of(target).tree(source.chip as usize, chips.map(|chip| chip as usize));
    let destinations = |(chip, links): (usize, BTreeSet<i64>)| {
        let chip = chip as i64;
        let mut list: Vec<i64> = Vec::new();
        for (qpe, mask) in qpes.get(&chip).into_iter().flatten() {
            list.extend([qpe[0], qpe[1], *mask]);
        }
        links.into_iter().for_each(|link| list.extend([LINK, link, 0]));
        if source.to_host && chip == host {
            list.extend([HOST, 0, 0]);
        }
        (chip, list)
    };
    links.into_iter().map(destinations).collect()
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
