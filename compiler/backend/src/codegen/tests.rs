//! Generated code is run on the chip model and compared with plain Rust; instructions are counted.

mod conv;
mod cost;
mod kernels;
mod machine;
mod one_to_one;
mod reference;
mod runtime;

use s2c_abi::{Comms, Registers, Timer};
use s2c_tests::Random;

use super::{KernelCache, RuntimeConstants};

/// Peripherals and memory of `compiler/targets/spinnaker2.toml`.
const CONSTANTS: RuntimeConstants = RuntimeConstants {
    header: 4096,
    stack_top: 131_072,
    registers: Registers {
        timer: Timer { base: 0xe100_0000, status: 0x10, clear: 0x0c },
        comms: Comms {
            base: 0xe200_0000,
            send_status: 0x7c,
            send_key: 0x14,
            send_payload: 0x10,
            receive_size: 0x100,
            receive_base: 0x104,
            receive_end: 0x108,
            receive_read: 0x10c,
            receive_write: 0x110,
        },
    },
    payload: false,
};

const CODE_BYTES: u32 = 4096;

fn cache() -> KernelCache {
    KernelCache::new(&CONSTANTS).unwrap_or_else(|error| panic!("{error}"))
}

/// Test data.
trait Draw {
    /// A number below `end`.
    fn up_to(&mut self, end: u32) -> u32;
    /// One of some values.
    fn pick<T: Clone>(&mut self, choices: &[T]) -> T;
    /// A number that is often extreme or small.
    fn value(&mut self) -> i32;
    /// Such numbers.
    fn values(&mut self, count: usize) -> Vec<i32>;
}

impl Draw for Random {
    fn up_to(&mut self, end: u32) -> u32 {
        self.word() % end
    }

    fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.up_to(choices.len() as u32) as usize].clone()
    }

    fn value(&mut self) -> i32 {
        match self.up_to(8) {
            0 => self.pick(&[i32::MIN, i32::MIN + 1, i32::MAX, i32::MAX - 1]),
            1 => self.pick(&[0, 1, -1]),
            2 | 3 => (self.word() as i32) >> 16,
            _ => self.word() as i32,
        }
    }

    fn values(&mut self, count: usize) -> Vec<i32> {
        (0..count).map(|_| self.value()).collect()
    }
}
