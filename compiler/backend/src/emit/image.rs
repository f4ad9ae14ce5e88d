//! The memory image of every PE: code, tables and buffers.

use super::{
    Binary, fan_out,
    manifest::{self, Manifest, Region, SCHEMA, Segment},
};
use crate::codegen::{CodeImage, KernelCache, RuntimeConstants};
use s2c_abi::{dispatch, header, rotation, slice};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    s2k::{self, Pe, Program, Purpose, Values},
};
use s2c_kernels::{GROUP, Kernel, Parameter};
use s2c_passes::{
    analysis::{
        expected,
        form::{self, Matrix, Place, Word, kernels_of},
        tables::{self, Tables},
        variants::update_kernel,
    },
    registry,
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
        pes.push(describe(pe, &tables, target, code, segments, &kernels)?);
    }
    let manifest = Manifest {
        schema: SCHEMA,
        producer: env!("CARGO_PKG_VERSION").to_owned(),
        name: program.name.clone(),
        dt: program.dt,
        options: program.options.clone(),
        target: target.clone(),
        inputs: inputs(program),
        outputs: outputs(program),
        pes,
        routes: routes(program),
        fan_out: fan_out::fan_out(program),
        expected: expected::expected(program, target, &registry::read(&program.options)?)?,
        network: None,
    };
    Ok(Binary { manifest, blobs })
}

/// What the host sends.
fn inputs(program: &Program) -> Vec<manifest::Input> {
    let input = |input: &s2k::HostInput| manifest::Input {
        node: input.node.clone(),
        shape: extents(&input.shape),
        limit: input.limit,
        fraction: input.fraction,
        layout: input.layout.clone(),
        key: input.key.unwrap_or(0) as u32,
    };
    program.inputs.iter().map(input).collect()
}

/// What the host receives.
fn outputs(program: &Program) -> Vec<manifest::Output> {
    let output = |output: &s2k::HostOutput| manifest::Output {
        node: output.node.clone(),
        population: output.population.clone(),
        shape: extents(&output.shape),
        start: output.start,
    };
    program.outputs.iter().map(output).collect()
}

/// The routers' entries.
fn routes(program: &Program) -> Vec<manifest::Route> {
    let route = |route: &s2k::Route| manifest::Route {
        chip: route.chip as usize,
        key: route.key as u32,
        mask: route.mask as u32,
        destinations: route.destinations.clone(),
    };
    program.routes.iter().map(route).collect()
}

pub(super) fn constants(program: &Program, target: &Target) -> RuntimeConstants {
    RuntimeConstants {
        header: target.memory.code_bytes,
        stack_top: target.memory.sram_bytes,
        registers: target.registers.addresses(),
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

/// The address of a place in a PE's memory.
fn place_of(pe: &Pe, place: &Place) -> Result<u32> {
    Ok(address_of(pe, &place.buffer.0)? + place.offset)
}

pub(super) fn address_of(pe: &Pe, buffer: &str) -> Result<u32> {
    let address = pe.buffer(buffer)?.address.and_then(|address| u32::try_from(address).ok());
    address.ok_or_else(|| Box::new(Diagnostic::bug("`buffer-allocation` has not run")))
}

pub(super) fn data(pe: &Pe, tables: &Tables, target: &Target, code: &CodeImage) -> Result<Vec<u8>> {
    let base = target.memory.code_bytes;
    let mut image = Image { base, bytes: vec![0; tables.bytes as usize] };
    let ring = pe.ring()?;
    let fifo = address_of(pe, &ring.sym_name)?;
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
        (header::FIFO_END, fifo + ring.bytes as u32),
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

/// One dispatch entry of a block whose source's keys begin at `key`.
fn write_block(
    image: &mut Image,
    pe: &Pe,
    tables: &Tables,
    code: &CodeImage,
    at: u32,
    key: u32,
    block: usize,
) -> Result<()> {
    let call = &tables.calls[block];
    let (base, stride) = call.argument.entry(key, |start| place_of(pe, start))?;
    let descriptor = tables.descriptors_at.iter().find(|(descriptor, _)| *descriptor == call.descriptor);
    let &(_, argument) = descriptor.ok_or_else(|| Diagnostic::bug("a block has no descriptor"))?;
    image.word(at + dispatch::KERNEL, code.entry(&call.kernel.name())?);
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

/// Descriptors of synapses, and the rotations of pointers into accumulators with several slots.
///
/// A packet that is drained after the update of tick t with slot s is for the update of tick t + 1 + s. At that time
/// the pointers have been moved on once per update, so that the ones of the synapses start s slots ahead.
fn write_rings(image: &mut Image, pe: &Pe, tables: &Tables) -> Result<()> {
    let base = image.base;
    let mut pointers = Vec::new();
    for (descriptor, at) in &tables.descriptors_at {
        for (offset, word) in descriptor {
            let at = base + at + offset;
            let value = match word {
                // Before the first update every pointer still stands one slot before the one after it.
                Word::Sums(sums, slot) => {
                    pointers.push((at, sums.0.as_str()));
                    let (step, slots) = ring_of(pe, &sums.0);
                    address_of(pe, &sums.0)? + step * (*slot as u32 % slots)
                }
                Word::Place(place) => place_of(pe, place)?,
                Word::Table(table) => base + tables.tables_at.get(table).copied().unwrap_or(0),
                Word::Number(number) => *number,
            };
            image.word(at, value);
        }
    }
    for (table, at) in &tables.tables_at {
        image.bytes(base + at, table);
    }
    let slices = pe.updates.iter().zip(&tables.slice_at);
    pointers.extend(slices.map(|(update, at)| (base + at + slice::ACCUMULATORS, update.accumulators.0.as_str())));
    let moving = pointers.into_iter().filter(|(_, sums)| ring_of(pe, sums).1 > 1);
    for (number, (pointer, sums)) in (0..).zip(moving) {
        let at = base + tables.rotations_at + rotation::SIZE * number;
        let (buffer, (step, slots)) = (address_of(pe, sums)?, ring_of(pe, sums));
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
    let bytes = match values {
        _ if buffer.purpose == Purpose::Weights => {
            let user = pe.blocks.iter().find(|block| block.head.weights.0 == buffer.sym_name);
            let user = user.ok_or_else(|| Diagnostic::bug(format!("weights `{}` are not used", buffer.sym_name)))?;
            form::of(user).pack(&user.head, &Matrix::new(values), at)?
        }
        Values::I8(tensor) => tensor.iter().flat_map(i8::to_le_bytes).collect(),
        Values::I16(tensor) => tensor.iter().flat_map(i16::to_le_bytes).collect(),
        Values::I32(tensor) => tensor.iter().flat_map(i32::to_le_bytes).collect(),
        Values::F32(tensor) => tensor.iter().flat_map(f32::to_le_bytes).collect(),
    };
    image.bytes(at, &bytes);
    Ok(())
}

fn describe(
    pe: &Pe,
    tables: &Tables,
    target: &Target,
    code: &CodeImage,
    segments: Vec<Segment>,
    kernels: &BTreeSet<Kernel>,
) -> Result<manifest::Pe> {
    let place = pe.place.clone().unwrap_or_default();
    let [chip, column, row, core] = place[..] else {
        return Err(Box::new(Diagnostic::bug("`placement` has not run")));
    };
    let region = |purpose, address, bytes| Region { purpose, address, bytes };
    let mut memory = BTreeMap::from([
        ("code".to_owned(), region(manifest::Purpose::Code, 0, code.bytes.len() as u32)),
        ("tables".to_owned(), region(manifest::Purpose::Tables, target.memory.code_bytes, tables.bytes)),
    ]);
    for buffer in &pe.buffers {
        let address = address_of(pe, &buffer.sym_name)?;
        memory.insert(buffer.sym_name.clone(), region(buffer.purpose.into(), address, buffer.bytes as u32));
    }
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
        kernels: kernels.iter().map(Kernel::name).collect(),
        slices,
        synapses: pe.blocks.iter().flat_map(|block| form::of(block).fan_out(pe, &block.head)).map(u64::from).sum(),
    })
}
