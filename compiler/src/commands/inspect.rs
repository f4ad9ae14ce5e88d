//! `s2c inspect`.

use crate::{emit::Binary, files, nir, output, summary};
use clap::Args;
use s2c_dialects::diagnostic::Result;
use std::path::{Path, PathBuf};

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// A NIR model, or a binary.
    pub(crate) file: PathBuf,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let is_model = arguments.file.extension().is_some_and(|ending| ending == "nir");
    let summary = if is_model { model(&arguments.file)? } else { binary(&arguments.file)? };
    if arguments.json {
        return output::print(&format!("{summary}\n"));
    }
    let mut text = String::new();
    add_object(&mut text, &summary, 0);
    output::print(&text)
}

fn binary(file: &Path) -> Result<serde_json::Value> {
    let binary = Binary::from_bytes(&files::read(file)?, &file.display().to_string())?;
    Ok(summary::summary(&binary.manifest))
}

fn model(file: &Path) -> Result<serde_json::Value> {
    let model = nir::read(file)?;
    let graph = model.graph.flatten()?;
    let nodes: Vec<serde_json::Value> =
        graph.nodes.iter().map(|(name, node)| serde_json::json!({ "name": name, "type": node.kind() })).collect();
    let edges: Vec<String> = graph.edges.iter().map(|(from, to)| format!("{from} -> {to}")).collect();
    Ok(serde_json::json!({ "version": model.version, "nodes": nodes, "edges": edges }))
}

/// An object's members as lines, nested ones indented.
fn add_object(text: &mut String, value: &serde_json::Value, depth: usize) {
    let indent = "  ".repeat(depth);
    let Some(members) = value.as_object() else { return };
    for (name, member) in members {
        match member {
            serde_json::Value::Object(_) => {
                text.push_str(&format!("{indent}{name}\n"));
                add_object(text, member, depth + 1);
            }
            serde_json::Value::Array(items) if items.iter().any(serde_json::Value::is_object) => {
                text.push_str(&format!("{indent}{name}\n"));
                for item in items {
                    text.push_str(&format!("{indent}  -\n"));
                    add_object(text, item, depth + 2);
                }
            }
            serde_json::Value::String(value) => text.push_str(&format!("{indent}{name}: {value}\n")),
            other => text.push_str(&format!("{indent}{name}: {other}\n")),
        }
    }
}
