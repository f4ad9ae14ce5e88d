//! Sends packets through the routers of a program.

use super::broken;
use crate::target::Target;
use s2c_dialects::{
    diagnostic::Result,
    s2k::{Program, Route},
};
use std::collections::{BTreeMap, BTreeSet};

/// First and last key of every source, with its name.
pub(super) fn key_ranges(program: &Program) -> Result<Vec<(i64, i64, String)>> {
    let inputs = program.inputs.iter().map(|input| (input.key, input.shape.iter().product(), &input.node));
    let slices = program.slices().map(|(_, update)| (update.key, update.count, &update.slice));
    inputs
        .chain(slices)
        .map(|(key, count, name): (Option<i64>, i64, &String)| match key {
            Some(key) => Ok((key, key + count - 1, name.clone())),
            None => Err(broken("keys", format!("`{name}` has none"))),
        })
        .collect()
}

/// First keys of the ranges that router entries match, and the first ones behind them: between two neighbours of these
/// all keys match the same entries.
fn boundaries(program: &Program) -> Result<BTreeSet<i64>> {
    let mut boundaries = BTreeSet::new();
    for route in &program.routes {
        let size = (1i64 << 32) - route.mask;
        if !(0..1 << 32).contains(&route.mask) || size.count_ones() != 1 || route.key % size != 0 {
            let text = format!("{:#x} under {:#x} is not a range of keys", route.key, route.mask);
            return Err(broken("routes", text));
        }
        boundaries.extend([route.key, route.key + size]);
    }
    Ok(boundaries)
}

/// The first and the last key of a source, and those on both sides of every boundary in between.
fn keys_to_try(boundaries: &BTreeSet<i64>, first: i64, last: i64) -> BTreeSet<i64> {
    let inner = boundaries.range(first + 1..last + 1).flat_map(|&key| [key - 1, key]);
    inner.chain([first, last]).collect()
}

/// Sends keys of every source through the routers and compares where they end with the PEs that hold rows for the
/// source.
pub(super) fn arrive(program: &Program, target: &Target) -> Result<()> {
    let tables = tables(program);
    let most = target.comms.router_entries;
    if let Some((chip, table)) = tables.iter().find(|(_, table)| table.len() > most) {
        return Err(broken("routes", format!("chip {chip} has {} entries, its router {most}", table.len())));
    }
    let host = i64::from(target.chips.host);
    let mut homes: BTreeMap<&str, i64> = program.inputs.iter().map(|input| (input.node.as_str(), host)).collect();
    for (pe, update) in program.slices() {
        homes.insert(&update.slice, program.pes[pe].place.as_ref().map_or(0, |place| place[0]));
    }
    let mut expected: BTreeMap<&str, BTreeSet<Vec<i64>>> = BTreeMap::new();
    for pe in &program.pes {
        for block in &pe.blocks {
            expected.entry(block.head.source.as_str()).or_default().insert(pe.place.clone().unwrap_or_default());
        }
    }
    for (_, update) in program.slices() {
        if program.outputs.iter().any(|output| output.population == update.population) {
            expected.entry(&update.slice).or_default().insert(vec![-1]);
        }
    }
    let boundaries = boundaries(program)?;
    for (first, last, name) in key_ranges(program)? {
        let expected = expected.remove(name.as_str()).unwrap_or_default();
        for key in keys_to_try(&boundaries, first, last) {
            let reached = deliver(&tables, target, homes[name.as_str()], key)?;
            if reached.places != expected {
                return Err(broken(
                    "routes",
                    format!("key {key:#x} of `{name}` reaches {:?}, not {expected:?}", reached.places),
                ));
            }
        }
    }
    Ok(())
}

/// The routers' entries by chip, first match first.
pub(super) type Tables<'p> = BTreeMap<i64, Vec<&'p Route>>;

/// The tables of a program.
pub(super) fn tables(program: &Program) -> Tables<'_> {
    let mut tables = Tables::new();
    program.routes.iter().for_each(|route| tables.entry(route.chip).or_default().push(route));
    tables
}

/// Where a packet goes.
#[derive(Default)]
pub(super) struct Reached {
    /// Places; [-1] is the host.
    pub places: BTreeSet<Vec<i64>>,
    /// QPEs that it is sent to: chip, column, row.
    pub qpes: Vec<(i64, i64, i64)>,
    /// Links between chips that it takes.
    pub links: usize,
}

/// Follows a packet through the routers. Nothing may be reached twice.
pub(super) fn deliver(tables: &Tables<'_>, target: &Target, chip: i64, key: i64) -> Result<Reached> {
    let (columns, rows) = (i64::from(target.chips.columns), i64::from(target.chips.rows));
    let mut reached = Reached::default();
    let mut entered = BTreeSet::new();
    let mut open = vec![chip];
    while let Some(chip) = open.pop() {
        if !entered.insert(chip) {
            return Err(broken("routes", format!("key {key:#x} enters chip {chip} twice")));
        }
        let entry = tables.get(&chip).and_then(|entries| entries.iter().find(|entry| key & entry.mask == entry.key));
        let Some(entry) = entry else { return Err(broken("routes", format!("chip {chip} drops key {key:#x}"))) };
        for triple in entry.destinations.chunks_exact(3) {
            let places: Vec<Vec<i64>> = match triple[0] {
                -2 if chip == i64::from(target.chips.host) => vec![vec![-1]],
                -2 => {
                    return Err(broken(
                        "routes",
                        format!("chip {chip} sends key {key:#x} to a host that is elsewhere"),
                    ));
                }
                -1 => {
                    let steps = [[1, 0], [1, 1], [0, 1], [-1, 0], [-1, -1], [0, -1]];
                    let Some([dx, dy]) = usize::try_from(triple[1]).ok().and_then(|link| steps.get(link)) else {
                        return Err(broken("routes", format!("chip {chip} has no link {}", triple[1])));
                    };
                    let (x, y) = ((chip % columns + dx).rem_euclid(columns), (chip / columns + dy).rem_euclid(rows));
                    open.push(x + y * columns);
                    reached.links += 1;
                    Vec::new()
                }
                column => {
                    reached.qpes.push((chip, column, triple[1]));
                    let cores = (0..4).filter(|core| triple[2] >> core & 1 == 1);
                    cores.map(|core| vec![chip, column, triple[1], core]).collect()
                }
            };
            for place in places {
                if !reached.places.insert(place.clone()) {
                    return Err(broken("routes", format!("key {key:#x} reaches {place:?} twice")));
                }
            }
        }
    }
    Ok(reached)
}
