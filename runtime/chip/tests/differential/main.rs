//! Executes every form of instruction with random operands on this model and on `rsemu`, an independent emulator,
//! and compares registers, flags and memory.

#[path = "../common/mod.rs"]
mod common;
mod data_forms;
mod dsp_forms;
mod float_forms;
mod memory_forms;
mod oracle;
mod state;

use common::config;
use oracle::Oracle;
use s2c_chip::Harness;
use s2c_tests::Random;
use state::{CODE, Form, STACK, State, WINDOW};

const BX_LR: u16 = 0x4770;

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
