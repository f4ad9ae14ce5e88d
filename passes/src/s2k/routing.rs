//! Routing: router entries from each source to all PEs that hold synapses from it.
//!
//! Needs: `s2k` with places and keys.
//! Gives: the `s2k.route`s of every chip, with the QPEs and the mask of PEs on each, first match first; sources that go
//! the same ways share entries, see `routing/minimise.rs`.
//! Example: a source with targets on cores 0 and 2 of QPE (3, 3) gets the destination [3, 3, 5].
//! Limits: a chip's table must not have more entries than the target's router; ways between
//! chips are shortest, with diagonal links first.
//! Source: one packet per QPE with a mask of its PEs (NESTML pull request 1191, spike_processing.c); the links' order
//! is that of SpiNNaker (E, NE, N, W, SW, S).

mod minimise;

use crate::{
    analysis::torus::Torus,
    option_spec::OptionSpec,
    session::Session,
    target::{TARGET, Target},
};
use minimise::Block;
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

/// See [`Pass::options`](crate::session::Pass::options).
pub const OPTIONS: &[&OptionSpec] = &[&TARGET];

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut program = Program::read(&module)?;
    let mut passing: BTreeMap<i64, Passing> = BTreeMap::new();
    let mut mask = u32::MAX;
    let readers = readers(&program)?;
    let none = Qpes::new();
    for source in sources(&session.target, &program)? {
        let qpes = readers.get(&source.name).unwrap_or(&none);
        mask = source.mask as u32;
        for (chip, destinations) in tree(&session.target, qpes, &source) {
            let Passing { blocks, ways } = passing.entry(chip).or_default();
            let next = ways.len();
            let way = *ways.entry(destinations).or_insert(next);
            blocks.push(Block { key: source.key as u32, way });
        }
    }
    program.routes.clear();
    for (chip, Passing { blocks, ways }) in passing {
        let sources = blocks.len();
        let destinations: BTreeMap<usize, Vec<i64>> = ways.into_iter().map(|(list, way)| (way, list)).collect();
        let entries = minimise::minimise(blocks, mask);
        let (count, most) = (entries.len(), session.target.comms.router_entries);
        if count > most {
            return Err(Box::new(
                Diagnostic::error("router-full", format!("chip {chip} needs {count} router entries"))
                    .text(format!("Packets of {sources} sources pass it; its router has {most} entries."))
                    .hint("use a target with more chips, or fewer and larger slices: fewer --weight-bits, -Os"),
            ));
        }
        program.routes.extend(entries.into_iter().map(|entry| Route {
            chip,
            key: entry.key.into(),
            mask: entry.mask.into(),
            destinations: destinations[&entry.way].clone(),
        }));
    }
    program.write(session.context)
}

/// What passes a chip.
#[derive(Default)]
struct Passing {
    /// Blocks of keys.
    blocks: Vec<Block>,
    /// A number for each list of destinations that occurs.
    ways: BTreeMap<Vec<i64>, usize>,
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
        for block in &pe.blocks {
            let qpes = readers.entry(block.head.source.clone()).or_default();
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
