//! Edges that do not fit their nodes: what is repaired, and what is an error.
//!
//! Some exporters rename a node inside a subgraph but not in its edges: the subgraph `lif1` then has the nodes `input`,
//! `lif1`, `lin`, `output`, and edges over `input`, `lif`, `lin`, `output`. The rule: where the edges of a graph name
//! exactly one node that does not exist, and exactly one node is named by no edge, and that one is a neuron node, it is
//! the one that is meant. Everything else is the error `missing-node`.

use super::{
    fields::Log,
    graph::{End, join},
    node::Graph,
};
use indexmap::{IndexMap, IndexSet};
use s2c_dialects::diagnostic::{Diagnostic, Result};

/// Repairs and checks the edges of one graph, not those of its subgraphs.
pub(super) fn edges(graph: &mut Graph, path: &str, log: &mut Log) -> Result<()> {
    rename(graph, path, log);
    for (from, to) in &graph.edges {
        graph.resolve(from, End::Source, path)?;
        graph.resolve(to, End::Destination, path)?;
    }
    drop_duplicates(graph, path, log);
    Ok(())
}

fn rename(graph: &mut Graph, path: &str, log: &mut Log) {
    let ends = || {
        let ends = |(from, to)| [(from, End::Source), (to, End::Destination)];
        graph.edges.iter().map(|(from, to)| (from.as_str(), to.as_str())).flat_map(ends)
    };
    let missing: IndexSet<&str> = ends()
        .filter(|(name, _)| !graph.nodes.contains_key(*name))
        .filter(|(name, end)| graph.resolve(name, *end, path).is_err())
        .map(|(name, _)| name)
        .collect();
    let named: IndexSet<&str> = ends().map(|(name, _)| name).collect();
    let unnamed: Vec<_> = graph.nodes.iter().filter(|(name, _)| !named.contains(name.as_str())).collect();
    let (Some(&wrong), [(right, node)]) = (missing.first(), unnamed.as_slice()) else { return };
    if missing.len() != 1 || !node.is_neuron() {
        return;
    }
    log.warnings.push(
        Diagnostic::warning("renamed-node", format!("edges call a node `{wrong}` that is stored as `{right}`"))
            .at_node(join(path, right))
            .text(format!(
                "No node is called `{wrong}`, and no edge names the {} node `{right}`; it is taken to be the one that is meant.",
                node.kind()
            ))
            .hint("export the model again with a current version to be rid of the guess"),
    );
    let (wrong, right) = (wrong.to_owned(), (*right).clone());
    for (from, to) in &mut graph.edges {
        for name in [from, to] {
            if *name == wrong {
                name.clone_from(&right);
            }
        }
    }
}

fn drop_duplicates(graph: &mut Graph, path: &str, log: &mut Log) {
    let mut unique: IndexMap<(String, String), usize> = IndexMap::new();
    std::mem::take(&mut graph.edges).into_iter().for_each(|edge| *unique.entry(edge).or_default() += 1);
    for ((from, to), &times) in unique.iter().filter(|(_, times)| **times > 1) {
        log.warnings.push(
            Diagnostic::warning("duplicate-edge", "an edge is stored more than once")
                .at_node(join(path, to))
                .text(format!("The edge from `{from}` is there {times} times and counted once."))
                .hint("for a doubled connection, double the weights"),
        );
    }
    graph.edges = unique.into_keys().collect();
}
