//! Multiplication and division (ARM DDI 0403E, A5.3.16 and A5.3.17).

use super::fields::{bit, bits, reg4};
use crate::op::{LongOp, Op};

const PC: u8 = 15;

/// Multiplications with a 32-bit result (A5.3.16). `ra` 15 selects the form without addition.
pub(super) fn short(first: u32, second: u32) -> Op {
    let (rn, ra, rd, rm) = (reg4(first, 0), reg4(second, 12), reg4(second, 8), reg4(second, 0));
    let (op1, op2) = (bits(first, 6, 4), bits(second, 7, 4));
    let (high, low) = (bit(op2, 1), bit(op2, 0));
    if rn == PC || rd == PC || rm == PC || op2 > 3 {
        return Op::Undefined;
    }
    match (op1, op2) {
        (0, 0) if ra == PC => Op::Mul { rd, rn, rm, s: false },
        (0, 0) => Op::Mla { rd, rn, rm, ra },
        (0, 1) if ra != PC => Op::Mls { rd, rn, rm, ra },
        (1, _) => Op::MulHalf { rd, rn, rm, ra, n_top: high, m_top: low },
        (2, 0 | 1) => Op::MulDual { rd, rn, rm, ra, swap: low, subtract: false },
        (3, 0 | 1) => Op::MulWide { rd, rn, rm, ra, m_top: low },
        (4, 0 | 1) => Op::MulDual { rd, rn, rm, ra, swap: low, subtract: true },
        (5, 0 | 1) => Op::MulMost { rd, rn, rm, ra, round: low, subtract: false },
        (6, 0 | 1) if ra != PC => Op::MulMost { rd, rn, rm, ra, round: low, subtract: true },
        (7, 0) => Op::AbsoluteDifferences { rd, rn, rm, ra },
        _ => Op::Undefined,
    }
}

/// Multiplications with a 64-bit result, divisions (A5.3.17).
pub(super) fn long(first: u32, second: u32) -> Op {
    let (rn, lo, hi, rm) = (reg4(first, 0), reg4(second, 12), reg4(second, 8), reg4(second, 0));
    let (op1, op2) = (bits(first, 6, 4), bits(second, 7, 4));
    if rn == PC || hi == PC || rm == PC {
        return Op::Undefined;
    }
    match (op1, op2) {
        (1, 15) => return Op::Divide { signed: true, rd: hi, rn, rm },
        (3, 15) => return Op::Divide { signed: false, rd: hi, rn, rm },
        _ if lo == PC || lo == hi => return Op::Undefined,
        _ => {}
    }
    let long = |op| Op::MulLong { op, lo, hi, rn, rm };
    let low = bit(op2, 0);
    match (op1, op2) {
        (0, 0) => long(LongOp::Smull),
        (2, 0) => long(LongOp::Umull),
        (4, 0) => long(LongOp::Smlal),
        (4, 8..12) => Op::MulHalfLong { lo, hi, rn, rm, n_top: bit(op2, 1), m_top: low },
        (4, 12 | 13) => Op::MulDualLong { lo, hi, rn, rm, swap: low, subtract: false },
        (5, 12 | 13) => Op::MulDualLong { lo, hi, rn, rm, swap: low, subtract: true },
        (6, 0) => long(LongOp::Umlal),
        (6, 6) => long(LongOp::Umaal),
        _ => Op::Undefined,
    }
}
