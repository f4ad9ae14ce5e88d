//! One processing element: a core with its memory, its inbox and its statistics.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::bus::Bus;
use crate::code::Code;
use crate::config::{ChipConfig, CycleModel, Packet, PeImage};
use crate::cpu::{Cpu, Exit};
use crate::fault::{Fault, PeId, SetupError, Trap};
use crate::stats::PeStats;

/// A PE and what is needed to reset it.
#[derive(Debug)]
pub(crate) struct Pe {
    pub id: PeId,
    pub stats: PeStats,
    /// Whether the PE has stopped for good.
    pub dead: bool,
    /// Packets that the router has delivered and the ring has not taken yet.
    inbox: VecDeque<Packet>,
    cpu: Cpu,
    bus: Bus,
    code: Arc<Code>,
    /// The code of the image, to which a reset returns.
    initial_code: Arc<Code>,
    segments: Vec<(u32, Arc<[u8]>)>,
    code_bytes: u32,
    cycles: CycleModel,
    /// Instructions and cycles at the beginning of the tick.
    tick_start: (u64, u64),
    budget: u64,
}

impl Pe {
    /// A PE with its initial memory, not yet booted. `share` finds the decoded form of a code region.
    pub fn new(
        config: &ChipConfig,
        image: PeImage,
        share: &mut impl FnMut(&[u8]) -> Arc<Code>,
    ) -> Result<Self, SetupError> {
        let id = PeId { chip: image.chip, x: image.x, y: image.y, core: image.core };
        for (address, bytes) in &image.segments {
            if *address as usize + bytes.len() > config.sram_bytes as usize {
                return Err(SetupError::Segment { pe: id, address: *address, length: bytes.len() });
            }
        }
        let mut bus = Bus::new(config);
        load(&mut bus, &image.segments);
        let code = share(&bus.sram[..config.code_bytes as usize]);
        Ok(Self {
            id,
            stats: PeStats::default(),
            dead: false,
            inbox: VecDeque::new(),
            cpu: reset_core(&bus),
            bus,
            initial_code: Arc::clone(&code),
            code,
            segments: image.segments,
            code_bytes: config.code_bytes,
            cycles: config.cycles,
            tick_start: (0, 0),
            budget: config.instruction_budget,
        })
    }

    /// Returns to the initial memory and runs from reset to the first sleep. The statistics go on.
    pub fn reset(&mut self, config: &ChipConfig) -> Result<(), Fault> {
        let mut sram = std::mem::take(&mut self.bus.sram);
        sram.fill(0);
        self.bus = Bus::with_memory(config, sram);
        load(&mut self.bus, &self.segments);
        self.code = Arc::clone(&self.initial_code);
        self.boot()
    }

    /// Runs from reset to the first sleep.
    pub fn boot(&mut self) -> Result<(), Fault> {
        self.inbox.clear();
        self.cpu = reset_core(&self.bus);
        self.tick_start = (0, 0);
        self.run()?;
        self.account();
        Ok(())
    }

    /// Begins a tick and runs until the core sleeps again.
    pub fn begin_tick(&mut self) -> Result<(), Fault> {
        self.tick_start = (self.cpu.instructions, self.cpu.cycles());
        self.bus.ticks += 1;
        self.run()
    }

    /// Takes a packet from the router.
    pub fn receive(&mut self, packet: Packet) {
        self.inbox.push_back(packet);
        self.stats.packets_received += 1;
    }

    /// Moves the waiting packets into the ring, as many as fit at a time, and lets the core work them off.
    pub fn drain(&mut self) -> Result<(), Fault> {
        if self.dead {
            self.inbox.clear();
        }
        while !self.inbox.is_empty() {
            while let Some(&packet) = self.inbox.front() {
                let Bus { comms, sram, .. } = &mut self.bus;
                if !comms.deliver(packet, sram, self.code_bytes).map_err(|trap| self.fault(trap))? {
                    break;
                }
                self.inbox.pop_front();
            }
            self.stats.max_ring_fill = self.stats.max_ring_fill.max(self.bus.comms.fill());
            self.run()?;
        }
        Ok(())
    }

    /// Ends a tick; returns its cycles.
    pub fn end_tick(&mut self) -> u64 {
        let cycles = self.account();
        self.stats.max_tick_cycles = self.stats.max_tick_cycles.max(cycles);
        cycles
    }

    /// Takes the packets that the core has sent.
    pub fn take_outbox(&mut self) -> Vec<Packet> {
        let packets = std::mem::take(&mut self.bus.comms.outbox);
        self.stats.packets_sent += packets.len() as u64;
        packets
    }

    /// The memory.
    pub fn memory(&self) -> &[u8] {
        &self.bus.sram
    }

    /// Writes into the memory as a debugger would; false if the range is outside.
    pub fn write(&mut self, address: u32, bytes: &[u8]) -> bool {
        let at = address as usize;
        let Some(target) = self.bus.sram.get_mut(at..at + bytes.len()) else { return false };
        target.copy_from_slice(bytes);
        if address < self.code_bytes && !bytes.is_empty() {
            self.code = Arc::new(Code::decode(&self.bus.sram[..self.code_bytes as usize]));
        }
        true
    }

    /// Runs until the core sleeps with nothing to do, within the budget of the tick.
    fn run(&mut self) -> Result<(), Fault> {
        if self.dead {
            return Ok(());
        }
        let limit = self.tick_start.0 + self.budget;
        match self.cpu.run(&self.code, &mut self.bus, &self.cycles, limit) {
            Ok(Exit::Asleep) => Ok(()),
            Ok(Exit::Limit) => Err(self.fault(Trap::Budget)),
            Err(trap) => Err(self.fault(trap)),
        }
    }

    /// Adds the work since the beginning of the tick to the statistics; returns the cycles.
    fn account(&mut self) -> u64 {
        let cycles = self.cpu.cycles() - self.tick_start.1;
        self.stats.instructions += self.cpu.instructions - self.tick_start.0;
        self.stats.cycles += cycles;
        cycles
    }

    fn fault(&self, trap: Trap) -> Fault {
        Fault::Core { pe: self.id, pc: self.cpu.pc, trap }
    }
}

fn load(bus: &mut Bus, segments: &[(u32, Arc<[u8]>)]) {
    for (address, bytes) in segments {
        let at = *address as usize;
        bus.sram[at..at + bytes.len()].copy_from_slice(bytes);
    }
}

/// The core after reset: stack pointer and entry are the first two words (ARM DDI 0403E, B1.5.5).
fn reset_core(bus: &Bus) -> Cpu {
    let vector = |address| bus.load32(address).unwrap_or(0);
    Cpu::new(vector(0), vector(4))
}
