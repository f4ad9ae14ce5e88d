//! The DSP extension: lanes, saturation, extensions and the 16-bit multiplications
//! (ARM DDI 0403E, A4.4.3 to A4.4.6).

use super::alu::Flags;
use crate::op::{BitOp, Extend, LaneMode, LaneOp, LongOp};

/// The signed half of a word.
pub(super) fn half(word: u32, top: bool) -> i64 {
    i64::from((word >> if top { 16 } else { 0 }) as i16)
}

/// Sign-extends the low `width` bits, 1 to 32.
pub(super) fn sign_extend(value: u32, width: u32) -> u32 {
    (((value << (32 - width)) as i32) >> (32 - width)) as u32
}

/// The low `width` bits set, for 0 to 32.
pub(super) fn low_mask(width: u8) -> u32 {
    ((1u64 << width) - 1) as u32
}

pub(super) fn bits(op: BitOp, value: u32) -> u32 {
    match op {
        BitOp::Clz => value.leading_zeros(),
        BitOp::Rbit => value.reverse_bits(),
        BitOp::Rev => value.swap_bytes(),
        BitOp::Rev16 => value.swap_bytes().rotate_left(16),
        BitOp::Revsh => i32::from((value as u16).swap_bytes() as i16) as u32,
    }
}

/// Extends the rotated `value` and adds `base`.
#[inline(always)]
pub(super) fn extend(op: Extend, base: u32, value: u32) -> u32 {
    match op {
        Extend::Sxth => base.wrapping_add(sign_extend(value, 16)),
        Extend::Uxth => base.wrapping_add(value & 0xFFFF),
        Extend::Sxtb => base.wrapping_add(sign_extend(value, 8)),
        Extend::Uxtb => base.wrapping_add(value & 0xFF),
        Extend::Uxtb16 => add_halves(base, value & 0xFF, value >> 16 & 0xFF),
    }
}

/// Extends the bytes 0 and 2 of the rotated `value` with their signs and adds the halves of `base`.
#[inline(always)]
pub(super) fn sxtb16(base: u32, value: u32) -> u32 {
    add_halves(base, sign_extend(value, 8), sign_extend(value >> 16, 8))
}

#[inline(always)]
fn add_halves(base: u32, low: u32, high: u32) -> u32 {
    base.wrapping_add(low) & 0xFFFF | (base >> 16).wrapping_add(high) << 16
}

/// Parallel addition and subtraction. The lanes of ASX and SAX exchange the halves of the second operand.
#[inline(always)]
pub(super) fn parallel(flags: &mut Flags, op: LaneOp, mode: LaneMode, signed: bool, a: u32, b: u32) -> u32 {
    let (width, b) = match op {
        LaneOp::Add8 | LaneOp::Sub8 => (8, b),
        LaneOp::Add16 | LaneOp::Sub16 => (16, b),
        LaneOp::Asx | LaneOp::Sax => (16, b.rotate_left(16)),
    };
    let lane = |word: u32, index: u32| {
        let field = word >> (index * width) & low_mask(width as u8);
        if signed { sign_extend(field, width) as i32 } else { field as i32 }
    };
    let (mut result, mut ge) = (0, 0);
    for index in 0..32 / width {
        let subtract = match op {
            LaneOp::Add8 | LaneOp::Add16 => false,
            LaneOp::Sub8 | LaneOp::Sub16 => true,
            LaneOp::Asx => index == 0,
            LaneOp::Sax => index == 1,
        };
        let exact = if subtract { lane(a, index) - lane(b, index) } else { lane(a, index) + lane(b, index) };
        let value = match mode {
            LaneMode::Wrap => {
                let limit = if signed || subtract { 0 } else { 1 << width };
                if exact >= limit {
                    ge |= (low_mask(width as u8 / 8) << (index * width / 8)) as u8;
                }
                exact
            }
            LaneMode::Saturate if signed => exact.clamp(-(1 << (width - 1)), (1 << (width - 1)) - 1),
            LaneMode::Saturate => exact.clamp(0, (1 << width) - 1),
            LaneMode::Halve => exact >> 1,
        };
        result |= (value as u32 & low_mask(width as u8)) << (index * width);
    }
    if mode == LaneMode::Wrap {
        flags.ge = ge;
    }
    result
}

/// SEL: the bytes of `a` where GE is set, else those of `b`.
pub(super) fn select(ge: u8, a: u32, b: u32) -> u32 {
    let mask = (0..4).filter(|lane| ge >> lane & 1 != 0).fold(0, |mask, lane| mask | 0xFF << (8 * lane));
    a & mask | b & !mask
}

/// The sum of the absolute differences of the bytes.
pub(super) fn absolute_differences(a: u32, b: u32) -> u32 {
    a.to_le_bytes().into_iter().zip(b.to_le_bytes()).map(|(a, b)| u32::from(a.abs_diff(b))).sum()
}

/// QADD, QSUB, QDADD, QDSUB: `m` plus or minus `n`, which may be doubled with saturation first.
pub(super) fn saturating_add(flags: &mut Flags, m: u32, n: u32, double: bool, subtract: bool) -> u32 {
    let (m, mut n) = (m as i32, n as i32);
    if double {
        flags.q |= n.checked_mul(2).is_none();
        n = n.saturating_mul(2);
    }
    let (exact, clamped) =
        if subtract { (m.checked_sub(n), m.saturating_sub(n)) } else { (m.checked_add(n), m.saturating_add(n)) };
    flags.q |= exact.is_none();
    clamped as u32
}

/// SSAT and USAT of an already shifted value.
pub(super) fn saturate(flags: &mut Flags, value: i64, signed: bool, bits: u8) -> u32 {
    if signed {
        flags.saturate(value, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    } else {
        flags.saturate(value, 0, (1 << bits) - 1)
    }
}

/// The two products of the halves of `a` and `b`, added or subtracted.
pub(super) fn dual_product(a: u32, b: u32, swap: bool, subtract: bool) -> i64 {
    let low = half(a, false) * half(b, swap);
    let high = half(a, true) * half(b, !swap);
    if subtract { low - high } else { low + high }
}

/// A multiplication with a 64-bit result; `hi` and `lo` are the previous contents of the destination.
#[inline(always)]
pub(super) fn long(op: LongOp, lo: u32, hi: u32, n: u32, m: u32) -> u64 {
    let sum = u64::from(hi) << 32 | u64::from(lo);
    let signed = (i64::from(n as i32) * i64::from(m as i32)) as u64;
    let unsigned = u64::from(n) * u64::from(m);
    match op {
        LongOp::Smull => signed,
        LongOp::Umull => unsigned,
        LongOp::Smlal => sum.wrapping_add(signed),
        LongOp::Umlal => sum.wrapping_add(unsigned),
        LongOp::Umaal => unsigned + u64::from(lo) + u64::from(hi),
    }
}

/// Integer division, which rounds towards zero; a division by zero gives 0.
pub(super) fn divide(signed: bool, n: u32, m: u32) -> u32 {
    match (signed, m) {
        (_, 0) => 0,
        (true, _) => (n as i32).wrapping_div(m as i32) as u32,
        (false, _) => n / m,
    }
}
