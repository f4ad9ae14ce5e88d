//! Calibration: the second moments of what reaches the neurons of a population, from spikes of the float network.
//!
//! An error e of a neuron's weights moves its membrane by e · u, where u are the spikes of its inputs as the membrane
//! keeps them: u(t) = keep u(t - 1) + x(t), through the current's keep factor too where there is one. The mean square of
//! that is e' M e with M the mean of u u'. One more input that is always 1 stands for the bias.
//!
//! Neurons of a channel share their weights, so that all their places count for one M per group of channels.

use super::projections;
use crate::{
    option_spec::{Heading, OptionSpec},
    options::{WeightCast, WeightRounding, WeightScale},
};
use s2c_dialects::{
    convolution::Geometry,
    diagnostic::{Diagnostic, Result},
    snn::{Network, Op},
};
use std::collections::{BTreeMap, VecDeque};

/// Recordings that quantization may look at.
pub const CALIBRATE: OptionSpec = OptionSpec {
    name: "calibrate",
    value: "FILE",
    help: "Recordings (.npy, .npz) that quantization may look at; labels are not used",
    idle: |options| {
        let is_nearest = options.weight_rounding == Some(WeightRounding::Nearest) && !options.search;
        let is_given = options.weight_percentile.is_some()
            || options.weight_cast == WeightCast::Truncate
            || matches!(options.weight_scale, WeightScale::Factor(_));
        (is_nearest && is_given).then_some("The scale is given, and weights are rounded to nearest.")
    },
    ..OptionSpec::of(Heading::Quantization)
};
/// How many of them.
pub const CALIBRATE_SAMPLES: OptionSpec = OptionSpec {
    name: "calibrate-samples",
    value: "N",
    help: "Number of calibration samples, from the start of the file",
    default: "64",
    set: |_, _, text| match text.parse::<usize>() {
        Ok(1..) => Ok(()),
        _ => Err("expected a whole number, at least 1".to_owned()),
    },
    ..OptionSpec::of(Heading::Quantization)
};

/// Products per tick and population that are summed at most; of more places a part is taken, another one in each tick.
const PRODUCTS: usize = 1 << 21;
/// Inputs of a neuron beyond which only their own second moments are kept, not those of pairs.
const MOST_PAIRED: usize = 1536;

/// Moments of all populations that were watched, by NIR node; one per group of channels, one for a dense population.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    populations: BTreeMap<String, Vec<Moments>>,
}

impl Calibration {
    /// The moments of a population, by group.
    pub fn of(&self, node: &str) -> Option<&[Moments]> {
        self.populations.get(node).map(Vec::as_slice)
    }

    /// Adds what another run has found in the same network.
    pub fn merge(&mut self, other: Self) {
        for (node, moments) in other.populations {
            match self.populations.get_mut(&node) {
                Some(mine) => mine.iter_mut().zip(moments).for_each(|(mine, other)| mine.merge(&other)),
                None => {
                    self.populations.insert(node, moments);
                }
            }
        }
    }
}

/// Sums of products of `inputs` + 1 values, the last of which is the one that stands for the bias.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    inputs: usize,
    /// All pairs row by row, or only the squares.
    paired: bool,
    sums: Vec<f64>,
}

impl Moments {
    pub(crate) fn new(inputs: usize) -> Self {
        let (size, paired) = (inputs + 1, inputs <= MOST_PAIRED);
        Self { inputs, paired, sums: vec![0.0; if paired { size * size } else { size }] }
    }

    /// Number of inputs of a neuron.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The second moment of input `index`, up to a factor that all share.
    pub fn square(&self, index: usize) -> f64 {
        self.sums[if self.paired { index * (self.inputs + 2) } else { index }]
    }

    /// The mean of [`Self::square`] over all inputs.
    pub fn mean_square(&self) -> f64 {
        (0..self.inputs).map(|index| self.square(index)).sum::<f64>() / self.inputs.max(1) as f64
    }

    /// The matrix M, `inputs` + 1 squared, row by row and up to a factor; none where pairs were not kept.
    pub fn matrix(&self) -> Option<Vec<f64>> {
        if !self.paired {
            return None;
        }
        let (size, mut matrix) = (self.inputs + 1, self.sums.clone());
        for row in 0..size {
            for column in 0..row {
                matrix[row * size + column] = matrix[column * size + row];
            }
        }
        Some(matrix)
    }

    pub(crate) fn add(&mut self, trace: &[f32], bias: f32) {
        let size = self.inputs + 1;
        let values: Vec<f64> = trace.iter().chain([&bias]).map(|&value| f64::from(value)).collect();
        if !self.paired {
            self.sums.iter_mut().zip(&values).for_each(|(sum, value)| *sum += value * value);
            return;
        }
        for (row, &value) in values.iter().enumerate().filter(|&(_, &value)| value != 0.0) {
            let sums = &mut self.sums[row * size + row..(row + 1) * size];
            sums.iter_mut().zip(&values[row..]).for_each(|(sum, other)| *sum += value * other);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, other)| *sum += other);
    }
}

/// Watches the spikes and values of a float network, tick by tick.
#[derive(Clone)]
pub struct Observer {
    watched: Vec<Watched>,
    /// What each source that is needed handed on in the last ticks, newest first.
    history: BTreeMap<usize, VecDeque<Vec<f64>>>,
    longest: usize,
    tick: usize,
}

#[derive(Clone)]
struct Watched {
    node: String,
    sources: Vec<Source>,
    places: usize,
    inputs: usize,
    keep: [f32; 2],
    /// Spikes as the current keeps them, then as the membrane does: group, place, input.
    traces: [Vec<f32>; 2],
    bias: [f32; 2],
    moments: Vec<Moments>,
}

#[derive(Clone)]
struct Source {
    node: usize,
    ticks: usize,
    /// Position of its first input among all inputs of a neuron.
    first: usize,
    geometry: Option<Geometry>,
}

impl Observer {
    /// Prepares for a network that is discretised and whose connections act on spikes.
    pub fn new(network: &Network) -> Result<Self> {
        let mut watched = Vec::new();
        for index in (0..network.nodes.len()).filter(|&index| network.nodes[index].op.is_neuron()) {
            watched.extend(Watched::new(network, index)?);
        }
        let sources = watched.iter().flat_map(|watched| &watched.sources);
        let longest = sources.clone().map(|source| source.ticks).max().unwrap_or(0) + 1;
        let history = sources.map(|source| (source.node, VecDeque::new())).collect();
        Ok(Self { watched, history, longest, tick: 0 })
    }

    /// Adds a tick; `values` gives what a node of the network hands on.
    pub fn observe(&mut self, values: impl Fn(usize) -> Vec<f64>) {
        for (&node, ticks) in &mut self.history {
            ticks.truncate(self.longest - 1);
            ticks.push_front(values(node));
        }
        for watched in &mut self.watched {
            watched.advance(&self.history);
            watched.sum(self.tick);
        }
        self.tick += 1;
    }

    /// What has been found.
    pub fn finish(self) -> Calibration {
        Calibration { populations: self.watched.into_iter().map(|watched| (watched.node, watched.moments)).collect() }
    }
}

impl Watched {
    /// None where rows of weights do not all stand for the same inputs: a convolution and a dense connection together.
    fn new(network: &Network, population: usize) -> Result<Option<Self>> {
        let (mut sources, mut groups, mut inputs) = (Vec::new(), None, 0);
        for projection in projections::of_snn(network, population)? {
            let (count, of_groups, geometry) = match &network.nodes[projection.connection].op {
                Op::Linear(op) => (op.weight.shape[1], 0, None),
                Op::Conv2d(op) => {
                    let geometry = op.geometry(&network.result(projection.source)?.shape);
                    (op.weight.shape[1..].iter().product(), op.groups as usize, geometry)
                }
                _ => return Ok(None),
            };
            if *groups.get_or_insert(of_groups) != of_groups {
                return Ok(None);
            }
            sources.push(Source { node: projection.source, ticks: projection.ticks as usize, first: inputs, geometry });
            inputs += count;
        }
        let groups = groups.unwrap_or(0).max(1);
        let maps = |source: &Source| source.geometry.map_or(1, |geometry| geometry.output()[1..].iter().product());
        let places = sources.iter().map(maps).max().unwrap_or(1);
        let node = &network.nodes[population];
        let size = groups * places * inputs;
        Ok(Some(Self {
            node: node.op.node().unwrap_or(&node.name).to_owned(),
            sources,
            places,
            inputs,
            keep: keep(&node.op, network.result(population)?.len())?,
            traces: [vec![0.0; size], vec![0.0; size]],
            bias: [0.0; 2],
            moments: vec![Moments::new(inputs); groups],
        }))
    }

    fn advance(&mut self, history: &BTreeMap<usize, VecDeque<Vec<f64>>>) {
        let ([current, membrane], [keep_current, keep]) = (&mut self.traces, self.keep);
        current.iter_mut().for_each(|value| *value *= keep_current);
        for source in &self.sources {
            let Some(values) = history[&source.node].get(source.ticks) else { continue };
            let values = values.iter().enumerate().filter(|&(_, &value)| value != 0.0);
            for (index, &value) in values {
                let Some(geometry) = &source.geometry else {
                    current[source.first + index] += value as f32;
                    continue;
                };
                let [_, rows, columns] = geometry.input;
                let (channel, row, column) = (index / (rows * columns), index / columns % rows, index % columns);
                let (outputs, within) = geometry.targets_of(channel);
                let group = outputs.start / outputs.len().max(1);
                for tap in geometry.taps(row, column) {
                    let place = tap.output[0] * geometry.output()[2] + tap.output[1];
                    let input = source.first + geometry.weight_index(0, within, tap.kernel);
                    current[(group * self.places + place) * self.inputs + input] += value as f32;
                }
            }
        }
        membrane.iter_mut().zip(current).for_each(|(value, x)| *value = *value * keep + *x);
        self.bias[0] = self.bias[0] * keep_current + 1.0;
        self.bias[1] = self.bias[1] * keep + self.bias[0];
    }

    fn sum(&mut self, tick: usize) {
        let products =
            self.places * if self.inputs <= MOST_PAIRED { (self.inputs + 1).pow(2) / 2 } else { self.inputs };
        let step = products.div_ceil(PRODUCTS).max(1);
        let first = tick % step;
        for (group, moments) in self.moments.iter_mut().enumerate() {
            for place in (first..self.places).step_by(step) {
                let start = (group * self.places + place) * self.inputs;
                moments.add(&self.traces[1][start..start + self.inputs], self.bias[1]);
            }
        }
    }
}

/// What current and membrane keep from tick to tick, over the population's mean; 0 for a current that is not there.
fn keep(op: &Op, neurons: usize) -> Result<[f32; 2]> {
    let neuron = op.neuron().ok_or_else(|| Diagnostic::bug("`discretization` has not run"))?;
    let mean = |keep: &dyn Fn(usize) -> f64| ((0..neurons).map(keep).sum::<f64>() / neurons.max(1) as f64) as f32;
    Ok([mean(&|n| neuron.current_keep(n).unwrap_or(0.0)), mean(&|n| neuron.keep(n))])
}
