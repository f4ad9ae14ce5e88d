//! How large the slices of a population may be.

use super::{
    job::Job,
    pace::Pace,
    slice::Slice,
    stored::{Share, Storage},
};
use crate::analysis::{projections::Projection, tables};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    ir::Element,
    neuron::Stages,
    qsnn::{Network, Numbers, State},
    s2k::MapLayout,
};

/// Bits of the sums into a population.
pub fn width(network: &Network, population: usize) -> Result<i64> {
    let input = network.nodes[population].inputs[0];
    Ok(if network.result(input)?.element == Element::I16 { 16 } else { 32 })
}

/// Ticks that a projection's sums are kept on top of the next update.
pub fn slot(network: &Network, population: usize, projection: &Projection) -> Result<i64> {
    let start = |index: usize| network.nodes[index].op.start();
    match (start(projection.source), start(population)) {
        (Some(from), Some(to)) => Ok(to + projection.ticks - from - 1),
        _ => Err(Box::new(Diagnostic::bug("`retiming` has not run"))),
    }
}

/// Bytes of the code of a PE, about.
const CODE: usize = 1024;

/// What a slice may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes for data.
    pub bytes: usize,
    /// Cycles per tick.
    pub cycles: f64,
}

/// What a population's neurons need.
pub struct Needs {
    /// The population's NIR node.
    pub node: String,
    /// The populations and inputs that it reads, once per projection.
    pub sources: Vec<usize>,
    /// Channels, rows and columns, where the population is a map.
    map: Option<[usize; 3]>,
    neurons: usize,
    /// Neurons of all sources.
    source_neurons: usize,
    /// Rows and columns of the maps that convolutions come from.
    taps: usize,
    /// Bytes of a packet.
    packet_bytes: u32,
    /// Cycles by size.
    pace: Pace,
    /// Bytes per neuron: rows of weights, sums, state, parameters.
    per_neuron: usize,
    /// Bytes of parameters that a slice of a map has per channel where that is what the kernel can count: as a part of
    /// those per neuron.
    repeating: usize,
    /// Bytes of convolution kernels per target channel.
    per_channel: usize,
    /// Bytes of rows of weights, as a part of those per neuron.
    rows: usize,
    /// Bytes of rows whatever the slice's size.
    padding: usize,
    /// Incoming synapses of a neuron, for messages.
    fan_in: usize,
    /// The most neurons of a slice, padding included, once larger ones have been found not to fit.
    most: usize,
    /// Bytes that a slice of more than that has been found to need.
    found: usize,
}

/// See [`Needs`].
pub fn needs(job: &Job<'_>, population: usize, storage: &Storage) -> Result<Needs> {
    let (network, projections) = (job.network, job.projections(population));
    let neurons = network.result(population)?.len().max(1);
    let (mut share, mut sources, mut slots) = (Share::default(), 0, 1);
    for (projection, stored) in projections.iter().zip(&storage.projections) {
        slots = slots.max(slot(network, population, projection)? + 1);
        let source = network.result(projection.source)?;
        sources += source.len();
        share += stored.share(&network.nodes[projection.connection].op, &source.shape, neurons);
    }
    let neuron = network.nodes[population].op.neuron().ok_or_else(|| Diagnostic::bug("not a population"))?;
    let parameters = match &neuron.state {
        State::Integers(stages) => words(stages),
        State::Floats(stages) => words(stages),
    };
    let mut per_neuron = share.per_neuron;
    // Sums, membrane, current, and a word for each parameter that may differ between neurons.
    per_neuron += slots as usize * storage.width as usize / 8;
    per_neuron += neuron.membrane_bytes() as usize;
    per_neuron += 4 * (parameters + usize::from(neuron.traits().has_current));
    let node = &network.nodes[population];
    Ok(Needs {
        node: node.op.node().unwrap_or(&node.name).to_owned(),
        sources: projections.iter().map(|projection| projection.source).collect(),
        map: job.map(population),
        neurons: network.result(population)?.len(),
        source_neurons: sources,
        taps: share.taps,
        packet_bytes: job.packet_bytes,
        pace: Pace::of(job, population, storage)?,
        per_neuron,
        repeating: if storage.repeats { 4 * parameters } else { 0 },
        per_channel: share.per_channel,
        rows: share.per_neuron,
        padding: share.fixed,
        fan_in: share.fan_in,
        most: usize::MAX,
        found: 0,
    })
}

/// Number of parameters that are stored per neuron. A padded threshold or readout always is.
fn words<N: Numbers>(stages: &Stages<N>) -> usize {
    stages.coefficients().iter().filter(|(_, values)| !values.is_uniform()).count().max(1)
}

/// A slice without its neurons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Piece {
    /// First neuron and number of neurons.
    Range(usize, usize),
    /// A piece of a map.
    Map(MapLayout),
}

impl Needs {
    /// Takes note of a slice of so many neurons that needs more bytes than there are.
    pub fn does_not_fit(&mut self, neurons: usize, needed: usize, available: usize) {
        self.most = self.most.min(neurons * available / needed.max(1)).min(neurons.saturating_sub(1));
        self.found = needed;
    }

    /// Cuts the population into the fewest slices that keep the limits, of about equal size. `pieces` is the number of
    /// pieces that its sources are cut into. Where the limit of cycles can't be kept, slices are as fast as can be.
    pub fn cut(&self, limits: Limits, pieces: usize) -> Result<Vec<Piece>> {
        let fixed = tables::estimate(self.sources.len(), pieces, self.source_neurons, self.taps, self.packet_bytes);
        let fixed = fixed as usize + self.padding;
        let room = Limits { bytes: limits.bytes.saturating_sub(fixed), ..limits };
        let pieces = match self.map {
            Some(map) => self.cut_map(map, room),
            None => self.cut_range(self.neurons, room),
        };
        pieces.ok_or_else(|| {
            let least = (fixed + 4 * (self.per_neuron + self.per_channel)).max(self.found);
            let hint = match self.weights_dominate() {
                true => "use fewer --weight-bits, or split the fan-in over several nodes",
                false => "split the layer into several nodes",
            };
            Box::new(
                Diagnostic::error("neuron-too-big", "not even four neurons fit into a PE")
                    .at_node(&self.node)
                    .text(format!(
                        "Four neurons with {} incoming synapses each need at least {least} bytes; a PE has {} for data.",
                        self.fan_in, limits.bytes
                    ))
                    .hint(hint),
            )
        })
    }

    /// Whether most of the memory holds weights.
    pub fn weights_dominate(&self) -> bool {
        2 * (self.rows + self.per_channel) > self.per_neuron + self.per_channel
    }

    /// Bytes per neuron and per channel of a slice with some channels.
    fn bytes_with(&self, channels: usize) -> (usize, usize) {
        match channels.is_power_of_two() {
            // Twice what the parameters take may be lost to their alignment.
            true => (self.per_neuron - self.repeating, self.per_channel + 3 * self.repeating),
            false => (self.per_neuron, self.per_channel),
        }
    }

    /// Bytes of all slices together, about. `sources` is the number of pieces that its sources are cut into.
    pub fn bytes(&self, pieces: &[Piece], sources: usize) -> usize {
        let fixed =
            tables::estimate(self.sources.len(), sources, self.source_neurons, self.taps, self.packet_bytes) as usize;
        let ring = tables::ring_bytes(self.source_neurons as i64, self.packet_bytes) as usize;
        let slice = |piece: &Piece| match piece {
            Piece::Range(_, count) => count * self.per_neuron,
            Piece::Map(layout) => {
                let (per_neuron, per_channel) = self.bytes_with(layout.padded);
                layout.count() * per_neuron + layout.padded * per_channel
            }
        };
        pieces.iter().map(slice).sum::<usize>() + pieces.len() * (fixed + self.padding + ring + CODE)
    }

    /// Cycles of the population's busiest slice.
    pub fn cycles(&self, pieces: &[Piece]) -> f64 {
        let cycles = |piece: &Piece| match piece {
            Piece::Range(_, count) => self.pace.of_range(*count),
            Piece::Map(layout) => self.pace.of_map(layout.padded, layout.map[1], layout.map[2]).cycles(layout.rows),
        };
        pieces.iter().map(cycles).fold(0.0, f64::max)
    }

    fn cut_range(&self, count: usize, room: Limits) -> Option<Vec<Piece>> {
        let fit = (room.bytes / self.per_neuron.max(1)).min(self.most) & !3;
        if fit == 0 {
            return None;
        }
        let most = fit.min((self.pace.most(room.cycles) & !3).max(4));
        let size = count.div_ceil(count.div_ceil(most).max(1)).next_multiple_of(4).min(count.max(1));
        Some((0..count).step_by(size).map(|first| Piece::Range(first, size.min(count - first))).collect())
    }

    /// Rows of all channels, or of some: whichever takes fewer PEs, and all channels where it makes no difference,
    /// because then a spike's taps lie in fewer PEs.
    fn cut_map(&self, [channels, height, width]: [usize; 3], room: Limits) -> Option<Vec<Piece>> {
        // Cycles above the limit, PEs, channels and rows of the best cut so far.
        let mut best: Option<(f64, usize, usize, usize)> = None;
        for groups in 1..=channels.div_ceil(4) {
            let per_group = channels.div_ceil(groups).next_multiple_of(4);
            let (per_neuron, per_channel) = self.bytes_with(per_group);
            let row_bytes = per_group * width * per_neuron;
            let fit = (room.bytes.saturating_sub(per_group * per_channel) / row_bytes.max(1))
                .min(self.most / (per_group * width));
            let fit = fit.min(height);
            if fit == 0 {
                continue;
            }
            let pace = self.pace.of_map(per_group, height, width);
            let cycles = |rows: usize| pace.cycles(rows);
            let rows = (1..=fit).rev().find(|&rows| cycles(rows) <= room.cycles).unwrap_or(1);
            // The last slice is about as large as the others.
            let rows = height.div_ceil(height.div_ceil(rows));
            let excess = (cycles(rows) - room.cycles).max(0.0);
            let pes = channels.div_ceil(per_group) * height.div_ceil(rows);
            if best.is_none_or(|(least, fewest, ..)| excess < least || excess == least && pes < fewest) {
                best = Some((excess, pes, per_group, rows));
            }
        }
        let (_, _, per_group, rows) = best?;
        let mut pieces = Vec::new();
        for channel in (0..channels).step_by(per_group) {
            let here = per_group.min(channels - channel);
            for row in (0..height).step_by(rows) {
                let map = [channels, height, width];
                let (padded, rows) = (here.next_multiple_of(4), rows.min(height - row));
                pieces.push(Piece::Map(MapLayout { map, channel, channels: here, padded, row, rows }));
            }
        }
        Some(pieces)
    }
}

/// The slices of a population's pieces.
pub fn slices(node: &str, pieces: Vec<Piece>) -> Vec<Slice> {
    let several = pieces.len() > 1;
    let named = pieces.into_iter().enumerate().map(|(number, piece)| {
        let name = if several { format!("{node}:{number}") } else { node.to_owned() };
        match piece {
            Piece::Range(first, count) => Slice::range(name, first, count),
            Piece::Map(layout) => Slice::map(name, layout),
        }
    });
    named.collect()
}
