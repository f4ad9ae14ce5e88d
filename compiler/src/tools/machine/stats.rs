//! What a run has cost: counts of the machine, of each PE, tick and link, and estimates of the energy.

use s2c_backend::emit::manifest::Manifest;
use s2c_chip::Branch;
use serde::Serialize;
use std::collections::BTreeMap;

/// Counts of a run; `pe` holds them per PE.
#[derive(Clone, Debug, Serialize)]
pub struct Stats {
    /// The sums over all PEs and ticks.
    #[serde(flatten)]
    pub cost: Cost,
    /// PEs in use.
    pub pes: usize,
    /// Packets that no router entry matched.
    pub dropped_packets: u64,
    /// Hops of all packets on the NoC.
    pub hops: u64,
    /// Links between chips that packets took.
    pub link_packets: u64,
    /// Bytes of memory in use.
    pub sram_bytes: u64,
    /// Spikes per neuron and tick of network time, by input and population.
    pub rates: BTreeMap<String, f64>,
    /// Estimates of the energy, one per clock frequency, if each tick lasts as long as the network's.
    pub energy: Vec<Energy>,
    /// The same per PE.
    pub pe: Vec<PeStats>,
    /// Packets from the routers to QPEs, and over links between chips.
    pub branches: Vec<BranchStats>,
    /// Chip ticks one by one, of all samples in turn.
    pub tick: Vec<TickStats>,
    /// Spikes of all populations, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rasters: Vec<Raster>,
}

/// What runs cost, over all PEs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// Chip ticks.
    pub ticks: u64,
    /// Instructions executed.
    pub instructions: u64,
    /// Cycles by the target's model.
    pub cycles: u64,
    /// Synapses that a spike came through.
    pub synaptic_events: u64,
    /// Neurons times ticks.
    pub neuron_updates: u64,
    /// Packets sent, those of the host included.
    pub packets: u64,
    /// Cycles of the busiest PE in its busiest tick.
    pub max_cycles_per_tick: u64,
}

impl Cost {
    /// What was added since `before`; the busiest tick is that of all time.
    pub fn since(self, before: Self) -> Self {
        Self {
            ticks: self.ticks - before.ticks,
            instructions: self.instructions - before.instructions,
            cycles: self.cycles - before.cycles,
            synaptic_events: self.synaptic_events - before.synaptic_events,
            neuron_updates: self.neuron_updates - before.neuron_updates,
            packets: self.packets - before.packets,
            max_cycles_per_tick: self.max_cycles_per_tick,
        }
    }

    /// Both together.
    pub fn and(self, other: Self) -> Self {
        Self {
            ticks: self.ticks + other.ticks,
            instructions: self.instructions + other.instructions,
            cycles: self.cycles + other.cycles,
            synaptic_events: self.synaptic_events + other.synaptic_events,
            neuron_updates: self.neuron_updates + other.neuron_updates,
            packets: self.packets + other.packets,
            max_cycles_per_tick: self.max_cycles_per_tick.max(other.max_cycles_per_tick),
        }
    }

    /// Estimates of the energy, one per clock frequency of the target, if each tick lasts as long as the network's.
    pub fn energy(&self, binary: &Manifest) -> Vec<Energy> {
        let Some(power) = &binary.target.power else { return Vec::new() };
        let levels = power.levels.iter().map(|level| {
            let share = |watts: f64| watts / f64::from(power.pes);
            let seconds = self.ticks as f64 * binary.dt;
            let idle = seconds * (power.off + binary.pes.len() as f64 * share(level.sleep - power.off));
            let busy_joules = self.cycles as f64 / level.frequency as f64 * share(level.busy - level.sleep);
            let in_time = self.max_cycles_per_tick as f64 <= binary.dt * level.frequency as f64;
            Energy { frequency: level.frequency, joules: idle + busy_joules, busy_joules, in_time }
        });
        levels.collect()
    }
}

/// Counts of one tick.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct TickStats {
    /// Cycles of the busiest PE.
    pub max_cycles: u64,
    /// Packets that PEs sent.
    pub packets: u64,
}

/// Packets on a way behind a router.
#[derive(Clone, Debug, Serialize)]
pub struct BranchStats {
    /// The router's chip.
    pub chip: usize,
    /// Column and row of the QPE; absent for a link to another chip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qpe: Option<[u8; 2]>,
    /// The link to another chip, 0 to 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<u8>,
    /// Packets.
    pub packets: u64,
}

/// Spikes of a population.
#[derive(Clone, Debug, Serialize)]
pub struct Raster {
    /// NIR node.
    pub node: String,
    /// Number of neurons.
    pub neurons: usize,
    /// Number of ticks.
    pub ticks: usize,
    /// Tick and neuron of each spike, in order.
    pub spikes: Vec<(usize, usize)>,
    /// Spikes beyond the number that is kept.
    pub left_out: u64,
}

/// An estimate of the energy of a run from published power of a whole chip (see the target file): a share of the power
/// asleep for each PE in use and all of the power with PEs off, over the time of the run; for each busy cycle, the
/// difference between busy and asleep.
#[derive(Clone, Debug, Serialize)]
pub struct Energy {
    /// Clock in Hz.
    pub frequency: u64,
    /// Joules.
    pub joules: f64,
    /// Of these, for busy cycles.
    pub busy_joules: f64,
    /// Whether the busiest tick is done in time at this clock.
    pub in_time: bool,
}

/// Counts of one PE.
#[derive(Clone, Debug, Serialize)]
pub struct PeStats {
    /// Name.
    pub name: String,
    /// Instructions executed.
    pub instructions: u64,
    /// Cycles by the target's model.
    pub cycles: u64,
    /// Cycles of its busiest tick.
    pub max_cycles_per_tick: u64,
    /// Packets sent.
    pub packets: u64,
    /// Packets received.
    pub received_packets: u64,
    /// Most packets that waited at a time.
    pub max_waiting_packets: u64,
    /// Bytes of memory in use.
    pub sram_bytes: u64,
}

pub(super) fn branch((branch, packets): (Branch, u64)) -> BranchStats {
    match branch {
        Branch::Qpe { chip, x, y } => BranchStats { chip, qpe: Some([x, y]), link: None, packets },
        Branch::Link { chip, link } => BranchStats { chip, qpe: None, link: Some(link), packets },
    }
}
