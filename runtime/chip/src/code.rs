//! The decoded form of a code region.

use crate::decode::decode;
use crate::op::{Insn, Op};

/// The place of a halfword that no run of instructions has reached yet.
const NOWHERE: u32 = u32::MAX;

/// The decoded instructions of one code region, which starts at address 0. PEs with the same code share one `Code`.
///
/// An instruction may begin at any halfword, so there is one for each, data included. They lie in the order of
/// execution: the place of an instruction is followed by that of the next one, whatever their sizes, so that the core
/// need not wait for the size of an instruction to find the next. Where a run of instructions meets another
/// ([`Op::Continue`]) or the end of the region ([`Op::Outside`]), a place without an instruction says so. Direct
/// branches outside IT blocks hold the place of their target.
#[derive(Debug, PartialEq)]
pub(crate) struct Code {
    /// Instructions outside IT blocks, by place.
    plain: Box<[Step]>,
    /// Places, by halfword.
    places: Box<[u32]>,
    /// Instructions inside an IT block, where most 16-bit encodings leave the flags alone, by halfword.
    in_it: Box<[Insn]>,
}

/// An operation in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Step {
    /// What to do.
    pub op: Op,
    /// The address of the instruction, or of where execution goes on.
    pub address: u32,
}

impl Code {
    /// Decodes a whole code region.
    pub fn decode(bytes: &[u8]) -> Self {
        let halfwords: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let decode_at = |index: usize, in_it| {
            let second = halfwords.get(index + 1).copied().unwrap_or(0);
            decode(2 * index as u32, halfwords[index], second, in_it)
        };
        let mut layout = Layout::default();
        layout.places.resize(halfwords.len(), NOWHERE);
        for start in 0..halfwords.len() {
            let mut index = start;
            while layout.places.get(index) == Some(&NOWHERE) {
                let insn = decode_at(index, false);
                layout.places[index] = layout.push(insn.op, 2 * index as u32);
                index += usize::from(insn.length / 2);
            }
            if index != start {
                layout.go_on(2 * index as u32);
            }
        }
        for place in 0..layout.plain.len() {
            layout.link(place);
        }
        let in_it = (0..halfwords.len()).map(|index| decode_at(index, true)).collect();
        let Layout { plain, places } = layout;
        Self { plain: plain.into(), places: places.into(), in_it }
    }

    /// The steps from a place on, at most `count`.
    #[inline(always)]
    pub fn steps(&self, place: usize, count: u64) -> &[Step] {
        let steps = &self.plain[place..];
        &steps[..count.min(steps.len() as u64) as usize]
    }

    /// The place of an address; none outside the region.
    pub fn place(&self, address: u32) -> Option<usize> {
        self.places.get((address >> 1) as usize).map(|&place| place as usize)
    }

    /// The address of a place.
    pub fn address(&self, place: usize) -> u32 {
        self.plain[place].address
    }

    /// The instruction at an address inside an IT block; none outside the region.
    pub fn in_it(&self, address: u32) -> Option<&Insn> {
        self.in_it.get((address >> 1) as usize)
    }
}

/// A [`Code`] in the making.
#[derive(Default)]
struct Layout {
    plain: Vec<Step>,
    places: Vec<u32>,
}

impl Layout {
    /// Adds a place and returns its number.
    fn push(&mut self, op: Op, address: u32) -> u32 {
        self.plain.push(Step { op, address });
        self.plain.len() as u32 - 1
    }

    /// Adds a place from which execution goes on at an address.
    fn go_on(&mut self, address: u32) -> u32 {
        let op = match self.places.get((address >> 1) as usize) {
            Some(&target) => Op::Continue { target },
            None => Op::Outside,
        };
        self.push(op, address)
    }

    /// Turns the target of a direct branch from an address into a place.
    fn link(&mut self, place: usize) {
        let mut op = self.plain[place].op;
        if let Op::Branch { target }
        | Op::BranchIf { target, .. }
        | Op::BranchLink { target, .. }
        | Op::CompareBranch { target, .. } = &mut op
        {
            *target = match self.places.get((*target >> 1) as usize) {
                Some(&known) => known,
                None => self.go_on(*target),
            };
            self.plain[place].op = op;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(halfwords: &[u16]) -> Code {
        Code::decode(&halfwords.iter().flat_map(|half| half.to_le_bytes()).collect::<Vec<_>>())
    }

    #[test]
    fn steps_are_small() {
        assert!(size_of::<Step>() <= 16);
    }

    #[test]
    fn instructions_follow_one_another_whatever_their_size() {
        // 0: movw r0, #1; 4: nop; 6: b 0
        let code = code(&[0xF240, 0x0001, 0xBF00, 0xE7FB]);
        let places: Vec<_> = (0..5).map(|half| code.place(2 * half)).collect();
        assert_eq!(places, [Some(0), Some(4), Some(1), Some(2), None]);
        assert_eq!(code.plain[2].op, Op::Branch { target: 0 });
        assert_eq!(code.plain[3], Step { op: Op::Outside, address: 8 });
        // The second half of the first instruction is one of its own, after which come those of the main run.
        assert_eq!(code.plain[5], Step { op: Op::Continue { target: 1 }, address: 4 });
    }

    #[test]
    fn branches_out_of_the_region_have_a_place() {
        // b 0x10; b 0xFFFFFFFE
        let code = code(&[0xE006, 0xE7FC]);
        let target = |place: usize| match code.plain[place].op {
            Op::Branch { target } => code.plain[target as usize],
            _ => panic!("no branch"),
        };
        assert_eq!(target(0), Step { op: Op::Outside, address: 0x10 });
        assert_eq!(target(1), Step { op: Op::Outside, address: 0xFFFF_FFFE });
    }
}
