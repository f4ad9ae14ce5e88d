//! Traffic: how many packets go from whom to whom in a tick, as expected, and how far they travel.
//!
//! A source's packets per tick are its neurons times their rate (see [`RATE`]), 1 for graded values. On a chip a packet goes from
//! its QPE to the router and from there, once, to every QPE with a PE that reads it; between chips it follows the tree
//! of [`Torus`]. The unit is a hop between neighbouring QPEs; a link counts as many as it takes cycles.

use super::torus::Torus;
use crate::{
    option_spec::{self, Form, Heading, OptionSpec},
    options::Options,
    target::Target,
};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    s2k::{Pe, Program},
};
use std::collections::{BTreeMap, BTreeSet};

/// Something that sends packets: a host input or a slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Sender {
    /// Name of the input or slice.
    pub name: String,
    /// Index of its PE; none for the host.
    pub pe: Option<usize>,
    /// Packets per tick.
    pub packets: f64,
    /// Indices of the PEs that hold synapses from it, ascending.
    pub readers: Vec<usize>,
    /// Whether the host receives its packets.
    pub to_host: bool,
}

/// What travels in a tick, on average.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Travel {
    /// Packets sent, those of the host included.
    pub packets: f64,
    /// Packets received by PEs.
    pub deliveries: f64,
    /// Hops between neighbouring QPEs.
    pub hops: f64,
    /// Links between chips.
    pub links: f64,
}

/// A place on the machine: chip, and column, row and core on it.
pub type Place = (usize, [u8; 3]);

/// Spikes that are expected of inputs and populations.
pub const RATE: OptionSpec = OptionSpec {
    name: "rate",
    value: "RATE|NODE=RATE",
    help: "Expected spikes per neuron and tick, of all inputs and populations or of one",
    form: Form::PerNode,
    set: |options, node, text| {
        option_spec::number(text, |rate| rate >= 0.0, "spikes per neuron and tick, for example 0.05")
            .map(|rate| options.rate.set(node, rate))
    },
    get: |options| option_spec::each(&options.rate, |rate| Some(rate.to_string())),
    ..OptionSpec::of(Heading::Mapping)
};
/// The same for many, from a file.
pub const RATES: OptionSpec = OptionSpec {
    name: "rates",
    value: "FILE",
    help: "Take the expected rates from the statistics of a run (s2c run --stats FILE)",
    ..OptionSpec::of(Heading::Mapping)
};
/// Length of a tick on the machine.
pub const TICK: OptionSpec = OptionSpec {
    name: "tick",
    value: "SECONDS",
    help: "Time that the machine has for a tick [default: the network's dt]",
    set: |options, _, text| {
        option_spec::number(text, |tick| tick > 0.0, "a positive number of seconds")
            .map(|tick| options.tick = Some(tick))
    },
    get: |options| option_spec::some(options.tick, |tick| format!("{tick:e}")),
    ..OptionSpec::of(Heading::Mapping)
};

/// All senders of a program: host inputs first, then slices, in order.
pub fn senders(program: &Program, options: &Options) -> Result<Vec<Sender>> {
    let mut readers: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (index, pe) in program.pes.iter().enumerate() {
        for block in &pe.blocks {
            readers.entry(block.head.source.as_str()).or_default().insert(index);
        }
    }
    let outputs: BTreeSet<&str> = program.outputs.iter().map(|output| output.population.as_str()).collect();
    let sender = |name: &str, node: &str, pe, packets: f64| Sender {
        name: name.to_owned(),
        pe,
        packets,
        readers: readers.get(name).into_iter().flatten().copied().collect(),
        to_host: pe.is_some() && outputs.contains(node),
    };
    // Values are sent in every tick.
    let packets = |node: &str, is_graded: bool, neurons: i64| {
        if is_graded { neurons as f64 } else { options.rate.at(node) * neurons as f64 }
    };
    let inputs = program.inputs.iter().map(|input| {
        let packets = packets(&input.node, input.fraction.is_some(), input.shape.iter().product());
        sender(&input.node, &input.node, None, packets)
    });
    let slices = program.slices().map(|(pe, update)| {
        let packets = packets(&update.population, update.fraction.is_some(), update.neurons() as i64);
        sender(&update.slice, &update.population, Some(pe), packets)
    });
    Ok(inputs.chain(slices).collect())
}

/// Where a PE is.
pub fn place_of(pe: &Pe) -> Result<Place> {
    let numbers = pe.place.as_deref().ok_or_else(|| Diagnostic::bug("`placement` has not run"))?;
    match *numbers {
        [chip, column, row, core] => Ok((chip as usize, [column as u8, row as u8, core as u8])),
        _ => Err(Box::new(Diagnostic::bug(format!("`{}` has no place of four numbers", pe.name)))),
    }
}

/// What the senders' packets travel when the PEs are at `places`.
pub fn travel(target: &Target, senders: &[Sender], places: &[Place]) -> Travel {
    let torus = Torus::of(target);
    let host = target.chips.host as usize;
    let distance = |[x, y, _]: [u8; 3]| f64::from(target.distance([x, y]));
    let mut travel = Travel::default();
    for sender in senders {
        let home = sender.pe.map(|pe| places[pe]);
        let qpes: BTreeSet<(usize, [u8; 2])> = sender
            .readers
            .iter()
            .map(|&reader| (places[reader].0, [places[reader].1[0], places[reader].1[1]]))
            .collect();
        let chips: BTreeSet<usize> = qpes.iter().map(|&(chip, _)| chip).chain(sender.to_host.then_some(host)).collect();
        let links = torus.links(home.map_or(host, |(chip, _)| chip), chips);
        let hops: u32 = qpes.iter().map(|&(_, qpe)| target.distance(qpe)).sum();
        travel.packets += sender.packets;
        travel.deliveries += sender.packets * sender.readers.len() as f64;
        travel.hops += sender.packets * (home.map_or(0.0, |(_, place)| distance(place)) + f64::from(hops));
        travel.links += sender.packets * links as f64;
    }
    travel
}

impl Travel {
    /// Everything in hops.
    pub fn cost(&self, target: &Target) -> f64 {
        self.hops + self.links * link_cost(target)
    }
}

/// Hops that a link between chips counts as.
pub fn link_cost(target: &Target) -> f64 {
    f64::from(target.comms.cycles_per_link) / f64::from(target.comms.cycles_per_hop.max(1))
}

/// The naive placement: PEs in the order of the program, chip by chip from the host's on, QPE by QPE from the router on.
pub fn in_order(target: &Target, pes: usize) -> Vec<Place> {
    let (host, count) = (target.chips.host as usize, target.chip_count());
    let chips = (0..count).map(|number| (host + number) % count);
    chips.flat_map(|chip| target.places(chip).map(move |place| (chip, place))).take(pes).collect()
}
