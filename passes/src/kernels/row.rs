//! Row kernels: `accumulators[i] += row[i]` for a row of constant length.
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
//!
//! The loop around it is ordinary `llvm` dialect. Sums wrap; that they never do is the compiler's business.

use super::{
    Accumulator,
    body::{Body, Value},
};

/// Weights that one turn of the loop adds.
const STEP: u32 = 16;
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

/// Width of stored weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WeightWidth {
    /// 8 bits, −128 to 127.
    W8,
    /// 16 bits, −32768 to 32767.
    W16,
}

impl WeightWidth {
    /// Weights in a 32-bit word.
    pub const fn per_word(self) -> u32 {
        match self {
            Self::W8 => 4,
            Self::W16 => 2,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::W8 => "w8",
            Self::W16 => "w16",
        }
    }
}

/// The instructions of a row without the loop around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowCode {
    /// A turn of the loop.
    pub step: Vec<String>,
    /// How many turns the loop has; 0 where there is none.
    pub steps: u32,
    /// After the loop.
    pub tail: Vec<String>,
    /// Number of the last register that is used.
    pub last: u32,
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
}

impl RowKernel {
    /// The kernel's symbol, such as `row_w8_i16_n40`.
    pub fn name(&self) -> String {
        format!("row_{}_{}_n{}", self.weights.name(), self.accumulators.name(), self.length)
    }

    /// Bytes from one row to the next.
    pub const fn row_bytes(&self) -> u32 {
        self.length / self.weights.per_word() * 4
    }

    /// The kernel as a function of MLIR's `llvm` dialect.
    pub fn emit(&self) -> String {
        assert!(self.length > 0 && self.length.is_multiple_of(4), "a row kernel of {} accumulators", self.length);
        let mut body = Body::default();
        let accumulators = body.load("i32", "%synapse");
        // LR is declared as overwritten so that the function ends in one POP instead of POP and BX.
        self.add_row(&mut body, "%row", &accumulators, ",~{lr}");
        format!(
            "llvm.func @{}(%row: i32, %synapse: !llvm.ptr) attributes {{passthrough = [\"nounwind\"]}} {{\n{}  \
             llvm.return\n}}\n",
            self.name(),
            body.into_text()
        )
    }

    /// Adds the row at one address to the accumulators at another and returns the addresses behind both. `overwritten`
    /// lists registers that shall count as overwritten too, as LLVM writes constraints.
    pub(super) fn add_row(&self, body: &mut Body, row: &str, accumulators: &str, overwritten: &str) -> [Value; 2] {
        let steps = self.length / STEP;
        if steps <= UNROLLED_STEPS {
            return self.add_block(body, self.length, [row, accumulators], overwritten);
        }
        let (block, tail) = (body.fresh_block("step"), body.fresh_block("tail"));
        let steps = body.constant(steps as i32);
        body.line(format_args!("llvm.br {block}({row}, {accumulators}, {steps} : i32, i32, i32)"));
        let carried = body.block_with(&block, &["i32"; 3]);
        let [row, accumulators] = self.add_block(body, STEP, [&carried[0], &carried[1]], overwritten);
        let one = body.constant(1);
        let left = body.binary("sub", &carried[2], &one);
        let more = body.is_not_zero(&left);
        body.line(format_args!("llvm.cond_br {more}, {block}({row}, {accumulators}, {left} : i32, i32, i32), {tail}"));
        body.block(&tail);
        if self.length.is_multiple_of(STEP) {
            return [row, accumulators];
        }
        self.add_block(body, self.length % STEP, [&row, &accumulators], overwritten)
    }

    /// The instructions that add a row.
    pub fn code(&self) -> RowCode {
        let steps = self.length / STEP;
        if steps <= UNROLLED_STEPS {
            let (tail, last) = self.lines(self.length);
            return RowCode { step: Vec::new(), steps: 0, tail, last };
        }
        let ((step, last), (tail, last_of_tail)) = (self.lines(STEP), self.lines(self.length % STEP));
        RowCode { step, steps, tail, last: last.max(last_of_tail) }
    }

    /// An assembly block that adds the next `weights` weights and moves both addresses on.
    fn add_block(
        &self,
        body: &mut Body,
        weights: u32,
        [row, accumulators]: [&str; 2],
        overwritten: &str,
    ) -> [Value; 2] {
        let (lines, last) = self.lines(weights);
        let registers: String = (FIRST_WEIGHT..FIRST_WEIGHT + WEIGHT_WORDS)
            .chain(FIRST_ACCUMULATOR..=last)
            .map(|register| format!(",~{{r{register}}}"))
            .collect();
        let both = body.value(format_args!(
            "llvm.inline_asm has_side_effects asm_dialect = att \"{}\", \
             \"={{r0}},={{r1}},0,1{registers}{overwritten},~{{memory}}\" {row}, {accumulators} : (i32, i32) -> \
             !llvm.struct<(i32, i32)>",
            lines.join("\\0A")
        ));
        [0, 1].map(|part| body.value(format_args!("llvm.extractvalue {both}[{part}] : !llvm.struct<(i32, i32)>")))
    }

    /// The instructions for `weights` weights and the number of the last accumulator register that they use.
    fn lines(&self, weights: u32) -> (Vec<String>, u32) {
        let per_word = 4 / self.accumulators.bytes();
        let (mut lines, mut last) = (Vec::new(), FIRST_ACCUMULATOR);
        let mut left = weights;
        while left > 0 {
            let group = left.min(ACCUMULATOR_WORDS * per_word);
            let end = FIRST_ACCUMULATOR + group / per_word;
            let accumulators = format!("r{FIRST_ACCUMULATOR}-r{}", end - 1);
            last = last.max(end - 1);
            lines.push(format!("ldm r1, {{{accumulators}}}"));
            let words = group / self.weights.per_word();
            for word in 0..words {
                let slot = word % WEIGHT_WORDS;
                if slot == 0 {
                    // LDM wants two registers or more.
                    lines.push(match words - word {
                        1 => format!("ldr r{FIRST_WEIGHT}, [r0], #4"),
                        _ => format!("ldm r0!, {{r{FIRST_WEIGHT}, r{}}}", FIRST_WEIGHT + 1),
                    });
                }
                let first = FIRST_ACCUMULATOR + word * self.weights.per_word() / per_word;
                self.add_word(&mut lines, first, FIRST_WEIGHT + slot);
            }
            lines.push(format!("stm r1!, {{{accumulators}}}"));
            left -= group;
        }
        (lines, last)
    }

    /// Adds the weights in register `w` to the accumulators from register `a` on.
    fn add_word(&self, lines: &mut Vec<String>, a: u32, w: u32) {
        match (self.weights, self.accumulators) {
            (WeightWidth::W8, Accumulator::I16) => {
                lines.push(format!("sxtab16 r{a}, r{a}, r{w}"));
                lines.push(format!("sxtab16 r{0}, r{0}, r{w}, ror #8", a + 1));
            }
            (WeightWidth::W8, Accumulator::I32) => {
                lines.push(format!("sxtab r{a}, r{a}, r{w}"));
                for byte in 1..4 {
                    lines.push(format!("sxtab r{0}, r{0}, r{w}, ror #{1}", a + byte, 8 * byte));
                }
            }
            (WeightWidth::W16, Accumulator::I16) => lines.push(format!("sadd16 r{a}, r{a}, r{w}")),
            (WeightWidth::W16, Accumulator::I32) => {
                lines.push(format!("sxtah r{a}, r{a}, r{w}"));
                lines.push(format!("add.w r{0}, r{0}, r{w}, asr #16", a + 1));
            }
        }
    }
}

/// Stores a row as its kernel reads it, padded with zeros to the kernel's length.
///
/// 8-bit weights for 16-bit accumulators are stored as (w0, w2, w1, w3), so that one SXTAB16 finds the weights of two
/// neighbours 16 bits apart. All others are in natural order. Weights beyond the width are truncated to it.
///
/// # Panics
/// If there are more weights than the kernel's length.
pub fn pack_row(kernel: &RowKernel, weights: &[i32]) -> Vec<u8> {
    let length = kernel.length as usize;
    assert!(weights.len() <= length, "{} weights in a row of {length}", weights.len());
    let mut padded = weights.to_vec();
    padded.resize(length, 0);
    swap_middle(kernel, &mut padded);
    match kernel.weights {
        WeightWidth::W8 => padded.iter().map(|&weight| weight as u8).collect(),
        WeightWidth::W16 => padded.iter().flat_map(|&weight| (weight as i16).to_le_bytes()).collect(),
    }
}

/// The weights of a stored row with its padding: the inverse of [`pack_row`].
pub fn unpack_row(kernel: &RowKernel, row: &[u8]) -> Vec<i32> {
    let mut weights: Vec<i32> = match kernel.weights {
        WeightWidth::W8 => row.iter().map(|&byte| i32::from(byte as i8)).collect(),
        WeightWidth::W16 => row.chunks_exact(2).map(|pair| i32::from(i16::from_le_bytes([pair[0], pair[1]]))).collect(),
    };
    swap_middle(kernel, &mut weights);
    weights
}

/// Exchanges the two middle weights of each four where the kernel wants it so.
fn swap_middle(kernel: &RowKernel, weights: &mut [i32]) {
    if (kernel.weights, kernel.accumulators) == (WeightWidth::W8, Accumulator::I16) {
        weights.chunks_exact_mut(4).for_each(|four| four.swap(1, 2));
    }
}
