//! A population in floats, and what is known of it.

use super::rule::Rule;
use s2c_dialects::{
    attribute::{Reset, Tensor},
    diagnostic::Diagnostic,
    snn::Neuron,
};

/// How many times its drive or its threshold a membrane is expected to reach where its range is unbounded.
pub const HEADROOM: f64 = 128.0;
/// The same for a membrane that adds up all that it gets and never fires: so many ticks in which all inputs are at their
/// largest.
pub const INTEGRATOR_HEADROOM: f64 = 1024.0;

/// What quantization starts from.
pub struct Dynamics<'n> {
    /// The population.
    pub neuron: &'n Neuron,
    /// Its shape.
    pub shape: &'n [usize],
    /// The rule of each neuron.
    pub rules: &'n [Rule],
    /// The most fractional bits that sums can have.
    pub fraction: i32,
    /// How many times its drive or its threshold a membrane is expected to reach where its range is unbounded.
    pub headroom: f64,
}

impl Dynamics<'_> {
    /// One number per neuron.
    pub fn all<T: Copy + PartialEq>(&self, f: impl Fn(&Rule) -> T) -> Tensor<T> {
        Tensor::new(self.shape.to_vec(), self.rules.iter().map(f).collect())
    }

    /// Whether there is a current between input and membrane.
    pub fn has_current(&self) -> bool {
        self.neuron.stages.current.is_some()
    }

    /// The warning where neurons can't fire, whatever arrives.
    pub fn never_fires(&self) -> Option<Diagnostic> {
        self.reset()?;
        let is_silent = |rule: &&Rule| rule.membrane(0, None, None).high < rule.threshold * rule.scale(0);
        let (silent, all) = (self.rules.iter().filter(is_silent).count(), self.rules.len());
        (silent > 0).then(|| {
            Diagnostic::warning("never-fires", format!("{silent} of {all} neurons can't fire, whatever arrives"))
                .at_node(&*self.neuron.node)
                .text("With all positive weights' spikes in every tick their membranes stay below the threshold.")
                .hint("are the threshold, `r` and --dt in the units that the network was trained with?")
        })
    }

    /// What a spike does, where the neurons have spikes.
    pub fn reset(&self) -> Option<Reset> {
        self.neuron.fire().map(|fire| fire.reset)
    }
}

/// The error of neurons that 32 bits are too few for.
pub fn too_wide(node: &str, rules: &[Rule], reset: Option<Reset>) -> Box<Diagnostic> {
    let wrong = rules.iter().position(|rule| !rule.fits(0, reset, Some(1.0))).unwrap_or(0);
    let rule = &rules[wrong];
    let diagnostic = Diagnostic::error("neuron-too-wide", format!("neuron {wrong} needs more than 32 bits"))
        .at_node(node)
        .text(format!(
            "Its threshold is {:.3e} times its largest weight's last bit, its largest sum of weights {:.3e}.",
            rule.threshold * rule.scale(0),
            rule.sum.high.max(-rule.sum.low)
        ))
        .hint("use fewer --weight-bits, or look at the neuron's threshold and weights");
    Box::new(diagnostic)
}

/// The error of a neuron whose numbers no float can hold.
pub fn beyond_floats(node: &str, neuron: usize) -> Box<Diagnostic> {
    let title = format!("neuron {neuron} needs numbers that are too large or too small");
    let text =
        "Its threshold or its potentials, in units of its largest weight's last bit, are beyond what floats hold.";
    let hint = "look at its `r`, its threshold and the weights into it: one of them is tiny or huge";
    Box::new(Diagnostic::error("neuron-too-wide", title).at_node(node).text(text).hint(hint))
}
