//! `s2c diff`.

use super::inspect::slices;
use crate::{
    cli::{output, table},
    files,
};
use clap::Args;
use s2c_backend::emit::{Binary, manifest::Manifest};
use s2c_dialects::diagnostic::Result;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// A binary.
    pub(crate) old: PathBuf,
    /// Another binary.
    new: PathBuf,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// What differs: a name, and the two values; a missing one is `None`.
#[derive(serde::Serialize)]
struct Difference {
    what: String,
    old: Option<String>,
    new: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let load = |file: &Path| Binary::from_bytes(&files::read(file)?, &file.display().to_string());
    let differences = compare(&load(&arguments.old)?, &load(&arguments.new)?);
    if arguments.json {
        return output::print_json(&differences);
    }
    if differences.is_empty() {
        return output::print("the binaries are equal\n");
    }
    let show = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let mut rows = vec![["", "old", "new"].map(str::to_owned).to_vec()];
    rows.extend(
        differences
            .iter()
            .map(|difference| vec![difference.what.clone(), show(&difference.old), show(&difference.new)]),
    );
    output::print(&table::columns(&rows))
}

fn compare(old: &Binary, new: &Binary) -> Vec<Difference> {
    let (mut olds, mut news) = (facts(old), facts(new));
    let names: BTreeSet<String> = olds.keys().chain(news.keys()).cloned().collect();
    let pairs = names.into_iter().map(|what| (olds.remove(&what), news.remove(&what), what));
    pairs.filter(|(old, new, _)| old != new).map(|(old, new, what)| Difference { what, old, new }).collect()
}

/// All that a binary consists of, by name: facts of the network first, then PE by PE, then segment by segment.
fn facts(binary: &Binary) -> BTreeMap<String, String> {
    let manifest = &binary.manifest;
    let mut facts = totals(manifest);
    facts.extend(binary.network().ok().map(|text| ("integer network".to_owned(), digest(text.as_bytes()))));
    facts.extend(manifest.options.iter().map(|(name, value)| (format!("option {name}"), value.clone())));
    for pe in &manifest.pes {
        let place = [pe.chip, pe.column.into(), pe.row.into(), pe.core.into()];
        let name = &pe.name;
        facts.insert(format!("pe {name}: place"), format!("{place:?}"));
        facts.insert(format!("pe {name}: neurons"), slices(pe).join(" "));
        facts.insert(format!("pe {name}: synapses"), pe.synapses.to_string());
        facts.insert(format!("pe {name}: kernels"), pe.kernels.join(" "));
        facts.insert(format!("pe {name}: slices"), json(&pe.slices));
        facts.insert(format!("pe {name}: memory"), json(&pe.memory));
        facts.extend(
            pe.memory
                .iter()
                .map(|(use_of, region)| (format!("pe {name}: bytes of {use_of}"), region.bytes.to_string())),
        );
        for segment in &pe.segments {
            let bytes = binary.blobs.get(segment.blob).map_or(&[][..], Vec::as_slice);
            facts.insert(format!("pe {name}: memory at {:#x}", segment.address), digest(bytes));
        }
    }
    let mut routes: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    for route in &manifest.routes {
        let bytes = routes.entry(route.chip).or_default();
        bytes.extend(route.key.to_le_bytes().into_iter().chain(route.mask.to_le_bytes()));
        bytes.extend(route.destinations.iter().flat_map(|word| word.to_le_bytes()));
    }
    let sum = |(chip, bytes): (usize, Vec<u8>)| {
        (format!("routes of chip {chip}"), format!("CRC-32 {:08x}", crc32fast::hash(&bytes)))
    };
    facts.extend(routes.into_iter().map(sum));
    facts
}

fn digest(bytes: &[u8]) -> String {
    format!("{} bytes, CRC-32 {:08x}", bytes.len(), crc32fast::hash(bytes))
}

/// A part of the manifest: as it is where it is short.
fn json(part: &impl serde::Serialize) -> String {
    const SHORT: usize = 80;
    let text = serde_json::to_string(part).unwrap_or_default();
    if text.len() <= SHORT { text } else { digest(text.as_bytes()) }
}

fn totals(manifest: &Manifest) -> BTreeMap<String, String> {
    [
        ("name", manifest.name.clone()),
        ("producer", manifest.producer.clone()),
        ("schema", manifest.schema.to_string()),
        ("target", manifest.target.name.clone()),
        ("target's numbers", json(&manifest.target)),
        ("inputs", json(&manifest.inputs)),
        ("outputs", json(&manifest.outputs)),
        ("fan-out", json(&manifest.fan_out)),
        ("expected", json(&manifest.expected)),
        ("dt", manifest.dt.to_string()),
        ("neurons", manifest.neurons().to_string()),
        ("synapses", manifest.synapses().to_string()),
        ("memory bytes", manifest.sram_bytes().to_string()),
        ("PEs", manifest.pes.len().to_string()),
        ("router entries", manifest.routes.len().to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
