//! A model as text: one line per node with its type, the shapes of its fields, and where its input comes from.
//!
//! The listing is made of the untyped tree, so that nodes with missing or wrong fields are in it too.

use super::{
    graph::join,
    last_resort::{self, LastResort},
    raw::{Members, Raw},
};
use s2c_dialects::{
    diagnostic::Result,
    shown::{cut, list, shown},
};
use std::collections::BTreeMap;

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Line {
    /// Path of the node.
    name: String,
    kind: String,
    /// Fields that are numbers, with their shapes; short ones with their values.
    fields: String,
    /// Paths of the nodes that lead here.
    from: Vec<String>,
}

/// The nodes of a model, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    lines: Vec<Line>,
}

/// Lists the nodes of a file, given as its bytes and its name, which is for messages.
pub fn listing(bytes: Vec<u8>, name: &str, resort: Option<&LastResort>) -> Result<Listing> {
    let root = last_resort::read(bytes, name, resort)?;
    let mut listing = Listing::default();
    if let Some(Raw::Group(graph)) = root.get("node") {
        listing.add_graph("", graph);
    }
    Ok(listing)
}

impl Listing {
    /// The line of a node.
    pub fn find(&self, node: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.name == node)
    }

    /// Path of the node of a line, as the line shows it.
    pub fn name(&self, index: usize) -> String {
        self.lines.get(index).map_or_else(String::new, |line| name(&line.name))
    }

    /// Lines of the nodes before and behind a node.
    pub fn neighbours(&self, index: usize) -> Vec<usize> {
        let Some(node) = self.lines.get(index) else { return Vec::new() };
        let is_neighbour = |line: &Line| line.from.contains(&node.name) || node.from.contains(&line.name);
        (0..self.lines.len()).filter(|&other| other != index && is_neighbour(&self.lines[other])).collect()
    }

    /// The lines, in columns.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let columns = |line: &Line| [name(&line.name), name(&line.kind), line.fields.clone()];
        let mut widths = [0; 3];
        for line in &self.lines {
            let own = columns(line).map(|text| text.chars().count());
            widths.iter_mut().zip(own).for_each(|(width, own)| *width = own.max(*width));
        }
        self.lines.iter().map(move |line| {
            let ([names, kinds, fields], [path, kind, values]) = (widths, columns(line));
            let from = list(line.from.iter().map(|from| name(from)));
            let from = if from.is_empty() { from } else { format!("<- {from}") };
            format!("{path:<names$}  {kind:<kinds$}  {values:<fields$}  {from}").trim_end().to_owned()
        })
    }

    fn add_graph(&mut self, path: &str, graph: &Members) {
        let mut from: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        if let Some(Raw::Text(edges)) = graph.get("edges") {
            let names: Vec<&String> = edges.iter().collect();
            for pair in names.chunks_exact(2) {
                from.entry(pair[1].as_str()).or_default().push(join(path, pair[0]));
            }
        }
        let Some(Raw::Group(nodes)) = graph.get("nodes") else { return };
        for (name, raw) in nodes {
            let Raw::Group(members) = raw else { continue };
            let full = join(path, name);
            let kind = members.get("type").and_then(Raw::as_text).unwrap_or("?");
            let is_graph = members.contains_key("nodes");
            let fields = if is_graph { String::new() } else { fields(members) };
            let from = from.remove(name.as_str()).unwrap_or_default();
            self.lines.push(Line { name: full.clone(), kind: kind.to_owned(), fields, from });
            if is_graph {
                self.add_graph(&full, members);
            }
        }
    }
}

/// A name as a line shows it.
fn name(name: &str) -> String {
    const MOST: usize = 100;
    cut(&shown(name), MOST).into_owned()
}

fn fields(members: &Members) -> String {
    let field = |(field, raw): (&String, &Raw)| {
        let name = name(field);
        let shape = match raw {
            Raw::Group(_) | Raw::Text(_) | Raw::Other(_) => return None,
            Raw::Int(values) if values.len() <= 4 => return Some(format!("{name} {values}")),
            Raw::Int(values) => values.shape(),
            Raw::F32(values) => values.shape(),
            Raw::F64(values) => values.shape(),
        };
        Some(format!("{name} {shape:?}"))
    };
    list(members.iter().filter_map(field))
}
