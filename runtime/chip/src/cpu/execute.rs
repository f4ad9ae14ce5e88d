//! What the frequent operations do (ARM DDI 0403E, A7.7); the others are in [`super::others`].

use super::access::{aligned, load, store};
use super::{Cpu, Flow, Stop, media, thumb};
use crate::bus::Bus;
use crate::config::CycleModel;
use crate::op::{Index, Op};

const LR: u8 = 14;
const PC: u8 = 15;

impl Cpu {
    /// Executes one operation and says where execution goes on. `count` gives the number of the instruction.
    #[inline(always)]
    #[rustfmt::skip]
    pub(super) fn execute(
        &mut self, op: &Op, count: impl Fn() -> u64, bus: &mut Bus, model: &CycleModel,
    ) -> Result<Flow, Stop> {
        // The address of a load or store with an offset, and with a shifted index.
        macro_rules! at { ($rn:expr, $imm:expr) => {{ self.access(count(), model); self.get($rn).wrapping_add($imm) }}; }
        macro_rules! at_index {
            ($rn:expr, $rm:expr, $lsl:expr) => {{ self.access(count(), model); self.indexed($rn, $rm, $lsl) }};
        }
        macro_rules! jump { ($to:expr) => {{ let to = $to; self.extra(model.branch_taken); return Ok(Flow::Jump(to)) }}; }
        macro_rules! branch { ($to:expr) => {{ self.extra(model.branch_taken); return Ok(Flow::Branch($to)) }}; }
        match *op {
            Op::AddImm { rd, rn, s, imm } => { let v = self.flags.add(self.get(rn), imm, false, s); self.set(rd, v) }
            Op::SubImm { rd, rn, s, imm } => {
                let v = self.flags.subtract(self.get(rn), imm, s);
                self.set(rd, v);
                if s { return Ok(Flow::Compared) }
            }
            Op::AddReg { rd, rn, rm, lsl, s } => {
                let v = self.flags.add(self.get(rn), self.get(rm) << (lsl & 31), false, s);
                self.set(rd, v)
            }
            Op::SubReg { rd, rn, rm, lsl, s } => {
                let v = self.flags.subtract(self.get(rn), self.get(rm) << (lsl & 31), s);
                self.set(rd, v)
            }
            Op::CmpImm { rn, imm } => {
                self.flags.subtract(self.get(rn), imm, true);
                return Ok(Flow::Compared)
            }
            Op::CmpReg { rn, rm } => {
                self.flags.subtract(self.get(rn), self.get(rm), true);
                return Ok(Flow::Compared)
            }
            Op::OrrReg { rd, rn, rm, s } => {
                let v = self.get(rn) | self.get(rm);
                self.set(rd, v);
                if s {
                    self.flags.set_nz(v);
                    return Ok(Flow::Compared)
                }
            }
            Op::MovImm { rd, s, imm } => {
                self.set(rd, imm);
                if s { self.flags.set_nz(imm) }
            }
            Op::MovReg { rd, rm } => self.set(rd, self.get(rm)),
            Op::MovTop { rd, imm } => self.set(rd, self.get(rd) & 0xFFFF | imm << 16),
            Op::DataImm { op, rd, rn, s, carry, imm } => {
                let carry = carry.unwrap_or(self.flags.c);
                if let Some(v) = self.flags.data(op, self.get(rn), imm, carry, s) { self.set(rd, v) }
            }
            Op::DataReg { op, rd, rn, rm, shift, amount, s } => {
                let (b, carry) = self.flags.shift(self.get(rm), shift, amount.into());
                if let Some(v) = self.flags.data(op, self.get(rn), b, carry, s) { self.set(rd, v) }
            }
            Op::ShiftReg { shift, rd, rn, rm, s } => {
                let (v, carry) = self.flags.shift(self.get(rn), shift, self.get(rm) & 0xFF);
                self.set(rd, v);
                if s {
                    self.flags.set_nz(v);
                    self.flags.c = carry;
                }
            }
            Op::LdrImm { rt, rn, imm } => { let v = bus.load32(at!(rn, imm))?; self.set(rt, v) }
            Op::LdrhImm { rt, rn, imm } => { let v = bus.load16(at!(rn, imm))?; self.set(rt, v) }
            Op::LdrbImm { rt, rn, imm } => { let v = bus.load8(at!(rn, imm))?; self.set(rt, v) }
            Op::LdrshImm { rt, rn, imm } => {
                let v = bus.load16(at!(rn, imm))?;
                self.set(rt, media::sign_extend(v, 16))
            }
            Op::LdrsbImm { rt, rn, imm } => {
                let v = bus.load8(at!(rn, imm))?;
                self.set(rt, media::sign_extend(v, 8))
            }
            Op::StrImm { rt, rn, imm } => bus.store32(at!(rn, imm), self.get(rt))?,
            Op::StrhImm { rt, rn, imm } => bus.store16(at!(rn, imm), self.get(rt))?,
            Op::StrbImm { rt, rn, imm } => bus.store8(at!(rn, imm), self.get(rt))?,
            Op::LdrReg { rt, rn, rm, lsl } => { let v = bus.load32(at_index!(rn, rm, lsl))?; self.set(rt, v) }
            Op::LdrhReg { rt, rn, rm, lsl } => { let v = bus.load16(at_index!(rn, rm, lsl))?; self.set(rt, v) }
            Op::LdrbReg { rt, rn, rm, lsl } => { let v = bus.load8(at_index!(rn, rm, lsl))?; self.set(rt, v) }
            Op::LdrshReg { rt, rn, rm, lsl } => {
                let v = bus.load16(at_index!(rn, rm, lsl))?;
                self.set(rt, media::sign_extend(v, 16))
            }
            Op::LdrsbReg { rt, rn, rm, lsl } => {
                let v = bus.load8(at_index!(rn, rm, lsl))?;
                self.set(rt, media::sign_extend(v, 8))
            }
            Op::StrReg { rt, rn, rm, lsl } => bus.store32(at_index!(rn, rm, lsl), self.get(rt))?,
            Op::StrhReg { rt, rn, rm, lsl } => bus.store16(at_index!(rn, rm, lsl), self.get(rt))?,
            Op::StrbReg { rt, rn, rm, lsl } => bus.store8(at_index!(rn, rm, lsl), self.get(rt))?,
            Op::LoadIndexed { size, rt, rn, post, offset } => {
                self.access(count(), model);
                let (address, base) = self.update(rn, if post { Index::Post } else { Index::Pre }, offset);
                let v = load(bus, size, address)?;
                self.set(rn, base);
                self.set(rt, v)
            }
            Op::StoreIndexed { size, rt, rn, post, offset } => {
                self.access(count(), model);
                let (address, base) = self.update(rn, if post { Index::Post } else { Index::Pre }, offset);
                store(bus, size, address, self.get(rt))?;
                self.set(rn, base)
            }
            Op::LoadMultiple { rn, before, writeback, words, list } => {
                if let Some(target) = self.load_multiple(bus, rn, before, writeback, words, list)? { jump!(target) }
            }
            Op::StoreMultiple { rn, before, writeback, words, list } => {
                self.store_multiple(bus, rn, before, writeback, words, list)?
            }
            Op::LoadBlock { rn, before, writeback, words, first } => {
                self.load_block(bus, rn, before, writeback, words, first)?
            }
            Op::StoreBlock { rn, before, writeback, words, first } => {
                self.store_block(bus, rn, before, writeback, words, first)?
            }
            Op::LoadDual { rt, rt2, rn, index, offset } => {
                let (address, base) = self.update(rn, index, offset);
                // The base comes first, because without write-back it may be one of the targets.
                self.set(rn, base);
                self.load_dual(bus, rt, rt2, address)?
            }
            Op::StoreDual { rt, rt2, rn, index, offset } => {
                let (address, base) = self.update(rn, index, offset);
                aligned(address)?;
                self.extra(2);
                bus.store32(address, self.get(rt))?;
                bus.store32(address.wrapping_add(4), self.get(rt2))?;
                self.set(rn, base)
            }
            Op::Branch { target } => branch!(target),
            Op::BranchIf { condition, target } => if self.flags.holds(condition) { branch!(target) },
            Op::BranchLink { target, link } => { self.set(LR, link); branch!(target) }
            Op::BranchExchange { rm } => jump!(thumb(self.get(rm))?),
            Op::BranchLinkExchange { rm, link } => {
                let target = thumb(self.get(rm))?;
                self.set(LR, link);
                jump!(target)
            }
            Op::CompareBranch { rn, if_zero, target } => if (self.get(rn) == 0) == if_zero { branch!(target) },
            Op::Mul { rd, rn, rm, s } => {
                let v = self.get(rn).wrapping_mul(self.get(rm));
                self.set(rd, v);
                if s { self.flags.set_nz(v) }
            }
            Op::Mla { rd, rn, rm, ra } => {
                self.set(rd, self.get(ra).wrapping_add(self.get(rn).wrapping_mul(self.get(rm))))
            }
            Op::MulHalf { rd, rn, rm, ra, n_top, m_top } => {
                let v = media::half(self.get(rn), n_top) * media::half(self.get(rm), m_top) + self.addend(ra);
                let v = self.flags.wrap(v);
                self.set(rd, v)
            }
            Op::MulWide { rd, rn, rm, ra, m_top } => {
                let product = i64::from(self.get(rn) as i32) * media::half(self.get(rm), m_top);
                let v = self.flags.wrap((product >> 16) + self.addend(ra));
                self.set(rd, v)
            }
            Op::Ubfx { rd, rn, lsb, width } => self.set(rd, self.get(rn) >> lsb & media::low_mask(width)),
            Op::Sbfx { rd, rn, lsb, width } => self.set(rd, media::sign_extend(self.get(rn) >> lsb, width.into())),
            Op::Bfi { rd, rn, lsb, width } => {
                let mask = media::low_mask(width) << lsb;
                let field = if rn == PC { 0 } else { self.get(rn) << lsb };
                self.set(rd, self.get(rd) & !mask | field & mask)
            }
            Op::Sxtb16 { rd, rn, rm, rotate } => {
                let base = if rn == PC { 0 } else { self.get(rn) };
                self.set(rd, media::sxtb16(base, self.get(rm).rotate_right(rotate.into())))
            }
            Op::Extend { op, rd, rn, rm, rotate } => {
                let base = if rn == PC { 0 } else { self.get(rn) };
                self.set(rd, media::extend(op, base, self.get(rm).rotate_right(rotate.into())))
            }
            Op::SaturatingAdd { rd, rn, rm, double, subtract } => {
                let (n, m) = (self.get(rn), self.get(rm));
                let v = media::saturating_add(&mut self.flags, m, n, double, subtract);
                self.set(rd, v)
            }
            Op::Nop => {}
            Op::VmovToCore { rt, sn } => self.set(rt, self.get_s(sn)),
            Op::VmovFromCore { rt, sn } => self.set_s(sn, self.get(rt)),
            _ => return self.execute_other(op, count(), bus, model),
        }
        Ok(Flow::Next)
    }
}
