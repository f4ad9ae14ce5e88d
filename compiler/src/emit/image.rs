//! The memory image of every PE: code, tables and buffers.

use super::{
    Binary,
    manifest::{self, Manifest, SCHEMA, Segment},
};
use crate::codegen::{CodeImage, KernelCache, RuntimeConstants};
use s2c_abi::{convolution, dispatch, header, rotation, slice, synapse};
use s2c_dialects::{
    attribute::Reset,
    diagnostic::{Diagnostic, Result},
    s2k::{self, Convolution, DecayForm, MapLayout, Pe, Program, Rows, Synapses, Update, Values},
};
use s2c_passes::{
    analysis::tables::{self, Tables},
    buffer_allocation::FIFO,
    kernels::{
        self, Accumulator, ConvKernel, CurrentStage, Decay, Fire, Kernel, Parameter, Registers, RowKernel, Spread,
        UpdateKernel, WeightWidth,
    },
    target::Target,
};
use std::collections::{BTreeMap, BTreeSet};

/// Makes the binary of a finished program.
pub fn emit(program: &Program, target: &Target) -> Result<Binary> {
    let mut cache = KernelCache::new(&constants(target))?;
    let mut blobs: Vec<Vec<u8>> = Vec::new();
    let mut codes: BTreeMap<BTreeSet<Kernel>, (usize, CodeImage)> = BTreeMap::new();
    let mut pes = Vec::with_capacity(program.pes.len());
    for pe in &program.pes {
        let kernels = kernels_of(pe)?;
        if !codes.contains_key(&kernels) {
            let code = cache.image(&kernels, target.memory.code_bytes)?;
            blobs.push(code.bytes.clone());
            codes.insert(kernels.clone(), (blobs.len() - 1, code));
        }
        let (code_blob, code) = &codes[&kernels];
        let tables = tables::plan(program, pe)?;
        let mut segments = vec![Segment { address: 0, blob: *code_blob }];
        blobs.push(data(pe, &tables, target, code)?);
        segments.push(Segment { address: target.memory.code_bytes, blob: blobs.len() - 1 });
        pes.push(describe(pe, &tables, code, segments, &kernels)?);
    }
    let manifest = Manifest {
        schema: SCHEMA,
        producer: env!("CARGO_PKG_VERSION").to_owned(),
        name: program.name.clone(),
        dt: program.dt,
        options: program.options.clone(),
        target: target.clone(),
        inputs: program
            .inputs
            .iter()
            .map(|input| manifest::Input {
                node: input.node.clone(),
                shape: extents(&input.shape),
                limit: input.limit,
                layout: input.layout.clone(),
                key: input.key.unwrap_or(0) as u32,
            })
            .collect(),
        outputs: program
            .outputs
            .iter()
            .map(|output| manifest::Output {
                node: output.node.clone(),
                population: output.population.clone(),
                shape: extents(&output.shape),
                start: output.start as u64,
            })
            .collect(),
        pes,
        routes: program
            .routes
            .iter()
            .map(|route| manifest::Route {
                chip: route.chip as usize,
                key: route.key as u32,
                mask: route.mask as u32,
                destinations: route.destinations.clone(),
            })
            .collect(),
        fan_out: fan_out(program),
    };
    Ok(Binary { manifest, blobs })
}

fn constants(target: &Target) -> RuntimeConstants {
    RuntimeConstants {
        header: target.memory.code_bytes,
        stack_top: target.memory.sram_bytes,
        registers: Registers { comms: target.comms.base, timer: target.comms.timer_base },
        payload: false,
    }
}

/// The kernels of a program in MLIR's `llvm` dialect, or as assembly, for people.
pub fn kernel_text(program: &Program, target: &Target, assembly: bool) -> Result<String> {
    let mut kernels = BTreeSet::new();
    for pe in &program.pes {
        kernels.extend(kernels_of(pe)?);
    }
    let constants = constants(target);
    if !assembly {
        return Ok(kernels.iter().map(|kernel| kernel.emit(&constants.registers)).collect());
    }
    let cache = KernelCache::new(&constants)?;
    kernels.iter().map(|kernel| cache.assembly(kernel)).collect()
}

fn extents(shape: &[i64]) -> Vec<usize> {
    shape.iter().map(|&extent| extent as usize).collect()
}

fn accumulator(width: i64) -> Accumulator {
    if width == 16 { Accumulator::I16 } else { Accumulator::I32 }
}

fn weight_width(bits: i64) -> WeightWidth {
    if bits == 8 { WeightWidth::W8 } else { WeightWidth::W16 }
}

fn row_kernel(rows: &Rows) -> RowKernel {
    RowKernel { weights: weight_width(rows.bits), accumulators: accumulator(rows.width), length: rows.length as u32 }
}

fn conv_kernel(block: &Convolution) -> Result<ConvKernel> {
    let number = |value: i64| {
        u32::try_from(value).map_err(|_| Box::new(Diagnostic::bug(format!("a convolution holds {value}"))))
    };
    let pair = |values: &[i64]| match *values {
        [rows, columns] => Ok([number(rows)?, number(columns)?]),
        _ => Err(Box::new(Diagnostic::bug("a convolution's pair is not one"))),
    };
    Ok(ConvKernel {
        weights: weight_width(block.bits),
        accumulators: accumulator(block.width),
        source_width: number(block.source_width)?,
        source_channels: number(block.source_channels)?,
        pool: pair(&block.pool)?,
        pooled: pair(&block.pooled)?,
        kernel: pair(&block.kernel)?,
        stride: pair(&block.stride)?,
        padding: pair(&block.padding)?,
        dilation: pair(&block.dilation)?,
        target_width: number(block.target_width)?,
        target_channels: number(block.target_channels)?,
    })
}

fn spread(parameter: &s2k::Parameter) -> Spread {
    match parameter {
        s2k::Parameter::Value(_) => Spread::Uniform,
        s2k::Parameter::Buffer(_) => Spread::PerNeuron,
    }
}

fn decay(form: Option<DecayForm>, parameter: Option<&s2k::Parameter>) -> Decay {
    match (form, parameter.map(spread)) {
        (Some(DecayForm::Whole), Some(spread)) => Decay::Whole(spread),
        (Some(DecayForm::Fraction), Some(spread)) => Decay::Fraction(spread),
        (Some(DecayForm::Mixed), Some(_)) => Decay::Mixed,
        _ => Decay::None,
    }
}

fn update_kernel(update: &Update) -> Result<UpdateKernel> {
    let shift = |shift: i64| u8::try_from(shift).map_err(|_| Box::new(Diagnostic::bug(format!("a shift of {shift}"))));
    let current = match &update.currents {
        Some(_) => Some(CurrentStage {
            decay: decay(update.current_form, update.current_decay.as_ref()),
            offset: update.current_offset.as_ref().map(spread),
            output_shift: shift(update.current_shift.unwrap_or(0))?,
        }),
        None => None,
    };
    let fire = update.threshold.as_ref().zip(update.reset_by.as_ref()).map(|(threshold, by)| Fire {
        threshold: spread(threshold),
        reset: match update.reset {
            Some(Reset::Subtract) => kernels::Reset::Subtract(spread(by)),
            _ => kernels::Reset::Value(spread(by)),
        },
    });
    Ok(UpdateKernel {
        accumulators: accumulator(update.width),
        saturate: update.saturate,
        input_shift: shift(update.shift)?,
        current,
        decay: decay(update.form, update.decay.as_ref()),
        offset: update.offset.as_ref().map(spread),
        fire,
    })
}

fn kernels_of(pe: &Pe) -> Result<BTreeSet<Kernel>> {
    let mut kernels: BTreeSet<Kernel> = pe.rows.iter().map(|rows| Kernel::Row(row_kernel(rows))).collect();
    for block in &pe.convolutions {
        kernels.insert(Kernel::Conv(conv_kernel(block)?));
    }
    for update in &pe.updates {
        kernels.insert(Kernel::Update(update_kernel(update)?));
    }
    Ok(kernels)
}

/// Memory from the start of the data region to the last byte that is not zero at the start.
struct Image {
    base: u32,
    bytes: Vec<u8>,
}

impl Image {
    fn bytes(&mut self, address: u32, bytes: &[u8]) {
        let at = (address - self.base) as usize;
        if self.bytes.len() < at + bytes.len() {
            self.bytes.resize(at + bytes.len(), 0);
        }
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn word(&mut self, address: u32, value: u32) {
        self.bytes(address, &value.to_le_bytes());
    }
}

fn address_of(pe: &Pe, buffer: &str) -> Result<u32> {
    let address = pe.buffer(buffer)?.address.and_then(|address| u32::try_from(address).ok());
    address.ok_or_else(|| Box::new(Diagnostic::bug("`buffer-allocation` has not run")))
}

fn data(pe: &Pe, tables: &Tables, target: &Target, code: &CodeImage) -> Result<Vec<u8>> {
    let base = target.memory.code_bytes;
    let mut image = Image { base, bytes: vec![0; tables.bytes as usize] };
    let fifo = address_of(pe, FIFO)?;
    let slices = base + tables.slices_at;
    let rotations = base + tables.rotations_at;
    for (offset, value) in [
        (header::MAGIC, s2c_abi::MAGIC),
        (header::DISPATCH_SHIFT, tables.dispatch.shift),
        (header::DISPATCH_MASK, tables.dispatch.mask),
        (header::DISPATCH_TABLE, base + tables.dispatch_at),
        (header::SLICES, slices),
        (header::SLICES_END, slices + 4 * pe.updates.len() as u32),
        (header::ROTATIONS, rotations),
        (header::ROTATIONS_END, rotations + rotation::SIZE * tables.rotations),
        (header::FIFO_BASE, fifo),
        (header::FIFO_END, fifo + pe.buffer(FIFO)?.bytes as u32),
    ] {
        image.word(base + offset, value);
    }
    write_dispatch(&mut image, pe, tables, code)?;
    write_slices(&mut image, pe, tables, code)?;
    write_rings(&mut image, pe, tables)?;
    for buffer in &pe.buffers {
        write_values(&mut image, pe, buffer)?;
    }
    Ok(image.bytes)
}

fn write_dispatch(image: &mut Image, pe: &Pe, tables: &Tables, code: &CodeImage) -> Result<()> {
    let base = image.base;
    let unknown = code.entry("unknown_key")?;
    for (number, entry) in tables.dispatch.entries.iter().enumerate() {
        let at = base + tables.dispatch_at + dispatch::SIZE * number as u32;
        match entry {
            None => image.word(at + dispatch::KERNEL, unknown),
            Some((key, blocks)) if blocks.len() == 1 => write_block(image, pe, tables, code, at, *key, blocks[0])?,
            Some((key, blocks)) => {
                let list = base + tables.several_at.get(&number).copied().unwrap_or(0);
                image.word(at + dispatch::KERNEL, code.entry("dispatch_several")?);
                image.word(at + dispatch::ARGUMENT, list);
                image.word(list, blocks.len() as u32);
                for (position, &block) in blocks.iter().enumerate() {
                    let at = list + 4 + dispatch::SIZE * position as u32;
                    write_block(image, pe, tables, code, at, *key, block)?;
                }
            }
        }
    }
    Ok(())
}

/// One dispatch entry: keys count from `key`, rows from the block's first row.
fn write_block(
    image: &mut Image,
    pe: &Pe,
    tables: &Tables,
    code: &CodeImage,
    at: u32,
    key: u32,
    block: usize,
) -> Result<()> {
    let (kernel, base, stride, argument) = if let Some(rows) = pe.rows.get(block) {
        let stride = (rows.length * rows.bits / 8) as u32;
        let first = address_of(pe, &rows.weights.0)?.wrapping_add(stride.wrapping_mul(rows.first as u32));
        let synapse = tables.synapses_at.get(&(rows.accumulators.0.clone(), rows.slot)).copied();
        (row_kernel(rows).name(), first.wrapping_sub(key.wrapping_mul(stride)), stride, synapse)
    } else {
        // A convolution is told the number of the neuron.
        let number = block - pe.rows.len();
        let convolution = pe.convolutions.get(number).ok_or_else(|| Diagnostic::bug("a block is not there"))?;
        (conv_kernel(convolution)?.name(), key.wrapping_neg(), 1, tables.convolutions_at.get(number).copied())
    };
    let argument = argument.ok_or_else(|| Diagnostic::bug("a block has no descriptor"))?;
    image.word(at + dispatch::KERNEL, code.entry(&kernel)?);
    image.word(at + dispatch::BASE, base);
    image.word(at + dispatch::STRIDE, stride);
    image.word(at + dispatch::ARGUMENT, image.base + argument);
    Ok(())
}

fn write_slices(image: &mut Image, pe: &Pe, tables: &Tables, code: &CodeImage) -> Result<()> {
    for (number, (update, &at)) in pe.updates.iter().zip(&tables.slice_at).enumerate() {
        let at = image.base + at;
        image.word(image.base + tables.slices_at + 4 * number as u32, at);
        let kernel = update_kernel(update)?;
        for (offset, value) in [
            (slice::KERNEL, code.entry(&kernel.name())?),
            (slice::START, update.start as u32),
            (slice::COUNT, update.count as u32),
            (slice::KEY, update.key.unwrap_or(0) as u32),
            (slice::ACCUMULATORS, address_of(pe, &update.accumulators.0)?),
            (slice::MEMBRANES, address_of(pe, &update.membranes.0)?),
        ] {
            image.word(at + offset, value);
        }
        for (position, parameter) in kernel.parameters().into_iter().enumerate() {
            let value = match parameter {
                Parameter::Currents => match &update.currents {
                    Some(currents) => address_of(pe, &currents.0)?,
                    None => 0,
                },
                Parameter::CurrentDecay => word_of(pe, update.current_decay.as_ref())?,
                Parameter::CurrentOffset => word_of(pe, update.current_offset.as_ref())?,
                Parameter::Decay => word_of(pe, update.decay.as_ref())?,
                Parameter::Offset => word_of(pe, update.offset.as_ref())?,
                Parameter::Threshold => word_of(pe, update.threshold.as_ref())?,
                Parameter::ResetBy => word_of(pe, update.reset_by.as_ref())?,
            };
            image.word(at + slice::PARAMETERS + 4 * position as u32, value);
        }
    }
    Ok(())
}

fn word_of(pe: &Pe, parameter: Option<&s2k::Parameter>) -> Result<u32> {
    match parameter {
        Some(s2k::Parameter::Value(value)) => Ok(*value as u32),
        Some(s2k::Parameter::Buffer(buffer)) => address_of(pe, &buffer.0),
        None => Ok(0),
    }
}

/// Synapse descriptors, and the rotations of pointers into accumulators with several slots.
///
/// A packet that is drained after the update of tick t with slot s is for the update of tick t + 1 + s. At that time
/// the pointers have been moved on once per update, so that the ones of the synapses start s slots ahead.
fn write_rings(image: &mut Image, pe: &Pe, tables: &Tables) -> Result<()> {
    let base = image.base;
    let mut rotations = Vec::new();
    for ((accumulators, slot), &at) in &tables.synapses_at {
        let buffer = address_of(pe, accumulators)?;
        let (step, slots) = ring_of(pe, accumulators);
        // Before the first update every pointer still stands one slot before the one after it.
        let first = buffer + step * ((*slot as u32) % slots);
        image.word(base + at + synapse::ACCUMULATORS, first);
        if slots > 1 {
            rotations.push((base + at + synapse::ACCUMULATORS, step, buffer, slots));
        }
    }
    for (block, &at) in pe.convolutions.iter().zip(&tables.convolutions_at) {
        let at = base + at;
        let buffer = address_of(pe, &block.accumulators.0)?;
        let (step, slots) = ring_of(pe, &block.accumulators.0);
        let kernel_bytes = block.kernel.iter().product::<i64>() * block.target_channels * block.bits / 8;
        let weights = address_of(pe, &block.weights.0)? + (block.source_channel * kernel_bytes) as u32;
        for (offset, value) in [
            (convolution::ACCUMULATORS, buffer + step * (block.slot as u32 % slots)),
            (convolution::WEIGHTS, weights),
            (convolution::SOURCE_ROW, block.source_row as u32),
            (convolution::TARGET_ROW, block.target_row as u32),
            (convolution::TARGET_ROWS, block.target_rows as u32),
        ] {
            image.word(at + offset, value);
        }
        if slots > 1 {
            rotations.push((at + convolution::ACCUMULATORS, step, buffer, slots));
        }
    }
    for (update, &at) in pe.updates.iter().zip(&tables.slice_at) {
        let (step, slots) = ring_of(pe, &update.accumulators.0);
        if slots > 1 {
            let buffer = address_of(pe, &update.accumulators.0)?;
            rotations.push((base + at + slice::ACCUMULATORS, step, buffer, slots));
        }
    }
    for (number, (pointer, step, buffer, slots)) in rotations.into_iter().enumerate() {
        let at = base + tables.rotations_at + rotation::SIZE * number as u32;
        for (offset, value) in [
            (rotation::POINTER, pointer),
            (rotation::STEP, step),
            (rotation::END, buffer + step * slots),
            (rotation::BASE, buffer),
        ] {
            image.word(at + offset, value);
        }
    }
    Ok(())
}

/// Bytes per slot and number of slots of an accumulator buffer.
fn ring_of(pe: &Pe, accumulators: &str) -> (u32, u32) {
    let slots = tables::slots_of(pe, accumulators).max(1) as u32;
    let bytes = pe.buffer(accumulators).map_or(0, |buffer| buffer.bytes) as u32;
    (bytes / slots, slots)
}

fn write_values(image: &mut Image, pe: &Pe, buffer: &s2k::Buffer) -> Result<()> {
    let Some(values) = &buffer.values else { return Ok(()) };
    let at = address_of(pe, &buffer.sym_name)?;
    match values {
        Values::I32(tensor) => {
            let bytes: Vec<u8> = tensor.iter().flat_map(i32::to_le_bytes).collect();
            image.bytes(at, &bytes);
        }
        Values::I8(tensor) => write_weights(image, pe, buffer, at, &|index| tensor.at(index).into(), &tensor.shape)?,
        Values::I16(tensor) => write_weights(image, pe, buffer, at, &|index| tensor.at(index).into(), &tensor.shape)?,
    }
    Ok(())
}

/// Weights in the order of bytes that their kernel wants: rows of the last dimension, each packed by itself.
fn write_weights(
    image: &mut Image,
    pe: &Pe,
    buffer: &s2k::Buffer,
    at: u32,
    weight: &dyn Fn(usize) -> i32,
    shape: &[usize],
) -> Result<()> {
    let user = pe.blocks().find(|block| block.weights() == buffer.sym_name);
    let (Some(user), Some(&columns)) = (user, shape.last()) else {
        return Err(Box::new(Diagnostic::bug(format!("weights `{}` are not used", buffer.sym_name))));
    };
    let kernel = match user {
        Synapses::Rows(rows) => row_kernel(rows),
        Synapses::Convolution(block) => RowKernel {
            weights: weight_width(block.bits),
            accumulators: accumulator(block.width),
            length: block.target_channels as u32,
        },
    };
    let rows = shape.iter().product::<usize>() / columns.max(1);
    for row in 0..rows {
        let weights: Vec<i32> = (0..columns).map(|column| weight(row * columns + column)).collect();
        image.bytes(at + row as u32 * kernel.row_bytes(), &kernels::pack_row(&kernel, &weights));
    }
    Ok(())
}

/// Synapses behind each neuron of a source in one PE.
fn targets_of(pe: &Pe, block: Synapses<'_>) -> Vec<u32> {
    let real = |update: &Update| match update.layout.as_deref().and_then(MapLayout::from_attribute) {
        Some(map) => map.channels * map.rows * map.map[2],
        None => update.count as usize,
    };
    match block {
        Synapses::Rows(rows) => vec![pe.updates.first().map_or(0, real) as u32; rows.count as usize],
        Synapses::Convolution(c) => {
            let channels = pe.updates.first().and_then(|update| update.layout.as_deref());
            let channels = channels.and_then(MapLayout::from_attribute).map_or(0, |map| map.channels);
            // Taps along rows (those that end in this PE) times taps along columns.
            let along = |axis: usize, position: i64, first: i64, size: i64| {
                let window = position / c.pool[axis];
                let taps = (0..c.kernel[axis]).filter(|tap| {
                    let shifted = window + c.padding[axis] - tap * c.dilation[axis];
                    let output = shifted / c.stride[axis] - first;
                    shifted >= 0 && shifted % c.stride[axis] == 0 && (0..size).contains(&output)
                });
                if window < c.pooled[axis] { taps.count() } else { 0 }
            };
            (0..c.count)
                .map(|index| {
                    let place = index / c.source_channels;
                    let (row, column) = (place / c.source_width + c.source_row, place % c.source_width);
                    let rows = along(0, row, c.target_row, c.target_rows);
                    (rows * along(1, column, 0, c.target_width) * channels) as u32
                })
                .collect()
        }
    }
}

/// How many synapses the packets of each source lead to.
fn fan_out(program: &Program) -> Vec<manifest::FanOut> {
    let mut sums: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for pe in &program.pes {
        for block in pe.blocks() {
            let targets = targets_of(pe, block);
            let sum = sums.entry(block.source()).or_insert_with(|| vec![0; targets.len()]);
            sum.iter_mut().zip(targets).for_each(|(sum, targets)| *sum += targets);
        }
    }
    let keys = program.inputs.iter().map(|input| (&input.node, input.key));
    let keys = keys.chain(program.slices().map(|(_, update)| (&update.slice, update.key)));
    keys.filter_map(|(name, key)| {
        let sums = sums.get(name.as_str())?;
        let runs = sums.chunk_by(|a, b| a == b).map(|run| (run.len() as u32, run[0])).collect();
        Some(manifest::FanOut { key: key.unwrap_or(0) as u32, runs })
    })
    .collect()
}

fn describe(
    pe: &Pe,
    tables: &Tables,
    code: &CodeImage,
    segments: Vec<Segment>,
    kernels: &BTreeSet<Kernel>,
) -> Result<manifest::Pe> {
    let place = pe.place.clone().unwrap_or_default();
    let [chip, column, row, core] = place[..] else {
        return Err(Box::new(Diagnostic::bug("`placement` has not run")));
    };
    let mut memory =
        BTreeMap::from([("code".to_owned(), code.bytes.len() as u32), ("tables".to_owned(), tables.bytes)]);
    memory.extend(pe.buffers.iter().map(|buffer| (buffer.sym_name.clone(), buffer.bytes as u32)));
    let mut slices = Vec::with_capacity(pe.updates.len());
    for update in &pe.updates {
        slices.push(manifest::Slice {
            population: update.population.clone(),
            first: update.first as usize,
            count: update.count as usize,
            layout: update.layout.clone(),
            start: update.start as u64,
            key: update.key.unwrap_or(0) as u32,
            membranes: address_of(pe, &update.membranes.0)?,
            scale: update.scale.values.clone(),
        });
    }
    Ok(manifest::Pe {
        name: pe.name.clone(),
        chip: chip as usize,
        column: column as u8,
        row: row as u8,
        core: core as u8,
        segments,
        memory,
        kernels: kernels.iter().map(Kernel::name).collect(),
        slices,
        synapses: pe.blocks().flat_map(|block| targets_of(pe, block)).map(u64::from).sum(),
    })
}
