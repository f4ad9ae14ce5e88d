//! Populations with float32 state.
//!
//! Every operation is one IEEE 754 binary32 operation, rounded to nearest, ties to even; Rust never fuses two of them.

use s2c_dialects::{
    attribute::{Reset, Tensor},
    qsnn::{FloatCubaLi, FloatCubaLif, FloatLi, FloatLif},
};

/// A population; LIF is CubaLIF without the current.
pub struct FloatPopulation {
    current: Option<Stage>,
    membrane: Stage,
    hands_on: HandsOn,
    scale: Vec<f64>,
}

/// What a population hands on.
enum HandsOn {
    Spikes { threshold: Vec<f32>, reset: Reset, reset_by: Vec<f32> },
    Values { readout: Vec<f32>, fraction: i64 },
}

impl HandsOn {
    fn spikes(threshold: &Tensor<f32>, reset: Reset, reset_by: &Tensor<f32>) -> Self {
        Self::Spikes { threshold: threshold.iter().collect(), reset, reset_by: reset_by.iter().collect() }
    }

    fn values(readout: &Tensor<f32>, fraction: i64) -> Self {
        Self::Values { readout: readout.iter().collect(), fraction }
    }
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
            hands_on: HandsOn::spikes(&op.threshold, op.reset, &op.reset_by),
            scale: op.scale.iter().collect(),
        }
    }
}

impl From<&FloatCubaLif> for FloatPopulation {
    fn from(op: &FloatCubaLif) -> Self {
        Self {
            current: Some(Stage::new(&op.current_decay, &op.current_offset)),
            membrane: Stage::new(&op.decay, &op.offset),
            hands_on: HandsOn::spikes(&op.threshold, op.reset, &op.reset_by),
            scale: op.scale.iter().collect(),
        }
    }
}

impl From<&FloatLi> for FloatPopulation {
    fn from(op: &FloatLi) -> Self {
        Self {
            current: None,
            membrane: Stage::new(&op.decay, &op.offset),
            hands_on: HandsOn::values(&op.readout, op.fraction),
            scale: op.scale.iter().collect(),
        }
    }
}

impl From<&FloatCubaLi> for FloatPopulation {
    fn from(op: &FloatCubaLi) -> Self {
        Self {
            current: Some(Stage::new(&op.current_decay, &op.current_offset)),
            membrane: Stage::new(&op.decay, &op.offset),
            hands_on: HandsOn::values(&op.readout, op.fraction),
            scale: op.scale.iter().collect(),
        }
    }
}

impl FloatPopulation {
    /// One tick with the sums of weights `input`.
    pub fn step(&mut self, input: &[i32], results: &mut [i32]) {
        for (neuron, (&x, result)) in input.iter().zip(results).enumerate() {
            let x = x as f32;
            let drive = self.current.as_mut().map_or(x, |current| current.advance(neuron, x));
            let before = self.membrane.state[neuron];
            let membrane = self.membrane.advance(neuron, drive);
            *result = match &self.hands_on {
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
            };
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
        self.membrane.state.iter().zip(&self.scale).map(|(&value, scale)| f64::from(value) / scale).collect()
    }
}
