//! The element types of `.npy` that stand for numbers.

/// Type and byte order of the elements of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    class: Class,
    big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F16,
    F32,
    F64,
}

impl Element {
    /// From NumPy's notation; `None` for what is no number, or wider than 64 bits.
    pub(super) fn parse(descr: &str) -> Option<Self> {
        let (order, class) = descr.split_at_checked(1)?;
        let class = match class {
            "b1" => Class::Bool,
            "u1" => Class::U8,
            "u2" => Class::U16,
            "u4" => Class::U32,
            "u8" => Class::U64,
            "i1" => Class::I8,
            "i2" => Class::I16,
            "i4" => Class::I32,
            "i8" => Class::I64,
            "f2" => Class::F16,
            "f4" => Class::F32,
            "f8" => Class::F64,
            _ => return None,
        };
        let big_endian = match order {
            "<" | "|" => false,
            ">" => true,
            "=" => cfg!(target_endian = "big"),
            _ => return None,
        };
        Some(Self { class, big_endian })
    }

    /// Bytes of an element.
    pub(super) fn size(self) -> usize {
        match self.class {
            Class::Bool | Class::U8 | Class::I8 => 1,
            Class::U16 | Class::I16 | Class::F16 => 2,
            Class::U32 | Class::I32 | Class::F32 => 4,
            Class::U64 | Class::I64 | Class::F64 => 8,
        }
    }

    /// All elements in turn. 64-bit integers beyond 2^53 are rounded.
    pub(super) fn decode(self, bytes: &[u8], mut each: impl FnMut(f64)) {
        macro_rules! all {
            ($type:ty, $convert:expr) => {
                for chunk in bytes.as_chunks::<{ size_of::<$type>() }>().0 {
                    let value =
                        if self.big_endian { <$type>::from_be_bytes(*chunk) } else { <$type>::from_le_bytes(*chunk) };
                    each($convert(value));
                }
            };
        }
        match self.class {
            Class::Bool => all!(u8, |byte| f64::from(u8::from(byte != 0))),
            Class::U8 => all!(u8, f64::from),
            Class::U16 => all!(u16, f64::from),
            Class::U32 => all!(u32, f64::from),
            Class::U64 => all!(u64, |value| value as f64),
            Class::I8 => all!(i8, f64::from),
            Class::I16 => all!(i16, f64::from),
            Class::I32 => all!(i32, f64::from),
            Class::I64 => all!(i64, |value| value as f64),
            Class::F16 => all!(u16, half),
            Class::F32 => all!(f32, f64::from),
            Class::F64 => all!(f64, |value| value),
        }
    }
}

/// A half-precision number from its bits.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff) / 1024.0);
    sign * match (exponent, fraction) {
        (0, _) => fraction * 2_f64.powi(-14),
        (0x1f, 0.0) => f64::INFINITY,
        (0x1f, _) => f64::NAN,
        _ => (1.0 + fraction) * 2_f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(descr: &str, bytes: &[u8]) -> Vec<f64> {
        let mut values = Vec::new();
        Element::parse(descr).unwrap().decode(bytes, |value| values.push(value));
        values
    }

    #[test]
    fn both_byte_orders_are_read() {
        assert_eq!(decode("<i2", &[0xfe, 0xff, 1, 0]), [-2.0, 1.0]);
        assert_eq!(decode(">i2", &[0xff, 0xfe, 0, 1]), [-2.0, 1.0]);
        assert_eq!(decode(">f4", &[0x3f, 0x80, 0, 0]), [1.0]);
        assert_eq!(decode("|b1", &[0, 1, 7]), [0.0, 1.0, 1.0]);
    }

    #[test]
    fn half_precision_is_exact() {
        assert_eq!(decode("<f2", &[0x00, 0x3c, 0x01, 0x00, 0x00, 0xfc]), [1.0, 2_f64.powi(-24), f64::NEG_INFINITY]);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for descr in ["", "<", "<U10", "|O", "<c8", "<f16", "ü1"] {
            assert_eq!(Element::parse(descr), None, "{descr}");
        }
    }
}
