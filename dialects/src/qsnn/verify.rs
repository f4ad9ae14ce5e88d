//! What ODS can't say about the `qsnn` dialect. The numbers are those of the dialect's README.

use super::{Network, Op};
use crate::{
    attribute::{Reset, Tensor, Weights},
    diagnostic::{Diagnostic, Result},
    graph::Node,
};

/// Largest decay factor: 1, in units of 2^-32.
pub const ONE: i64 = 1 << 32;

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
        Op::Li(op) => {
            verify_decay(node, &op.decay)?;
            verify_readout(node, &op.readout)?;
            verify_shift(node, op.shift)
        }
        Op::CubaLi(op) => {
            verify_decay(node, &op.current_decay)?;
            verify_decay(node, &op.decay)?;
            verify_readout(node, &op.readout)?;
            verify_shift(node, op.shift)?;
            verify_shift(node, op.current_shift)
        }
        Op::Lif(op) => {
            verify_reset(node, op.reset)?;
            verify_decay(node, &op.decay)?;
            verify_byte_shift(node, op.byte_shift)?;
            verify_shift(node, op.shift)
        }
        Op::CubaLif(op) => {
            verify_reset(node, op.reset)?;
            verify_byte_shift(node, op.byte_shift)?;
            verify_decay(node, &op.current_decay)?;
            verify_decay(node, &op.decay)?;
            verify_shift(node, op.shift)?;
            verify_shift(node, op.current_shift)
        }
        Op::FloatLif(op) => {
            verify_reset(node, op.reset)?;
            verify_floats(node, &[&op.decay, &op.offset, &op.threshold, &op.reset_by])
        }
        Op::FloatCubaLif(op) => {
            verify_reset(node, op.reset)?;
            verify_floats(node, &[&op.current_decay, &op.current_offset])?;
            verify_floats(node, &[&op.decay, &op.offset, &op.threshold, &op.reset_by])
        }
        Op::FloatLi(op) => verify_floats(node, &[&op.decay, &op.offset, &op.readout]),
        Op::FloatCubaLi(op) => {
            verify_floats(node, &[&op.current_decay, &op.current_offset, &op.decay, &op.offset, &op.readout])
        }
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

/// C4: every weight fits into `bits`, without the most negative code (the range is symmetric); one bit is a sign.
fn verify_weights(node: &Node<Op>, weight: &Weights, bits: i64) -> Result<()> {
    let limit = (1i64 << (bits.clamp(1, 16) - 1)).max(2) - 1;
    let count = weight.shape().iter().product();
    let breaks = |weight: &i32| i64::from(*weight).abs() > limit || (bits == 1 && *weight == 0);
    match (0..count).map(|index| weight.at(index)).find(breaks) {
        Some(weight) => Err(broken(node, format!("C4: weight {weight} needs more than {bits} bits"))),
        None => Ok(()),
    }
}

/// C5: a decay factor lies between 0 and 1.
fn verify_decay(node: &Node<Op>, decay: &Tensor<i64>) -> Result<()> {
    match decay.values.iter().find(|value| !(0..=ONE).contains(*value)) {
        Some(value) => Err(broken(node, format!("C5: decay {value} is not between 0 and 2^32"))),
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

/// C8: float parameters are finite.
fn verify_floats(node: &Node<Op>, parameters: &[&Tensor<f32>]) -> Result<()> {
    match parameters.iter().flat_map(|tensor| &tensor.values).find(|value| !value.is_finite()) {
        Some(value) => Err(broken(node, format!("C8: a parameter is {value}"))),
        None => Ok(()),
    }
}

/// C9: no reset waits for the next tick.
fn verify_reset(node: &Node<Op>, reset: Reset) -> Result<()> {
    match reset {
        Reset::SubtractLate => Err(broken(node, "C9: a reset waits for the next tick".to_owned())),
        Reset::Subtract | Reset::SubtractPending | Reset::Value => Ok(()),
    }
}

/// C12: membranes of 8 bits are in units of 2^2 to 2^24.
fn verify_byte_shift(node: &Node<Op>, shift: Option<i64>) -> Result<()> {
    match shift.filter(|shift| !(2..=24).contains(shift)) {
        Some(shift) => Err(broken(node, format!("C12: membranes of 8 bits are shifted by {shift}, not by 2 to 24"))),
        None => Ok(()),
    }
}

/// C10: a readout factor lies between 0 and 2^31 - 1.
fn verify_readout(node: &Node<Op>, readout: &Tensor<i64>) -> Result<()> {
    match readout.values.iter().find(|value| !(0..ONE / 2).contains(*value)) {
        Some(value) => Err(broken(node, format!("C10: readout {value} is not between 0 and 2^31 - 1"))),
        None => Ok(()),
    }
}

fn broken(node: &Node<Op>, title: String) -> Box<Diagnostic> {
    Box::new(Diagnostic::error("bad-ir", title).at_node(node.name.clone()))
}
