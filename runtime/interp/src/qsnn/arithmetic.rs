//! The shifts and multiplications of the dialect, with their rounding.

/// What a connection multiplies its weights by: `value << shift`, or a rounding shift to the right.
pub fn shift_input(value: i32, shift: i64) -> i32 {
    if shift >= 0 { value.wrapping_shl(shift as u32) } else { shift_right(value, -shift as u32) }
}

/// What is left of a membrane that is kept in 8 bits: the nearest multiple of 2^shift, halves up, of -128 to 127 of them.
pub fn keep_byte(membrane: i32, shift: u32) -> i32 {
    shift_right(membrane, shift).clamp(-128, 127) << shift
}

/// `value / 2^shift`, rounded to nearest, halves up.
pub fn shift_right(value: i32, shift: u32) -> i32 {
    ((i64::from(value) + (1i64 << shift >> 1)) >> shift) as i32
}
