//! Neurons of the float interpreter.

use s2c_dialects::{
    attribute::{Reset, Tensor},
    diagnostic::{Diagnostic, Result},
    snn::{Compare, Integrator, Op},
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

/// A population of neurons; LIF and IF are CubaLIF without the current stage.
pub(super) struct Population {
    precision: Precision,
    current: Option<Stage>,
    membrane: Stage,
    /// How neurons fire; `None` where they hand on their membranes.
    fire: Option<Fire>,
    weight_scale: Vec<f64>,
}

struct Fire {
    threshold: Vec<f64>,
    reset: Reset,
    reset_value: Vec<f64>,
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
    /// What is left of the state after a tick.
    fn keep(&self, neuron: usize) -> f64 {
        1.0 - self.factor.as_ref().map_or(0.0, |factor| factor[neuron])
    }

    fn advance(&mut self, precision: Precision, neuron: usize, x: f64) -> f64 {
        let round = |value: f64| precision.round(value);
        let (state, input) = (&mut self.state[neuron], round(self.gain[neuron] * x));
        let step = match &self.factor {
            Some(factor) => round(factor[neuron] * round(round(self.rest[neuron] - *state) + input)),
            None => input,
        };
        *state = round(*state + step);
        *state
    }
}

impl Population {
    pub(super) fn new(op: &Op, dt: f64, precision: Precision) -> Result<Self> {
        let all = |tensor: &Tensor<f64>| precision.all(tensor);
        let missing = |what: &str| undiscretised(&format!("a neuron has no {what}"));
        let zeros = |tensor: &Tensor<f64>| vec![0.0; tensor.len()];
        let integrator = match op {
            Op::If(op) => op.integrator,
            Op::Lif(op) => op.integrator,
            Op::CubaLif(op) => op.integrator,
            Op::I(op) => op.integrator,
            Op::Li(op) => op.integrator,
            Op::CubaLi(op) => op.integrator,
            _ => return Err(Box::new(Diagnostic::bug("not a neuron"))),
        };
        let integrator: Integrator = integrator.ok_or_else(|| missing("integrator"))?;
        let leaky = |tau: &Tensor<f64>, gain: &Tensor<f64>, rest: Vec<f64>| Stage {
            state: zeros(gain),
            factor: Some(tau.iter().map(|tau| precision.round(integrator.factor(dt, tau))).collect()),
            gain: all(gain),
            rest,
        };
        let sum = |r: &Tensor<f64>| Stage { state: zeros(r), factor: None, gain: all(r), rest: zeros(r) };
        let (current, membrane) = match op {
            Op::Lif(op) => (None, leaky(&op.tau, &op.r, all(&op.v_leak))),
            Op::Li(op) => (None, leaky(&op.tau, &op.r, all(&op.v_leak))),
            Op::CubaLif(op) => {
                (Some(leaky(&op.tau_syn, &op.w_in, zeros(&op.w_in))), leaky(&op.tau_mem, &op.r, all(&op.v_leak)))
            }
            Op::CubaLi(op) => {
                (Some(leaky(&op.tau_syn, &op.w_in, zeros(&op.w_in))), leaky(&op.tau_mem, &op.r, all(&op.v_leak)))
            }
            Op::If(op) => (None, sum(&op.r)),
            Op::I(op) => (None, sum(&op.r)),
            _ => return Err(Box::new(Diagnostic::bug("not a neuron"))),
        };
        let fire =
            |threshold: &Tensor<f64>, reset: Option<Reset>, reset_value: &Tensor<f64>, compare: Option<Compare>| {
                Ok::<_, Box<Diagnostic>>(Some(Fire {
                    threshold: all(threshold),
                    reset: reset.ok_or_else(|| missing("reset"))?,
                    reset_value: all(reset_value),
                    compare: compare.ok_or_else(|| missing("comparison"))?,
                }))
            };
        let fire = match op {
            Op::If(op) => fire(&op.v_threshold, op.reset, &op.v_reset, op.compare)?,
            Op::Lif(op) => fire(&op.v_threshold, op.reset, &op.v_reset, op.compare)?,
            Op::CubaLif(op) => fire(&op.v_threshold, op.reset, &op.v_reset, op.compare)?,
            _ => None,
        };
        let scale = |tensor: &Tensor<f64>| tensor.iter().collect();
        let weight_scale = op.weight_scale().map_or_else(|| vec![1.0; membrane.state.len()], scale);
        Ok(Self { precision, current, membrane, fire, weight_scale })
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
            let membrane = self.membrane.advance(precision, neuron, drive);
            let Some(fire) = &self.fire else {
                *result = membrane / self.weight_scale[neuron];
                continue;
            };
            let threshold = fire.threshold[neuron];
            let above = |membrane: f64| match fire.compare {
                Compare::Greater => membrane > threshold,
                Compare::GreaterEqual => membrane >= threshold,
            };
            let is_pending = fire.reset == Reset::SubtractPending && above(before);
            let subtracted = precision.round(membrane - threshold);
            let fires = above(if is_pending { subtracted } else { membrane });
            *result = f64::from(u8::from(fires));
            if fires {
                self.membrane.state[neuron] = match fire.reset {
                    Reset::Subtract | Reset::SubtractPending => subtracted,
                    // What decays to the threshold by the next tick.
                    Reset::SubtractLate => precision.round(membrane - threshold / self.membrane.keep(neuron)),
                    Reset::Value => fire.reset_value[neuron],
                };
            }
        }
    }
}

pub(super) fn undiscretised(what: &str) -> Diagnostic {
    Diagnostic::bug(format!("{what}: the pass `discretization` has not run"))
}
