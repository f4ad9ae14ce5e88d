//! The runtime on a small image: two slices, one of which starts late and has delayed accumulators.

use s2c_abi::{MAGIC, fault, header, rotation};
use s2c_kernels::{
    Accumulator, Decay, Factor, Fire, Kernel, Reset, RowKernel, Spread, State, UpdateKernel, WeightWidth, pack_row,
};

use super::{CODE_BYTES, CONSTANTS, machine::Machine};
use crate::codegen::{CodeImage, KernelCache, RuntimeConstants, Segment, link, write_executable};

const SLICE_TABLE: u32 = 0x1100;
const FIRST_SLICE: u32 = 0x1140;
const SECOND_SLICE: u32 = 0x1180;
const ROTATION: u32 = 0x11c0;
const DISPATCH: u32 = 0x1200;
const SEVERAL: u32 = 0x1280;
const SYNAPSES: u32 = 0x1300;
const FIRST_ROWS: u32 = 0x1400;
const SECOND_ROWS: u32 = 0x1500;
const ACCUMULATORS: u32 = 0x1600;
/// Two slots of four 32-bit accumulators.
const RING: u32 = 0x1640;
const MEMBRANES: u32 = 0x1700;
const SECOND_MEMBRANES: u32 = 0x1740;
const FIFO: u32 = 0x1800;
const KEY: u32 = 0x500;
/// Keys from here on belong to the second entry of the dispatch table, which feeds both slices.
const BOTH: u32 = 16;
/// The keys of the third entry are unknown.
const UNKNOWN: u32 = 32;
/// First tick of the second slice.
const START: u32 = 2;

fn row(accumulators: Accumulator) -> RowKernel {
    RowKernel { weights: WeightWidth::W8, accumulators, length: 4, factor: Factor::One }
}

fn neurons(accumulators: Accumulator, fire: Option<Fire>) -> UpdateKernel {
    let (state, input_shift, current, decay, words) = (State::Wrap, 0, None, Decay::None, Default::default());
    UpdateKernel { accumulators, state, input_shift, current, decay, byte_shift: None, fire, words }
}

fn write(machine: &mut Machine, address: u32, words: &[u32]) {
    machine.write(address, &words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>());
}

fn read(machine: &Machine, address: u32) -> u32 {
    let bytes = machine.read(address, 4);
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn membranes(machine: &Machine, address: u32) -> [u32; 4] {
    [0, 4, 8, 12].map(|offset| read(machine, address + offset))
}

/// A PE with both slices, after reset.
fn start(payload: bool) -> Machine {
    let mut cache = KernelCache::new(&RuntimeConstants { payload, ..CONSTANTS }).unwrap();
    let rows = [row(Accumulator::I16), row(Accumulator::I32)];
    let fire = Fire { threshold: Spread::Uniform, reset: Reset::Subtract(Spread::Uniform) };
    let updates = [neurons(Accumulator::I16, Some(fire)), neurons(Accumulator::I32, None)];
    let kernels: Vec<Kernel> =
        rows.clone().map(Kernel::Row).into_iter().chain(updates.clone().map(Kernel::Update)).collect();
    let code = cache.image(&kernels, CODE_BYTES).unwrap();
    let entry = |name: &str| code.entry(name).unwrap();

    let mut machine = Machine::new(&code);
    let mut head = [0; header::SIZE as usize / 4];
    for (offset, value) in [
        (header::MAGIC, MAGIC),
        (header::DISPATCH_SHIFT, 4),
        (header::DISPATCH_MASK, 3),
        (header::DISPATCH_TABLE, DISPATCH),
        (header::SLICES, SLICE_TABLE),
        (header::SLICES_END, SLICE_TABLE + 8),
        (header::ROTATIONS, ROTATION),
        (header::ROTATIONS_END, ROTATION + rotation::SIZE),
        (header::FIFO_BASE, FIFO),
        (header::FIFO_END, FIFO + 32),
    ] {
        head[offset as usize / 4] = value;
    }
    write(&mut machine, CONSTANTS.header, &head);
    write(&mut machine, SLICE_TABLE, &[FIRST_SLICE, SECOND_SLICE]);
    // Threshold 9, reset by 10.
    write(&mut machine, FIRST_SLICE, &[entry(&updates[0].name()), 0, 4, KEY, ACCUMULATORS, MEMBRANES, 9, 10]);
    write(&mut machine, SECOND_SLICE, &[entry(&updates[1].name()), START, 4, 0, RING, SECOND_MEMBRANES]);
    // The slice's own pointer moves; its synapses write one slot ahead and move too.
    write(&mut machine, ROTATION, &[SECOND_SLICE + 16, 16, RING + 32, RING]);
    let first = [FIRST_ROWS, SYNAPSES, entry(&rows[0].name()), 4];
    let both = [0, SEVERAL, entry("dispatch_several"), 0];
    let unknown = [0, 0, entry("unknown_key"), 0];
    write(&mut machine, DISPATCH, &[first, both, unknown, unknown].concat());
    let second = [SECOND_ROWS.wrapping_sub(4 * BOTH), SYNAPSES + 4, entry(&rows[1].name()), 4];
    write(&mut machine, SEVERAL, &[&[2], &first[..], &second[..]].concat());
    write(&mut machine, SYNAPSES, &[ACCUMULATORS, RING + 16]);
    for key in 0..20 {
        let weights = [key, 1, 2, 3];
        machine.write(FIRST_ROWS + 4 * key as u32, &pack_row(&rows[0], &weights));
        machine.write(SECOND_ROWS + 4 * key as u32, &pack_row(&rows[1], &weights));
    }
    machine.run();
    machine
}

#[test]
fn packets_reach_their_neurons_and_ticks_advance_them() {
    for payload in [false, true] {
        let mut machine = start(payload);
        let word = payload.then_some(0x1234_5678);
        machine.deliver(7, word);
        machine.deliver(BOTH + 2, word);
        machine.run();
        assert!(machine.sent().is_empty(), "nothing is sent before the tick");
        machine.tick(1);
        machine.run();
        // Weights 7 and 18 for the first neuron, which fires; twice 1, 2, 3 for the others.
        assert_eq!(machine.sent(), [KEY]);
        assert_eq!(membranes(&machine, MEMBRANES), [15, 2, 4, 6]);
        assert_eq!(membranes(&machine, SECOND_MEMBRANES), [0; 4], "the second slice has not started");
        assert_eq!(read(&machine, CONSTANTS.header + header::TICK), 1);
        machine.tick(1);
        machine.run();
        assert_eq!(membranes(&machine, MEMBRANES), [5, 2, 4, 6]);
        assert_eq!(read(&machine, SECOND_SLICE + 16), RING, "two rotations go once round");
        machine.tick(1);
        machine.run();
        machine.tick(1);
        machine.run();
        // Tick 3 is the first after the start in which the slice looks at the second slot.
        assert_eq!(membranes(&machine, SECOND_MEMBRANES), [2, 1, 2, 3]);
        assert_eq!(read(&machine, CONSTANTS.header + header::FAULT), 0);
    }
}

#[test]
fn the_ring_wraps() {
    let mut machine = start(false);
    for _ in 0..10 {
        for key in 0..5 {
            machine.deliver(key, None);
        }
        machine.run();
    }
    machine.tick(1);
    machine.run();
    assert_eq!(membranes(&machine, MEMBRANES), [100 - 10, 50 - 10, 100 - 10, 150 - 10]);
    assert_eq!(machine.sent(), [KEY, KEY + 1, KEY + 2, KEY + 3]);
}

#[test]
fn faults_are_noted() {
    let mut machine = start(false);
    machine.deliver(UNKNOWN + 1, None);
    machine.run();
    assert_eq!(read(&machine, CONSTANTS.header + header::FAULT), fault::UNKNOWN_KEY);
    machine.tick(2);
    machine.run();
    assert_eq!(read(&machine, CONSTANTS.header + header::FAULT), fault::UNKNOWN_KEY | fault::OVERRUN);

    let code = super::cache().image([], CODE_BYTES).unwrap();
    let mut machine = Machine::new(&code);
    machine.run();
    assert_eq!(read(&machine, CONSTANTS.header + header::FAULT), fault::BAD_HEADER);
}

#[test]
fn code_that_does_not_fit_is_refused_with_numbers() {
    let mut cache = super::cache();
    let kernel = Kernel::Row(row(Accumulator::I16));
    let error = cache.image([&kernel], 256).unwrap_err();
    assert_eq!(error.code, "code-too-large");
    assert!(error.text.contains("of 256 bytes"), "{}", error.text);
}

#[test]
fn bad_text_is_a_bug_and_not_an_abort() {
    let generator = crate::codegen::CodeGenerator::new().unwrap();
    assert!(generator.object("llvm.func @f( {").is_err());
    let bad_instruction =
        "llvm.func @f() { llvm.inline_asm has_side_effects \"bogus\", \"\" : () -> ()\n llvm.return }";
    assert!(generator.object(bad_instruction).is_err());
    assert!(generator.assemble("  bogus r0").is_err());
    assert!(link(&[generator.assemble("  .text\n  .word missing").unwrap()], CODE_BYTES).is_err());
}

#[test]
fn executables_can_be_read_back() {
    use object::{Object, ObjectSection, ObjectSymbol};
    let mut cache = super::cache();
    let kernel = Kernel::Row(row(Accumulator::I16));
    let code: CodeImage = cache.image([&kernel], CODE_BYTES).unwrap();
    let data = Segment { name: ".data".to_owned(), address: 0x1000, bytes: vec![1, 2, 3, 4], symbols: Vec::new() };
    let bytes = write_executable(&code, &[data]);
    let file = object::read::elf::ElfFile32::<object::Endianness>::parse(&*bytes).unwrap();
    assert_eq!(file.section_by_name(".text").unwrap().data().unwrap(), code.bytes);
    assert_eq!(file.section_by_name(".data").unwrap().address(), 0x1000);
    let symbol = file.symbol_by_name(&kernel.name()).unwrap();
    assert_eq!(symbol.address() as u32, code.entry(&kernel.name()).unwrap());
    assert_eq!(symbol.size() as u32, code.symbols[&kernel.name()].size);
    assert_eq!(file.entry() as u32, code.entry("reset").unwrap());
}
