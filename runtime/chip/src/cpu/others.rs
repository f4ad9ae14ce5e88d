//! What the less frequent operations do (ARM DDI 0403E, A7.7).

use super::access::load;
use super::{Cpu, Flow, Stop, float, media, thumb};
use crate::bus::Bus;
use crate::config::CycleModel;
use crate::fault::Trap;
use crate::op::{Float2, Float3, Op, Shift};

const PC: u8 = 15;

impl Cpu {
    /// As [`Cpu::execute`], for the operations that it leaves to this one.
    #[inline(never)]
    #[rustfmt::skip]
    pub(super) fn execute_other(
        &mut self, op: &Op, count: u64, bus: &mut Bus, model: &CycleModel,
    ) -> Result<Flow, Stop> {
        macro_rules! jump { ($to:expr) => {{ let to = $to; self.extra(model.branch_taken); return Ok(Flow::Jump(to)) }}; }
        match *op {
            Op::LoadLiteral { size, rt, address } => {
                self.access(count, model);
                let v = load(bus, size, address)?;
                self.set(rt, v)
            }
            Op::LoadDualLiteral { rt, rt2, address } => self.load_dual(bus, rt, rt2, address)?,
            Op::MovPc { rm } => jump!(self.get(rm) & !1),
            Op::LoadPcImm { rn, index, offset } => {
                self.access(count, model);
                let (address, base) = self.update(rn, index, offset);
                let target = thumb(bus.load32(address)?)?;
                self.set(rn, base);
                jump!(target)
            }
            Op::LoadPcReg { rn, rm, lsl } => jump!(thumb({ self.access(count, model); bus.load32(self.indexed(rn, rm, lsl))? })?),
            Op::LoadPcLiteral { address } => { self.access(count, model); jump!(thumb(bus.load32(address)?)?) }
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
            Op::Parallel { op, mode, signed, rd, rn, rm } => {
                let (n, m) = (self.get(rn), self.get(rm));
                let v = media::parallel(&mut self.flags, op, mode, signed, n, m);
                self.set(rd, v)
            }
            Op::Select { rd, rn, rm } => self.set(rd, media::select(self.flags.ge, self.get(rn), self.get(rm))),
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
            Op::IfThen { state } => { self.it_state = state; return Err(Stop::IfThen) }
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
            Op::Continue { target } => return Ok(Flow::Continue(target)),
            Op::Outside => return Err(Trap::Fetch.into()),
            // Undefined instructions. The caller, which knows the address, fills in the encoding.
            _ => return Err(Trap::Undefined { first: 0, second: 0 }.into()),
        }
        Ok(Flow::Next)
    }
}
