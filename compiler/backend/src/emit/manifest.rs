//! The manifest of a binary: all that a loader, a runner or a person has to know besides the bytes.

use s2c_dialects::s2k::{self, MapLayout};
use s2c_passes::{analysis::expected::Expected, target::Target};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the manifest's schema; a reader refuses a newer one.
pub const SCHEMA: u32 = 2;

/// See the module's page.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Manifest {
    /// Version of this schema.
    pub schema: u32,
    /// Version of s2c that wrote the file.
    pub producer: String,
    /// Name of the network.
    pub name: String,
    /// Seconds of network time per tick.
    pub dt: f64,
    /// Options of the compile.
    pub options: BTreeMap<String, String>,
    /// The machine.
    pub target: Target,
    /// What the host sends.
    pub inputs: Vec<Input>,
    /// What the host receives.
    pub outputs: Vec<Output>,
    /// The PEs in use.
    pub pes: Vec<Pe>,
    /// The routers' entries, first match first.
    pub routes: Vec<Route>,
    /// Fan-out of every source.
    pub fan_out: Vec<FanOut>,
    /// What a tick is expected to be like.
    pub expected: Expected,
    /// Number of the blob with the integer network that the binary was made of, as text of `qsnn`.
    #[serde(default)]
    pub network: Option<usize>,
}

/// An input node.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Input {
    /// NIR node.
    pub node: String,
    /// Shape of one tick's counts.
    pub shape: Vec<usize>,
    /// Largest count, or absolute value, per neuron and tick.
    pub limit: i64,
    /// Fractional bits of the payloads that carry values; none for spikes.
    #[serde(default)]
    pub fraction: Option<i64>,
    /// Order of the neurons on the chip, where it is not that of the shape (`s2k`'s `MapLayout`).
    pub layout: Option<Vec<i64>>,
    /// Key of neuron 0.
    pub key: u32,
}

/// An output node.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Output {
    /// NIR node.
    pub node: String,
    /// The population that sends its spikes.
    pub population: String,
    /// Shape of one tick's counts.
    pub shape: Vec<usize>,
    /// Chip tick of the output's tick 0; negative behind a delay that is longer than the pipeline.
    pub start: i64,
}

/// A processing element.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Pe {
    /// Name.
    pub name: String,
    /// Chip number.
    pub chip: usize,
    /// Column of its QPE.
    pub column: u8,
    /// Row of its QPE.
    pub row: u8,
    /// Core within the QPE.
    pub core: u8,
    /// What is loaded, in ascending order of addresses.
    pub segments: Vec<Segment>,
    /// Its memory: code, tables, and each buffer, by name.
    pub memory: BTreeMap<String, Region>,
    /// Kernel variants.
    pub kernels: Vec<String>,
    /// Neurons.
    pub slices: Vec<Slice>,
    /// Number of synapses.
    pub synapses: u64,
}

/// A piece of memory that is loaded before the start.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Segment {
    /// First address.
    pub address: u32,
    /// Which of the container's blobs holds the bytes.
    pub blob: usize,
}

/// A part of a PE's memory.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Region {
    /// What it holds.
    pub purpose: Purpose,
    /// First address.
    pub address: u32,
    /// Size.
    pub bytes: u32,
}

/// What a part of a PE's memory holds. Recordings take none: the host reads what it wants.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Code.
    Code,
    /// Received packets.
    Fifo,
    /// Parameters of neurons.
    Parameters,
    /// Sums, and what neurons keep from tick to tick.
    State,
    /// Weights.
    Synapses,
    /// What the runtime and kernels look up.
    Tables,
}

impl From<s2k::Purpose> for Purpose {
    fn from(purpose: s2k::Purpose) -> Self {
        match purpose {
            s2k::Purpose::Weights => Self::Synapses,
            s2k::Purpose::Parameters => Self::Parameters,
            s2k::Purpose::State => Self::State,
            s2k::Purpose::Packets => Self::Fifo,
        }
    }
}

/// A slice of a population.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Slice {
    /// NIR node of the population.
    pub population: String,
    /// Shape of the population, where it is neither that of the layout's map nor a single axis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Vec<usize>>,
    /// First neuron.
    pub first: usize,
    /// Number of neurons on the chip, padding included.
    pub count: usize,
    /// Which neurons of a map they are, in which order (`s2k`'s `MapLayout`).
    pub layout: Option<Vec<i64>>,
    /// Chip tick of network tick 0.
    pub start: u64,
    /// Key of the first neuron.
    pub key: u32,
    /// Address of the membranes, one 32-bit word each, or one byte where there is a shift.
    pub membranes: u32,
    /// The unit of membranes that are bytes, as a power of two.
    #[serde(default)]
    pub byte_shift: Option<u8>,
    /// Membranes are float32, not integers.
    #[serde(default)]
    pub float_state: bool,
    /// Fractional bits per volt of the payloads that the neurons send; none for spikes.
    #[serde(default)]
    pub fraction: Option<i64>,
    /// Membrane units per volt: one value, or one per neuron.
    pub scale: Vec<f64>,
}

/// How many synapses the packets of a source lead to, over all PEs.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct FanOut {
    /// Key of the source's first neuron.
    pub key: u32,
    /// Runs of neurons with the same number: (neurons, synapses of each).
    pub runs: Vec<(u32, u32)>,
}

/// A router entry. `destinations` are triples as in the op `s2k.route`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Route {
    /// Chip number.
    pub chip: usize,
    /// Key to compare with.
    pub key: u32,
    /// Bits that are compared.
    pub mask: u32,
    /// Triples of numbers.
    pub destinations: Vec<i64>,
}

/// Ticks that a pipeline may be long.
const LONGEST_PIPELINE: u64 = 1 << 20;
/// Neurons of a population, and chips of a machine, beyond which numbers are taken for damage.
const MOST_NEURONS: usize = 1 << 31;
const MOST_CHIPS: u64 = 1 << 16;
/// Bytes of a PE's memory beyond which a number is taken for damage.
const LARGEST_MEMORY: u32 = 1 << 24;

impl Manifest {
    /// Whether all sizes are such that a program can work with them; the error says in words which one is not.
    pub fn check(&self) -> Result<(), String> {
        let fits = |shape: &[usize]| {
            let size = shape.iter().try_fold(1_usize, |size, &extent| size.checked_mul(extent));
            size.is_some_and(|size| size <= MOST_NEURONS)
        };
        let layout_fits = |layout: &Option<Vec<i64>>| {
            let sizes = layout.iter().flatten().map(|&size| usize::try_from(size).ok());
            sizes.collect::<Option<Vec<usize>>>().is_some_and(|sizes| sizes.iter().all(|&size| size < 1 << 16))
        };
        let chips = &self.target.chips;
        let count = u64::from(chips.columns) * u64::from(chips.rows);
        if !(1..=MOST_CHIPS).contains(&count) || u64::from(chips.host) >= count {
            return Err(format!("the target has {} x {} chips, the host at {}", chips.columns, chips.rows, chips.host));
        }
        for input in &self.inputs {
            if !fits(&input.shape) || !layout_fits(&input.layout) {
                return Err(format!("the input `{}` has shape {:?}", input.node, input.shape));
            }
        }
        if self.target.memory.sram_bytes > LARGEST_MEMORY {
            return Err(format!("a PE has {} bytes of memory", self.target.memory.sram_bytes));
        }
        // Neurons of each population, padding included.
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        for slice in self.pes.iter().flat_map(|pe| &pe.slices) {
            if let Some(scale) = slice.scale.iter().find(|scale| !scale.is_finite()) {
                return Err(format!("the membranes of `{}` have the scale {scale}", slice.population));
            }
            let scales = slice.scale.len() == 1 || slice.scale.len() >= slice.count;
            let fits = slice.count <= self.target.memory.sram_bytes as usize && slice.start <= LONGEST_PIPELINE;
            if !fits || !scales || !layout_fits(&slice.layout) {
                return Err(format!("a slice of `{}` has {} neurons", slice.population, slice.count));
            }
            *sizes.entry(&slice.population).or_default() += slice.count;
        }
        let size_of = |population: &str| sizes.get(population).copied().unwrap_or(0);
        for slice in self.pes.iter().flat_map(|pe| &pe.slices) {
            let end = match slice.map() {
                Some(map) => map.map.iter().product(),
                None => slice.first.saturating_add(slice.count),
            };
            let shape = slice.shape.iter().flatten().try_fold(1_usize, |size, &extent| size.checked_mul(extent));
            if end.max(shape.unwrap_or(usize::MAX)) > size_of(&slice.population) {
                return Err(format!("a slice of `{}` reaches behind the population's end", slice.population));
            }
        }
        for output in &self.outputs {
            let size = output.shape.iter().try_fold(1_usize, |size, &extent| size.checked_mul(extent));
            if size.is_none_or(|size| size > size_of(&output.population)) || output.start > LONGEST_PIPELINE as i64 {
                return Err(format!("the output `{}` has shape {:?}", output.node, output.shape));
            }
        }
        Ok(())
    }

    /// Number of neurons, without padding.
    pub fn neurons(&self) -> usize {
        self.pes.iter().flat_map(|pe| &pe.slices).map(Slice::neurons).sum()
    }

    /// Number of synapses.
    pub fn synapses(&self) -> u64 {
        self.pes.iter().map(|pe| pe.synapses).sum()
    }

    /// Bytes of memory in use, over all PEs.
    pub fn sram_bytes(&self) -> u64 {
        self.pes.iter().map(|pe| u64::from(pe.bytes())).sum()
    }

    /// Whether an input takes values instead of spikes.
    pub fn takes_values(&self) -> bool {
        self.inputs.iter().any(|input| input.fraction.is_some())
    }

    /// Names of the populations, in order.
    pub fn populations(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for slice in self.pes.iter().flat_map(|pe| &pe.slices) {
            if !names.contains(&slice.population.as_str()) {
                names.push(&slice.population);
            }
        }
        names
    }
}

impl Pe {
    /// Bytes of memory in use.
    pub fn bytes(&self) -> u32 {
        self.memory.values().map(|region| region.bytes).sum()
    }

    /// Bytes of memory by purpose.
    pub fn sram(&self) -> BTreeMap<Purpose, u32> {
        use Purpose::{Code, Fifo, Parameters, State, Synapses, Tables};
        let purposes = [Code, Fifo, Parameters, State, Synapses, Tables];
        let bytes =
            |purpose| self.memory.values().filter(|region| region.purpose == purpose).map(|region| region.bytes).sum();
        purposes.map(|purpose| (purpose, bytes(purpose))).into()
    }
}

impl Slice {
    /// The piece of a map that the slice is.
    pub fn map(&self) -> Option<MapLayout> {
        MapLayout::from_attribute(self.layout.as_deref()?)
    }

    /// Number of neurons, without padding.
    pub fn neurons(&self) -> usize {
        self.map().map_or(self.count, |map| map.neurons())
    }

    /// Index within the network's population of neuron `index`; `None` for padding.
    pub fn network_index(&self, index: usize) -> Option<usize> {
        match self.map() {
            Some(map) => map.network_index(index),
            None => Some(self.first + index),
        }
    }
}
