//! What tests of all crates share: random numbers, and the recordings that are not part of the project.

use std::{
    env,
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    thread,
};

/// Random numbers that follow from a seed, so that failures repeat: SplitMix64 (Steele, Lea and Flood, "Fast splittable
/// pseudorandom number generators", OOPSLA 2014).
pub struct Random(pub u64);

impl Random {
    /// Any number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Any 32 bits.
    pub fn word(&mut self) -> u32 {
        self.draw() as u32
    }

    /// A number below `limit`; 0 where that is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.draw() % limit.max(1) as u64) as usize
    }

    /// A number from `low` to `high`, both of them included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// True once in `count` times.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// A number from 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number from `low` to below `high`.
    pub fn real(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A copy with some bytes changed, or the end cut off.
    pub fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut copy = bytes.to_vec();
        if self.one_in(4) {
            copy.truncate(self.below(bytes.len()));
        }
        for _ in 0..self.between(1, 8) {
            let place = self.below(copy.len());
            if let Some(byte) = copy.get_mut(place) {
                *byte = self.draw() as u8;
            }
        }
        copy
    }
}

/// A model or a recording of other platforms. These are not part of the project: where they are missing, the test that
/// asks for one is skipped, and says so (see [`skip`]).
pub fn shared(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(file);
    if path.exists() {
        return Some(path);
    }
    skip(&format!("shared/data/{file} is not there"));
    None
}

/// Says that the test that runs is skipped, and why. `make test` counts what is said so: it gives the name of a file, to
/// which a line is added.
///
/// # Panics
/// If that file can't be written.
pub fn skip(reason: &str) {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    println!("skipped: {reason}");
    if let Some(file) = env::var_os("S2C_SKIPPED") {
        let mut file = OpenOptions::new().append(true).create(true).open(file).expect("the list of skipped tests");
        writeln!(file, "{test}: {reason}").expect("the list of skipped tests");
    }
}
