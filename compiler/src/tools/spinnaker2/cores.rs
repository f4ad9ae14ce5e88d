//! How many neurons fit a PE with the vendor's programs, for how many ticks, and how long a tick must be.
//!
//! The vendor's software cuts populations where it is told to. What its programs keep in memory is known from its own code
//! generators (NESTML pull request 1191): per source with synapses into a PE 12 bytes of a table, a header of 12 and 4 for
//! every two synapses; 67,328 bytes for these, for parameters and for recordings. How long they compute is not known; the
//! cycles here are assumed, with a factor of two to spare, and the recipe that finds the right tick is in `docs/board.md`.

use super::plan::{Kind, Neurons, Plan, Program, Synapse, Synapses};
use s2c_dialects::diagnostic::{Diagnostic, Result};

/// Bytes of a PE for what the host sends and reads.
const BYTES: usize = 67_328;
/// Bytes of a source's table entry and of its row's header.
const SOURCE_BYTES: usize = 24;
/// Neurons of a `spike_list` on a PE.
const SPIKE_LIST: usize = 4096;
/// PE clock in Hz, the lower of the two.
const CLOCK: f64 = 150e6;
/// Shortest tick in seconds that published scripts use.
const SHORTEST: f64 = 1e-3;
/// How many times as long as computed a tick is made.
const MARGIN: f64 = 2.0;
/// Cycles per neuron.
const NEURON: f64 = 100.0;
/// Cycles per packet.
const PACKET: f64 = 200.0;
/// Cycles per synapse of a packet.
const SYNAPSE: f64 = 20.0;

impl Program {
    /// Words of parameters and state per neuron.
    fn words(self) -> usize {
        match self {
            Self::Lif | Self::Conv2d => 8,
            Self::CurrExp => 14,
        }
    }

    /// Most neurons per PE.
    fn most(self) -> usize {
        if self == Self::Conv2d { 256 } else { 250 }
    }
}

/// Bytes that `atoms` neurons record per tick: two words and a bit per neuron, or a word per neuron; and a time.
fn recorded(neurons: &Neurons, atoms: usize) -> usize {
    let words = if neurons.readout.is_some() { 1 + atoms } else { 2 + atoms.div_ceil(32) };
    4 * (words + 1)
}

/// Bytes of the fullest PE where there are `atoms` neurons on each, without recordings.
fn fullest(lists: &[&[Synapse]], neurons: &Neurons, size: usize, atoms: usize) -> usize {
    let mut bytes = vec![0; size.div_ceil(atoms)];
    for list in lists {
        for row in list.chunk_by(|a, b| (a.pre, a.post as usize / atoms) == (b.pre, b.post as usize / atoms)) {
            bytes[row[0].post as usize / atoms] += SOURCE_BYTES + 4 * row.len().div_ceil(2);
        }
    }
    bytes.into_iter().max().unwrap_or(0) + 4 * neurons.program.words() * atoms.min(size)
}

/// The lists of synapses into a cell.
fn lists(plan: &Plan, cell: usize) -> Vec<&[Synapse]> {
    let lists = plan.into(cell).filter_map(|projection| match &projection.synapses {
        Synapses::List(list) => Some(list.as_slice()),
        Synapses::Kernel(..) => None,
    });
    lists.collect()
}

/// Decides how many neurons of each cell a PE takes that are recorded for `ticks`.
///
/// # Errors
/// A neuron that doesn't fit a PE, or more than `pes` PEs.
pub fn cut(plan: &mut Plan, ticks: usize, pes: usize) -> Result<()> {
    for cell in 0..plan.cells.len() {
        let Some(neurons) = plan.cells[cell].neurons() else { continue };
        let (lists, size) = (lists(plan, cell), plan.cells[cell].size);
        let fits = |&atoms: &usize| fullest(&lists, neurons, size, atoms) + recorded(neurons, atoms) * ticks <= BYTES;
        let Some(atoms) = (1..=neurons.program.most().min(size)).rev().find(fits) else {
            return Err(too_large(plan, cell, &lists, ticks));
        };
        if let Kind::Neurons(neurons) | Kind::Relay(neurons) = &mut plan.cells[cell].kind {
            neurons.atoms = atoms;
        }
    }
    let cores = |cell: usize| {
        let atoms = plan.cells[cell].neurons().map_or(SPIKE_LIST, |neurons| neurons.atoms);
        plan.cells[cell].size.div_ceil(atoms.max(1))
    };
    let all: usize = (0..plan.cells.len()).map(cores).sum();
    let Some(largest) = (0..plan.cells.len()).max_by_key(|&cell| cores(cell)).filter(|_| all > pes) else {
        return Ok(());
    };
    Err(Box::new(
        Diagnostic::error(
            "handover-size",
            format!("the network takes {all} PEs of the vendor's software, there are {pes}"),
        )
        .at_node(plan.cells[largest].name.clone())
        .text(format!("This population alone takes {}.", cores(largest)))
        .hint("give a larger --target or a shorter --sample; `--emit bin` packs tighter"),
    ))
}

fn too_large(plan: &Plan, cell: usize, lists: &[&[Synapse]], ticks: usize) -> Box<Diagnostic> {
    let Some(neurons) = plan.cells[cell].neurons() else { return Box::new(Diagnostic::bug("not a neuron")) };
    let bytes = fullest(lists, neurons, plan.cells[cell].size, 1);
    Box::new(
        Diagnostic::error("handover-size", "a single neuron does not fit a PE of the vendor's software")
            .at_node(plan.cells[cell].name.clone())
            .text(format!(
                "Its synapses and parameters take {bytes} bytes, recording {ticks} ticks takes {}; there are {BYTES}.",
                recorded(neurons, 1) * ticks
            ))
            .hint("use fewer synapses per neuron, or a shorter --sample"),
    )
}

/// Most ticks that all recordings have room for.
pub fn most_ticks(plan: &Plan) -> usize {
    let room = |cell: usize| {
        let neurons = plan.cells[cell].neurons()?;
        let left = BYTES - fullest(&lists(plan, cell), neurons, plan.cells[cell].size, neurons.atoms).min(BYTES);
        Some(left / recorded(neurons, neurons.atoms))
    };
    (0..plan.cells.len()).filter_map(room).min().unwrap_or(usize::MAX)
}

/// Length of a tick in seconds that should be enough where cell `c` has at most `spikes[c]` spikes in a tick.
pub fn tick(plan: &Plan, spikes: &[usize]) -> f64 {
    let busiest = (0..plan.cells.len()).filter_map(|cell| {
        let neurons = plan.cells[cell].neurons()?;
        let cores = plan.cells[cell].size.div_ceil(neurons.atoms.max(1)) as f64;
        let packets = plan.into(cell).map(|projection| {
            let synapses = match &projection.synapses {
                Synapses::List(list) => list.len() as f64 / plan.cells[projection.pre].size.max(1) as f64,
                Synapses::Kernel(geometry, _) => {
                    let taps = geometry.kernel[0].div_ceil(geometry.stride[0])
                        * geometry.kernel[1].div_ceil(geometry.stride[1]);
                    (taps * geometry.channels) as f64
                }
            };
            spikes[projection.pre] as f64 * (PACKET + SYNAPSE * synapses / cores)
        });
        Some(neurons.atoms as f64 * NEURON + packets.sum::<f64>())
    });
    let seconds = MARGIN * busiest.fold(0.0, f64::max) / CLOCK;
    // In steps of a tenth of a millisecond, so that a small change of the sample changes nothing.
    (seconds * 1e4).ceil().max(SHORTEST * 1e4) / 1e4
}
