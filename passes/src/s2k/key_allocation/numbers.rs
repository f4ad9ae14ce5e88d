//! A number for each source of packets.
//!
//! A PE looks up a source by the low bits of its number; the fewer bits tell all its sources apart, the smaller its
//! table. So each reader has a table of a size that its sources fill at least half, and a group of sources gets the first
//! numbers whose entries are free in the tables of all its readers. Groups are aligned to powers of two and placed by
//! falling size, which for a single reader always fits; where several readers are in each other's way, their tables
//! double.

use crate::analysis::traffic::Sender;
use std::collections::BTreeMap;

/// Numbers that are tried for a group before the tables of its readers double.
const TRIES: u64 = 4096;

/// Entries of each reader's table that are taken.
struct Tables(BTreeMap<usize, Vec<bool>>);

impl Tables {
    /// Whether some neighbouring numbers are free for all readers.
    fn are_free(&self, readers: &[usize], mut numbers: std::ops::Range<u64>) -> bool {
        let taken = |number: u64| readers.iter().any(|reader| self.0[reader][number as usize % self.0[reader].len()]);
        !numbers.any(taken)
    }

    fn take(&mut self, readers: &[usize], numbers: std::ops::Range<u64>) {
        for reader in readers {
            let Some(table) = self.0.get_mut(reader) else { continue };
            let size = table.len();
            numbers.clone().for_each(|number| table[number as usize % size] = true);
        }
    }
}

/// Numbers below `most`, each once. `groups` holds indices of `senders` with equal readers.
pub fn assign(groups: &[Vec<usize>], senders: &[Sender], most: u64) -> Vec<u64> {
    let size = |group: &[usize]| (group.len() as u64).next_power_of_two();
    let mut entries: BTreeMap<usize, usize> = BTreeMap::new();
    for group in groups {
        for &reader in &senders[group[0]].readers {
            *entries.entry(reader).or_default() += size(group) as usize;
        }
    }
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|&group| (std::cmp::Reverse(size(&groups[group])), group));
    // Numbers that are given, by reader, so that a table can be made anew.
    let mut given: Vec<Option<u64>> = vec![None; groups.len()];
    let mut tables =
        Tables(entries.into_iter().map(|(reader, n)| (reader, vec![false; n.next_power_of_two()])).collect());
    let mut used: Vec<bool> = Vec::new();
    let mut count = 0;
    for &group in &order {
        let (step, readers) = (size(&groups[group]), &senders[groups[group][0]].readers);
        let length = groups[group].len() as u64;
        loop {
            let mut starts = (0..most.saturating_sub(length - 1)).step_by(step as usize);
            let is_used = |number: u64| used.get(number as usize).copied().unwrap_or(false);
            let fits =
                |&start: &u64| !(start..start + length).any(is_used) && tables.are_free(readers, start..start + length);
            let tries = (count / step + TRIES) as usize;
            if let Some(start) = starts.by_ref().take(tries).find(fits) {
                tables.take(readers, start..start + length);
                used.resize(used.len().max((start + length) as usize), false);
                used[start as usize..(start + length) as usize].fill(true);
                count += length;
                given[group] = Some(start);
                break;
            }
            let largest = readers.iter().map(|reader| tables.0[reader].len() as u64).max().unwrap_or(0);
            if largest >= most.next_power_of_two() || readers.is_empty() {
                return in_order(groups);
            }
            for &reader in readers {
                let doubled = tables.0[&reader].len() * 2;
                tables.0.insert(reader, vec![false; doubled]);
                for (other, start) in given.iter().enumerate() {
                    let members = &groups[other];
                    if let Some(start) = *start
                        && senders[members[0]].readers.binary_search(&reader).is_ok()
                    {
                        tables.take(&[reader], start..start + members.len() as u64);
                    }
                }
            }
        }
    }
    let mut numbers = vec![0; senders.len()];
    for (group, start) in groups.iter().zip(given) {
        for (offset, &source) in group.iter().enumerate() {
            numbers[source] = start.unwrap_or(0) + offset as u64;
        }
    }
    numbers
}

/// Numbers without gaps.
fn in_order(groups: &[Vec<usize>]) -> Vec<u64> {
    let mut numbers = vec![0; groups.iter().map(Vec::len).sum()];
    groups.iter().flatten().enumerate().for_each(|(number, &source)| numbers[source] = number as u64);
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn sender(readers: &[usize]) -> Sender {
        Sender { name: String::new(), pe: None, packets: 1.0, readers: readers.to_vec(), to_host: false }
    }

    #[test]
    fn groups_are_aligned_and_large_ones_come_first() {
        let senders = [&[0][..], &[1], &[2], &[1], &[1]].map(sender);
        let groups = [vec![0], vec![1, 3, 4], vec![2]];
        assert_eq!(assign(&groups, &senders, 1 << 20), [3, 0, 4, 1, 2]);
        // Too few numbers for gaps.
        let groups = [vec![0, 2], vec![1, 3, 4]];
        assert_eq!(assign(&groups, &senders, 5).iter().max(), Some(&4));
    }

    /// Every reader can tell its sources apart by a table that they fill at least a quarter.
    #[test]
    fn tables_are_small() {
        // Layers of 5 slices; each PE reads the layer before, and every third layer the first one as well.
        let readers = |layer: usize| -> Vec<usize> {
            let next = (layer + 1) * 5..(layer + 2) * 5;
            let skips = (1..40).filter(|other| layer == 0 && other % 3 == 0).flat_map(|other| other * 5..other * 5 + 5);
            let set: BTreeSet<usize> = next.chain(skips).collect();
            set.into_iter().collect()
        };
        let senders: Vec<Sender> =
            (0..40).flat_map(|layer| (0..5).map(move |_| layer)).map(|l| sender(&readers(l))).collect();
        let groups: Vec<Vec<usize>> = (0..40).map(|layer| (layer * 5..layer * 5 + 5).collect()).collect();
        let numbers = assign(&groups, &senders, 1 << 17);
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), 200);
        for reader in 5..200 {
            let mine: Vec<u64> =
                (0..200).filter(|&source| senders[source].readers.contains(&reader)).map(|s| numbers[s]).collect();
            let entries = (4 * mine.len() as u64).next_power_of_two() / 2;
            let entry: BTreeSet<u64> = mine.iter().map(|number| number % entries).collect();
            assert_eq!(entry.len(), mine.len(), "reader {reader}: {mine:?}");
        }
    }
}
