//! Populations with float32 state.
//!
//! Every operation is one IEEE 754 binary32 operation, rounded to nearest, ties to even; Rust never fuses two of them.

use super::row::{Block, LANES, Layout, Row, any};
use s2c_dialects::{
    attribute::{Reset, Tensor},
    neuron::{Output, Stages},
    qsnn::{Floats, Neuron},
};

/// A population.
pub struct FloatPopulation {
    layout: Layout,
    current: Option<Stage>,
    membrane: Stage,
    hands_on: HandsOn,
    /// What a volt is, by neuron of the network.
    scale: Tensor<f64>,
}

/// What a population hands on.
enum HandsOn {
    Spikes { threshold: Vec<f32>, reset: Reset, reset_by: Vec<f32> },
    Values { readout: Vec<f32>, fraction: i64 },
}

/// A parameter in the order of rows.
fn all(layout: Layout, parameter: &Tensor<f32>) -> Vec<f32> {
    let mut all: Vec<f32> = layout.indices().map(|index| parameter.at(index)).collect();
    all.resize(layout.width().next_multiple_of(LANES), 0.0);
    all
}

/// `state <- state decay + x + offset`, in this order.
struct Stage {
    state: Vec<f32>,
    decay: Vec<f32>,
    offset: Vec<f32>,
}

impl Stage {
    fn new(layout: Layout, decay: &Tensor<f32>, offset: &Tensor<f32>) -> Self {
        let decay = all(layout, decay);
        Self { state: vec![0.0; decay.len()], decay, offset: all(layout, offset) }
    }

    fn advance(&mut self, neuron: usize, x: f32) -> f32 {
        let state = self.state[neuron] * self.decay[neuron] + x + self.offset[neuron];
        self.state[neuron] = state;
        state
    }
}

impl FloatPopulation {
    /// The neurons of an op, whose stages these are.
    pub fn new(neuron: &Neuron, stages: &Stages<Floats>, layout: Layout) -> Self {
        let current = stages.current.as_ref();
        Self {
            layout,
            current: current.map(|current| Stage::new(layout, &current.decay, &current.offset)),
            membrane: Stage::new(layout, &stages.membrane.decay, &stages.membrane.offset),
            hands_on: match &stages.output {
                Output::Fire(fire) => HandsOn::Spikes {
                    threshold: all(layout, &fire.threshold),
                    reset: fire.reset,
                    reset_by: all(layout, &fire.reset_by),
                },
                Output::HandOn(hand_on) => {
                    HandsOn::Values { readout: all(layout, &hand_on.readout), fraction: hand_on.fraction }
                }
            },
            scale: neuron.scale.clone(),
        }
    }

    /// One tick with the sums of weights `input`.
    pub fn step(&mut self, input: &Row, results: &mut Row) {
        results.clear();
        for block in 0..self.membrane.state.len() / LANES {
            let mut result = Block::default();
            for (lane, (result, &x)) in result.iter_mut().zip(input.block(block)).enumerate() {
                *result = self.update(block * LANES + lane, x as f32);
            }
            if any(&result) != 0 {
                *results.block_mut(block) = result;
            }
        }
    }

    /// One tick of a neuron.
    fn update(&mut self, neuron: usize, x: f32) -> i32 {
        let drive = self.current.as_mut().map_or(x, |current| current.advance(neuron, x));
        let before = self.membrane.state[neuron];
        let membrane = self.membrane.advance(neuron, drive);
        match &self.hands_on {
            // Saturates, and so does the conversion on the chip.
            HandsOn::Values { readout, .. } => (membrane * readout[neuron]).round_ties_even() as i32,
            HandsOn::Spikes { threshold, reset, reset_by } => {
                let (threshold, reset_by) = (threshold[neuron], reset_by[neuron]);
                let reduced = membrane - reset_by;
                let is_pending = *reset == Reset::SubtractPending && before > threshold;
                let fires = membrane > threshold && (!is_pending || reduced > threshold);
                if fires {
                    self.membrane.state[neuron] = if *reset == Reset::Value { reset_by } else { reduced };
                }
                i32::from(fires)
            }
        }
    }

    /// Fractional bits of what it hands on; `None` for spikes.
    pub fn fraction(&self) -> Option<i64> {
        match self.hands_on {
            HandsOn::Values { fraction, .. } => Some(fraction),
            HandsOn::Spikes { .. } => None,
        }
    }

    /// All states to zero.
    pub fn reset(&mut self) {
        self.membrane.state.fill(0.0);
        if let Some(current) = &mut self.current {
            current.state.fill(0.0);
        }
    }

    /// Membranes in volts.
    pub fn membranes(&self) -> Vec<f64> {
        let membranes = self.layout.positions().map(|position| f64::from(self.membrane.state[position]));
        membranes.zip(self.scale.iter()).map(|(value, scale)| value / scale).collect()
    }
}
