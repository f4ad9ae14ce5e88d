//! The runtime's assembly text with the constants of `s2c-abi` and of the target before it.

use std::fmt::Write;

use s2c_abi::{MAGIC, Registers, dispatch, fault, header, rotation, slice};

const SOURCE: &str = include_str!("../../../../runtime/device/runtime.s");

/// Coprocessor access control register of every Cortex-M4F (ARM DDI 0403E, B3.2).
const CPACR: u32 = 0xe000_ed88;

/// What the runtime has to know of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuntimeConstants {
    /// Address of the PE header ([`header`]).
    pub header: u32,
    /// Initial stack pointer, the end of the stack; a multiple of 8.
    pub stack_top: u32,
    /// Addresses of the peripherals.
    pub registers: Registers,
    /// Whether packets carry a payload word.
    pub payload: bool,
}

/// The runtime's source, ready to be assembled.
pub fn runtime_source(constants: &RuntimeConstants) -> String {
    let Registers { timer, comms } = constants.registers;
    let table: &[(&str, u32)] = &[
        ("STACK_TOP", constants.stack_top),
        ("HEADER_BASE", constants.header),
        ("RECEIVE", comms.base + comms.receive_base),
        ("TIMER", timer.base),
        ("PACKET_PAYLOAD", u32::from(constants.payload)),
        ("PACKET_BYTES", if constants.payload { 8 } else { 4 }),
        ("CPACR", CPACR),
        ("MAGIC", MAGIC),
        ("HEADER_MAGIC", header::MAGIC),
        ("HEADER_TICK", header::TICK),
        ("HEADER_FAULT", header::FAULT),
        ("HEADER_DISPATCH_SHIFT", header::DISPATCH_SHIFT),
        ("HEADER_DISPATCH_MASK", header::DISPATCH_MASK),
        ("HEADER_DISPATCH_TABLE", header::DISPATCH_TABLE),
        ("HEADER_SLICES", header::SLICES),
        ("HEADER_SLICES_END", header::SLICES_END),
        ("HEADER_ROTATIONS", header::ROTATIONS),
        ("HEADER_ROTATIONS_END", header::ROTATIONS_END),
        ("HEADER_FIFO_BASE", header::FIFO_BASE),
        ("HEADER_FIFO_END", header::FIFO_END),
        ("FAULT_BAD_HEADER", fault::BAD_HEADER),
        ("FAULT_UNKNOWN_KEY", fault::UNKNOWN_KEY),
        ("FAULT_OVERRUN", fault::OVERRUN),
        ("FAULT_EXCEPTION", fault::EXCEPTION),
        ("DISPATCH_SIZE_LOG2", DISPATCH_SIZE_LOG2),
        ("SLICE_KERNEL", slice::KERNEL),
        ("SLICE_START", slice::START),
        ("ROTATION_POINTER", rotation::POINTER),
        ("ROTATION_STEP", rotation::STEP),
        ("ROTATION_END", rotation::END),
        ("ROTATION_BASE", rotation::BASE),
        ("ROTATION_SIZE", rotation::SIZE),
        ("TIMER_STATUS", timer.status),
        ("TIMER_CLEAR", timer.clear),
    ];
    let mut source = String::new();
    // The receive ring's registers are reached from the first of its addresses, with short instructions.
    for (name, offset) in [
        ("RECEIVE_SIZE", comms.receive_size),
        ("RECEIVE_BASE", comms.receive_base),
        ("RECEIVE_END", comms.receive_end),
        ("RECEIVE_READ", comms.receive_read),
        ("RECEIVE_WRITE", comms.receive_write),
    ] {
        let _ = writeln!(source, "    .equ {name}, {}", i64::from(offset) - i64::from(comms.receive_base));
    }
    for (name, value) in table {
        let _ = writeln!(source, "    .equ {name}, {value:#x}");
    }
    source.push_str(SOURCE);
    source
}

const DISPATCH_SIZE_LOG2: u32 = dispatch::SIZE.ilog2();

// The runtime loads a dispatch entry with one LDM, which takes words in this order, and multiplies the index by a shift.
const _: () = assert!(
    dispatch::BASE == 0
        && dispatch::ARGUMENT == 4
        && dispatch::KERNEL == 8
        && dispatch::STRIDE == 12
        && dispatch::SIZE == 16
);
