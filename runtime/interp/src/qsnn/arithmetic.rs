//! What a tick does with the numbers of neurons: integers, or binary32.
//!
//! Every operation on floats is one of IEEE 754 binary32, rounded to nearest, ties to even; Rust never fuses two of them.

use super::row::{Block, LANES, change};
use s2c_dialects::qsnn::{Floats, Integers, Numbers, ONE};

/// `v D / 2^32`, rounded to nearest, halves up.
pub fn decay(value: i32, factor: i64) -> i32 {
    ((i64::from(value) * factor + (1 << 31)) >> 32) as i32
}

/// `value / 2^shift`, rounded to nearest, halves up.
pub fn shift_right(value: i32, shift: u32) -> i32 {
    ((i64::from(value) + (1i64 << shift >> 1)) >> shift) as i32
}

/// What is left of a membrane that is kept in 8 bits: the nearest multiple of 2^shift, halves up, of -128 to 127 of them.
pub fn keep_byte(membrane: i32, shift: u32) -> i32 {
    shift_right(membrane, shift).clamp(-128, 127) << shift
}

/// What a connection multiplies its weights by: `value << shift`, or a rounding shift to the right.
pub fn shift_input(value: i32, shift: i64) -> i32 {
    if shift >= 0 { value.wrapping_shl(shift as u32) } else { shift_right(value, -shift as u32) }
}

/// The operations of a number format, each for all neurons of a block.
pub trait Arithmetic: Numbers<Factor: Default, Word: Default + PartialOrd> {
    /// A decay factor that keeps everything.
    const ONE: Self::Factor;
    /// The input as states count, shifted to the left.
    fn input(x: &Block, shift: u32) -> Block<Self::Word>;
    /// A state times a factor.
    fn decay(state: &mut Block<Self::Word>, factors: &Block<Self::Factor>);
    /// Addition; of integers one that clamps to 32 bits or wraps.
    fn add(left: &mut Block<Self::Word>, right: &Block<Self::Word>, saturate: bool);
    /// Subtraction in the same way.
    fn subtract(left: &mut Block<Self::Word>, right: &Block<Self::Word>, saturate: bool);
    /// The current as it drives the membrane, shifted to the right.
    fn drive(current: &mut Block<Self::Word>, shift: u32);
    /// What a membrane is handed on as.
    fn readout(membrane: &Block<Self::Word>, factors: &Block<Self::Factor>) -> Block;
    /// What is left of a membrane that is kept in 8 bits.
    fn keep_byte(membrane: Self::Word, shift: u32) -> Self::Word;
    /// The bits in which two blocks differ.
    fn differences(left: &Block<Self::Word>, right: &Block<Self::Word>) -> i32;
    /// A number for people.
    fn value(word: Self::Word) -> f64;
}

impl Arithmetic for Integers {
    const ONE: i64 = ONE;
    #[inline(always)]
    fn input(x: &Block, shift: u32) -> Block {
        let mut input = *x;
        change(&mut input, |_, x| x << shift);
        input
    }
    #[inline(always)]
    fn decay(state: &mut Block, factors: &Block<i64>) {
        change(state, |lane, value| decay(value, factors[lane]));
    }
    #[inline(always)]
    fn add(left: &mut Block, right: &Block, saturate: bool) {
        if saturate {
            change(left, |lane, value| value.saturating_add(right[lane]));
        } else {
            change(left, |lane, value| value.wrapping_add(right[lane]));
        }
    }
    #[inline(always)]
    fn subtract(left: &mut Block, right: &Block, saturate: bool) {
        if saturate {
            change(left, |lane, value| value.saturating_sub(right[lane]));
        } else {
            change(left, |lane, value| value.wrapping_sub(right[lane]));
        }
    }
    #[inline(always)]
    fn drive(current: &mut Block, shift: u32) {
        change(current, |_, current| shift_right(current, shift));
    }
    #[inline(always)]
    fn readout(membrane: &Block, factors: &Block<i64>) -> Block {
        std::array::from_fn(|lane| decay(membrane[lane], factors[lane]))
    }
    #[inline(always)]
    fn keep_byte(membrane: i32, shift: u32) -> i32 {
        keep_byte(membrane, shift)
    }
    #[inline(always)]
    fn differences(left: &Block, right: &Block) -> i32 {
        (0..LANES).fold(0, |any, lane| any | (left[lane] ^ right[lane]))
    }
    fn value(word: i32) -> f64 {
        word.into()
    }
}

impl Arithmetic for Floats {
    const ONE: f32 = 1.0;
    #[inline(always)]
    fn input(x: &Block, _: u32) -> Block<f32> {
        x.map(|x| x as f32)
    }
    #[inline(always)]
    fn decay(state: &mut Block<f32>, factors: &Block<f32>) {
        change(state, |lane, value| value * factors[lane]);
    }
    #[inline(always)]
    fn add(left: &mut Block<f32>, right: &Block<f32>, _: bool) {
        change(left, |lane, value| value + right[lane]);
    }
    #[inline(always)]
    fn subtract(left: &mut Block<f32>, right: &Block<f32>, _: bool) {
        change(left, |lane, value| value - right[lane]);
    }
    #[inline(always)]
    fn drive(_: &mut Block<f32>, _: u32) {}
    #[inline(always)]
    fn readout(membrane: &Block<f32>, factors: &Block<f32>) -> Block {
        // Saturates, and so does the conversion on the chip.
        std::array::from_fn(|lane| (membrane[lane] * factors[lane]).round_ties_even() as i32)
    }
    #[inline(always)]
    fn keep_byte(membrane: f32, _: u32) -> f32 {
        membrane
    }
    #[inline(always)]
    fn differences(left: &Block<f32>, right: &Block<f32>) -> i32 {
        (0..LANES).fold(0, |any, lane| any | (left[lane].to_bits() ^ right[lane].to_bits()).cast_signed())
    }
    fn value(word: f32) -> f64 {
        word.into()
    }
}
