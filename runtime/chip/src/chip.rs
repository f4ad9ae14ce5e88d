//! The schedule: ticks, routing between the PEs and the limits that keep a tick finite.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rayon::prelude::*;

use crate::code::Code;
use crate::config::{ChipConfig, Packet, PeImage, RouterEntry};
use crate::disturb::{Disturbance, PacketFaults};
use crate::fault::{Fault, PeId, SetupError};
use crate::pe::Pe;
use crate::router::{Branch, Dropped, Network};
use crate::stats::Stats;

/// How often packets may cause further packets within a tick.
const MAX_ROUNDS: usize = 64;

/// What happened in a tick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TickReport {
    /// Packets routed to the host.
    pub host: Vec<Packet>,
    /// Packets that the PEs sent, with the index of the PE: by round, then PE, then order of sending.
    pub sent: Vec<(usize, Packet)>,
    /// Packets that the routers dropped.
    pub dropped: Vec<Dropped>,
    /// The most cycles of a PE in this tick.
    pub max_cycles: u64,
    /// Cycles that the packet with the longest way spent in the networks on chip and on links.
    pub max_packet_cycles: u64,
}

/// One or more chips that run in step.
#[derive(Debug)]
pub struct Chip {
    config: ChipConfig,
    pes: Vec<Pe>,
    index: BTreeMap<PeId, usize>,
    network: Network,
    disturbance: Disturbance,
    ticks: u64,
}

impl Chip {
    /// Builds the chips, loads the images and boots all PEs, each until it sleeps for the first time.
    ///
    /// `tables` holds one routing table per chip. The PEs are numbered in the order of `images`.
    pub fn new(config: ChipConfig, images: Vec<PeImage>, tables: Vec<Vec<RouterEntry>>) -> Result<Self, SetupError> {
        let code_bytes = config.code_bytes;
        if !code_bytes.is_multiple_of(4) || code_bytes > config.sram_bytes || config.sram_bytes < 8 {
            return Err(SetupError::CodeRegion { code_bytes });
        }
        let network = Network::new(&config, tables)?;
        let mut known: HashMap<Box<[u8]>, Arc<Code>> = HashMap::new();
        let mut share = |bytes: &[u8]| match known.get(bytes) {
            Some(code) => Arc::clone(code),
            None => Arc::clone(known.entry(bytes.into()).or_insert_with(|| Arc::new(Code::decode(bytes)))),
        };
        let mut index = BTreeMap::new();
        let mut pes = Vec::with_capacity(images.len());
        for image in images {
            let chip = image.chip;
            if chip >= config.chips.0 * config.chips.1 {
                return Err(SetupError::NoSuchChip { chip });
            }
            let pe = Pe::new(&config, image, &mut share)?;
            if index.insert(pe.id, pes.len()).is_some() {
                return Err(SetupError::DuplicatePe { pe: pe.id });
            }
            pes.push(pe);
        }
        let mut chip = Self { config, pes, index, network, disturbance: Disturbance::default(), ticks: 0 };
        chip.on_all(Pe::boot)?;
        Ok(chip)
    }

    /// Returns all PEs to their initial memory and boots them again. The statistics go on.
    pub fn reset(&mut self) -> Result<(), Fault> {
        let config = &self.config;
        self.network.dropped.clear();
        self.disturbance.held.clear();
        on_all(&mut self.pes, |pe| pe.reset(config))
    }

    /// Runs one tick.
    ///
    /// First the timer of every PE fires and each runs until it sleeps: the update of this tick. Then the packets of
    /// this tick are routed, those of `inputs` first as if a PE of the host's chip had sent them, and the PEs work them off.
    /// So a packet sent in a tick takes effect in the update of the next one. After a fault the chip must be reset.
    pub fn step(&mut self, inputs: &[Packet]) -> Result<TickReport, Fault> {
        let mut report = TickReport::default();
        self.on_all(Pe::begin_tick)?;
        // What was late in the tick before comes first, and is not disturbed again.
        for (source, packet) in std::mem::take(&mut self.disturbance.held) {
            self.route(source, packet, &mut report)?;
        }
        let mut packets: Vec<(Option<usize>, Packet)> = inputs.iter().map(|&packet| (None, packet)).collect();
        self.collect(&mut packets, &mut report);
        let mut rounds = 0;
        while !packets.is_empty() || rounds == 0 {
            if rounds == MAX_ROUNDS {
                return Err(Fault::PacketStorm { rounds });
            }
            rounds += 1;
            for (source, packet) in packets.drain(..) {
                for _ in 0..self.disturbance.copies(source, packet) {
                    self.route(source, packet, &mut report)?;
                }
            }
            self.on_all(Pe::drain)?;
            self.collect(&mut packets, &mut report);
        }
        report.max_cycles = self.pes.iter_mut().map(Pe::end_tick).max().unwrap_or(0);
        report.dropped = std::mem::take(&mut self.network.dropped);
        self.ticks += 1;
        Ok(report)
    }

    /// Moves the packets that the PEs have sent to the router, by PE and order of sending.
    fn collect(&mut self, packets: &mut Vec<(Option<usize>, Packet)>, report: &mut TickReport) {
        for (index, pe) in self.pes.iter_mut().enumerate() {
            let sent = pe.take_outbox();
            packets.extend(sent.iter().map(|&packet| (Some(index), packet)));
            report.sent.extend(sent.into_iter().map(|packet| (index, packet)));
        }
    }

    fn route(&mut self, source: Option<usize>, packet: Packet, report: &mut TickReport) -> Result<(), Fault> {
        let Self { config, network, pes, index, .. } = self;
        let (chip, entered) = match source.map(|index| pes[index].id) {
            Some(id) => (id.chip, network.distance(id.x, id.y)),
            None => (config.host_chip, 0),
        };
        let way = network.route(index, chip, entered, packet)?;
        report.host.extend(std::iter::repeat_n(packet, way.host));
        way.pes.iter().for_each(|&pe| pes[pe].receive(packet));
        let cycles = (entered + way.longest) * u64::from(config.cycles_per_hop)
            + way.link_depth * u64::from(config.cycles_per_link);
        report.max_packet_cycles = report.max_packet_cycles.max(cycles);
        Ok(())
    }

    /// From now on packets meet faults of the network.
    pub fn disturb(&mut self, faults: PacketFaults) {
        self.disturbance.begin(faults);
    }

    /// A PE stops for good: it executes nothing and swallows its packets. False if there is no such PE.
    pub fn kill(&mut self, pe: usize) -> bool {
        self.pes.get_mut(pe).map(|pe| pe.dead = true).is_some()
    }

    /// The places of the PEs, in the order of the images.
    pub fn pes(&self) -> impl ExactSizeIterator<Item = PeId> {
        self.pes.iter().map(|pe| pe.id)
    }

    /// The index of the PE at a place.
    pub fn pe_index(&self, id: PeId) -> Option<usize> {
        self.index.get(&id).copied()
    }

    /// Bytes of a PE's memory, as a debugger would read them; none if there is no such PE or memory.
    pub fn read(&self, pe: usize, address: u32, length: usize) -> Option<&[u8]> {
        let at = address as usize;
        self.pes.get(pe)?.memory().get(at..at.checked_add(length)?)
    }

    /// A little-endian word of a PE's memory; see [`Chip::read`].
    pub fn read_word(&self, pe: usize, address: u32) -> Option<u32> {
        let bytes = self.read(pe, address, 4)?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    }

    /// Writes bytes into a PE's memory until the next reset, as a debugger would; none if there is no such PE or
    /// memory. Code may be written, which gives the PE a copy of its own.
    pub fn write(&mut self, pe: usize, address: u32, bytes: &[u8]) -> Option<()> {
        self.pes.get_mut(pe)?.write(address, bytes).then_some(())
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        let pes = self.pes.iter().map(|pe| pe.stats).collect();
        Stats { pes, network: self.network.stats, ticks: self.ticks }
    }

    /// Packets that each branch behind a router has carried since the chip was built.
    pub fn loads(&self) -> BTreeMap<Branch, u64> {
        self.network.loads()
    }

    fn on_all(&mut self, work: impl Fn(&mut Pe) -> Result<(), Fault> + Sync) -> Result<(), Fault> {
        on_all(&mut self.pes, work)
    }
}

/// Works on all PEs in parallel, one by one since their loads differ; of several faults that of the first PE counts.
fn on_all(pes: &mut [Pe], work: impl Fn(&mut Pe) -> Result<(), Fault> + Sync) -> Result<(), Fault> {
    let fault = pes.par_iter_mut().with_max_len(1).find_map_first(|pe| work(pe).err());
    fault.map_or(Ok(()), Err)
}
