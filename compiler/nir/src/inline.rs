//! Dissolving subgraphs into their parent.

use super::{
    graph::{End, join},
    node::{Graph, Node},
};
use indexmap::{IndexMap, IndexSet};
use s2c_dialects::diagnostic::{Diagnostic, Result};

/// Steps along edges before a graph is taken for hostile.
const MOST_STEPS: usize = 1 << 20;

impl Graph {
    /// The same network without subgraphs.
    ///
    /// Nodes keep their names as paths, `outer/inner`. The `Input` and `Output` nodes of subgraphs disappear, and what
    /// was connected to them is connected directly:
    ///
    /// ```text
    /// fc -> sub { input -> lif, lif -> lin, lin -> lif, lif -> output } -> out
    /// fc -> sub/lif, sub/lif -> sub/lin, sub/lin -> sub/lif, sub/lif -> out
    /// ```
    ///
    /// A value that reaches a node by two ways through ports keeps both edges, since it counts twice.
    pub fn flatten(self) -> Result<Self> {
        let mut flat = Flat::default();
        flat.expand(self, "")?;
        flat.connect()
    }

    /// Whether some node is a graph itself.
    pub fn has_subgraphs(&self) -> bool {
        self.nodes.values().any(|node| matches!(node, Node::Graph(_)))
    }
}

/// A graph in which only ports of former subgraphs are left to dissolve.
#[derive(Default)]
struct Flat {
    nodes: IndexMap<String, Node>,
    ports: IndexSet<String>,
    edges: IndexMap<String, Vec<String>>,
}

impl Flat {
    fn expand(&mut self, graph: Graph, path: &str) -> Result<()> {
        // Ends are looked up before the nodes go; inner edges come first all the same.
        let mut edges = Vec::with_capacity(graph.edges.len());
        for (from, to) in &graph.edges {
            let from = graph.resolve(from, End::Source, path)?;
            edges.push((join(path, &from), join(path, &graph.resolve(to, End::Destination, path)?)));
        }
        for (name, node) in graph.nodes {
            let full = join(path, &name);
            match node {
                Node::Graph(inner) => self.expand(inner, &full)?,
                Node::Input(_) | Node::Output(_) if !path.is_empty() => {
                    self.ports.insert(full);
                }
                _ if self.nodes.contains_key(&full) => {
                    return Err(Diagnostic::error("duplicate-node", "two nodes have the same path")
                        .at_node(full)
                        .text("A name with `/` is the path of another node.")
                        .hint("rename one of them")
                        .into());
                }
                _ => {
                    self.nodes.insert(full, node);
                }
            }
        }
        for (from, to) in edges {
            self.edges.entry(from).or_default().push(to);
        }
        Ok(())
    }

    /// Follows each edge of a node through ports to the nodes behind.
    fn connect(self) -> Result<Graph> {
        let mut edges = Vec::new();
        let mut steps = 0;
        for (from, targets) in self.edges.iter().filter(|(from, _)| !self.ports.contains(*from)) {
            let mut open: Vec<&str> = targets.iter().rev().map(String::as_str).collect();
            while let Some(to) = open.pop() {
                steps += 1;
                if steps > MOST_STEPS {
                    return Err(Diagnostic::error("port-cycle", "ports of subgraphs are connected without end")
                        .at_node(from)
                        .text(format!("After {MOST_STEPS} steps through ports no end was in sight."))
                        .hint("a cycle must contain a node other than Input and Output")
                        .into());
                }
                if self.ports.contains(to) {
                    open.extend(self.edges.get(to).into_iter().flatten().rev().map(String::as_str));
                } else {
                    edges.push((from.clone(), to.to_owned()));
                }
            }
        }
        Ok(Graph { nodes: self.nodes, edges })
    }
}
