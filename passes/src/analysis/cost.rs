//! The cost model: instructions and cycles of what a PE does, per kernel variant, before anything has run.
//!
//! Rows and updates are counted from the very text that is assembled; the runtime's own loops are constants of this file.
//! What packets cost in kernels is said beside each storage form (`form/`). The cycles per instruction are those of the
//! target, with the rules that the chip model counts by. `compiler/backend/src/codegen/tests/cost.rs` compares both on all kinds of kernels.
//!
//! What a program costs depends on how many neurons fire: a *rate* is the share of the neurons that fire in a tick.

use crate::target::Cycles;
use s2c_kernels::{Factor, GROUP, Registers, UpdateKernel};
use std::{
    iter::Sum,
    ops::{Add, Mul},
};

/// Instructions and cycles; fractions where they are means.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Instructions executed.
    pub instructions: f64,
    /// Cycles by the target's model.
    pub cycles: f64,
}

impl Cost {
    pub(super) const fn new(instructions: f64, cycles: f64) -> Self {
        Self { instructions, cycles }
    }
}

impl Add for Cost {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::new(self.instructions + other.instructions, self.cycles + other.cycles)
    }
}

impl Mul<f64> for Cost {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self::new(self.instructions * factor, self.cycles * factor)
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// What an update costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UpdateCost {
    /// Before and after the loop.
    pub fixed: Cost,
    /// A group of [`GROUP`] neurons, none of which fires.
    pub group: Cost,
    /// A group without input; the same as [`Self::group`] where silent neurons are not passed over.
    pub silent: Cost,
    /// In addition, for a neuron that fires.
    pub spike: Cost,
}

/// The cost model of a target.
#[derive(Clone, Copy, Debug)]
pub struct CostModel<'t> {
    cycles: &'t Cycles,
}

/// The runtime's part of a packet that feeds one block: `next_packet` in `runtime/device/runtime.s`.
const PACKET: (f64, Memory) = (10.0, Memory { first: 1.0, next: 1.0, words: 4.0, branches: 2.0 });
/// The runtime's part of each block of a packet that feeds several: `several_next`.
const SEVERAL: (f64, Memory) = (7.0, Memory { first: 0.0, next: 0.0, words: 4.0, branches: 2.0 });
/// The runtime's part of a tick with one slice, from waking to sleep: `serve`, `serve_tick`, `idle`.
const TICK: (f64, Memory) = (40.0, Memory { first: 12.0, next: 9.0, words: 0.0, branches: 8.0 });
/// What a packet's factor takes to be made of its payload.
pub(super) const FACTOR: Cost = Cost::new(3.0, 3.0);

/// Instructions of a piece of code that take more than a cycle.
pub(super) struct Memory {
    /// Single accesses.
    pub(super) first: f64,
    /// Single accesses right after another.
    pub(super) next: f64,
    /// Words that instructions for several move.
    pub(super) words: f64,
    /// Taken branches.
    pub(super) branches: f64,
}

impl<'t> CostModel<'t> {
    /// The model of a target's cycles.
    pub fn new(cycles: &'t Cycles) -> Self {
        Self { cycles }
    }

    pub(super) fn counted(&self, (instructions, memory): &(f64, Memory)) -> Cost {
        let Cycles { branch_taken, load_first, load_next, .. } = *self.cycles;
        let [branch, first, next] = [branch_taken, load_first, load_next].map(f64::from);
        let extra = memory.first * (first - 1.0).max(0.0)
            + memory.next * (next - 1.0).max(0.0)
            + memory.words
            + memory.branches * branch;
        Cost::new(*instructions, instructions + extra)
    }

    /// Assembly text in which no branch is taken. Labels cost nothing.
    pub(super) fn text<'a>(&self, lines: impl IntoIterator<Item = &'a str>) -> Cost {
        let (mut cost, mut follows) = (Cost::default(), false);
        for line in lines.into_iter().filter(|line| !line.ends_with(':')) {
            let mnemonic = line.split(['.', ' ']).next().unwrap_or(line);
            let single = matches!(mnemonic, "ldr" | "str" | "strne" | "ldrh" | "strh" | "ldrsh");
            let cycles = match mnemonic {
                _ if single && follows => self.cycles.load_next.max(1),
                _ if single => self.cycles.load_first.max(1),
                "ldm" | "stm" | "vldm" | "vstm" | "push" | "pop" => 1 + registers(line),
                "vldr" => 2,
                "ldrd" | "strd" => 3,
                _ => 1,
            };
            follows = single;
            cost = cost + Cost::new(1.0, cycles.into());
        }
        cost
    }

    pub(super) fn branch(&self) -> Cost {
        Cost::new(0.0, self.cycles.branch_taken.into())
    }

    /// A kernel's entry and exit: it saves the registers from r4 to `last` and LR.
    pub(super) fn call(&self, last: u32) -> Cost {
        let saved = f64::from(last.max(3) - 3 + 1);
        Cost::new(2.0, 2.0 * (1.0 + saved)) + self.branch()
    }

    pub(super) fn lines(&self, lines: &[String]) -> Cost {
        self.text(lines.iter().map(String::as_str))
    }

    /// A loop of some turns, each of which ends in a branch back, taken but for the last.
    pub(super) fn turns(&self, turn: &[String], turns: f64) -> Cost {
        self.lines(turn) * turns + self.branch() * (turns - 1.0)
    }

    /// The parts of an update.
    pub fn update(&self, kernel: &UpdateKernel) -> UpdateCost {
        let lines = kernel.code(&Registers::default()).into_lines();
        let at = |label: &str| lines.iter().position(|line| line == label);
        let text = |from: usize, to: usize| self.text(lines[from..to].iter().map(String::as_str));
        let start = at(".Lloop:").unwrap_or(0);
        let end = lines.iter().position(|line| line == "bne .Lloop").map_or(start, |end| end + 1);
        let close = at(".Lend:").unwrap_or(lines.len());
        let turn = text(start, end) + self.branch();
        let active = at(".Lactive:").map(|active| {
            let back =
                lines[active..].iter().position(|line| line.starts_with("b ")).map_or(active, |n| active + n + 1);
            text(active, back) + self.branch() * 2.0
        });
        let spike = match (at(".Lfires:"), at(".Lon0:"), at(".Lon1:")) {
            // Few neurons fire, so that each has its group to itself: the three others are compared once more.
            (Some(_), Some(from), Some(to)) => {
                let others = self.text(["cmp", "ble"]) + self.branch();
                text(from, to) + others * f64::from(GROUP - 1) + self.text(["b"]) + self.branch() * 2.0
            }
            _ => at(".Lfires1:").map_or(Cost::default(), |first| {
                let back =
                    lines[first..].iter().position(|line| line.starts_with("b ")).map_or(close, |n| first + n + 1);
                text(first, back) + self.branch() * 2.0
            }),
        };
        let done = at(".Ldone:").map_or(Cost::default(), |done| text(done, close));
        UpdateCost {
            fixed: self.call(11) + text(0, start) + done + Cost::new(1.0, 1.0),
            group: active.map_or(turn, |active| turn + active),
            silent: turn,
            spike,
        }
    }

    /// The runtime's part of a packet whose key feeds `blocks` blocks of synapses.
    pub fn packet(&self, blocks: usize) -> Cost {
        match blocks {
            0 | 1 => self.counted(&PACKET),
            _ => self.counted(&PACKET) + self.call(7) + self.counted(&SEVERAL) * blocks as f64,
        }
    }

    /// The runtime's part of a tick.
    pub fn tick(&self) -> Cost {
        self.counted(&TICK)
    }
}

/// What a packet through a kernel that multiplies by a factor costs more.
pub(super) fn factor(factor: Factor) -> Cost {
    if matches!(factor, Factor::Payload(_)) { FACTOR } else { Cost::default() }
}

/// Registers in the list of an instruction.
fn registers(line: &str) -> u32 {
    let list = line.split(['{', '}']).nth(1).unwrap_or_default();
    let number = |name: &str| name.trim().trim_start_matches(['r', 's']).parse().unwrap_or(0u32);
    list.split(',').map(|part| part.split_once('-').map_or(1, |(from, to)| number(to) - number(from) + 1)).sum()
}
