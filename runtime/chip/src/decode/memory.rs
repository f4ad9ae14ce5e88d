//! 32-bit loads, stores and table branches (ARM DDI 0403E, A5.3.5 to A5.3.10).

use super::fields::{bit, bits, literal_base, reg4};
use crate::op::{Index, Op, Size};

const SP: u8 = 13;
const PC: u8 = 15;

/// Load and store multiple (A5.3.5).
pub(super) fn multiple(first: u32, second: u32) -> Op {
    let (rn, list) = (reg4(first, 0), second as u16);
    let (writeback, before) = (
        bit(first, 5),
        match bits(first, 8, 7) {
            1 => false,
            2 => true,
            _ => return Op::Undefined,
        },
    );
    let in_list = |reg: u8| (list >> reg) & 1 != 0;
    if rn == PC || list.count_ones() < 2 || in_list(SP) || (writeback && in_list(rn)) {
        return Op::Undefined;
    }
    if bit(first, 4) {
        load_multiple(rn, before, writeback, list)
    } else if in_list(PC) {
        Op::Undefined
    } else {
        store_multiple(rn, before, writeback, list)
    }
}

/// LDM and POP of the registers in `list`.
pub(super) fn load_multiple(rn: u8, before: bool, writeback: bool, list: u16) -> Op {
    let words = list.count_ones() as u8;
    match block(list) {
        Some(first) => Op::LoadBlock { rn, before, writeback, words, first },
        None => Op::LoadMultiple { rn, before, writeback, words, list },
    }
}

/// STM and PUSH of the registers in `list`.
pub(super) fn store_multiple(rn: u8, before: bool, writeback: bool, list: u16) -> Op {
    let words = list.count_ones() as u8;
    match block(list) {
        Some(first) => Op::StoreBlock { rn, before, writeback, words, first },
        None => Op::StoreMultiple { rn, before, writeback, words, list },
    }
}

/// The first register of a list without gaps and without the program counter.
fn block(list: u16) -> Option<u8> {
    let first = list.trailing_zeros();
    (list < 1 << PC && (u32::from(list >> first) + 1).is_power_of_two()).then_some(first as u8)
}

/// Load and store dual, table branch (A5.3.6). Exclusive accesses are not modelled: a PE's memory has one master.
pub(super) fn dual_or_table_branch(pc: u32, first: u32, second: u32) -> Op {
    let (rn, rt, rt2) = (reg4(first, 0), reg4(second, 12), reg4(second, 8));
    let (pre, up, writeback, load) = (bit(first, 8), bit(first, 7), bit(first, 5), bit(first, 4));
    let Some(index) = index(pre, writeback) else {
        if bits(first, 11, 4) == 0b1000_1101 && bits(second, 15, 5) == 0b111_1000_0000 {
            let (rm, half) = (reg4(second, 0), bit(second, 4));
            return Op::TableBranch { rn, rm, half, base: pc.wrapping_add(4) };
        }
        return Op::Undefined;
    };
    let offset = signed(bits(second, 7, 0) * 4, up);
    let overlap = index != Index::Offset && (rn == rt || rn == rt2);
    if invalid_target(rt) || invalid_target(rt2) || overlap || (load && rt == rt2) {
        return Op::Undefined;
    }
    match (load, rn) {
        (true, PC) if index == Index::Offset => {
            Op::LoadDualLiteral { rt, rt2, address: literal_base(pc).wrapping_add_signed(offset) }
        }
        (_, PC) => Op::Undefined,
        (true, _) => Op::LoadDual { rt, rt2, rn, index, offset },
        (false, _) => Op::StoreDual { rt, rt2, rn, index, offset },
    }
}

/// Single loads and stores (A5.3.7 to A5.3.10).
pub(super) fn single(pc: u32, first: u32, second: u32) -> Op {
    let (rn, rt) = (reg4(first, 0), reg4(second, 12));
    let (signed_load, load) = (bit(first, 8), bit(first, 4));
    let size = match (bits(first, 6, 5), signed_load && load) {
        (0, false) => Size::Byte,
        (1, false) => Size::Half,
        (2, false) => Size::Word,
        (0, true) => Size::SignedByte,
        (1, true) => Size::SignedHalf,
        _ => return Op::Undefined,
    };
    if signed_load && !load {
        return Op::Undefined;
    }
    if load && rt == PC && size != Size::Word {
        // PLD, PLI and the unallocated memory hints.
        return Op::Nop;
    }
    if rn == PC {
        let address = literal_base(pc).wrapping_add_signed(signed(bits(second, 11, 0), bit(first, 7)));
        return match (load, rt) {
            (false, _) => Op::Undefined,
            (true, PC) => Op::LoadPcLiteral { address },
            (true, _) => Op::LoadLiteral { size, rt, address },
        };
    }
    if !load && rt == PC {
        return Op::Undefined;
    }
    if bit(first, 7) {
        return immediate(load, size, rt, rn, Index::Offset, bits(second, 11, 0) as i32);
    }
    if bits(second, 11, 6) == 0 {
        return register(load, size, rt, rn, reg4(second, 0), bits(second, 5, 4) as u8);
    }
    // The form with P = 1, U = 1, W = 0 is the unprivileged access, the same as a plain one here.
    match (bit(second, 11), index(bit(second, 10), bit(second, 8))) {
        (true, Some(index)) if index == Index::Offset || rn != rt => {
            immediate(load, size, rt, rn, index, signed(bits(second, 7, 0), bit(second, 9)))
        }
        _ => Op::Undefined,
    }
}

fn immediate(load: bool, size: Size, rt: u8, rn: u8, index: Index, offset: i32) -> Op {
    if load && rt == PC {
        return Op::LoadPcImm { rn, index, offset };
    }
    if index != Index::Offset {
        let post = index == Index::Post;
        return if load {
            Op::LoadIndexed { size, rt, rn, post, offset }
        } else {
            Op::StoreIndexed { size, rt, rn, post, offset }
        };
    }
    let imm = offset as u32;
    match (load, size) {
        (true, Size::Word) => Op::LdrImm { rt, rn, imm },
        (true, Size::Half) => Op::LdrhImm { rt, rn, imm },
        (true, Size::Byte) => Op::LdrbImm { rt, rn, imm },
        (true, Size::SignedHalf) => Op::LdrshImm { rt, rn, imm },
        (true, Size::SignedByte) => Op::LdrsbImm { rt, rn, imm },
        (false, Size::Word) => Op::StrImm { rt, rn, imm },
        (false, Size::Half) => Op::StrhImm { rt, rn, imm },
        (false, Size::Byte) => Op::StrbImm { rt, rn, imm },
        (false, _) => Op::Undefined,
    }
}

fn register(load: bool, size: Size, rt: u8, rn: u8, rm: u8, lsl: u8) -> Op {
    match (load, size) {
        _ if invalid_target(rm) => Op::Undefined,
        (true, Size::Word) if rt == PC => Op::LoadPcReg { rn, rm, lsl },
        (true, Size::Word) => Op::LdrReg { rt, rn, rm, lsl },
        (true, Size::Half) => Op::LdrhReg { rt, rn, rm, lsl },
        (true, Size::Byte) => Op::LdrbReg { rt, rn, rm, lsl },
        (true, Size::SignedHalf) => Op::LdrshReg { rt, rn, rm, lsl },
        (true, Size::SignedByte) => Op::LdrsbReg { rt, rn, rm, lsl },
        (false, Size::Word) => Op::StrReg { rt, rn, rm, lsl },
        (false, Size::Half) => Op::StrhReg { rt, rn, rm, lsl },
        (false, Size::Byte) => Op::StrbReg { rt, rn, rm, lsl },
        (false, _) => Op::Undefined,
    }
}

/// The addressing mode of the bits P and W; none if both are 0.
fn index(pre: bool, writeback: bool) -> Option<Index> {
    match (pre, writeback) {
        (true, false) => Some(Index::Offset),
        (true, true) => Some(Index::Pre),
        (false, true) => Some(Index::Post),
        (false, false) => None,
    }
}

fn signed(magnitude: u32, up: bool) -> i32 {
    if up { magnitude as i32 } else { -(magnitude as i32) }
}

/// The stack pointer and the program counter are not allowed here.
fn invalid_target(reg: u8) -> bool {
    reg == SP || reg == PC
}
