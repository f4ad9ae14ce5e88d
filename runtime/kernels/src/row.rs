//! Row kernels: `accumulators[i] += row[i] * x` for a row of constant length, with x as [`Factor`] says.
//!
//! The work is done eight accumulator words at a time by LDM, one add per word or weight, and STM. Registers are fixed,
//! because LDM and STM need them in ascending order and LLVM doesn't form such groups by itself:
//!
//! | register | holds |
//! |---|---|
//! | r0 | address of the next weights |
//! | r1 | address of the next accumulators |
//! | r2, r3 | two words of weights |
//! | r4–r11 | eight words of accumulators |
//! | r12, lr | narrow weights: four of them, and the mask that takes them out; with a factor: x, and a weight; else counters |
//!
//! Where x is not 1, weights have 8 or 16 bits and accumulators 32. Sums wrap; that they never do is the compiler's
//! business.
//!
//! Weights of less than 8 bits lie in the upper bits of the bytes that a mask takes out, so that SXTAB16 and SXTAB add
//! them with their sign but 2^[`WeightWidth::scale_log2`] times too large. All blocks that add to the same accumulators
//! have to agree on that, and the update shifts it out.

use s2c_abi::synapse;

use super::{Accumulator, Factor, body::Body, counter::Counter};

/// Weights that one turn of the loop adds, and where they are narrow.
const STEP: u32 = 16;
const NARROW_STEP: u32 = 32;
/// Up to this many steps are written out instead of looped over.
const UNROLLED_STEPS: u32 = 2;
/// First register of the accumulators.
const FIRST_ACCUMULATOR: u32 = 4;
/// Accumulator words that are in registers at a time.
const ACCUMULATOR_WORDS: u32 = 8;
/// First register of the weights.
const FIRST_WEIGHT: u32 = 2;
/// Weight words that are in registers at a time.
const WEIGHT_WORDS: u32 = 2;
/// Register of four narrow weights.
const PIECE: u32 = 12;
/// Register of the factor.
const FACTOR: u32 = 12;
/// Floating-point registers that hold what core registers don't, and the first that counts.
const FLOATS: u32 = 6;
const FIRST_COUNTER: u32 = 3;
/// Label of the loop; convolutions have two more around it.
const LOOP: u32 = 3;

/// Width of stored weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WeightWidth {
    /// 1 bit: −1 or 1.
    W1,
    /// 2 bits, −2 to 1.
    W2,
    /// 4 bits, −8 to 7.
    W4,
    /// 8 bits, −128 to 127.
    W8,
    /// 16 bits, −32768 to 32767.
    W16,
}

impl WeightWidth {
    /// All widths, narrow ones first.
    pub const ALL: [Self; 5] = [Self::W1, Self::W2, Self::W4, Self::W8, Self::W16];

    /// Bits of a weight.
    pub const fn bits(self) -> u32 {
        match self {
            Self::W1 => 1,
            Self::W2 => 2,
            Self::W4 => 4,
            Self::W8 => 8,
            Self::W16 => 16,
        }
    }

    /// The width with so many bits.
    pub fn of_bits(bits: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|width| i64::from(width.bits()) == bits)
    }

    /// Whether it can hold a weight.
    pub const fn holds(self, weight: i32) -> bool {
        match self {
            Self::W1 => weight == 1 || weight == -1,
            _ => weight >= -(1 << (self.bits() - 1)) && weight < 1 << (self.bits() - 1),
        }
    }

    /// Base-2 logarithm of the factor by which sums are too large.
    pub const fn scale_log2(self) -> u32 {
        match self {
            // A bit is the sign of 64.
            Self::W1 | Self::W2 => 6,
            Self::W4 => 4,
            Self::W8 | Self::W16 => 0,
        }
    }

    /// Weights in a 32-bit word.
    pub const fn per_word(self) -> u32 {
        32 / self.bits()
    }

    /// Weights that are added together: the bytes or halves of a word.
    const fn at_once(self) -> u32 {
        match self {
            Self::W16 => 2,
            _ => 4,
        }
    }

    /// Whether several weights share a byte.
    pub const fn is_narrow(self) -> bool {
        self.bits() < 8
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::W1 => "w1",
            Self::W2 => "w2",
            Self::W4 => "w4",
            Self::W8 => "w8",
            Self::W16 => "w16",
        }
    }
}

/// The instructions of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowCode {
    /// Before the loop.
    pub enter: Vec<String>,
    /// A turn of the loop.
    pub step: Vec<String>,
    /// How many turns the loop has; 0 where there is none.
    pub steps: u32,
    /// After the loop.
    pub tail: Vec<String>,
    /// Number of the last register that is used.
    pub last: u32,
}

impl RowCode {
    /// Bytes, roughly.
    pub(super) const fn bytes(&self) -> u32 {
        4 * (self.enter.len() + self.step.len() + self.tail.len()) as u32
    }

    /// All of them, in order.
    pub fn into_lines(self) -> Vec<String> {
        let label = if self.steps > 0 { vec![format!("{LOOP}:")] } else { Vec::new() };
        [self.enter, label, self.step, self.tail].concat()
    }
}

/// A kernel that adds a row of `length` weights to `length` accumulators.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKernel {
    /// Width of the weights.
    pub weights: WeightWidth,
    /// Width of the accumulators.
    pub accumulators: Accumulator,
    /// Accumulators per row: a multiple of 4, at least 4.
    pub length: u32,
    /// What the weights are multiplied by.
    pub factor: Factor,
}

impl RowKernel {
    /// The kernel's symbol, such as `row_w8_i16_n40` or `row_w8_i32_n40_payload_down12`.
    pub fn name(&self) -> String {
        format!("row_{}_{}_n{}{}", self.weights.name(), self.accumulators.name(), self.length, self.factor.name())
    }

    /// Bytes from one row to the next.
    pub const fn row_bytes(&self) -> u32 {
        self.length.div_ceil(self.weights.per_word()) * 4
    }

    /// The kernel as a function of MLIR's `llvm` dialect.
    pub fn emit(&self) -> String {
        assert!(self.length > 0 && self.length.is_multiple_of(4), "a row kernel of {} accumulators", self.length);
        let plain = !self.weights.is_narrow() && self.accumulators == Accumulator::I32;
        assert!(plain || self.factor == Factor::One, "`{}` can't multiply", self.name());
        let mut body = Body::default();
        let accumulators = body.load("i32", "%synapse");
        let factor = self.factor.emit(&mut body);
        let code = self.code();
        let overwritten = Self::overwritten(FIRST_WEIGHT, code.last, factor.is_some());
        let (operand, kind) = factor.map_or_else(Default::default, |factor| (format!(", {factor}"), ", i32"));
        body.value(format_args!(
            "llvm.inline_asm has_side_effects asm_dialect = att \"{}\", \"={{r0}},={{r1}},0,1{overwritten}\" %row, \
             {accumulators}{operand} : (i32, i32{kind}) -> !llvm.struct<(i32, i32)>",
            code.into_lines().join("\\0A")
        ));
        format!(
            "llvm.func @{}(%row: i32, %synapse: !llvm.ptr{}) attributes {{passthrough = [\"nounwind\"]}} {{\n{}  \
             llvm.return\n}}\n",
            self.name(),
            self.factor.arguments(),
            body.into_text()
        )
    }

    /// What LLVM is told of a block's registers beyond its inputs and outputs: the factor's, and those that are
    /// overwritten, from `first` to `last` and those with a purpose. LR is always among them, so that functions end in
    /// one POP instead of POP and BX.
    pub(super) fn overwritten(first: u32, last: u32, factor: bool) -> String {
        let factor = if factor { format!(",{{r{FACTOR}}}") } else { format!(",~{{r{FACTOR}}}") };
        let core: String = (first..=last).map(|register| format!(",~{{r{register}}}")).collect();
        let floats: String = (0..FLOATS).map(|register| format!(",~{{s{register}}}")).collect();
        format!("{factor}{core},~{{lr}}{floats},~{{cc}},~{{memory}}")
    }

    /// Counters for loops in one another, the innermost first: in the registers that weights leave free, then in those
    /// for floats.
    pub(super) fn counters<const N: usize>(&self) -> [Counter; N] {
        let free: &[u32] = if self.weights.is_narrow() || self.factor != Factor::One { &[] } else { &[12, 14] };
        let mut all = free.iter().map(|&register| Counter::Core(register)).chain((FIRST_COUNTER..).map(Counter::Float));
        std::array::from_fn(|_| all.next().unwrap_or(Counter::Float(FIRST_COUNTER)))
    }

    /// Weights per turn of the loop.
    const fn step(&self) -> u32 {
        if self.weights.is_narrow() { NARROW_STEP } else { STEP }
    }

    /// The instructions that add a row.
    pub fn code(&self) -> RowCode {
        let [counter] = self.counters();
        let code = self.code_counted(counter);
        RowCode { enter: [self.prepare(), code.enter].concat(), ..code }
    }

    /// What narrow weights need before the first row.
    pub(super) fn prepare(&self) -> Vec<String> {
        self.mask().map(|mask| format!("mov.w lr, #{mask}")).into_iter().collect()
    }

    /// The instructions that add a row behind those of [`Self::prepare`], with turns counted in a register.
    pub(super) fn code_counted(&self, counter: Counter) -> RowCode {
        let steps = self.length / self.step();
        if steps <= UNROLLED_STEPS {
            let (tail, last) = self.lines(self.length);
            return RowCode { enter: Vec::new(), step: Vec::new(), steps: 0, tail, last };
        }
        let ((mut step, last), (tail, last_of_tail)) = (self.lines(self.step()), self.lines(self.length % self.step()));
        step.extend(counter.turn(LOOP));
        RowCode { enter: counter.start(steps), step, steps, tail, last: last.max(last_of_tail) }
    }

    /// Bytes of descriptor and code, roughly: instructions of 4 bytes but for a few, and entry and exit.
    pub fn fixed_bytes(&self) -> u32 {
        synapse::SIZE + self.code().bytes() + 8
    }

    /// The instructions for `weights` weights and the number of the last accumulator register that they use.
    fn lines(&self, weights: u32) -> (Vec<String>, u32) {
        let per_register = 4 / self.accumulators.bytes();
        let (mut lines, mut last) = (Vec::new(), FIRST_ACCUMULATOR);
        let (at_once, per_word) = (self.weights.at_once(), self.weights.per_word());
        let words = weights.div_ceil(per_word);
        for first in (0..weights).step_by((ACCUMULATOR_WORDS * per_register) as usize) {
            let group = (weights - first).min(ACCUMULATOR_WORDS * per_register);
            let end = FIRST_ACCUMULATOR + group / per_register;
            // LDM wants two registers or more.
            let list = if end - FIRST_ACCUMULATOR == 1 { None } else { Some(format!("{{r4-r{}}}", end - 1)) };
            last = last.max(end - 1);
            lines.push(list.as_ref().map_or("ldr r4, [r1]".to_owned(), |list| format!("ldm r1, {list}")));
            for weight in (first..first + group).step_by(at_once as usize) {
                let (word, within) = (weight / per_word, weight % per_word);
                let slot = word % WEIGHT_WORDS;
                if within == 0 && slot == 0 {
                    lines.push(match words - word {
                        1 => format!("ldr r{FIRST_WEIGHT}, [r0], #4"),
                        _ => format!("ldm r0!, {{r{FIRST_WEIGHT}, r{}}}", FIRST_WEIGHT + 1),
                    });
                }
                let register = self.take_out(&mut lines, FIRST_WEIGHT + slot, within / at_once);
                self.add(&mut lines, FIRST_ACCUMULATOR + (weight - first) / per_register, register);
            }
            lines.push(list.map_or("str r4, [r1], #4".to_owned(), |list| format!("stm r1!, {list}")));
        }
        (lines, last)
    }

    /// The bits of each byte that hold a narrow weight.
    const fn mask(&self) -> Option<u32> {
        match self.weights {
            WeightWidth::W1 => Some(0x8080_8080),
            WeightWidth::W2 => Some(0xc0c0_c0c0),
            WeightWidth::W4 => Some(0xf0f0_f0f0),
            WeightWidth::W8 | WeightWidth::W16 => None,
        }
    }

    /// Takes four narrow weights out of word `w`; returns the register in which they are.
    fn take_out(&self, lines: &mut Vec<String>, w: u32, piece: u32) -> u32 {
        if self.mask().is_none() {
            return w;
        }
        match piece * self.weights.bits() {
            0 => lines.push(format!("and r{PIECE}, lr, r{w}")),
            distance => lines.push(format!("and r{PIECE}, lr, r{w}, lsl #{distance}")),
        }
        if self.weights == WeightWidth::W1 {
            lines.push(format!("orr r{PIECE}, r{PIECE}, #{}", 0x4040_4040));
        }
        PIECE
    }

    /// Adds the weights in register `w` to the accumulators from register `a` on.
    fn add(&self, lines: &mut Vec<String>, a: u32, w: u32) {
        if self.factor != Factor::One {
            return self.multiply_add(lines, a, w);
        }
        match (self.weights, self.accumulators) {
            (WeightWidth::W16, Accumulator::I16) => lines.push(format!("sadd16 r{a}, r{a}, r{w}")),
            (WeightWidth::W16, Accumulator::I32) => {
                lines.push(format!("sxtah r{a}, r{a}, r{w}"));
                lines.push(format!("add.w r{0}, r{0}, r{w}, asr #16", a + 1));
            }
            (_, Accumulator::I16) => {
                lines.push(format!("sxtab16 r{a}, r{a}, r{w}"));
                lines.push(format!("sxtab16 r{0}, r{0}, r{w}, ror #8", a + 1));
            }
            (_, Accumulator::I32) => {
                lines.push(format!("sxtab r{a}, r{a}, r{w}"));
                for byte in 1..4 {
                    lines.push(format!("sxtab r{0}, r{0}, r{w}, ror #{1}", a + byte, 8 * byte));
                }
            }
        }
    }

    /// Adds the weights in register `w`, times the factor, to the 32-bit accumulators from register `a` on.
    fn multiply_add(&self, lines: &mut Vec<String>, a: u32, w: u32) {
        for place in 0..self.weights.at_once() {
            lines.push(match (self.weights, place) {
                (WeightWidth::W16, 0) => format!("sxth lr, r{w}"),
                (WeightWidth::W16, _) => format!("asr lr, r{w}, #16"),
                (_, 0) => format!("sxtb lr, r{w}"),
                _ => format!("sxtb.w lr, r{w}, ror #{}", 8 * place),
            });
            lines.push(format!("mla r{0}, lr, r{FACTOR}, r{0}", a + place));
        }
    }

    /// Where weight `index` of a row lies: its byte and its lowest bit there.
    const fn place(&self, index: u32) -> (usize, u32) {
        if matches!(self.weights, WeightWidth::W16) {
            return (2 * index as usize, 0);
        }
        let (per_word, bits) = (self.weights.per_word(), self.weights.bits());
        let (word, within) = (index / per_word, index % per_word);
        // SXTAB16 finds the weights of two neighbours 16 bits apart.
        let byte = match (self.accumulators, within % 4) {
            (Accumulator::I16, 1) => 2,
            (Accumulator::I16, 2) => 1,
            (_, byte) => byte,
        };
        ((4 * word + byte) as usize, 8 - bits * (within / 4 + 1))
    }
}

/// Stores a row as its kernel reads it, padded with zeros to the kernel's length.
///
/// Each four weights are the bytes of a word; narrow weights share a byte, the first in its upper bits. For 16-bit
/// accumulators, the two in the middle of the four are exchanged. Weights beyond the width are truncated to it, and one
/// bit is set for −1.
///
/// # Panics
/// If there are more weights than the kernel's length.
pub fn pack_row(kernel: &RowKernel, weights: &[i32]) -> Vec<u8> {
    let length = kernel.length as usize;
    assert!(weights.len() <= length, "{} weights in a row of {length}", weights.len());
    let mut row = vec![0; kernel.row_bytes() as usize];
    for (index, &weight) in (0..).zip(weights) {
        let (byte, shift) = kernel.place(index);
        match kernel.weights {
            WeightWidth::W16 => row[byte..byte + 2].copy_from_slice(&(weight as i16).to_le_bytes()),
            WeightWidth::W1 => row[byte] |= u8::from(weight < 0) << shift,
            width => row[byte] |= (weight as u8 & (0xff >> (8 - width.bits()))) << shift,
        }
    }
    row
}

/// The weights of a stored row with its padding: the inverse of [`pack_row`].
pub fn unpack_row(kernel: &RowKernel, row: &[u8]) -> Vec<i32> {
    (0..kernel.length)
        .map(|index| {
            let (byte, shift) = kernel.place(index);
            match kernel.weights {
                WeightWidth::W16 => i16::from_le_bytes([row[byte], row[byte + 1]]).into(),
                WeightWidth::W1 => 1 - 2 * i32::from(row[byte] >> shift & 1),
                width => i32::from((row[byte] << (8 - width.bits() - shift)) as i8 >> (8 - width.bits())),
            }
        })
        .collect()
}
