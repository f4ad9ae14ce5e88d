//! How all populations are cut together: few PEs, none of which needs more cycles than a tick has.

use super::{
    cut::{self, Limits, Needs, Piece},
    storage,
    stored::Storage,
};
use crate::{
    options::{Level, Options},
    session::Session,
    target::Target,
};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    qsnn::Network,
};
use std::collections::BTreeMap;

/// The part of a tick that expected work may fill; the rest is for ticks with more packets than expected.
const SHARE: f64 = 0.75;
/// Steps of the search for the shortest tick that there are PEs for; each halves what is left to search.
const STEPS: usize = 24;

/// The pieces of each population, by its index.
type Pieces = BTreeMap<usize, Vec<Piece>>;

/// How populations are cut and stored, by their indices.
pub struct Plan {
    /// The pieces of each.
    pub pieces: Pieces,
    /// How the weights into each are stored.
    pub storages: BTreeMap<usize, Storage>,
}

/// Plans the cut of all populations of a network.
///
/// # Errors
/// A population of which not even four neurons fit into a PE, and a network that needs more PEs than there are.
pub fn plan(session: &mut Session<'_>, network: &Network, options: &Options) -> Result<Plan> {
    let target = &session.target;
    let seconds = options.tick.or(network.dt).unwrap_or(f64::INFINITY);
    let budgets: Vec<f64> = target.clock.frequencies.iter().map(|&hertz| seconds * hertz as f64 * SHARE).collect();
    let longest = budgets.last().copied().unwrap_or(f64::INFINITY);
    // Fewer bytes are of no use where weights that take longer ask for more slices.
    let cycles = if options.level == Level::Os { longest } else { f64::INFINITY };
    let limits = Limits { bytes: target.data_bytes() as usize, cycles };
    let mut storages = BTreeMap::new();
    for (index, _) in network.nodes.iter().enumerate().filter(|(_, node)| node.op.is_neuron()) {
        storages.insert(index, storage::choose(target, network, index, options, limits)?);
    }
    let machine = Machine::new(target, network, options, &storages)?;
    let fewest = machine.cut(f64::INFINITY)?;
    if size(&fewest) > machine.pes {
        return Err(Box::new(too_many(session, &machine.needs, &fewest)));
    }
    let pieces = match options.level {
        Level::O0 => fewest,
        // No PE more than the fastest clock makes necessary.
        Level::Os => machine.within(&[longest], fewest, 0)?,
        _ => {
            // More slices take more memory in all. For a slower clock they may take what better storage has saved.
            let straight = storages.keys().map(|&index| Ok((index, storage::straight(network, index)?)));
            let straight = Machine::new(target, network, options, &straight.collect::<Result<_>>()?)?;
            let most_bytes = straight.cut(f64::INFINITY).map_or(usize::MAX, |plan| straight.bytes_of(&plan));
            machine.within(&budgets, fewest, most_bytes)?
        }
    };
    if machine.busiest(&pieces) > longest {
        session.warnings.push(too_short(session, &machine, &pieces, seconds));
    }
    Ok(Plan { pieces, storages })
}

fn size(plan: &Pieces) -> usize {
    plan.values().map(Vec::len).sum()
}

/// What is to be cut, and for what.
struct Machine {
    needs: BTreeMap<usize, Needs>,
    /// Bytes of a PE for data.
    bytes: usize,
    /// Number of PEs.
    pes: usize,
}

impl Machine {
    fn new(target: &Target, network: &Network, options: &Options, storages: &BTreeMap<usize, Storage>) -> Result<Self> {
        let needs = storages
            .iter()
            .map(|(&index, storage)| Ok((index, cut::needs(target, network, index, options, storage)?)))
            .collect::<Result<_>>()?;
        Ok(Self { needs, bytes: target.data_bytes() as usize, pes: target.pe_count() })
    }

    /// Bytes of all PEs together, about.
    fn bytes_of(&self, plan: &Pieces) -> usize {
        plan.iter().map(|(index, pieces)| self.needs[index].bytes(pieces, self.sources(plan, *index))).sum()
    }

    /// Number of pieces of a population's sources.
    fn sources(&self, plan: &Pieces, index: usize) -> usize {
        self.needs[&index].sources.iter().map(|source| plan.get(source).map_or(1, Vec::len)).sum()
    }

    /// Cycles of the busiest PE.
    fn busiest(&self, plan: &Pieces) -> f64 {
        plan.iter().map(|(index, pieces)| self.needs[index].cycles(pieces)).fold(0.0, f64::max)
    }

    /// The cut that keeps the first budget for which there are PEs and for which all PEs together take at most
    /// `most_bytes`, which does not hold for the last; else the one with the shortest tick.
    fn within(&self, budgets: &[f64], fewest: Pieces, most_bytes: usize) -> Result<Pieces> {
        for (number, &budget) in budgets.iter().enumerate() {
            let plan = self.cut(budget)?;
            let is_small = number + 1 == budgets.len() || self.bytes_of(&plan) <= most_bytes;
            if is_small && size(&plan) <= self.pes && self.busiest(&plan) <= budget {
                return Ok(plan);
            }
        }
        let (mut low, mut high, mut best) = (0.0, self.busiest(&fewest), fewest);
        for _ in 0..STEPS {
            let middle = (low + high) / 2.0;
            let plan = self.cut(middle)?;
            if size(&plan) <= self.pes && self.busiest(&plan) < self.busiest(&best) {
                (high, best) = (middle, plan);
            } else {
                low = middle;
            }
        }
        Ok(best)
    }

    /// Cuts every population; sources that are cut into more pieces need larger tables, which may make slices smaller.
    fn cut(&self, cycles: f64) -> Result<Pieces> {
        let limits = Limits { bytes: self.bytes, cycles };
        let mut pieces: BTreeMap<usize, usize> = self.needs.keys().map(|&index| (index, 1)).collect();
        loop {
            let mut plan = Pieces::new();
            for (&index, needs) in &self.needs {
                let sources = needs.sources.iter().map(|source| pieces.get(source).copied().unwrap_or(1)).sum();
                plan.insert(index, needs.cut(limits, sources)?);
            }
            let grown: Vec<(usize, usize)> = plan
                .iter()
                .map(|(index, cut)| (*index, cut.len()))
                .filter(|(index, now)| *now > pieces[index])
                .collect();
            if grown.is_empty() {
                return Ok(plan);
            }
            pieces.extend(grown);
        }
    }
}

fn too_short(session: &Session<'_>, machine: &Machine, plan: &Pieces, seconds: f64) -> Diagnostic {
    let cycles = |(index, pieces): (&usize, &Vec<Piece>)| machine.needs[index].cycles(pieces);
    let slowest = plan.iter().max_by(|a, b| cycles(*a).total_cmp(&cycles(*b)));
    let hertz = session.target.clock.frequencies.last().copied().unwrap_or(1) as f64;
    let needed = machine.busiest(plan) / hertz / SHARE;
    Diagnostic::warning("tick-too-short", "a PE may need more cycles than a tick has")
        .at_node(slowest.map_or("?", |(index, _)| machine.needs[index].node.as_str()))
        .text(format!(
            "{:.0} cycles are expected in a tick of {:.3} ms; at {:.0} MHz, with a quarter of the tick kept free, that \
             takes {:.3} ms. {} of {} PEs are used.",
            machine.busiest(plan),
            seconds * 1e3,
            hertz / 1e6,
            needed * 1e3,
            size(plan),
            machine.pes
        ))
        .hint(format!(
            "run with ticks of --tick {needed:.2e} or longer, use a target with more chips, or give real rates with --rates"
        ))
}

fn too_many(session: &Session<'_>, needs: &BTreeMap<usize, Needs>, plan: &Pieces) -> Diagnostic {
    let target = &session.target;
    let available = target.pe_count();
    let count: usize = plan.values().map(Vec::len).sum();
    let mut largest: Vec<(&Needs, usize)> = plan.iter().map(|(index, pieces)| (&needs[index], pieces.len())).collect();
    largest.sort_by_key(|(_, pes)| std::cmp::Reverse(*pes));
    let list: Vec<String> = largest.iter().take(3).map(|(needs, pes)| format!("`{}` {pes}", needs.node)).collect();
    let chips = count.div_ceil((available / target.chip_count()).max(1));
    let (first, _) = largest[0];
    let bits =
        if first.weights_dominate() { "fewer --weight-bits (most of its memory holds weights), or " } else { "" };
    Diagnostic::error("too-many-pes", format!("the network needs {count} PEs"))
        .at_node(&first.node)
        .text(format!(
            "Target `{}` has {available} for applications on {} {}. The most PEs are needed by {}.",
            target.name,
            target.chip_count(),
            if target.chip_count() == 1 { "chip" } else { "chips" },
            list.join(", ")
        ))
        .hint(format!("use {bits}a target with at least {chips} chips"))
}
