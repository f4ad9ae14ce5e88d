//! Mutations of good files.

use s2c_tests::Random;
use serde_json::Value;

/// A deterministic source of mutated files.
pub struct Mutator {
    seeds: Vec<Vec<u8>>,
    random: Random,
}

/// Numbers at which sizes and offsets go wrong.
const EXTREMES: [u64; 12] =
    [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 40, u64::MAX];
/// Words at which text goes wrong.
const WORDS: [&str; 22] = [
    "-1",
    "0",
    "99999999999999999999",
    "4294967296",
    "1e308",
    "-1e-320",
    "nan",
    "inf",
    "0x",
    "\"",
    "'",
    "[",
    "((((",
    "]",
    "{",
    "tensor<4611686018427387904x8xi8>",
    "dense<0>",
    "dense<\"0x00\">",
    "array<i64: 9223372036854775807>",
    ":",
    "\u{0}",
    "%0",
];

impl Mutator {
    /// Mutations of some files.
    pub fn new(seeds: Vec<Vec<u8>>, seed: u64) -> Self {
        assert!(!seeds.is_empty(), "there are no files to mutate");
        Self { seeds, random: Random(seed) }
    }

    /// The next file: one to eight changes to a good one.
    pub fn next(&mut self) -> Vec<u8> {
        let seed = self.random.below(self.seeds.len());
        let mut bytes = self.seeds[seed].clone();
        for _ in 0..1 + self.random.below(8) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.random.below(bytes.len());
        // Headers and tables, where sizes stand, are more often near the start.
        let at = if self.random.below(2) == 0 { at.min(self.random.below(4096)) } else { at };
        let span = 1 + self.random.below(64);
        let end = (at + span).min(bytes.len());
        match self.random.below(10) {
            0..=2 if at < bytes.len() => bytes[at] = self.random.draw() as u8,
            3 if at < bytes.len() => bytes[at] ^= 1 << self.random.below(8),
            4 => {
                let value = EXTREMES[self.random.below(EXTREMES.len())].to_le_bytes();
                let width = [1, 2, 4, 8][self.random.below(4)];
                bytes.iter_mut().skip(at).zip(&value[..width]).for_each(|(byte, value)| *byte = *value);
            }
            5 if self.random.below(4) == 0 => bytes.truncate(at),
            5 => drop(bytes.drain(at..end)),
            6 => {
                let copy = bytes[at..end].to_vec();
                let to = self.random.below(bytes.len());
                drop(bytes.splice(to..to, copy));
            }
            7 => {
                let other = self.random.below(self.seeds.len());
                let from = self.random.below(self.seeds[other].len());
                let piece: Vec<u8> = self.seeds[other].iter().skip(from).take(span).copied().collect();
                drop(bytes.splice(at..end, piece));
            }
            8 => self.change_number(bytes),
            _ => {
                let word = WORDS[self.random.below(WORDS.len())].as_bytes().to_vec();
                drop(bytes.splice(at..at, word));
            }
        }
    }

    /// Replaces a number that is written in digits.
    fn change_number(&mut self, bytes: &mut Vec<u8>) {
        let from = self.random.below(bytes.len());
        let Some(start) = bytes.iter().skip(from).position(u8::is_ascii_digit).map(|at| at + from) else { return };
        let end = bytes[start..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |at| at + start);
        let word = match self.random.below(2) {
            0 => EXTREMES[self.random.below(EXTREMES.len())].to_string(),
            _ => WORDS[self.random.below(8)].to_owned(),
        };
        drop(bytes.splice(start..end, word.into_bytes()));
    }

    /// Changes one number, string or list somewhere in a JSON value.
    pub fn change_json(&mut self, value: &mut Value) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                let index = self.random.below(members.len());
                if let Some((_, member)) = members.iter_mut().nth(index) {
                    self.change_json(member);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                let index = self.random.below(items.len());
                match self.random.below(6) {
                    0 => drop(items.remove(index)),
                    1 => items.push(items[index].clone()),
                    _ => self.change_json(&mut items[index]),
                }
            }
            Value::Number(_) => *value = EXTREMES[self.random.below(EXTREMES.len())].into(),
            Value::String(text) => text.push('x'),
            _ => {}
        }
    }
}
