//! What a connection takes on a PE: the measure by which the best of equal terms is chosen.

use super::{
    price::Price,
    term::{Algebra, Term},
};
use crate::{options::Options, target::Target};
use egg::{CostFunction, Id};
use s2c_dialects::snn::Network;

/// The cost of a term.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Cost {
    /// Share of a PE's memory plus share of a PE's time in a tick.
    pub pes: f64,
    /// Size of the term.
    pub terms: usize,
    /// Spikes per tick, for what is not a current.
    pub spikes: Option<f64>,
    /// Bytes of weights, tables and code.
    pub bytes: f64,
    /// Cycles per tick.
    pub cycles: f64,
}

/// What a connection or a delay costs that takes a current: the chip has none before they are all added.
const IMPOSSIBLE: f64 = 1e9;

/// The chip's cost of terms.
pub struct Costs<'a> {
    network: &'a Network,
    options: &'a Options,
    /// The connections' prices, by number.
    prices: Vec<Price>,
    /// Bytes of a PE, and its cycles in a tick.
    pe: [f64; 2],
}

impl<'a> Costs<'a> {
    /// The costs of all terms of an e-graph.
    pub fn new(network: &'a Network, options: &'a Options, target: &Target, algebra: &Algebra) -> Self {
        let seconds = options.tick.or(network.dt).unwrap_or(1e-3);
        let hertz = target.clock.frequencies.first().copied().unwrap_or(1) as f64;
        let prices = algebra.connections.iter().map(|connection| connection.price).collect();
        Self { network, options, prices, pe: [f64::from(target.data_bytes()), seconds * hertz] }
    }
}

impl CostFunction<Term> for Costs<'_> {
    type Cost = Cost;

    fn cost<C: FnMut(Id) -> Cost>(&mut self, term: &Term, mut costs: C) -> Cost {
        let none = Cost { pes: 0.0, terms: 1, spikes: None, bytes: 0.0, cycles: 0.0 };
        let sum = |a: Cost, b: Cost| Cost {
            pes: a.pes + b.pes,
            terms: a.terms + b.terms,
            spikes: None,
            bytes: a.bytes + b.bytes,
            cycles: a.cycles + b.cycles,
        };
        match term {
            Term::Source(index) => {
                let node = &self.network.nodes[*index];
                let neurons = node.result.as_ref().map_or(0, |result| result.len());
                let rate = node.op.node().map_or(0.0, |name| self.options.rate.at(name));
                Cost { spikes: Some(rate * neurons as f64), ..none }
            }
            Term::Delay(_, [of]) => {
                let of = costs(*of);
                let impossible = if of.spikes.is_some() { 0.0 } else { IMPOSSIBLE };
                Cost { pes: of.pes + impossible, terms: of.terms + 1, ..of }
            }
            Term::Connection(number, [of]) => {
                let (of, price) = (costs(*of), self.prices[*number]);
                let Some(spikes) = of.spikes else {
                    return Cost { pes: of.pes + IMPOSSIBLE, terms: of.terms + 1, spikes: None, ..of };
                };
                let cycles = price.cycles * spikes;
                let pes = price.bytes / self.pe[0] + cycles / self.pe[1];
                Cost { pes, terms: of.terms + 1, spikes: None, bytes: price.bytes, cycles }
            }
            Term::Sum(terms) => terms.iter().map(|&term| costs(term)).fold(none, sum),
        }
    }
}
