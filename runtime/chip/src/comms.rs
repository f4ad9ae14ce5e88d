//! A PE's packet interface: the registers of [`s2c_abi::Comms`] and the receive ring.

use s2c_abi::SEND_READY;

use crate::config::Packet;
use crate::fault::Trap;

/// Registers and outgoing packets of one PE.
#[derive(Clone, Debug, Default)]
pub(crate) struct Comms {
    registers: s2c_abi::Comms,
    /// Packets sent and not yet taken by the router, in the order of sending.
    pub outbox: Vec<Packet>,
    payload: Option<u32>,
    base: u32,
    end: u32,
    write: u32,
    read: u32,
    size: u32,
    enabled: bool,
}

impl Comms {
    /// An interface that has no ring yet.
    pub fn new(registers: s2c_abi::Comms) -> Self {
        Self { registers, ..Self::default() }
    }

    /// Reads the register at an offset; none if there is no such register. A packet can be sent at any time.
    pub fn read_register(&self, offset: u32) -> Option<u32> {
        let registers = &self.registers;
        let all = [
            (registers.send_status, SEND_READY),
            (registers.receive_base, self.base),
            (registers.receive_end, self.end),
            (registers.receive_write, self.write),
            (registers.receive_read, self.read),
            (registers.receive_size, self.size),
        ];
        all.iter().find(|(at, _)| *at == offset).map(|&(_, value)| value)
    }

    /// Writes the register at an offset; none if there is no such register.
    pub fn write_register(&mut self, offset: u32, value: u32) -> Option<()> {
        let registers = self.registers;
        if offset == registers.send_key {
            self.outbox.push(Packet { key: value, payload: self.payload.take() });
        } else if offset == registers.send_payload {
            self.payload = Some(value);
        } else if offset == registers.receive_read {
            self.read = value;
        } else if offset == registers.receive_base {
            (self.base, self.write, self.read) = (value, value, value);
        } else if offset == registers.receive_end {
            (self.end, self.enabled) = (value, true);
        } else if offset == registers.receive_size {
            self.size = value;
        } else {
            return None;
        }
        Some(())
    }

    /// Whether the core has read all packets.
    pub fn is_empty(&self) -> bool {
        self.read == self.write
    }

    /// Number of packets in the ring.
    pub fn fill(&self) -> u32 {
        let (read, write) = (u64::from(self.read), u64::from(self.write));
        let length = u64::from(self.end.saturating_sub(self.base));
        let bytes = if write >= read { write - read } else { (write + length).saturating_sub(read) };
        (bytes / u64::from(self.size.max(1))) as u32
    }

    /// Stores a packet into the ring; false if the ring is full. `first` is the lowest address that a ring may have.
    pub fn deliver(&mut self, packet: Packet, sram: &mut [u8], first: u32) -> Result<bool, Trap> {
        if !self.enabled {
            return Err(Trap::ReceptionDisabled);
        }
        self.check_ring(sram.len(), first)?;
        let next = self.write + self.size;
        let next = if next == self.end { self.base } else { next };
        if next == self.read {
            return Ok(false);
        }
        let at = self.write as usize;
        sram[at..at + 4].copy_from_slice(&packet.key.to_le_bytes());
        if self.size == 8 {
            sram[at + 4..at + 8].copy_from_slice(&packet.payload.unwrap_or(0).to_le_bytes());
        }
        self.write = next;
        Ok(true)
    }

    /// The registers come from the program, so they are checked before they are used as addresses.
    fn check_ring(&self, sram_bytes: usize, first: u32) -> Result<(), Trap> {
        let is_slot = |address: u32| {
            address >= self.base && address < self.end && (address - self.base).is_multiple_of(self.size)
        };
        let valid = matches!(self.size, 4 | 8)
            && self.base.is_multiple_of(4)
            && self.base >= first
            && self.end as usize <= sram_bytes
            && self.base < self.end
            && (self.end - self.base).is_multiple_of(self.size)
            && is_slot(self.write)
            && is_slot(self.read);
        if valid { Ok(()) } else { Err(Trap::InvalidRing { base: self.base, end: self.end }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::registers;

    fn ring(base: u32, end: u32, size: u32) -> Comms {
        let registers = registers().comms;
        let mut ring = Comms::new(registers);
        ring.write_register(registers.receive_size, size).unwrap();
        ring.write_register(registers.receive_base, base).unwrap();
        ring.write_register(registers.receive_end, end).unwrap();
        ring
    }

    #[test]
    fn one_slot_stays_free_and_the_ring_wraps() {
        let mut sram = [0; 64];
        let mut ring = ring(16, 28, 4);
        assert_eq!(ring.deliver(Packet::new(1), &mut sram, 0), Ok(true));
        assert_eq!(ring.deliver(Packet::new(2), &mut sram, 0), Ok(true));
        assert_eq!(ring.deliver(Packet::new(3), &mut sram, 0), Ok(false));
        assert_eq!(ring.fill(), 2);
        ring.write_register(registers().comms.receive_read, 20).unwrap();
        assert_eq!(ring.deliver(Packet::new(3), &mut sram, 0), Ok(true));
        assert_eq!((sram[16], sram[20], sram[24]), (1, 2, 3));
        assert_eq!(ring.read_register(registers().comms.receive_write), Some(16));
        assert_eq!(ring.fill(), 2);
    }

    #[test]
    fn a_ring_of_pairs_stores_the_payload() {
        let mut sram = [0; 64];
        let mut ring = ring(0, 32, 8);
        ring.deliver(Packet { key: 7, payload: Some(9) }, &mut sram, 0).unwrap();
        assert_eq!((sram[0], sram[4]), (7, 9));
    }

    #[test]
    fn bad_rings_are_refused() {
        let mut sram = [0; 64];
        assert_eq!(Comms::default().deliver(Packet::new(0), &mut sram, 0), Err(Trap::ReceptionDisabled));
        for (base, end, size) in [(0, 68, 4), (8, 8, 4), (0, 20, 8), (2, 18, 4), (0, 32, 3), (0, 32, 0)] {
            let result = ring(base, end, size).deliver(Packet::new(0), &mut sram, 0);
            assert_eq!(result, Err(Trap::InvalidRing { base, end }));
        }
        assert!(ring(0, 32, 4).deliver(Packet::new(0), &mut sram, 16).is_err());
    }
}
