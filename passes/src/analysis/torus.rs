//! The torus of chips: which link leads where, and the tree that a packet takes.
//!
//! Every chip has six links, in SpiNNaker's order E, NE, N, W, SW, S, so that the torus is a triangular mesh: a step
//! along the diagonal NE-SW counts like one along a side. (Furber et al., "Overview of the SpiNNaker System
//! Architecture", IEEE Transactions on Computers 62, 2013, section 4.)

use crate::target::Target;
use std::collections::{BTreeMap, BTreeSet};

/// Column and row steps of the links.
const STEPS: [(i64, i64); 6] = [(1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1)];

/// A torus of chips, numbered row by row.
#[derive(Clone, Copy, Debug)]
pub struct Torus {
    columns: i64,
    rows: i64,
}

impl Torus {
    /// The torus of a target.
    pub fn of(target: &Target) -> Self {
        Self { columns: target.chips.columns.into(), rows: target.chips.rows.into() }
    }

    /// Links on the shortest way between two chips.
    pub fn distance(self, from: usize, to: usize) -> usize {
        length(self.vector(from, to)) as usize
    }

    /// The links that a packet from a chip takes to reach others: for every chip on its way, the links out of it.
    ///
    /// A chip is always entered from the same neighbour, so that no packet comes twice.
    pub fn tree(self, from: usize, to: impl IntoIterator<Item = usize>) -> BTreeMap<usize, BTreeSet<i64>> {
        let mut links: BTreeMap<usize, BTreeSet<i64>> = BTreeMap::from([(from, BTreeSet::new())]);
        let mut entered = BTreeSet::from([from]);
        for mut chip in to {
            while entered.insert(chip) {
                links.entry(chip).or_default();
                let (before, link) = self.entry(from, chip);
                links.entry(before).or_default().insert(link);
                chip = before;
            }
        }
        links
    }

    /// Number of links of [`Self::tree`].
    pub fn links(self, from: usize, to: impl IntoIterator<Item = usize>) -> usize {
        let mut entered = vec![false; (self.columns * self.rows) as usize];
        entered[from] = true;
        let mut links = 0;
        for mut chip in to {
            while !std::mem::replace(&mut entered[chip], true) {
                links += 1;
                chip = self.entry(from, chip).0;
            }
        }
        links
    }

    /// The chip from which packets of `from` enter `chip`, and the link that they take.
    fn entry(self, from: usize, chip: usize) -> (usize, i64) {
        let (dx, dy) = self.vector(from, chip);
        // Diagonal steps come first, then those along the columns, then those along the rows.
        let last = match (dx.signum(), dy.signum()) {
            (x, y) if x == y && dx == dy => (x, y),
            (x, y) if x == y && dx.abs() > dy.abs() => (x, 0),
            (x, 0) => (x, 0),
            (_, y) => (0, y),
        };
        let link = STEPS.iter().position(|&step| step == last).unwrap_or(0);
        let (x, y) = (chip as i64 % self.columns - last.0, chip as i64 / self.columns - last.1);
        ((x.rem_euclid(self.columns) + y.rem_euclid(self.rows) * self.columns) as usize, link as i64)
    }

    /// The shortest of the ways around the torus, as columns and rows.
    fn vector(self, from: usize, to: usize) -> (i64, i64) {
        let (from, to) = (from as i64, to as i64);
        let dx = (to % self.columns - from % self.columns).rem_euclid(self.columns);
        let dy = (to / self.columns - from / self.columns).rem_euclid(self.rows);
        let ways = [(dx, dy), (dx - self.columns, dy), (dx, dy - self.rows), (dx - self.columns, dy - self.rows)];
        ways.into_iter().min_by_key(|&way| length(way)).unwrap_or((0, 0))
    }
}

/// Links of a way: diagonal steps cover a column and a row in the same direction.
fn length((dx, dy): (i64, i64)) -> i64 {
    if dx.signum() == dy.signum() { dx.abs().max(dy.abs()) } else { dx.abs() + dy.abs() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TORUS: Torus = Torus { columns: 8, rows: 6 };

    #[test]
    fn ways_go_around_the_torus_and_along_the_diagonal() {
        for (to, links) in [(0, 0), (1, 1), (7, 1), (8, 1), (9, 1), (18, 2), (40, 1), (47, 1), (41, 2), (28, 4)] {
            assert_eq!(TORUS.distance(0, to), links, "chip {to}");
        }
    }

    #[test]
    fn a_tree_enters_every_chip_once_and_by_a_shortest_way() {
        for from in 0..48 {
            let tree = TORUS.tree(from, 0..48);
            let mut open = vec![(from, 0)];
            let mut entered = BTreeMap::new();
            while let Some((chip, links)) = open.pop() {
                assert_eq!(entered.insert(chip, links), None, "chip {chip} from {from}");
                for &link in &tree[&chip] {
                    let (dx, dy) = STEPS[link as usize];
                    let (x, y) = ((chip as i64 % 8 + dx).rem_euclid(8), (chip as i64 / 8 + dy).rem_euclid(6));
                    open.push(((x + y * 8) as usize, links + 1));
                }
            }
            assert_eq!(entered.len(), 48);
            assert_eq!(TORUS.links(from, 0..48), 47);
            assert_eq!(TORUS.links(from, [3, 29]), TORUS.tree(from, [3, 29]).len() - 1);
            assert!(entered.iter().all(|(&chip, &links)| TORUS.distance(from, chip) == links));
        }
    }
}
