//! The terms of the algebra, and what is known of each connection.

use super::price::{Price, Pricing};
use egg::{DidMerge, EGraph, Id, Language};
use s2c_dialects::snn::Op;
use std::{collections::BTreeMap, mem};

/// Connections of an e-graph beyond which no new ones are made.
const CONNECTIONS: usize = 300;

/// What a population receives, as a term.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// What an input or a population hands on: a node of the network.
    Source(usize),
    /// The value of some ticks before.
    Delay(i64, [Id; 1]),
    /// A connection: a number in [`Algebra::connections`].
    Connection(usize, [Id; 1]),
    /// A sum.
    Sum(Vec<Id>),
}

impl Language for Term {
    type Discriminant = (mem::Discriminant<Self>, i64);

    fn discriminant(&self) -> Self::Discriminant {
        let data = match self {
            Self::Source(number) | Self::Connection(number, _) => *number as i64,
            Self::Delay(ticks, _) => *ticks,
            Self::Sum(terms) => terms.len() as i64,
        };
        (mem::discriminant(self), data)
    }

    fn matches(&self, other: &Self) -> bool {
        self.discriminant() == other.discriminant()
    }

    fn children(&self) -> &[Id] {
        match self {
            Self::Source(_) => &[],
            Self::Delay(_, of) | Self::Connection(_, of) => of,
            Self::Sum(terms) => terms,
        }
    }

    fn children_mut(&mut self) -> &mut [Id] {
        match self {
            Self::Source(_) => &mut [],
            Self::Delay(_, of) | Self::Connection(_, of) => of,
            Self::Sum(terms) => terms,
        }
    }
}

/// A connection between values of given shapes.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    /// The op.
    pub op: Op,
    /// Shape of what it takes.
    pub from: Vec<usize>,
    /// Shape of what it gives.
    pub to: Vec<usize>,
    /// The NIR node that it comes from, the last of several.
    pub name: String,
    /// What was done to make it, in order; empty for one of the network.
    pub steps: Vec<String>,
    /// What it takes on a PE.
    pub price: Price,
}

/// All connections of an e-graph.
pub struct Algebra {
    /// By number.
    pub connections: Vec<Connection>,
    /// How their prices are found.
    pub pricing: Pricing,
    /// What a rule made of a pair of connections.
    made: BTreeMap<(&'static str, usize, usize), Option<usize>>,
}

/// Terms that are equal under the algebra.
pub type Graph = EGraph<Term, Algebra>;

impl Algebra {
    /// No connections yet.
    pub fn new(pricing: Pricing) -> Self {
        Self { connections: Vec::new(), pricing, made: BTreeMap::new() }
    }

    /// The number of a connection; an equal one that is already there keeps its name.
    pub fn add(&mut self, op: Op, from: &[usize], to: &[usize], name: &str, steps: Vec<String>) -> usize {
        let is_equal = |other: &Connection| other.op == op && other.from == from && other.to == to;
        self.connections.iter().position(is_equal).unwrap_or_else(|| {
            let price = self.pricing.price(&op, from, to);
            let (from, to) = (from.to_vec(), to.to_vec());
            self.connections.push(Connection { op, from, to, name: name.to_owned(), steps, price });
            self.connections.len() - 1
        })
    }

    /// What `make` makes of two connections (or twice the same one) under a rule, as a connection from the one's input to
    /// the other's output. It is made once.
    pub fn make(
        &mut self,
        rule: &'static str,
        [last, first]: [usize; 2],
        make: impl FnOnce(&Connection, &Connection) -> Option<Op>,
    ) -> Option<usize> {
        if let Some(made) = self.made.get(&(rule, last, first)) {
            return *made;
        }
        if self.connections.len() >= CONNECTIONS {
            return None;
        }
        let (a, b) = (&self.connections[last], &self.connections[first]);
        let mut steps = b.steps.clone();
        steps.extend(a.steps.iter().filter(|step| !b.steps.contains(step)).cloned());
        let names = if last == first { format!("`{}`", a.name) } else { format!("`{}` and `{}`", b.name, a.name) };
        steps.push(format!("{rule} {names}"));
        let (from, to, name) = (b.from.clone(), a.to.clone(), a.name.clone());
        let made = make(a, b).map(|op| self.add(op, &from, &to, &name, steps));
        self.made.insert((rule, last, first), made);
        made
    }
}

impl egg::Analysis<Term> for Algebra {
    type Data = ();

    fn make(_: &mut Graph, _: &Term, _: Id) {}

    fn merge(&mut self, (): &mut (), (): ()) -> DidMerge {
        DidMerge(false, false)
    }
}
