//! Connection algebra: of all equal ways to write what a population receives, the one that takes the least of a PE.
//!
//! Needs: `snn`, discretised, verified.
//! Gives: the same network with other connections: chains composed in the order that keeps them convolutions, parallel
//! connections of one source merged where a packet less is worth more than larger weights, convolutions without padding
//! as matrices and matrices as scales where that is cheaper, zero connections dropped. Equal terms are found by equality
//! saturation, their cost is the share of a PE's memory and time that the target's cost model gives.
//! Example: `snn.scale` and a 3 x 3 `snn.conv2d` of the same spikes, added, become one `snn.conv2d`.
//! Limits: 12 rounds and 1000 terms, matrices of up to 2^20 elements; what is left of chains is done by
//! `connection-fusion`. A merged connection is rounded once when it is quantized, its parts would be rounded each by
//! itself. Connections whose width the options name are not merged. Matrices are not split here: a PE holds the rows of
//! its own neurons anyway, and zeros in them are a matter of storage.
//! Source: Willsey et al., egg: fast and extensible equality saturation, POPL 2021; the rewrites are those of linear maps.

mod cost;
mod price;
mod rules;
mod term;

#[cfg(test)]
mod tests;

use crate::{
    analysis::traffic::{RATE, RATES, TICK},
    option_spec::OptionSpec,
    options::Options,
    session::{LEVEL, Remark, Session},
    snn::connection_fusion,
    target::TARGET,
};
use cost::{Cost, Costs};
use egg::{CostFunction, Extractor, Id, Runner, SimpleScheduler};
use price::Pricing;
use rules::{NODES, RULES, Rule};
use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
    ir::{Element, ValueType},
    snn::{self, Network, Op},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use term::{Algebra, Graph, Term};

/// Rounds of rewriting at most.
const ITERATIONS: usize = 12;

/// What the pass looks at besides weights: they decide the price of a connection.
pub const OPTIONS: &[&OptionSpec] = &[&LEVEL, &TARGET, &TICK, &RATE, &RATES];

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let before = Network::read(&module)?;
    let options = session.options.clone();
    let pricing = || Pricing::new(&session.target, options.weight_bits.all);
    let (graph, roots, originals) = terms(&before, pricing());
    let graph = saturate(graph, RULES, &options)?;
    let costs = Costs::new(&before, &options, &session.target, &graph.analysis);
    let mut best = Best { extractor: Extractor::new(&graph, costs), graph: &graph, originals, places: BTreeMap::new() };
    let mut network = before.clone();
    for (node, roots) in roots {
        for (position, root) in roots {
            network.nodes[node].inputs[position] = best.build(&mut network, root)?;
        }
    }
    let steps = best.steps(&network);
    if network == before {
        return Ok(module);
    }
    network.remove_unused(is_algebra);
    explain(session, &options, steps, before, network.clone())?;
    network.write(session.context)
}

/// Whether an op belongs to a term, and is not where one begins.
fn is_algebra(op: &Op) -> bool {
    op.is_linear() || matches!(op, Op::Add(_) | Op::Delay(_))
}

/// By user the operands that are terms: their positions and classes.
type Roots = BTreeMap<usize, Vec<(usize, Id)>>;

/// All terms of a network, those that users other than terms take, and the node of each.
fn terms(network: &Network, pricing: Pricing) -> (Graph, Roots, BTreeMap<Term, usize>) {
    let mut graph = Graph::new(Algebra::new(pricing));
    let mut classes = BTreeMap::new();
    let mut roots = Roots::new();
    for (index, node) in network.nodes.iter().enumerate().filter(|(_, node)| !is_algebra(&node.op)) {
        for (position, &input) in node.inputs.iter().enumerate() {
            // Delays alone close cycles, too.
            if network.nodes[input].op.is_linear() || matches!(network.nodes[input].op, Op::Add(_)) {
                roots.entry(index).or_default().push((position, class(network, &mut graph, &mut classes, input)));
            }
        }
    }
    let mut originals = BTreeMap::new();
    for (&index, &id) in &classes {
        for term in graph[id].iter() {
            originals.entry(term.clone()).or_insert(index);
        }
    }
    (graph, roots, originals)
}

/// The class of a node's term.
fn class(network: &Network, graph: &mut Graph, classes: &mut BTreeMap<usize, Id>, index: usize) -> Id {
    if let Some(&known) = classes.get(&index) {
        return known;
    }
    let node = &network.nodes[index];
    let shape = |index: usize| network.nodes[index].result.as_ref().map_or(Vec::new(), |result| result.shape.clone());
    let mut operand = |position: usize| class(network, graph, classes, node.inputs[position]);
    let term = match &node.op {
        Op::Delay(delay) => Term::Delay(delay.ticks, [operand(0)]),
        Op::Add(_) => Term::Sum((0..node.inputs.len()).map(operand).collect()),
        op if op.is_linear() => {
            let of = operand(0);
            let (from, to) = (shape(node.inputs[0]), shape(index));
            Term::Connection(graph.analysis.add(op.clone(), &from, &to, &node.name, Vec::new()), [of])
        }
        _ => Term::Source(index),
    };
    let id = graph.add(term);
    classes.insert(index, id);
    id
}

/// Adds all that the rules find.
fn saturate(mut graph: Graph, rules: &[Rule], options: &Options) -> Result<Graph> {
    let named: BTreeSet<String> = options.weight_bits.of.keys().cloned().collect();
    let rules: Vec<_> =
        rules.iter().map(|rule| rule.to_egg(&named)).collect::<std::result::Result<_, _>>().map_err(Diagnostic::bug)?;
    graph.rebuild();
    let algebra = Algebra::new(graph.analysis.pricing.clone());
    // The clock must not decide what comes out.
    let runner: Runner<Term, Algebra> = Runner::new(algebra)
        .with_egraph(graph)
        .with_scheduler(SimpleScheduler)
        .with_iter_limit(ITERATIONS)
        .with_node_limit(NODES)
        .with_time_limit(Duration::from_secs(1 << 40))
        .run(&rules);
    Ok(runner.egraph)
}

/// Builds the cheapest terms into a network.
struct Best<'g, C: CostFunction<Term>> {
    extractor: Extractor<'g, C, Term, Algebra>,
    graph: &'g Graph,
    originals: BTreeMap<Term, usize>,
    places: BTreeMap<Id, usize>,
}

impl<C: CostFunction<Term, Cost = Cost>> Best<'_, C> {
    /// The node of a class's cheapest term; one that the network has stays where it is.
    fn build(&mut self, network: &mut Network, class: Id) -> Result<usize> {
        let class = self.graph.find(class);
        if let Some(&place) = self.places.get(&class) {
            return Ok(place);
        }
        let term = self.extractor.find_best_node(class).clone();
        let original = self.originals.iter().find(|(other, _)| self.canonical(other) == term).map(|(_, &index)| index);
        let mut inputs = Vec::with_capacity(egg::Language::len(&term));
        for &operand in egg::Language::children(&term) {
            inputs.push(self.build(network, operand)?);
        }
        let place = match (&term, original) {
            (Term::Source(index), _) => *index,
            (_, Some(index)) if network.nodes[index].inputs == inputs => index,
            (Term::Connection(number, _), _) => {
                let connection = &self.graph.analysis.connections[*number];
                let result = ValueType::new(connection.to.clone(), Element::F32);
                network.push(connection.op.clone(), connection.name.clone(), inputs, Some(result))
            }
            (Term::Delay(ticks, _), _) => {
                let (name, result) = (network.nodes[inputs[0]].name.clone(), network.result(inputs[0])?.clone());
                network.push(snn::Delay { ticks: *ticks, seconds: None }.into(), name, inputs, Some(result))
            }
            (Term::Sum(_), _) => {
                let (name, result) = (network.nodes[inputs[0]].name.clone(), network.result(inputs[0])?.clone());
                network.push(snn::Add {}.into(), name, inputs, Some(result))
            }
        };
        self.places.insert(class, place);
        Ok(place)
    }

    fn canonical(&self, term: &Term) -> Term {
        egg::Language::map_children(term.clone(), |id| self.graph.find(id))
    }

    /// What was done to make the connections of a network.
    fn steps(&self, network: &Network) -> Vec<String> {
        let connections = &self.graph.analysis.connections;
        let mut steps: Vec<String> = Vec::new();
        for node in &network.nodes {
            for made in connections.iter().filter(|made| made.op == node.op && !made.steps.is_empty()) {
                let new: Vec<String> = made.steps.iter().filter(|step| !steps.contains(step)).cloned().collect();
                steps.extend(new);
            }
        }
        steps
    }
}

/// Says what was done, and what it saves against composing everything in order.
fn explain(
    session: &mut Session<'_>,
    options: &Options,
    steps: Vec<String>,
    before: Network,
    after: Network,
) -> Result<()> {
    let total = |mut network: Network| -> Result<[f64; 2]> {
        let mut quiet = Session::new(session.context, session.target.clone(), options.clone());
        connection_fusion::fuse(&mut quiet, &mut network)?;
        let (graph, roots, _) = terms(&network, Pricing::new(&session.target, options.weight_bits.all));
        let extractor = Extractor::new(&graph, Costs::new(&network, options, &session.target, &graph.analysis));
        let costs = roots.values().flatten().map(|&(_, root)| extractor.find_best_cost(root));
        Ok(costs.fold([0.0; 2], |[bytes, cycles], cost| [bytes + cost.bytes, cycles + cost.cycles]))
    };
    let now = total(after)?;
    let saved = match total(before) {
        Ok(then) => {
            let part = |[then, now]: [f64; 2], unit: &str| format!("{then:.0} -> {now:.0} {unit}");
            format!("{}, {}", part([then[0], now[0]], "bytes"), part([then[1], now[1]], "cycles per tick"))
        }
        Err(error) => format!("without it: {}", error.title),
    };
    session.remarks.push(Remark { pass: "connection-algebra", steps, saved });
    Ok(())
}
