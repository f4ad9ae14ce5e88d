//! Populations as the stages of a difference equation.

use super::{parts::Parts, rules::Rules};
use crate::options::{Convention, Integrator, Options};
use s2c_dialects::{
    attribute::{Reset, Tensor},
    diagnostic::{Diagnostic, Result},
    neuron::{Output, Stages},
    snn::{self, Compare, Current, Fire, HandOn, Membrane, Network, Neuron, Op},
};

/// What is chosen for a population.
pub struct Choices<'o> {
    /// Length of a tick in seconds.
    pub dt: f64,
    /// How time constants become factors.
    pub integrator: Integrator,
    /// What a spike does.
    pub reset: Reset,
    /// Which membranes fire.
    pub compare: Compare,
    /// All options.
    pub options: &'o Options,
    /// The convention's row.
    pub rules: Rules,
}

/// Bounds are for membranes that are kept, and act before a reset that waits.
pub fn check_bounds<'o>(
    network: &Network,
    options: &Options,
    choices: impl Fn(&str) -> Choices<'o>,
) -> Result<()> {
    let keeps = |op: &Op| Parts::of(op).map_or(op.neuron().is_some(), |parts| parts.r.is_some());
    for node in options.lower_bound.of.keys() {
        if !network.nodes.iter().any(|other| other.op.node() == Some(node) && keeps(&other.op)) {
            let title = format!("`--lower-bound {node}=…` names no population that keeps a membrane");
            return Err(Box::new(Diagnostic::error("unknown-node", title).hint("`s2c inspect` lists the nodes")));
        }
    }
    let late = |parts: &Parts<'_>| {
        parts.fire.is_some() && choices(parts.node).reset == Reset::SubtractLate && choices(parts.node).bound(parts.node).is_some()
    };
    match network.nodes.iter().filter_map(|node| Parts::of(&node.op)).find(late) {
        Some(parts) => Err(Box::new(
            Diagnostic::error(
                "late-reset",
                "a lower bound and a reset in the next tick are not supported together",
            )
            .at_node(parts.node)
            .hint("give --reset-delay 0, or --lower-bound none"),
        )),
        None => Ok(()),
    }
}

impl Choices<'_> {
    /// The lower bound of a population, in volts.
    fn bound(&self, node: &str) -> Option<f64> {
        self.options.lower_bound.at(node)
    }

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

    /// The population of this shape, and what its user is to be told.
    pub fn neuron(&self, parts: &Parts<'_>, shape: &[usize]) -> (Neuron, Option<Diagnostic>) {
        let all = |value: f64| Tensor::splat(shape.to_vec(), value);
        let current =
            parts.current.map(|(tau, w_in)| Current { factor: self.factor(tau), gain: self.gain(tau, w_in, true) });
        let decays = self.options.convention == Convention::Rockpool && parts.fire.is_none() && current.is_none();
        let bound = self.bound(parts.node).map(all);
        let membrane = match (parts.r, parts.leak) {
            (Some(r), Some((tau, v_leak))) => Membrane {
                gain: self.gain(tau, r, decays),
                factor: Some(self.factor(tau)),
                rest: Some(v_leak.clone()),
                bound,
            },
            (Some(r), None) => Membrane { gain: r.clone(), factor: None, rest: None, bound },
            (None, _) => Membrane { gain: all(1.0), factor: Some(all(1.0)), rest: Some(all(0.0)), bound: None },
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
                .text(format!("What --convention {} stands for does not look at `v_reset`.", self.options.convention))
                .hint("--convention nir resets to `v_reset`")
        });
        let reset_to = if self.rules.resets_to_zero { zero() } else { v_reset.clone() };
        (Fire { threshold, compare, reset, reset_to: Some(reset_to) }, warning)
    }
}

/// The options by which a population becomes what it is, as they travel with the IR; none for one that time and rules
/// don't matter to.
pub fn options(neuron: &Neuron) -> Vec<(&'static str, String)> {
    let (Some(integrator), Some(fire)) = (neuron.integrator, neuron.fire()) else { return Vec::new() };
    let reset = if fire.reset == Reset::Value { "zero" } else { "subtract" };
    let delay = match fire.reset {
        Reset::SubtractPending => Some("0"),
        Reset::SubtractLate => Some("1"),
        Reset::Subtract | Reset::Value => None,
    };
    let compare = if fire.compare == Compare::Greater { "gt" } else { "ge" };
    let mut all = vec![("integrator", integrator.keyword()), ("reset", reset), ("compare", compare)];
    all.extend(delay.map(|delay| ("reset_delay", delay)));
    let bound = neuron.stages.membrane.bound.as_ref().map(|bound| ("lower_bound", bound.at(0).to_string()));
    all.into_iter().map(|(name, value)| (name, value.to_owned())).chain(bound).collect()
}
