//! The core: registers and the loop that executes decoded instructions.

mod access;
mod alu;
mod execute;
mod float;
mod media;
mod others;

pub(crate) use alu::Flags;

use crate::bus::Bus;
use crate::code::{Code, Step};
use crate::config::CycleModel;
use crate::fault::Trap;
use crate::op::{Op, Reg};

/// The state of one core.
#[derive(Clone, Debug)]
pub(crate) struct Cpu {
    /// r0 to r14; the last element holds a branch target while it is loaded.
    pub r: [u32; 16],
    /// The single-precision registers.
    pub s: [u32; 32],
    pub flags: Flags,
    /// Floating-point status and control: the flags and the exception bits that a program has written.
    pub fpscr: u32,
    pub primask: bool,
    /// Address of the next instruction.
    pub pc: u32,
    /// Executed instructions, including those whose condition did not hold.
    pub instructions: u64,
    /// Cycles beyond one per instruction.
    extra_cycles: u64,
    /// The number of the last single load or store, to see whether two follow one another.
    last_access: u64,
    /// ITSTATE (ARM DDI 0403E, A7.3.3): condition and mask of the remaining instructions of an IT block.
    it_state: u8,
    /// The event register of WFE and SEV.
    event: bool,
}

/// Why a core stopped without a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It sleeps and there is nothing that would wake it.
    Asleep,
    /// It has executed all the instructions that it was allowed.
    Limit,
}

/// Where execution goes on after an operation.
enum Flow {
    /// With the next instruction.
    Next,
    /// With the next instruction, which may well be a branch that depends on the flags that have been set.
    Compared,
    /// At the target that a direct branch holds.
    Branch(u32),
    /// At an address.
    Jump(u32),
    /// At a place; nothing has been executed.
    Continue(u32),
}

/// What keeps the instruction loop from going on.
enum Stop {
    Trap(Trap),
    Sleep,
    Limit,
    /// An IT block begins or ends.
    IfThen,
}

impl From<Trap> for Stop {
    fn from(trap: Trap) -> Self {
        Self::Trap(trap)
    }
}

impl Cpu {
    /// A core after reset, with stack pointer and entry address.
    pub fn new(sp: u32, entry: u32) -> Self {
        let mut r = [0; 16];
        r[13] = sp & !3;
        r[14] = u32::MAX;
        Self {
            r,
            s: [0; 32],
            flags: Flags::default(),
            fpscr: 0,
            primask: false,
            pc: entry & !1,
            instructions: 0,
            extra_cycles: 0,
            last_access: u64::MAX,
            it_state: 0,
            event: false,
        }
    }

    /// Continues at another address, outside an IT block.
    pub fn jump(&mut self, address: u32) {
        self.pc = address & !1;
        self.it_state = 0;
    }

    /// Estimated cycles since reset.
    pub fn cycles(&self) -> u64 {
        self.instructions + self.extra_cycles
    }

    /// Executes until the core sleeps, a fault occurs or `limit` instructions have been executed since reset.
    ///
    /// After a fault `pc` is the address of the instruction that caused it.
    pub fn run(&mut self, code: &Code, bus: &mut Bus, model: &CycleModel, limit: u64) -> Result<Exit, Trap> {
        loop {
            let stop = if self.it_state == 0 {
                self.run_plain(code, bus, model, limit)
            } else {
                self.run_it_block(code, bus, model, limit)
            };
            return match stop {
                Stop::IfThen => continue,
                Stop::Sleep => Ok(Exit::Asleep),
                Stop::Limit => Ok(Exit::Limit),
                Stop::Trap(Trap::Undefined { .. }) => Err(undefined(bus, self.pc)),
                Stop::Trap(trap) => Err(trap),
            };
        }
    }

    /// Executes outside IT blocks.
    fn run_plain(&mut self, code: &Code, bus: &mut Bus, model: &CycleModel, limit: u64) -> Stop {
        let mut count = self.instructions;
        let Some(mut place) = code.place(self.pc) else { return outside(count, limit) };
        let (stop, pc) = loop {
            // As long as one instruction follows the other, only the steps that are left need to be known.
            let mut steps = code.steps(place, limit.saturating_sub(count)).iter();
            let (end, mut end_count) = (place + steps.len(), count + steps.len() as u64);
            let target = loop {
                let Some(step) = steps.next() else { break Err((Stop::Limit, code.address(end))) };
                let flow = self.execute(&step.op, || end_count - steps.len() as u64, bus, model);
                break match flow {
                    Ok(Flow::Next) => continue,
                    Ok(Flow::Compared) => match steps.as_slice().first() {
                        // Mostly a branch follows, which is quicker to see here than to find by its operation.
                        Some(&Step { op: Op::BranchIf { condition, target }, .. }) => {
                            steps.next();
                            if !self.flags.holds(condition) {
                                continue;
                            }
                            self.extra(model.branch_taken);
                            Ok(target as usize)
                        }
                        _ => continue,
                    },
                    Ok(Flow::Branch(target)) => Ok(target as usize),
                    Ok(Flow::Jump(address)) => {
                        let count = end_count - steps.len() as u64;
                        code.place(address).ok_or_else(|| (outside(count, limit), address))
                    }
                    Ok(Flow::Continue(target)) => {
                        end_count -= 1;
                        Ok(target as usize)
                    }
                    Err(stop @ Stop::Trap(Trap::Fetch)) => {
                        end_count -= 1;
                        Err((stop, step.address))
                    }
                    Err(stop @ Stop::Trap(_)) => Err((stop, step.address)),
                    Err(stop) => Err((stop, code.address(end - steps.len()))),
                };
            };
            count = end_count - steps.len() as u64;
            match target {
                Ok(target) => place = target,
                Err(exit) => break exit,
            }
        };
        (self.pc, self.instructions) = (pc, count);
        stop
    }

    /// Executes the rest of an IT block.
    fn run_it_block(&mut self, code: &Code, bus: &mut Bus, model: &CycleModel, limit: u64) -> Stop {
        while self.it_state != 0 {
            if self.instructions >= limit {
                return Stop::Limit;
            }
            let Some(insn) = code.in_it(self.pc) else { return Stop::Trap(Trap::Fetch) };
            self.instructions += 1;
            let condition = self.it_state >> 4;
            self.it_state = advance_it(self.it_state);
            let next = self.pc + u32::from(insn.length);
            if !self.flags.holds(condition) {
                self.pc = next;
                continue;
            }
            let count = self.instructions;
            match self.execute(&insn.op, || count, bus, model) {
                Ok(Flow::Next | Flow::Compared | Flow::Continue(_)) | Err(Stop::IfThen) => self.pc = next,
                Ok(Flow::Branch(target) | Flow::Jump(target)) => self.pc = target,
                Err(Stop::Trap(trap)) => return Stop::Trap(trap),
                Err(stop) => {
                    self.pc = next;
                    return stop;
                }
            }
        }
        Stop::IfThen
    }

    #[inline(always)]
    fn get(&self, reg: Reg) -> u32 {
        self.r[usize::from(reg & 15)]
    }

    #[inline(always)]
    fn set(&mut self, reg: Reg, value: u32) {
        self.r[usize::from(reg & 15)] = value;
    }

    #[inline(always)]
    fn get_s(&self, reg: Reg) -> u32 {
        self.s[usize::from(reg & 31)]
    }

    #[inline(always)]
    fn set_s(&mut self, reg: Reg, value: u32) {
        self.s[usize::from(reg & 31)] = value;
    }

    /// A 64-bit result.
    #[inline(always)]
    fn set_long(&mut self, lo: Reg, hi: Reg, value: u64) {
        self.set(lo, value as u32);
        self.set(hi, (value >> 32) as u32);
    }

    /// Accounts for a single load or store, the instruction with the number `count`.
    #[inline(always)]
    fn access(&mut self, count: u64, model: &CycleModel) {
        let follows = self.last_access.wrapping_add(1) == count;
        let cycles = if follows { model.load_next } else { model.load_first };
        self.extra(cycles.saturating_sub(1));
        self.last_access = count;
    }

    #[inline(always)]
    fn extra(&mut self, cycles: u32) {
        self.extra_cycles += u64::from(cycles);
    }

    /// WFI and WFE without a pending event: sleeps unless something waits.
    fn sleep(&self, bus: &Bus) -> Result<(), Stop> {
        if bus.wakes() { Ok(()) } else { Err(Stop::Sleep) }
    }
}

/// The trap for an undefined instruction, with its encoding.
#[cold]
fn undefined(bus: &Bus, pc: u32) -> Trap {
    let halfword = |address| bus.load16(address).unwrap_or(0) as u16;
    Trap::Undefined { first: halfword(pc), second: halfword(pc + 2) }
}

/// What stops the core when it fetches from outside the code region.
fn outside(count: u64, limit: u64) -> Stop {
    if count >= limit { Stop::Limit } else { Stop::Trap(Trap::Fetch) }
}

/// ITAdvance (A7.3.3).
fn advance_it(it: u8) -> u8 {
    if it & 7 == 0 { 0 } else { it & 0xE0 | it << 1 & 0x1F }
}

/// Removes bit 0 of an interworking address; it must be set, since there is only the Thumb state.
fn thumb(target: u32) -> Result<u32, Trap> {
    if target & 1 != 0 { Ok(target & !1) } else { Err(Trap::NotThumb { target }) }
}
