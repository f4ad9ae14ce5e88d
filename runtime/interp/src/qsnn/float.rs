//! Populations with float32 state.
//!
//! Every operation is one IEEE 754 binary32 operation, rounded to nearest, ties to even; Rust never fuses two of them.

use s2c_dialects::{
    attribute::{Reset, Tensor},
    qsnn::{FloatCubaLif, FloatLif},
};

/// A population; LIF is CubaLIF without the current.
pub struct FloatPopulation {
    current: Option<Stage>,
    membrane: Stage,
    threshold: Vec<f32>,
    reset: Reset,
    reset_by: Vec<f32>,
    scale: Vec<f64>,
}

/// `state <- state decay + x + offset`, in this order.
struct Stage {
    state: Vec<f32>,
    decay: Vec<f32>,
    offset: Vec<f32>,
}

impl Stage {
    fn new(decay: &Tensor<f32>, offset: &Tensor<f32>) -> Self {
        Self { state: vec![0.0; decay.len()], decay: decay.iter().collect(), offset: offset.iter().collect() }
    }

    fn advance(&mut self, neuron: usize, x: f32) -> f32 {
        let state = self.state[neuron] * self.decay[neuron] + x + self.offset[neuron];
        self.state[neuron] = state;
        state
    }
}

impl From<&FloatLif> for FloatPopulation {
    fn from(op: &FloatLif) -> Self {
        Self {
            current: None,
            membrane: Stage::new(&op.decay, &op.offset),
            threshold: op.threshold.iter().collect(),
            reset: op.reset,
            reset_by: op.reset_by.iter().collect(),
            scale: op.scale.iter().collect(),
        }
    }
}

impl From<&FloatCubaLif> for FloatPopulation {
    fn from(op: &FloatCubaLif) -> Self {
        Self {
            current: Some(Stage::new(&op.current_decay, &op.current_offset)),
            membrane: Stage::new(&op.decay, &op.offset),
            threshold: op.threshold.iter().collect(),
            reset: op.reset,
            reset_by: op.reset_by.iter().collect(),
            scale: op.scale.iter().collect(),
        }
    }
}

impl FloatPopulation {
    /// One tick with the sums of weights `input`.
    pub fn step(&mut self, input: &[i32], spikes: &mut [i32]) {
        for (neuron, (&x, spike)) in input.iter().zip(spikes).enumerate() {
            let x = x as f32;
            let drive = self.current.as_mut().map_or(x, |current| current.advance(neuron, x));
            let (before, threshold) = (self.membrane.state[neuron], self.threshold[neuron]);
            let membrane = self.membrane.advance(neuron, drive);
            let reduced = membrane - self.reset_by[neuron];
            let is_pending = self.reset == Reset::SubtractPending && before > threshold;
            let fires = membrane > threshold && (!is_pending || reduced > threshold);
            *spike = i32::from(fires);
            if fires {
                self.membrane.state[neuron] = match self.reset {
                    Reset::Value => self.reset_by[neuron],
                    _ => reduced,
                };
            }
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
        self.membrane.state.iter().zip(&self.scale).map(|(&value, scale)| f64::from(value) / scale).collect()
    }
}
