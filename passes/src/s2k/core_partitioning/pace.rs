//! How many cycles a slice of a population takes in a tick, as a function of its size.

use super::{
    slice::{Slice, map_of},
    stored::{self, Storage},
    update,
};
use crate::{
    analysis::{
        cost::CostModel,
        projections::{self, Projection},
        variants::update_kernel,
    },
    options::Options,
    target::{Cycles, Target},
};
use s2c_dialects::{
    diagnostic::Result,
    qsnn::{Network, Op},
    s2k::{MapLayout, Pe},
};
use s2c_kernels::{Accumulator, ConvKernel, Factor, GROUP, OneToOneKernel};

/// Lengths of rows between which costs are taken to be linear.
const LENGTHS: [u32; 2] = [64, 256];

/// The cycles of a population's slices.
pub struct Pace {
    /// Cycles per neuron: its update, its spikes, the weights of all rows that end at it.
    per_neuron: f64,
    /// Cycles whatever the slice's size: the tick, and the packets of dense projections.
    fixed: f64,
    /// The runtime's cycles per packet.
    packet: f64,
    convolutions: Vec<Scatter>,
    cycles: Cycles,
}

/// The packets of a convolution.
struct Scatter {
    /// Packets per row of the source map.
    per_row: f64,
    /// Rows of the source map.
    rows: usize,
    /// Rows of the source map between neighbouring output rows.
    step: usize,
    /// Rows of the source map that an output row sees.
    reach: usize,
    kernel: ConvKernel,
}

/// The cycles of slices of a map that hold some channels, by their number of rows.
pub struct MapPace {
    fixed: f64,
    per_row: f64,
    /// For each convolution: cycles per row of the source, rows of the source, step and reach.
    packets: Vec<(f64, usize, usize, usize)>,
}

impl Pace {
    /// The pace of a population, with the rates that are expected of its sources.
    pub fn of(
        target: &Target,
        network: &Network,
        population: usize,
        options: &Options,
        storage: &Storage,
    ) -> Result<Self> {
        let model = CostModel::new(&target.cycles);
        let rate = |index: usize| match &network.nodes[index].op {
            // Values are sent in every tick.
            op if op.fraction().is_some() => 1.0,
            op => op.node().map_or(0.0, |node| options.rate.at(node)),
        };
        let sums = storage.width;
        let mut pace = Self {
            per_neuron: 0.0,
            fixed: model.tick().cycles,
            packet: model.packet(1).cycles,
            convolutions: Vec::new(),
            cycles: target.cycles.clone(),
        };
        // Weights that arrive at a neuron.
        let mut reach = 0.0;
        for (projection, stored) in projections::of_qsnn(network, population)?.iter().zip(&storage.projections) {
            let source = network.result(projection.source)?;
            let rate = rate(projection.source);
            match &network.nodes[projection.connection].op {
                Op::Dense(op) => {
                    let packets = rate * source.len() as f64;
                    let factor = factor_of(network, projection);
                    let [short, long] = LENGTHS.map(|length| stored.mean_cycles(&model, op, length, sums, factor));
                    let per_weight = (long - short) / f64::from(LENGTHS[1] - LENGTHS[0]);
                    pace.per_neuron += packets * per_weight;
                    pace.fixed += packets * (pace.packet + short - per_weight * f64::from(LENGTHS[0]));
                    reach += packets;
                }
                Op::Conv2d(op) => {
                    let Some(geometry) = op.geometry(&source.shape) else { continue };
                    let factor = factor_of(network, projection);
                    let [channels, rows, columns] = geometry.input;
                    let kernel = ConvKernel { factor, ..stored::convolution(stored.width(), &geometry, 4, sums) };
                    let scatter = Scatter {
                        per_row: rate * (channels * columns) as f64,
                        rows,
                        step: geometry.stride[0] * geometry.pool[0],
                        reach: (geometry.dilation[0] * (geometry.kernel[0] - 1) + 1) * geometry.pool[0],
                        kernel,
                    };
                    let places = (geometry.output()[1] * geometry.output()[2]).max(1) as f64;
                    let kernel = &scatter.kernel;
                    reach += scatter.per_row * rows as f64 * kernel.taps(0) * kernel.taps(1) / places;
                    pace.convolutions.push(scatter);
                }
                // Each neuron gets the packets of its own source neuron.
                Op::Scale(_) => {
                    let kernel = OneToOneKernel {
                        accumulators: Accumulator::of_bits(sums),
                        factor: factor_of(network, projection),
                    };
                    pace.per_neuron += rate * (pace.packet + model.one_to_one(&kernel).cycles);
                    reach += rate;
                }
                _ => {}
            }
        }
        let update = model.update(&update_kernel(&update::update(
            network,
            population,
            &sample(network, population)?,
            1,
            storage,
            &mut Pe::default(),
        )?)?);
        let active = reach.min(1.0);
        let group = update.group.cycles * active + update.silent.cycles * (1.0 - active);
        pace.fixed += update.fixed.cycles;
        pace.per_neuron += group / f64::from(GROUP) + update.spike.cycles * rate(population);
        Ok(pace)
    }

    /// Cycles of a slice of some neurons.
    pub fn of_range(&self, neurons: usize) -> f64 {
        self.fixed + self.per_neuron * neurons as f64
    }

    /// The most neurons whose slice takes no more than some cycles.
    pub fn most(&self, cycles: f64) -> usize {
        ((cycles - self.fixed) / self.per_neuron).max(0.0) as usize
    }

    /// The pace of slices of some channels of a map of this many rows and columns.
    pub fn of_map(&self, channels: usize, height: usize, width: usize) -> MapPace {
        let mut pace = MapPace {
            fixed: self.fixed,
            per_row: self.per_neuron * (channels * width) as f64,
            packets: Vec::with_capacity(self.convolutions.len()),
        };
        for scatter in &self.convolutions {
            let kernel = ConvKernel { target_channels: channels as u32, ..scatter.kernel.clone() };
            let model = CostModel::new(&self.cycles);
            let packet = model.convolution_packet(&kernel).cycles;
            let adding = model.convolution(&kernel).cycles - packet;
            pace.per_row += scatter.per_row * scatter.rows as f64 * adding / height as f64;
            let packets = scatter.per_row * (self.packet + packet);
            pace.packets.push((packets, scatter.rows, scatter.step, scatter.reach));
        }
        pace
    }
}

impl MapPace {
    /// Cycles of a slice of some rows.
    pub fn cycles(&self, rows: usize) -> f64 {
        let packets = self
            .packets
            .iter()
            .map(|&(per_row, most, step, reach)| per_row * ((rows - 1) * step + reach).min(most) as f64);
        self.fixed + self.per_row * rows as f64 + packets.sum::<f64>()
    }
}

/// What the packets of a projection multiply weights by.
fn factor_of(network: &Network, projection: &Projection) -> Factor {
    let shift = network.nodes[projection.connection].op.shift();
    Factor::new(network.nodes[projection.source].op.fraction().is_some(), Some(shift))
}

/// A slice like those that the population is cut into.
fn sample(network: &Network, population: usize) -> Result<Slice> {
    Ok(match map_of(network, population)? {
        Some(map) => {
            let layout = MapLayout { padded: map[0].next_multiple_of(4), rows: 1, ..MapLayout::whole(map) };
            Slice::map(String::new(), layout)
        }
        None => Slice::range(String::new(), 0, network.result(population)?.len().min(64)),
    })
}
