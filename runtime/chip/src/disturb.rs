//! Faults of the hardware that a test brings about: packets that are lost, doubled or late, and PEs that are dead.
//! Upsets of memory need nothing here, since [`crate::Chip::write`] changes any byte.

use crate::config::Packet;

/// How packets are disturbed; each share is a probability per packet from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PacketFaults {
    /// Packets that are lost on their way to the router.
    pub dropped: f64,
    /// Packets that arrive twice.
    pub duplicated: f64,
    /// Packets that are routed a tick late.
    pub late: f64,
    /// Where the sequence of random numbers begins.
    pub seed: u64,
}

/// The faults at work.
#[derive(Debug, Default)]
pub(crate) struct Disturbance {
    faults: PacketFaults,
    state: u64,
    /// Packets that wait for the next tick.
    pub held: Vec<(Option<usize>, Packet)>,
}

impl Disturbance {
    /// From now on packets meet these faults.
    pub fn begin(&mut self, faults: PacketFaults) {
        *self = Self { faults, state: faults.seed, held: Vec::new() };
    }

    /// How often a packet is routed now. A late one is kept for the next tick.
    pub fn copies(&mut self, source: Option<usize>, packet: Packet) -> usize {
        let PacketFaults { dropped, duplicated, late, .. } = self.faults;
        if dropped + duplicated + late == 0.0 {
            return 1;
        }
        let draw = self.draw();
        if draw < dropped {
            0
        } else if draw < dropped + late {
            self.held.push((source, packet));
            0
        } else {
            1 + usize::from(draw < dropped + late + duplicated)
        }
    }

    /// A number from 0 to 1, by SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
    fn draw(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_kept_and_seeds_repeat() {
        let run = |seed| {
            let mut disturbance = Disturbance::default();
            disturbance.begin(PacketFaults { dropped: 0.2, duplicated: 0.1, late: 0.3, seed });
            let copies: Vec<usize> = (0..10_000).map(|key| disturbance.copies(None, Packet::new(key))).collect();
            (copies, disturbance.held.len())
        };
        let (copies, held) = run(5);
        let doubled = copies.iter().filter(|&&copies| copies == 2).count();
        let lost = copies.iter().filter(|&&copies| copies == 0).count() - held;
        assert!((900..1100).contains(&doubled) && (1900..2100).contains(&lost) && (2850..3150).contains(&held));
        assert_eq!(run(5), (copies, held));
        assert_ne!(run(6).0, run(5).0);
    }

    #[test]
    fn without_faults_every_packet_is_routed_once() {
        assert_eq!(Disturbance::default().copies(None, Packet::new(1)), 1);
    }
}
