//! Simulated annealing of items in groups of limited size.

/// A sender and the items that read it.
pub struct Wire {
    /// The item that sends, if any.
    pub home: Option<usize>,
    /// The items that read.
    pub readers: Vec<usize>,
}

/// The cost of a wire: its number, the group of its home, and how many of its readers each group holds.
type Cost<'p> = dyn Fn(usize, Option<usize>, &[u32]) -> f64 + 'p;

/// What is to be arranged.
pub struct Problem<'p> {
    /// Items that each group can hold.
    pub capacity: Vec<usize>,
    /// All wires.
    pub wires: &'p [Wire],
    /// What a wire costs.
    pub cost: &'p Cost<'p>,
}

/// Moves tried per item.
const MOVES_PER_ITEM: usize = 400;
/// Bounds the wires that are looked at in total, and so the time of the search.
const MOST_WIRES: usize = 2_000_000;
/// Moves that are only looked at, to find out how much a move changes.
const TRIALS: usize = 64;
/// The last temperature in terms of the first.
const COLDEST: f64 = 1e-3;

/// The group of each item, given one to start with; never costs more than the start.
pub fn anneal(problem: &Problem<'_>, start: Vec<usize>) -> Vec<usize> {
    let mut state = State::new(problem, start);
    let ends: usize = state.wires_of.iter().map(Vec::len).sum();
    if ends == 0 || state.slots.len() < 2 || problem.capacity.len() < 2 {
        return state.group_of;
    }
    let items = state.group_of.len();
    let moves = (MOVES_PER_ITEM * items).min(MOST_WIRES * items / ends.max(1) / 2);
    let mut random = SplitMix(0);
    let mut changes = 0.0;
    for _ in 0..TRIALS {
        let (a, b) = state.choose(&mut random);
        changes += state.exchange(a, b).abs();
        state.exchange(a, b);
    }
    let hottest = changes / TRIALS as f64 / 2.0;
    let (mut total, mut lowest, mut best) = (0.0, 0.0, state.group_of.clone());
    for step in 0..moves {
        let temperature = hottest * COLDEST.powf(step as f64 / moves as f64);
        let (a, b) = state.choose(&mut random);
        let change = state.exchange(a, b);
        if change > 0.0 && random.unit() >= (-change / temperature).exp() {
            state.exchange(a, b);
            continue;
        }
        total += change;
        // A little more than rounding, so that equal costs do not copy.
        if total < lowest - 1e-9 {
            lowest = total;
            best.clone_from(&state.group_of);
        }
    }
    best
}

struct State<'p> {
    problem: &'p Problem<'p>,
    group_of: Vec<usize>,
    /// For each slot its group and the item in it.
    slots: Vec<(usize, Option<usize>)>,
    slot_of: Vec<usize>,
    /// First slot of each group.
    first: Vec<usize>,
    wires_of: Vec<Vec<usize>>,
    /// Readers by wire and group.
    counts: Vec<u32>,
    costs: Vec<f64>,
}

impl<'p> State<'p> {
    fn new(problem: &'p Problem<'p>, group_of: Vec<usize>) -> Self {
        let groups = problem.capacity.len();
        let mut slots = Vec::new();
        let mut first = Vec::new();
        for (group, &size) in problem.capacity.iter().enumerate() {
            first.push(slots.len());
            slots.extend((0..size).map(|_| (group, None)));
        }
        let mut next = first.clone();
        let mut slot_of = Vec::with_capacity(group_of.len());
        for (item, &group) in group_of.iter().enumerate() {
            slots[next[group]].1 = Some(item);
            slot_of.push(next[group]);
            next[group] += 1;
        }
        let mut wires_of = vec![Vec::new(); group_of.len()];
        let mut counts = vec![0; groups * problem.wires.len()];
        for (number, wire) in problem.wires.iter().enumerate() {
            for &item in wire.readers.iter().chain(&wire.home) {
                if wires_of[item].last() != Some(&number) {
                    wires_of[item].push(number);
                }
            }
            wire.readers.iter().for_each(|&item| counts[number * groups + group_of[item]] += 1);
        }
        let mut state = Self { problem, group_of, slots, slot_of, first, wires_of, counts, costs: Vec::new() };
        state.costs = (0..problem.wires.len()).map(|wire| state.cost(wire)).collect();
        state
    }

    fn cost(&self, wire: usize) -> f64 {
        let groups = self.problem.capacity.len();
        let home = self.problem.wires[wire].home.map(|item| self.group_of[item]);
        (self.problem.cost)(wire, home, &self.counts[wire * groups..(wire + 1) * groups])
    }

    /// Two slots whose contents might change places; the first holds an item. Every other time the second is in a
    /// group that holds an item on a common wire.
    fn choose(&self, random: &mut SplitMix) -> (usize, usize) {
        let item = random.below(self.group_of.len());
        let wires = &self.wires_of[item];
        if random.below(2) == 0 || wires.is_empty() {
            return (self.slot_of[item], random.below(self.slots.len()));
        }
        let wire = &self.problem.wires[wires[random.below(wires.len())]];
        let ends = wire.readers.len() + usize::from(wire.home.is_some());
        let other = random.below(ends);
        let other = wire.readers.get(other).copied().or(wire.home).unwrap_or(item);
        let group = self.group_of[other];
        (self.slot_of[item], self.first[group] + random.below(self.problem.capacity[group]))
    }

    /// Exchanges the contents of two slots; returns by how much the cost rises. Done twice it changes nothing.
    fn exchange(&mut self, a: usize, b: usize) -> f64 {
        let ((from, item), (to, other)) = (self.slots[a], self.slots[b]);
        if from == to {
            return 0.0;
        }
        let groups = self.problem.capacity.len();
        for (item, from, to) in [(item, from, to), (other, to, from)] {
            let Some(item) = item else { continue };
            self.group_of[item] = to;
            for &wire in &self.wires_of[item] {
                // A home that does not read its own packets is on the wire, but not counted.
                if self.problem.wires[wire].readers.binary_search(&item).is_ok() {
                    self.counts[wire * groups + from] -= 1;
                    self.counts[wire * groups + to] += 1;
                }
            }
        }
        for (slot, item) in [(a, other), (b, item)] {
            self.slots[slot].1 = item;
            if let Some(item) = item {
                self.slot_of[item] = slot;
            }
        }
        let mut change = 0.0;
        for item in [item, other].into_iter().flatten() {
            for position in 0..self.wires_of[item].len() {
                let wire = self.wires_of[item][position];
                let cost = self.cost(wire);
                change += cost - std::mem::replace(&mut self.costs[wire], cost);
            }
        }
        change
    }
}

/// The generator SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs of items that talk to each other and to nobody else, dealt out so that none is in its partner's group.
    #[test]
    fn partners_find_each_other() {
        let wires: Vec<Wire> = (0..16).map(|item| Wire { home: Some(item), readers: vec![(item + 8) % 16] }).collect();
        let cost =
            |_: usize, home: Option<usize>, readers: &[u32]| f64::from(home.is_none_or(|home| readers[home] == 0));
        let problem = Problem { capacity: vec![4; 5], wires: &wires, cost: &cost };
        let start: Vec<usize> = (0..16).map(|item| item / 4).collect();
        let groups = anneal(&problem, start.clone());
        assert!((0..8).all(|item| groups[item] == groups[item + 8]), "{groups:?}");
        assert!((0..5).all(|group| groups.iter().filter(|&&other| other == group).count() <= 4));
        assert_eq!(groups, anneal(&problem, start));
    }
}
