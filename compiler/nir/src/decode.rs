//! The untyped tree to the typed graph.

use super::{
    fields::{Fields, Log},
    graph::join,
    model::{CHOICES, Choices, Model},
    node::{Graph, KINDS, Node},
    notes::{Note, NoteKind},
    raw::{Members, Raw},
    repair,
};
use s2c_dialects::diagnostic::{Diagnostic, Result};

/// A whole file.
pub(super) fn model(mut root: Members) -> Result<Model> {
    let version = root.shift_remove("version").and_then(|raw| raw.as_text().map(str::to_owned));
    let Some(Raw::Group(members)) = root.shift_remove("node") else {
        return Err(Diagnostic::error("not-a-nir-file", "the HDF5 file holds no NIR graph")
            .text("It has no group `node`.")
            .hint("a NIR file is written by `nir.write` in Python")
            .into());
    };
    if version.is_some() && !members.contains_key("type") {
        return Err(unfinished(&members));
    }
    let mut log = Log::default();
    for (name, raw) in &root {
        let text = format!("`{name}` lies outside the graph and was not used: {}.", raw.preview());
        log.notes.push(Note { node: String::new(), kind: NoteKind::Unknown, field: name.clone(), text });
    }
    let choices = choices(&members);
    match node("", members, &mut log)? {
        Node::Graph(graph) => Ok(Model { graph, version, notes: log.notes, warnings: log.warnings, choices }),
        other => Err(Diagnostic::error("not-a-graph", "the file holds a single node instead of a graph")
            .text(format!("Its type is {}.", other.kind()))
            .hint("wrap it with `nir.NIRGraph.from_list` before writing it")
            .into()),
    }
}

/// The diagnostic for what `nir.write` leaves behind where it fails: it writes the version first, then the nodes, and the
/// graph's type last.
fn unfinished(members: &Members) -> Box<Diagnostic> {
    let node = match members.get("nodes") {
        Some(Raw::Group(nodes)) => {
            nodes.iter().find(|(_, raw)| matches!(raw, Raw::Group(node) if !node.contains_key("type")))
        }
        _ => None,
    };
    let error = Diagnostic::error("unfinished-export", "the file is what a failed export left behind")
        .hint("run the export again and see its error; where nir 1.0.8 stumbles over single numbers, `compression=None` helps");
    let text = "The exporter writes nodes first, then edges and the graph's type; there is no type";
    let error = match node {
        Some((name, raw)) => error.at_node(name).text(format!("{text}, and of this node only {}.", raw.preview())),
        None => error.text(format!("{text}.")),
    };
    error.into()
}

/// What `s2c` wrote into the metadata.
fn choices(members: &Members) -> Choices {
    let group = |members: &Members, name: &str| match members.get(name) {
        Some(Raw::Group(members)) => members.clone(),
        _ => Members::new(),
    };
    let texts = group(&group(members, "metadata"), CHOICES).into_iter();
    texts.filter_map(|(name, raw)| raw.as_text().map(|text| (name, text.to_owned()))).collect()
}

fn node(path: &str, mut members: Members, log: &mut Log) -> Result<Node> {
    let Some(kind) = members.shift_remove("type").and_then(|raw| raw.as_text().map(str::to_owned)) else {
        return Err(Diagnostic::error("missing-field", "a node has no type")
            .at_node(path)
            .text("Every node of a NIR file has a string `type`.")
            .hint("export the model again with a current version of `nir`")
            .into());
    };
    if kind == Node::GRAPH {
        return graph(path, members, log).map(Node::Graph);
    }
    let mut fields = Fields::new(path, &kind, members, log);
    let node = Node::read(&mut fields)?.ok_or_else(|| {
        fields
            .error("unknown-node", format!("the node type `{kind}` is not known"))
            .text(format!("Known types are: {}.", KINDS.join(", ")))
            .hint("express the layer with known types, or export it with a version of NIR that does")
    })?;
    fields.finish();
    Ok(node)
}

fn graph(path: &str, mut members: Members, log: &mut Log) -> Result<Graph> {
    let (nodes, edges) = (members.shift_remove("nodes"), members.shift_remove("edges"));
    Fields::new(path, Node::GRAPH, members, log).finish();
    let Some(Raw::Group(nodes)) = nodes else {
        return Err(malformed(path, "It has no group `nodes`."));
    };
    let mut graph = Graph::default();
    for (name, raw) in nodes {
        let path = join(path, &name);
        let Raw::Group(members) = raw else {
            return Err(malformed(&path, "It should be a group and is not."));
        };
        graph.nodes.insert(name, node(&path, members, log)?);
    }
    graph.edges = match edges {
        Some(Raw::Text(names)) if names.ndim() == 2 && names.shape().last() == Some(&2) => {
            let names: Vec<_> = names.into_iter().collect();
            names.as_chunks().0.iter().map(|[from, to]| (from.clone(), to.clone())).collect()
        }
        // An empty list has lost its type in the file.
        Some(raw) if raw.len() == 0 && !matches!(raw, Raw::Other(_) | Raw::Group(_)) => Vec::new(),
        Some(raw) => {
            return Err(malformed(path, &format!("`edges` should be pairs of names and is {}.", raw.describe())));
        }
        None => return Err(malformed(path, "It has no `edges`.")),
    };
    repair::edges(&mut graph, path, log)?;
    Ok(graph)
}

fn malformed(path: &str, why: &str) -> Box<Diagnostic> {
    let error = Diagnostic::error("malformed-graph", "a graph is not stored as NIR prescribes").text(why);
    let error = if path.is_empty() { error } else { error.at_node(path) };
    error.hint("export the model again with a current version of `nir`").into()
}
