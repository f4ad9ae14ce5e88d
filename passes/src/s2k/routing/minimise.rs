//! The fewest entries of a router that tell prefixes of keys apart.
//!
//! This is the algorithm ORTC (Draves, King, Venkatachary and Zill, "Constructing Optimal IP Routing Tables", INFOCOM
//! 1999), which gives the smallest table of prefixes in which the longest match decides. Keys that no packet on the chip
//! has may go anywhere. The longest prefix comes first, so that the first match is the longest.

use std::collections::BTreeSet;

/// A block of keys: every packet on the chip whose key is in it goes the way of this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Block {
    /// First key; a multiple of the blocks' size.
    pub key: u32,
    /// The way's number.
    pub way: usize,
}

/// A router entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Key to compare with.
    pub key: u32,
    /// Bits that are compared.
    pub mask: u32,
    /// The way's number.
    pub way: usize,
}

/// A range of keys that share a prefix, with the ways of which any is as good for it.
struct Node {
    key: u32,
    mask: u32,
    ways: BTreeSet<usize>,
    halves: Option<Box<(Node, Node)>>,
}

/// The table for some blocks of different keys, all of the size that `mask` gives.
pub fn minimise(mut blocks: Vec<Block>, mask: u32) -> Vec<Entry> {
    blocks.sort_unstable();
    let mut entries = Vec::new();
    if !blocks.is_empty() {
        emit(&tree(&blocks, mask), None, &mut entries);
    }
    entries.sort_by_key(|entry| (std::cmp::Reverse(entry.mask), entry.key));
    entries
}

/// The tree over sorted blocks; a node has two halves where packets of both exist and go different ways.
fn tree(blocks: &[Block], block_mask: u32) -> Node {
    let (first, last) = (blocks[0], blocks[blocks.len() - 1]);
    // The bits above the first in which two keys differ.
    let different = first.key ^ last.key;
    let mask = if different == 0 { block_mask } else { !(u32::MAX >> different.leading_zeros()) };
    let mut node = Node { key: first.key & mask, mask, ways: BTreeSet::from([first.way]), halves: None };
    if blocks.iter().any(|block| block.way != first.way) {
        let bit = 1 << (31 - different.leading_zeros());
        let (low, high) = blocks.split_at(blocks.partition_point(|block| block.key & bit == 0));
        let (low, high) = (tree(low, block_mask), tree(high, block_mask));
        node.ways = &low.ways & &high.ways;
        if node.ways.is_empty() {
            node.ways = &low.ways | &high.ways;
        }
        node.halves = Some(Box::new((low, high)));
    }
    node
}

/// Adds the entries that a node needs where what does not match anything longer goes the way `default`.
fn emit(node: &Node, default: Option<usize>, entries: &mut Vec<Entry>) {
    let way = default.filter(|way| node.ways.contains(way)).or(node.ways.first().copied());
    if let Some(way) = way.filter(|_| way != default) {
        entries.push(Entry { key: node.key, mask: node.mask, way });
    }
    if let Some(halves) = &node.halves {
        emit(&halves.0, way, entries);
        emit(&halves.1, way, entries);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use s2c_tests::Random;

    fn find(entries: &[Entry], key: u32) -> Option<usize> {
        entries.iter().find(|entry| key & entry.mask == entry.key).map(|entry| entry.way)
    }

    #[test]
    fn equal_ways_share_an_entry_over_gaps() {
        let blocks = [0u32, 16, 48].map(|key| Block { key, way: 7 });
        assert_eq!(minimise(blocks.to_vec(), !15), [Entry { key: 0, mask: !63, way: 7 }]);
        assert!(minimise(Vec::new(), !0).is_empty());
    }

    #[test]
    fn one_of_many_needs_one_entry_more() {
        let blocks: Vec<Block> = (0..256).map(|key| Block { key, way: usize::from(key == 77) }).collect();
        let entries = minimise(blocks, !0);
        assert_eq!(entries, [Entry { key: 77, mask: !0, way: 1 }, Entry { key: 0, mask: !255, way: 0 }]);
    }

    #[test]
    fn every_block_keeps_its_way_and_tables_are_small() {
        let mut random = Random(1);
        for round in 0..200 {
            let mut next = |limit: u32| random.below(limit as usize) as u32;
            let ways = 1 + next(4);
            let keys: BTreeSet<u32> = (0..next(80)).map(|_| next(256) << 4).collect();
            let blocks: Vec<Block> = keys.iter().map(|&key| Block { key, way: next(ways) as usize }).collect();
            let entries = minimise(blocks.clone(), !15);
            assert!(entries.len() <= blocks.len());
            for block in &blocks {
                for key in [block.key, block.key + 15] {
                    assert_eq!(find(&entries, key), Some(block.way), "round {round}, key {key:#x}");
                }
            }
        }
    }
}
