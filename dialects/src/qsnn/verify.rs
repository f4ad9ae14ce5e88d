//! What ODS can't say about the `qsnn` dialect. The numbers are those of the dialect's README.

use super::{Coefficient, Floats, Integers, Network, Neuron, Op, PerNeuron, State, Traits};
use crate::{
    attribute::{Reset, Weights},
    diagnostic::{Diagnostic, Result},
    fixed_point::Factor,
    graph::Node,
};

/// Checks the constraints that name this file.
pub fn verify(network: &Network) -> Result<()> {
    network.nodes.iter().try_for_each(verify_node)?;
    // C7: the output of a convolution has the shape that its input and its attributes give.
    for node in &network.nodes {
        if let Op::Conv2d(op) = &node.op {
            let input = &network.result(node.inputs[0])?.shape;
            let output = op.geometry(input).map(|geometry| geometry.output_shape(input));
            if output.is_none() || output.as_ref() != node.result.as_ref().map(|result| &result.shape) {
                return Err(broken(node, format!("C7: the output's shape should be {:?}", output.unwrap_or_default())));
            }
        }
    }
    Ok(())
}

fn verify_node(node: &Node<Op>) -> Result<()> {
    match &node.op {
        Op::Dense(op) => verify_connection(node, &op.weight, op.bits),
        Op::Scale(op) => verify_connection(node, &op.weight, op.bits),
        Op::Conv2d(op) => verify_connection(node, &op.weight, op.bits),
        Op::Neuron(neuron) => verify_neuron(node, neuron),
        Op::Input(_) | Op::Output(_) | Op::Add(_) | Op::Delay(_) => Ok(()),
    }
}

/// C4, and C13: what a connection takes is shifted by at most 30 bits up or 31 down.
fn verify_connection(node: &Node<Op>, weight: &Weights, bits: i64) -> Result<()> {
    let shift = node.op.shift();
    if !(-31..=30).contains(&shift) {
        return Err(broken(node, format!("C13: shift {shift} is not between -31 and 30")));
    }
    verify_weights(node, weight, bits)
}

/// C4: every weight fits into `bits`, 1 to 16 of them, without the most negative code (the range is symmetric); one bit is
/// a sign.
fn verify_weights(node: &Node<Op>, weight: &Weights, bits: i64) -> Result<()> {
    if !(1..=16).contains(&bits) {
        return Err(broken(node, format!("C4: weights have 1 to 16 bits, not {bits}")));
    }
    let limit = (1i64 << (bits - 1)).max(2) - 1;
    let count = weight.shape().iter().product();
    let breaks = |weight: &i32| i64::from(*weight).abs() > limit || (bits == 1 && *weight == 0);
    match (0..count).map(|index| weight.at(index)).find(breaks) {
        Some(weight) => Err(broken(node, format!("C4: weight {weight} needs more than {bits} bits"))),
        None => Ok(()),
    }
}

/// What does not depend on the numbers, then what does.
fn verify_neuron(node: &Node<Op>, neuron: &Neuron) -> Result<()> {
    let Traits { reset, fraction, .. } = neuron.traits();
    // C9: no reset waits for the next tick.
    if reset == Some(Reset::SubtractLate) {
        return Err(broken(node, "C9: a reset waits for the next tick".to_owned()));
    }
    // C15: neurons fire and give spikes, or hand on their membranes.
    let gives_spikes = node.result.as_ref().is_some_and(|result| result.element.is_spikes());
    if reset.is_some() == fraction.is_some() || reset.is_some() != gives_spikes {
        return Err(broken(node, "C15: a neuron gives spikes where it fires, and values where it does not".to_owned()));
    }
    match &neuron.state {
        State::Integers(stages) => {
            verify_byte_shift(node, neuron.byte_shift)?;
            let current_shift = stages.current.as_ref().and_then(|current| current.shift);
            [neuron.shift, current_shift].into_iter().flatten().try_for_each(|shift| verify_shift(node, shift))?;
            stages.coefficients().into_iter().try_for_each(|(which, values)| verify_factors(node, which, &values))
        }
        State::Floats(stages) => {
            // C16: what belongs to integers.
            let current_shift = stages.current.as_ref().and_then(|current| current.shift);
            if neuron.saturate || neuron.byte_shift.or(neuron.shift).or(current_shift).is_some() {
                return Err(broken(node, "C16: float states are not shifted, clamped or kept in 8 bits".to_owned()));
            }
            stages.coefficients().into_iter().try_for_each(|(_, values)| verify_floats(node, &values))
        }
    }
}

/// C5: a decay factor lies between 0 and 1. C10: a readout factor lies between 0 and 2^31 - 1.
fn verify_factors(node: &Node<Op>, which: Coefficient, values: &PerNeuron<'_, Integers>) -> Result<()> {
    let PerNeuron::Factors(factors) = values else { return Ok(()) };
    let (most, title) = match which {
        Coefficient::Readout => (Factor::BELOW_HALF, "C10: a readout factor is not between 0 and 2^31 - 1"),
        _ => (Factor::ONE, "C5: a decay factor is not between 0 and 2^32"),
    };
    match factors.values.iter().find(|value| !(Factor::ZERO..=most).contains(*value)) {
        Some(value) => Err(broken(node, format!("{title}: {}", value.to_bits()))),
        None => Ok(()),
    }
}

/// C6: a shift is between 0 and 30.
fn verify_shift(node: &Node<Op>, shift: i64) -> Result<()> {
    if (0..=30).contains(&shift) {
        Ok(())
    } else {
        Err(broken(node, format!("C6: shift {shift} is not between 0 and 30")))
    }
}

/// C8: float coefficients are finite.
fn verify_floats(node: &Node<Op>, values: &PerNeuron<'_, Floats>) -> Result<()> {
    let (PerNeuron::Factors(tensor) | PerNeuron::Words(tensor)) = values;
    match tensor.values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(broken(node, format!("C8: a parameter is {value}"))),
        None => Ok(()),
    }
}

/// C12: membranes of 8 bits are in units of 2^2 to 2^24.
fn verify_byte_shift(node: &Node<Op>, shift: Option<i64>) -> Result<()> {
    match shift.filter(|shift| !(2..=24).contains(shift)) {
        Some(shift) => Err(broken(node, format!("C12: membranes of 8 bits are shifted by {shift}, not by 2 to 24"))),
        None => Ok(()),
    }
}

fn broken(node: &Node<Op>, title: String) -> Box<Diagnostic> {
    Box::new(Diagnostic::error("bad-ir", title).at_node(node.name.clone()))
}
