//! The one place that knows NIR's kinds of neurons: each becomes the stages of a difference equation.

use super::{parts::Parts, rules::Rules};
use crate::options::{Convention, Integrator};
use s2c_dialects::{
    attribute::{Reset, Tensor},
    diagnostic::Diagnostic,
    neuron::{Output, Stages},
    snn::{self, Compare, Current, Fire, HandOn, Membrane, Neuron},
};

/// What is chosen for all neurons.
#[derive(Clone, Copy, Debug)]
pub struct Choices {
    /// Length of a tick in seconds.
    pub dt: f64,
    /// How time constants become factors.
    pub integrator: Integrator,
    /// What a spike does.
    pub reset: Reset,
    /// Which membranes fire.
    pub compare: Compare,
    /// The framework.
    pub convention: Convention,
    /// Its row.
    pub rules: Rules,
}

impl Choices {
    /// How a population is discretised. A spike that is a charge adds 1 to what it is added to, and a synaptic current
    /// decays together with it: in terms of the exact solution for a constant input, whose gain is 1 − e^(−dt/τ), that is
    /// another `r` and another `w_in`. Rockpool's leaky integrator is its synaptic current.
    fn integrator(&self) -> snn::Integrator {
        match self.integrator {
            Integrator::Euler => snn::Integrator::Euler,
            Integrator::Exponential | Integrator::Charge => snn::Integrator::Exponential,
        }
    }

    fn factor(&self, tau: &Tensor<f64>) -> Tensor<f64> {
        tau.map(|tau| self.integrator().factor(self.dt, tau))
    }

    /// The gain of a stage with this time constant: the file's, or that of a charge, which may decay in its own tick.
    fn gain(&self, tau: &Tensor<f64>, gain: &Tensor<f64>, decays: bool) -> Tensor<f64> {
        let charge = |tau: f64| if decays { (-self.dt / tau).exp() } else { 1.0 } / -(-self.dt / tau).exp_m1();
        if self.integrator == Integrator::Charge { tau.map(charge) } else { gain.clone() }
    }

    /// The population of these shape, and what its user is to be told.
    pub fn neuron(&self, parts: &Parts<'_>, shape: &[usize]) -> (Neuron, Option<Diagnostic>) {
        let all = |value: f64| Tensor::splat(shape.to_vec(), value);
        let current =
            parts.current.map(|(tau, w_in)| Current { factor: self.factor(tau), gain: self.gain(tau, w_in, true) });
        let decays = self.convention == Convention::Rockpool && parts.fire.is_none() && current.is_none();
        let membrane = match (parts.r, parts.leak) {
            (Some(r), Some((tau, v_leak))) => {
                Membrane { gain: self.gain(tau, r, decays), factor: Some(self.factor(tau)), rest: Some(v_leak.clone()) }
            }
            (Some(r), None) => Membrane { gain: r.clone(), factor: None, rest: None },
            (None, _) => Membrane { gain: all(1.0), factor: Some(all(1.0)), rest: Some(all(0.0)) },
        };
        let (output, warning) = match parts.fire {
            None => (Output::HandOn(HandOn {}), None),
            Some((threshold, v_reset)) => {
                let (fire, warning) = self.fire(parts.node, threshold, v_reset);
                (Output::Fire(fire), warning)
            }
        };
        let integrator = parts.r.map(|_| self.integrator());
        let stages = Stages { current, membrane, output };
        (Neuron { node: parts.node.to_owned(), integrator, stages, weight_scale: None }, warning)
    }

    fn fire(&self, node: &str, threshold: &Tensor<f64>, v_reset: Option<&Tensor<f64>>) -> (Fire, Option<Diagnostic>) {
        let zero = || Tensor::splat(threshold.shape.clone(), 0.0);
        let threshold = threshold.clone();
        let Some(v_reset) = v_reset else {
            // Nothing is left of the membrane anyway.
            let (compare, reset) = (Compare::Greater, Reset::Value);
            return (Fire { reset_to: Some(zero()), threshold, compare, reset }, None);
        };
        let (reset, compare) = (self.reset, self.compare);
        if reset != Reset::Value {
            return (Fire { threshold, compare, reset, reset_to: None }, None);
        }
        let is_other = self.rules.resets_to_zero && v_reset.iter().any(|value| value != 0.0);
        let warning = is_other.then(|| {
            Diagnostic::warning("reset-to-zero", "the reset potential is taken as 0")
                .at_node(node)
                .text(format!("What --convention {} stands for does not look at `v_reset`.", self.convention))
                .hint("--convention nir resets to `v_reset`")
        });
        let reset_to = if self.rules.resets_to_zero { zero() } else { v_reset.clone() };
        (Fire { threshold, compare, reset, reset_to: Some(reset_to) }, warning)
    }
}
