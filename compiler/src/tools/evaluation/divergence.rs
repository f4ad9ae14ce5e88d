//! How far the integer network is from the float one, population by population.

use s2c_dialects::{diagnostic::Result, qsnn, snn};
use s2c_interp::Interpreter;
use s2c_passes::analysis::projections;
use serde::Serialize;
use std::collections::BTreeMap;

/// Time constant of the spike trains' distance, in ticks.
pub const TAU_TICKS: f64 = 10.0;

/// Divergence of a population, over all samples.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Layer {
    /// NIR node.
    pub node: String,
    /// Neurons.
    pub neurons: usize,
    /// Whether they hand on values instead of spikes.
    pub is_graded: bool,
    /// Cells: neurons x ticks x samples.
    pub cells: u64,
    /// Spikes of the float network.
    pub float_spikes: u64,
    /// Spikes of the integer network.
    pub quantized_spikes: u64,
    /// Cells in which the spikes of the two differ.
    pub differing: u64,
    /// The van Rossum distance of the spike trains, with [`TAU_TICKS`], relative to that of the float network's trains
    /// from silence: 0 for equal trains. Each neuron of each sample is a train; their squares add up.
    ///
    /// Source: M. van Rossum, "A Novel Spike Distance", Neural Computation 13 (2001).
    pub distance: f64,
    /// Root mean square of the membranes' difference at the end of a tick: in thresholds of the neuron, or, for neurons
    /// without one, relative to that of the float network's membranes.
    pub membrane_error: f64,
    /// Cells in which the integer membrane stands at an end of its 32 bits.
    pub saturated: u64,
    /// Neurons that never fired: of the float network, of the integer one.
    pub dead: [usize; 2],
    /// Neurons that fired in every tick: of the float network, of the integer one.
    pub always: [usize; 2],
    /// Bits per weight, the most of any connection into the population.
    pub bits: i64,
    /// Shannon entropy of the weights' integers in bits: what of `bits` is used.
    pub effective_bits: f64,
    /// Spikes per neuron over all samples: of the float network, of the integer one.
    #[serde(skip)]
    pub spikes: [Vec<u64>; 2],
}

/// Sums over ticks and samples that a [`Layer`] is made of.
#[derive(Clone, Debug)]
pub struct Tally {
    /// NIR node.
    pub node: String,
    thresholds: Vec<f64>,
    ticks: u64,
    spikes: [Vec<u64>; 2],
    differing: u64,
    /// Difference of the two trains and the float train, as the exponential kernel keeps them.
    traces: [Vec<f64>; 2],
    squares: [f64; 2],
    membrane_squares: f64,
    /// Squares of the float network's membranes.
    float_squares: f64,
    is_graded: bool,
    saturated: u64,
}

/// A population at the end of a tick.
pub struct State {
    /// Spikes of the tick.
    pub spikes: Vec<u16>,
    /// Membranes in volts; what a node without any hands on.
    pub membranes: Vec<f64>,
    /// Membranes at an end of their range.
    pub saturated: usize,
}

impl State {
    /// The state of a population; none for a node that is not there.
    pub fn of(interpreter: &dyn Interpreter, node: &str) -> Option<Self> {
        let index = interpreter.find(node)?;
        let (spikes, saturated) = (interpreter.spikes(index), interpreter.saturated(index));
        let membranes = interpreter.membranes(index).unwrap_or_else(|| interpreter.values(index));
        Some(Self { spikes, membranes, saturated })
    }
}

impl Tally {
    /// For one sample of a population.
    pub fn new(network: &snn::Network, node: &str) -> Option<Self> {
        let named =
            |index: &usize| network.nodes[*index].op.is_neuron() && network.nodes[*index].op.node() == Some(node);
        let index = (0..network.nodes.len()).find(named)?;
        let fire = network.nodes[index].op.neuron().and_then(snn::Neuron::fire);
        // Without a threshold there is nothing to measure membranes by.
        let none = vec![0.0; network.result(index).ok()?.len()];
        let thresholds: Vec<f64> = fire.map_or(none, |fire| fire.threshold.iter().collect());
        let count = thresholds.len();
        Some(Self {
            node: node.to_owned(),
            thresholds,
            ticks: 0,
            spikes: [vec![0; count], vec![0; count]],
            differing: 0,
            traces: [vec![0.0; count], vec![0.0; count]],
            squares: [0.0; 2],
            membrane_squares: 0.0,
            float_squares: 0.0,
            is_graded: network.nodes[index].op.is_graded(),
            saturated: 0,
        })
    }

    /// Adds a tick of both networks.
    pub fn tick(&mut self, float: &State, quantized: &State) {
        self.ticks += 1;
        self.saturated += quantized.saturated as u64;
        if self.is_graded {
            for (float, quantized) in float.membranes.iter().zip(&quantized.membranes) {
                self.membrane_squares += (float - quantized).powi(2);
                self.float_squares += float.powi(2);
            }
            return;
        }
        let keep = (-1.0 / TAU_TICKS).exp();
        for neuron in 0..self.thresholds.len() {
            let (one, other) = (f64::from(float.spikes[neuron]), f64::from(quantized.spikes[neuron]));
            self.spikes[0][neuron] += u64::from(float.spikes[neuron]);
            self.spikes[1][neuron] += u64::from(quantized.spikes[neuron]);
            self.differing += u64::from(one != other);
            for (part, value) in [one - other, one].into_iter().enumerate() {
                let trace = &mut self.traces[part][neuron];
                *trace = *trace * keep + value;
                self.squares[part] += *trace * *trace;
            }
            let threshold = self.thresholds[neuron].abs();
            if threshold > 0.0 {
                self.membrane_squares += ((float.membranes[neuron] - quantized.membranes[neuron]) / threshold).powi(2);
            }
        }
    }

    /// Adds another sample.
    pub fn merge(&mut self, other: Self) {
        self.ticks += other.ticks;
        self.differing += other.differing;
        self.membrane_squares += other.membrane_squares;
        self.float_squares += other.float_squares;
        self.saturated += other.saturated;
        for part in 0..2 {
            self.spikes[part].iter_mut().zip(&other.spikes[part]).for_each(|(sum, count)| *sum += count);
            self.squares[part] += other.squares[part];
        }
    }

    /// The population's divergence.
    pub fn finish(self, network: &qsnn::Network) -> Result<Layer> {
        let neurons = self.thresholds.len();
        let cells = self.ticks * neurons as u64;
        let count = |of: &dyn Fn(u64) -> bool| {
            [0, 1].map(|part: usize| self.spikes[part].iter().filter(|&&spikes| of(spikes)).count())
        };
        let (bits, effective_bits) = weights(network, &self.node)?;
        Ok(Layer {
            neurons,
            is_graded: self.is_graded,
            cells,
            float_spikes: self.spikes[0].iter().sum(),
            quantized_spikes: self.spikes[1].iter().sum(),
            differing: self.differing,
            distance: match self.squares {
                [0.0, _] => 0.0,
                // Spikes where the float network has none are as far away as anything can be.
                [_, 0.0] => f64::MAX,
                [difference, float] => (difference / float).sqrt(),
            },
            membrane_error: match (self.is_graded, self.membrane_squares) {
                (true, 0.0) => 0.0,
                (true, squares) => (squares / self.float_squares.max(f64::MIN_POSITIVE)).sqrt(),
                (false, squares) => (squares / cells.max(1) as f64).sqrt(),
            },
            saturated: self.saturated,
            dead: if self.is_graded { [0; 2] } else { count(&|spikes| spikes == 0) },
            always: if self.is_graded { [0; 2] } else { count(&|spikes| spikes >= self.ticks) },
            bits,
            effective_bits,
            node: self.node,
            spikes: self.spikes,
        })
    }
}

/// Most bits of the weights into a population, and the entropy of all their integers.
fn weights(network: &qsnn::Network, node: &str) -> Result<(i64, f64)> {
    let Some(index) = network.nodes.iter().position(|other| other.op.is_neuron() && other.op.node() == Some(node))
    else {
        return Ok((0, 0.0));
    };
    let (mut most, mut integers) = (0, BTreeMap::new());
    for projection in projections::of_qsnn(network, index)? {
        let (weight, bits) = match &network.nodes[projection.connection].op {
            qsnn::Op::Dense(op) => (&op.weight, op.bits),
            qsnn::Op::Conv2d(op) => (&op.weight, op.bits),
            _ => continue,
        };
        most = most.max(bits);
        for index in 0..weight.shape().iter().product() {
            *integers.entry(weight.at(index)).or_insert(0u64) += 1;
        }
    }
    let total = integers.values().sum::<u64>() as f64;
    let share = integers.values().map(|&count| count as f64 / total);
    Ok((most, share.map(|share| -share * share.log2()).sum::<f64>().max(0.0)))
}
