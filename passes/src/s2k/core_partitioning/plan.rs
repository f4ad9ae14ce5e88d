//! How all populations are cut together: few PEs, none of which needs more cycles than a tick has.

use super::{
    cut::{self, Limits, Needs, Piece},
    job::Job,
    storage,
    stored::Storage,
};
use crate::{analysis::memory, options::Level, target::Target};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    s2k::Pe,
};
use std::collections::BTreeMap;

/// The part of a tick that expected work may fill; the rest is for ticks with more packets than expected.
const SHARE: f64 = 0.75;
/// Steps of the search for the shortest tick that there are PEs for; each halves what is left to search.
const STEPS: usize = 24;

/// The pieces of each population, by its index.
pub type Pieces = BTreeMap<usize, Vec<Piece>>;

/// Plans the cut of all populations of a network.
pub struct Planner<'j> {
    job: &'j Job<'j>,
    /// How the weights into each population are stored, by its index.
    pub storages: BTreeMap<usize, Storage>,
    machine: Machine,
    /// Bytes of all PEs together that slices for a slow clock may take.
    most_bytes: usize,
}

impl<'j> Planner<'j> {
    /// Chooses how weights are stored.
    ///
    /// # Errors
    /// A population of which not even four neurons fit into a PE.
    pub fn new(job: &'j Job<'j>) -> Result<Self> {
        let populations = || job.network.nodes.iter().enumerate().filter(|(_, node)| node.op.is_neuron());
        // Fewer bytes are of no use where weights that take longer ask for more slices.
        let longest = budgets(job).last().copied().filter(|_| job.options.level == Level::Os);
        let limits = Limits { bytes: job.target.data_bytes() as usize, cycles: longest.unwrap_or(f64::INFINITY) };
        let storages = populations().map(|(index, _)| Ok((index, storage::choose(job, index, limits)?)));
        let storages = storages.collect::<Result<_>>()?;
        let most_bytes = match job.options.level {
            Level::O0 | Level::Os => 0,
            // More slices take more memory in all. For a slower clock they may take what better storage has saved.
            _ => {
                let straight = populations().map(|(index, _)| Ok((index, storage::straight(job, index)?)));
                let straight = Machine::new(job, &straight.collect::<Result<_>>()?)?;
                straight.cut(f64::INFINITY).map_or(usize::MAX, |plan| straight.bytes_of(&plan))
            }
        };
        Ok(Self { machine: Machine::new(job, &storages)?, job, storages, most_bytes })
    }

    /// The pieces of each population.
    ///
    /// # Errors
    /// A population of which not even four neurons fit into a PE, and a network that needs more PEs than there are.
    pub fn pieces(&self) -> Result<Pieces> {
        let fewest = self.machine.cut(f64::INFINITY)?;
        if size(&fewest) > self.machine.pes {
            return Err(Box::new(too_many(self.job.target, &self.machine.needs, &fewest)));
        }
        let budgets = budgets(self.job);
        match self.job.options.level {
            Level::O0 => Ok(fewest),
            // No PE more than the fastest clock makes necessary.
            Level::Os => self.machine.within(&budgets[budgets.len().saturating_sub(1)..], fewest, 0),
            _ => self.machine.within(&budgets, fewest, self.most_bytes),
        }
    }

    /// What is to be said of pieces that are too slow at the fastest clock.
    pub fn warning(&self, pieces: &Pieces) -> Option<Diagnostic> {
        let longest = budgets(self.job).last().copied().unwrap_or(f64::INFINITY);
        let is_slow = self.machine.busiest(pieces) > longest;
        is_slow.then(|| too_short(self.job.target, &self.machine, pieces, seconds(self.job)))
    }

    /// Whether the PEs of all slices, each with its population's index, have the memory that they need. The next cut takes
    /// note of those that don't.
    ///
    /// # Errors
    /// A bug where a PE can't be laid out.
    pub fn fit(&mut self, pes: &[(usize, Pe)]) -> Result<bool> {
        let (target, mut fit) = (self.job.target, true);
        for (population, pe) in pes {
            let needed = memory::needed(pe, target.memory.code_bytes, self.job.packet_bytes)?;
            let (needed, neurons) = (needed as usize, pe.updates.iter().map(|update| update.count as usize).sum());
            if needed > self.machine.bytes
                && let Some(needs) = self.machine.needs.get_mut(population)
            {
                needs.does_not_fit(neurons, needed, self.machine.bytes);
                fit = false;
            }
        }
        Ok(fit)
    }
}

/// Length of a tick.
fn seconds(job: &Job<'_>) -> f64 {
    job.options.tick.or(job.network.dt).unwrap_or(f64::INFINITY)
}

/// Cycles of a tick at each clock frequency, as far as expected work may fill it.
fn budgets(job: &Job<'_>) -> Vec<f64> {
    job.target.clock.frequencies.iter().map(|&hertz| seconds(job) * hertz as f64 * SHARE).collect()
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
    fn new(job: &Job<'_>, storages: &BTreeMap<usize, Storage>) -> Result<Self> {
        let needs = storages
            .iter()
            .map(|(&index, storage)| Ok((index, cut::needs(job, index, storage)?)))
            .collect::<Result<_>>()?;
        Ok(Self { needs, bytes: job.target.data_bytes() as usize, pes: job.target.pe_count() })
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

fn too_short(target: &Target, machine: &Machine, plan: &Pieces, seconds: f64) -> Diagnostic {
    let cycles = |(index, pieces): (&usize, &Vec<Piece>)| machine.needs[index].cycles(pieces);
    let slowest = plan.iter().max_by(|a, b| cycles(*a).total_cmp(&cycles(*b)));
    let hertz = target.clock.frequencies.last().copied().unwrap_or(1) as f64;
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

fn too_many(target: &Target, needs: &BTreeMap<usize, Needs>, plan: &Pieces) -> Diagnostic {
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
