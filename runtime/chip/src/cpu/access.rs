//! Parts of operations that read or write several words, and the special registers.

use super::Cpu;
use crate::bus::Bus;
use crate::fault::Trap;
use crate::op::{Index, Reg, Size, Special};

const SP: u8 = 13;
const PC: u8 = 15;

/// Bits of FPSCR that select other than the default arithmetic: AHP, DN, FZ, RMode (ARM DDI 0403E, A2.5.3).
const FPSCR_MODES: u32 = 0x07C0_0000;
/// Bits of FPSCR that only keep their value: the flags and the cumulative exceptions.
const FPSCR_KEPT: u32 = 0xF000_009F;

/// Checks the alignment of the accesses that need it whatever the configuration (A3.2.1).
pub(super) fn aligned(address: u32) -> Result<(), Trap> {
    if address.is_multiple_of(4) { Ok(()) } else { Err(Trap::Unaligned { address }) }
}

/// The list of `words` registers from `first` on.
fn list(first: Reg, words: u8) -> u16 {
    ((1 << words) - 1) << first
}

/// A load whose size is not known when the operation is chosen.
pub(super) fn load(bus: &Bus, size: Size, address: u32) -> Result<u32, Trap> {
    match size {
        Size::Word => bus.load32(address),
        Size::Half => bus.load16(address),
        Size::Byte => bus.load8(address),
        Size::SignedHalf => bus.load16(address).map(|value| i32::from(value as i16) as u32),
        Size::SignedByte => bus.load8(address).map(|value| i32::from(value as i8) as u32),
    }
}

/// A store whose size is not known when the operation is chosen.
pub(super) fn store(bus: &mut Bus, size: Size, address: u32, value: u32) -> Result<(), Trap> {
    match size {
        Size::Word => bus.store32(address, value),
        Size::Half | Size::SignedHalf => bus.store16(address, value),
        Size::Byte | Size::SignedByte => bus.store8(address, value),
    }
}

impl Cpu {
    /// The address `[rn, rm, lsl #lsl]`.
    #[inline(always)]
    pub(super) fn indexed(&self, rn: Reg, rm: Reg, lsl: u8) -> u32 {
        self.get(rn).wrapping_add(self.get(rm) << (lsl & 3))
    }

    /// The address of an access with an addressing mode, and the base register afterwards.
    #[inline(always)]
    pub(super) fn update(&self, rn: Reg, index: Index, offset: i32) -> (u32, u32) {
        let base = self.get(rn);
        let moved = base.wrapping_add_signed(offset);
        match index {
            Index::Offset => (moved, base),
            Index::Pre => (moved, moved),
            Index::Post => (base, moved),
        }
    }

    /// The first address of a multiple access of `words` words, and the base register if it is written back.
    pub(super) fn multiple(&self, rn: Reg, before: bool, words: u32) -> (u32, u32) {
        let base = self.get(rn);
        if before {
            let first = base.wrapping_sub(4 * words);
            (first, first)
        } else {
            (base, base.wrapping_add(4 * words))
        }
    }

    /// LDM and POP of registers that follow one another.
    #[inline(always)]
    pub(super) fn load_block(
        &mut self,
        bus: &Bus,
        rn: Reg,
        before: bool,
        writeback: bool,
        words: u8,
        first: Reg,
    ) -> Result<(), Trap> {
        let (address, base) = self.multiple(rn, before, words.into());
        let (Some(block), true) = (bus.words(address, words), address.is_multiple_of(4)) else {
            return self.load_multiple(bus, rn, before, writeback, words, list(first, words)).map(|_| ());
        };
        if writeback {
            self.set(rn, base);
        }
        self.extra(words.into());
        (first..).zip(block).for_each(|(register, word)| self.set(register, u32::from_le_bytes(*word)));
        Ok(())
    }

    /// STM and PUSH of registers that follow one another.
    #[inline(always)]
    pub(super) fn store_block(
        &mut self,
        bus: &mut Bus,
        rn: Reg,
        before: bool,
        writeback: bool,
        words: u8,
        first: Reg,
    ) -> Result<(), Trap> {
        let (address, base) = self.multiple(rn, before, words.into());
        let (Some(block), true) = (bus.words_mut(address, words), address.is_multiple_of(4)) else {
            return self.store_multiple(bus, rn, before, writeback, words, list(first, words));
        };
        self.extra(words.into());
        (first..).zip(block).for_each(|(register, word)| *word = self.get(register).to_le_bytes());
        if writeback {
            self.set(rn, base);
        }
        Ok(())
    }

    /// LDM and POP. Returns the branch target if the program counter is loaded.
    #[inline(never)]
    pub(super) fn load_multiple(
        &mut self,
        bus: &Bus,
        rn: Reg,
        before: bool,
        writeback: bool,
        words: u8,
        list: u16,
    ) -> Result<Option<u32>, Trap> {
        let (mut address, base) = self.multiple(rn, before, words.into());
        aligned(address)?;
        self.extra(words.into());
        let mut rest = list;
        if writeback {
            self.set(rn, base);
        }
        while rest != 0 {
            let value = bus.load32(address)?;
            self.set(rest.trailing_zeros() as Reg, value);
            rest &= rest - 1;
            address = address.wrapping_add(4);
        }
        if list >> PC & 1 == 0 { Ok(None) } else { super::thumb(self.get(PC)).map(Some) }
    }

    /// STM and PUSH.
    #[inline(never)]
    pub(super) fn store_multiple(
        &mut self,
        bus: &mut Bus,
        rn: Reg,
        before: bool,
        writeback: bool,
        words: u8,
        list: u16,
    ) -> Result<(), Trap> {
        let (mut address, base) = self.multiple(rn, before, words.into());
        aligned(address)?;
        self.extra(words.into());
        let mut rest = list;
        while rest != 0 {
            bus.store32(address, self.get(rest.trailing_zeros() as Reg))?;
            rest &= rest - 1;
            address = address.wrapping_add(4);
        }
        if writeback {
            self.set(rn, base);
        }
        Ok(())
    }

    pub(super) fn load_dual(&mut self, bus: &Bus, rt: Reg, rt2: Reg, address: u32) -> Result<(), Trap> {
        aligned(address)?;
        self.extra(2);
        let values = (bus.load32(address)?, bus.load32(address.wrapping_add(4))?);
        self.set(rt, values.0);
        self.set(rt2, values.1);
        Ok(())
    }

    #[inline(always)]
    pub(super) fn load_floats(&mut self, bus: &Bus, sd: Reg, words: u8, address: u32) -> Result<(), Trap> {
        aligned(address)?;
        self.extra(words.into());
        for index in 0..words {
            let value = bus.load32(address.wrapping_add(4 * u32::from(index)))?;
            self.set_s(sd + index, value);
        }
        Ok(())
    }

    #[inline(always)]
    pub(super) fn store_floats(&mut self, bus: &mut Bus, sd: Reg, words: u8, address: u32) -> Result<(), Trap> {
        aligned(address)?;
        self.extra(words.into());
        for index in 0..words {
            bus.store32(address.wrapping_add(4 * u32::from(index)), self.get_s(sd + index))?;
        }
        Ok(())
    }

    /// The signed addend of a multiplication; register 15 stands for none.
    #[inline(always)]
    pub(super) fn addend(&self, ra: Reg) -> i64 {
        if ra == PC { 0 } else { i64::from(self.get(ra) as i32) }
    }

    /// Adds to a 64-bit accumulator.
    pub(super) fn accumulate(&mut self, lo: Reg, hi: Reg, value: i64) {
        let sum = u64::from(self.get(hi)) << 32 | u64::from(self.get(lo));
        self.set_long(lo, hi, sum.wrapping_add_signed(value));
    }

    pub(super) fn special(&self, special: Special) -> u32 {
        match special {
            Special::Apsr { .. } => self.flags.to_apsr(),
            Special::Ipsr => 0,
            Special::Msp => self.get(SP),
            Special::Primask => u32::from(self.primask),
        }
    }

    pub(super) fn set_special(&mut self, special: Special, value: u32) {
        match special {
            Special::Apsr { nzcvq, ge } => {
                if nzcvq {
                    self.flags.set_nzcv(value);
                    self.flags.q = value >> 27 & 1 != 0;
                }
                if ge {
                    self.flags.ge = (value >> 16 & 15) as u8;
                }
            }
            Special::Ipsr => {}
            Special::Msp => self.set(SP, value & !3),
            Special::Primask => self.primask = value & 1 != 0,
        }
    }

    /// Replaces the comparison flags of FPSCR.
    pub(super) fn set_float_flags(&mut self, nzcv: u32) {
        self.fpscr = self.fpscr & 0x0FFF_FFFF | nzcv;
    }

    pub(super) fn set_fpscr(&mut self, value: u32) -> Result<(), Trap> {
        if value & FPSCR_MODES != 0 {
            return Err(Trap::FloatMode { value });
        }
        self.fpscr = value & FPSCR_KEPT;
        Ok(())
    }
}
