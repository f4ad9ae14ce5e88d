//! The PE of one slice: its buffers and its synapses.

use super::{
    cut::slot,
    job::Job,
    slice::Slice,
    stored::{Storage, Stored},
    update::update,
};
use crate::analysis::{
    form::{self, Matrix},
    projections::Projection,
};
use s2c_dialects::{
    attribute::{Symbol, Tensor, Weights},
    convolution::Geometry,
    diagnostic::{Diagnostic, Result},
    qsnn::{self, Network, Neuron, Op},
    s2k::{Block, Buffer, Convolution, Form, Head, MapLayout, OneToOne, Pe, Purpose, Rows, SparseRows, Values},
};
use std::collections::BTreeMap;

/// Where sums go, the same for all projections into a slice but for the last two.
struct Sums {
    length: usize,
    width: i64,
    slot: i64,
    /// The source's packets carry values.
    graded: bool,
}

/// The PE that holds `slice` of a population.
pub fn pe(
    job: &Job<'_>,
    sources: &BTreeMap<usize, Vec<Slice>>,
    population: usize,
    slice: &Slice,
    storage: &Storage,
    name: String,
) -> Result<Pe> {
    let network = job.network;
    let mut pe = Pe { name, ..Pe::default() };
    let length = slice.neurons.len().next_multiple_of(4);
    let mut slots = 1;
    for (number, projection) in job.projections(population).iter().enumerate() {
        let slot = slot(network, population, projection)?;
        slots = slots.max(slot + 1);
        let weights = Symbol(format!("weights{number}"));
        let from = &sources[&projection.source];
        let graded = network.nodes[projection.source].op.fraction().is_some();
        let sums = Sums { length, width: storage.width, slot, graded };
        match &network.nodes[projection.connection].op {
            Op::Dense(op) => {
                add_rows(&mut pe, op, from, slice, &sums, (storage.projections[number], weights))?;
            }
            Op::Conv2d(op) => {
                let shape = &network.result(projection.source)?.shape;
                let geometry = op.geometry(shape).ok_or_else(|| wrong(network, projection))?;
                let layout = slice.layout.ok_or_else(|| wrong(network, projection))?;
                let stored = (storage.projections[number], weights);
                add_convolution(&mut pe, op, &geometry, from, &layout, &sums, stored)?;
            }
            Op::Scale(op) => add_one_to_one(&mut pe, op, from, slice, &sums, number)?,
            _ => return Err(wrong(network, projection)),
        }
    }
    pe.buffers.push(Buffer::state("accumulators", length as i64 * storage.width / 8 * slots));
    let kept = network.nodes[population].op.neuron().map_or(4, Neuron::membrane_bytes);
    pe.buffers.push(Buffer::state("membranes", length as i64 * kept));
    let mut update = update(network, population, slice, slots, storage, &mut pe)?;
    update.shift -= i64::from(storage.scale_log2);
    pe.updates.push(update);
    Ok(pe)
}

fn wrong(network: &Network, projection: &Projection) -> Box<Diagnostic> {
    let name = network.nodes[projection.connection].name.clone();
    Box::new(Diagnostic::bug("a connection does not fit the population behind it").at_node(name))
}

/// Adds blocks with the buffer of their weights, where there are any.
fn add_blocks(pe: &mut Pe, weights: Symbol, values: Values, blocks: Vec<Block>) -> Result<()> {
    let Some(block) = blocks.first() else { return Ok(()) };
    let bytes = form::of(block).pack(&block.head, &Matrix::new(&values), 0)?.len() as i64;
    let (sym_name, purpose) = (weights.0, Purpose::Weights);
    pe.buffers.push(Buffer { sym_name, purpose, bytes, address: None, values: Some(values) });
    pe.blocks.extend(blocks);
    Ok(())
}

impl Sums {
    /// The head of a block of synapses that come from a slice.
    fn head(&self, source: &Slice, weights: &Symbol, shift: Option<i64>) -> Head {
        Head {
            source: source.name.clone(),
            count: source.neurons.len() as i64,
            weights: weights.clone(),
            accumulators: Symbol("accumulators".to_owned()),
            width: self.width,
            slot: self.slot,
            shift,
            graded: self.graded,
        }
    }
}

/// Weights of a buffer, element by element.
fn values(weights: &Weights, shape: Vec<usize>, indices: impl Iterator<Item = Option<usize>>) -> Values {
    match weights {
        Weights::I8(tensor) => {
            Values::I8(Tensor::new(shape, indices.map(|index| index.map_or(0, |index| tensor.at(index))).collect()))
        }
        Weights::I16(tensor) => {
            Values::I16(Tensor::new(shape, indices.map(|index| index.map_or(0, |index| tensor.at(index))).collect()))
        }
    }
}

/// A dense block: one row per source neuron, in the order of the source slices.
fn add_rows(
    pe: &mut Pe,
    op: &qsnn::Dense,
    from: &[Slice],
    to: &Slice,
    sums: &Sums,
    (stored, weights): (Stored, Symbol),
) -> Result<()> {
    let columns = op.weight.shape()[1];
    let row = |source: Option<usize>| to.neurons.iter().map(move |target| Some((*target)? * columns + source?));
    let count: usize = from.iter().map(|source| source.neurons.len()).sum();
    let indices = from.iter().flat_map(|source| &source.neurons).flat_map(|&source| row(source));
    let values = values(&op.weight, vec![count, to.neurons.len()], indices);
    let (mut first, mut blocks) = (0, Vec::with_capacity(from.len()));
    for source in from {
        let length = sums.length as i64;
        let form = match stored {
            Stored::SparseRows => Form::SparseRows(SparseRows { first, length }),
            _ => Form::Rows(Rows { first, length, bits: stored.width().bits().into() }),
        };
        blocks.push(Block { head: sums.head(source, &weights, op.shift), form });
        first += source.neurons.len() as i64;
    }
    add_blocks(pe, weights, values, blocks)
}

/// A convolution: the kernel once, and a block for each source slice some of whose taps lead here.
fn add_convolution(
    pe: &mut Pe,
    op: &qsnn::Conv2d,
    geometry: &Geometry,
    from: &[Slice],
    to: &MapLayout,
    sums: &Sums,
    (stored, weights): (Stored, Symbol),
) -> Result<()> {
    let inputs = geometry.input[0];
    let mut indices = Vec::with_capacity(inputs * geometry.kernel[0] * geometry.kernel[1] * to.padded);
    for input in 0..inputs {
        let (outputs, within) = geometry.targets_of(input);
        for tap in (0..geometry.kernel[0]).flat_map(|row| (0..geometry.kernel[1]).map(move |column| [row, column])) {
            indices.extend((0..to.padded).map(|channel| {
                let output = to.channel + channel;
                let there = channel < to.channels && outputs.contains(&output);
                there.then(|| geometry.weight_index(output, within, tap))
            }));
        }
    }
    let shape = vec![inputs, geometry.kernel[0], geometry.kernel[1], to.padded];
    let integers = |pair: [usize; 2]| pair.map(|value| value as i64).to_vec();
    let mut blocks = Vec::with_capacity(from.len());
    for (source, layout) in from.iter().filter_map(|source| Some((source, source.layout?))) {
        let target_rows = to.row..to.row + to.rows;
        let mut rows = (layout.row..layout.row + layout.rows).flat_map(|row| geometry.taps_along(0, row));
        if !rows.any(|(_, output)| target_rows.contains(&output)) {
            continue;
        }
        let form = Form::Convolution(Convolution {
            bits: stored.width().bits().into(),
            source_width: geometry.input[2] as i64,
            source_channels: layout.padded as i64,
            source_channel: layout.channel as i64,
            source_row: layout.row as i64,
            pool: integers(geometry.pool),
            pooled: integers(geometry.pooled()),
            kernel: integers(geometry.kernel),
            stride: integers(geometry.stride),
            padding: integers(geometry.padding),
            dilation: integers(geometry.dilation),
            target_width: geometry.output()[2] as i64,
            target_channels: to.padded as i64,
            target_row: to.row as i64,
            target_rows: to.rows as i64,
        });
        blocks.push(Block { head: sums.head(source, &weights, op.shift), form });
    }
    // With wide strides a slice may be out of reach of all taps.
    add_blocks(pe, weights, values(&op.weight, shape, indices.into_iter()), blocks)
}

/// Single weights: for each source slice a table from the first to the last neuron that has a synapse here.
fn add_one_to_one(pe: &mut Pe, op: &qsnn::Scale, from: &[Slice], to: &Slice, sums: &Sums, number: usize) -> Result<()> {
    let places: BTreeMap<usize, usize> =
        to.neurons.iter().enumerate().filter_map(|(place, neuron)| Some(((*neuron)?, place))).collect();
    for (piece, source) in from.iter().enumerate() {
        let entries: Vec<Option<i32>> = source
            .neurons
            .iter()
            .map(|neuron| {
                let place = *places.get(&(*neuron)?)?;
                Some(op.weight.at((*neuron)?) << 16 | place as i32)
            })
            .collect();
        let here = |entry: &Option<i32>| entry.is_some();
        let (Some(first), Some(last)) = (entries.iter().position(here), entries.iter().rposition(here)) else {
            continue;
        };
        // A neuron in between without a synapse adds a weight of zero.
        let table: Vec<i32> = entries[first..=last].iter().map(|entry| entry.unwrap_or(0)).collect();
        let name = Symbol(format!("table{number}_{piece}"));
        let length = table.len() as i64;
        let form = Form::OneToOne(OneToOne { first: first as i64, length });
        let block = Block { head: sums.head(source, &name, op.shift), form };
        add_blocks(pe, name, Values::I32(Tensor::new(vec![table.len()], table)), vec![block])?;
    }
    Ok(())
}
