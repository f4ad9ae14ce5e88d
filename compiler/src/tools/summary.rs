//! A binary in one JSON object: what `s2c inspect` shows and `s2c compile --report` writes.

use crate::driver::Step;
use s2c_backend::emit::manifest::{Manifest, Pe, Slice};
use s2c_dialects::diagnostic::Diagnostic;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// See the module's page. Everything `per_tick` is expected, at the rates that the options give.
pub fn summary(manifest: &Manifest) -> Value {
    let expected = &manifest.expected;
    let sram = manifest.pes.iter().flat_map(Pe::sram).fold(BTreeMap::new(), |mut sum, (purpose, bytes)| {
        *sum.entry(purpose).or_insert(0u64) += u64::from(bytes);
        sum
    });
    json!({
        "name": manifest.name,
        "producer": manifest.producer,
        "target": manifest.target.name,
        "dt": manifest.dt,
        "options": manifest.options,
        "neurons": manifest.neurons(),
        "synapses": manifest.synapses(),
        "sram_bytes": manifest.sram_bytes(),
        "sram": sram,
        "router_entries": manifest.routes.len(),
        "router_entries_by_chip": expected.router_entries,
        "pes": manifest.pes.len(),
        "chips": expected.chips,
        "tick_seconds": expected.tick_seconds,
        "frequency": expected.frequency,
        "max_cycles_per_tick": expected.max_cycles_per_tick.round(),
        "packets_per_tick": hundredths(expected.packets_per_tick),
        "deliveries_per_tick": hundredths(expected.deliveries_per_tick),
        "hops_per_tick": hundredths(expected.hops_per_tick),
        "links_per_tick": hundredths(expected.links_per_tick),
        "placed_in_order": {
            "hops_per_tick": hundredths(expected.hops_in_order),
            "links_per_tick": hundredths(expected.links_in_order),
        },
        "pe": manifest.pes.iter().zip(&expected.pes).map(|(pe, work)| json!({
            "name": pe.name,
            "place": [pe.chip, usize::from(pe.column), usize::from(pe.row), usize::from(pe.core)],
            "neurons": pe.slices.iter().map(neurons).collect::<Vec<_>>(),
            "synapses": pe.synapses,
            "kernels": pe.kernels,
            "memory": pe.memory.iter().map(|(name, region)| (name, region.bytes)).collect::<BTreeMap<_, _>>(),
            "sram": pe.sram(),
            "sram_bytes": pe.bytes(),
            "cycles_per_tick": work.cycles_per_tick.round(),
            "packets_in_per_tick": hundredths(work.packets_in),
            "packets_out_per_tick": hundredths(work.packets_out),
        })).collect::<Vec<_>>(),
    })
}

/// A step of the compile. Its time differs from compile to compile.
pub fn step(step: &Step) -> Value {
    let milliseconds = step.time.as_secs_f64() * 1e3;
    json!({
        "name": step.name,
        "phase": step.phase.name(),
        "operations": step.operations,
        "milliseconds": (milliseconds * 1000.0).round() / 1000.0,
    })
}

/// What the compile had to say.
pub fn diagnostic(diagnostic: &Diagnostic) -> Value {
    json!({
        "severity": diagnostic.severity.word(),
        "code": diagnostic.code,
        "title": diagnostic.title,
        "node": diagnostic.node(),
        "text": diagnostic.text,
        "hint": diagnostic.hint,
    })
}

/// The neurons of a slice, such as `lif[0..100]`, or `conv[channels 0..16, rows 4..8]` for a piece of a map.
pub fn neurons(slice: &Slice) -> String {
    let name = &slice.population;
    match slice.map() {
        Some(map) => {
            let (channels, rows) = (map.channel + map.channels, map.row + map.rows);
            format!("{name}[channels {}..{channels}, rows {}..{rows}]", map.channel, map.row)
        }
        None => format!("{name}[{}..{}]", slice.first, slice.first + slice.count),
    }
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
