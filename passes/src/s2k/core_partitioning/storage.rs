//! How the weights into a population are stored: as dense rows of the narrowest width that pays, or as sparse rows.
//!
//! Of all ways that fit, the one with the fewest slices is taken, and of those the one whose rows take the fewest cycles.
//! Dense 8-bit rows are the fastest for most matrices; narrow and sparse rows win where they save a PE, and sparse ones
//! also where few weights are left.

use super::{
    cut::{self, Slice},
    map_of,
};
use crate::{
    analysis::{
        cost::CostModel,
        projections::{self, Projection},
        ranges::{self, Range},
    },
    options::{Level, Options},
    target::Target,
};
use s2c_dialects::{
    attribute::Reset,
    diagnostic::Result,
    qsnn::{Dense, Integers, Network, Op, PerNeuron, State},
    s2k::Values,
};
use s2c_kernels::{Accumulator, Factor, RowKernel, SparseKernel, WeightWidth};

/// How the weights of one projection are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Width of a weight.
    pub width: WeightWidth,
    /// Only weights that are not 0.
    pub sparse: bool,
}

/// How the weights of all projections into a population are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// In the order of the projections.
    pub projections: Vec<Stored>,
    /// Bits of the sums.
    pub width: i64,
    /// Base-2 logarithm of the factor by which sums are too large.
    pub scale_log2: u32,
    /// Whether parameters are stored once for all places of a map's channel.
    pub repeats: bool,
}

impl Stored {
    /// Weights of `bits` bits as they are.
    fn plain(bits: i64) -> Self {
        Self { width: if bits <= 8 { WeightWidth::W8 } else { WeightWidth::W16 }, sparse: false }
    }

    /// Bytes of a buffer of `rows` rows to so many neurons.
    pub fn bytes(self, values: &Values, rows: usize, neurons: usize, width: i64) -> usize {
        match values {
            Values::I8(weights) if self.sparse => {
                let kernel = SparseKernel { accumulators: accumulators(width) };
                let row = |row: usize| (row * neurons..(row + 1) * neurons).map(|index| weights.at(index).into());
                kernel.bytes((0..rows).map(|number| kernel.groups(row(number))))
            }
            _ => rows * self.row(neurons, width).row_bytes() as usize,
        }
    }

    /// Bytes of the rows of a matrix that a slice needs.
    fn bytes_of(self, op: &Dense, slice: &Slice, width: i64) -> usize {
        let columns = op.weight.shape()[1];
        if !self.sparse {
            return columns * self.row(slice.neurons.len(), width).row_bytes() as usize;
        }
        let kernel = SparseKernel { accumulators: accumulators(width) };
        kernel.bytes((0..columns).map(|column| kernel.groups(row(op, slice, column))))
    }

    /// The kernel of rows to so many neurons.
    pub fn row(self, neurons: usize, width: i64) -> RowKernel {
        let length = neurons.next_multiple_of(4) as u32;
        RowKernel { weights: self.width, accumulators: accumulators(width), length, factor: Factor::One }
    }

    /// Cycles of a packet to a slice of `length` neurons, on average over the whole matrix.
    pub fn cycles_of(self, model: &CostModel<'_>, op: &Dense, length: u32, width: i64) -> f64 {
        if !self.sparse {
            return model.row(&self.row(length as usize, width)).cycles;
        }
        let count: usize = op.weight.shape().iter().product();
        let there = (0..count).filter(|&index| op.weight.at(index) != 0).count();
        let groups = (there * length as usize).div_ceil(4 * count.max(1));
        model.sparse(&SparseKernel { accumulators: accumulators(width) }, groups).cycles
    }

    /// Cycles of a packet, on average.
    fn cycles(self, model: &CostModel<'_>, op: &Dense, slice: &Slice, width: i64) -> f64 {
        if !self.sparse {
            return model.row(&self.row(slice.neurons.len(), width)).cycles;
        }
        let kernel = SparseKernel { accumulators: accumulators(width) };
        let columns = op.weight.shape()[1];
        let groups: usize = (0..columns).map(|column| kernel.groups(row(op, slice, column))).sum();
        model.sparse(&kernel, groups.div_ceil(columns.max(1))).cycles
    }
}

fn accumulators(width: i64) -> Accumulator {
    if width == 16 { Accumulator::I16 } else { Accumulator::I32 }
}

/// The weights from one source neuron to a slice.
fn row(op: &Dense, slice: &Slice, source: usize) -> impl Iterator<Item = i32> {
    let columns = op.weight.shape()[1];
    slice.neurons.iter().map(move |target| target.map_or(0, |target| op.weight.at(target * columns + source)))
}

/// What is the least work to make: weights as they are, sums of 32 bits, all parameters.
pub fn straight(network: &Network, population: usize) -> Result<Storage> {
    let projections = projections::of_qsnn(network, population)?;
    let projections = bits(network, &projections).map(Stored::plain).collect();
    Ok(Storage { projections, width: 32, scale_log2: 0, repeats: false })
}

/// Whether a population is a map whose parameters are the same at all places of a channel. A kernel that takes pending
/// resets has no register left to count the channels with.
fn repeats(network: &Network, population: usize) -> Result<bool> {
    let Some([channels, height, width]) = map_of(network, population)? else { return Ok(false) };
    let Some(State::Integers(stages)) = network.nodes[population].op.neuron().map(|neuron| &neuron.state) else {
        return Ok(false);
    };
    let places = height * width;
    let alike = |values: &PerNeuron<'_, Integers>| {
        let same = |channel: usize| (1..places).all(|place| values.agree(channel * places + place, channel * places));
        values.is_uniform() || (0..channels).all(same)
    };
    let is_pending = stages.fire().is_some_and(|fire| fire.reset == Reset::SubtractPending);
    Ok(!is_pending && stages.coefficients().iter().all(|(_, values)| alike(values)))
}

/// Chooses how the weights into a population are stored, by the slices that memory alone asks for.
pub fn choose(target: &Target, network: &Network, population: usize, options: &Options) -> Result<Storage> {
    let projections = projections::of_qsnn(network, population)?;
    let width = cut::width(network, population)?;
    let plain = Storage {
        width,
        repeats: Level::O1.is_in(options.level) && repeats(network, population)?,
        ..straight(network, population)?
    };
    // What multiplies weights takes them as they are.
    let multiplies = |projection: &Projection| {
        let connection = &network.nodes[projection.connection].op;
        network.nodes[projection.source].op.fraction().is_some() || connection.shift() != 0
    };
    if !matches!(options.level, Level::O2 | Level::Os) || projections.iter().any(multiplies) {
        return Ok(plain);
    }
    let cut = |storage: &Storage| {
        cut::needs(target, network, population, options, storage).and_then(|needs| cut::by_memory(target, &needs))
    };
    let slices = cut(&plain);
    let model = CostModel::new(&target.cycles);
    let cycles = |storage: &Storage, slices: &[Slice]| -> f64 {
        let of = |stored: &Stored, projection: &Projection| match &network.nodes[projection.connection].op {
            Op::Dense(op) => slices.iter().map(|slice| stored.cycles(&model, op, slice, storage.width)).sum(),
            _ => 0.0,
        };
        storage.projections.iter().zip(&projections).map(|(stored, projection)| of(stored, projection)).sum()
    };
    let mut best = slices.map(|slices| (slices.len(), cycles(&plain, &slices), plain.clone()));
    let mut others: Vec<Storage> = narrow(network, population, &projections, &plain)?.into_iter().collect();
    others.extend([0.25, 0.5].map(|density| sparse(network, &projections, &plain, density)));
    others.retain(|storage| *storage != plain);
    others.dedup();
    for storage in others {
        let Ok(slices) = cut(&storage) else { continue };
        let (count, cycles) = (slices.len(), cycles(&storage, &slices));
        let better = best.as_ref().is_ok_and(|(fewest, least, ..)| (*fewest, *least) <= (count, cycles));
        if !better && slices.iter().all(|slice| fits(target, network, &projections, &storage, slice)) {
            best = Ok((count, cycles, storage));
        }
    }
    best.map(|(_, _, storage)| storage)
}

/// Bits per weight of each projection.
fn bits(network: &Network, projections: &[Projection]) -> impl Iterator<Item = i64> {
    projections.iter().map(|projection| match &network.nodes[projection.connection].op {
        Op::Dense(op) => op.bits,
        Op::Conv2d(op) => op.bits,
        _ => 8,
    })
}

/// All projections in the narrowest width that holds all weights, where every one is dense, the population can shift its
/// sums, and these still fit.
fn narrow(
    network: &Network,
    population: usize,
    projections: &[Projection],
    plain: &Storage,
) -> Result<Option<Storage>> {
    let mut narrowest = WeightWidth::W1;
    for projection in projections {
        let Op::Dense(op) = &network.nodes[projection.connection].op else { return Ok(None) };
        let holds =
            |width: &WeightWidth| (0..op.weight.shape().iter().product()).all(|index| width.holds(op.weight.at(index)));
        let width = WeightWidth::ALL.into_iter().find(holds).unwrap_or(WeightWidth::W16);
        narrowest = narrowest.max(width);
    }
    let state = network.nodes[population].op.neuron().map(|neuron| &neuron.state);
    let shifts = matches!(state, Some(State::Integers(_)));
    if projections.is_empty() || !shifts || narrowest.bits() >= 8 {
        return Ok(None);
    }
    let scale_log2 = narrowest.scale_log2();
    let sums: Range = ranges::sums(network, population)?.times(f64::from(1 << scale_log2));
    let width = match (sums.fits(16), sums.fits(32)) {
        (true, _) => plain.width,
        (false, true) => 32,
        (false, false) => return Ok(None),
    };
    let projections = vec![Stored { width: narrowest, sparse: false }; projections.len()];
    Ok(Some(Storage { projections, width, scale_log2, repeats: plain.repeats }))
}

/// Sparse rows for matrices of 8-bit weights of which at most a share is not 0.
fn sparse(network: &Network, projections: &[Projection], plain: &Storage, density: f64) -> Storage {
    let mut storage = plain.clone();
    for (stored, projection) in storage.projections.iter_mut().zip(projections) {
        let Op::Dense(op) = &network.nodes[projection.connection].op else { continue };
        let count = op.weight.shape().iter().product();
        let there = (0..count).filter(|&index| op.weight.at(index) != 0).count();
        stored.sparse = stored.width == WeightWidth::W8 && there as f64 <= density * count as f64;
    }
    storage
}

/// Whether the rows of a slice really have room: the cut goes by averages.
fn fits(target: &Target, network: &Network, projections: &[Projection], storage: &Storage, slice: &Slice) -> bool {
    let rows = storage.projections.iter().zip(projections).map(|(stored, projection)| {
        match &network.nodes[projection.connection].op {
            Op::Dense(op) => stored.bytes_of(op, slice, storage.width),
            _ => 0,
        }
    });
    // State, parameters and tables.
    let others = slice.neurons.len() * 32 + 4096;
    rows.sum::<usize>() + others <= target.data_bytes() as usize
}
