//! A binary on the chip model: loads it, feeds it spikes, and brings what comes back into the network's own time.

mod host;
mod load;
mod stats;

use crate::{
    data::{Cell, Train, several_inputs},
    progress,
    tools::recording::{self, Quantity, Recording, Table},
};
use s2c_backend::emit::{
    Binary,
    manifest::{Manifest, Slice},
};
use s2c_chip::{Chip, Packet};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result, Severity},
    s2k::MapLayout,
};
use stats::branch;
pub use stats::{BranchStats, Cost, Energy, PeStats, Raster, Stats, TickStats};
use std::collections::BTreeMap;

/// Instructions that a PE may execute in a tick before it counts as stuck.
const INSTRUCTION_BUDGET: u64 = 1 << 28;

/// How recordings count ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Time {
    /// The network's ticks: the pipeline's shift is taken out.
    #[default]
    Network,
    /// The chip's ticks as they are.
    Chip,
}

/// A loaded binary.
pub struct Machine {
    binary: Binary,
    chip: Chip,
    events: u64,
    updates: u64,
    ticks: Vec<TickStats>,
    /// Ticks of network time, and by node the spikes in them.
    network_ticks: u64,
    spikes: BTreeMap<String, u64>,
    /// Synapses per packet, by runs of keys: first key to number of keys and synapses over all PEs.
    fan_out: BTreeMap<u32, (u32, u64)>,
}

/// Something to record.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The population, or an output node.
    pub node: String,
    /// What of it.
    pub quantity: Quantity,
}

impl Machine {
    /// Loads a binary.
    pub fn load(binary: Binary) -> Result<Self> {
        Self::load_within(binary, INSTRUCTION_BUDGET)
    }

    /// As [`Machine::load`], with a number of instructions per PE and tick beyond which code counts as stuck.
    pub fn load_within(binary: Binary, instruction_budget: u64) -> Result<Self> {
        let manifest = &binary.manifest;
        let config = load::config_of(&manifest.target, instruction_budget);
        let (images, routes) = (load::images(&binary)?, load::routes(manifest)?);
        let mut fan_out: BTreeMap<u32, (u32, u64)> = BTreeMap::new();
        for source in &manifest.fan_out {
            let mut key = source.key;
            for &(neurons, synapses) in &source.runs {
                fan_out.insert(key, (neurons, synapses.into()));
                key = key.wrapping_add(neurons);
            }
        }
        let chip = Chip::new(config, images, routes).map_err(refused)?;
        Ok(Self {
            binary,
            chip,
            events: 0,
            updates: 0,
            ticks: Vec::new(),
            network_ticks: 0,
            spikes: BTreeMap::new(),
            fan_out,
        })
    }

    /// The chips, to bring about faults.
    pub fn chip_mut(&mut self) -> &mut Chip {
        &mut self.chip
    }

    /// The binary.
    pub fn binary(&self) -> &Binary {
        &self.binary
    }

    /// Synapses that a packet of this key comes through.
    fn synapses_of(&self, key: u32) -> u64 {
        let block = self.fan_out.range(..=key).next_back();
        block.filter(|&(&first, &(sources, _))| key - first < sources).map_or(0, |(_, &(_, synapses))| synapses)
    }

    /// Runs one sample from the start: all its ticks, and as many more as the pipeline is long.
    pub fn run<T: Cell>(&mut self, input: &Train<T>, wishes: &[Wish], time: Time) -> Result<Vec<Recording>> {
        self.run_all(std::slice::from_ref(input), wishes, time)
    }

    /// As [`Machine::run`], with one recording of as many ticks for each input.
    pub fn run_all<T: Cell>(&mut self, inputs: &[Train<T>], wishes: &[Wish], time: Time) -> Result<Vec<Recording>> {
        self.run_with(inputs, wishes, time, &mut |_| ())
    }

    /// As [`Machine::run_all`]; `upset` may change the chips' memory before every tick.
    pub fn run_with<T: Cell>(
        &mut self,
        inputs: &[Train<T>],
        wishes: &[Wish],
        time: Time,
        upset: &mut (dyn FnMut(&mut Chip) + Send),
    ) -> Result<Vec<Recording>> {
        let span = tracing::info_span!("run", ticks = inputs.first().map_or(0, Train::ticks));
        // The PEs share their work several times per tick, which is much cheaper from inside the pool of threads.
        rayon::scope(|_| self.run_in_pool(inputs, wishes, time, upset, &span))
    }

    fn run_in_pool<T: Cell>(
        &mut self,
        inputs: &[Train<T>],
        wishes: &[Wish],
        time: Time,
        upset: &mut (dyn FnMut(&mut Chip) + Send),
        span: &tracing::Span,
    ) -> Result<Vec<Recording>> {
        let input_ticks = inputs.first().map_or(0, Train::ticks);
        self.chip.reset().map_err(fault)?;
        let manifest = &self.binary.manifest;
        if inputs.len() != manifest.inputs.len() {
            let names: Vec<&str> = manifest.inputs.iter().map(|input| input.node.as_str()).collect();
            return Err(several_inputs(&names));
        }
        let layouts: Vec<Option<MapLayout>> =
            manifest.inputs.iter().map(|input| MapLayout::from_attribute(input.layout.as_deref()?)).collect();
        let pes = manifest.pes.iter().enumerate();
        let slices: Vec<(usize, Slice)> =
            pes.flat_map(|(index, pe)| pe.slices.iter().map(move |slice| (index, slice.clone()))).collect();
        let depth = slices.iter().map(|(_, slice)| slice.start).max();
        let chip_ticks = input_ticks + depth.unwrap_or(0) as usize;
        let ticks = if time == Time::Chip { chip_ticks } else { input_ticks };
        progress::expect_ticks(span, chip_ticks);
        let _entered = span.enter();
        let (names, node_of) = senders(manifest, &slices);
        let mut spikes = vec![0; names.len()];
        let mut plans = wishes.iter().map(|wish| self.plan(wish, &slices, ticks)).collect::<Result<Vec<_>>>()?;

        for chip_tick in 0..chip_ticks {
            let mut packets = Vec::new();
            for (index, ((port, train), layout)) in manifest.inputs.iter().zip(inputs).zip(&layouts).enumerate() {
                let before = packets.len();
                host::packets(port, layout.as_ref(), train, chip_tick, &mut packets)?;
                spikes[index] += (packets.len() - before) as u64;
            }
            self.events += packets.iter().map(|packet| self.synapses_of(packet.key)).sum::<u64>();
            upset(&mut self.chip);
            let report = self.chip.step(&packets).map_err(fault)?;
            self.events += report.sent.iter().map(|(_, packet)| self.synapses_of(packet.key)).sum::<u64>();
            self.ticks.push(TickStats { max_cycles: report.max_cycles, packets: report.sent.len() as u64 });
            report.sent.iter().for_each(|(pe, _)| spikes[node_of[*pe]] += 1);
            let active = slices.iter().filter(|(_, slice)| slice.start <= chip_tick as u64);
            self.updates += active.map(|(_, slice)| slice.neurons() as u64).sum::<u64>();
            for plan in &mut plans {
                plan.record(&self.chip, &slices, &report.sent, chip_tick, time)?;
            }
            progress::tick(span);
        }
        self.network_ticks += input_ticks as u64;
        for (name, spikes) in names.into_iter().zip(spikes) {
            *self.spikes.entry(name).or_default() += spikes;
        }
        Ok(plans.into_iter().map(|plan| plan.recording).collect())
    }

    fn plan(&self, wish: &Wish, slices: &[(usize, Slice)], ticks: usize) -> Result<Plan> {
        let manifest = &self.binary.manifest;
        let output = manifest.outputs.iter().find(|output| output.node == wish.node);
        let population = output.map_or(wish.node.as_str(), |output| &output.population);
        let mine: Vec<usize> = (0..slices.len()).filter(|&index| slices[index].1.population == population).collect();
        // An output has no membranes of its own.
        if mine.is_empty() || output.is_some() && wish.quantity == Quantity::Membranes {
            return Err(recording::unknown_node(&wish.node, &manifest.populations()));
        }
        let shape = output.map_or_else(|| shape_of(slices, &mine), |output| output.shape.clone());
        let start = output.map_or(slices[mine[0]].1.start as i64, |output| output.start);
        let is_graded = slices[mine[0]].1.fraction.is_some();
        Ok(Plan { slices: mine, start, recording: Recording::new(wish.quantity, is_graded, ticks, shape) })
    }

    /// What all runs since loading have cost.
    pub fn cost(&self) -> Cost {
        let chip = self.chip.stats();
        Cost {
            ticks: self.ticks.len() as u64,
            instructions: chip.pes.iter().map(|pe| pe.instructions).sum(),
            cycles: chip.pes.iter().map(|pe| pe.cycles).sum(),
            synaptic_events: self.events,
            neuron_updates: self.updates,
            packets: chip.network.packets,
            max_cycles_per_tick: chip.pes.iter().map(|pe| pe.max_tick_cycles).max().unwrap_or(0),
        }
    }

    /// Counts since loading.
    pub fn stats(&self) -> Stats {
        let manifest = &self.binary.manifest;
        let chip = self.chip.stats();
        let bytes = |index: usize| u64::from(manifest.pes[index].bytes());
        let pe: Vec<PeStats> = chip
            .pes
            .iter()
            .enumerate()
            .map(|(index, counts)| PeStats {
                name: manifest.pes[index].name.clone(),
                instructions: counts.instructions,
                cycles: counts.cycles,
                max_cycles_per_tick: counts.max_tick_cycles,
                packets: counts.packets_sent,
                received_packets: counts.packets_received,
                max_waiting_packets: counts.max_ring_fill.into(),
                sram_bytes: bytes(index),
            })
            .collect();
        let mut neurons: BTreeMap<&str, usize> =
            manifest.inputs.iter().map(|input| (input.node.as_str(), input.shape.iter().product())).collect();
        for slice in manifest.pes.iter().flat_map(|pe| &pe.slices) {
            *neurons.entry(&slice.population).or_default() += slice.neurons();
        }
        let rate = |name: &str, spikes: u64| {
            spikes as f64 / (neurons.get(name).copied().unwrap_or(0) as f64 * self.network_ticks as f64).max(1.0)
        };
        let rates = self.spikes.iter().map(|(name, &spikes)| (name.clone(), rate(name, spikes))).collect();
        let cost = self.cost();
        Stats {
            rates,
            energy: cost.energy(manifest),
            pes: pe.len(),
            cost,
            dropped_packets: chip.network.dropped,
            hops: chip.network.hops,
            link_packets: chip.network.link_packets,
            sram_bytes: pe.iter().map(|pe| pe.sram_bytes).sum(),
            pe,
            branches: self.chip.loads().into_iter().map(branch).collect(),
            tick: self.ticks.clone(),
            rasters: Vec::new(),
        }
    }
}

/// Names of what sends packets, inputs first, and by PE the number of its population: PEs hold slices of one.
fn senders(manifest: &Manifest, slices: &[(usize, Slice)]) -> (Vec<String>, Vec<usize>) {
    let mut names: Vec<String> = manifest.inputs.iter().map(|input| input.node.clone()).collect();
    let mut node_of = vec![0; manifest.pes.len()];
    for (pe, slice) in slices {
        let known = names.iter().position(|name| *name == slice.population);
        node_of[*pe] = known.unwrap_or_else(|| {
            names.push(slice.population.clone());
            names.len() - 1
        });
    }
    (names, node_of)
}

/// A recording in the making.
struct Plan {
    /// The slices of the population.
    slices: Vec<usize>,
    /// Chip tick of the recording's tick 0.
    start: i64,
    recording: Recording,
}

impl Plan {
    fn record(
        &mut self,
        chip: &Chip,
        slices: &[(usize, Slice)],
        sent: &[(usize, Packet)],
        chip_tick: usize,
        time: Time,
    ) -> Result<()> {
        let start = if time == Time::Chip { 0 } else { self.start };
        let Ok(tick) = usize::try_from((chip_tick as i64).saturating_sub(start)) else { return Ok(()) };
        for &index in &self.slices {
            let (pe, slice) = &slices[index];
            match &mut self.recording {
                Recording::Spikes(table) => record_sent(table, tick, *pe, slice, sent, |count, _| *count += 1),
                Recording::Values(table) => {
                    let unit = (slice.fraction.unwrap_or(0) as f64).exp2();
                    let value = |packet: &Packet| f64::from(packet.payload.unwrap_or(0) as i32) / unit;
                    record_sent(table, tick, *pe, slice, sent, |cell, packet| *cell = value(packet));
                }
                Recording::Membranes(table) => record_membranes(table, tick, chip, *pe, slice)?,
            }
        }
        Ok(())
    }
}

/// Shape of the population that some slices are.
fn shape_of(slices: &[(usize, Slice)], mine: &[usize]) -> Vec<usize> {
    let first = mine.first().map(|&first| &slices[first].1);
    match first.map(|slice| (&slice.shape, slice.map())) {
        Some((Some(shape), _)) => shape.clone(),
        Some((None, Some(map))) => map.map.to_vec(),
        _ => vec![mine.iter().map(|&index| slices[index].1.first + slices[index].1.count).max().unwrap_or(0)],
    }
}

fn has_tick<T>(table: &Table<T>, tick: usize) -> bool {
    let width: usize = table.shape.iter().product();
    tick < table.values.len() / width.max(1)
}

/// Enters the packets of a slice into their neurons' cells.
fn record_sent<T: Copy + Default>(
    table: &mut Table<T>,
    tick: usize,
    pe: usize,
    slice: &Slice,
    sent: &[(usize, Packet)],
    enter: impl Fn(&mut T, &Packet),
) {
    if !has_tick(table, tick) {
        return;
    }
    let row = table.row(tick);
    for (_, packet) in sent.iter().filter(|(sender, _)| *sender == pe) {
        let neuron = packet.key.wrapping_sub(slice.key) as usize;
        if neuron < slice.count
            && let Some(cell) = slice.network_index(neuron).and_then(|index| row.get_mut(index))
        {
            enter(cell, packet);
        }
    }
}

fn record_membranes(table: &mut Table<f64>, tick: usize, chip: &Chip, pe: usize, slice: &Slice) -> Result<()> {
    if !has_tick(table, tick) {
        return Ok(());
    }
    let size = if slice.byte_shift.is_some() { 1 } else { 4 };
    let bytes = chip.read(pe, slice.membranes, size * slice.count).ok_or_else(|| {
        Diagnostic::error("bad-binary", format!("the membranes of `{}` lie outside the memory", slice.population))
    })?;
    for (neuron, word) in bytes.chunks_exact(size).enumerate() {
        let value = match (word, slice.byte_shift) {
            (&[byte], Some(shift)) => f64::from(byte as i8) * f64::from(shift).exp2(),
            (&[a, b, c, d], _) if slice.float_state => f64::from(f32::from_le_bytes([a, b, c, d])),
            (&[a, b, c, d], _) => f64::from(i32::from_le_bytes([a, b, c, d])),
            _ => 0.0,
        };
        let scale = if slice.scale.len() == 1 { slice.scale[0] } else { slice.scale[neuron] };
        if let Some(cell) = slice.network_index(neuron).and_then(|index| table.row(tick).get_mut(index)) {
            *cell = value / scale;
        }
    }
    Ok(())
}

/// What fails when a binary from a file runs: whoever changes a file can make its checksums right again, so that this
/// need not be a bug.
pub fn of_file(diagnostic: Box<Diagnostic>) -> Box<Diagnostic> {
    if diagnostic.severity != Severity::Bug {
        return diagnostic;
    }
    let Diagnostic { title, text, .. } = *diagnostic;
    let hint = "compile the model again; should it then happen again, it is a bug: please report it";
    Box::new(Diagnostic::error("bad-binary", title).text(text).hint(hint))
}

/// A fault of the machine code is a bug of the compiler, never of the input.
fn fault(fault: s2c_chip::Fault) -> Box<Diagnostic> {
    Box::new(Diagnostic::bug(format!("the machine code failed: {fault}")))
}

/// What the chip model does not take is a binary that does not fit the machine that it names.
fn refused(error: s2c_chip::SetupError) -> Box<Diagnostic> {
    Box::new(Diagnostic::error("bad-binary", format!("the binary does not fit the machine: {error}")))
}
