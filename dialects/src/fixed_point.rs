//! Numbers whose binary point is fixed, as types of the crate `fixed`: how they round, and what holds at their limits, is
//! said here once.
//!
//! | type | fractional bits | range | what it is |
//! |---|---|---|---|
//! | [`Factor`] | 32 | decay factors 0 to 1, readout factors 0 to 1/2 | what a state is multiplied by in a tick |
//! | [`Multiplier`] | 32 | -1/2 to 1/2 | a factor as an operand of one instruction |
//!
//! States are integers, in units of a power of two that differs from population to population.

use crate::attribute::Number;
use fixed::{
    FixedI32,
    types::{I32F32, extra::U32},
};
use melior::{Context, ir::Type};

/// What states are multiplied by, in steps of 2^-32; dumps hold it times 2^32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Factor(I32F32);

impl Factor {
    /// Nothing is left.
    pub const ZERO: Self = Self(I32F32::ZERO);
    /// Nothing decays.
    pub const ONE: Self = Self(I32F32::ONE);
    /// The least that no [`Multiplier`] is.
    pub const HALF: Self = Self(I32F32::ONE.strict_div_int(2));
    /// The largest below 1.
    pub const BELOW_ONE: Self = Self(I32F32::ONE.strict_sub(I32F32::DELTA));
    /// The largest below 1/2.
    pub const BELOW_HALF: Self = Self(Self::HALF.0.strict_sub(I32F32::DELTA));

    /// The nearest to a factor, halves away from 0.
    pub fn nearest(factor: f64) -> Self {
        // To scale by a power of two is exact, so that this rounds once.
        Self::from_bits((factor * Self::ONE.to_bits() as f64).round() as i64)
    }

    /// Of the factor times 2^32.
    pub const fn from_bits(bits: i64) -> Self {
        Self(I32F32::from_bits(bits))
    }

    /// The factor times 2^32.
    pub const fn to_bits(self) -> i64 {
        self.0.to_bits()
    }

    /// The factor, exactly.
    pub fn to_f64(self) -> f64 {
        self.0.to_num()
    }

    /// `state` times a factor from 0 to 1, to nearest, halves up: no result is out of range, nor what leads to it.
    #[inline]
    pub fn times(self, state: i32) -> i32 {
        self.0.wrapping_mul_int(state.into()).wrapping_add(Self::HALF.0).to_num()
    }

    /// A factor below 1/2 as an operand.
    pub fn multiplier(self) -> Multiplier {
        Multiplier(self.0.to_num())
    }

    /// What a factor of 1/2 to 1 differs from 1 by, as an operand.
    pub fn beside_one(self) -> Multiplier {
        Multiplier((self.0 - I32F32::ONE).to_num())
    }
}

/// As the integer in dumps.
impl Number for Factor {
    const BYTES: usize = i64::BYTES;
    const NAME: &'static str = i64::NAME;

    fn from_le(bytes: &[u8]) -> Self {
        Self::from_bits(<i64 as Number>::from_le(bytes))
    }

    fn to_le(self, out: &mut Vec<u8>) {
        Number::to_le(self.to_bits(), out);
    }

    fn element_type(context: &Context) -> Type<'_> {
        <i64 as Number>::element_type(context)
    }
}

/// The operand of an instruction that multiplies and keeps the upper word, rounded to nearest, halves up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Multiplier(FixedI32<U32>);

impl Multiplier {
    /// Nothing.
    pub const ZERO: Self = Self(FixedI32::ZERO);

    /// Of the word in memory.
    pub const fn from_bits(bits: i32) -> Self {
        Self(FixedI32::from_bits(bits))
    }

    /// The word in memory.
    pub const fn to_bits(self) -> i32 {
        self.0.to_bits()
    }

    /// SMMULR: `state` times this.
    pub fn times(self, state: i32) -> i32 {
        Factor(self.0.into()).times(state)
    }

    /// SMMLAR: `state`, and `state` times this, rounded together.
    pub fn more_of(self, state: i32) -> i32 {
        Factor(I32F32::ONE + I32F32::from(self.0)).times(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [i32; 9] = [i32::MIN, i32::MIN + 1, -3, -1, 0, 1, 3, i32::MAX - 1, i32::MAX];

    /// What the dialect's README says, in integers.
    fn by_hand(state: i32, bits: i64) -> i64 {
        i64::try_from((i128::from(state) * i128::from(bits) + (1 << 31)) >> 32).unwrap()
    }

    #[test]
    fn products_round_to_nearest_halves_up_and_never_overflow() {
        let bits = [0, 1, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, 3 << 30, (1 << 32) - 1, 1 << 32];
        for (state, bits) in STATES.into_iter().flat_map(|state| bits.map(|bits| (state, bits))) {
            assert_eq!(i64::from(Factor::from_bits(bits).times(state)), by_hand(state, bits), "{state} * {bits}");
        }
        assert_eq!([-3, -1, 1, 3].map(|state| Factor::HALF.times(state)), [-1, 0, 1, 2]);
    }

    #[test]
    fn an_operand_gives_what_its_factor_gives() {
        for state in STATES {
            for factor in [Factor::ZERO, Factor::from_bits(5), Factor::BELOW_HALF] {
                assert_eq!(factor.multiplier().times(state), factor.times(state));
            }
            for factor in [Factor::HALF, Factor::from_bits(3 << 30), Factor::BELOW_ONE, Factor::ONE] {
                assert_eq!(factor.beside_one().more_of(state), factor.times(state));
            }
            assert_eq!(Factor::BELOW_ONE.times(state), state);
        }
    }

    #[test]
    fn floats_become_the_nearest_factor() {
        assert_eq!(Factor::nearest(1.0), Factor::ONE);
        assert_eq!(Factor::nearest(0.5 + 0.75 / 4_294_967_296.0).to_bits(), (1 << 31) + 1);
        assert_eq!(Factor::nearest(0.9).to_bits(), 3_865_470_566);
        assert_eq!(Factor::from_bits(3).to_f64(), 3.0 / 4_294_967_296.0);
    }
}
