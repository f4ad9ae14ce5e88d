//! The other emulator.

use std::sync::Arc;

use rsemu::core::space::{AddressSpace, RamStore, Region};
use rsemu::cpu::arm::v7m::{ArmV7m, Config};

use crate::state::{CODE, SRAM_BYTES, STACK, State, WINDOW};

/// `movw r0, #0xed88; movt r0, #0xe000; mov.w r1, #0xf00000; str r1, [r0]`: enables the FPU.
const ENABLE_FPU: [u16; 7] = [0xF64E, 0x5088, 0xF2CE, 0x0000, 0xF44F, 0x0170, 0x6001];

/// A Cortex-M4F of `rsemu` with the same memory.
pub struct Oracle {
    cpu: ArmV7m,
    ram: Arc<RamStore>,
}

impl Oracle {
    pub fn new() -> Self {
        let ram = Arc::new(RamStore::new(SRAM_BYTES.into()));
        let space = AddressSpace::new("pe", 32);
        space.topology().map(Region::ram("ram", Arc::clone(&ram)), 0).expect("the memory can be mapped");
        let cpu = ArmV7m::new(Config::CORTEX_M4F);
        let oracle = Self { cpu, ram };
        oracle.write(0, &[STACK.to_le_bytes(), (CODE | 1).to_le_bytes()].concat());
        oracle.cpu.attach_space(Arc::new(space));
        let code: Vec<u8> = ENABLE_FPU.iter().flat_map(|half| half.to_le_bytes()).collect();
        oracle.load(&code);
        oracle.cpu.step();
        oracle.run("enabling the FPU", CODE + code.len() as u32);
        oracle
    }

    /// Puts code at [`CODE`].
    pub fn load(&self, code: &[u8]) {
        self.write(CODE, code);
    }

    /// Runs the code from a state until it comes to `end`.
    pub fn execute(&self, text: &str, before: &State, end: u32) -> State {
        for (index, &value) in (0..).zip(&before.core) {
            self.cpu.set_reg(index, value);
        }
        for (index, &value) in (0..).zip(&before.float) {
            self.cpu.set_s(index, value);
        }
        self.cpu.set_reg(13, STACK);
        self.cpu.set_xpsr(before.apsr | 1 << 24);
        self.cpu.set_fpscr(before.fpscr);
        self.write(WINDOW.start, &before.memory);
        self.run(text, end);
        let mut memory = vec![0; WINDOW.len()];
        self.ram.read_at(WINDOW.start.into(), &mut memory).expect("the window is memory");
        State {
            core: (0..13).map(|index| self.cpu.reg(index)).collect(),
            float: (0..32).map(|index| self.cpu.s(index)).collect(),
            apsr: self.cpu.xpsr() & 0xF80F_0000,
            fpscr: self.cpu.fpscr() & 0xF000_0000,
            memory,
        }
    }

    fn run(&self, text: &str, end: u32) {
        self.cpu.set_pc(CODE);
        for _ in 0..100 {
            if self.cpu.pc() == end {
                return;
            }
            self.cpu.step();
        }
        panic!("the oracle does not end: {text}");
    }

    fn write(&self, address: u32, bytes: &[u8]) {
        self.ram.write_at(address.into(), bytes).expect("the address is memory");
    }
}

/// Whether the oracle is known to deviate from the manual (ARM DDI 0403E) for a form and its operands.
pub fn is_unreliable(text: &str, before: &State) -> bool {
    let [_, n, m, a, ..] = before.core[..] else { return false };
    let (sum, product) = (i64::from(a as i32) << 32, i64::from(n as i32) * i64::from(m as i32));
    let float = |index: usize| f32::from_bits(before.float[index]);
    match text.split(' ').next() {
        // It adds with a check for overflow and panics.
        Some("smmla" | "smmlar") => sum.checked_add(product).is_none(),
        Some("smmls" | "smmlsr") => sum.checked_sub(product).is_none(),
        // It negates the second operand before it propagates a NaN.
        Some("vsub.f32") => (0..3).any(|index| float(index).is_nan()),
        // It does not extend the sign of a 16-bit result.
        Some("vcvt.s16.f32") => float(0).is_sign_negative(),
        _ => false,
    }
}
