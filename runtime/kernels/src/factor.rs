//! What a packet multiplies weights by.

use super::body::{Body, Value};

/// The factor of a packet's weights: a number x of 32 bits.
///
/// ```text
/// One         x = 1
/// Shifted n   x = 2^n
/// Payload n   x = payload * 2^n, for n < 0 to nearest, halves up
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Factor {
    /// Weights are added as they are.
    #[default]
    One,
    /// A spike whose sums have fractional bits, because values add to them too.
    Shifted(u8),
    /// A value.
    Payload(i8),
}

impl Factor {
    /// The payload, or 1, shifted left, or where that is negative right.
    pub fn new(graded: bool, shift: Option<i64>) -> Self {
        match (graded, shift.unwrap_or(0)) {
            (true, bits) => Self::Payload(bits as i8),
            (false, 0) => Self::One,
            (false, bits) => Self::Shifted(bits as u8),
        }
    }

    /// What a kernel's name ends in.
    pub(super) fn name(self) -> String {
        match self {
            Self::One => String::new(),
            Self::Shifted(bits) => format!("_times{}", 1u64 << bits),
            Self::Payload(bits) if bits < 0 => format!("_payload_down{}", -bits),
            Self::Payload(bits) => format!("_payload_in{bits}"),
        }
    }

    /// A kernel's arguments from the third on, where it needs any.
    pub(super) const fn arguments(self) -> &'static str {
        if matches!(self, Self::Payload(_)) { ", %key: i32, %payload: i32" } else { "" }
    }

    /// The factor in the body of a kernel; none where it is 1.
    pub(super) fn emit(self, body: &mut Body) -> Option<Value> {
        let with_constant = |body: &mut Body, operation: &str, value: &str, constant: i32| {
            let constant = body.constant(constant);
            body.binary(operation, value, &constant)
        };
        match self {
            Self::One => None,
            Self::Shifted(bits) => Some(body.constant(1 << bits)),
            Self::Payload(bits) if bits >= 0 => Some(with_constant(body, "shl", "%payload", bits.into())),
            Self::Payload(bits) => {
                let distance = -i32::from(bits);
                let whole = with_constant(body, "ashr", "%payload", distance);
                let half = with_constant(body, "lshr", "%payload", distance - 1);
                let half = with_constant(body, "and", &half, 1);
                Some(body.binary("add", &whole, &half))
            }
        }
    }
}
