//! From the network that will run back to NIR, so that any framework can evaluate it.
//!
//! Structure, weights and biases are those of the integer network at the end of its passes, divided by the scales of its
//! neurons; the neurons' parameters are those that the float network has once it is discretised. What NIR has no field
//! for (dt, integrator, reset, comparison) goes along as metadata of the graph. Populations, inputs and outputs keep
//! their names; connections that were fused have the name of the last one, and a second node of a name is `name.2`.
//!
//! What rounding does to states while the network runs (`qsnn`'s README) is not in the file.
//!
//! A cycle's edge that is a tick late is an edge where a reader makes the same one late again (`import/cycles.rs`), and a
//! Delay node of a tick where it would not.

mod connections;
mod levels;
mod neurons;
mod weights;

use crate::frontend::import::cycles;
pub use levels::Levels;
use levels::inexpressible;
use ndarray::{ArrayD, IxDyn};
use petgraph::{algo::tarjan_scc, graphmap::DiGraphMap};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    qsnn::{Network, Op},
};
use s2c_nir::{
    Choices, Graph, Node,
    linear::Scale,
    port::{Flatten, Input, Output},
    signal::Delay,
};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use weights::Weights;

/// The graph of the integer network, and what of it NIR has no field for.
///
/// # Errors
/// A network that NIR can't express: neurons with different rules, or values instead of spikes.
pub fn export(levels: &Levels<'_>) -> Result<(Graph, Choices)> {
    let choices = neurons::choices(levels.discretized)?;
    let weights = weights::of(levels)?;
    let late = late_delays(levels.integers);
    let (graph, expected) = Builder::new(levels, &weights, &late).build()?;
    if cycles_agree(&graph, &expected) {
        return Ok((graph, choices));
    }
    Ok((Builder::new(levels, &weights, &BTreeSet::new()).build()?.0, choices))
}

/// A path as it is stored.
fn stored(path: &str) -> String {
    path.replace('/', ".")
}

/// Delays of one tick within cycles: the ones that an edge may stand for.
fn late_delays(network: &Network) -> BTreeSet<usize> {
    let mut graph = DiGraphMap::<usize, ()>::new();
    for (index, node) in network.nodes.iter().enumerate() {
        node.inputs.iter().for_each(|&input| _ = graph.add_edge(input, index, ()));
    }
    let cycles = tarjan_scc(&graph).into_iter().filter(|component| component.len() > 1).flatten();
    cycles.filter(|&index| matches!(&network.nodes[index].op, Op::Delay(delay) if delay.ticks == 1)).collect()
}

/// Whether a reader of the graph makes exactly these edges a tick late.
fn cycles_agree(graph: &Graph, expected: &BTreeSet<(String, String)>) -> bool {
    let Ok(plan) = cycles::plan(graph, &mut Vec::new()) else { return false };
    let late = plan.late.into_iter().filter(|(_, ticks)| *ticks == 1);
    let late: BTreeSet<_> =
        late.map(|((from, to), _)| (graph.name(from).to_owned(), graph.name(to).to_owned())).collect();
    let mut seen = HashSet::new();
    let is_single = graph.edges.iter().filter(|edge| expected.contains(*edge)).all(|edge| seen.insert(edge));
    late == *expected && is_single
}

struct Builder<'a> {
    levels: &'a Levels<'a>,
    weights: &'a Weights,
    /// Delays that become edges.
    late: &'a BTreeSet<usize>,
    /// The NIR node that gives the result of each op; sums and late edges have none.
    names: BTreeMap<usize, String>,
    taken: HashSet<String>,
    graph: Graph,
    late_edges: BTreeSet<(String, String)>,
}

/// Where a value comes from: a NIR node, and whether the edge from it is a tick late.
type Source = (String, bool);

impl<'a> Builder<'a> {
    fn new(levels: &'a Levels<'a>, weights: &'a Weights, late: &'a BTreeSet<usize>) -> Self {
        let (names, taken, graph, late_edges) = Default::default();
        Self { levels, weights, late, names, taken, graph, late_edges }
    }

    fn build(mut self) -> Result<(Graph, BTreeSet<(String, String)>)> {
        let nodes = &self.levels.integers.nodes;
        // Ports and populations first: theirs are the names that others look for.
        for (index, node) in nodes.iter().enumerate() {
            if let Some(name) = node.op.node() {
                let name = self.unique(name);
                self.names.insert(index, name);
            }
        }
        for (index, node) in nodes.iter().enumerate() {
            let has_node =
                !matches!(node.op, Op::Add(_)) && !self.late.contains(&index) && !self.is_plain_edge(index)?;
            if has_node && !self.names.contains_key(&index) {
                let is_delay = matches!(node.op, Op::Delay(_));
                let name = self.unique(&if is_delay { format!("{}.delay", node.name) } else { node.name.clone() });
                self.names.insert(index, name);
            }
        }
        for index in 0..nodes.len() {
            self.add(index)?;
        }
        Ok((self.graph, self.late_edges))
    }

    /// A name that no other node has once `/` is stored as `.`.
    fn unique(&mut self, name: &str) -> String {
        let wanted = stored(name);
        let mut name = wanted.clone();
        for number in 2.. {
            if self.taken.insert(name.clone()) {
                break;
            }
            name = format!("{wanted}.{number}");
        }
        name
    }

    /// The NIR nodes whose sum is the value of an op.
    fn sources(&self, index: usize) -> Vec<Source> {
        let node = &self.levels.integers.nodes[index];
        if let Some(name) = self.names.get(&index) {
            return vec![(name.clone(), false)];
        }
        let is_late = self.late.contains(&index);
        let sources = node.inputs.iter().flat_map(|&input| self.sources(input));
        sources.map(|(name, late)| (name, late || is_late)).collect()
    }

    fn shape(&self, index: usize) -> Result<&'a [usize]> {
        Ok(&self.levels.integers.result(index)?.shape)
    }

    fn connect(&mut self, sources: Vec<Source>, to: &str) {
        for (from, is_late) in sources {
            let edge = (from, to.to_owned());
            if is_late {
                self.late_edges.insert(edge.clone());
            }
            self.graph.edges.push(edge);
        }
    }

    /// Adds a node behind `sources`; gives what comes out of it.
    fn insert(&mut self, name: String, node: Node, sources: Vec<Source>) -> Vec<Source> {
        self.graph.nodes.insert(name.clone(), node);
        self.connect(sources, &name);
        vec![(name, false)]
    }

    fn add(&mut self, index: usize) -> Result<()> {
        let Some(name) = self.names.get(&index).cloned() else { return Ok(()) };
        let node = &self.levels.integers.nodes[index];
        let sources: Vec<Source> = node.inputs.iter().flat_map(|&input| self.sources(input)).collect();
        let (node, sources) = match &node.op {
            Op::Input(_) => (Node::Input(Input { shape: self.shape(index)?.to_vec() }), sources),
            Op::Output(_) => (Node::Output(Output { shape: self.shape(node.inputs[0])?.to_vec() }), sources),
            Op::Delay(delay) => {
                let dt = self.levels.integers.dt.ok_or_else(|| Diagnostic::bug("`discretization` has not run"))?;
                let delay = ArrayD::from_elem(IxDyn(self.shape(index)?), delay.ticks as f64 * dt);
                (Node::Delay(Delay { delay }), sources)
            }
            Op::Dense(_) => {
                let sources = self.flatten(index, sources)?;
                (self.matrix(index)?, sources)
            }
            Op::Scale(_) => {
                let factors = &self.weights.of(index)?.values;
                let (from, to) = (self.shape(node.inputs[0])?, self.shape(index)?);
                let sources = if from == to { sources } else { self.flatten(index, sources)? };
                (Node::Scale(Scale { scale: array(to, factors.clone())? }), sources)
            }
            Op::Conv2d(op) => {
                let sources = self.pool(index, op, sources)?;
                (self.convolution(index, op)?, sources)
            }
            op => {
                let population = neurons::population(self.levels.discretized, op.node().unwrap_or(&name))?;
                (population, sources)
            }
        };
        self.insert(name, node, sources);
        Ok(())
    }

    /// Whether an op is what `import` puts between populations that are connected without a weight.
    fn is_plain_edge(&self, index: usize) -> Result<bool> {
        let nodes = &self.levels.integers.nodes;
        if !matches!(nodes[index].op, Op::Scale(_)) || self.shape(nodes[index].inputs[0])? != self.shape(index)? {
            return Ok(false);
        }
        let weights = self.weights.of(index)?;
        let population = nodes[weights.population].op.node();
        Ok(population == Some(&nodes[index].name) && weights.values.iter().all(|&weight| weight == 1.0))
    }

    /// Joins the axes of what a matrix takes; a file's own Flatten keeps its name.
    fn flatten(&mut self, index: usize, sources: Vec<Source>) -> Result<Vec<Source>> {
        let operand = self.levels.integers.nodes[index].inputs[0];
        let shape = self.shape(operand)?.to_vec();
        let [(source, is_late)] = &sources[..] else {
            return Err(inexpressible(&self.levels.integers.nodes[index].name, "It takes a sum of spikes."));
        };
        if shape.len() < 2 {
            return Ok(sources);
        }
        let connection = &self.levels.integers.nodes[index].name;
        let own = self.levels.original.and_then(|graph| {
            let is_flatten = |name: &&str| matches!(graph.nodes.get(*name), Some(Node::Flatten(_)));
            graph
                .predecessors(connection)
                .filter(is_flatten)
                .find(|name| graph.predecessors(name).map(stored).eq([source.as_str()]))
        });
        let own = own.map(stored).filter(|_| !is_late);
        // Several connections may share one.
        if let Some(name) = own.as_ref().filter(|name| self.graph.nodes.contains_key(*name)) {
            return Ok(vec![(name.clone(), false)]);
        }
        let name = self.unique(&own.unwrap_or_else(|| format!("{connection}.flatten")));
        Ok(self.insert(name, Node::Flatten(Flatten { input_type: Some(shape), start_dim: 0, end_dim: -1 }), sources))
    }
}

/// Values in a shape.
fn array<T>(shape: &[usize], values: Vec<T>) -> Result<ArrayD<T>> {
    let array = ArrayD::from_shape_vec(IxDyn(shape), values);
    array.map_err(|error| Box::new(Diagnostic::bug(format!("values do not fit their shape: {error}"))))
}
