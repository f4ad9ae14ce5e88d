//! The memory image of every PE: code, tables and buffers.

use super::{
    Binary, fan_out,
    manifest::{self, Manifest, SCHEMA, Segment},
};
use crate::codegen::{CodeImage, KernelCache, RuntimeConstants};
use s2c_abi::{convolution, dispatch, header, one_to_one, rotation, slice, synapse};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    s2k::{self, Pe, Program, Synapses, Values},
};
use s2c_kernels::{GROUP, Kernel, Parameter, Registers, SparseKernel};
use s2c_passes::{
    analysis::{
        expected,
        tables::{self, Tables},
        variants::{conv_kernel, extent, kernels_of, one_to_one_kernel, row_kernel, sparse_kernel, update_kernel},
    },
    s2k::buffer_allocation::FIFO,
    target::Target,
};
use std::collections::{BTreeMap, BTreeSet};

/// Makes the binary of a finished program.
pub fn emit(program: &Program, target: &Target) -> Result<Binary> {
    let _span = tracing::info_span!("emit", pes = program.pes.len()).entered();
    let mut cache = KernelCache::new(&constants(program, target))?;
    let mut blobs: Vec<Vec<u8>> = Vec::new();
    let mut codes: BTreeMap<BTreeSet<Kernel>, (usize, CodeImage)> = BTreeMap::new();
    let mut pes = Vec::with_capacity(program.pes.len());
    let keys = tables::keys(program);
    for pe in &program.pes {
        let kernels = kernels_of(pe)?;
        if !codes.contains_key(&kernels) {
            let code = cache.image(&kernels, target.memory.code_bytes)?;
            blobs.push(code.bytes.clone());
            codes.insert(kernels.clone(), (blobs.len() - 1, code));
        }
        let (code_blob, code) = &codes[&kernels];
        let tables = tables::plan(&keys, pe)?;
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
                fraction: input.fraction,
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
                start: output.start,
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
        fan_out: fan_out::fan_out(program),
        expected: expected::expected(program, target)?,
        network: None,
    };
    Ok(Binary { manifest, blobs })
}

pub(super) fn constants(program: &Program, target: &Target) -> RuntimeConstants {
    RuntimeConstants {
        header: target.memory.code_bytes,
        stack_top: target.memory.sram_bytes,
        registers: Registers { comms: target.comms.base, timer: target.comms.timer_base },
        payload: program.takes_values(),
    }
}

/// The kernels of a program in MLIR's `llvm` dialect, or as assembly, for people.
pub fn kernel_text(program: &Program, target: &Target, assembly: bool) -> Result<String> {
    let mut kernels = BTreeSet::new();
    for pe in &program.pes {
        kernels.extend(kernels_of(pe)?);
    }
    let constants = constants(program, target);
    if !assembly {
        return Ok(kernels.iter().map(|kernel| kernel.emit(&constants.registers)).collect());
    }
    let cache = KernelCache::new(&constants)?;
    kernels.iter().map(|kernel| cache.assembly(kernel)).collect()
}

fn extents(shape: &[i64]) -> Vec<usize> {
    shape.iter().map(|&extent| extent as usize).collect()
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

pub(super) fn address_of(pe: &Pe, buffer: &str) -> Result<u32> {
    let address = pe.buffer(buffer)?.address.and_then(|address| u32::try_from(address).ok());
    address.ok_or_else(|| Box::new(Diagnostic::bug("`buffer-allocation` has not run")))
}

pub(super) fn data(pe: &Pe, tables: &Tables, target: &Target, code: &CodeImage) -> Result<Vec<u8>> {
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
        let (name, stride) = match rows.sparse {
            true => (sparse_kernel(rows).name(), SparseKernel::STRIDE),
            false => (row_kernel(rows).name(), row_kernel(rows).row_bytes()),
        };
        let first = address_of(pe, &rows.weights.0)?.wrapping_add(stride.wrapping_mul(rows.first as u32));
        let synapse = tables.synapses_at.get(&(rows.accumulators.0.clone(), rows.slot)).copied();
        (name, first.wrapping_sub(key.wrapping_mul(stride)), stride, synapse)
    } else if let Some(convolution) = pe.convolutions.get(block - pe.rows.len()) {
        // A convolution is told the number of the neuron, and so is a one-to-one connection.
        let descriptor = tables.convolutions_at.get(block - pe.rows.len()).copied();
        (conv_kernel(convolution)?.name(), key.wrapping_neg(), 1, descriptor)
    } else {
        let number = block - pe.rows.len() - pe.convolutions.len();
        let connection = pe.one_to_ones.get(number).ok_or_else(|| Diagnostic::bug("a block is not there"))?;
        (one_to_one_kernel(connection).name(), key.wrapping_neg(), 1, tables.one_to_ones_at.get(number).copied())
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
            (slice::COUNT, (update.count as u32).next_multiple_of(GROUP)),
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
                Parameter::Readout => word_of(pe, update.readout.as_ref())?,
                Parameter::Pending => 1,
            };
            image.word(at + slice::PARAMETERS + 4 * position as u32, value);
        }
    }
    Ok(())
}

fn word_of(pe: &Pe, parameter: Option<&s2k::Parameter>) -> Result<u32> {
    match parameter {
        Some(s2k::Parameter::Value(value)) => Ok(*value as u32),
        Some(s2k::Parameter::Float(value)) => Ok(value.to_bits()),
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
    for (entries, at) in &tables.taps_at {
        image.bytes(base + at, entries);
    }
    for (block, &at) in pe.convolutions.iter().zip(&tables.convolutions_at) {
        let at = base + at;
        let buffer = address_of(pe, &block.accumulators.0)?;
        let (step, slots) = ring_of(pe, &block.accumulators.0);
        let kernel = conv_kernel(block)?;
        let kernel_bytes = kernel.kernel[0] * kernel.kernel[1] * kernel.row().row_bytes();
        let weights = address_of(pe, &block.weights.0)? + block.source_channel as u32 * kernel_bytes;
        let entries = |table: Vec<u8>| {
            let at = tables.taps_at.get(&table).map(|at| base + at);
            at.ok_or_else(|| Box::new(Diagnostic::bug("a convolution has no entries")))
        };
        let (rows, columns) = (entries(kernel.row_table(extent(block)?))?, entries(kernel.column_table())?);
        for (offset, value) in [
            (convolution::ACCUMULATORS, buffer + step * (block.slot as u32 % slots)),
            (convolution::WEIGHTS, weights),
            (convolution::ROWS, rows),
            (convolution::COLUMNS, columns),
        ] {
            image.word(at + offset, value);
        }
        if slots > 1 {
            rotations.push((at + convolution::ACCUMULATORS, step, buffer, slots));
        }
    }
    for (block, &at) in pe.one_to_ones.iter().zip(&tables.one_to_ones_at) {
        let at = base + at;
        let buffer = address_of(pe, &block.accumulators.0)?;
        let (step, slots) = ring_of(pe, &block.accumulators.0);
        for (offset, value) in [
            (one_to_one::ACCUMULATORS, buffer + step * (block.slot as u32 % slots)),
            (one_to_one::TABLE, address_of(pe, &block.table.0)?),
            (one_to_one::FIRST, block.first as u32),
            (one_to_one::COUNT, block.length as u32),
        ] {
            image.word(at + offset, value);
        }
        if slots > 1 {
            rotations.push((at + one_to_one::ACCUMULATORS, step, buffer, slots));
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
        Values::F32(tensor) => {
            let bytes: Vec<u8> = tensor.iter().flat_map(f32::to_le_bytes).collect();
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
    if let Synapses::Rows(rows) = user
        && rows.sparse
    {
        let row = |row: usize| (0..columns).map(|column| weight(row * columns + column)).collect();
        image.bytes(at, &sparse_kernel(rows).pack(at, (0..shape[0]).map(row)));
        return Ok(());
    }
    let (kernel, convolution) = match user {
        Synapses::Rows(rows) => (row_kernel(rows), None),
        Synapses::Convolution(block) => {
            let kernel = conv_kernel(block)?;
            (kernel.row(), Some(kernel))
        }
        Synapses::OneToOne(_) => return Err(Box::new(Diagnostic::bug("a table holds bare weights"))),
    };
    let rows = shape.iter().product::<usize>() / columns.max(1);
    for row in 0..rows {
        let weights: Vec<i32> = (0..columns).map(|column| weight(row * columns + column)).collect();
        let place = convolution.as_ref().map_or(row as u32, |kernel| kernel.place_of(row as u32));
        image.bytes(at + place * kernel.row_bytes(), &s2c_kernels::pack_row(&kernel, &weights));
    }
    Ok(())
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
            shape: update.shape.as_deref().map(extents),
            first: update.first as usize,
            count: update.count as usize,
            layout: update.layout.clone(),
            start: update.start as u64,
            key: update.key.unwrap_or(0) as u32,
            membranes: address_of(pe, &update.membranes.0)?,
            byte_shift: update.byte_shift.map(|shift| shift as u8),
            float_state: update.float_state,
            fraction: update.fraction,
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
        addresses: pe
            .buffers
            .iter()
            .map(|buffer| Ok((buffer.sym_name.clone(), address_of(pe, &buffer.sym_name)?)))
            .collect::<Result<_>>()?,
        kernels: kernels.iter().map(Kernel::name).collect(),
        slices,
        synapses: pe.blocks().flat_map(|block| fan_out::targets_of(pe, block)).map(u64::from).sum(),
    })
}
