//! The multicast routers and the links between the chips.

use std::collections::{BTreeMap, HashMap};

use crate::config::{ChipConfig, Destination, Packet, RouterEntry};
use crate::fault::{Fault, PeId, SetupError};
use crate::stats::NetworkStats;

/// Why a router dropped a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// No entry of the table matches the key.
    Unmatched,
    /// The route names a PE that has no image.
    NoSuchPe(PeId),
    /// The route names a link that does not exist.
    NoSuchLink(u8),
}

/// A packet that a router dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The chip of the router.
    pub chip: usize,
    /// The packet.
    pub packet: Packet,
    /// Why it was dropped.
    pub reason: DropReason,
}

/// Column and row steps of the six links.
const LINKS: [(isize, isize); 6] = [(1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1)];

/// Where the packets of a key go, from one chip on, and what that costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Way {
    /// The PEs that they reach, as indices, in the order of the tables.
    pub pes: Vec<usize>,
    /// How often they reach the host.
    pub host: usize,
    /// The most hops from a router to a PE.
    pub longest: u64,
    /// The most links from the first chip to another.
    pub link_depth: u64,
    /// Hops of all branches.
    hops: u64,
    /// Routers on the way.
    routers: u64,
    /// Links between chips on the way.
    links: u64,
    /// Where and why a copy is dropped.
    dropped: Vec<(usize, DropReason)>,
    /// The branches, for the load of links.
    branches: Vec<Branch>,
    /// Packets that took this way.
    uses: u64,
}

/// A part of a packet's way behind a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Branch {
    /// From the router of a chip to one of its QPEs.
    Qpe {
        /// The chip.
        chip: usize,
        /// Column of the QPE.
        x: u8,
        /// Row of the QPE.
        y: u8,
    },
    /// From a chip over one of its links.
    Link {
        /// The chip.
        chip: usize,
        /// The link, 0 to 5.
        link: u8,
    },
}

/// All routers with their links.
///
/// A key's way depends on nothing but the tables. It is found once, by the first packet; keys that match the same
/// entries share it.
#[derive(Debug)]
pub(crate) struct Network {
    tables: Vec<Vec<RouterEntry>>,
    chips: (usize, usize),
    position: (u8, u8),
    /// By first chip and key the number of the way.
    known: HashMap<(usize, u32), usize>,
    /// By the entries that match, chip by chip, the number of the way.
    matched: HashMap<Vec<(usize, Option<usize>)>, usize>,
    ways: Vec<Way>,
    pub stats: NetworkStats,
    pub dropped: Vec<Dropped>,
}

impl Network {
    /// Builds the routers from one table per chip; missing tables are empty.
    pub fn new(config: &ChipConfig, mut tables: Vec<Vec<RouterEntry>>) -> Result<Self, SetupError> {
        let count = config.chips.0 * config.chips.1;
        if tables.len() > count {
            return Err(SetupError::NoSuchChip { chip: count });
        }
        let limit = config.router_entries;
        if let Some((chip, table)) = tables.iter().enumerate().find(|(_, table)| table.len() > limit) {
            return Err(SetupError::TooManyEntries { chip, entries: table.len(), limit });
        }
        tables.resize_with(count, Vec::new);
        Ok(Self {
            tables,
            chips: config.chips,
            position: config.router_position,
            known: HashMap::new(),
            matched: HashMap::new(),
            ways: Vec::new(),
            stats: NetworkStats::default(),
            dropped: Vec::new(),
        })
    }

    /// Hops between a QPE and the router of its chip.
    pub fn distance(&self, x: u8, y: u8) -> u64 {
        u64::from(x.abs_diff(self.position.0)) + u64::from(y.abs_diff(self.position.1))
    }

    /// The chip at the other end of a link.
    fn neighbour(&self, chip: usize, link: u8) -> Option<usize> {
        let (dx, dy) = *LINKS.get(usize::from(link))?;
        let (columns, rows) = self.chips;
        let step = |at: usize, by: isize, length: usize| (at + length).wrapping_add_signed(by) % length;
        Some(step(chip / columns, dy, rows) * columns + step(chip % columns, dx, columns))
    }

    /// Carries one packet from a chip to all its destinations: counts it and returns the way that it takes.
    ///
    /// `index` numbers the PEs that there are; `entered` are the hops from the packet's source to the first router.
    pub fn route(
        &mut self,
        index: &BTreeMap<PeId, usize>,
        chip: usize,
        entered: u64,
        packet: Packet,
    ) -> Result<&Way, Fault> {
        let number = match self.known.get(&(chip, packet.key)) {
            Some(&number) => number,
            None => {
                let number = self.explore(index, chip, packet.key)?;
                self.known.insert((chip, packet.key), number);
                number
            }
        };
        let Self { ways, stats, dropped, .. } = self;
        let way = &mut ways[number];
        way.uses += 1;
        stats.packets += way.routers;
        stats.hops += entered + way.hops;
        stats.link_packets += way.links;
        stats.deliveries += way.pes.len() as u64;
        stats.dropped += way.dropped.len() as u64;
        dropped.extend(way.dropped.iter().map(|&(chip, reason)| Dropped { chip, packet, reason }));
        Ok(way)
    }

    /// Packets that took each branch so far.
    pub fn loads(&self) -> BTreeMap<Branch, u64> {
        let mut loads = BTreeMap::new();
        for way in &self.ways {
            way.branches.iter().for_each(|&branch| *loads.entry(branch).or_default() += way.uses);
        }
        loads
    }

    /// The number of the way that packets of a key take from a chip on.
    fn explore(&mut self, index: &BTreeMap<PeId, usize>, first: usize, key: u32) -> Result<usize, Fault> {
        let mut matched = Vec::new();
        let mut waiting = vec![(first, 0)];
        let mut depth = 0;
        while let Some((chip, links)) = waiting.pop() {
            if links > self.tables.len() {
                return Err(Fault::RoutingLoop { key, chip });
            }
            let entry = self.tables[chip].iter().position(|entry| key & entry.mask == entry.key);
            matched.push((chip, entry));
            depth = depth.max(links);
            for destination in entry.iter().flat_map(|&entry| &self.tables[chip][entry].route) {
                if let Destination::Link(link) = *destination
                    && let Some(next) = self.neighbour(chip, link)
                {
                    waiting.push((next, links + 1));
                }
            }
        }
        if let Some(&number) = self.matched.get(&matched) {
            return Ok(number);
        }
        let mut way = Way { routers: matched.len() as u64, link_depth: depth as u64, ..Way::default() };
        for &(chip, entry) in &matched {
            let Some(entry) = entry else {
                way.dropped.push((chip, DropReason::Unmatched));
                continue;
            };
            for &destination in &self.tables[chip][entry].route {
                match destination {
                    Destination::Host => way.host += 1,
                    Destination::Link(link) if self.neighbour(chip, link).is_some() => {
                        way.links += 1;
                        way.branches.push(Branch::Link { chip, link });
                    }
                    Destination::Link(link) => way.dropped.push((chip, DropReason::NoSuchLink(link))),
                    Destination::Qpe { x, y, cores } => {
                        let hops = self.distance(x, y);
                        way.branches.push(Branch::Qpe { chip, x, y });
                        way.hops += hops;
                        way.longest = way.longest.max(hops);
                        for core in (0..4).filter(|core| cores >> core & 1 != 0) {
                            let pe = PeId { chip, x, y, core };
                            match index.get(&pe) {
                                Some(&pe) => way.pes.push(pe),
                                None => way.dropped.push((chip, DropReason::NoSuchPe(pe))),
                            }
                        }
                    }
                }
            }
        }
        self.ways.push(way);
        self.matched.insert(matched, self.ways.len() - 1);
        Ok(self.ways.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;

    fn entry(key: u32, mask: u32, route: &[Destination]) -> RouterEntry {
        RouterEntry { key, mask, route: route.to_vec() }
    }

    /// Three columns and two rows of chips, of which the first three have the given tables.
    fn network(tables: [Vec<RouterEntry>; 3]) -> Network {
        Network::new(&ChipConfig { chips: (3, 2), ..config() }, tables.into()).unwrap()
    }

    #[test]
    fn links_wrap_around_the_torus() {
        let network = network([vec![], vec![], vec![]]);
        let ends: Vec<_> = (0..7).map(|link| network.neighbour(0, link)).collect();
        assert_eq!(ends, [Some(1), Some(4), Some(3), Some(2), Some(5), Some(3), None]);
    }

    #[test]
    fn the_first_match_wins_and_hops_are_counted() {
        let qpe = Destination::Qpe { x: 1, y: 2, cores: 0b1001 };
        let table = vec![entry(0x10, 0xF0, &[qpe]), entry(0, 0, &[Destination::Host])];
        let mut network = network([table, vec![], vec![]]);
        let pe = |core| PeId { chip: 0, x: 1, y: 2, core };
        let index = BTreeMap::from([(pe(0), 7), (pe(3), 8)]);
        let way = network.route(&index, 0, 3, Packet::new(0x1F)).unwrap();
        assert_eq!((&way.pes[..], way.host, way.longest), (&[7, 8][..], 0, 4));
        assert_eq!(network.stats, NetworkStats { packets: 1, hops: 7, deliveries: 2, ..Default::default() });
        assert_eq!(network.route(&index, 0, 0, Packet::new(0x2F)).unwrap().host, 1);
        assert!(network.dropped.is_empty());
        assert_eq!(network.loads(), BTreeMap::from([(Branch::Qpe { chip: 0, x: 1, y: 2 }, 1)]));
    }

    #[test]
    fn keys_that_match_the_same_entries_share_a_way() {
        let table = vec![entry(0, !0xF, &[Destination::Link(0)]), entry(0x10, !0xF, &[Destination::Host])];
        let mut network = network([table, vec![entry(0, 0, &[Destination::Host])], vec![]]);
        for key in 0..0x20 {
            assert_eq!(network.route(&BTreeMap::new(), 0, 0, Packet::new(key)).unwrap().host, 1);
        }
        assert_eq!(network.ways.len(), 2);
        assert_eq!(network.stats, NetworkStats { packets: 48, link_packets: 16, ..Default::default() });
    }

    #[test]
    fn packets_without_a_way_are_reported() {
        let qpe = Destination::Qpe { x: 1, y: 1, cores: 1 };
        let table = vec![entry(1, !0, &[qpe]), entry(2, !0, &[Destination::Link(9)])];
        let mut network = network([table, vec![], vec![]]);
        for key in 0..3 {
            network.route(&BTreeMap::new(), 0, 0, Packet::new(key)).unwrap();
        }
        let reasons: Vec<_> = network.dropped.iter().map(|dropped| dropped.reason).collect();
        let missing = PeId { chip: 0, x: 1, y: 1, core: 0 };
        assert_eq!(reasons, [DropReason::Unmatched, DropReason::NoSuchPe(missing), DropReason::NoSuchLink(9)]);
        assert_eq!(network.stats.dropped, 3);
    }

    #[test]
    fn loops_between_chips_are_an_error() {
        let around = || vec![entry(0, 0, &[Destination::Link(0)])];
        let mut network = network([around(), around(), around()]);
        let fault = network.route(&BTreeMap::new(), 0, 0, Packet::new(5));
        assert!(matches!(fault, Err(Fault::RoutingLoop { key: 5, .. })));
    }
}
