//! 32-bit data processing, branches and system instructions (ARM DDI 0403E, A5.3.1 to A5.3.4, A5.3.11 to A5.3.15).

use super::fields::{bit, bits, branch_target, literal_base, reg4, sign_extend};
use crate::op::{BitOp, DataOp, Extend, LaneMode, LaneOp, Op, Shift, Special};

const SP: u8 = 13;
const PC: u8 = 15;

/// The operation of the data-processing field `op`, with the forms that have no destination or no first operand.
fn data_op(op: u32, rd: u8, rn: u8, s: bool) -> Option<DataOp> {
    let compare = rd == PC && s;
    Some(match op {
        0 if compare => DataOp::Tst,
        0 => DataOp::And,
        1 => DataOp::Bic,
        2 if rn == PC => DataOp::Mov,
        2 => DataOp::Orr,
        3 if rn == PC => DataOp::Mvn,
        3 => DataOp::Orn,
        4 if compare => DataOp::Teq,
        4 => DataOp::Eor,
        8 if compare => DataOp::Cmn,
        8 => DataOp::Add,
        10 => DataOp::Adc,
        11 => DataOp::Sbc,
        13 if compare => DataOp::Cmp,
        13 => DataOp::Sub,
        14 => DataOp::Rsb,
        _ => return None,
    })
}

/// Whether the program counter is named where the operation does not allow it.
fn names_pc(op: DataOp, rd: u8, rn: u8) -> bool {
    let writes = !matches!(op, DataOp::Tst | DataOp::Teq | DataOp::Cmn | DataOp::Cmp);
    let reads = !matches!(op, DataOp::Mov | DataOp::Mvn);
    (writes && rd == PC) || (reads && rn == PC)
}

/// Data processing with a modified immediate (A5.3.1).
pub(super) fn modified_immediate(first: u32, second: u32) -> Op {
    let (rn, rd, s) = (reg4(first, 0), reg4(second, 8), bit(first, 4));
    let (imm, carry) = expand_immediate(immediate12(first, second));
    let Some(op) = data_op(bits(first, 8, 5), rd, rn, s) else { return Op::Undefined };
    match op {
        _ if names_pc(op, rd, rn) => Op::Undefined,
        DataOp::Add => Op::AddImm { rd, rn, s, imm },
        DataOp::Sub => Op::SubImm { rd, rn, s, imm },
        DataOp::Cmp => Op::CmpImm { rn, imm },
        DataOp::Mov if carry.is_none() || !s => Op::MovImm { rd, s, imm },
        _ => Op::DataImm { op, rd, rn, s, carry, imm },
    }
}

/// The field i:imm3:imm8.
fn immediate12(first: u32, second: u32) -> u32 {
    bits(first, 10, 10) << 11 | bits(second, 14, 12) << 8 | bits(second, 7, 0)
}

/// ThumbExpandImm_C (A5.3.2): the constant and, if it is rotated, the carry out.
fn expand_immediate(field: u32) -> (u32, Option<bool>) {
    let byte = field & 0xFF;
    match field >> 8 {
        0 => (byte, None),
        1 => (byte * 0x0001_0001, None),
        2 => (byte * 0x0100_0100, None),
        3 => (byte * 0x0101_0101, None),
        _ => {
            let value = (field & 0x7F | 0x80).rotate_right(field >> 7);
            (value, Some(bit(value, 31)))
        }
    }
}

/// Data processing with a plain binary immediate: wide moves, bit fields, saturation (A5.3.3).
pub(super) fn plain_immediate(pc: u32, first: u32, second: u32) -> Op {
    let (rn, rd) = (reg4(first, 0), reg4(second, 8));
    let imm12 = immediate12(first, second);
    let imm16 = bits(first, 3, 0) << 12 | imm12;
    let lsb = (bits(second, 14, 12) << 2 | bits(second, 7, 6)) as u8;
    let last = bits(second, 4, 0) as u8;
    let shift = if bit(first, 5) { Shift::Asr } else { Shift::Lsl };
    let op = bits(first, 8, 4);
    let reads_rn = !matches!(op, 0 | 4 | 10 | 12 | 22);
    if rd == PC || (reads_rn && rn == PC) {
        return Op::Undefined;
    }
    match op {
        0 if rn == PC => Op::MovImm { rd, s: false, imm: literal_base(pc).wrapping_add(imm12) },
        0 => Op::AddImm { rd, rn, s: false, imm: imm12 },
        4 => Op::MovImm { rd, s: false, imm: imm16 },
        10 if rn == PC => Op::MovImm { rd, s: false, imm: literal_base(pc).wrapping_sub(imm12) },
        10 => Op::SubImm { rd, rn, s: false, imm: imm12 },
        12 => Op::MovTop { rd, imm: imm16 },
        18 if lsb == 0 => Op::Saturate16 { signed: true, rd, rn, bits: (last & 15) + 1 },
        26 if lsb == 0 => Op::Saturate16 { signed: false, rd, rn, bits: last & 15 },
        16 | 18 => Op::Saturate { signed: true, rd, rn, bits: last + 1, shift, amount: lsb },
        24 | 26 => Op::Saturate { signed: false, rd, rn, bits: last, shift, amount: lsb },
        20 if lsb + last < 32 => Op::Sbfx { rd, rn, lsb, width: last + 1 },
        28 if lsb + last < 32 => Op::Ubfx { rd, rn, lsb, width: last + 1 },
        22 if last >= lsb => Op::Bfi { rd, rn, lsb, width: last - lsb + 1 },
        _ => Op::Undefined,
    }
}

/// Data processing with a shifted register (A5.3.11).
pub(super) fn shifted_register(pc: u32, first: u32, second: u32) -> Op {
    let (rn, rd, rm, s) = (reg4(first, 0), reg4(second, 8), reg4(second, 0), bit(first, 4));
    let imm5 = (bits(second, 14, 12) << 2 | bits(second, 7, 6)) as u8;
    let code = bits(first, 8, 5);
    if code == 6 {
        // PKHBT and PKHTB.
        let top_first = bit(second, 5);
        let amount = if top_first && imm5 == 0 { 32 } else { imm5 };
        let valid = !s && !bit(second, 4) && rd != PC && rn != PC && rm != PC;
        return if valid { Op::PackHalf { top_first, rd, rn, rm, amount } } else { Op::Undefined };
    }
    let Some(op) = data_op(code, rd, rn, s) else { return Op::Undefined };
    let (shift, amount) = decode_shift(bits(second, 5, 4), imm5);
    let plain = shift == Shift::Lsl && amount == 0;
    match op {
        DataOp::Mov if plain && !s && rm == PC && rd != PC => Op::MovImm { rd, s, imm: pc.wrapping_add(4) },
        _ if rm == PC || names_pc(op, rd, rn) => Op::Undefined,
        DataOp::Add if shift == Shift::Lsl => Op::AddReg { rd, rn, rm, lsl: amount, s },
        DataOp::Sub if shift == Shift::Lsl => Op::SubReg { rd, rn, rm, lsl: amount, s },
        DataOp::Orr if plain => Op::OrrReg { rd, rn, rm, s },
        DataOp::Cmp if plain => Op::CmpReg { rn, rm },
        DataOp::Mov if plain && !s => Op::MovReg { rd, rm },
        _ => Op::DataReg { op, rd, rn, rm, shift, amount, s },
    }
}

/// DecodeImmShift (A7.4.2).
fn decode_shift(kind: u32, imm5: u8) -> (Shift, u8) {
    let or_32 = if imm5 == 0 { 32 } else { imm5 };
    match kind {
        0 => (Shift::Lsl, imm5),
        1 => (Shift::Lsr, or_32),
        2 => (Shift::Asr, or_32),
        _ if imm5 == 0 => (Shift::Rrx, 1),
        _ => (Shift::Ror, imm5),
    }
}

/// Data processing on registers: shifts, extensions, parallel arithmetic, miscellaneous (A5.3.12 to A5.3.15).
pub(super) fn register(first: u32, second: u32) -> Op {
    let (rn, rd, rm) = (reg4(first, 0), reg4(second, 8), reg4(second, 0));
    let (op1, op2) = (bits(first, 7, 4), bits(second, 7, 4));
    if bits(second, 15, 12) != 0b1111 || rd == PC || rm == PC {
        return Op::Undefined;
    }
    match (op1, op2) {
        (0..8, 0) if rn != PC => {
            let shift = [Shift::Lsl, Shift::Lsr, Shift::Asr, Shift::Ror][op1 as usize >> 1];
            Op::ShiftReg { shift, rd, rn, rm, s: bit(first, 4) }
        }
        (0..6, 8..12) => {
            let rotate = (op2 & 3) as u8 * 8;
            let extend = |op| Op::Extend { op, rd, rn, rm, rotate };
            match op1 {
                0 => extend(Extend::Sxth),
                1 => extend(Extend::Uxth),
                2 => Op::Sxtb16 { rd, rn, rm, rotate },
                3 => extend(Extend::Uxtb16),
                4 => extend(Extend::Sxtb),
                _ => extend(Extend::Uxtb),
            }
        }
        (8.., 0..8) if rn != PC => parallel(op1 & 7, op2, rd, rn, rm),
        (8, 8..12) if rn != PC => Op::SaturatingAdd { rd, rn, rm, double: bit(op2, 0), subtract: bit(op2, 1) },
        (9, 8) if rn == rm => Op::Bits { op: BitOp::Rev, rd, rm },
        (9, 9) if rn == rm => Op::Bits { op: BitOp::Rev16, rd, rm },
        (9, 10) if rn == rm => Op::Bits { op: BitOp::Rbit, rd, rm },
        (9, 11) if rn == rm => Op::Bits { op: BitOp::Revsh, rd, rm },
        (10, 8) if rn != PC => Op::Select { rd, rn, rm },
        (11, 8) if rn == rm => Op::Bits { op: BitOp::Clz, rd, rm },
        _ => Op::Undefined,
    }
}

/// Parallel addition and subtraction (A5.3.13, A5.3.14).
fn parallel(op1: u32, op2: u32, rd: u8, rn: u8, rm: u8) -> Op {
    let op = match op1 {
        0 => LaneOp::Add8,
        1 => LaneOp::Add16,
        2 => LaneOp::Asx,
        4 => LaneOp::Sub8,
        5 => LaneOp::Sub16,
        6 => LaneOp::Sax,
        _ => return Op::Undefined,
    };
    let mode = match op2 & 3 {
        0 => LaneMode::Wrap,
        1 => LaneMode::Saturate,
        2 => LaneMode::Halve,
        _ => return Op::Undefined,
    };
    Op::Parallel { op, mode, signed: op2 < 4, rd, rn, rm }
}

/// Branches and miscellaneous control (A5.3.4).
pub(super) fn branch_or_system(pc: u32, first: u32, second: u32) -> Op {
    let (sign, j1, j2) = (bits(first, 10, 10), bits(second, 13, 13), bits(second, 11, 11));
    let low = bits(second, 10, 0) << 1;
    let far = || {
        let (i1, i2) = (!(j1 ^ sign) & 1, !(j2 ^ sign) & 1);
        let offset = sign << 24 | i1 << 23 | i2 << 22 | bits(first, 9, 0) << 12 | low;
        branch_target(pc, sign_extend(offset, 25))
    };
    match (bit(second, 14), bit(second, 12)) {
        (true, true) => Op::BranchLink { target: far(), link: pc.wrapping_add(4) | 1 },
        (false, true) => Op::Branch { target: far() },
        (true, false) => Op::Undefined,
        (false, false) => match bits(first, 9, 6) {
            14 | 15 => system(first, second),
            condition => {
                let offset = sign << 20 | j2 << 19 | j1 << 18 | bits(first, 5, 0) << 12 | low;
                Op::BranchIf { condition: condition as u8, target: branch_target(pc, sign_extend(offset, 21)) }
            }
        },
    }
}

/// MRS, MSR, hints and barriers.
fn system(first: u32, second: u32) -> Op {
    let rd = reg4(second, 8);
    match first {
        0xF3AF if second == 0x8002 => Op::WaitForEvent,
        0xF3AF if second == 0x8003 => Op::WaitForInterrupt,
        0xF3AF if second == 0x8004 => Op::SendEvent,
        0xF3AF if second & 0xFF00 == 0x8000 => Op::Nop,
        // CLREX, DSB, DMB, ISB: there is nothing to wait for.
        0xF3BF if matches!(bits(second, 7, 4), 2 | 4 | 5 | 6) => Op::Nop,
        0xF3EF if rd != SP && rd != PC => match special(second, 0b11) {
            Some(special) => Op::ReadSpecial { rd, special },
            None => Op::Undefined,
        },
        0xF380..=0xF38E if first != 0xF38D => match special(second, bits(second, 11, 10)) {
            Some(special) => Op::WriteSpecial { rn: reg4(first, 0), special },
            None => Op::Undefined,
        },
        _ => Op::Undefined,
    }
}

fn special(second: u32, mask: u32) -> Option<Special> {
    Some(match bits(second, 7, 0) {
        0 => Special::Apsr { nzcvq: bit(mask, 1), ge: bit(mask, 0) },
        5 => Special::Ipsr,
        8 => Special::Msp,
        16 => Special::Primask,
        _ => return None,
    })
}
