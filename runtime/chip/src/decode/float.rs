//! The floating-point extension FPv4-SP (ARM DDI 0403E, A6): single precision, with transfers of doubles.

use super::fields::{bit, bits, literal_base, reg4};
use crate::op::{Float2, Float3, Op};

const PC: u8 = 15;

pub(super) fn decode(pc: u32, first: u32, second: u32) -> Op {
    if bit(first, 12) || bits(second, 11, 9) != 0b101 {
        return Op::Undefined;
    }
    match bits(first, 11, 8) {
        0b1110 if !bit(second, 4) => data_processing(first, second),
        0b1110 => transfer(first, second),
        0b1100 | 0b1101 => load_store(pc, first, second),
        _ => Op::Undefined,
    }
}

/// The single-precision register whose number has its high bits at `low` and its lowest bit in `lowest`.
fn single(word: u32, low: u32, lowest: bool) -> u8 {
    reg4(word, low) << 1 | u8::from(lowest)
}

/// The first single-precision register of a double; none for the doubles that FPv4-SP does not have.
fn double(word: u32, low: u32, highest: bool) -> Option<u8> {
    (!highest).then(|| reg4(word, low) << 1)
}

/// Data processing (A6.4).
fn data_processing(first: u32, second: u32) -> Op {
    if bit(second, 8) {
        return Op::Undefined;
    }
    let sd = single(second, 12, bit(first, 6));
    let sn = single(first, 0, bit(second, 7));
    let sm = single(second, 0, bit(second, 5));
    let op = match (bit(first, 7), bits(first, 5, 4), bit(second, 6)) {
        (false, 0, false) => Float3::Mla,
        (false, 0, true) => Float3::Mls,
        (false, 1, false) => Float3::NegMls,
        (false, 1, true) => Float3::NegMla,
        (false, 2, false) => Float3::Mul,
        (false, 2, true) => Float3::NegMul,
        (false, 3, false) => Float3::Add,
        (false, 3, true) => Float3::Sub,
        (true, 0, false) => Float3::Div,
        (true, 1, false) => Float3::NegFms,
        (true, 1, true) => Float3::NegFma,
        (true, 2, false) => Float3::Fma,
        (true, 2, true) => Float3::Fms,
        (true, 3, false) => {
            return Op::VmovImm { sd, imm: expand_immediate(bits(first, 3, 0) << 4 | bits(second, 3, 0)) };
        }
        (true, 3, true) => return other(first, second, sd, sm),
        _ => return Op::Undefined,
    };
    Op::Float3 { op, sd, sn, sm }
}

/// VFPExpandImm (A6.4.1).
fn expand_immediate(imm8: u32) -> u32 {
    let exponent = if bit(imm8, 6) { 0x1F << 25 } else { 1 << 30 };
    bits(imm8, 7, 7) << 31 | exponent | bits(imm8, 5, 0) << 19
}

/// The instructions with one source operand (A6.4).
fn other(first: u32, second: u32, sd: u8, sm: u8) -> Op {
    let op = match (bits(first, 3, 0), bit(second, 7)) {
        (0b0000, false) => Float2::Move,
        (0b0000, true) => Float2::Abs,
        (0b0001, false) => Float2::Neg,
        (0b0001, true) => Float2::Sqrt,
        (0b0010 | 0b0011, top) => return Op::VcvtHalf { sd, sm, top, to_half: bit(first, 0) },
        // VCMP and VCMPE differ only in the exception flags, which the model does not have.
        (0b0100, _) => return Op::Vcmp { sd, sm },
        (0b0101, _) => return Op::VcmpZero { sd },
        (0b1000, false) => Float2::FromUnsigned,
        (0b1000, true) => Float2::FromSigned,
        (0b1100, false) => Float2::RoundToUnsigned,
        (0b1100, true) => Float2::ToUnsigned,
        (0b1101, false) => Float2::RoundToSigned,
        (0b1101, true) => Float2::ToSigned,
        (0b1010 | 0b1011 | 0b1110 | 0b1111, wide) => {
            let bits_of_fixed = if wide { 32 } else { 16 };
            let field = (bits(second, 3, 0) << 1 | bits(second, 5, 5)) as u8;
            if field > bits_of_fixed {
                return Op::Undefined;
            }
            let fraction = bits_of_fixed - field;
            return Op::VcvtFixed {
                sd,
                to_fixed: bit(first, 2),
                signed: !bit(first, 0),
                bits: bits_of_fixed,
                fraction,
            };
        }
        _ => return Op::Undefined,
    };
    Op::Float2 { op, sd, sm }
}

/// Transfers between one core register and one floating-point register (A6.6).
fn transfer(first: u32, second: u32) -> Op {
    let (rt, to_core) = (reg4(second, 12), bit(first, 4));
    let sn = match (bits(first, 7, 5), bit(second, 8)) {
        (0, false) => single(first, 0, bit(second, 7)),
        // One half of a double.
        (half @ (0 | 1), true) if bits(second, 6, 5) == 0 => match double(first, 0, bit(second, 7)) {
            Some(low) => low + half as u8,
            None => return Op::Undefined,
        },
        (7, false) if bits(first, 3, 0) == 1 => {
            return match (to_core, rt) {
                (true, _) => Op::Vmrs { rt },
                (false, PC) => Op::Undefined,
                (false, _) => Op::Vmsr { rt },
            };
        }
        _ => return Op::Undefined,
    };
    match (rt, to_core) {
        (PC, _) => Op::Undefined,
        (_, true) => Op::VmovToCore { rt, sn },
        (_, false) => Op::VmovFromCore { rt, sn },
    }
}

/// Loads, stores and transfers of two core registers (A6.5, A6.7).
fn load_store(pc: u32, first: u32, second: u32) -> Op {
    let (before, up, writeback, load) = (bit(first, 8), bit(first, 7), bit(first, 5), bit(first, 4));
    if !before && !up && !writeback {
        return if bit(first, 6) { transfer_two(first, second) } else { Op::Undefined };
    }
    let rn = reg4(first, 0);
    let is_double = bit(second, 8);
    let sd = if is_double { double(second, 12, bit(first, 6)) } else { Some(single(second, 12, bit(first, 6))) };
    let Some(sd) = sd else { return Op::Undefined };
    let imm8 = bits(second, 7, 0);
    if before && !writeback {
        let words = if is_double { 2 } else { 1 };
        let imm = if up { imm8 * 4 } else { (imm8 * 4).wrapping_neg() };
        return match (load, rn) {
            (true, PC) => Op::VldrLiteral { sd, words, address: literal_base(pc).wrapping_add(imm) },
            (false, PC) => Op::Undefined,
            (true, _) => Op::Vldr { sd, words, rn, imm },
            (false, _) => Op::Vstr { sd, words, rn, imm },
        };
    }
    let odd_double = is_double && !imm8.is_multiple_of(2);
    if imm8 == 0 || odd_double || u32::from(sd) + imm8 > 32 || rn == PC || (before == up) {
        return Op::Undefined;
    }
    let words = imm8 as u8;
    if load {
        Op::VloadMultiple { sd, rn, words, before, writeback }
    } else {
        Op::VstoreMultiple { sd, rn, words, before, writeback }
    }
}

/// VMOV between two core registers and two singles or one double.
fn transfer_two(first: u32, second: u32) -> Op {
    let (rt, rt2) = (reg4(second, 12), reg4(first, 0));
    let (is_double, highest) = (bit(second, 8), bit(second, 5));
    let sm = if is_double { double(second, 0, highest) } else { Some(single(second, 0, highest)) };
    let to_core = bit(first, 4);
    match sm {
        Some(sm) if sm < 31 && bits(second, 7, 6) == 0 && bit(second, 4) && rt != PC && rt2 != PC => {
            if to_core && rt == rt2 {
                Op::Undefined
            } else if to_core {
                Op::VmovTwoToCore { rt, rt2, sm }
            } else {
                Op::VmovTwoFromCore { rt, rt2, sm }
            }
        }
        _ => Op::Undefined,
    }
}
