//! What each operation does (ARM DDI 0403E, A7.7).

use super::access::{aligned, load, store};
use super::{Cpu, Stop, float, media, thumb};
use crate::bus::Bus;
use crate::config::CycleModel;
use crate::fault::Trap;
use crate::op::{Float2, Float3, Index, Op, Shift};

const LR: u8 = 14;
const PC: u8 = 15;

impl Cpu {
    /// Executes one operation, the one with the number `count`.
    ///
    /// `next` is the address of the following instruction, which branches replace; `it` is the state of the IT block.
    #[inline(always)]
    #[rustfmt::skip]
    pub(super) fn execute(
        &mut self, op: &Op, next: &mut u32, it: &mut u8, count: u64, bus: &mut Bus, model: &CycleModel,
    ) -> Result<(), Stop> {
        // The address of a load or store with an offset, and with a shifted index.
        macro_rules! at { ($rn:expr, $imm:expr) => {{ self.access(count, model); self.get($rn).wrapping_add($imm) }}; }
        macro_rules! at_index {
            ($rn:expr, $rm:expr, $lsl:expr) => {{ self.access(count, model); self.indexed($rn, $rm, $lsl) }};
        }
        macro_rules! jump { ($target:expr) => {{ *next = $target; self.extra(model.branch_taken) }}; }
        match *op {
            Op::AddImm { rd, rn, s, imm } => { let v = self.flags.add(self.get(rn), imm, false, s); self.set(rd, v) }
            Op::SubImm { rd, rn, s, imm } => { let v = self.flags.add(self.get(rn), !imm, true, s); self.set(rd, v) }
            Op::AddReg { rd, rn, rm, s } => {
                let v = self.flags.add(self.get(rn), self.get(rm), false, s);
                self.set(rd, v)
            }
            Op::SubReg { rd, rn, rm, s } => {
                let v = self.flags.add(self.get(rn), !self.get(rm), true, s);
                self.set(rd, v)
            }
            Op::CmpImm { rn, imm } => { self.flags.add(self.get(rn), !imm, true, true); }
            Op::CmpReg { rn, rm } => { self.flags.add(self.get(rn), !self.get(rm), true, true); }
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
            Op::LoadLiteral { size, rt, address } => {
                self.access(count, model);
                let v = load(bus, size, address)?;
                self.set(rt, v)
            }
            Op::LoadIndexed { size, rt, rn, post, offset } => {
                self.access(count, model);
                let (address, base) = self.update(rn, if post { Index::Post } else { Index::Pre }, offset);
                let v = load(bus, size, address)?;
                self.set(rn, base);
                self.set(rt, v)
            }
            Op::StoreIndexed { size, rt, rn, post, offset } => {
                self.access(count, model);
                let (address, base) = self.update(rn, if post { Index::Post } else { Index::Pre }, offset);
                store(bus, size, address, self.get(rt))?;
                self.set(rn, base)
            }
            Op::LoadMultiple { rn, before, writeback, list } => {
                if let Some(target) = self.load_multiple(bus, rn, before, writeback, list)? { jump!(target) }
            }
            Op::StoreMultiple { rn, before, writeback, list } => {
                self.store_multiple(bus, rn, before, writeback, list)?
            }
            Op::LoadDual { rt, rt2, rn, index, offset } => {
                let (address, base) = self.update(rn, index, offset);
                // The base comes first, because without write-back it may be one of the targets.
                self.set(rn, base);
                self.load_dual(bus, rt, rt2, address)?
            }
            Op::LoadDualLiteral { rt, rt2, address } => self.load_dual(bus, rt, rt2, address)?,
            Op::StoreDual { rt, rt2, rn, index, offset } => {
                let (address, base) = self.update(rn, index, offset);
                aligned(address)?;
                self.extra(2);
                bus.store32(address, self.get(rt))?;
                bus.store32(address.wrapping_add(4), self.get(rt2))?;
                self.set(rn, base)
            }

            Op::Branch { target } => jump!(target),
            Op::BranchIf { condition, target } => if self.flags.holds(condition) { jump!(target) },
            Op::BranchLink { target } => { self.set(LR, *next | 1); jump!(target) }
            Op::BranchExchange { rm } => jump!(thumb(self.get(rm))?),
            Op::BranchLinkExchange { rm } => {
                let target = thumb(self.get(rm))?;
                self.set(LR, *next | 1);
                jump!(target)
            }
            Op::MovPc { rm } => jump!(self.get(rm) & !1),
            Op::LoadPcImm { rn, index, offset } => {
                self.access(count, model);
                let (address, base) = self.update(rn, index, offset);
                let target = thumb(bus.load32(address)?)?;
                self.set(rn, base);
                jump!(target)
            }
            Op::LoadPcReg { rn, rm, lsl } => jump!(thumb(bus.load32(at_index!(rn, rm, lsl))?)?),
            Op::LoadPcLiteral { address } => { self.access(count, model); jump!(thumb(bus.load32(address)?)?) }
            Op::CompareBranch { rn, if_zero, target } => if (self.get(rn) == 0) == if_zero { jump!(target) },
            Op::TableBranch { rn, rm, half, base } => {
                let table = if rn == PC { base } else { self.get(rn) };
                let entry = if half {
                    bus.load16(table.wrapping_add(self.get(rm) << 1))?
                } else {
                    bus.load8(table.wrapping_add(self.get(rm)))?
                };
                self.extra(1);
                jump!(base.wrapping_add(2 * entry))
            }

            Op::Mul { rd, rn, rm, s } => {
                let v = self.get(rn).wrapping_mul(self.get(rm));
                self.set(rd, v);
                if s { self.flags.set_nz(v) }
            }
            Op::Mla { rd, rn, rm, ra } => {
                self.set(rd, self.get(ra).wrapping_add(self.get(rn).wrapping_mul(self.get(rm))))
            }
            Op::Mls { rd, rn, rm, ra } => {
                self.set(rd, self.get(ra).wrapping_sub(self.get(rn).wrapping_mul(self.get(rm))))
            }
            Op::MulLong { op, lo, hi, rn, rm } => {
                let v = media::long(op, self.get(lo), self.get(hi), self.get(rn), self.get(rm));
                self.set_long(lo, hi, v)
            }
            Op::Divide { signed, rd, rn, rm } => {
                self.extra(model.divide.saturating_sub(1));
                self.set(rd, media::divide(signed, self.get(rn), self.get(rm)))
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
            Op::MulDual { rd, rn, rm, ra, swap, subtract } => {
                let product = media::dual_product(self.get(rn), self.get(rm), swap, subtract);
                let v = self.flags.wrap(product + self.addend(ra));
                self.set(rd, v)
            }
            Op::MulMost { rd, rn, rm, ra, round, subtract } => {
                let product = i64::from(self.get(rn) as i32) * i64::from(self.get(rm) as i32);
                let base = self.addend(ra) << 32;
                let v = if subtract { base.wrapping_sub(product) } else { base.wrapping_add(product) };
                let v = v.wrapping_add(if round { 0x8000_0000 } else { 0 });
                self.set(rd, (v >> 32) as u32)
            }
            Op::MulHalfLong { lo, hi, rn, rm, n_top, m_top } => {
                let product = media::half(self.get(rn), n_top) * media::half(self.get(rm), m_top);
                self.accumulate(lo, hi, product)
            }
            Op::MulDualLong { lo, hi, rn, rm, swap, subtract } => {
                self.accumulate(lo, hi, media::dual_product(self.get(rn), self.get(rm), swap, subtract))
            }
            Op::AbsoluteDifferences { rd, rn, rm, ra } => {
                let sum = media::absolute_differences(self.get(rn), self.get(rm));
                self.set(rd, sum.wrapping_add(self.addend(ra) as u32))
            }

            Op::Bits { op, rd, rm } => self.set(rd, media::bits(op, self.get(rm))),
            Op::Ubfx { rd, rn, lsb, width } => self.set(rd, self.get(rn) >> lsb & media::low_mask(width)),
            Op::Sbfx { rd, rn, lsb, width } => self.set(rd, media::sign_extend(self.get(rn) >> lsb, width.into())),
            Op::Bfi { rd, rn, lsb, width } => {
                let mask = media::low_mask(width) << lsb;
                let field = if rn == PC { 0 } else { self.get(rn) << lsb };
                self.set(rd, self.get(rd) & !mask | field & mask)
            }
            Op::Extend { op, rd, rn, rm, rotate } => {
                let base = if rn == PC { 0 } else { self.get(rn) };
                self.set(rd, media::extend(op, base, self.get(rm).rotate_right(rotate.into())))
            }
            Op::Parallel { op, mode, signed, rd, rn, rm } => {
                let (n, m) = (self.get(rn), self.get(rm));
                let v = media::parallel(&mut self.flags, op, mode, signed, n, m);
                self.set(rd, v)
            }
            Op::Select { rd, rn, rm } => self.set(rd, media::select(self.flags.ge, self.get(rn), self.get(rm))),
            Op::SaturatingAdd { rd, rn, rm, double, subtract } => {
                let (n, m) = (self.get(rn), self.get(rm));
                let v = media::saturating_add(&mut self.flags, m, n, double, subtract);
                self.set(rd, v)
            }
            Op::Saturate { signed, rd, rn, bits, shift, amount } => {
                let (shifted, _) = self.flags.shift(self.get(rn), shift, amount.into());
                let v = media::saturate(&mut self.flags, i64::from(shifted as i32), signed, bits);
                self.set(rd, v)
            }
            Op::Saturate16 { signed, rd, rn, bits } => {
                let n = self.get(rn);
                let low = media::saturate(&mut self.flags, media::half(n, false), signed, bits);
                let high = media::saturate(&mut self.flags, media::half(n, true), signed, bits);
                self.set(rd, low & 0xFFFF | high << 16)
            }
            Op::PackHalf { top_first, rd, rn, rm, amount } => {
                let (n, m, shift) = (self.get(rn), self.get(rm), if top_first { Shift::Asr } else { Shift::Lsl });
                let (m, _) = self.flags.shift(m, shift, amount.into());
                let (low, high) = if top_first { (m, n) } else { (n, m) };
                self.set(rd, low & 0xFFFF | high & 0xFFFF_0000)
            }

            Op::Nop => {}
            Op::IfThen { state } => *it = state,
            Op::WaitForInterrupt => self.sleep(bus)?,
            Op::WaitForEvent => if !std::mem::take(&mut self.event) { self.sleep(bus)? },
            Op::SendEvent => self.event = true,
            Op::ChangePrimask { mask } => self.primask = mask,
            Op::ReadSpecial { rd, special } => self.set(rd, self.special(special)),
            Op::WriteSpecial { rn, special } => self.set_special(special, self.get(rn)),

            Op::Vldr { sd, words, rn, imm } => self.load_floats(bus, sd, words, self.get(rn).wrapping_add(imm))?,
            Op::VldrLiteral { sd, words, address } => self.load_floats(bus, sd, words, address)?,
            Op::Vstr { sd, words, rn, imm } => self.store_floats(bus, sd, words, self.get(rn).wrapping_add(imm))?,
            Op::VloadMultiple { sd, rn, words, before, writeback } => {
                let (address, base) = self.multiple(rn, before, words.into());
                self.load_floats(bus, sd, words, address)?;
                if writeback { self.set(rn, base) }
            }
            Op::VstoreMultiple { sd, rn, words, before, writeback } => {
                let (address, base) = self.multiple(rn, before, words.into());
                self.store_floats(bus, sd, words, address)?;
                if writeback { self.set(rn, base) }
            }
            Op::VmovToCore { rt, sn } => self.set(rt, self.get_s(sn)),
            Op::VmovFromCore { rt, sn } => self.set_s(sn, self.get(rt)),
            Op::VmovTwoToCore { rt, rt2, sm } => { self.set(rt, self.get_s(sm)); self.set(rt2, self.get_s(sm + 1)) }
            Op::VmovTwoFromCore { rt, rt2, sm } => { self.set_s(sm, self.get(rt)); self.set_s(sm + 1, self.get(rt2)) }
            Op::VmovImm { sd, imm } => self.set_s(sd, imm),
            Op::Float3 { op, sd, sn, sm } => {
                self.extra(match op {
                    Float3::Add | Float3::Sub | Float3::Mul | Float3::NegMul => 0,
                    Float3::Div => model.float_divide.saturating_sub(1),
                    _ => model.float_multiply_add.saturating_sub(1),
                });
                self.set_s(sd, float::float3(op, self.get_s(sd), self.get_s(sn), self.get_s(sm)))
            }
            Op::Float2 { op, sd, sm } => {
                if op == Float2::Sqrt { self.extra(model.float_divide.saturating_sub(1)) }
                self.set_s(sd, float::float2(op, self.get_s(sm)))
            }
            Op::VcvtFixed { sd, to_fixed, signed, bits, fraction } => {
                let convert = if to_fixed { float::to_fixed } else { float::from_fixed };
                self.set_s(sd, convert(self.get_s(sd), signed, bits, fraction))
            }
            Op::VcvtHalf { sd, sm, top, to_half } => {
                let shift = if top { 16 } else { 0 };
                if to_half {
                    let half = float::to_half(self.get_s(sm)) << shift;
                    self.set_s(sd, self.get_s(sd) & !(0xFFFF << shift) | half)
                } else {
                    self.set_s(sd, float::from_half(self.get_s(sm) >> shift & 0xFFFF))
                }
            }
            Op::Vcmp { sd, sm } => self.set_float_flags(float::compare(self.get_s(sd), self.get_s(sm))),
            Op::VcmpZero { sd } => self.set_float_flags(float::compare(self.get_s(sd), 0)),
            Op::Vmrs { rt: PC } => self.flags.set_nzcv(self.fpscr),
            Op::Vmrs { rt } => self.set(rt, self.fpscr),
            Op::Vmsr { rt } => self.set_fpscr(self.get(rt))?,
            // The caller, which knows the address, fills in the encoding.
            Op::Undefined => return Err(Trap::Undefined { first: 0, second: 0 }.into()),
        }
        Ok(())
    }
}
