//! Maps of the chips, and the table of all PEs.

use super::material::{Material, add, escape, grouped, items, missing, number};
use crate::tools::summary;
use s2c_backend::emit::manifest::Pe;
use s2c_passes::target::Grid;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Chips that are drawn; the table has all.
const MOST_CHIPS: usize = 4;
const CELL: usize = 62;
/// Width of the widest link.
const WIDEST: f64 = 9.0;

type Load = BTreeMap<([u8; 2], [u8; 2]), u64>;

/// The maps: memory, and cycles with the packets on the links.
pub(super) fn maps(material: &Material<'_>) -> String {
    let manifest = material.manifest;
    let mut html = String::new();
    let stats: Vec<&Value> = items(material.stats.as_ref(), "pe").iter().collect();
    let room = f64::from(manifest.target.memory.sram_bytes);
    let used = |pe: &Pe| f64::from(pe.bytes());
    let cycles = |index: usize| stats.get(index).map_or(0, |pe| number(pe, "max_cycles_per_tick"));
    let most = (0..manifest.pes.len()).map(cycles).max().unwrap_or(0).max(1);
    let chips: BTreeSet<usize> = manifest.pes.iter().map(|pe| pe.chip).collect();
    for &chip in chips.iter().take(MOST_CHIPS) {
        add(
            &mut html,
            format_args!(
                "<div class=\"figures\">\n<figure><figcaption>Chip {chip}: share of each PE's memory that is in use</figcaption>\n"
            ),
        );
        html.push_str(&map(material, chip, &Load::new(), &|index| {
            let bytes = used(&manifest.pes[index]);
            (bytes / room, format!("{:.0}%", 100.0 * bytes / room), format!("{} bytes", grouped(bytes as u64)))
        }));
        html.push_str("</figure>\n");
        if !stats.is_empty() {
            let loads = loads(material, chip);
            add(
                &mut html,
                format_args!(
                    "<figure><figcaption>Chip {chip}: cycles of each PE's busiest tick (full: {}), and packets per link (widest: {})\
                 </figcaption>\n",
                    grouped(most),
                    grouped(loads.values().copied().max().unwrap_or(0))
                ),
            );
            html.push_str(&map(material, chip, &loads, &|index| {
                let cycles = cycles(index);
                (cycles as f64 / most as f64, short(cycles), format!("{} cycles in the busiest tick", grouped(cycles)))
            }));
            html.push_str("</figure>\n");
        }
        html.push_str("</div>\n");
    }
    if chips.len() > MOST_CHIPS {
        add(
            &mut html,
            format_args!("<p class=\"note\">{} more chips are in the table.</p>\n", chips.len() - MOST_CHIPS),
        );
    }
    if stats.is_empty() {
        html.push_str(&missing(
            "Cycles and packets come from a run:",
            "s2c run out.bin --input x.npy --stats stats.json",
        ));
    } else {
        html.push_str(
            "<p class=\"note\">Packets go from a QPE to the router and from there to each target, first along the row, \
                       then along the column (the order is the model's own).</p>\n",
        );
    }
    html
}

fn short(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        10_000..10_000_000 => format!("{}k", count / 1000),
        _ => format!("{}M", count / 1_000_000),
    }
}

/// Packets between neighbouring QPEs of a chip.
fn loads(material: &Material<'_>, chip: usize) -> Load {
    let router = material.manifest.target.grid.router;
    let mut loads = Load::new();
    let mut walk = |from: [u8; 2], to: [u8; 2], packets: u64| {
        let mut at = from;
        while at != to {
            let axis = usize::from(at[0] == to[0]);
            let mut next = at;
            next[axis] = if at[axis] < to[axis] { at[axis] + 1 } else { at[axis] - 1 };
            *loads.entry((at.min(next), at.max(next))).or_default() += packets;
            at = next;
        }
    };
    let sent = items(material.stats.as_ref(), "pe");
    for (pe, stats) in material.manifest.pes.iter().zip(sent).filter(|(pe, _)| pe.chip == chip) {
        walk([pe.column, pe.row], router, number(stats, "packets"));
    }
    for branch in
        items(material.stats.as_ref(), "branches").iter().filter(|branch| number(branch, "chip") == chip as u64)
    {
        let place: Vec<u8> =
            items(Some(branch), "qpe").iter().filter_map(|at| u8::try_from(at.as_u64()?).ok()).collect();
        if let [x, y] = *place {
            walk(router, [x, y], number(branch, "packets"));
        }
    }
    loads
}

/// Where the box of a QPE is: left and top.
fn corner(grid: &Grid, place: [u8; 2]) -> [usize; 2] {
    let column = usize::from(place[0].saturating_sub(grid.columns[0]));
    [10 + column * (CELL + 18), 10 + usize::from(grid.rows[1].saturating_sub(place[1])) * (CELL + 18)]
}

fn draw_qpes(svg: &mut String, grid: &Grid) {
    for x in grid.columns[0]..=grid.columns[1] {
        for y in grid.rows[0]..=grid.rows[1] {
            let [left, top] = corner(grid, [x, y]);
            if [x, y] == grid.router {
                add(
                    svg,
                    format_args!(
                        "<rect class=\"box\" x=\"{left}\" y=\"{top}\" width=\"{CELL}\" height=\"{CELL}\" rx=\"20\"/>\
                    <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">router</text>\n",
                        left + CELL / 2,
                        top + CELL / 2 + 4
                    ),
                );
            } else if !grid.holes.contains(&[x, y]) {
                add(
                    svg,
                    format_args!("<rect class=\"box\" x=\"{left}\" y=\"{top}\" width=\"{CELL}\" height=\"{CELL}\"/>\n"),
                );
            }
        }
    }
}

fn draw_pe(svg: &mut String, pe: &Pe, [left, top]: [usize; 2], (share, label, words): (f64, String, String)) {
    let half = CELL / 2;
    let (x, y) = (left + usize::from(pe.core % 2) * half, top + usize::from(pe.core / 2 % 2) * half);
    let name = escape(&pe.name);
    add(
        svg,
        format_args!(
            "<a href=\"#pe-{name}\"><title>{name}, core {} of ({}, {}): {words}</title>\
             <rect class=\"ink\" x=\"{x}\" y=\"{y}\" width=\"{half}\" height=\"{half}\" fill-opacity=\"{:.2}\" stroke=\"var(--text)\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{label}</text></a>\n",
            pe.core,
            pe.column,
            pe.row,
            0.08 + 0.55 * share.clamp(0.0, 1.0),
            x + half / 2,
            y + half / 2 + 4
        ),
    );
}

/// One map; `show` gives a PE's share, label and words.
fn map(material: &Material<'_>, chip: usize, loads: &Load, show: &dyn Fn(usize) -> (f64, String, String)) -> String {
    let grid = &material.manifest.target.grid;
    let (columns, rows) = (grid.columns.map(usize::from), grid.rows.map(usize::from));
    let width = 20 + (columns[1].saturating_sub(columns[0]) + 1) * (CELL + 18);
    let height = 20 + (rows[1].saturating_sub(rows[0]) + 1) * (CELL + 18);
    let mut svg = format!(
        "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" aria-label=\"Map of chip {chip}\">\n"
    );
    let most = loads.values().copied().max().unwrap_or(1).max(1) as f64;
    for (&(from, to), &packets) in loads {
        let [[x0, y0], [x1, y1]] = [from, to].map(|place| corner(grid, place).map(|at| at + CELL / 2));
        let stroke = (packets as f64 / most * WIDEST).max(0.5);
        add(
            &mut svg,
            format_args!(
                "<line class=\"link\" x1=\"{x0}\" y1=\"{y0}\" x2=\"{x1}\" y2=\"{y1}\" stroke-width=\"{stroke:.1}\"><title>{} packets between \
             ({}, {}) and ({}, {})</title></line>\n",
                grouped(packets),
                from[0],
                from[1],
                to[0],
                to[1]
            ),
        );
    }
    draw_qpes(&mut svg, grid);
    for (index, pe) in material.manifest.pes.iter().enumerate().filter(|(_, pe)| pe.chip == chip) {
        draw_pe(&mut svg, pe, corner(grid, [pe.column, pe.row]), show(index));
    }
    svg.push_str("</svg>\n");
    svg
}

/// The table of all PEs.
pub(super) fn table(material: &Material<'_>) -> String {
    let stats = items(material.stats.as_ref(), "pe");
    let mut html = String::from(
        "<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr><th>PE</th><th>Chip, column, row, core</th><th>Neurons</th>\
         <th class=\"n\">Synapses</th><th class=\"n\">Memory</th><th class=\"n\">Busiest tick</th><th class=\"n\">Cycles</th>\
         <th class=\"n\">Sent</th><th class=\"n\">Received</th></tr></thead>\n<tbody>\n",
    );
    for (index, pe) in material.manifest.pes.iter().enumerate() {
        let slices: Vec<String> = pe.slices.iter().map(|slice| escape(&summary::neurons(slice))).collect();
        let counts = ["max_cycles_per_tick", "cycles", "packets", "received_packets"]
            .map(|key| stats.get(index).map_or_else(|| "-".to_owned(), |pe| grouped(number(pe, key))));
        add(
            &mut html,
            format_args!(
                "<tr id=\"pe-{0}\"><td>{0}</td><td>{1}, {2}, {3}, {4}</td><td>{5}</td><td class=\"n\">{6}</td><td class=\"n\">{7}</td>\
             <td class=\"n\">{8}</td></tr>\n",
                escape(&pe.name),
                pe.chip,
                pe.column,
                pe.row,
                pe.core,
                slices.join(", "),
                grouped(pe.synapses),
                grouped(pe.bytes().into()),
                counts.join("</td><td class=\"n\">")
            ),
        );
    }
    html.push_str("</tbody></table></div>\n");
    html
}
