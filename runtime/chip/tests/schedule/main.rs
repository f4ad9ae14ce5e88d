//! Ticks, routing and faults of whole chips.

#[path = "../common/mod.rs"]
mod common;
mod relay;

use common::config;
use relay::{COUNT, LAST_KEY, image, program};
use s2c_chip::{
    Chip, ChipConfig, Destination, DropReason, Fault, Packet, PeId, RouterEntry, SetupError, TickReport, Trap,
};

fn entry(key: u32, destination: Destination) -> RouterEntry {
    RouterEntry { key, mask: !0, route: vec![destination] }
}

fn qpe(x: u8, y: u8, cores: u8) -> Destination {
    Destination::Qpe { x, y, cores }
}

#[test]
fn two_pes_exchange_packets() {
    let images = vec![image((0, 1, 1, 0), 4, 0x10, 1), image((0, 2, 1, 3), 4, 0x20, 0)];
    let table = vec![entry(0x10, qpe(2, 1, 8)), entry(0x20, qpe(1, 1, 1))];
    let mut chip = Chip::new(config(), images, vec![table]).unwrap();
    for tick in 0..6 {
        let report = chip.step(&[]).unwrap();
        let expected = if tick % 2 == 0 { (0, Packet::new(0x10)) } else { (1, Packet::new(0x20)) };
        assert_eq!(report.sent, [expected]);
        // From (1, 1) to the router at (4, 3) and on to (2, 1), or back.
        assert_eq!(report.max_packet_cycles, (5 + 4) * 5);
        assert!(report.max_cycles > 0);
    }
    let stats = chip.stats();
    assert_eq!((stats.ticks, stats.network.packets, stats.network.hops), (6, 6, 6 * 9));
    assert_eq!(stats.pes.iter().map(|pe| (pe.packets_sent, pe.packets_received)).collect::<Vec<_>>(), [(3, 3), (3, 3)]);
    assert_eq!(chip.read_word(1, LAST_KEY), Some(0x10));

    chip.reset().unwrap();
    assert_eq!(chip.read_word(1, LAST_KEY), Some(0));
    assert_eq!(chip.step(&[]).unwrap().sent, [(0, Packet::new(0x10))]);
    assert_eq!(chip.stats().ticks, 7);
}

#[test]
fn a_full_ring_delays_packets_but_loses_none() {
    let table = vec![entry(0x77, qpe(1, 1, 1))];
    let mut chip = Chip::new(config(), vec![image((0, 1, 1, 0), 3, 1, 0)], vec![table]).unwrap();
    chip.step(&[Packet::new(0x77); 11]).unwrap();
    assert_eq!(chip.read_word(0, COUNT), Some(11));
    let stats = chip.stats().total();
    assert_eq!((stats.packets_received, stats.max_ring_fill), (11, 2));
}

#[test]
fn the_host_sends_and_receives() {
    let route = vec![qpe(1, 1, 1), Destination::Host];
    let table = vec![RouterEntry { key: 0x40, mask: 0xF0, route }, entry(1, Destination::Host)];
    let mut chip = Chip::new(config(), vec![image((0, 1, 1, 0), 4, 1, 0)], vec![table]).unwrap();
    let input = Packet { key: 0x42, payload: Some(9) };
    let first = chip.step(&[input]).unwrap();
    assert_eq!((first.host, first.sent), (vec![input], vec![]));
    let second = chip.step(&[]).unwrap();
    assert_eq!((second.host, second.sent), (vec![Packet::new(1)], vec![(0, Packet::new(1))]));
}

#[test]
fn packets_without_a_route_are_reported() {
    let mut chip = Chip::new(config(), vec![image((0, 1, 1, 0), 4, 5, 1)], vec![]).unwrap();
    let dropped = chip.step(&[Packet::new(6)]).unwrap().dropped;
    let keys: Vec<_> = dropped.iter().map(|dropped| (dropped.packet.key, dropped.reason)).collect();
    assert_eq!(keys, [(6, DropReason::Unmatched), (5, DropReason::Unmatched)]);
    assert_eq!(chip.stats().network.dropped, 2);
}

#[test]
fn packets_cross_links_between_chips() {
    let images = vec![image((0, 1, 1, 0), 4, 0x10, 1), image((3, 2, 2, 1), 4, 0x20, 0)];
    // Chips 0 and 1 are the lower row, 2 and 3 the upper one.
    let tables = vec![
        vec![entry(0x10, Destination::Link(0))],
        vec![entry(0x10, Destination::Link(2))],
        vec![],
        vec![entry(0x10, qpe(2, 2, 2))],
    ];
    let mut chip = Chip::new(ChipConfig { chips: (2, 2), ..config() }, images, tables).unwrap();
    chip.step(&[]).unwrap();
    assert_eq!(chip.read_word(1, LAST_KEY), Some(0x10));
    assert_eq!(chip.stats().network.link_packets, 2);
}

#[test]
fn packets_sent_while_receiving_arrive_in_the_same_tick() {
    let key = 0x8000_0001;
    let images = vec![image((0, 1, 1, 0), 4, 0x10, 0), image((0, 1, 1, 1), 4, 0x20, 0)];
    let table = vec![entry(key, qpe(1, 1, 1)), entry(0x10, qpe(1, 1, 2))];
    let mut chip = Chip::new(config(), images, vec![table]).unwrap();
    chip.step(&[Packet::new(key)]).unwrap();
    assert_eq!(chip.read_word(1, COUNT), Some(1));
}

#[test]
fn endless_packets_are_a_fault() {
    let key = 0x8000_0001;
    let table = vec![entry(key, qpe(1, 1, 1))];
    let mut chip = Chip::new(config(), vec![image((0, 1, 1, 0), 4, key, 1)], vec![table]).unwrap();
    assert!(matches!(chip.step(&[]), Err(Fault::PacketStorm { .. })));
    // A reset leaves nothing of the storm behind.
    chip.reset().unwrap();
    assert_eq!(chip.read_word(0, COUNT), Some(1));
}

#[test]
fn faults_name_the_first_pe_and_the_instruction() {
    // wfi; nop; udf #3
    let bad = |core| program((0, 2, 5, core), &[0xBF30, 0xBF00, 0xDE03]);
    let images = vec![image((0, 1, 1, 0), 4, 1, 0), bad(2), bad(1)];
    let mut chip = Chip::new(config(), images, vec![]).unwrap();
    let pe = PeId { chip: 0, x: 2, y: 5, core: 2 };
    let trap = Trap::Undefined { first: 0xDE03, second: 0 };
    let fault = chip.step(&[]).unwrap_err();
    assert_eq!(fault, Fault::Core { pe, pc: 12, trap });
    assert_eq!(fault.to_string(), "PE chip 0 (2, 5) core 2, pc 0x0000000c: undefined instruction de03 0000");
}

#[test]
fn endless_loops_exceed_the_budget() {
    // wfi; b .
    let mut chip = Chip::new(config(), vec![program((0, 1, 1, 0), &[0xBF30, 0xE7FE])], vec![]).unwrap();
    assert!(matches!(chip.step(&[]), Err(Fault::Core { pc: 10, trap: Trap::Budget, .. })));
}

#[test]
fn a_pe_without_a_ring_cannot_receive() {
    // wfi, then movw r0, #0; movt r0, #0xe100; str r0, [r0, #4]; b back to wfi
    let code = [0xBF30, 0xF240, 0x0000, 0xF2CE, 0x1000, 0x6040, 0xE7F8];
    let table = vec![entry(1, qpe(1, 1, 1))];
    let mut chip = Chip::new(config(), vec![program((0, 1, 1, 0), &code)], vec![table]).unwrap();
    chip.step(&[]).unwrap();
    let fault = chip.step(&[Packet::new(1)]);
    assert!(matches!(fault, Err(Fault::Core { trap: Trap::ReceptionDisabled, .. })));
}

#[test]
fn unusable_setups_are_refused() {
    let build = |images, tables| Chip::new(config(), images, tables).map(|_| ()).unwrap_err();
    let relay = |chip| image((chip, 1, 1, 0), 4, 1, 0);
    assert_eq!(build(vec![relay(1)], vec![]), SetupError::NoSuchChip { chip: 1 });
    assert!(matches!(build(vec![relay(0), relay(0)], vec![]), SetupError::DuplicatePe { .. }));
    let mut large = relay(0);
    large.segments.push((0x3FFF, [0; 2].into()));
    assert!(matches!(build(vec![large], vec![]), SetupError::Segment { address: 0x3FFF, length: 2, .. }));
    let table = vec![entry(0, Destination::Host); 1025];
    assert!(matches!(build(vec![], vec![table]), SetupError::TooManyEntries { entries: 1025, .. }));
    // udf #0 before the first wfi
    assert!(matches!(build(vec![program((0, 1, 1, 0), &[0xDE00])], vec![]), SetupError::Boot(_)));
}

#[test]
fn a_debugger_can_replace_code() {
    let mut chip =
        Chip::new(config(), vec![image((0, 1, 1, 0), 4, 1, 0), image((0, 1, 1, 1), 4, 1, 0)], vec![]).unwrap();
    // udf #0 after the first wfi, in one of two PEs with the same code
    assert_eq!(chip.write(0, 30, &[0x00, 0xDE]), Some(()));
    assert!(matches!(chip.step(&[]), Err(Fault::Core { pe: PeId { core: 0, .. }, pc: 30, .. })));
    assert_eq!(chip.write(0, 0x3FFF, &[0, 0]), None);
    chip.reset().unwrap();
    chip.step(&[]).unwrap();
}

/// Many PEs that send to each other and to the host, on a given number of threads.
fn crowd(threads: usize) -> Vec<TickReport> {
    let place = |index: u32| ((index / 24 + 1) as u8, (index / 4 % 6 + 1) as u8, (index % 4) as u8);
    let images = (0..96).map(|index| {
        let (x, y, core) = place(index);
        image((0, x, y, core), 5, index, index % 3)
    });
    let table = (0..96).map(|index| {
        let target = |step: u32| {
            let (x, y, core) = place((index * 7 + step) % 96);
            qpe(x, y, 1 << core)
        };
        RouterEntry { key: index, mask: !0, route: vec![target(1), Destination::Host] }
    });
    let mut chip = Chip::new(config(), images.collect(), vec![table.collect()]).unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| (0..20).map(|tick| chip.step(&[Packet::new(tick)]).unwrap()).collect())
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let reports = crowd(1);
    assert!(reports.iter().all(|report| report.sent.len() > 50 && report.host.len() > 50));
    assert_eq!(reports, crowd(2));
}
