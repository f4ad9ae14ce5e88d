//! Fields of encodings: bits, registers and what literals and branches count from.

/// The bits `high` to `low` of an encoding.
pub(super) fn bits(word: u32, high: u32, low: u32) -> u32 {
    (word >> low) & ((1 << (high - low + 1)) - 1)
}

/// One bit of an encoding.
pub(super) fn bit(word: u32, index: u32) -> bool {
    (word >> index) & 1 != 0
}

/// A register number at the bits `low + 3` to `low`.
pub(super) fn reg4(word: u32, low: u32) -> u8 {
    bits(word, low + 3, low) as u8
}

/// A register number at the bits `low + 2` to `low`.
pub(super) fn reg3(word: u32, low: u32) -> u8 {
    bits(word, low + 2, low) as u8
}

/// Sign-extends the low `width` bits.
pub(super) fn sign_extend(value: u32, width: u32) -> u32 {
    (((value << (32 - width)) as i32) >> (32 - width)) as u32
}

/// What an instruction at `pc` reads as the program counter, aligned to a word: the base of literals.
pub(super) fn literal_base(pc: u32) -> u32 {
    pc.wrapping_add(4) & !3
}

/// The target of a branch at `pc`.
pub(super) fn branch_target(pc: u32, offset: u32) -> u32 {
    pc.wrapping_add(4).wrapping_add(offset)
}
