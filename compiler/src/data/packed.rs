//! Bits packed by `numpy.packbits`: eight to a byte, the first in the highest bit.
//!
//! An array of shape (n₀, …, nₖ, …) may be packed along its last axis or after its last axes were joined, so that the
//! packed array has shape (n₀, …, nₖ₋₁, ⌈nₖ·…/8⌉). Which of these it is follows from the packed array's rank.

use s2c_dialects::diagnostic::{Diagnostic, Result};

/// A packed array.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    /// Shape of the array before packing.
    pub(super) shape: Vec<usize>,
    bytes: Vec<u8>,
    /// Bits of a row that are in use.
    row_bits: usize,
}

impl Packed {
    /// Puts bytes of shape `packed` and the shape that they stand for together.
    pub(super) fn new(bytes: Vec<u8>, packed: &[usize], shape: Vec<usize>, source: &str) -> Result<Self> {
        let row = packed.len().checked_sub(1).and_then(|axis| {
            let (outer, inner) = shape.split_at_checked(axis)?;
            let bits = inner.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))?;
            (packed.starts_with(outer) && packed.last() == Some(&bits.div_ceil(8))).then_some(bits)
        });
        match row {
            Some(row_bits) => Ok(Self { shape, bytes, row_bits }),
            None => {
                Err(Diagnostic::error("packed-shape", format!("packed spikes in {source} do not fit their `shape`"))
                    .text(format!("The packed array has shape {packed:?}, `shape` says {shape:?}."))
                    .hint("pack with `numpy.packbits(spikes.reshape(samples, -1), axis=1)` and store `spikes.shape`")
                    .into())
            }
        }
    }

    /// The element at a place in C order.
    pub(super) fn bit(&self, place: usize) -> bool {
        let row_bits = self.row_bits.max(1);
        let (row, bit) = (place / row_bits, place % row_bits);
        let byte = self.bytes.get(row * row_bits.div_ceil(8) + bit / 8).copied().unwrap_or(0);
        byte & (0x80 >> (bit % 8)) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(packed: &Packed) -> String {
        (0..packed.shape.iter().product()).map(|place| if packed.bit(place) { '1' } else { '0' }).collect()
    }

    #[test]
    fn rows_end_at_bytes() {
        let packed = Packed::new(vec![0b1010_1000, 0b0110_0000], &[2, 1], vec![2, 5], "x").unwrap();
        assert_eq!(bits(&packed), "1010101100");
    }

    #[test]
    fn joined_axes_are_recognised() {
        let packed = Packed::new(vec![0b1010_1011, 0b0110_0000], &[2], vec![2, 5], "x").unwrap();
        assert_eq!(bits(&packed), "1010101101");
    }

    #[test]
    fn other_shapes_are_refused() {
        assert_eq!(Packed::new(vec![0; 4], &[2, 2], vec![2, 5], "x").unwrap_err().code, "packed-shape");
        assert_eq!(Packed::new(vec![], &[], vec![2, 5], "x").unwrap_err().code, "packed-shape");
    }
}
