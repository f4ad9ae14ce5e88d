//! 16-bit encodings (ARM DDI 0403E, A5.2).

use super::{
    fields::{bit, bits, branch_target, literal_base, reg3, reg4, sign_extend},
    memory::{load_multiple, store_multiple},
};
use crate::op::{BitOp, DataOp, Extend, Op, Shift, Size};

const SP: u8 = 13;
const LR: u32 = 14;
const PC: u8 = 15;

pub(super) fn decode(pc: u32, h: u32, in_it: bool) -> Op {
    let s = !in_it;
    match bits(h, 15, 12) {
        0b0000 | 0b0001 => shift_add_subtract(h, s),
        0b0010 | 0b0011 => {
            let (rd, imm) = (reg3(h, 8), bits(h, 7, 0));
            match bits(h, 12, 11) {
                0 => Op::MovImm { rd, s, imm },
                1 => Op::CmpImm { rn: rd, imm },
                2 => Op::AddImm { rd, rn: rd, s, imm },
                _ => Op::SubImm { rd, rn: rd, s, imm },
            }
        }
        0b0100 => match bits(h, 11, 10) {
            0 => data_processing(h, s),
            1 => special(pc, h),
            _ => {
                let address = literal_base(pc).wrapping_add(bits(h, 7, 0) * 4);
                Op::LoadLiteral { size: Size::Word, rt: reg3(h, 8), address }
            }
        },
        0b0101 => load_store_register(h),
        0b0110 => {
            let (rt, rn, imm) = (reg3(h, 0), reg3(h, 3), bits(h, 10, 6) * 4);
            if bit(h, 11) { Op::LdrImm { rt, rn, imm } } else { Op::StrImm { rt, rn, imm } }
        }
        0b0111 => {
            let (rt, rn, imm) = (reg3(h, 0), reg3(h, 3), bits(h, 10, 6));
            if bit(h, 11) { Op::LdrbImm { rt, rn, imm } } else { Op::StrbImm { rt, rn, imm } }
        }
        0b1000 => {
            let (rt, rn, imm) = (reg3(h, 0), reg3(h, 3), bits(h, 10, 6) * 2);
            if bit(h, 11) { Op::LdrhImm { rt, rn, imm } } else { Op::StrhImm { rt, rn, imm } }
        }
        0b1001 => {
            let (rt, imm) = (reg3(h, 8), bits(h, 7, 0) * 4);
            if bit(h, 11) { Op::LdrImm { rt, rn: SP, imm } } else { Op::StrImm { rt, rn: SP, imm } }
        }
        0b1010 => {
            let (rd, imm) = (reg3(h, 8), bits(h, 7, 0) * 4);
            if bit(h, 11) {
                Op::AddImm { rd, rn: SP, s: false, imm }
            } else {
                Op::MovImm { rd, s: false, imm: literal_base(pc).wrapping_add(imm) }
            }
        }
        0b1011 => miscellaneous(pc, h),
        0b1100 => {
            let (rn, list) = (reg3(h, 8), bits(h, 7, 0) as u16);
            match (list, bit(h, 11)) {
                (0, _) => Op::Undefined,
                (_, false) => store_multiple(rn, false, true, list),
                // A base that is loaded is not written back.
                (_, true) => load_multiple(rn, false, (list >> rn) & 1 == 0, list),
            }
        }
        0b1101 => match bits(h, 11, 8) {
            14 | 15 => Op::Undefined,
            condition => Op::BranchIf { condition: condition as u8, target: branch_target(pc, sign_extend(h, 8) << 1) },
        },
        _ => Op::Branch { target: branch_target(pc, sign_extend(h, 11) << 1) },
    }
}

/// Shift (immediate), add, subtract (A5.2.1).
fn shift_add_subtract(h: u32, s: bool) -> Op {
    let (rd, rn, rm) = (reg3(h, 0), reg3(h, 3), reg3(h, 6));
    let amount = bits(h, 10, 6) as u8;
    let shifted = |shift, amount| Op::DataReg { op: DataOp::Mov, rd, rn: 0, rm: rn, shift, amount, s };
    match bits(h, 12, 11) {
        0 => shifted(Shift::Lsl, amount),
        1 => shifted(Shift::Lsr, if amount == 0 { 32 } else { amount }),
        2 => shifted(Shift::Asr, if amount == 0 { 32 } else { amount }),
        _ => match bits(h, 10, 9) {
            0 => Op::AddReg { rd, rn, rm, lsl: 0, s },
            1 => Op::SubReg { rd, rn, rm, lsl: 0, s },
            2 => Op::AddImm { rd, rn, s, imm: u32::from(rm) },
            _ => Op::SubImm { rd, rn, s, imm: u32::from(rm) },
        },
    }
}

/// Data processing on two low registers (A5.2.2).
fn data_processing(h: u32, s: bool) -> Op {
    let (rd, rm) = (reg3(h, 0), reg3(h, 3));
    let data = |op| Op::DataReg { op, rd, rn: rd, rm, shift: Shift::Lsl, amount: 0, s };
    let shift = |shift| Op::ShiftReg { shift, rd, rn: rd, rm, s };
    match bits(h, 9, 6) {
        0 => data(DataOp::And),
        1 => data(DataOp::Eor),
        2 => shift(Shift::Lsl),
        3 => shift(Shift::Lsr),
        4 => shift(Shift::Asr),
        5 => data(DataOp::Adc),
        6 => data(DataOp::Sbc),
        7 => shift(Shift::Ror),
        8 => compare(DataOp::Tst, rd, rm),
        9 => Op::DataImm { op: DataOp::Rsb, rd, rn: rm, s, carry: None, imm: 0 },
        10 => Op::CmpReg { rn: rd, rm },
        11 => compare(DataOp::Cmn, rd, rm),
        12 => Op::OrrReg { rd, rn: rd, rm, s },
        13 => Op::Mul { rd, rn: rd, rm, s },
        14 => data(DataOp::Bic),
        _ => data(DataOp::Mvn),
    }
}

/// A comparison, which sets the flags even inside an IT block.
fn compare(op: DataOp, rn: u8, rm: u8) -> Op {
    Op::DataReg { op, rd: 0, rn, rm, shift: Shift::Lsl, amount: 0, s: true }
}

/// High registers and branch-and-exchange (A5.2.3).
fn special(pc: u32, h: u32) -> Op {
    let (rm, rd) = (reg4(h, 3), reg3(h, 0) | (bits(h, 7, 7) << 3) as u8);
    let pc_value = pc.wrapping_add(4);
    match (bits(h, 9, 8), rd, rm) {
        (0, PC, _) => Op::Undefined,
        (0, _, PC) => Op::AddImm { rd, rn: rd, s: false, imm: pc_value },
        (0, ..) => Op::AddReg { rd, rn: rd, rm, lsl: 0, s: false },
        (1, PC, _) | (1, _, PC) => Op::Undefined,
        (1, ..) => Op::CmpReg { rn: rd, rm },
        (2, PC, PC) => Op::Undefined,
        (2, PC, _) => Op::MovPc { rm },
        (2, _, PC) => Op::MovImm { rd, s: false, imm: pc_value },
        (2, ..) => Op::MovReg { rd, rm },
        (_, _, PC) => Op::Undefined,
        (..) if bit(h, 7) => Op::BranchLinkExchange { rm, link: pc.wrapping_add(2) | 1 },
        (..) => Op::BranchExchange { rm },
    }
}

/// Loads and stores with a register offset (A5.2.4).
fn load_store_register(h: u32) -> Op {
    let (rt, rn, rm, lsl) = (reg3(h, 0), reg3(h, 3), reg3(h, 6), 0);
    match bits(h, 11, 9) {
        0 => Op::StrReg { rt, rn, rm, lsl },
        1 => Op::StrhReg { rt, rn, rm, lsl },
        2 => Op::StrbReg { rt, rn, rm, lsl },
        3 => Op::LdrsbReg { rt, rn, rm, lsl },
        4 => Op::LdrReg { rt, rn, rm, lsl },
        5 => Op::LdrhReg { rt, rn, rm, lsl },
        6 => Op::LdrbReg { rt, rn, rm, lsl },
        _ => Op::LdrshReg { rt, rn, rm, lsl },
    }
}

/// Miscellaneous 16-bit instructions (A5.2.5).
fn miscellaneous(pc: u32, h: u32) -> Op {
    let (rd, rm) = (reg3(h, 0), reg3(h, 3));
    let extend = |op| Op::Extend { op, rd, rn: PC, rm, rotate: 0 };
    match bits(h, 11, 8) {
        0 => {
            let imm = bits(h, 6, 0) * 4;
            if bit(h, 7) {
                Op::SubImm { rd: SP, rn: SP, s: false, imm }
            } else {
                Op::AddImm { rd: SP, rn: SP, s: false, imm }
            }
        }
        1 | 3 | 9 | 11 => {
            let offset = bits(h, 9, 9) << 6 | bits(h, 7, 3) << 1;
            Op::CompareBranch { rn: rd, if_zero: !bit(h, 11), target: branch_target(pc, offset) }
        }
        2 => match bits(h, 7, 6) {
            0 => extend(Extend::Sxth),
            1 => extend(Extend::Sxtb),
            2 => extend(Extend::Uxth),
            _ => extend(Extend::Uxtb),
        },
        4 | 5 => match bits(h, 7, 0) | bits(h, 8, 8) << LR {
            0 => Op::Undefined,
            list => store_multiple(SP, true, true, list as u16),
        },
        // CPS with only the I bit; FAULTMASK is not modelled.
        6 if h & 0xFFEF == 0xB662 => Op::ChangePrimask { mask: bit(h, 4) },
        10 => match bits(h, 7, 6) {
            0 => Op::Bits { op: BitOp::Rev, rd, rm },
            1 => Op::Bits { op: BitOp::Rev16, rd, rm },
            3 => Op::Bits { op: BitOp::Revsh, rd, rm },
            _ => Op::Undefined,
        },
        12 | 13 => match bits(h, 7, 0) | bits(h, 8, 8) << 15 {
            0 => Op::Undefined,
            list => load_multiple(SP, false, true, list as u16),
        },
        15 if bits(h, 3, 0) != 0 => Op::IfThen { state: bits(h, 7, 0) as u8 },
        15 => match bits(h, 7, 4) {
            2 => Op::WaitForEvent,
            3 => Op::WaitForInterrupt,
            4 => Op::SendEvent,
            // NOP, YIELD and the unallocated hints, which execute as NOP.
            _ => Op::Nop,
        },
        _ => Op::Undefined,
    }
}
