//! The multicast routers and the links between the chips.

use std::collections::HashMap;

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

/// The table of one router. The place of a key, once found, is remembered.
#[derive(Debug)]
struct Router {
    entries: Vec<RouterEntry>,
    found: HashMap<u32, Option<usize>>,
}

impl Router {
    fn position(&mut self, key: u32) -> Option<usize> {
        let search = || self.entries.iter().position(|entry| key & entry.mask == entry.key);
        *self.found.entry(key).or_insert_with(search)
    }
}

/// Where a packet goes, as the router tells its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    Pe(PeId),
    Host,
}

/// All routers with their links.
#[derive(Debug)]
pub(crate) struct Network {
    routers: Vec<Router>,
    chips: (usize, usize),
    position: (u8, u8),
    pub stats: NetworkStats,
    pub dropped: Vec<Dropped>,
}

impl Network {
    /// Builds the routers from one table per chip; missing tables are empty.
    pub fn new(config: &ChipConfig, tables: Vec<Vec<RouterEntry>>) -> Result<Self, SetupError> {
        let count = config.chips.0 * config.chips.1;
        if tables.len() > count {
            return Err(SetupError::NoSuchChip { chip: count });
        }
        let limit = config.router_entries;
        if let Some((chip, table)) = tables.iter().enumerate().find(|(_, table)| table.len() > limit) {
            return Err(SetupError::TooManyEntries { chip, entries: table.len(), limit });
        }
        let mut routers: Vec<_> = tables.into_iter().map(|entries| Router { entries, found: HashMap::new() }).collect();
        routers.resize_with(count, || Router { entries: Vec::new(), found: HashMap::new() });
        Ok(Self {
            routers,
            chips: config.chips,
            position: config.router_position,
            stats: NetworkStats::default(),
            dropped: Vec::new(),
        })
    }

    /// Hops between a QPE and the router of its chip.
    fn distance(&self, x: u8, y: u8) -> u64 {
        u64::from(x.abs_diff(self.position.0)) + u64::from(y.abs_diff(self.position.1))
    }

    /// The chip at the other end of a link.
    fn neighbour(&self, chip: usize, link: u8) -> Option<usize> {
        let (dx, dy) = *LINKS.get(usize::from(link))?;
        let (columns, rows) = self.chips;
        let step = |at: usize, by: isize, length: usize| (at + length).wrapping_add_signed(by) % length;
        Some(step(chip / columns, dy, rows) * columns + step(chip % columns, dx, columns))
    }

    /// Carries one packet from its source (a PE, or the host at chip 0) to all its destinations.
    ///
    /// Calls `arrive` for each destination; it returns false if there is no such PE. Returns the number of hops of
    /// the longest way within the chips.
    pub fn route(
        &mut self,
        source: Option<PeId>,
        packet: Packet,
        mut arrive: impl FnMut(Arrival) -> bool,
    ) -> Result<u64, Fault> {
        let first = source.map_or(0, |pe| pe.chip);
        let entered = source.map_or(0, |pe| self.distance(pe.x, pe.y));
        self.stats.hops += entered;
        let mut longest = entered;
        let mut waiting = vec![(first, 0)];
        while let Some((chip, links)) = waiting.pop() {
            self.stats.packets += 1;
            if links > self.routers.len() {
                return Err(Fault::RoutingLoop { key: packet.key, chip });
            }
            let Some(position) = self.routers[chip].position(packet.key) else {
                self.drop_packet(chip, packet, DropReason::Unmatched);
                continue;
            };
            for index in 0..self.routers[chip].entries[position].route.len() {
                match self.routers[chip].entries[position].route[index] {
                    Destination::Host => {
                        arrive(Arrival::Host);
                    }
                    Destination::Link(link) => match self.neighbour(chip, link) {
                        Some(next) => {
                            self.stats.link_packets += 1;
                            waiting.push((next, links + 1));
                        }
                        None => self.drop_packet(chip, packet, DropReason::NoSuchLink(link)),
                    },
                    Destination::Qpe { x, y, cores } => {
                        let hops = self.distance(x, y);
                        self.stats.hops += hops;
                        longest = longest.max(entered + hops);
                        for core in (0..4).filter(|core| cores >> core & 1 != 0) {
                            let pe = PeId { chip, x, y, core };
                            if arrive(Arrival::Pe(pe)) {
                                self.stats.deliveries += 1;
                            } else {
                                self.drop_packet(chip, packet, DropReason::NoSuchPe(pe));
                            }
                        }
                    }
                }
            }
        }
        Ok(longest)
    }

    fn drop_packet(&mut self, chip: usize, packet: Packet, reason: DropReason) {
        self.stats.dropped += 1;
        self.dropped.push(Dropped { chip, packet, reason });
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
        let source = PeId { chip: 0, x: 5, y: 5, core: 0 };
        let mut arrived = Vec::new();
        let hops = network.route(Some(source), Packet::new(0x1F), |at| {
            arrived.push(at);
            true
        });
        assert_eq!(hops, Ok(7));
        let pe = |core| Arrival::Pe(PeId { chip: 0, x: 1, y: 2, core });
        assert_eq!(arrived, [pe(0), pe(3)]);
        assert_eq!(network.stats, NetworkStats { packets: 1, hops: 7, deliveries: 2, ..Default::default() });
        network.route(None, Packet::new(0x2F), |at| at == Arrival::Host).unwrap();
        assert!(network.dropped.is_empty());
    }

    #[test]
    fn packets_without_a_way_are_reported() {
        let qpe = Destination::Qpe { x: 1, y: 1, cores: 1 };
        let table = vec![entry(1, !0, &[qpe]), entry(2, !0, &[Destination::Link(9)])];
        let mut network = network([table, vec![], vec![]]);
        for key in 0..3 {
            network.route(None, Packet::new(key), |_| false).unwrap();
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
        assert!(matches!(network.route(None, Packet::new(5), |_| true), Err(Fault::RoutingLoop { key: 5, .. })));
    }
}
