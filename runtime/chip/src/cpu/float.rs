//! Single-precision arithmetic with the NaN rules of the architecture (ARM DDI 0403E, A2.5).
//!
//! The rounding mode is to nearest, denormals are kept and NaNs are propagated, which is the state after reset.
//! The cumulative exception flags of FPSCR are not modelled.

use crate::op::{Float2, Float3};

/// The default NaN.
const DEFAULT_NAN: u32 = 0x7FC0_0000;
const SIGN: u32 = 1 << 31;
const QUIET: u32 = 1 << 22;

fn float(bits: u32) -> f32 {
    f32::from_bits(bits)
}

fn is_signalling(bits: u32) -> bool {
    float(bits).is_nan() && bits & QUIET == 0
}

/// FPProcessNaNs: the first signalling operand, else the first quiet one, else the default NaN.
#[cold]
fn propagate_nan(operands: &[u32]) -> u32 {
    let signalling = operands.iter().find(|&&bits| is_signalling(bits));
    let chosen = signalling.or_else(|| operands.iter().find(|&&bits| float(bits).is_nan()));
    chosen.map_or(DEFAULT_NAN, |bits| bits | QUIET)
}

#[inline(always)]
fn result(value: f32, operands: &[u32]) -> u32 {
    if value.is_nan() { propagate_nan(operands) } else { value.to_bits() }
}

fn add(a: u32, b: u32) -> u32 {
    result(float(a) + float(b), &[a, b])
}

fn multiply(a: u32, b: u32) -> u32 {
    result(float(a) * float(b), &[a, b])
}

/// FPMulAdd: `addend + a * b` with one rounding.
fn multiply_add(addend: u32, a: u32, b: u32) -> u32 {
    let value = float(a).mul_add(float(b), float(addend));
    if !value.is_nan() {
        return value.to_bits();
    }
    // The invalid product of infinity and zero takes precedence over a quiet addend.
    let invalid = |a: f32, b: f32| a.is_infinite() && b == 0.0;
    let invalid_product = invalid(float(a), float(b)) || invalid(float(b), float(a));
    if invalid_product && !is_signalling(addend) { DEFAULT_NAN } else { propagate_nan(&[addend, a, b]) }
}

/// An operation with the operands d, n and m; d matters only for the accumulating ones.
#[inline(always)]
pub(super) fn float3(op: Float3, d: u32, n: u32, m: u32) -> u32 {
    match op {
        Float3::Add => add(n, m),
        Float3::Sub => result(float(n) - float(m), &[n, m]),
        Float3::Mul => multiply(n, m),
        Float3::NegMul => multiply(n, m) ^ SIGN,
        Float3::Div => result(float(n) / float(m), &[n, m]),
        Float3::Mla => add(d, multiply(n, m)),
        Float3::Mls => add(d, multiply(n, m) ^ SIGN),
        Float3::NegMla => add(d ^ SIGN, multiply(n, m) ^ SIGN),
        Float3::NegMls => add(d ^ SIGN, multiply(n, m)),
        Float3::Fma => multiply_add(d, n, m),
        Float3::Fms => multiply_add(d, n ^ SIGN, m),
        Float3::NegFma => multiply_add(d ^ SIGN, n ^ SIGN, m),
        Float3::NegFms => multiply_add(d ^ SIGN, n, m),
    }
}

/// An operation with one operand. Conversions to integers saturate and turn NaN into 0.
#[inline(always)]
pub(super) fn float2(op: Float2, m: u32) -> u32 {
    match op {
        Float2::Move => m,
        Float2::Abs => m & !SIGN,
        Float2::Neg => m ^ SIGN,
        Float2::Sqrt => result(float(m).sqrt(), &[m]),
        Float2::FromSigned => (m as i32 as f32).to_bits(),
        Float2::FromUnsigned => (m as f32).to_bits(),
        Float2::ToSigned => float(m) as i32 as u32,
        Float2::ToUnsigned => float(m) as u32,
        Float2::RoundToSigned => float(m).round_ties_even() as i32 as u32,
        Float2::RoundToUnsigned => float(m).round_ties_even() as u32,
    }
}

/// VCMP: N, Z, C and V in the top bits.
pub(super) fn compare(a: u32, b: u32) -> u32 {
    match float(a).partial_cmp(&float(b)) {
        Some(std::cmp::Ordering::Less) => 0b1000 << 28,
        Some(std::cmp::Ordering::Equal) => 0b0110 << 28,
        Some(std::cmp::Ordering::Greater) => 0b0010 << 28,
        None => 0b0011 << 28,
    }
}

/// VCVT to a fixed-point number of 16 or 32 bits, rounding towards zero.
pub(super) fn to_fixed(value: u32, signed: bool, bits: u8, fraction: u8) -> u32 {
    // The scaling by a power of two is exact in double precision.
    let scaled = f64::from(float(value)) * f64::from(fraction).exp2();
    match (signed, bits) {
        (true, 16) => i32::from(scaled as i16) as u32,
        (false, 16) => u32::from(scaled as u16),
        (true, _) => scaled as i32 as u32,
        (false, _) => scaled as u32,
    }
}

/// VCVT from a fixed-point number, rounding to nearest.
pub(super) fn from_fixed(value: u32, signed: bool, bits: u8, fraction: u8) -> u32 {
    let integer = match (signed, bits) {
        (true, 16) => f64::from(value as i16),
        (false, 16) => f64::from(value as u16),
        (true, _) => f64::from(value as i32),
        (false, _) => f64::from(value),
    };
    ((integer / f64::from(fraction).exp2()) as f32).to_bits()
}

/// Half precision (IEEE) to single precision.
pub(super) fn from_half(half: u32) -> u32 {
    let sign = (half & 0x8000) << 16;
    let (exponent, fraction) = (half >> 10 & 0x1F, half & 0x3FF);
    sign | match exponent {
        0 => (fraction as f32 * (-24f32).exp2()).to_bits(),
        31 if fraction == 0 => 0xFF << 23,
        31 => 0xFF << 23 | QUIET | fraction << 13,
        _ => (exponent + 112) << 23 | fraction << 13,
    }
}

/// Single precision to half precision (IEEE), rounding to nearest even.
pub(super) fn to_half(single: u32) -> u32 {
    let (sign, magnitude) = (single >> 16 & 0x8000, single & !SIGN);
    let exponent = magnitude >> 23;
    sign | match magnitude {
        0x7F80_0001.. => 0x7E00 | magnitude >> 13 & 0x1FF,
        // From 65520 on the value rounds to infinity.
        0x477F_F000.. => 0x7C00,
        // Normal numbers: adjust the exponent, round away 13 bits; the carry may run into the exponent.
        0x3880_0000.. => {
            let rebased = magnitude - (112 << 23);
            (rebased + 0xFFF + (rebased >> 13 & 1)) >> 13
        }
        // Denormal numbers: the significand counts units of 2^-24.
        0x3300_0000.. => {
            let significand = magnitude & 0x7F_FFFF | 0x80_0000;
            let shift = 126 - exponent;
            let (quotient, remainder) = (significand >> shift, significand & ((1 << shift) - 1));
            let half = 1 << (shift - 1);
            quotient + u32::from(remainder > half || (remainder == half && quotient & 1 != 0))
        }
        _ => 0,
    }
}
