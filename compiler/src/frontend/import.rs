//! From a NIR file to a module of `snn`.
//!
//! One op per NIR node, with the node's path as the op's location. Edges that meet in a node are added. In a cycle one
//! edge carries what the previous tick gave: it becomes an explicit `snn.delay`, so that nothing depends on the order of
//! the text. Spikes that reach a population without a connection go through an `snn.scale` by one. An output of currents
//! gets an `snn.relay`, which is updated once per tick as a population is.

mod choices;
mod connections;
pub(crate) mod cycles;
mod parameter;
mod populations;

use s2c_dialects::{
    Context, Module,
    attribute::Tensor,
    diagnostic::{Diagnostic, Result},
    ir::{Element, ValueType},
    snn::{self, Network, Op},
};
use s2c_nir::{Graph, Model, Node, Shapes};
use s2c_passes::{
    options::{InputKind, Options},
    registry,
};
use std::collections::BTreeMap;

/// Builds the module of a model whose graph has no subgraphs.
///
/// # Errors
/// Nodes that are not supported, and what does not fit together.
pub fn import<'c>(
    context: &'c Context,
    model: &Model,
    name: &str,
    options: &Options,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Module<'c>> {
    warnings.extend(model.warnings.iter().cloned());
    let options = &choices::fill(options, &model.choices)?;
    let graph = &model.graph;
    if let Some((name, node)) = graph.nodes.iter().find(|(_, node)| !is_supported(node)) {
        return Err(Box::new(
            Diagnostic::error("unsupported-node", format!("`{}` nodes are not supported yet", node.kind()))
                .at_node(name),
        ));
    }
    let shapes = s2c_nir::infer_shapes(graph)?;
    warnings.extend(shapes.warnings.iter().cloned());
    build(graph, &shapes, name, options, warnings)?.write(context)
}

/// Whether a node can be compiled.
pub fn is_supported(node: &Node) -> bool {
    !matches!(node, Node::Graph(_))
}

/// The network of a flattened graph.
fn build(
    graph: &Graph,
    shapes: &Shapes,
    name: &str,
    options: &Options,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Network> {
    let plan = cycles::plan(graph, warnings)?;
    let mut sources = vec![Vec::new(); graph.nodes.len()];
    graph.links().for_each(|(from, to)| sources[to].push(from));
    let mut builder = Builder {
        network: Network { name: name.to_owned(), dt: None, options: registry::write(options), nodes: Vec::new() },
        graph,
        shapes,
        input_kind: options.input_kind,
        limit: options.input_limit.into(),
        sources,
        values: vec![None; graph.nodes.len()],
        delays: BTreeMap::new(),
        late: plan.late,
    };
    for node in plan.order {
        builder.add(node)?;
    }
    builder.close_delays()?;
    Ok(builder.network)
}

struct Builder<'g> {
    network: Network,
    graph: &'g Graph,
    shapes: &'g Shapes,
    input_kind: InputKind,
    limit: i64,
    /// For each node of the graph those with an edge to it, in the order of the edges. Nodes are numbered as in the graph.
    sources: Vec<Vec<usize>>,
    /// Index of the op whose result stands for a node.
    values: Vec<Option<usize>>,
    /// Delays whose operand comes later, with the node that it is.
    delays: BTreeMap<usize, usize>,
    /// Edges that lead back, with the ticks by which they are late.
    late: BTreeMap<(usize, usize), i64>,
}

impl Builder<'_> {
    /// The values that arrive at a node, in the order of the file's edges.
    fn operands(&mut self, node: usize) -> Result<Vec<usize>> {
        let mut operands = Vec::with_capacity(self.sources[node].len());
        for source in self.sources[node].clone() {
            operands.push(match (self.late.get(&(source, node)), self.values[source]) {
                // The source may not be there yet; its operand is set at the end.
                (Some(&ticks), _) => {
                    let name = self.graph.name(source);
                    let result = ValueType::new(self.shape(name)?.output.clone(), self.element(source));
                    let op = snn::Delay { ticks, seconds: None };
                    let delay = self.network.push(op.into(), name, vec![0], Some(result));
                    self.delays.insert(delay, source);
                    delay
                }
                (None, Some(value)) => value,
                (None, None) => {
                    return Err(Box::new(Diagnostic::bug("nodes are not in order").at_node(self.graph.name(node))));
                }
            });
        }
        if operands.is_empty() && !matches!(self.graph.nodes[node], Node::Input(_)) {
            let error = Diagnostic::error("no-input", "no edge leads into the node");
            return Err(Box::new(error.at_node(self.graph.name(node))));
        }
        Ok(operands)
    }

    fn close_delays(&mut self) -> Result<()> {
        for (delay, source) in std::mem::take(&mut self.delays) {
            let missing = || Diagnostic::bug("a delayed edge has no source").at_node(self.graph.name(source));
            self.network.nodes[delay].inputs = vec![self.values[source].ok_or_else(missing)?];
        }
        Ok(())
    }

    fn shape(&self, name: &str) -> Result<&s2c_nir::NodeShape> {
        let shape = self.shapes.nodes.get(name);
        shape.ok_or_else(|| Box::new(Diagnostic::bug("a node has no shape").at_node(name)))
    }

    fn input_element(&self) -> Element {
        match self.input_kind {
            InputKind::Values => Element::F32,
            InputKind::Spikes if self.limit > 1 => Element::Count,
            InputKind::Spikes => Element::Spike,
        }
    }

    /// What the values of a node are that may not be there yet.
    fn element(&self, node: usize) -> Element {
        match &self.graph.nodes[node] {
            Node::Input(_) => self.input_element(),
            Node::If(_) | Node::Lif(_) | Node::CubaLif(_) | Node::Threshold(_) => Element::Spike,
            // Elements that are late by different times become a sum of currents.
            Node::Delay(delay) if delay.delay.iter().any(|&seconds| Some(&seconds) != delay.delay.first()) => {
                Element::F32
            }
            // These hand on one value as it is, and sums as currents.
            Node::Flatten(_) | Node::Delay(_) => match self.sources[node][..] {
                [only] => self.element(only),
                _ => Element::F32,
            },
            _ => Element::F32,
        }
    }

    /// Whether a value is what a connection gives, perhaps late, and not what an input or a population hands on.
    fn is_current(&self, value: usize) -> bool {
        let mut at = value;
        while let Op::Delay(_) = &self.network.nodes[at].op {
            // The operand of a delay within a cycle is only set at the end; it is always a population.
            if self.delays.contains_key(&at) {
                return false;
            }
            at = self.network.nodes[at].inputs[0];
        }
        let op = &self.network.nodes[at].op;
        op.is_linear() || matches!(op, Op::Add(_))
    }

    /// What hands on a current as it is, under the name of the node that it comes from.
    fn relay(&mut self, value: usize) -> Result<usize> {
        let (name, shape) = (self.network.nodes[value].name.clone(), self.network.result(value)?.shape.clone());
        let input = self.sum(&name, &[value], &shape)?;
        let op = snn::Relay { node: name.clone() };
        Ok(self.current(op, &name, input, &shape))
    }

    /// A node whose result is a current of this shape.
    fn current(&mut self, op: impl Into<Op>, name: &str, operand: usize, shape: &[usize]) -> usize {
        self.network.push(op.into(), name, vec![operand], Some(ValueType::new(shape.to_vec(), Element::F32)))
    }

    fn add(&mut self, node: usize) -> Result<()> {
        let graph = self.graph;
        let name = graph.name(node);
        let shape = self.shape(name)?.clone();
        let operands = self.operands(node)?;
        let value = match &graph.nodes[node] {
            Node::Input(_) => {
                let element = self.input_element();
                let op = snn::Input { node: name.to_owned(), limit: self.limit };
                self.network.push(op.into(), name, vec![], Some(ValueType::new(shape.output, element)))
            }
            Node::Output(_) => self.output(name, &operands)?,
            Node::Flatten(_) => match operands[..] {
                [only] => only,
                _ => self.sum(name, &operands, &shape.output)?,
            },
            Node::Affine(affine) => self.linear(name, &affine.weight, Some(&affine.bias), &operands, &shape.output)?,
            Node::Linear(linear) => self.linear(name, &linear.weight, None, &operands, &shape.output)?,
            Node::Scale(scale) => self.scale(name, scale, &operands, &shape.output)?,
            Node::Conv1d(conv) => self.convolution(name, conv, &operands, &shape)?,
            Node::Conv2d(conv) => self.convolution(name, conv, &operands, &shape)?,
            Node::SumPool2d(pool) => self.pool(name, &pool.0, false, &operands, &shape)?,
            Node::AvgPool2d(pool) => self.pool(name, &pool.0, true, &operands, &shape)?,
            Node::Delay(delay) => self.delay(name, delay, &operands, &shape.output)?,
            node => {
                let op = populations::population(name, node, &shape.output)?;
                self.population(name, op, &operands, &shape.output)?
            }
        };
        self.values[node] = Some(value);
        Ok(())
    }

    fn population(&mut self, name: &str, op: Op, operands: &[usize], shape: &[usize]) -> Result<usize> {
        let input = self.sum(name, operands, shape)?;
        let element = if op.is_graded() { Element::F32 } else { Element::Spike };
        Ok(self.network.push(op, name, vec![input], Some(ValueType::new(shape.to_vec(), element))))
    }

    fn output(&mut self, name: &str, operands: &[usize]) -> Result<usize> {
        let [value] = operands[..] else {
            return Err(Box::new(
                Diagnostic::error("fan-in", format!("{} edges lead into an output", operands.len())).at_node(name),
            ));
        };
        let value = if self.is_current(value) { self.relay(value)? } else { value };
        Ok(self.network.push(snn::Output { node: name.to_owned() }.into(), name, vec![value], None))
    }

    /// The sum of what arrives, as a current; a spike is a current of one.
    fn sum(&mut self, name: &str, operands: &[usize], shape: &[usize]) -> Result<usize> {
        let mut currents = Vec::with_capacity(operands.len());
        for &operand in operands {
            let is_current =
                matches!(self.network.nodes[operand].op, Op::Add(_)) || self.network.nodes[operand].op.is_linear();
            currents.push(if is_current && self.network.result(operand)?.shape == shape {
                operand
            } else {
                let count = shape.iter().product();
                self.current(snn::Scale { scale: Tensor::splat(vec![count], 1.0) }, name, operand, shape)
            });
        }
        match currents[..] {
            [only] => Ok(only),
            _ => {
                let result = ValueType::new(shape.to_vec(), Element::F32);
                Ok(self.network.push(snn::Add {}.into(), name, currents, Some(result)))
            }
        }
    }
}
