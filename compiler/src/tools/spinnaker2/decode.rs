//! A population of the quantized network, as far as the vendor's programs know its kind.

use s2c_dialects::{
    attribute::{Reset, Tensor},
    diagnostic::{Diagnostic, Result},
    neuron::Output,
    qsnn::{Coefficient, Fire, HandOn, Neuron, State},
};

/// A population with float32 state.
pub struct Population<'a> {
    /// NIR node.
    pub node: &'a str,
    /// Chip tick of network tick 0.
    pub start: usize,
    /// Decay of the synaptic current, and what is added to it per tick.
    pub current: Option<(&'a Tensor<f32>, &'a Tensor<f32>)>,
    /// Decay of the membrane.
    pub decay: &'a Tensor<f32>,
    /// Added to the membrane per tick.
    pub offset: &'a Tensor<f32>,
    /// What the neurons hand on.
    pub end: End<'a>,
}

/// What neurons hand on.
pub enum End<'a> {
    /// A spike above `threshold`, which takes `by` off the membrane or sets it to that.
    Spikes { threshold: &'a Tensor<f32>, subtracts: bool, by: &'a Tensor<f32> },
    /// The membrane times `factor`, with so many fractional bits.
    Values { factor: &'a Tensor<f32>, fraction: i64 },
}

/// The coefficients of the stages that the programs have.
const STAGES: [Coefficient; 7] = [
    Coefficient::CurrentDecay,
    Coefficient::CurrentOffset,
    Coefficient::Decay,
    Coefficient::Offset,
    Coefficient::Threshold,
    Coefficient::ResetBy,
    Coefficient::Readout,
];

/// The population that an op is.
///
/// # Errors
/// A neuron that the programs have no kind for.
pub fn population(neuron: &Neuron) -> Result<Population<'_>> {
    let node = neuron.node.as_str();
    let start = neuron.start.ok_or_else(|| Diagnostic::bug("`retiming` has not run"))? as usize;
    let State::Floats(stages) = &neuron.state else {
        return Err(Box::new(
            Diagnostic::error("handover-state", "the vendor's programs keep neurons' state in float32")
                .at_node(node)
                .text("This population has integer state.")
                .hint("give --state f32"),
        ));
    };
    if let Some((other, _)) = stages.coefficients().into_iter().find(|(which, _)| !STAGES.contains(which)) {
        return Err(Box::new(
            Diagnostic::error(
                "handover-neuron",
                format!("the vendor's programs have no stage with `{}`", other.name()),
            )
            .at_node(node),
        ));
    }
    let end = match &stages.output {
        Output::Fire(Fire { threshold, reset, reset_by: by }) => {
            let subtracts = match reset {
                Reset::Value => false,
                Reset::Subtract => true,
                Reset::SubtractLate | Reset::SubtractPending => return Err(unknown_reset(node)),
            };
            End::Spikes { threshold, subtracts, by }
        }
        Output::HandOn(HandOn { readout: factor, fraction }) => End::Values { factor, fraction: *fraction },
    };
    let current = stages.current.as_ref().map(|current| (&current.decay, &current.offset));
    Ok(Population { node, start, current, decay: &stages.membrane.decay, offset: &stages.membrane.offset, end })
}

/// For a reset that the programs don't have.
pub fn unknown_reset(node: &str) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::error("handover-neuron", "the vendor's programs don't have this reset")
            .at_node(node)
            .text("They subtract the threshold, or set the membrane to a value, both in the spike's own tick.")
            .hint("give --reset subtract or --reset zero without --reset-delay, and look at the accuracy"),
    )
}
