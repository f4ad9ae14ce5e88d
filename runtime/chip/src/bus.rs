//! What a core sees of its PE: the SRAM and the registers of timer, packet interface and system control.

use s2c_abi::{PERIPHERAL_BYTES, Registers};

use crate::comms::Comms;
use crate::config::ChipConfig;
use crate::fault::Trap;

/// Coprocessor access control register, to which programs write to enable the FPU (ARM DDI 0403E, B3.2.20).
/// The FPU of the model is always enabled; the register only keeps its value.
const CPACR: u32 = 0xE000_ED88;

/// Memory and registers of one PE.
#[derive(Clone, Debug)]
pub(crate) struct Bus {
    pub sram: Box<[u8]>,
    pub comms: Comms,
    /// Ticks that have begun and were not acknowledged; the next one begins when one is acknowledged.
    pub ticks: u32,
    cpacr: u32,
    code_bytes: u32,
    registers: Registers,
}

impl Bus {
    /// A bus with zeroed memory.
    pub fn new(config: &ChipConfig) -> Self {
        Self::with_memory(config, vec![0; config.sram_bytes as usize].into())
    }

    /// A bus after reset with the given memory.
    pub fn with_memory(config: &ChipConfig, sram: Box<[u8]>) -> Self {
        Self {
            sram,
            comms: Comms::new(config.registers.comms),
            ticks: 0,
            cpacr: 0,
            code_bytes: config.code_bytes,
            registers: config.registers,
        }
    }

    /// Whether there is something that ends or prevents sleep.
    pub fn wakes(&self) -> bool {
        self.ticks > 0 || !self.comms.is_empty()
    }

    #[inline(always)]
    fn bytes<const N: usize>(&self, address: u32) -> Option<[u8; N]> {
        let at = address as usize;
        self.sram.get(at..at + N)?.try_into().ok()
    }

    /// Words of the SRAM; none if they are not all there.
    #[inline(always)]
    pub fn words(&self, address: u32, count: u8) -> Option<&[[u8; 4]]> {
        let at = address as usize;
        Some(self.sram.get(at..at + 4 * usize::from(count))?.as_chunks().0)
    }

    /// As [`Bus::words`], outside the code region.
    #[inline(always)]
    pub fn words_mut(&mut self, address: u32, count: u8) -> Option<&mut [[u8; 4]]> {
        if address < self.code_bytes {
            return None;
        }
        let at = address as usize;
        Some(self.sram.get_mut(at..at + 4 * usize::from(count))?.as_chunks_mut().0)
    }

    #[inline(always)]
    pub fn load32(&self, address: u32) -> Result<u32, Trap> {
        match self.bytes(address) {
            Some(bytes) => Ok(u32::from_le_bytes(bytes)),
            None => self.read_register(address),
        }
    }

    #[inline(always)]
    pub fn load16(&self, address: u32) -> Result<u32, Trap> {
        let bytes = self.bytes(address).ok_or(Trap::Unmapped { address })?;
        Ok(u16::from_le_bytes(bytes).into())
    }

    #[inline(always)]
    pub fn load8(&self, address: u32) -> Result<u32, Trap> {
        let [byte] = self.bytes(address).ok_or(Trap::Unmapped { address })?;
        Ok(byte.into())
    }

    #[inline(always)]
    fn bytes_mut<const N: usize>(&mut self, address: u32) -> Option<&mut [u8; N]> {
        if address < self.code_bytes {
            return None;
        }
        let at = address as usize;
        self.sram.get_mut(at..at + N)?.try_into().ok()
    }

    #[inline(always)]
    pub fn store32(&mut self, address: u32, value: u32) -> Result<(), Trap> {
        match self.bytes_mut(address) {
            Some(bytes) => *bytes = value.to_le_bytes(),
            None => self.write_register(address, value)?,
        }
        Ok(())
    }

    #[inline(always)]
    pub fn store16(&mut self, address: u32, value: u32) -> Result<(), Trap> {
        match self.bytes_mut(address) {
            Some(bytes) => *bytes = (value as u16).to_le_bytes(),
            None => return Err(self.refused(address)),
        }
        Ok(())
    }

    #[inline(always)]
    pub fn store8(&mut self, address: u32, value: u32) -> Result<(), Trap> {
        match self.bytes_mut(address) {
            Some(bytes) => *bytes = [value as u8],
            None => return Err(self.refused(address)),
        }
        Ok(())
    }

    /// Why a store outside the writable memory fails, if there is no register.
    #[cold]
    fn refused(&self, address: u32) -> Trap {
        if address < self.code_bytes { Trap::CodeWrite { address } } else { Trap::Unmapped { address } }
    }

    /// Reads a word from a register. Registers cannot be accessed as bytes or halfwords.
    #[inline(never)]
    fn read_register(&self, address: u32) -> Result<u32, Trap> {
        let value = if let Some(offset) = register(address, self.registers.comms.base)? {
            self.comms.read_register(offset)
        } else if let Some(offset) = register(address, self.registers.timer.base)? {
            (offset == self.registers.timer.status).then(|| self.ticks.min(1))
        } else {
            (address == CPACR).then_some(self.cpacr)
        };
        value.ok_or(Trap::Unmapped { address })
    }

    /// Writes a word to a register.
    #[inline(never)]
    pub fn write_register(&mut self, address: u32, value: u32) -> Result<(), Trap> {
        let done = if let Some(offset) = register(address, self.registers.comms.base)? {
            self.comms.write_register(offset, value)
        } else if let Some(offset) = register(address, self.registers.timer.base)? {
            (offset == self.registers.timer.clear).then(|| self.ticks = self.ticks.saturating_sub(1))
        } else {
            (address == CPACR).then(|| self.cpacr = value)
        };
        done.ok_or_else(|| self.refused(address))
    }
}

/// The offset of an address in the peripheral at `base`, if it is there.
fn register(address: u32, base: u32) -> Result<Option<u32>, Trap> {
    match address.checked_sub(base) {
        Some(offset) if offset < PERIPHERAL_BYTES => {
            if offset.is_multiple_of(4) {
                Ok(Some(offset))
            } else {
                Err(Trap::Unaligned { address })
            }
        }
        _ => Ok(None),
    }
}
