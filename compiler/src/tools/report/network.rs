//! The network as a graph of inputs, populations and outputs, in columns by the tick in which they begin.

use super::material::{add, escape, grouped};
use s2c_backend::emit::manifest::{Manifest, Route};
use std::collections::{BTreeMap, BTreeSet};

/// Column and row steps of the six links between chips, as in the chip model.
const LINKS: [(i64, i64); 6] = [(1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1)];
const WIDTH: usize = 170;
const HEIGHT: usize = 52;
const GAP: [usize; 2] = [60, 28];

#[derive(Clone, Debug, Default)]
struct Node {
    detail: String,
    column: u64,
}

/// Where packets with a key from a chip end: places of PEs, as chip, column, row, core.
fn ends(manifest: &Manifest, tables: &BTreeMap<usize, Vec<&Route>>, chip: usize, key: u32) -> BTreeSet<[usize; 4]> {
    let chips = &manifest.target.chips;
    let (columns, rows) = (i64::from(chips.columns.max(1)), i64::from(chips.rows.max(1)));
    let (mut ends, mut seen, mut waiting) = (BTreeSet::new(), BTreeSet::new(), vec![chip]);
    while let Some(chip) = waiting.pop() {
        let entries = tables.get(&chip).map_or(&[][..], Vec::as_slice);
        let Some(entry) = entries.iter().find(|entry| key & entry.mask == entry.key).filter(|_| seen.insert(chip))
        else {
            continue;
        };
        for triple in entry.destinations.chunks_exact(3) {
            match *triple {
                [-1, link @ 0..=5, _] => {
                    let (dx, dy) = LINKS[link as usize];
                    let (x, y) = (chip as i64 % columns + dx, chip as i64 / columns + dy);
                    waiting.push((y.rem_euclid(rows) * columns + x.rem_euclid(columns)) as usize);
                }
                [x @ 0..=255, y @ 0..=255, cores] => {
                    ends.extend(
                        (0..4).filter(|core| cores >> core & 1 == 1).map(|core| [chip, x as usize, y as usize, core]),
                    );
                }
                _ => {}
            }
        }
    }
    ends
}

/// Source and target of each projection.
pub(super) fn projections(manifest: &Manifest) -> BTreeSet<(String, String)> {
    let mut tables: BTreeMap<usize, Vec<&Route>> = BTreeMap::new();
    manifest.routes.iter().for_each(|route| tables.entry(route.chip).or_default().push(route));
    let place = |pe: &s2c_backend::emit::manifest::Pe| [pe.chip, pe.column.into(), pe.row.into(), pe.core.into()];
    let at: BTreeMap<[usize; 4], usize> =
        manifest.pes.iter().enumerate().map(|(index, pe)| (place(pe), index)).collect();
    let host = manifest.target.chips.host as usize;
    let inputs = manifest.inputs.iter().map(|input| (host, input.key, &input.node));
    let slices = manifest.pes.iter().flat_map(|pe| pe.slices.iter().map(move |s| (pe.chip, s.key, &s.population)));
    let mut found = BTreeSet::new();
    for (chip, key, source) in inputs.chain(slices) {
        for pe in ends(manifest, &tables, chip, key).iter().filter_map(|place| at.get(place)) {
            found.extend(manifest.pes[*pe].slices.iter().map(|slice| (source.clone(), slice.population.clone())));
        }
    }
    found
        .extend(manifest.outputs.iter().map(|output| (output.population.clone(), format!("{} (output)", output.node))));
    found
}

fn nodes(manifest: &Manifest) -> BTreeMap<String, Node> {
    let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
    for input in &manifest.inputs {
        nodes.insert(input.node.clone(), Node { detail: format!("input {:?}", input.shape), column: 0 });
    }
    let mut counts: BTreeMap<&str, (usize, usize, u64)> = BTreeMap::new();
    for pe in &manifest.pes {
        for slice in &pe.slices {
            let (neurons, pes, start) = counts.entry(&slice.population).or_default();
            (*neurons, *pes, *start) = (*neurons + slice.neurons(), *pes + 1, slice.start);
        }
    }
    let last = counts.values().map(|(.., start)| start + 1).max().unwrap_or(0);
    for (name, (neurons, pes, start)) in counts {
        let detail = format!("{} neurons, {pes} PE{}", grouped(neurons as u64), if pes == 1 { "" } else { "s" });
        nodes.insert(name.to_owned(), Node { detail, column: start + 1 });
    }
    for output in &manifest.outputs {
        let detail = format!("output {:?}", output.shape);
        nodes.insert(format!("{} (output)", output.node), Node { detail, column: last + 1 });
    }
    nodes
}

/// The curve of an edge between the boxes at two corners.
fn curve([x0, y0]: [usize; 2], [x1, y1]: [usize; 2]) -> String {
    if x1 > x0 {
        let (a, b, bend) = (x0 + WIDTH, x1 - 6, (x1 - x0 - WIDTH) / 2);
        let (from, to) = (y0 + HEIGHT / 2, y1 + HEIGHT / 2);
        format!("M{a} {from}C{} {from} {} {to} {b} {to}", a + bend, b - bend)
    } else {
        // Back edges pass above.
        let (a, b, top) = (x0 + WIDTH * 3 / 4, x1 + WIDTH / 4, y0.min(y1) - 24);
        format!("M{a} {y0}C{a} {top} {b} {top} {b} {}", y1 - 6)
    }
}

/// The picture.
pub(super) fn graph(manifest: &Manifest) -> String {
    let nodes = nodes(manifest);
    // Columns without a node take no room.
    let columns: BTreeSet<u64> = nodes.values().map(|node| node.column).collect();
    let mut rows: BTreeMap<u64, usize> = BTreeMap::new();
    let mut places: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for (name, node) in &nodes {
        let column = columns.iter().position(|&column| column == node.column).unwrap_or(0);
        let row = rows.entry(node.column).or_default();
        places.insert(name, [20 + column * (WIDTH + GAP[0]), 40 + *row * (HEIGHT + GAP[1])]);
        *row += 1;
    }
    let width = 40 + columns.len() * (WIDTH + GAP[0]);
    let height = 40 + rows.values().max().unwrap_or(&1) * (HEIGHT + GAP[1]);
    let mut svg = format!(
        "<div class=\"scroll\" tabindex=\"0\"><svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         style=\"min-width:{}px\" role=\"img\" aria-label=\"Graph of the network\">\n",
        width * 3 / 5
    );
    for (from, to) in projections(manifest) {
        let (Some(&[x0, y0]), Some(&[x1, y1])) = (places.get(from.as_str()), places.get(to.as_str())) else { continue };
        let path = curve([x0, y0], [x1, y1]);
        let (from, to) = (escape(&from), escape(&to));
        add(
            &mut svg,
            format_args!(
                "<path class=\"edge\" marker-end=\"url(#arrow)\" d=\"{path}\"><title>{from} to {to}</title></path>\n"
            ),
        );
    }
    for (name, node) in &nodes {
        let [x, y] = places[name.as_str()];
        let short: String = name.chars().take(24).collect();
        add(
            &mut svg,
            format_args!(
                "<g><title>{}</title><rect class=\"box\" x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>\
             <text x=\"{}\" y=\"{}\">{}</text><text class=\"soft\" x=\"{}\" y=\"{}\">{}</text></g>\n",
                escape(name),
                x + 10,
                y + 22,
                escape(&short),
                x + 10,
                y + 40,
                escape(&node.detail)
            ),
        );
    }
    svg.push_str(
        "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"2\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path class=\"soft\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n</svg></div>\n",
    );
    svg
}
