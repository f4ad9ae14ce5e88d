//! What ODS can't say about the `qsnn` dialect. The numbers are those of the dialect's README.

use super::{Network, Op};
use crate::{
    attribute::Tensor,
    diagnostic::{Diagnostic, Result},
    graph::Node,
};

/// Largest decay factor: 1, in units of 2^-32.
pub const ONE: i64 = 1 << 32;

/// Checks constraints C4 to C6.
pub fn verify(network: &Network) -> Result<()> {
    network.nodes.iter().try_for_each(verify_node)
}

fn verify_node(node: &Node<Op>) -> Result<()> {
    match &node.op {
        Op::Dense(op) => {
            // C4: every weight fits into `bits`, without the most negative code (the range is symmetric).
            let limit = (1i64 << (op.bits.clamp(1, 16) - 1)).max(2) - 1;
            let shape = op.weight.shape();
            let wrong = (0..shape.iter().product()).find(|&index| i64::from(op.weight.at(index)).abs() > limit);
            match wrong {
                Some(index) => Err(broken(node, format!("C4: weight {} needs more than {} bits", op.weight.at(index), op.bits))),
                None => Ok(()),
            }
        }
        Op::Lif(op) => {
            verify_decay(node, &op.decay)?;
            verify_shift(node, op.shift)
        }
        Op::CubaLif(op) => {
            verify_decay(node, &op.current_decay)?;
            verify_decay(node, &op.decay)?;
            verify_shift(node, op.shift)?;
            verify_shift(node, op.current_shift)
        }
        Op::Input(_) | Op::Output(_) | Op::Add(_) | Op::Delay(_) => Ok(()),
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

fn broken(node: &Node<Op>, title: String) -> Box<Diagnostic> {
    Box::new(Diagnostic::error("bad-ir", title).at_node(node.name.clone()))
}
