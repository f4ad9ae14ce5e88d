//! Neurons of the float interpreter.

use s2c_dialects::{
    attribute::{Reset, Tensor},
    neuron::Stages,
    snn::{Compare, Neuron},
};

/// The numbers that neurons compute with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// float32, as the frameworks that write NIR do: what reaches a neuron is summed in float64 and rounded once, then
    /// every operation rounds.
    Single,
    /// float64.
    #[default]
    Double,
}

impl Precision {
    /// A number as it is kept. A float64 sum, difference or product of two float32 numbers, rounded to float32, is what
    /// float32 arithmetic gives: 53 bits are more than 2 * 24 + 1 (Figueroa, "When is double rounding innocuous?", 1995).
    pub(super) fn round(self, value: f64) -> f64 {
        match self {
            Self::Single => f64::from(value as f32),
            Self::Double => value,
        }
    }

    /// All values of a parameter as they are kept.
    pub(super) fn all(self, tensor: &Tensor<f64>) -> Vec<f64> {
        tensor.iter().map(|value| self.round(value)).collect()
    }
}

/// A population of neurons.
pub(super) struct Population {
    precision: Precision,
    current: Option<Stage>,
    membrane: Stage,
    /// What membranes are at least, once a tick is over.
    bound: Option<Vec<f64>>,
    /// How neurons fire; `None` where they hand on their membranes.
    fire: Option<Fire>,
    weight_scale: Vec<f64>,
}

struct Fire {
    threshold: Vec<f64>,
    reset: Reset,
    /// Empty where nothing is reset to a value.
    reset_to: Vec<f64>,
    compare: Compare,
}

/// `state <- state + factor (rest - state + gain x)`; without a factor `state <- state + gain x`.
struct Stage {
    state: Vec<f64>,
    factor: Option<Vec<f64>>,
    gain: Vec<f64>,
    rest: Vec<f64>,
}

impl Stage {
    fn new(precision: Precision, gain: &Tensor<f64>, factor: Option<&Tensor<f64>>, rest: Option<&Tensor<f64>>) -> Self {
        let zeros = vec![0.0; gain.len()];
        Self {
            state: zeros.clone(),
            factor: factor.map(|factor| precision.all(factor)),
            gain: precision.all(gain),
            rest: rest.map_or(zeros, |rest| precision.all(rest)),
        }
    }

    /// What is left of the state after a tick.
    fn keep(&self, neuron: usize) -> f64 {
        1.0 - self.factor.as_ref().map_or(0.0, |factor| factor[neuron])
    }

    fn advance(&mut self, precision: Precision, neuron: usize, x: f64) -> f64 {
        let round = |value: f64| precision.round(value);
        let (state, input) = (&mut self.state[neuron], round(self.gain[neuron] * x));
        *state = match self.factor.as_ref().map(|factor| factor[neuron]) {
            None => round(*state + input),
            // Nothing of the state is left.
            Some(1.0) => round(self.rest[neuron] + input),
            Some(factor) => round(*state + round(factor * round(round(self.rest[neuron] - *state) + input))),
        };
        *state
    }
}

impl Population {
    pub(super) fn new(neuron: &Neuron, precision: Precision) -> Self {
        let Stages { current, membrane, .. } = &neuron.stages;
        let current = current.as_ref();
        let fire = neuron.fire().map(|fire| Fire {
            threshold: precision.all(&fire.threshold),
            reset: fire.reset,
            reset_to: fire.reset_to.as_ref().map_or_else(Vec::new, |to| precision.all(to)),
            compare: fire.compare,
        });
        let ones = || vec![1.0; membrane.gain.len()];
        Self {
            precision,
            current: current.map(|current| Stage::new(precision, &current.gain, Some(&current.factor), None)),
            membrane: Stage::new(precision, &membrane.gain, membrane.factor.as_ref(), membrane.rest.as_ref()),
            bound: membrane.bound.as_ref().map(|bound| precision.all(bound)),
            fire,
            weight_scale: neuron.weight_scale.as_ref().map_or_else(ones, |scale| scale.iter().collect()),
        }
    }

    /// Back to the state before tick 0.
    pub(super) fn reset(&mut self) {
        self.membrane.state.fill(0.0);
        if let Some(current) = &mut self.current {
            current.state.fill(0.0);
        }
    }

    /// Membranes in volts.
    pub(super) fn membranes(&self) -> Vec<f64> {
        self.membrane.state.iter().zip(&self.weight_scale).map(|(state, scale)| state / scale).collect()
    }

    /// One tick: the currents that arrive, and the spikes (or values) that leave.
    pub(super) fn step(&mut self, input: &[f64], results: &mut [f64]) {
        let precision = self.precision;
        for (neuron, (&x, result)) in input.iter().zip(results).enumerate() {
            let x = precision.round(x);
            let drive = self.current.as_mut().map_or(x, |current| current.advance(precision, neuron, x));
            let before = self.membrane.state[neuron];
            let mut membrane = self.membrane.advance(precision, neuron, drive);
            let fires = self.fire.as_ref().map(|fire| {
                let after = fire.after(precision, neuron, [before, membrane], self.membrane.keep(neuron));
                membrane = after.unwrap_or(membrane);
                f64::from(u8::from(after.is_some()))
            });
            if let Some(bound) = &self.bound {
                membrane = membrane.max(bound[neuron]);
            }
            self.membrane.state[neuron] = membrane;
            *result = fires.unwrap_or(membrane / self.weight_scale[neuron]);
        }
    }
}

impl Fire {
    /// What a spike makes of a membrane, given as it was before the tick and as it is; `None` where there is no spike.
    /// `keep` is the share of it that a tick leaves.
    fn after(&self, precision: Precision, neuron: usize, [before, membrane]: [f64; 2], keep: f64) -> Option<f64> {
        let threshold = self.threshold[neuron];
        let above = |membrane: f64| match self.compare {
            Compare::Greater => membrane > threshold,
            Compare::GreaterEqual => membrane >= threshold,
        };
        let is_pending = self.reset == Reset::SubtractPending && above(before);
        let subtracted = precision.round(membrane - threshold);
        above(if is_pending { subtracted } else { membrane }).then(|| match self.reset {
            Reset::Subtract | Reset::SubtractPending => subtracted,
            // What decays to the threshold by the next tick.
            Reset::SubtractLate => precision.round(membrane - threshold / keep),
            Reset::Value => self.reset_to[neuron],
        })
    }
}
