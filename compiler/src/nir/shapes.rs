//! Shapes of all nodes of a graph, cycles included.
//!
//! A node's shapes follow from its fields and from the shape that comes in. Known shapes travel along the edges until
//! nothing changes; where a cycle leaves no node with a known input, the first node whose fields fix its shape starts it.
//! At the end every edge is checked: `shape-mismatch` is an error, a mere reshape a warning.

use super::{
    array::{count, same_but_ones},
    graph::Graph,
    node::Node,
};
use indexmap::IndexMap;
use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::{borrow::Cow, collections::VecDeque};

/// Shapes of one tick's data before and after a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeShape {
    /// What comes in.
    pub input: Vec<usize>,
    /// What goes out.
    pub output: Vec<usize>,
}

impl NodeShape {
    /// The same before and after.
    pub(super) fn same(shape: &[usize]) -> Self {
        Self { input: shape.to_vec(), output: shape.to_vec() }
    }
}

/// What [`infer_shapes`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shapes {
    /// Shapes by path, in the order of the flattened graph.
    pub nodes: IndexMap<String, NodeShape>,
    /// Reshapes that were assumed.
    pub warnings: Vec<Diagnostic>,
}

/// Finds the shapes of all nodes. Subgraphs are dissolved first; the names are those of [`Graph::flatten`].
pub fn infer_shapes(graph: &Graph) -> Result<Shapes> {
    let graph = if graph.has_subgraphs() { Cow::Owned(graph.flatten()?) } else { Cow::Borrowed(graph) };
    let nodes = Inference::new(&graph)?.run()?;
    let warnings = check(&graph, &nodes)?;
    Ok(Shapes { nodes, warnings })
}

struct Inference<'a> {
    graph: &'a Graph,
    /// Successors by index of the node.
    successors: Vec<Vec<usize>>,
    has_input: Vec<bool>,
    known: Vec<Option<NodeShape>>,
    open: VecDeque<usize>,
}

impl<'a> Inference<'a> {
    fn new(graph: &'a Graph) -> Result<Self> {
        let size = graph.nodes.len();
        let mut inference = Self {
            graph,
            successors: vec![Vec::new(); size],
            has_input: vec![false; size],
            known: vec![None; size],
            open: VecDeque::new(),
        };
        for (from, to) in &graph.edges {
            let index = |name: &str| {
                graph.nodes.get_index_of(name).ok_or_else(|| {
                    Diagnostic::error("missing-node", format!("an edge names the node `{name}`, which does not exist")).at_node(name)
                })
            };
            let (from, to) = (index(from)?, index(to)?);
            inference.successors[from].push(to);
            inference.has_input[to] = true;
        }
        Ok(inference)
    }

    fn run(mut self) -> Result<IndexMap<String, NodeShape>> {
        for index in 0..self.known.len() {
            if !self.has_input[index] || matches!(self.node(index), Node::Input(_)) {
                self.settle(index, None)?;
            }
        }
        self.spread()?;
        while let Some(unknown) = self.start_cycle()? {
            if !unknown {
                break;
            }
            self.spread()?;
        }
        let mut shapes = IndexMap::with_capacity(self.known.len());
        for ((name, node), shape) in self.graph.nodes.iter().zip(self.known) {
            let shape = shape.ok_or_else(|| {
                Diagnostic::error("shape-unknown", format!("the shape of a {} node cannot be known", node.kind()))
                    .at_node(name)
                    .text("Neither its fields nor anything connected to it say how large it is.")
                    .hint("connect it to an Input, or export it with its input shape")
            })?;
            shapes.insert(name.clone(), shape);
        }
        Ok(shapes)
    }
}
