//! One PE of the chip model, to call kernels and to run the runtime.

use s2c_chip::{ChipConfig, CycleModel, Fault, Harness, Packet, Trap};

use super::{CODE_BYTES, CONSTANTS};
use crate::codegen::CodeImage;

/// Registers that a function must leave as they are (AAPCS).
const PRESERVED: std::ops::RangeInclusive<usize> = 4..=11;

/// A PE with code in it.
pub struct Machine {
    harness: Harness,
    /// Where the runtime goes on: its reset handler, then its main loop, which needs r4 to r11 alone.
    resume: u32,
    serve: u32,
}

impl Machine {
    pub fn new(code: &CodeImage) -> Self {
        let cycles = CycleModel {
            branch_taken: 2,
            load_first: 2,
            load_next: 1,
            divide: 7,
            float_divide: 14,
            float_multiply_add: 3,
        };
        let mut harness = Harness::new(&ChipConfig {
            sram_bytes: CONSTANTS.stack_top,
            code_bytes: CODE_BYTES,
            registers: CONSTANTS.registers,
            cycles,
            cycles_per_hop: 5,
            cycles_per_link: 50,
            host_chip: 0,
            chips: (1, 1),
            router_position: (4, 3),
            router_entries: 16,
            instruction_budget: 100_000,
        });
        harness.write(0, &code.bytes);
        Self { harness, resume: code.entry("reset").unwrap(), serve: code.entry("serve").unwrap() }
    }

    pub fn write(&mut self, address: u32, bytes: &[u8]) {
        self.harness.write(address, bytes);
    }

    pub fn read(&self, address: u32, length: usize) -> &[u8] {
        self.harness.read(address, length)
    }

    /// Calls a function and checks that it follows the procedure call standard; returns the instructions and
    /// the cycles.
    pub fn call(&mut self, entry: u32, arguments: [u32; 4]) -> (u64, u64) {
        let pattern = |register: usize| 0x1111_1111 * register as u32;
        for register in PRESERVED {
            self.harness.set_core_register(register, pattern(register));
        }
        let report = self.harness.call(entry, arguments).unwrap_or_else(|fault| panic!("{fault}"));
        for register in PRESERVED {
            assert_eq!(self.harness.core_register(register), pattern(register), "r{register}");
        }
        assert_eq!(self.harness.core_register(13), CONSTANTS.stack_top, "stack pointer");
        (report.instructions, report.cycles)
    }

    /// Keys of the packets that were sent since the last time.
    pub fn sent(&mut self) -> Vec<u32> {
        self.packets().into_iter().map(|packet| packet.key).collect()
    }

    /// The packets that were sent since the last time.
    pub fn packets(&mut self) -> Vec<Packet> {
        self.harness.take_packets()
    }

    /// Runs the runtime from where it is until it sleeps.
    pub fn run(&mut self) {
        match self.harness.call(self.resume, [0; 4]) {
            Err(Fault::Core { trap: Trap::Asleep, .. }) => self.resume = self.serve,
            other => panic!("the runtime doesn't sleep: {other:?}"),
        }
    }

    /// Begins ticks.
    pub fn tick(&mut self, ticks: u32) {
        (0..ticks).for_each(|_| self.harness.raise_tick());
    }

    /// Puts a packet into the receive ring.
    pub fn deliver(&mut self, key: u32, payload: Option<u32>) {
        assert_eq!(self.harness.deliver(Packet { key, payload }), Ok(true), "the ring has room");
    }
}
