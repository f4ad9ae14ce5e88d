//! `s2c inspect`.

use crate::{
    cli::{options::without_effect, output, table},
    files,
    frontend::model_file,
    tools::summary,
};
use clap::Args;
use s2c_backend::emit::{
    Binary,
    manifest::{Pe, Purpose},
};
use s2c_dialects::{diagnostic::Result, shown::shown};
use std::path::{Path, PathBuf};

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// A NIR model, or a binary.
    pub(crate) file: PathBuf,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Put the values of a model's fields into the JSON too, as they are read.
    #[arg(long, requires = "json")]
    fields: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let is_model = arguments.file.extension().is_some_and(|ending| ending == "nir");
    if arguments.fields && !is_model {
        return Err(without_effect("fields", "A binary has no fields of NIR nodes."));
    }
    match (is_model, arguments.json) {
        (true, true) => output::print_json(&model(&arguments.file, arguments.fields)?),
        (true, false) => output::print(&listing(&arguments.file)?),
        (false, true) => output::print_json(&summary::summary(&load(&arguments.file)?.manifest)),
        (false, false) => output::print(&overview(&load(&arguments.file)?)),
    }
}

fn load(file: &Path) -> Result<Binary> {
    Binary::from_bytes(&files::read(file)?, &file.display().to_string())
}

/// Slices of a PE, as `population[first..last]`.
pub(super) fn slices(pe: &Pe) -> Vec<String> {
    let slice = |slice: &s2c_backend::emit::manifest::Slice| {
        format!("{}[{}..{}]", slice.population, slice.first, slice.first + slice.count)
    };
    pe.slices.iter().map(slice).collect()
}

fn overview(binary: &Binary) -> String {
    let manifest = &binary.manifest;
    let ports = |ports: Vec<(&String, &Vec<usize>)>| {
        ports.iter().map(|(node, shape)| format!("{node} {shape:?}")).collect::<Vec<_>>().join(", ")
    };
    let options: Vec<String> = manifest.options.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let facts = [
        ("network", manifest.name.clone()),
        ("target", manifest.target.name.clone()),
        ("tick", format!("{} s", manifest.dt)),
        ("options", options.join(", ")),
        ("inputs", ports(manifest.inputs.iter().map(|input| (&input.node, &input.shape)).collect())),
        ("outputs", ports(manifest.outputs.iter().map(|output| (&output.node, &output.shape)).collect())),
        ("neurons", manifest.neurons().to_string()),
        ("synapses", manifest.synapses().to_string()),
        ("memory", format!("{} bytes", manifest.sram_bytes())),
        ("routes", manifest.routes.len().to_string()),
        ("written by", format!("s2c {}", manifest.producer)),
    ];
    let facts: Vec<Vec<String>> = facts
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| vec![name.to_owned(), value])
        .collect();
    let mut rows = vec![
        ["PE", "place", "neurons", "synapses", "code", "weights", "state", "other", "bytes"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for pe in &manifest.pes {
        let sram = pe.sram();
        let of = |purposes: &[Purpose]| purposes.iter().map(|purpose| sram[purpose]).sum::<u32>().to_string();
        rows.push(vec![
            pe.name.clone(),
            format!("{},{},{},{}", pe.chip, pe.column, pe.row, pe.core),
            slices(pe).join(" "),
            pe.synapses.to_string(),
            of(&[Purpose::Code]),
            of(&[Purpose::Synapses]),
            of(&[Purpose::State, Purpose::Parameters]),
            of(&[Purpose::Tables, Purpose::Fifo]),
            pe.bytes().to_string(),
        ]);
    }
    format!("{}\n{}", table::columns(&facts), table::columns(&rows))
}

fn model(file: &Path, with_fields: bool) -> Result<serde_json::Value> {
    let model = model_file::read(file)?;
    let graph = model.graph.flatten()?;
    let shapes = s2c_nir::infer_shapes(&graph).ok();
    let shape_of = |name: &str| shapes.as_ref().and_then(|shapes| shapes.nodes.get(name));
    let nodes: Vec<serde_json::Value> = graph
        .nodes
        .iter()
        .map(|(name, node)| {
            let mut object = serde_json::json!({
                "name": name,
                "type": node.kind(),
                "input_shape": shape_of(name).map(|shape| &shape.input),
                "output_shape": shape_of(name).map(|shape| &shape.output),
            });
            if with_fields {
                object["fields"] = node.fields();
            }
            object
        })
        .collect();
    let edges: Vec<[&String; 2]> = graph.edges.iter().map(|(from, to)| [from, to]).collect();
    let notes: Vec<&String> = model.notes.iter().map(|note| &note.text).collect();
    Ok(serde_json::json!({ "version": model.version, "nodes": nodes, "edges": edges, "notes": notes }))
}

/// The listing that diagnostics show pieces of, with line numbers, and what reading left to say.
fn listing(file: &Path) -> Result<String> {
    let lines: Vec<String> = model_file::listing(file)?.lines().collect();
    let width = lines.len().to_string().len();
    let mut text: String =
        lines.iter().enumerate().map(|(index, line)| format!("{:>width$}  {line}\n", index + 1)).collect();
    let model = model_file::read(file)?;
    for note in &model.notes {
        let place = if note.node.is_empty() { String::new() } else { format!("{}: ", note.node) };
        text.push_str(&format!("note: {}\n", shown(&format!("{place}{}", note.text))));
    }
    Ok(text)
}
