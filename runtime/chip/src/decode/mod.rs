//! The decoder: Thumb-2 encodings (ARM DDI 0403E, chapter A5) to [`Op`].
//!
//! Encodings that the manual calls UNDEFINED or UNPREDICTABLE, and those that the model does not have, become
//! [`Op::Undefined`], which is a fault only if it is executed. So any bytes can be decoded, data included.

mod data;
mod fields;
mod float;
mod memory;
mod multiply;
mod narrow;

use crate::op::{Insn, Op};
use fields::{bit, bits};

/// Decodes one instruction.
///
/// `second` is the halfword after `first`; it is ignored by 16-bit instructions.
pub(crate) fn decode(pc: u32, first: u16, second: u16, in_it: bool) -> Insn {
    let (first, second) = (u32::from(first), u32::from(second));
    if first >> 11 < 0b11101 {
        return Insn { op: narrow::decode(pc, first, in_it), length: 2 };
    }
    Insn { op: wide(pc, first, second), length: 4 }
}

/// 32-bit encodings (A5.3).
fn wide(pc: u32, first: u32, second: u32) -> Op {
    let op2 = bits(first, 10, 4);
    match bits(first, 12, 11) {
        0b01 => match op2 >> 5 {
            0b00 if op2 & 0b100 == 0 => memory::multiple(first, second),
            0b00 => memory::dual_or_table_branch(pc, first, second),
            0b01 => data::shifted_register(pc, first, second),
            _ => float::decode(pc, first, second),
        },
        0b10 if bit(second, 15) => data::branch_or_system(pc, first, second),
        0b10 if op2 & 0b10_0000 == 0 => data::modified_immediate(first, second),
        0b10 => data::plain_immediate(pc, first, second),
        _ => match op2 >> 4 {
            0b000 | 0b001 => memory::single(pc, first, second),
            0b010 => data::register(first, second),
            0b011 if op2 & 0b1000 == 0 => multiply::short(first, second),
            0b011 => multiply::long(first, second),
            _ => float::decode(pc, first, second),
        },
    }
}
