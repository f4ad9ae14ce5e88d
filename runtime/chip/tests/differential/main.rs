//! Executes every form of instruction with random operands on this model and on `rsemu`, an independent emulator,
//! and compares registers, flags and memory.

#[path = "../common/mod.rs"]
mod common;
mod data_forms;
mod dsp_forms;
mod float_forms;
mod memory_forms;
mod oracle;

use common::config;
use oracle::Oracle;
use s2c_chip::Harness;

/// The assembly of a form and its encoding.
type Form = (&'static str, &'static [u16]);

const CODE: u32 = 0x400;
const DATA: u32 = 0x1800;
/// The part of the memory around [`DATA`] that is compared.
const WINDOW: std::ops::Range<u32> = 0x1700..0x1900;
const STACK: u32 = 0x1F00;
const SRAM_BYTES: u32 = 0x4000;
const BX_LR: u16 = 0x4770;

/// Values at which arithmetic tends to go wrong.
const EDGES: [u32; 16] = [
    0,
    1,
    0x1F,
    0x20,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x8000_8000,
    0x7FFF_7FFF,
    0x8080_7F7F,
];

/// Zeros, infinities, NaNs, denormals, the limits of the conversions and half-precision values.
const FLOAT_EDGES: [u32; 22] = [
    0,
    0x8000_0000,
    0x3F80_0000,
    0xBF80_0000,
    0x7F80_0000,
    0xFF80_0000,
    0x7F7F_FFFF,
    0x0080_0000,
    0x007F_FFFF,
    1,
    0x4F00_0000,
    0xCF00_0000,
    0x4F80_0000,
    0x4EFF_FFFF,
    0x3F00_0000,
    0x3FC0_0000,
    0x7FC0_1234,
    0xFFC0_0001,
    0x7F80_0001,
    0xFFA0_0000,
    0x3380_0000,
    0x477F_EFFF,
];

/// A xorshift generator, so that runs are repeatable.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as u32
    }

    fn integer(&mut self) -> u32 {
        let value = self.next();
        match self.next() % 4 {
            0 | 1 => EDGES[value as usize % EDGES.len()],
            2 => value & 0x3F,
            _ => value,
        }
    }

    fn float(&mut self) -> u32 {
        let value = self.next();
        let scale = [1.0f32, 1e3, 1e-3, 1e-8][self.next() as usize % 4];
        match self.next() % 4 {
            0 => FLOAT_EDGES[value as usize % FLOAT_EDGES.len()],
            1 => value,
            _ => ((value as i32 % 2_000_000) as f32 * scale).to_bits(),
        }
    }
}

/// All state that a form may read or change.
#[derive(Clone, Debug, PartialEq)]
struct State {
    /// r0 to r12.
    core: Vec<u32>,
    /// s0 to s31.
    float: Vec<u32>,
    /// N, Z, C, V, Q and GE.
    apsr: u32,
    /// The flags of FPSCR.
    fpscr: u32,
    /// The memory of [`WINDOW`].
    memory: Vec<u8>,
}

impl State {
    fn random(random: &mut Random, fpscr: u32) -> Self {
        let mut core: Vec<u32> = (0..13).map(|_| random.integer()).collect();
        core[8] = DATA;
        core[9] &= 0x1F;
        Self {
            core,
            float: (0..32).map(|_| random.float()).collect(),
            apsr: random.next() & 0xF80F_0000,
            fpscr,
            memory: WINDOW.map(|_| random.next() as u8).collect(),
        }
    }
}

/// Runs the code at [`CODE`] from a state.
fn execute(harness: &mut Harness, before: &State) -> State {
    for (index, &value) in before.core.iter().enumerate() {
        harness.set_core_register(index, value);
    }
    for (index, &value) in before.float.iter().enumerate() {
        harness.set_float_register(index, value);
    }
    harness.set_apsr(before.apsr);
    harness.write(WINDOW.start, &before.memory);
    harness.set_stack(STACK);
    let arguments = [before.core[0], before.core[1], before.core[2], before.core[3]];
    harness.call(CODE, arguments).expect("the form is implemented");
    State {
        core: (0..13).map(|index| harness.core_register(index)).collect(),
        float: (0..32).map(|index| harness.float_register(index)).collect(),
        apsr: harness.apsr(),
        fpscr: harness.fpscr() & 0xF000_0000,
        memory: harness.read(WINDOW.start, WINDOW.len()).to_vec(),
    }
}

/// Compares all forms with `cases` random states each, and lists those that differ.
fn compare(forms: &[Form], cases: usize) {
    let (mut harness, oracle) = (Harness::new(&config()), Oracle::new());
    let mut random = Random(0x5EED_0123_4567_89AB);
    let mut differences = Vec::new();
    for (text, code) in forms {
        let mut bytes: Vec<u8> = code.iter().flat_map(|half| half.to_le_bytes()).collect();
        let end = CODE + bytes.len() as u32;
        bytes.extend(BX_LR.to_le_bytes());
        harness.write(CODE, &bytes);
        oracle.load(&bytes);
        for _ in 0..cases {
            let before = State::random(&mut random, harness.fpscr());
            if oracle::is_unreliable(text, &before) {
                continue;
            }
            let expected = oracle.execute(text, &before, end);
            let after = execute(&mut harness, &before);
            if after != expected {
                differences.push(describe(text, &before, &after, &expected));
                break;
            }
        }
    }
    assert!(differences.is_empty(), "{} forms differ:\n{}", differences.len(), differences.join("\n"));
}

fn describe(text: &str, before: &State, after: &State, expected: &State) -> String {
    let mut lines = vec![format!("{text}: r0..r3 {:x?}, s0..s3 {:x?}", &before.core[..4], &before.float[..4])];
    for index in (0..13).filter(|&index| after.core[index] != expected.core[index]) {
        lines.push(format!("  r{index} is {:#x}, expected {:#x}", after.core[index], expected.core[index]));
    }
    for index in (0..32).filter(|&index| after.float[index] != expected.float[index]) {
        lines.push(format!("  s{index} is {:#x}, expected {:#x}", after.float[index], expected.float[index]));
    }
    if (after.apsr, after.fpscr) != (expected.apsr, expected.fpscr) {
        let (flags, wanted) = ((after.apsr, after.fpscr), (expected.apsr, expected.fpscr));
        lines.push(format!("  flags are {flags:x?}, expected {wanted:x?}, before {:x}", before.apsr));
    }
    if after.memory != expected.memory {
        lines.push("  the memory differs".into());
    }
    lines.join("\n")
}

#[test]
fn data_processing() {
    compare(data_forms::DATA, 300);
}

#[test]
fn dsp_and_branches() {
    compare(dsp_forms::DSP, 300);
}

#[test]
fn loads_and_stores() {
    compare(memory_forms::MEMORY, 200);
}

#[test]
fn floating_point() {
    compare(float_forms::FLOAT, 600);
}
