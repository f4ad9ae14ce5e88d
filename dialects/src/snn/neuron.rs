//! `snn.neuron`: what every NIR neuron is once it is discretised.

use super::rules::{Compare, Integrator};
use crate::{
    attribute::{AttributeValue, Reset, Tensor, read},
    diagnostic::Result,
    neuron::{self, Level, Output, Stages, present, stages},
};
use melior::{
    Context,
    ir::{Attribute, Identifier, OperationRef},
};

stages! {
    /// i <- i + factor (gain x - i).
    pub struct Current {
        /// What a tick moves the current by, of the way to its target.
        factor: Tensor<f64> = "current_factor",
        /// Current per unit of input: NIR's `w_in`.
        gain: Tensor<f64> = "current_gain",
    }
    /// v <- v + factor (rest - v + gain x), x being the current where there is one; without a factor v <- v + gain x.
    pub struct Membrane {
        /// Volts per unit of input or current: NIR's `r`.
        gain: Tensor<f64> = "gain",
        /// What a tick moves the membrane by, of the way to its target; none where nothing leaks. With 1 nothing of the
        /// membrane is left.
        factor: Option<Tensor<f64>> = "factor",
        /// Where the membrane leaks to, in volts; there where a factor is.
        rest: Option<Tensor<f64>> = "rest",
        /// Lower bound: what a membrane below it is set to at the end of a tick, in volts.
        bound: Option<Tensor<f64>> = "bound",
    }
    /// A spike where the membrane is above its threshold, and what that does to it.
    pub struct Fire {
        /// In volts.
        threshold: Tensor<f64> = "threshold",
        /// Which membranes fire.
        compare: Compare = "compare",
        /// What a spike does to the membrane.
        reset: Reset = "reset",
        /// Where a reset to a value sets the membrane, in volts; none for other resets.
        reset_to: Option<Tensor<f64>> = "reset_to",
    }
    /// The membrane in volts.
    pub struct HandOn {}
}

/// float64 coefficients in volts.
#[derive(Clone, Debug, PartialEq)]
pub struct Volts;

impl Level for Volts {
    type Current = Current;
    type Membrane = Membrane;
    type Fire = Fire;
    type HandOn = HandOn;
}

/// A population of neurons; see the dialect's page.
#[derive(Clone, Debug, PartialEq)]
pub struct Neuron {
    /// NIR node.
    pub node: String,
    /// How time constants became factors; none where nothing depends on time. `--emit nir` makes time constants of
    /// factors by it.
    pub integrator: Option<Integrator>,
    /// The difference equation.
    pub stages: Stages<Volts>,
    /// By what the weights and potentials were multiplied, once scaled.
    pub weight_scale: Option<Tensor<f64>>,
}

impl Neuron {
    /// Full name of the op.
    pub const NAME: &'static str = "snn.neuron";

    /// Decodes the attributes of an op of this name.
    ///
    /// # Errors
    /// An attribute that is missing or of another kind.
    pub fn read(operation: OperationRef<'_, '_>) -> Result<Self> {
        Ok(Self {
            node: read(operation, "node")?,
            integrator: read(operation, "integrator")?,
            stages: Stages::read(operation)?,
            weight_scale: read(operation, "weight_scale")?,
        })
    }

    /// The attributes that are there.
    pub fn attributes<'c>(&self, context: &'c Context) -> Vec<(Identifier<'c>, Attribute<'c>)> {
        let mut all: neuron::Attributes<'c> = vec![
            ("node", self.node.encode(context)),
            ("integrator", self.integrator.encode(context)),
            ("weight_scale", self.weight_scale.encode(context)),
        ];
        all.extend(self.stages.attributes(context));
        present(context, all)
    }

    /// Threshold and reset, where the neurons have spikes.
    pub fn fire(&self) -> Option<&Fire> {
        self.stages.fire()
    }

    /// What a tick moves neuron `n`'s membrane by, of the way to its target, at most 1; none where nothing leaks. Where it
    /// is small, the difference of what is left ([`Self::keep`]) from 1 has none of its digits.
    pub fn factor(&self, n: usize) -> Option<f64> {
        self.stages.membrane.factor.as_ref().map(|factor| factor.at(n).clamp(0.0, 1.0))
    }

    /// The same of its current, where it has one.
    pub fn current_factor(&self, n: usize) -> Option<f64> {
        self.stages.current.as_ref().map(|current| current.factor.at(n).clamp(0.0, 1.0))
    }

    /// The share of neuron `n`'s membrane that is left after a tick, without input: 1 where nothing leaks.
    pub fn keep(&self, n: usize) -> f64 {
        1.0 - self.factor(n).unwrap_or(0.0)
    }

    /// The same of its current, where it has one.
    pub fn current_keep(&self, n: usize) -> Option<f64> {
        self.current_factor(n).map(|factor| 1.0 - factor)
    }

    /// Where neuron `n`'s membrane leaks to, in volts: 0 where nothing leaks.
    pub fn rest(&self, n: usize) -> f64 {
        self.stages.membrane.rest.as_ref().map_or(0.0, |rest| rest.at(n))
    }

    /// Volts per unit of input of neuron `n`, its current included.
    pub fn gain(&self, n: usize) -> f64 {
        self.stages.membrane.gain.at(n) * self.stages.current.as_ref().map_or(1.0, |current| current.gain.at(n))
    }

    /// All coefficients with their names.
    pub(super) fn coefficients(&self) -> Vec<(&'static str, &Tensor<f64>)> {
        let Stages { current, membrane, .. } = &self.stages;
        let current =
            current.iter().flat_map(|current| [("current_factor", &current.factor), ("current_gain", &current.gain)]);
        let leak = membrane.factor.iter().map(|factor| ("factor", factor));
        let rest = membrane.rest.iter().map(|rest| ("rest", rest));
        let bound = membrane.bound.iter().map(|bound| ("bound", bound));
        let fire = self.fire().map(|fire| ("threshold", &fire.threshold));
        let reset = self.fire().and_then(|fire| fire.reset_to.as_ref()).map(|to| ("reset_to", to));
        current
            .chain([("gain", &membrane.gain)])
            .chain(leak)
            .chain(rest)
            .chain(bound)
            .chain(fire)
            .chain(reset)
            .collect()
    }

    /// The factors from input to membrane.
    pub fn gains_mut(&mut self) -> impl Iterator<Item = &mut Tensor<f64>> {
        let current = self.stages.current.as_mut().map(|current| &mut current.gain);
        std::iter::once(&mut self.stages.membrane.gain).chain(current)
    }

    /// All potentials, in volts.
    pub fn potentials_mut(&mut self) -> impl Iterator<Item = &mut Tensor<f64>> {
        let fire = match &mut self.stages.output {
            Output::Fire(fire) => Some(fire),
            Output::HandOn(_) => None,
        };
        let fire = fire.map(|fire| std::iter::once(&mut fire.threshold).chain(&mut fire.reset_to));
        let Membrane { rest, bound, .. } = &mut self.stages.membrane;
        rest.iter_mut().chain(bound).chain(fire.into_iter().flatten())
    }
}
