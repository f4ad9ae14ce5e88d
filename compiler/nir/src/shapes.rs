//! Shapes of all nodes of a graph, cycles included.
//!
//! A node's shapes follow from its fields and from the shape that comes in. Known shapes travel along the edges until
//! nothing changes; where a cycle leaves no node with a known input, the first node whose fields fix its shape starts it.
//! At the end every edge is checked: `shape-mismatch` is an error, a mere reshape a warning.

use super::{
    array::{count, same_but_ones},
    node::{Graph, Node},
    primitive::NodeShape,
};
use indexmap::IndexMap;
use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::{borrow::Cow, collections::VecDeque};

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
    let graph = if graph.has_subgraphs() { Cow::Owned(graph.clone().flatten()?) } else { Cow::Borrowed(graph) };
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
                    Box::new(
                        Diagnostic::error(
                            "missing-node",
                            format!("an edge names the node `{name}`, which does not exist"),
                        )
                        .at_node(name),
                    )
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
            let starts =
                !self.has_input[index] || matches!(self.graph.nodes.get_index(index), Some((_, Node::Input(_))));
            if starts {
                self.settle(index, None)?;
            }
        }
        self.spread()?;
        for index in 0..self.known.len() {
            // A cycle without a known input; its nodes must tell their shapes themselves.
            if self.known[index].is_none() {
                self.settle(index, None)?;
                self.spread()?;
            }
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

    /// Finds the shapes of one node, if that is possible by now.
    fn settle(&mut self, index: usize, input: Option<&[usize]>) -> Result<()> {
        let Some((name, node)) = self.graph.nodes.get_index(index) else { return Ok(()) };
        self.known[index] = node.shape(input).map_err(|error| Box::new(error.at_node(name)))?;
        if self.known[index].is_some() {
            self.open.push_back(index);
        }
        Ok(())
    }

    /// Carries known shapes on until nothing changes.
    fn spread(&mut self) -> Result<()> {
        while let Some(index) = self.open.pop_front() {
            let Some(shape) = self.known[index].clone() else { continue };
            for successor in std::mem::take(&mut self.successors[index]) {
                if self.known[successor].is_none() {
                    self.settle(successor, Some(&shape.output))?;
                }
            }
        }
        Ok(())
    }
}

/// Compares both ends of every edge.
fn check(graph: &Graph, shapes: &IndexMap<String, NodeShape>) -> Result<Vec<Diagnostic>> {
    let mut warnings = Vec::new();
    for (from, to) in &graph.edges {
        let (Some(before), Some(after), Some(node)) = (shapes.get(from), shapes.get(to), graph.nodes.get(to)) else {
            continue;
        };
        let (given, wanted) = (&before.output, &after.input);
        if given == wanted {
            continue;
        }
        let reshape = matches!(node, Node::Output(_)) && count(given) == count(wanted);
        if reshape || same_but_ones(given, wanted) {
            let text = format!(
                "`{from}` gives {given:?} and `{to}` has {wanted:?}: {} values each, taken in the same order.",
                count(given)
            );
            warnings.push(
                Diagnostic::warning("assumed-reshape", "connected nodes have different shapes of the same size")
                    .at_node(to)
                    .text(text)
                    .hint("export the model with equal shapes, or with a Flatten node between them"),
            );
        } else {
            return Err(Diagnostic::error(
                "shape-mismatch",
                format!("a {} node cannot take what it is given", node.kind()),
            )
            .at_node(to)
            .text(format!("`{from}` gives {given:?}; `{to}` takes {wanted:?}."))
            .hint("check the shapes in the program that exported the model; a Flatten node may be missing")
            .into());
        }
    }
    Ok(warnings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        linear::Linear,
        neuron::Lif,
        pool::{Pool2d, SumPool2d},
        port::{Input, Output},
    };
    use ndarray::ArrayD;

    fn graph(nodes: &[(&str, Node)], edges: &[(&str, &str)]) -> Graph {
        Graph {
            nodes: nodes.iter().map(|(name, node)| ((*name).to_owned(), node.clone())).collect(),
            edges: edges.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect(),
        }
    }

    fn input(shape: &[usize]) -> Node {
        Node::Input(Input { shape: shape.to_vec() })
    }

    fn output(shape: &[usize]) -> Node {
        Node::Output(Output { shape: shape.to_vec() })
    }

    fn lif(shape: &[usize]) -> Node {
        let values = ArrayD::from_elem(shape, 1.0);
        Node::Lif(Lif {
            tau: values.clone(),
            r: values.clone(),
            v_leak: values.clone(),
            v_threshold: values.clone(),
            v_reset: values,
        })
    }

    fn linear(outputs: usize, inputs: usize) -> Node {
        Node::Linear(Linear { weight: ArrayD::zeros([outputs, inputs].as_slice()) })
    }

    #[test]
    fn one_parameter_takes_the_shape_of_its_input_within_a_cycle() {
        let nodes = [("in", input(&[3])), ("lif", lif(&[1])), ("rec", linear(3, 3)), ("out", output(&[3]))];
        let edges = [("rec", "lif"), ("lif", "rec"), ("in", "lif"), ("lif", "out")];
        let shapes = infer_shapes(&graph(&nodes, &edges)).unwrap();
        assert_eq!(shapes.nodes["lif"], NodeShape::same(&[3]));
        assert!(shapes.warnings.is_empty());
    }

    #[test]
    fn a_cycle_without_input_starts_at_a_node_that_knows_its_shape() {
        let nodes = [("a", lif(&[1])), ("b", linear(2, 2)), ("out", output(&[2]))];
        let shapes = infer_shapes(&graph(&nodes, &[("a", "b"), ("b", "a"), ("a", "out")])).unwrap();
        assert_eq!(shapes.nodes["a"], NodeShape::same(&[2]));
    }

    #[test]
    fn a_mismatch_names_both_shapes() {
        let nodes = [("in", input(&[3])), ("fc", linear(2, 4)), ("out", output(&[2]))];
        let error = infer_shapes(&graph(&nodes, &[("in", "fc"), ("fc", "out")])).unwrap_err();
        assert_eq!(error.code, "shape-mismatch");
        assert_eq!(error.text, "`in` gives [3]; `fc` takes [4].");
    }

    #[test]
    fn an_output_of_the_same_size_is_a_reshape() {
        let shapes = infer_shapes(&graph(&[("in", input(&[6])), ("out", output(&[2, 3]))], &[("in", "out")])).unwrap();
        assert_eq!(shapes.warnings[0].code, "assumed-reshape");
    }

    #[test]
    fn pooling_needs_a_picture() {
        let pool = Node::SumPool2d(SumPool2d(Pool2d { kernel_size: [2, 2], stride: [2, 2], padding: [0, 0] }));
        let picture = graph(&[("in", input(&[4, 9, 8])), ("pool", pool.clone())], &[("in", "pool")]);
        assert_eq!(infer_shapes(&picture).unwrap().nodes["pool"].output, [4, 4, 4]);
        let vector = graph(&[("in", input(&[9])), ("pool", pool)], &[("in", "pool")]);
        assert_eq!(infer_shapes(&vector).unwrap_err().code, "shape-mismatch");
    }

    #[test]
    fn what_nothing_tells_is_unknown() {
        assert_eq!(infer_shapes(&graph(&[("lif", lif(&[1]))], &[])).unwrap_err().code, "shape-unknown");
    }
}
