//! Integer arithmetic with flags (ARM DDI 0403E, A2.2.1 and A7.3).

use crate::op::{DataOp, Shift};

/// The flags of the application program status register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    pub n: bool,
    pub z: bool,
    pub c: bool,
    pub v: bool,
    /// Sticky saturation flag.
    pub q: bool,
    /// Greater-or-equal flags of the four byte lanes.
    pub ge: u8,
}

/// By condition (A7.3.1) a bit for each state of N, Z, C and V, as a number of four bits, in which it holds.
const CONDITIONS: [u16; 16] = {
    let mut table = [0; 16];
    let mut state = 0;
    while state < 16 {
        let (n, z, c, v) = (state & 8 != 0, state & 4 != 0, state & 2 != 0, state & 1 != 0);
        let bases = [z, c, n, v, c && !z, n == v, n == v && !z];
        let mut base = 0;
        while base < 7 {
            table[2 * base + !bases[base] as usize] |= 1 << state;
            base += 1;
        }
        state += 1;
    }
    table[14] = u16::MAX;
    table[15] = u16::MAX;
    table
};

impl Flags {
    /// The flags as in the register.
    pub fn to_apsr(self) -> u32 {
        u32::from(self.n) << 31
            | u32::from(self.z) << 30
            | u32::from(self.c) << 29
            | u32::from(self.v) << 28
            | u32::from(self.q) << 27
            | u32::from(self.ge) << 16
    }

    /// Sets N, Z, C and V from the top bits of a word.
    pub fn set_nzcv(&mut self, word: u32) {
        self.n = word >> 31 & 1 != 0;
        self.z = word >> 30 & 1 != 0;
        self.c = word >> 29 & 1 != 0;
        self.v = word >> 28 & 1 != 0;
    }

    #[inline(always)]
    pub fn set_nz(&mut self, value: u32) {
        self.n = (value as i32) < 0;
        self.z = value == 0;
    }

    /// ConditionPassed (A7.3.1).
    #[inline(always)]
    pub fn holds(&self, condition: u8) -> bool {
        let nzcv = u16::from(self.n) << 3 | u16::from(self.z) << 2 | u16::from(self.c) << 1 | u16::from(self.v);
        CONDITIONS[usize::from(condition & 15)] >> nzcv & 1 != 0
    }

    /// AddWithCarry; sets the flags if `s`.
    #[inline(always)]
    pub fn add(&mut self, a: u32, b: u32, carry: bool, s: bool) -> u32 {
        let wide = u64::from(a) + u64::from(b) + u64::from(carry);
        let sum = wide as u32;
        if s {
            self.set_nz(sum);
            self.c = wide >> 32 != 0;
            self.v = ((a ^ sum) & (b ^ sum)) >> 31 != 0;
        }
        sum
    }

    /// AddWithCarry of `a`, the complement of `b` and 1; sets the flags if `s`.
    #[inline(always)]
    pub fn subtract(&mut self, a: u32, b: u32, s: bool) -> u32 {
        let (difference, borrow) = a.overflowing_sub(b);
        if s {
            self.set_nz(difference);
            self.c = !borrow;
            self.v = (a as i32).overflowing_sub(b as i32).1;
        }
        difference
    }

    /// Shift_C: the shifted value and the carry out, for amounts up to 255.
    #[inline(always)]
    pub fn shift(&self, value: u32, shift: Shift, amount: u32) -> (u32, bool) {
        if amount == 0 {
            return (value, self.c);
        }
        let bit = |index: u32| value.checked_shr(index).unwrap_or(0) & 1 != 0;
        match shift {
            Shift::Lsl => (value.checked_shl(amount).unwrap_or(0), amount <= 32 && bit(32 - amount)),
            Shift::Lsr => (value.checked_shr(amount).unwrap_or(0), bit(amount - 1)),
            Shift::Asr => {
                let amount = amount.min(32);
                ((i64::from(value as i32) >> amount) as u32, bit(amount - 1))
            }
            Shift::Ror => {
                let rotated = value.rotate_right(amount);
                (rotated, rotated >> 31 != 0)
            }
            Shift::Rrx => (value >> 1 | u32::from(self.c) << 31, value & 1 != 0),
        }
    }

    /// A data-processing operation; none if it has no result (comparisons). `carry` is the shifter's carry out.
    #[inline(always)]
    pub fn data(&mut self, op: DataOp, a: u32, b: u32, carry: bool, s: bool) -> Option<u32> {
        let result = match op {
            DataOp::And | DataOp::Tst => a & b,
            DataOp::Bic => a & !b,
            DataOp::Orr => a | b,
            DataOp::Orn => a | !b,
            DataOp::Eor | DataOp::Teq => a ^ b,
            DataOp::Mov => b,
            DataOp::Mvn => !b,
            DataOp::Add => return Some(self.add(a, b, false, s)),
            DataOp::Adc => return Some(self.add(a, b, self.c, s)),
            DataOp::Sub => return Some(self.subtract(a, b, s)),
            DataOp::Sbc => return Some(self.add(a, !b, self.c, s)),
            DataOp::Rsb => return Some(self.subtract(b, a, s)),
            DataOp::Cmn => {
                self.add(a, b, false, true);
                return None;
            }
            DataOp::Cmp => {
                self.subtract(a, b, true);
                return None;
            }
        };
        if s {
            self.set_nz(result);
            self.c = carry;
        }
        (!matches!(op, DataOp::Tst | DataOp::Teq)).then_some(result)
    }

    /// Brings a value into a range and sets Q if it was outside.
    #[inline(always)]
    pub fn saturate(&mut self, value: i64, low: i64, high: i64) -> u32 {
        let clamped = value.clamp(low, high);
        self.q |= clamped != value;
        clamped as u32
    }

    /// Sets Q if a result does not fit into 32 bits, and wraps it.
    #[inline(always)]
    pub fn wrap(&mut self, value: i64) -> u32 {
        self.q |= value != i64::from(value as i32);
        value as u32
    }
}
