//! The PE of one slice: its buffers, its synapses, its update.

use super::{
    cut::{Slice, slot, weight_bytes},
    storage::{Storage, Stored},
};
use crate::{
    analysis::projections::{self, Projection},
    kernels::GROUP,
};
use s2c_dialects::{
    attribute::{Reset, Symbol, Tensor, Weights},
    convolution::Geometry,
    diagnostic::{Diagnostic, Result},
    qsnn::{self, Network, Op},
    s2k::{Buffer, Convolution, DecayForm, MapLayout, OneToOne, Parameter, Pe, Rows, Update, Values},
};
use std::collections::BTreeMap;

/// Where sums go, the same for all projections into a slice.
struct Sums {
    length: usize,
    width: i64,
}

/// The PE that holds `slice` of a population.
pub fn pe(
    network: &Network,
    sources: &BTreeMap<usize, Vec<Slice>>,
    population: usize,
    slice: &Slice,
    storage: &Storage,
    name: String,
) -> Result<Pe> {
    let mut pe = Pe {
        name,
        place: None,
        buffers: Vec::new(),
        rows: Vec::new(),
        convolutions: Vec::new(),
        one_to_ones: Vec::new(),
        updates: Vec::new(),
    };
    let sums = Sums { length: slice.neurons.len().next_multiple_of(4), width: storage.width };
    let mut slots = 1;
    for (number, projection) in projections::of_qsnn(network, population)?.iter().enumerate() {
        let slot = slot(network, population, projection)?;
        slots = slots.max(slot + 1);
        let weights = Symbol(format!("weights{number}"));
        let from = &sources[&projection.source];
        match &network.nodes[projection.connection].op {
            Op::Dense(op) => {
                add_rows(&mut pe, op, from, slice, &sums, (storage.projections[number], weights), slot);
            }
            Op::Conv2d(op) => {
                let shape = &network.result(projection.source)?.shape;
                let geometry = op.geometry(shape).ok_or_else(|| wrong(network, projection))?;
                let layout = slice.layout.ok_or_else(|| wrong(network, projection))?;
                add_convolution(&mut pe, op, &geometry, from, &layout, &sums, weights, slot);
            }
            Op::Scale(op) => add_one_to_one(&mut pe, op, from, slice, &sums, number, slot),
            _ => return Err(wrong(network, projection)),
        }
    }
    pe.buffers.push(zeros("accumulators", sums.length as i64 * sums.width / 8 * slots));
    pe.buffers.push(zeros("membranes", sums.length as i64 * 4));
    let mut update = update(network, population, slice, slots, storage, &mut pe)?;
    update.shift -= i64::from(storage.scale_log2);
    pe.updates.push(update);
    Ok(pe)
}

fn wrong(network: &Network, projection: &Projection) -> Box<Diagnostic> {
    let name = network.nodes[projection.connection].name.clone();
    Box::new(Diagnostic::bug("a connection does not fit the population behind it").at_node(name))
}

fn zeros(name: &str, bytes: i64) -> Buffer {
    Buffer { sym_name: name.to_owned(), bytes, address: None, values: None }
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
    slot: i64,
) {
    let columns = op.weight.shape()[1];
    let row = |source: Option<usize>| to.neurons.iter().map(move |target| Some((*target)? * columns + source?));
    let count: usize = from.iter().map(|source| source.neurons.len()).sum();
    let indices = from.iter().flat_map(|source| &source.neurons).flat_map(|&source| row(source));
    let values = values(&op.weight, vec![count, to.neurons.len()], indices);
    pe.buffers.push(Buffer {
        sym_name: weights.0.clone(),
        bytes: stored.bytes(&values, count, to.neurons.len(), sums.width) as i64,
        address: None,
        values: Some(values),
    });
    let mut first = 0;
    for source in from {
        pe.rows.push(Rows {
            source: source.name.clone(),
            first,
            count: source.neurons.len() as i64,
            weights: weights.clone(),
            bits: stored.width.bits().into(),
            accumulators: Symbol("accumulators".to_owned()),
            width: sums.width,
            length: sums.length as i64,
            slot,
            sparse: stored.sparse,
            shift: op.shift,
            graded: false,
        });
        first += source.neurons.len() as i64;
    }
}

/// A convolution: the kernel once, and a block for each source slice some of whose taps lead here.
#[allow(clippy::too_many_arguments)] // All of them are read once, side by side.
fn add_convolution(
    pe: &mut Pe,
    op: &qsnn::Conv2d,
    geometry: &Geometry,
    from: &[Slice],
    to: &MapLayout,
    sums: &Sums,
    weights: Symbol,
    slot: i64,
) {
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
    pe.buffers.push(Buffer {
        sym_name: weights.0.clone(),
        bytes: (indices.len() * weight_bytes(op.bits)) as i64,
        address: None,
        values: Some(values(&op.weight, shape, indices.into_iter())),
    });
    let integers = |pair: [usize; 2]| pair.map(|value| value as i64).to_vec();
    let before = pe.convolutions.len();
    for (source, layout) in from.iter().filter_map(|source| Some((source, source.layout?))) {
        let target_rows = to.row..to.row + to.rows;
        let mut rows = (layout.row..layout.row + layout.rows).flat_map(|row| geometry.taps_along(0, row));
        if !rows.any(|(_, output)| target_rows.contains(&output)) {
            continue;
        }
        pe.convolutions.push(Convolution {
            source: source.name.clone(),
            count: source.neurons.len() as i64,
            weights: weights.clone(),
            bits: 8 * weight_bytes(op.bits) as i64,
            accumulators: Symbol("accumulators".to_owned()),
            width: sums.width,
            slot,
            shift: op.shift,
            graded: false,
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
    }
    if pe.convolutions.len() == before {
        // With wide strides a slice may be out of reach of all taps.
        pe.buffers.pop();
    }
}

/// Single weights: for each source slice a table from the first to the last neuron that has a synapse here.
fn add_one_to_one(pe: &mut Pe, op: &qsnn::Scale, from: &[Slice], to: &Slice, sums: &Sums, number: usize, slot: i64) {
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
        let values = Some(Values::I32(Tensor::new(vec![table.len()], table)));
        pe.buffers.push(Buffer { sym_name: name.0.clone(), bytes: 4 * length, address: None, values });
        pe.one_to_ones.push(OneToOne {
            source: source.name.clone(),
            count: source.neurons.len() as i64,
            first: first as i64,
            length,
            table: name,
            accumulators: Symbol("accumulators".to_owned()),
            width: sums.width,
            slot,
            shift: op.shift,
            graded: false,
        });
    }
}

/// A 32-bit number that a parameter can be.
trait Word: Copy + Default + PartialEq {
    /// A threshold that no membrane exceeds.
    const NEVER: Self;
    /// The same for all neurons.
    fn parameter(value: Self) -> Parameter;
    /// One per neuron.
    fn values(tensor: Tensor<Self>) -> Values;
}

impl Word for i32 {
    const NEVER: Self = Self::MAX;
    fn parameter(value: Self) -> Parameter {
        Parameter::Value(value.into())
    }
    fn values(tensor: Tensor<Self>) -> Values {
        Values::I32(tensor)
    }
}

impl Word for f32 {
    const NEVER: Self = Self::MAX;
    fn parameter(value: Self) -> Parameter {
        Parameter::Float(value)
    }
    fn values(tensor: Tensor<Self>) -> Values {
        Values::F32(tensor)
    }
}

/// Parameters of a slice: those that are equal for all neurons as values, the others as buffers of the PE.
struct Parameters<'p> {
    slice: &'p Slice,
    pe: &'p mut Pe,
    /// Neurons after which all parameters repeat, where they do.
    period: Option<usize>,
}

impl Parameters<'_> {
    /// The values of the slice's neurons; padding takes `padding`, or what its neighbours have.
    fn here<T: Copy + PartialEq>(&self, tensor: &Tensor<T>, padding: Option<T>) -> Tensor<T> {
        let mut last = padding.or_else(|| self.slice.neurons.iter().flatten().next().map(|&first| tensor.at(first)));
        let values = self.slice.neurons.iter().map(|neuron| {
            if let Some(index) = neuron {
                let value = tensor.at(*index);
                last = padding.or(Some(value));
                return value;
            }
            last.unwrap_or_else(|| tensor.at(0))
        });
        Tensor::new(vec![self.slice.neurons.len()], values.collect())
    }

    fn add<T: Word>(&mut self, name: &str, tensor: Tensor<T>) -> Parameter {
        if let Some(value) = tensor.uniform() {
            return T::parameter(value);
        }
        let count = self.period.unwrap_or(self.slice.neurons.len().next_multiple_of(4));
        let bytes = 4 * count as i64;
        let tensor = match self.period {
            Some(period) => Tensor::new(vec![period], tensor.iter().take(period).collect()),
            None => tensor,
        };
        let values = Some(T::values(tensor));
        self.pe.buffers.push(Buffer { sym_name: name.to_owned(), bytes, address: None, values });
        Parameter::Buffer(Symbol(name.to_owned()))
    }

    fn word<T: Word>(&mut self, name: &str, tensor: &Tensor<T>) -> Parameter {
        self.add(name, self.here(tensor, None))
    }

    /// As [`Self::word`]; zero for all is nothing at all.
    fn offset<T: Word>(&mut self, name: &str, tensor: &Tensor<T>) -> Option<Parameter> {
        Some(self.word(name, tensor)).filter(|parameter| *parameter != T::parameter(T::default()))
    }

    /// Threshold, what a spike does, and what to add.
    fn fire<T: Word>(&mut self, update: &mut Update, op: (&Tensor<T>, &Tensor<T>, Reset, &Tensor<T>)) {
        let (offset, threshold, reset, reset_by) = op;
        update.offset = self.offset("offset", offset);
        // Neurons that are only padding never fire.
        let thresholds = self.here(threshold, Some(T::NEVER));
        let padded = thresholds.len().next_multiple_of(GROUP as usize);
        let padding = std::iter::repeat_n(T::NEVER, padded - thresholds.len());
        let thresholds = Tensor::new(vec![padded], thresholds.iter().chain(padding).collect());
        update.threshold = Some(self.add("threshold", thresholds));
        update.reset = Some(reset);
        update.reset_by = Some(self.word("reset_by", reset_by));
    }

    /// A float decay; 1 for all is none at all.
    fn float_decay(&mut self, name: &str, tensor: &Tensor<f32>) -> (Option<DecayForm>, Option<Parameter>) {
        let parameter = Some(self.word(name, tensor)).filter(|parameter| *parameter != Parameter::Float(1.0));
        (parameter.is_some().then_some(DecayForm::Float), parameter)
    }

    fn decay(&mut self, name: &str, tensor: &Tensor<i64>) -> (Option<DecayForm>, Option<Parameter>) {
        match decay_form(&self.here(tensor, None)) {
            Some((form, multiplier)) => (Some(form), Some(self.add(name, multiplier))),
            None => (None, None),
        }
    }
}

/// The update of a slice; what it needs of parameters goes into the PE.
pub fn update(
    network: &Network,
    population: usize,
    slice: &Slice,
    slots: i64,
    storage: &Storage,
    pe: &mut Pe,
) -> Result<Update> {
    let op = &network.nodes[population].op;
    let mut update = Update {
        slice: slice.name.clone(),
        population: op.node().unwrap_or("?").to_owned(),
        first: slice.first as i64,
        count: slice.neurons.len() as i64,
        layout: slice.layout.map(|layout| layout.to_attribute()),
        start: op.start().ok_or_else(|| Diagnostic::bug("`retiming` has not run"))?,
        key: None,
        mask: None,
        accumulators: Symbol("accumulators".to_owned()),
        width: storage.width,
        slots,
        shift: 0,
        currents: None,
        current_shift: None,
        current_form: None,
        current_decay: None,
        current_offset: None,
        membranes: Symbol("membranes".to_owned()),
        form: None,
        decay: None,
        offset: None,
        threshold: None,
        reset: None,
        reset_by: None,
        readout: None,
        period: None,
        scale: Tensor::splat(vec![0], 0.0),
        saturate: false,
        float_state: false,
    };
    let padded = slice.layout.filter(|layout| storage.repeats && layout.padded.is_power_of_two());
    let period = padded.map(|layout| layout.padded);
    let mut parameters = Parameters { slice, pe, period };
    if matches!(op, Op::CubaLif(_) | Op::FloatCubaLif(_)) {
        update.currents = Some(Symbol("currents".to_owned()));
    }
    let scale = match op {
        Op::Lif(op) => {
            (update.shift, update.saturate) = (op.shift, op.saturate);
            (update.form, update.decay) = parameters.decay("decay", &op.decay);
            parameters.fire(&mut update, (&op.offset, &op.threshold, op.reset, &op.reset_by));
            &op.scale
        }
        Op::CubaLif(op) => {
            (update.shift, update.saturate) = (op.shift, op.saturate);
            update.current_shift = Some(op.current_shift);
            (update.current_form, update.current_decay) = parameters.decay("current_decay", &op.current_decay);
            update.current_offset = parameters.offset("current_offset", &op.current_offset);
            (update.form, update.decay) = parameters.decay("decay", &op.decay);
            parameters.fire(&mut update, (&op.offset, &op.threshold, op.reset, &op.reset_by));
            &op.scale
        }
        Op::FloatLif(op) => {
            update.float_state = true;
            (update.form, update.decay) = parameters.float_decay("decay", &op.decay);
            parameters.fire(&mut update, (&op.offset, &op.threshold, op.reset, &op.reset_by));
            &op.scale
        }
        Op::FloatCubaLif(op) => {
            update.float_state = true;
            (update.current_form, update.current_decay) = parameters.float_decay("current_decay", &op.current_decay);
            update.current_offset = parameters.offset("current_offset", &op.current_offset);
            (update.form, update.decay) = parameters.float_decay("decay", &op.decay);
            parameters.fire(&mut update, (&op.offset, &op.threshold, op.reset, &op.reset_by));
            &op.scale
        }
        _ => return Err(Box::new(Diagnostic::bug("not a population"))),
    };
    update.scale = parameters.here(scale, None);
    if update.parameters().next().is_some() {
        update.period = period.map(|period| period as i64);
    }
    if update.currents.is_some() {
        pe.buffers.push(zeros("currents", slice.neurons.len().next_multiple_of(4) as i64 * 4));
    }
    Ok(update)
}

/// How the decay factors of a slice fit into signed 32-bit multipliers; `None` where nothing decays.
fn decay_form(decay: &Tensor<i64>) -> Option<(DecayForm, Tensor<i32>)> {
    const ONE: i64 = 1 << 32;
    if decay.uniform() == Some(ONE) {
        return None;
    }
    let whole = |factor: i64| factor >= ONE / 2;
    let form = match (decay.iter().all(whole), decay.iter().any(whole)) {
        (true, _) => DecayForm::Whole,
        (false, false) => DecayForm::Fraction,
        (false, true) => DecayForm::Mixed,
    };
    let multiplier = |factor: i64| match (whole(factor), form) {
        // In the mixed form 0 stands for a factor of 0; 1 - 2^-32 rounds every 32-bit value to itself, as 1 does.
        (true, DecayForm::Mixed) => (factor.min(ONE - 1) - ONE) as i32,
        (true, _) => (factor - ONE) as i32,
        (false, _) => factor as i32,
    };
    Some((form, decay.map(multiplier)))
}
