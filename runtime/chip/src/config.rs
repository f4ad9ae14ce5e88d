//! What describes a chip and what runs on it.

use s2c_abi::Registers;
use std::sync::Arc;

/// Cycles per class of instruction, for the estimate that the model gives.
///
/// Every instruction takes one cycle and what its class adds. The numbers of the Cortex-M4 are in the
/// "Cortex-M4 Technical Reference Manual" (ARM DDI 0439), table 3-1. Wait states, flash accelerators and the
/// folding of IT are not modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CycleModel {
    /// Cycles that a taken branch adds to refill the pipeline.
    pub branch_taken: u32,
    /// Cycles of a single load or store.
    pub load_first: u32,
    /// Cycles of a single load or store right after another one.
    pub load_next: u32,
    /// Cycles of an integer division.
    pub divide: u32,
    /// Cycles of a floating-point division or square root.
    pub float_divide: u32,
    /// Cycles of a floating-point multiplication with addition.
    pub float_multiply_add: u32,
}

/// The facts of a system of one or more chips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChipConfig {
    /// SRAM of one PE, at address 0.
    pub sram_bytes: u32,
    /// Bytes at address 0 that hold code. Instructions can be fetched only from here, and the PE cannot store here.
    pub code_bytes: u32,
    /// Registers of a PE's peripherals.
    pub registers: Registers,
    /// The cycle estimate.
    pub cycles: CycleModel,
    /// Cycles that a packet takes per hop of the network on chip.
    pub cycles_per_hop: u32,
    /// Cycles that a packet takes from one chip to the next.
    pub cycles_per_link: u32,
    /// Columns and rows of the torus of chips.
    pub chips: (usize, usize),
    /// Index of the chip that the host is connected to.
    pub host_chip: usize,
    /// Column and row of the router in the grid of QPEs.
    pub router_position: (u8, u8),
    /// Number of entries of a router's table.
    pub router_entries: usize,
    /// Instructions that a PE may execute per tick.
    pub instruction_budget: u64,
}

/// The initial memory of one PE. It starts with the stack pointer and the entry at the addresses 0 and 4.
#[derive(Clone, Debug)]
pub struct PeImage {
    /// Index of the chip, row by row.
    pub chip: usize,
    /// Column of the QPE.
    pub x: u8,
    /// Row of the QPE.
    pub y: u8,
    /// Number of the PE within its QPE, 0 to 3.
    pub core: u8,
    /// Addresses and bytes; memory that no segment covers is zero.
    pub segments: Vec<(u32, Arc<[u8]>)>,
}

/// A multicast packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Packet {
    /// The routing key.
    pub key: u32,
    /// The payload, if the packet has one.
    pub payload: Option<u32>,
}

impl Packet {
    /// A packet without payload.
    pub fn new(key: u32) -> Self {
        Self { key, payload: None }
    }
}

/// Where a router sends a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Some of the PEs of a QPE.
    Qpe {
        /// Column of the QPE.
        x: u8,
        /// Row of the QPE.
        y: u8,
        /// Bit `c` stands for core `c`.
        cores: u8,
    },
    /// The host.
    Host,
    /// The neighbouring chip in one of six directions: 0 is +x, 1 is +x+y, 2 is +y, 3 is -x, 4 is -x-y, 5 is -y.
    Link(u8),
}

/// One entry of a routing table: it matches a key with `key & mask == entry.key`. The first match wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterEntry {
    /// Value of the compared bits.
    pub key: u32,
    /// The bits that are compared.
    pub mask: u32,
    /// All destinations of the packet.
    pub route: Vec<Destination>,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use s2c_abi::{Comms, Timer};

    /// Registers where the code of the tests has them.
    pub fn registers() -> Registers {
        let receive = [24, 8, 12, 20, 16];
        let [receive_size, receive_base, receive_end, receive_read, receive_write] = receive;
        let timer = Timer { base: 0xE100_0000, status: 0, clear: 4 };
        let comms = Comms {
            base: 0xE200_0000,
            send_status: 28,
            send_key: 0,
            send_payload: 4,
            receive_size,
            receive_base,
            receive_end,
            receive_read,
            receive_write,
        };
        Registers { timer, comms }
    }

    /// A small system for tests.
    pub fn config() -> ChipConfig {
        ChipConfig {
            sram_bytes: 0x4000,
            code_bytes: 0x1000,
            registers: registers(),
            cycles: CycleModel {
                branch_taken: 2,
                load_first: 2,
                load_next: 1,
                divide: 7,
                float_divide: 14,
                float_multiply_add: 3,
            },
            cycles_per_hop: 5,
            cycles_per_link: 50,
            chips: (1, 1),
            host_chip: 0,
            router_position: (4, 3),
            router_entries: 1024,
            instruction_budget: 100_000,
        }
    }
}
