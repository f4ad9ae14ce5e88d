//! scratch machine
use s2c_chip::iss::{Bus, Cpu};
struct Io {
    sent: Vec<u32>,
    status: u32,
    write: u32,
    read: u32,
    base: u32,
    end: u32,
}
impl Bus for Io {
    fn rd(&mut self, a: u32) -> u32 {
        match a {
            0xe2000010 => self.write,
            0xe1000000 => self.status,
            0xe000ed88 => 0,
            _ => panic!("read {a:x}"),
        }
    }
    fn wr(&mut self, a: u32, v: u32) {
        match a {
            0xe2000000 => self.sent.push(v),
            0xe1000004 => self.status = 0,
            0xe2000008 => {
                self.base = v;
                self.write = v
            }
            0xe200000c => self.end = v,
            0xe2000014 => {
                assert!(v >= self.base && (self.end == 0 || v < self.end));
                self.read = v
            }
            0xe2000018 => {}
            0xe000ed88 => assert_eq!(v, 0xf << 20),
            _ => panic!("write {a:x}"),
        }
    }
}
pub struct Machine {
    cpu: Cpu,
    io: Io,
}
impl Machine {
    pub fn new(code: &[u8]) -> Self {
        Self { cpu: Cpu::new(code), io: Io { sent: vec![], status: 0, write: 0, read: 0, base: 0, end: 0 } }
    }
    pub fn write(&mut self, a: u32, b: &[u8]) {
        self.cpu.mem[a as usize..][..b.len()].copy_from_slice(b)
    }
    pub fn read(&self, a: u32, n: usize) -> Vec<u8> {
        self.cpu.mem[a as usize..][..n].to_vec()
    }
    pub fn call(&mut self, entry: u32, args: [u32; 4]) -> u64 {
        for r in 4..12 {
            self.cpu.r[r] = 0x1000 + r as u32;
        }
        self.cpu.r[..4].copy_from_slice(&args);
        self.cpu.r[13] = 0x20000;
        self.cpu.r[14] = 0x1ff01;
        self.cpu.r[15] = entry & !1;
        let before = self.cpu.icnt;
        self.cpu.run(0x1ff00, 1_000_000, &mut self.io);
        assert_eq!(self.cpu.r[15], 0x1ff00);
        assert_eq!(self.cpu.r[13], 0x20000);
        for r in 4..12 {
            assert_eq!(self.cpu.r[r], 0x1000 + r as u32);
        }
        self.cpu.icnt - before
    }
    pub fn sent(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.io.sent)
    }
    pub fn reset(&mut self) {
        self.cpu.r[13] = 0x20000;
        let b = self.read(4, 4);
        self.cpu.r[15] = u32::from_le_bytes([b[0], b[1], b[2], b[3]]) & !1;
    }
    /// until wfi
    pub fn run(&mut self) -> u64 {
        let b = self.cpu.icnt;
        self.cpu.run(0xffff_fffe, 100_000, &mut self.io);
        assert!(self.cpu.wfi);
        self.cpu.icnt - b
    }
    pub fn tick(&mut self, n: u32) {
        self.io.status += n
    }
    pub fn deliver(&mut self, packet: &[u32]) {
        let w: Vec<u8> = packet.iter().flat_map(|w| w.to_le_bytes()).collect();
        self.write(self.io.write, &w);
        self.io.write += w.len() as u32;
        if self.io.write == self.io.end {
            self.io.write = self.io.base
        }
    }
}
