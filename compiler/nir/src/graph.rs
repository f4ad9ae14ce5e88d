//! What is asked of a graph: its ports, neighbours, and the nodes that ends of edges stand for.

use super::{
    node::{Graph, Node},
    notes::list,
};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    shown,
};

/// Which end of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The edge leaves the node.
    Source,
    /// The edge enters the node.
    Destination,
}

impl Graph {
    /// Names of the `Input` nodes of this level.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.names(|node| matches!(node, Node::Input(_)))
    }

    /// Names of the `Output` nodes of this level.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.names(|node| matches!(node, Node::Output(_)))
    }

    /// Name of a node by its number in the order of the nodes; empty beyond the last one.
    pub fn name(&self, node: usize) -> &str {
        self.nodes.get_index(node).map_or("", |(name, _)| name)
    }

    /// Nodes with an edge to `name`, in the order of the edges. Looks at every edge; see [`Self::links`].
    pub fn predecessors<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.edges.iter().filter(move |(_, to)| to == name).map(|(from, _)| from.as_str())
    }

    /// The edges in their order, as numbers of nodes in the order of the nodes; those of nodes that are not there are left
    /// out.
    pub fn links(&self) -> impl Iterator<Item = (usize, usize)> {
        self.edges.iter().filter_map(|(from, to)| Some((self.nodes.get_index_of(from)?, self.nodes.get_index_of(to)?)))
    }

    fn names(&self, wanted: impl Fn(&Node) -> bool) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter(move |(_, node)| wanted(node)).map(|(name, _)| name.as_str())
    }

    /// Path, relative to this graph, of the node that an edge's end stands for: the port where it is a subgraph.
    /// `path` is the path of this graph, for messages.
    pub(super) fn resolve(&self, name: &str, end: End, path: &str) -> Result<String> {
        if let Some(node) = self.nodes.get(name) {
            return match node {
                Node::Graph(inner) => inner.only_port(end).map(|port| format!("{name}/{port}")).map_err(|ports| {
                    Diagnostic::error("ambiguous-port", "an edge leaves open which port of a subgraph it means")
                        .at_node(join(path, name))
                        .text(format!("The subgraph has {} such ports: {}.", ports.len(), shown::list(&ports)))
                        .hint(format!("name the port in the edge, as `{name}/PORT`"))
                        .into()
                }),
                _ => Ok(name.to_owned()),
            };
        }
        let port = name.match_indices(['/', '.']).find_map(|(at, _)| {
            let (graph, port) = (name.get(..at)?, name.get(at + 1..)?);
            match self.nodes.get(graph) {
                Some(Node::Graph(inner)) if inner.is_port(port, end) => Some(format!("{graph}/{port}")),
                _ => None,
            }
        });
        port.ok_or_else(|| {
            let place = if path.is_empty() { name.to_owned() } else { path.to_owned() };
            Diagnostic::error("missing-node", format!("an edge names the node `{name}`, which does not exist"))
                .at_node(place)
                .text(format!("The graph has {} nodes: {}.", self.nodes.len(), list(self.nodes.keys())))
                .hint("correct the edge or add the node in the program that exports the model")
                .into()
        })
    }

    fn is_port(&self, name: &str, end: End) -> bool {
        match self.nodes.get(name) {
            Some(Node::Output(_)) => end == End::Source,
            Some(Node::Input(_)) => end == End::Destination,
            _ => false,
        }
    }

    /// The one port at this end, or all of them where there is not exactly one.
    fn only_port(&self, end: End) -> std::result::Result<&str, Vec<&str>> {
        let ports: Vec<_> = self.nodes.keys().map(String::as_str).filter(|name| self.is_port(name, end)).collect();
        match ports.as_slice() {
            [port] => Ok(port),
            _ => Err(ports),
        }
    }
}

/// A path below another; the outermost graph has the empty path.
pub(super) fn join(outer: &str, inner: &str) -> String {
    if outer.is_empty() { inner.to_owned() } else { format!("{outer}/{inner}") }
}
