//! One core on its own, to test single functions such as kernels.

use std::fmt;

use crate::bus::Bus;
use crate::code::Code;
use crate::config::{ChipConfig, Packet};
use crate::cpu::{Cpu, Exit};
use crate::fault::{Fault, PeId, Trap};

/// The link register of a call. Nothing is mapped there, so the return is noticed as an instruction fetch.
const RETURN_ADDRESS: u32 = 0xF000_0000;

/// What a call did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallReport {
    /// The result register.
    pub r0: u32,
    /// Executed instructions, including the return.
    pub instructions: u64,
    /// The estimate of [`crate::CycleModel`].
    pub cycles: u64,
}

/// One core with its memory and registers.
///
/// Code may lie anywhere in the code region of the configuration. Before the first call the registers are zero,
/// and each call begins with the stack pointer at the end of the memory, unless [`Harness::set_stack`] moved it.
pub struct Harness {
    cpu: Cpu,
    bus: Bus,
    /// The decoded code region; none after it has been written to.
    code: Option<Code>,
    config: ChipConfig,
    stack: u32,
}

impl fmt::Debug for Harness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Harness").field("cpu", &self.cpu).finish_non_exhaustive()
    }
}

impl Harness {
    /// A core with zeroed memory. Of the configuration only what concerns one PE is used.
    pub fn new(config: &ChipConfig) -> Self {
        let stack = config.sram_bytes & !7;
        Self { cpu: Cpu::new(stack, 0), bus: Bus::new(config), code: None, config: config.clone(), stack }
    }

    /// Writes bytes into the memory, as a debugger would.
    ///
    /// # Panics
    /// If the bytes do not fit into the memory.
    pub fn write(&mut self, address: u32, bytes: &[u8]) {
        let at = address as usize;
        self.bus.sram[at..at + bytes.len()].copy_from_slice(bytes);
        if address < self.config.code_bytes {
            self.code = None;
        }
    }

    /// Writes little-endian words into the memory; see [`Harness::write`].
    pub fn write_words(&mut self, address: u32, words: &[u32]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.write(address, &bytes);
    }

    /// Bytes of the memory.
    ///
    /// # Panics
    /// If the range is not in the memory.
    pub fn read(&self, address: u32, length: usize) -> &[u8] {
        &self.bus.sram[address as usize..address as usize + length]
    }

    /// Little-endian words of the memory; see [`Harness::read`].
    pub fn read_words(&self, address: u32, count: usize) -> Vec<u32> {
        let words = self.read(address, 4 * count).chunks_exact(4);
        words.map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect()
    }

    /// Writes a memory-mapped register, as the core would with a store.
    pub fn set_register(&mut self, address: u32, value: u32) -> Result<(), Fault> {
        self.bus.write_register(address, value).map_err(|trap| self.fault(trap))
    }

    /// Reads a memory-mapped register, as the core would with a load.
    pub fn register(&self, address: u32) -> Result<u32, Fault> {
        self.bus.load32(address).map_err(|trap| self.fault(trap))
    }

    /// Begins a tick: the timer's status goes up by one.
    pub fn raise_tick(&mut self) {
        self.bus.ticks += 1;
    }

    /// Stores a packet into the receive ring; false if the ring is full.
    pub fn deliver(&mut self, packet: Packet) -> Result<bool, Fault> {
        let Bus { comms, sram, .. } = &mut self.bus;
        let delivered = comms.deliver(packet, sram, self.config.code_bytes);
        delivered.map_err(|trap| self.fault(trap))
    }

    /// Takes the packets that were sent since the last time, in the order of sending.
    pub fn take_packets(&mut self) -> Vec<Packet> {
        std::mem::take(&mut self.bus.comms.outbox)
    }

    /// Sets the stack pointer with which calls begin.
    pub fn set_stack(&mut self, address: u32) {
        self.stack = address & !7;
    }

    /// A core register, r0 to r14.
    ///
    /// # Panics
    /// If `index` is above 14.
    pub fn core_register(&self, index: usize) -> u32 {
        self.cpu.r[..15][index]
    }

    /// Sets a core register, r0 to r14. A call replaces r0 to r3, sp and lr.
    ///
    /// # Panics
    /// If `index` is above 14.
    pub fn set_core_register(&mut self, index: usize, value: u32) {
        self.cpu.r[..15][index] = value;
    }

    /// A single-precision register, s0 to s31, as bits.
    ///
    /// # Panics
    /// If `index` is above 31.
    pub fn float_register(&self, index: usize) -> u32 {
        self.cpu.s[index]
    }

    /// Sets a single-precision register, s0 to s31, from bits.
    ///
    /// # Panics
    /// If `index` is above 31.
    pub fn set_float_register(&mut self, index: usize, value: u32) {
        self.cpu.s[index] = value;
    }

    /// The flags N, Z, C, V, Q and GE, as in the application program status register.
    pub fn apsr(&self) -> u32 {
        self.cpu.flags.to_apsr()
    }

    /// Sets the flags N, Z, C, V, Q and GE.
    pub fn set_apsr(&mut self, value: u32) {
        self.cpu.flags.set_nzcv(value);
        self.cpu.flags.q = value >> 27 & 1 != 0;
        self.cpu.flags.ge = (value >> 16 & 15) as u8;
    }

    /// The floating-point status and control register.
    pub fn fpscr(&self) -> u32 {
        self.cpu.fpscr
    }

    /// Calls the function at an address (bit 0 is ignored) and returns when the function does.
    ///
    /// It is a fault if the function executes more instructions than the budget of the configuration, or sleeps.
    pub fn call(&mut self, address: u32, arguments: [u32; 4]) -> Result<CallReport, Fault> {
        self.cpu.r[..4].copy_from_slice(&arguments);
        self.cpu.r[13] = self.stack;
        self.cpu.r[14] = RETURN_ADDRESS | 1;
        self.cpu.jump(address);
        let (instructions, cycles) = (self.cpu.instructions, self.cpu.cycles());
        let limit = instructions + self.config.instruction_budget;
        let code_bytes = self.config.code_bytes.min(self.config.sram_bytes) as usize;
        let code = self.code.get_or_insert_with(|| Code::decode(&self.bus.sram[..code_bytes]));
        match self.cpu.run(code, &mut self.bus, &self.config.cycles, limit) {
            Err(Trap::Fetch) if self.cpu.pc == RETURN_ADDRESS => Ok(CallReport {
                r0: self.cpu.r[0],
                instructions: self.cpu.instructions - instructions,
                cycles: self.cpu.cycles() - cycles,
            }),
            Err(trap) => Err(self.fault(trap)),
            Ok(Exit::Asleep) => Err(self.fault(Trap::Asleep)),
            Ok(Exit::Limit) => Err(self.fault(Trap::Budget)),
        }
    }

    fn fault(&self, trap: Trap) -> Fault {
        Fault::Core { pe: PeId::default(), pc: self.cpu.pc, trap }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;

    /// Writes halfwords at address 0 and calls them.
    fn call(code: &[u16], arguments: [u32; 4]) -> (Harness, Result<CallReport, Fault>) {
        let mut harness = Harness::new(&config());
        let bytes: Vec<u8> = code.iter().flat_map(|half| half.to_le_bytes()).collect();
        harness.write(0, &bytes);
        let report = harness.call(1, arguments);
        (harness, report)
    }

    fn trap(code: &[u16]) -> Trap {
        match call(code, [0; 4]).1 {
            Err(Fault::Core { trap, .. }) => trap,
            other => panic!("no trap: {other:?}"),
        }
    }

    #[test]
    fn a_call_counts_instructions_and_cycles() {
        // adds r0, r0, r1; bx lr
        let (_, report) = call(&[0x1840, 0x4770], [2, 3, 0, 0]);
        assert_eq!(report, Ok(CallReport { r0: 5, instructions: 2, cycles: 4 }));
        // ldr r0, [r0]; ldr r1, [r1]; bx lr: the loads are pipelined.
        let (_, report) = call(&[0x6800, 0x6809, 0x4770], [0x1000, 0x1000, 0, 0]);
        assert_eq!(report.map(|report| (report.instructions, report.cycles)), Ok((3, 6)));
    }

    #[test]
    fn sent_packets_are_kept() {
        // str r1, [r0, #4]; str r2, [r0]; str r3, [r0]; bx lr
        let (mut harness, report) = call(&[0x6041, 0x6002, 0x6003, 0x4770], [0xE200_0000, 5, 6, 7]);
        report.unwrap();
        assert_eq!(harness.take_packets(), [Packet { key: 6, payload: Some(5) }, Packet::new(7)]);
        assert!(harness.take_packets().is_empty());
    }

    #[test]
    fn faults_are_typed() {
        // udf #0; svc #0; bkpt
        for code in [0xDE00, 0xDF00, 0xBE00] {
            assert!(matches!(trap(&[code]), Trap::Undefined { first, .. } if first == code));
        }
        // b .
        assert_eq!(trap(&[0xE7FE]), Trap::Budget);
        // wfi
        assert_eq!(trap(&[0xBF30]), Trap::Asleep);
        // str r0, [r0]
        assert_eq!(trap(&[0x6000]), Trap::CodeWrite { address: 0 });
        // movs r0, #2; bx r0
        assert_eq!(trap(&[0x2002, 0x4700]), Trap::NotThumb { target: 2 });
        // mvns r0, r0; ldr r0, [r0]
        assert_eq!(trap(&[0x43C0, 0x6800]), Trap::Unmapped { address: u32::MAX });
        // mov.w r0, #0x10000; orr r0, r0, #1; mov pc, r0
        assert_eq!(trap(&[0xF44F, 0x3080, 0x4687]), Trap::Fetch);
        // movw r0, #0x1001; ldm.w r0, {r1, r2}
        assert_eq!(trap(&[0xF241, 0x0001, 0xE890, 0x0006]), Trap::Unaligned { address: 0x1001 });
    }

    #[test]
    fn new_code_is_decoded_again() {
        let (mut harness, report) = call(&[0x2001, 0x4770], [0; 4]);
        assert_eq!(report.map(|report| report.r0), Ok(1));
        harness.write(0, &[2]);
        assert_eq!(harness.call(0, [0; 4]).map(|report| report.r0), Ok(2));
    }
}
