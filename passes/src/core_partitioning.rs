//! Core partitioning: populations cut into slices that fit into a PE's memory.
//!
//! Needs: `qsnn`, retimed.
//! Gives: an `s2k` program of PEs without places, keys and addresses; each PE holds one slice of neurons with all the
//! synapses into it, so that a spike is a packet and nothing else crosses PEs.
//! Example: 300 neurons behind 1000 inputs need 300 kB of weights: three PEs of 100 neurons each.
//! Limits: a slice has at least one neuron, so one neuron's row of weights from all sources must fit into a PE.
//! Source: the sizes are those of `analysis/tables.rs` and of the buffers that this pass makes.

use crate::{
    Session,
    analysis::{
        projections::{self, Projection},
        tables,
    },
};
use s2c_dialects::{
    Module,
    attribute::{Symbol, Tensor, Weights},
    diagnostic::{Diagnostic, Result},
    ir::Element,
    qsnn::{Dense, Network, Op},
    s2k::{Buffer, DecayForm, HostInput, HostOutput, Parameter, Pe, Program, Rows, Update, Values},
};
use std::{collections::BTreeMap, ops::Range};

/// A piece of a population, or an input as a whole: what sends packets.
struct Source {
    name: String,
    neurons: Range<usize>,
}

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let network = Network::read(&module)?;
    let dt = network.dt.ok_or_else(|| Diagnostic::bug("`discretization` has not run"))?;
    let mut program = Program {
        name: network.name.clone(),
        target: session.target.name.clone(),
        dt,
        options: network.options.clone(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        pes: Vec::new(),
        routes: Vec::new(),
    };
    let mut sources: BTreeMap<usize, Vec<Source>> = BTreeMap::new();
    let mut cuts = Vec::new();
    for (index, node) in network.nodes.iter().enumerate() {
        match &node.op {
            Op::Input(op) => {
                let shape = network.result(index)?;
                sources.insert(index, vec![Source { name: op.node.clone(), neurons: 0..shape.len() }]);
                program.inputs.push(HostInput {
                    node: op.node.clone(),
                    shape: integers(&shape.shape),
                    limit: op.limit,
                    key: None,
                    mask: None,
                });
            }
            Op::Output(op) => {
                let (population, ticks) = projections::of_output(&network, index)?;
                let from = &network.nodes[population].op;
                let (Some(name), Some(start)) = (from.node().filter(|_| from.is_neuron()), start_of(from)) else {
                    return Err(Box::new(
                        Diagnostic::error("output-without-neurons", "an output does not come from a population")
                            .at_node(op.node.clone()),
                    ));
                };
                let shape = integers(&network.result(population)?.shape);
                let (node, population) = (op.node.clone(), name.to_owned());
                program.outputs.push(HostOutput { node, population, shape, start: start + ticks });
            }
            op if op.is_neuron() => {
                let name = op.node().unwrap_or(&node.name);
                let slices = cut(session, &network, index)?;
                let named = slices.iter().enumerate().map(|(number, neurons)| Source {
                    name: if slices.len() == 1 { name.to_owned() } else { format!("{name}:{number}") },
                    neurons: neurons.clone(),
                });
                sources.insert(index, named.collect());
                cuts.push((index, slices));
            }
            _ => {}
        }
    }
    for (population, slices) in cuts {
        for (number, neurons) in slices.into_iter().enumerate() {
            let name = format!("pe{}", program.pes.len());
            let slice = sources[&population][number].name.clone();
            program.pes.push(build(&network, &sources, population, neurons, name, slice)?);
        }
    }
    program.write(session.context)
}

fn integers(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&extent| extent as i64).collect()
}

fn start_of(op: &Op) -> Option<i64> {
    match op {
        Op::Input(op) => op.start,
        Op::Lif(op) => op.start,
        Op::CubaLif(op) => op.start,
        _ => None,
    }
}

fn padded(count: usize) -> usize {
    count.next_multiple_of(4)
}

/// Bits of the sums into a population.
fn width(network: &Network, population: usize) -> Result<i64> {
    let input = network.nodes[population].inputs[0];
    Ok(if network.result(input)?.element == Element::I16 { 16 } else { 32 })
}

/// Ticks that a projection's sums are kept on top of the next update.
fn slot(network: &Network, population: usize, projection: &Projection) -> Result<i64> {
    let start = |index: usize| start_of(&network.nodes[index].op);
    match (start(projection.source), start(population)) {
        (Some(from), Some(to)) => Ok(to + projection.ticks - from - 1),
        _ => Err(Box::new(Diagnostic::bug("`retiming` has not run"))),
    }
}

fn connection<'n>(network: &'n Network, projection: &Projection) -> Result<&'n Dense> {
    match &network.nodes[projection.connection].op {
        Op::Dense(op) => Ok(op),
        _ => Err(Box::new(Diagnostic::bug("a projection's connection is not `qsnn.dense`"))),
    }
}

/// Cuts a population into the fewest slices that fit, of equal size but for the last.
fn cut(session: &Session<'_>, network: &Network, population: usize) -> Result<Vec<Range<usize>>> {
    let count = network.result(population)?.len();
    let projections = projections::of_qsnn(network, population)?;
    let mut slots = 1;
    let (mut row_bytes, mut rows) = (0, 0);
    for projection in &projections {
        let op = connection(network, projection)?;
        slots = slots.max(slot(network, population, projection)? + 1);
        rows += op.weight.shape()[1];
        row_bytes += op.weight.shape()[1] * weight_bytes(op);
    }
    let width = width(network, population)? as usize / 8;
    // Membrane, current, and up to six parameter arrays.
    let state_bytes = slots as usize * width + 8 * 4;
    let per_neuron = row_bytes + state_bytes;
    let fixed = tables::estimate(projections.len(), rows) as usize;
    let room = (session.target.data_bytes() as usize).saturating_sub(fixed);
    let most = (room / per_neuron.max(1)) & !3;
    let most = if most == 0 && room >= padded(1) * per_neuron { 1 } else { most };
    if most == 0 {
        let needed = fixed + padded(1) * per_neuron;
        return Err(Box::new(
            Diagnostic::error("neuron-too-big", "not even four neurons fit into a PE")
                .at_node(network.nodes[population].op.node().unwrap_or("?"))
                .text(format!(
                    "Four neurons with {rows} incoming synapses each need {needed} bytes; a PE has {} for data.",
                    session.target.data_bytes()
                ))
                .hint("use fewer --weight-bits, or split the layer"),
        ));
    }
    let slices = count.div_ceil(most);
    let size = padded(count.div_ceil(slices)).min(count.max(1));
    Ok((0..count).step_by(size).map(|first| first..(first + size).min(count)).collect())
}

fn weight_bytes(op: &Dense) -> usize {
    if op.bits <= 8 { 1 } else { 2 }
}

/// The PE of one slice.
fn build(
    network: &Network,
    sources: &BTreeMap<usize, Vec<Source>>,
    population: usize,
    neurons: Range<usize>,
    name: String,
    slice: String,
) -> Result<Pe> {
    let mut pe = Pe { name, place: None, buffers: Vec::new(), rows: Vec::new(), updates: Vec::new() };
    let length = padded(neurons.len());
    let width = width(network, population)?;
    let mut slots = 1;
    for (number, projection) in projections::of_qsnn(network, population)?.iter().enumerate() {
        let op = connection(network, projection)?;
        let slot = slot(network, population, projection)?;
        slots = slots.max(slot + 1);
        let weights = format!("weights{number}");
        let columns = op.weight.shape()[1];
        pe.buffers.push(Buffer {
            sym_name: weights.clone(),
            bytes: (columns * length * weight_bytes(op)) as i64,
            address: None,
            values: Some(rows_of(&op.weight, &neurons)),
        });
        for source in &sources[&projection.source] {
            pe.rows.push(Rows {
                source: source.name.clone(),
                first: source.neurons.start as i64,
                count: source.neurons.len() as i64,
                weights: Symbol(weights.clone()),
                bits: if op.bits <= 8 { 8 } else { 16 },
                accumulators: Symbol("accumulators".to_owned()),
                width,
                length: length as i64,
                slot,
            });
        }
    }
    pe.buffers.push(zeros("accumulators", length as i64 * width / 8 * slots));
    pe.buffers.push(zeros("membranes", length as i64 * 4));
    let update = update(network, population, &neurons, slice, slots, width, &mut pe)?;
    pe.updates.push(update);
    Ok(pe)
}

fn zeros(name: &str, bytes: i64) -> Buffer {
    Buffer { sym_name: name.to_owned(), bytes, address: None, values: None }
}

/// The columns of a weight matrix for some targets: one row per source neuron.
fn rows_of(weights: &Weights, targets: &Range<usize>) -> Values {
    let columns = weights.shape()[1];
    let shape = vec![columns, targets.len()];
    let values = (0..columns).flat_map(|column| targets.clone().map(move |target| target * columns + column));
    match weights {
        Weights::I8(tensor) => Values::I8(Tensor::new(shape, values.map(|index| tensor.at(index)).collect())),
        Weights::I16(tensor) => Values::I16(Tensor::new(shape, values.map(|index| tensor.at(index)).collect())),
    }
}

fn update(
    network: &Network,
    population: usize,
    neurons: &Range<usize>,
    slice: String,
    slots: i64,
    width: i64,
    pe: &mut Pe,
) -> Result<Update> {
    let op = &network.nodes[population].op;
    let start = start_of(op).ok_or_else(|| Diagnostic::bug("`retiming` has not run"))?;
    let here = |tensor: &Tensor<i32>| tensor.slice(neurons.start, neurons.len());
    let mut parameter = |name: &str, tensor: Tensor<i32>| {
        match tensor.uniform() {
            Some(value) => Parameter::Value(value.into()),
            None => {
                let bytes = padded(neurons.len()) as i64 * 4;
                let values = Some(Values::I32(tensor));
                pe.buffers.push(Buffer { sym_name: name.to_owned(), bytes, address: None, values });
                Parameter::Buffer(Symbol(name.to_owned()))
            }
        }
    };
    let nonzero = |parameter: Parameter| Some(parameter).filter(|parameter| *parameter != Parameter::Value(0));
    let mut update = Update {
        slice,
        population: op.node().unwrap_or("?").to_owned(),
        first: neurons.start as i64,
        count: neurons.len() as i64,
        start,
        key: None,
        mask: None,
        accumulators: Symbol("accumulators".to_owned()),
        width,
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
        scale: Tensor::splat(vec![0], 0.0),
        saturate: false,
    };
    let (decay, offset, threshold, reset_by) = match op {
        Op::Lif(op) => {
            (update.shift, update.reset, update.saturate) = (op.shift, Some(op.reset), op.saturate);
            update.scale = op.scale.slice(neurons.start, neurons.len());
            (&op.decay, &op.offset, &op.threshold, &op.reset_by)
        }
        Op::CubaLif(op) => {
            (update.shift, update.reset, update.saturate) = (op.shift, Some(op.reset), op.saturate);
            update.scale = op.scale.slice(neurons.start, neurons.len());
            update.currents = Some(Symbol("currents".to_owned()));
            update.current_shift = Some(op.current_shift);
            if let Some((form, multiplier)) = decay_form(&op.current_decay.slice(neurons.start, neurons.len())) {
                update.current_form = Some(form);
                update.current_decay = Some(parameter("current_decay", multiplier));
            }
            update.current_offset = nonzero(parameter("current_offset", here(&op.current_offset)));
            (&op.decay, &op.offset, &op.threshold, &op.reset_by)
        }
        _ => return Err(Box::new(Diagnostic::bug("not a population"))),
    };
    if let Some((form, multiplier)) = decay_form(&decay.slice(neurons.start, neurons.len())) {
        update.form = Some(form);
        update.decay = Some(parameter("decay", multiplier));
    }
    update.offset = nonzero(parameter("offset", here(offset)));
    update.threshold = Some(parameter("threshold", here(threshold)));
    update.reset_by = Some(parameter("reset_by", here(reset_by)));
    if update.currents.is_some() {
        pe.buffers.push(zeros("currents", padded(neurons.len()) as i64 * 4));
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
