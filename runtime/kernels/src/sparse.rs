//! Sparse rows: `accumulators[i] += weight` for the targets of one source neuron that have one.
//!
//! A row is a list of 16-bit entries in ascending order of targets: the lower byte is the distance in bytes from the
//! accumulator before (at first from the first one), the upper byte the weight. UXTAB takes the one out and moves the
//! address on, SXTAB takes the other out and adds it, so that an entry costs four instructions, whatever the length of
//! the row. A distance beyond a byte is covered by entries with weight 0. Rows are padded to groups of four entries.
//!
//! Before the rows is a table with a word per source neuron: the row's address in the lower 20 bits, the number of its
//! groups in the upper 12. The kernel is called with the address of that word.

use super::{Accumulator, body::Body};

/// Bits of an address in a table word.
const ADDRESS_BITS: u32 = 20;
/// Bytes of a table word and of an entry.
const WORD: usize = 4;
const ENTRY: usize = 2;

/// A kernel that adds a sparse row of 8-bit weights.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SparseKernel {
    /// Width of the accumulators.
    pub accumulators: Accumulator,
}

/// The instructions of a sparse row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SparseCode {
    /// Before the entries.
    pub enter: Vec<String>,
    /// One group, where the number of groups is odd.
    pub odd: Vec<String>,
    /// A turn of the loop: two groups.
    pub pair: Vec<String>,
}

impl SparseKernel {
    /// Entries in a group.
    pub const GROUP: usize = 4;
    /// Bytes of a table word: from one row to the next.
    pub const STRIDE: u32 = WORD as u32;

    /// The kernel's symbol, such as `sparse_w8_i16`.
    pub fn name(&self) -> String {
        format!("sparse_w8_{}", self.accumulators.name())
    }

    /// The instructions.
    pub fn code(&self) -> SparseCode {
        let mut odd = vec!["ldm r0!, {r4, r5}".to_owned()];
        let mut pair = vec!["ldm r0!, {r4-r7}".to_owned()];
        (4..6).for_each(|word| self.add_two(&mut odd, word));
        (4..8).for_each(|word| self.add_two(&mut pair, word));
        SparseCode {
            enter: vec![
                "ldr r2, [r0]".to_owned(),
                format!("lsrs r3, r2, #{ADDRESS_BITS}"),
                "beq 9f".to_owned(),
                format!("ubfx r0, r2, #0, #{ADDRESS_BITS}"),
                "lsrs r3, r3, #1".to_owned(),
                "bcc 1f".to_owned(),
            ],
            odd,
            pair,
        }
    }

    /// The two entries in a register.
    fn add_two(&self, lines: &mut Vec<String>, word: u32) {
        let (load, store) = match self.accumulators {
            Accumulator::I16 => ("ldrsh", "strh"),
            Accumulator::I32 => ("ldr", "str"),
        };
        for (distance, weight) in [("", ", ror #8"), (", ror #16", ", ror #24")] {
            lines.push(format!("uxtab r1, r1, r{word}{distance}"));
            lines.push(format!("{load} r12, [r1]"));
            lines.push(format!("sxtab r12, r12, r{word}{weight}"));
            lines.push(format!("{store} r12, [r1]"));
        }
    }

    /// The kernel as a function of MLIR's `llvm` dialect.
    pub fn emit(&self) -> String {
        let mut body = Body::default();
        let accumulators = body.load("i32", "%synapse");
        let code = self.code();
        let mut lines = code.enter;
        lines.extend(code.odd);
        // The shift has left its flags.
        lines.push("beq 9f".to_owned());
        lines.push("1:".to_owned());
        lines.extend(code.pair);
        lines.extend(["subs r3, #1", "bne 1b", "9:"].map(str::to_owned));
        body.value(format_args!(
            "llvm.inline_asm has_side_effects asm_dialect = att \"{}\", \
             \"={{r0}},={{r1}},0,1,~{{r2}},~{{r3}},~{{r4}},~{{r5}},~{{r6}},~{{r7}},~{{r12}},~{{lr}},~{{cc}},~{{memory}}\" \
             %row, {accumulators} : (i32, i32) -> !llvm.struct<(i32, i32)>",
            lines.join("\\0A")
        ));
        format!(
            "llvm.func @{}(%row: i32, %synapse: !llvm.ptr) attributes {{passthrough = [\"nounwind\"]}} {{\n{}  \
             llvm.return\n}}\n",
            self.name(),
            body.into_text()
        )
    }

    /// The entries of a row, with their padding; weights are those of all targets in order.
    fn entries(&self, weights: impl Iterator<Item = i32>) -> Vec<(u8, i8)> {
        let size = self.accumulators.bytes();
        let farthest = 255 / size * size;
        let (mut entries, mut distance) = (Vec::new(), 0);
        for weight in weights {
            if weight != 0 {
                while distance > farthest {
                    entries.push((farthest as u8, 0));
                    distance -= farthest;
                }
                entries.push((distance as u8, weight as i8));
                distance = 0;
            }
            distance += size;
        }
        entries.resize(entries.len().next_multiple_of(Self::GROUP), (0, 0));
        entries
    }

    /// Groups of entries in a row.
    pub fn groups(&self, weights: impl Iterator<Item = i32>) -> usize {
        self.entries(weights).len() / Self::GROUP
    }

    /// Bytes of a table with its rows, given the groups of each.
    pub fn bytes(&self, groups: impl Iterator<Item = usize>) -> usize {
        groups.map(|groups| WORD + groups * Self::GROUP * ENTRY).sum()
    }

    /// Stores a table and its rows, to lie at an address.
    ///
    /// # Panics
    /// If the address or a row is too large for a table word.
    pub fn pack(&self, address: u32, rows: impl ExactSizeIterator<Item = Vec<i32>>) -> Vec<u8> {
        let (mut table, mut packed) = (Vec::new(), Vec::new());
        let first = address as usize + rows.len() * WORD;
        for row in rows {
            let entries = self.entries(row.into_iter());
            let (at, groups) = (first + packed.len(), entries.len() / Self::GROUP);
            assert!(at >> ADDRESS_BITS == 0 && groups >> (32 - ADDRESS_BITS) == 0, "{groups} groups at {at:#x}");
            table.extend((at as u32 | (groups as u32) << ADDRESS_BITS).to_le_bytes());
            packed.extend(entries.into_iter().flat_map(|(distance, weight)| [distance, weight as u8]));
        }
        table.extend(packed);
        table
    }
}
