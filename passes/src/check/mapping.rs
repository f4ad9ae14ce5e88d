//! Checks a finished program against itself: every PE fits, no two things overlap, every packet reaches exactly the
//! PEs that hold rows for it.

use crate::{analysis::tables, kernels::row_kernel, target::Target};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    s2k::{Pe, Program, Route, Synapses},
};
use std::collections::{BTreeMap, BTreeSet};

/// Runs all checks; the first broken rule is a bug of the compiler.
pub fn check(program: &Program, target: &Target) -> Result<()> {
    places_are_distinct(program, target)?;
    keys_are_disjoint(program)?;
    let keys = tables::keys(program);
    for pe in &program.pes {
        memory_fits(&keys, pe, target)?;
        weights_have_rows(pe)?;
    }
    packets_arrive(program, target)
}

fn broken(rule: &str, text: String) -> Box<Diagnostic> {
    Box::new(Diagnostic::bug(format!("{rule}: {text}")))
}

fn places_are_distinct(program: &Program, target: &Target) -> Result<()> {
    let mut usable: BTreeMap<i64, BTreeSet<[u8; 3]>> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for pe in &program.pes {
        let place = pe.place.clone().unwrap_or_default();
        let [chip, column, row, core] = place[..] else {
            return Err(broken("place", format!("`{}` has none", pe.name)));
        };
        let there = |chip| if chip < target.chip_count() { target.places(chip).collect() } else { BTreeSet::new() };
        let usable = usable.entry(chip).or_insert_with(|| usize::try_from(chip).map(there).unwrap_or_default());
        if !usable.contains(&[column as u8, row as u8, core as u8]) {
            return Err(broken("place", format!("`{}` is at {place:?}, where no PE is", pe.name)));
        }
        if !taken.insert(place.clone()) {
            return Err(broken("place", format!("two PEs are at {place:?}")));
        }
    }
    Ok(())
}

/// First and last key of every source, with its name.
fn key_ranges(program: &Program) -> Result<Vec<(i64, i64, String)>> {
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

fn keys_are_disjoint(program: &Program) -> Result<()> {
    let mut ranges = key_ranges(program)?;
    ranges.sort();
    match ranges.windows(2).find(|pair| pair[0].1 >= pair[1].0) {
        Some(pair) => Err(broken("keys", format!("`{}` and `{}` share keys", pair[0].2, pair[1].2))),
        None => Ok(()),
    }
}

fn memory_fits(keys: &tables::Keys<'_>, pe: &Pe, target: &Target) -> Result<()> {
    let memory = &target.memory;
    let tables = tables::plan(keys, pe)?.bytes;
    let mut regions =
        vec![(0, i64::from(memory.code_bytes), "code"), (i64::from(memory.code_bytes), i64::from(tables), "tables")];
    for buffer in &pe.buffers {
        let Some(address) = buffer.address else {
            return Err(broken("memory", format!("`{}` of `{}` has no address", buffer.sym_name, pe.name)));
        };
        if address % 4 != 0 {
            return Err(broken("memory", format!("`{}` of `{}` is not aligned", buffer.sym_name, pe.name)));
        }
        regions.push((address, buffer.bytes, &buffer.sym_name));
    }
    regions.sort();
    if let Some(pair) = regions.windows(2).find(|pair| pair[0].0 + pair[0].1 > pair[1].0) {
        return Err(broken("memory", format!("`{}` and `{}` of `{}` overlap", pair[0].2, pair[1].2, pe.name)));
    }
    let end = i64::from(memory.sram_bytes - memory.stack_bytes);
    match regions.iter().find(|region| region.0 < 0 || region.0 + region.1 > end) {
        Some(region) => Err(broken("memory", format!("`{}` of `{}` ends beyond {end}", region.2, pe.name))),
        None => Ok(()),
    }
}

fn weights_have_rows(pe: &Pe) -> Result<()> {
    for block in pe.blocks() {
        let (needed, sums) = match block {
            // Of sparse rows no more is known without their weights than that each has a word in the table.
            Synapses::Rows(rows) if rows.sparse => ((rows.first + rows.count) * 4, rows.length * rows.width / 8),
            Synapses::Rows(rows) => {
                let row_bytes = i64::from(row_kernel(rows).row_bytes());
                ((rows.first + rows.count) * row_bytes, rows.length * rows.width / 8)
            }
            Synapses::Convolution(c) => (
                (c.source_channel + 1) * c.kernel.iter().product::<i64>() * c.target_channels * c.bits / 8,
                c.target_rows * c.target_width * c.target_channels * c.width / 8,
            ),
        };
        let bytes = pe.buffer(block.weights())?.bytes;
        if needed > bytes {
            let name = block.weights();
            return Err(broken("weights", format!("`{name}` of `{}` has {bytes} bytes, needs {needed}", pe.name)));
        }
        let slots = tables::slots_of(pe, block.accumulators());
        let accumulators = pe.buffer(block.accumulators())?.bytes;
        if block.slot() < 0 || block.slot() >= slots || sums * slots > accumulators {
            return Err(broken("weights", format!("the sums of `{}` in `{}` have no room", block.source(), pe.name)));
        }
    }
    Ok(())
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
fn packets_arrive(program: &Program, target: &Target) -> Result<()> {
    let mut tables: BTreeMap<i64, Vec<&Route>> = BTreeMap::new();
    program.routes.iter().for_each(|route| tables.entry(route.chip).or_default().push(route));
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
        for block in pe.blocks() {
            expected.entry(block.source()).or_default().insert(pe.place.clone().unwrap_or_default());
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
            if reached != expected {
                return Err(broken(
                    "routes",
                    format!("key {key:#x} of `{name}` reaches {reached:?}, not {expected:?}"),
                ));
            }
        }
    }
    Ok(())
}

/// All places that a packet reaches; [-1] is the host. Nothing may be reached twice.
fn deliver(tables: &BTreeMap<i64, Vec<&Route>>, target: &Target, chip: i64, key: i64) -> Result<BTreeSet<Vec<i64>>> {
    let (columns, rows) = (i64::from(target.chips.columns), i64::from(target.chips.rows));
    let mut reached = BTreeSet::new();
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
                    Vec::new()
                }
                column => {
                    let cores = (0..4).filter(|core| triple[2] >> core & 1 == 1);
                    cores.map(|core| vec![chip, column, triple[1], core]).collect()
                }
            };
            for place in places {
                if !reached.insert(place.clone()) {
                    return Err(broken("routes", format!("key {key:#x} reaches {place:?} twice")));
                }
            }
        }
    }
    Ok(reached)
}
