//! What a form of instruction is, and the states that it is executed from.

use s2c_tests::Random;

/// The assembly of a form and its encoding.
pub type Form = (&'static str, &'static [u16]);

pub const CODE: u32 = 0x400;
pub const DATA: u32 = 0x1800;
/// The part of the memory around [`DATA`] that is compared.
pub const WINDOW: std::ops::Range<u32> = 0x1700..0x1900;
pub const STACK: u32 = 0x1F00;
pub const SRAM_BYTES: u32 = 0x4000;

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

fn integer(random: &mut Random) -> u32 {
    let value = random.word();
    match random.word() % 4 {
        0 | 1 => EDGES[value as usize % EDGES.len()],
        2 => value & 0x3F,
        _ => value,
    }
}

fn float(random: &mut Random) -> u32 {
    let value = random.word();
    let scale = [1.0f32, 1e3, 1e-3, 1e-8][random.word() as usize % 4];
    match random.word() % 4 {
        0 => FLOAT_EDGES[value as usize % FLOAT_EDGES.len()],
        1 => value,
        _ => ((value as i32 % 2_000_000) as f32 * scale).to_bits(),
    }
}

/// All state that a form may read or change.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// r0 to r12.
    pub core: Vec<u32>,
    /// s0 to s31.
    pub float: Vec<u32>,
    /// N, Z, C, V, Q and GE.
    pub apsr: u32,
    /// The flags of FPSCR.
    pub fpscr: u32,
    /// The memory of [`WINDOW`].
    pub memory: Vec<u8>,
}

impl State {
    pub fn random(random: &mut Random, fpscr: u32) -> Self {
        let mut core: Vec<u32> = (0..13).map(|_| integer(random)).collect();
        core[8] = DATA;
        core[9] &= 0x1F;
        Self {
            core,
            float: (0..32).map(|_| float(random)).collect(),
            apsr: random.word() & 0xF80F_0000,
            fpscr,
            memory: WINDOW.map(|_| random.word() as u8).collect(),
        }
    }
}
