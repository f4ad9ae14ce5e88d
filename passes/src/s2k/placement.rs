//! Placement: a place on the grid for each PE.
//!
//! Needs: an `s2k` program.
//! Gives: `[chip, column, row, core]` on every PE, each place used once. As few chips as hold the PEs are used, from the
//! host's chip on. First PEs are dealt to chips so that packets cross few links, then those of each chip to QPEs: PEs
//! that read the same packets share a QPE, which gets them once, and the busiest QPEs come next to the router. -O0 keeps
//! the order of the program, and so does every level where nothing better is found.
//! Example: the first PE comes to the QPE that is nearest to the router.
//! Limits: the rates are expected ones; congestion within a chip is not considered.
//! Source: the cost is packets x hops (`analysis/traffic.rs`); all packets pass the chip's router. The search is
//! simulated annealing (Kirkpatrick, Gelatt and Vecchi, Science 220, 1983) with a fixed seed.

mod anneal;

use crate::{
    analysis::{
        torus::Torus,
        traffic::{self, Place, RATE, RATES, Sender},
    },
    option_spec::{Form, Heading, OptionSpec},
    options::Level,
    session::{LEVEL, Session},
    target::{TARGET, Target},
};
use anneal::{Problem, Wire};
use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
    s2k::Program,
};

/// PEs that are left out.
pub const DEAD_PE: OptionSpec = OptionSpec {
    name: "dead-pe",
    value: "CHIP,COLUMN,ROW,CORE",
    help: "A PE that does not work; may be given several times",
    form: Form::Repeated,
    set: |options, _, text| {
        let numbers: Option<Vec<u32>> = text.split(',').map(|number| number.parse().ok()).collect();
        let pe = numbers.and_then(|numbers| numbers.try_into().ok());
        pe.map(|pe| options.dead.push(pe)).ok_or_else(|| "expected CHIP,COLUMN,ROW,CORE".to_owned())
    },
    get: |options| options.dead.iter().map(|pe| (None, pe.map(|number| number.to_string()).join(","))).collect(),
    ..OptionSpec::of(Heading::Mapping)
};
/// What decides where a PE's program goes.
pub const OPTIONS: &[&OptionSpec] = &[&LEVEL, &TARGET, &RATE, &RATES, &DEAD_PE];

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut program = Program::read(&module)?;
    let target = &session.target;
    let available = target.pe_count();
    if program.pes.len() > available {
        return Err(Box::new(
            Diagnostic::error("too-many-pes", format!("the program needs {} PEs", program.pes.len()))
                .text(format!("Target `{}` has {available} for applications.", target.name))
                .hint("use the target that it was cut for, or one with more chips"),
        ));
    }
    let senders = traffic::senders(&program, &session.options)?;
    let mut places = traffic::in_order(target, program.pes.len());
    if session.options.level > Level::O0 {
        let refined = refine(target, &senders, &places);
        let cost = |places: &[Place]| traffic::travel(target, &senders, places).cost(target);
        if cost(&refined) < cost(&places) {
            places = refined;
        }
    }
    for (pe, (chip, [column, row, core])) in program.pes.iter_mut().zip(places) {
        pe.place = Some(vec![chip as i64, column.into(), row.into(), core.into()]);
    }
    program.write(session.context)
}

fn refine(target: &Target, senders: &[Sender], start: &[Place]) -> Vec<Place> {
    let mut chips: Vec<usize> = start.iter().map(|&(chip, _)| chip).collect();
    chips.dedup();
    let mut chip_of: Vec<usize> = start.iter().map(|&(chip, _)| chip).collect();
    if chips.len() > 1 {
        chip_of = deal_to_chips(target, senders, &chips, &chip_of);
    }
    let mut places = start.to_vec();
    for chip in chips {
        let mine: Vec<usize> = (0..places.len()).filter(|&pe| chip_of[pe] == chip).collect();
        for (&pe, place) in mine.iter().zip(deal_to_qpes(target, senders, chip, &mine)) {
            places[pe] = (chip, place);
        }
    }
    places
}

/// The chip of each PE, given one to start with.
fn deal_to_chips(target: &Target, senders: &[Sender], chips: &[usize], start: &[usize]) -> Vec<usize> {
    let (torus, host) = (Torus::of(target), target.chips.host as usize);
    let number = |chip: usize| chips.iter().position(|&other| other == chip).unwrap_or(0);
    let wires: Vec<Wire> = senders.iter().map(|s| Wire { home: s.pe, readers: s.readers.clone() }).collect();
    let cost = |wire: usize, home: Option<usize>, readers: &[u32]| {
        let there = readers.iter().zip(chips).filter(|(count, _)| **count > 0).map(|(_, &chip)| chip);
        let links =
            torus.links(home.map_or(host, |home| chips[home]), there.chain(senders[wire].to_host.then_some(host)));
        senders[wire].packets * links as f64
    };
    let problem = Problem {
        capacity: chips.iter().map(|&chip| target.places(chip).count()).collect(),
        wires: &wires,
        cost: &cost,
    };
    let start = start.iter().map(|&chip| number(chip)).collect();
    anneal::anneal(&problem, start).into_iter().map(|group| chips[group]).collect()
}

/// The place on `chip` of each of the PEs `mine`.
fn deal_to_qpes(target: &Target, senders: &[Sender], chip: usize, mine: &[usize]) -> Vec<[u8; 3]> {
    // QPEs from the router on, with their usable places.
    let mut qpes: Vec<Vec<[u8; 3]>> = Vec::new();
    for place in target.places(chip) {
        match qpes.last_mut() {
            Some(last) if last[0][..2] == place[..2] => last.push(place),
            _ => qpes.push(vec![place]),
        }
    }
    let distances: Vec<f64> = qpes.iter().map(|qpe| f64::from(target.distance([qpe[0][0], qpe[0][1]]))).collect();
    let local = |pe: &usize| mine.binary_search(pe).ok();
    let (mut wires, mut packets) = (Vec::new(), Vec::new());
    for sender in senders {
        let wire = Wire {
            home: sender.pe.as_ref().and_then(local),
            readers: sender.readers.iter().filter_map(local).collect(),
        };
        if wire.home.is_some() || !wire.readers.is_empty() {
            wires.push(wire);
            packets.push(sender.packets);
        }
    }
    let cost = |wire: usize, home: Option<usize>, readers: &[u32]| {
        let there = readers.iter().zip(&distances).filter(|(count, _)| **count > 0).map(|(_, distance)| distance);
        packets[wire] * (home.map_or(0.0, |home| distances[home]) + there.sum::<f64>())
    };
    let problem = Problem { capacity: qpes.iter().map(Vec::len).collect(), wires: &wires, cost: &cost };
    let start = qpes.iter().enumerate().flat_map(|(number, qpe)| qpe.iter().map(move |_| number)).take(mine.len());
    let mut group_of = anneal::anneal(&problem, start.collect());
    by_traffic(&problem, &packets, &mut group_of);
    let mut free = qpes;
    free.iter_mut().for_each(|qpe| qpe.reverse());
    group_of.into_iter().filter_map(|group| free[group].pop()).collect()
}

/// Exchanges the contents of QPEs of equal size so that those with more packets are nearer to the router, which for
/// given contents costs least (rearrangement inequality).
fn by_traffic(problem: &Problem<'_>, packets: &[f64], group_of: &mut [usize]) {
    let mut traffic = vec![0.0; problem.capacity.len()];
    for (wire, packets) in problem.wires.iter().zip(packets) {
        let groups: std::collections::BTreeSet<usize> = wire.readers.iter().map(|&reader| group_of[reader]).collect();
        for group in groups.into_iter().chain(wire.home.map(|home| group_of[home])) {
            traffic[group] += packets;
        }
    }
    let mut renamed: Vec<usize> = (0..problem.capacity.len()).collect();
    for size in 1..=problem.capacity.iter().copied().max().unwrap_or(0) {
        let slots: Vec<usize> = (0..renamed.len()).filter(|&group| problem.capacity[group] == size).collect();
        let mut busiest = slots.clone();
        busiest.sort_by(|&a, &b| traffic[b].total_cmp(&traffic[a]));
        busiest.iter().zip(&slots).for_each(|(&group, &slot)| renamed[group] = slot);
    }
    group_of.iter_mut().for_each(|group| *group = renamed[*group]);
}
