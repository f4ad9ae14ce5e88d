//! What kernels share with what is around them.

/// Width of the accumulators that rows are added to and that an update takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Accumulator {
    /// 16 bits, two in a word.
    I16,
    /// 32 bits.
    I32,
}

impl Accumulator {
    /// Accumulators of 16 bits, or 32.
    pub const fn of_bits(bits: i64) -> Self {
        if bits == 16 { Self::I16 } else { Self::I32 }
    }

    /// Bytes of one accumulator, 2 or 4.
    pub const fn bytes(self) -> u32 {
        match self {
            Self::I16 => 2,
            Self::I32 => 4,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::I16 => "i16",
            Self::I32 => "i32",
        }
    }
}
