//! Counters of the model.

/// Counters of one PE since the chip was built; resets do not clear them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeStats {
    /// Executed instructions.
    pub instructions: u64,
    /// Estimated cycles awake.
    pub cycles: u64,
    /// The most cycles in one tick.
    pub max_tick_cycles: u64,
    /// Packets sent.
    pub packets_sent: u64,
    /// Packets received.
    pub packets_received: u64,
    /// The most packets that waited in the receive ring.
    pub max_ring_fill: u32,
}

/// Counters of the network since the chip was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkStats {
    /// Packets that entered a router, from PEs, from the host and from links.
    pub packets: u64,
    /// Hops between neighbouring QPEs, from the source to the router and from the router to each destination.
    pub hops: u64,
    /// Packets sent over links between chips.
    pub link_packets: u64,
    /// Packets delivered to PEs, one per destination.
    pub deliveries: u64,
    /// Packets dropped, see [`crate::Dropped`].
    pub dropped: u64,
}

/// All counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// The PEs in the order of [`crate::Chip::pes`].
    pub pes: Vec<PeStats>,
    /// The network.
    pub network: NetworkStats,
    /// Ticks since the chip was built.
    pub ticks: u64,
}

impl Stats {
    /// The sums of the counters of all PEs; the maxima are those over all PEs.
    pub fn total(&self) -> PeStats {
        self.pes.iter().fold(PeStats::default(), |sum, pe| PeStats {
            instructions: sum.instructions + pe.instructions,
            cycles: sum.cycles + pe.cycles,
            max_tick_cycles: sum.max_tick_cycles.max(pe.max_tick_cycles),
            packets_sent: sum.packets_sent + pe.packets_sent,
            packets_received: sum.packets_received + pe.packets_received,
            max_ring_fill: sum.max_ring_fill.max(pe.max_ring_fill),
        })
    }
}
