//! How the weights into a population are stored: as dense rows of the narrowest width that pays, or as sparse rows.
//!
//! Of all ways that fit, the one with the fewest slices is taken, and of those the one whose rows take the fewest cycles.
//! Dense 8-bit rows are the fastest for most matrices; narrow and sparse rows win where they save a PE, and sparse ones
//! also where few weights are left.

use super::{
    cut,
    slice::{Slice, map_of},
    stored::{self, Storage, Stored},
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
    qsnn::{Integers, Network, Op, PerNeuron, State},
};
use s2c_kernels::WeightWidth;

/// What is the least work to make: weights as they are, sums of 32 bits, all parameters.
pub fn straight(network: &Network, population: usize) -> Result<Storage> {
    let projections = projections::of_qsnn(network, population)?;
    let plain = |projection: &Projection| Stored::plain(&network.nodes[projection.connection].op);
    let projections = projections.iter().map(plain).collect::<Result<_>>()?;
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
    let links = projections.iter().map(|projection| {
        Ok((&network.nodes[projection.connection].op, network.result(projection.source)?.shape.as_slice()))
    });
    let links = links.collect::<Result<Vec<_>>>()?;
    let cycles = |storage: &Storage, slices: &[Slice]| -> f64 {
        let of = |stored: &Stored, (op, source): &(&Op, &[usize])| -> f64 {
            slices.iter().map(|slice| stored.cycles(&model, op, source, slice, storage.width)).sum()
        };
        storage.projections.iter().zip(&links).map(|(stored, link)| of(stored, link)).sum()
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
        let holds = |width: &WeightWidth| (0..stored::count(op)).all(|index| width.holds(op.weight.at(index)));
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
    let projections = vec![Stored::Rows(narrowest); projections.len()];
    Ok(Some(Storage { projections, width, scale_log2, repeats: plain.repeats }))
}

/// Sparse rows for matrices of 8-bit weights of which at most a share is not 0.
fn sparse(network: &Network, projections: &[Projection], plain: &Storage, density: f64) -> Storage {
    let mut storage = plain.clone();
    for (stored, projection) in storage.projections.iter_mut().zip(projections) {
        let Op::Dense(op) = &network.nodes[projection.connection].op else { continue };
        let few = stored::nonzero(op) as f64 <= density * stored::count(op) as f64;
        if few && *stored == Stored::Rows(WeightWidth::W8) {
            *stored = Stored::SparseRows;
        }
    }
    storage
}

/// Whether the rows of a slice really have room: the cut goes by averages.
fn fits(target: &Target, network: &Network, projections: &[Projection], storage: &Storage, slice: &Slice) -> bool {
    let rows = storage.projections.iter().zip(projections);
    let rows =
        rows.map(|(stored, projection)| stored.bytes(&network.nodes[projection.connection].op, slice, storage.width));
    // State, parameters and tables.
    let others = slice.neurons.len() * 32 + 4096;
    rows.sum::<usize>() + others <= target.data_bytes() as usize
}
