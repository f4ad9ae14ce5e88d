//! Projections: what feeds a population.
//!
//! The input of a population is a sum of connections, each on the spikes of an input or of a population, perhaps some
//! ticks late. This walks back from the population over `add` and `delay` to the connections and on to the sources.

use super::shared::{Analyses, Analysis};
use crate::target::Target;
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    graph::{DialectOp, Network},
    qsnn, snn,
};

/// One connection into a population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Projection {
    /// Index of the node whose spikes it takes: an input or a population.
    pub source: usize,
    /// Index of the connection's node.
    pub connection: usize,
    /// Delay in ticks of network time.
    pub ticks: i64,
}

enum Kind {
    Source,
    Connection,
    Sum,
    Delay(i64),
    Other,
}

/// The projections into population `population` of a float network, in the order of its operands.
pub fn of_snn(network: &snn::Network, population: usize) -> Result<Vec<Projection>> {
    walk(network, population, &|op| match op {
        snn::Op::Input(_) => Kind::Source,
        snn::Op::Linear(_) | snn::Op::Conv2d(_) | snn::Op::Scale(_) => Kind::Connection,
        snn::Op::Add(_) => Kind::Sum,
        snn::Op::Delay(delay) => Kind::Delay(delay.ticks),
        op if op.is_neuron() => Kind::Source,
        _ => Kind::Other,
    })
}

/// The projections into population `population` of an integer network, in the order of its operands.
pub fn of_qsnn(network: &qsnn::Network, population: usize) -> Result<Vec<Projection>> {
    walk(network, population, &|op| match op {
        qsnn::Op::Input(_) => Kind::Source,
        qsnn::Op::Dense(_) | qsnn::Op::Conv2d(_) | qsnn::Op::Scale(_) => Kind::Connection,
        qsnn::Op::Add(_) => Kind::Sum,
        qsnn::Op::Delay(delay) => Kind::Delay(delay.ticks),
        op if op.is_neuron() => Kind::Source,
        _ => Kind::Other,
    })
}

fn walk<O: DialectOp>(network: &Network<O>, population: usize, kind: &dyn Fn(&O) -> Kind) -> Result<Vec<Projection>> {
    let mut found = Vec::new();
    // (node, connection passed on the way, delay so far), last operand first.
    let mut open: Vec<(usize, Option<usize>, i64)> =
        network.nodes[population].inputs.iter().rev().map(|&input| (input, None, 0)).collect();
    while let Some((index, connection, ticks)) = open.pop() {
        let node = &network.nodes[index];
        match (kind(&node.op), connection) {
            (Kind::Source, Some(connection)) => found.push(Projection { source: index, connection, ticks }),
            (Kind::Connection, None) => open.push((node.inputs[0], Some(index), ticks)),
            (Kind::Sum, None) => open.extend(node.inputs.iter().rev().map(|&input| (input, None, ticks))),
            (Kind::Delay(more), _) => open.push((node.inputs[0], connection, ticks + more)),
            _ => return Err(Box::new(not_a_connection(&network.nodes[population].name))),
        }
    }
    Ok(found)
}

/// The projections into all populations of an integer network, by their indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Projections(Vec<Vec<Projection>>);

impl Projections {
    /// Those into a population, in the order of its operands.
    pub fn of_population(&self, population: usize) -> &[Projection] {
        &self.0[population]
    }

    /// All of them, with the population that each leads into.
    pub fn all(&self) -> impl Iterator<Item = (usize, &Projection)> {
        self.0
            .iter()
            .enumerate()
            .flat_map(|(population, into)| into.iter().map(move |projection| (population, projection)))
    }
}

impl Analysis for Projections {
    type Module = qsnn::Network;
    fn of(network: &qsnn::Network, _: &Target, _: &mut Analyses) -> Result<Self> {
        let is_population = |&index: &usize| network.nodes[index].op.is_neuron();
        let into = |index| if is_population(&index) { of_qsnn(network, index) } else { Ok(Vec::new()) };
        (0..network.nodes.len()).map(into).collect::<Result<_>>().map(Self)
    }
}

/// The source of an output: the population or input whose spikes it hands back, and the delay on the way.
pub fn of_output(network: &qsnn::Network, output: usize) -> Result<(usize, i64)> {
    let (mut index, mut ticks) = (network.nodes[output].inputs[0], 0);
    while let qsnn::Op::Delay(delay) = &network.nodes[index].op {
        ticks += delay.ticks;
        index = network.nodes[index].inputs[0];
    }
    Ok((index, ticks))
}

/// Copies connections until none feeds two populations: they need scales (and biases) of their own.
pub(crate) fn unshare(network: &mut snn::Network) {
    let shared = |network: &snn::Network| {
        let users = network.users();
        let is_shared = |&index: &usize| {
            let op = &network.nodes[index].op;
            (op.is_linear() || matches!(op, snn::Op::Add(_))) && users[index].len() > 1
        };
        (0..network.nodes.len()).find(is_shared).map(|index| (index, users[index][1]))
    };
    while let Some((index, user)) = shared(network) {
        let copy = network.nodes[index].clone();
        network.nodes.push(copy);
        let copy = network.nodes.len() - 1;
        let position = network.nodes[user].inputs.iter().rposition(|&input| input == index);
        if let Some(position) = position {
            network.nodes[user].inputs[position] = copy;
        }
    }
}

/// The diagnostic for an operand that is not a connection.
pub(crate) fn not_a_connection(node: &str) -> Diagnostic {
    Diagnostic::error("no-connection", "a population's input does not come through a connection")
        .at_node(node)
        .hint("put a Linear or Affine node between the two")
}
