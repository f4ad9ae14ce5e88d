//! How the weights into a population are stored: as dense rows and convolution kernels of the narrowest width that pays,
//! or as sparse rows.
//!
//! Of all ways that fit, the one with the fewest slices is taken, and of those the one whose packets take the fewest cycles,
//! or with -Os the one with the fewest bytes. Weights of 8 bits are the fastest for most matrices and all kernels; narrow and
//! sparse ones win where they save a PE (or with -Os any bytes), and sparse ones also where few weights are left.

use super::{
    cut::{self, Limits},
    job::Job,
    slice::Slice,
    stored::{self, Storage, Stored},
};
use crate::{
    analysis::{
        cost::CostModel,
        projections::Projection,
        ranges::{self, Range},
    },
    options::Level,
    target::Target,
};
use s2c_dialects::{
    attribute::Reset,
    diagnostic::Result,
    qsnn::{Integers, Network, Op, PerNeuron, State},
};
use s2c_kernels::WeightWidth;

/// What is the least work to make: weights as they are, sums of 32 bits, all parameters.
pub fn straight(job: &Job<'_>, population: usize) -> Result<Storage> {
    let plain = |projection: &Projection| Stored::plain(&job.network.nodes[projection.connection].op);
    let projections = job.projections(population).iter().map(plain).collect::<Result<_>>()?;
    Ok(Storage { projections, width: 32, scale_log2: 0, repeats: false })
}

/// Whether a population is a map whose parameters are the same at all places of a channel. A kernel that takes pending
/// resets has no register left to count the channels with.
fn repeats(job: &Job<'_>, population: usize) -> bool {
    let Some([channels, height, width]) = job.map(population) else { return false };
    let Some(State::Integers(stages)) = job.network.nodes[population].op.neuron().map(|neuron| &neuron.state) else {
        return false;
    };
    let places = height * width;
    let alike = |values: &PerNeuron<'_, Integers>| {
        let same = |channel: usize| (1..places).all(|place| values.agree(channel * places + place, channel * places));
        values.is_uniform() || (0..channels).all(same)
    };
    let is_pending = stages.fire().is_some_and(|fire| fire.reset == Reset::SubtractPending);
    !is_pending && stages.coefficients().iter().all(|(_, values)| alike(values))
}

/// Chooses how the weights into a population are stored, by the slices that some limits ask for.
pub fn choose(job: &Job<'_>, population: usize, limits: Limits) -> Result<Storage> {
    let (Job { target, network, options, .. }, projections) = (job, job.projections(population));
    let plain = Storage {
        width: cut::width(network, population)?,
        repeats: Level::O1.is_in(options.level) && repeats(job, population),
        ..straight(job, population)?
    };
    // What multiplies weights takes them as they are.
    let multiplies = |projection: &Projection| {
        let connection = &network.nodes[projection.connection].op;
        network.nodes[projection.source].op.fraction().is_some() || connection.shift() != 0
    };
    if !matches!(options.level, Level::O2 | Level::Os) || projections.iter().any(multiplies) {
        return Ok(plain);
    }
    let model = CostModel::new(&target.cycles);
    // Slices, then bytes where they are what counts, then cycles of a packet of each projection; none without room.
    let price = |storage: &Storage| -> Result<Option<(usize, usize, f64)>> {
        let needs = cut::needs(job, population, storage)?;
        let pieces = needs.cut(limits, needs.sources.len())?;
        let bytes = if options.level == Level::Os { needs.bytes(&pieces, needs.sources.len()) } else { 0 };
        let slices = cut::slices(&needs.node, pieces);
        let (mut cycles, mut fits) = (0.0, true);
        for slice in &slices {
            let mut weights = 0;
            for (stored, projection) in storage.projections.iter().zip(projections) {
                let op = &network.nodes[projection.connection].op;
                let source = &network.result(projection.source)?.shape;
                cycles += stored.cycles(&model, op, source, slice, storage.width);
                weights += stored.bytes(op, slice, storage.width);
            }
            fits &= has_room(target, storage, slice, weights);
        }
        Ok(fits.then_some((slices.len(), bytes, cycles)))
    };
    let mut best = price(&plain).map(|price| (price, plain.clone()));
    let mut others: Vec<Storage> = narrow(network, population, projections, &plain)?.into_iter().collect();
    others.extend([0.25, 0.5].map(|density| sparse(network, projections, &plain, density)));
    others.retain(|storage| *storage != plain);
    others.dedup();
    for storage in others {
        let Ok(Some(price)) = price(&storage) else { continue };
        if best.as_ref().is_ok_and(|(least, _)| *least <= Some(price)) {
            continue;
        }
        best = Ok((Some(price), storage));
    }
    best.map(|(_, storage)| storage)
}

/// All projections in the narrowest width that holds all weights, where every one is dense or a convolution, the
/// population can shift its sums, and these still fit.
fn narrow(
    network: &Network,
    population: usize,
    projections: &[Projection],
    plain: &Storage,
) -> Result<Option<Storage>> {
    let mut narrowest = WeightWidth::W1;
    for projection in projections {
        let (weights, least) = match &network.nodes[projection.connection].op {
            Op::Dense(op) => (&op.weight, WeightWidth::W1),
            // Channels of other groups have a weight of 0, which one bit can't hold.
            Op::Conv2d(op) => (&op.weight, WeightWidth::W2),
            _ => return Ok(None),
        };
        let holds = |width: &WeightWidth| (0..stored::count(weights)).all(|index| width.holds(weights.at(index)));
        let width = WeightWidth::ALL.into_iter().find(holds).unwrap_or(WeightWidth::W16);
        narrowest = narrowest.max(width).max(least);
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
    let projections = plain.projections.iter().map(|stored| stored.with_width(narrowest)).collect();
    Ok(Some(Storage { projections, width, scale_log2, repeats: plain.repeats }))
}

/// Sparse rows for matrices of 8-bit weights of which at most a share is not 0.
fn sparse(network: &Network, projections: &[Projection], plain: &Storage, density: f64) -> Storage {
    let mut storage = plain.clone();
    for (stored, projection) in storage.projections.iter_mut().zip(projections) {
        let Op::Dense(op) = &network.nodes[projection.connection].op else { continue };
        let few = stored::nonzero(op) as f64 <= density * stored::count(&op.weight) as f64;
        if few && *stored == Stored::Rows(WeightWidth::W8) {
            *stored = Stored::SparseRows;
        }
    }
    storage
}

/// Whether the weights of a slice really have room: of sparse rows the cut knows averages.
fn has_room(target: &Target, storage: &Storage, slice: &Slice, weights: usize) -> bool {
    // State, parameters and tables.
    let others = slice.neurons.len() * 32 + 4096;
    !storage.projections.contains(&Stored::SparseRows) || weights + others <= target.data_bytes() as usize
}
