//! Populations as NIR nodes, and their rules as metadata.

use super::levels::inexpressible;
use ndarray::{ArrayD, IxDyn};
use s2c_dialects::{
    attribute::{Reset, Tensor},
    diagnostic::{Diagnostic, Result},
    snn::{Compare, Integrator, Network, Op},
};
use s2c_nir::{self, Choices, Node, signal};

fn values(tensor: &Tensor<f64>) -> ArrayD<f64> {
    let shape = IxDyn(&tensor.shape);
    ArrayD::from_shape_vec(shape.clone(), tensor.iter().collect()).unwrap_or_else(|_| ArrayD::zeros(shape))
}

/// Reset potentials; a single 0, which is not stored, where all are 0: older readers do not know the field.
fn resets(tensor: &Tensor<f64>) -> ArrayD<f64> {
    if tensor.iter().all(|value| value == 0.0) { ArrayD::zeros(IxDyn(&[])) } else { values(tensor) }
}

/// The population of a name.
pub fn population(network: &Network, name: &str) -> Result<Node> {
    let found = network.nodes.iter().find(|node| node.op.is_neuron() && node.op.node() == Some(name));
    let found = found.ok_or_else(|| Diagnostic::bug("a population is missing").at_node(name))?;
    Ok(match &found.op {
        Op::If(op) => Node::If(s2c_nir::neuron::If {
            r: values(&op.r),
            v_threshold: values(&op.v_threshold),
            v_reset: resets(&op.v_reset),
        }),
        Op::Lif(op) => Node::Lif(s2c_nir::neuron::Lif {
            tau: values(&op.tau),
            r: values(&op.r),
            v_leak: values(&op.v_leak),
            v_threshold: values(&op.v_threshold),
            v_reset: resets(&op.v_reset),
        }),
        Op::CubaLif(op) => Node::CubaLif(s2c_nir::neuron::CubaLif {
            tau_syn: values(&op.tau_syn),
            tau_mem: values(&op.tau_mem),
            r: values(&op.r),
            v_leak: values(&op.v_leak),
            v_threshold: values(&op.v_threshold),
            v_reset: resets(&op.v_reset),
            w_in: values(&op.w_in),
        }),
        Op::Threshold(op) => Node::Threshold(signal::Threshold { threshold: values(&op.threshold) }),
        _ => return Err(inexpressible(name, "It hands on values, which `--emit nir` does not write yet.")),
    })
}

/// What one neuron does that NIR has no field for.
type Rules = (Option<Integrator>, Option<Reset>, Option<Compare>);

/// The rules that all neurons share, and the length of a tick.
pub fn choices(network: &Network) -> Result<Choices> {
    let mut shared: Option<Rules> = None;
    for node in &network.nodes {
        let rules = match &node.op {
            Op::If(op) => (op.integrator, op.reset, op.compare),
            Op::Lif(op) => (op.integrator, op.reset, op.compare),
            Op::CubaLif(op) => (op.integrator, op.reset, op.compare),
            _ => continue,
        };
        if *shared.get_or_insert(rules) != rules {
            return Err(inexpressible(&node.name, "Its integrator, reset or comparison is not that of other neurons."));
        }
    }
    let mut choices = Choices::new();
    let mut set = |name: &str, value: &str| _ = choices.insert(name.to_owned(), value.to_owned());
    if let Some(dt) = network.dt {
        set("dt", &format!("{dt:e}"));
    }
    let (integrator, reset, compare) = shared.unwrap_or_default();
    match integrator {
        Some(Integrator::Euler) => set("integrator", "euler"),
        Some(Integrator::Exponential) => set("integrator", "exponential"),
        None => {}
    }
    if let Some(reset) = reset {
        set("reset", if reset == Reset::Value { "zero" } else { "subtract" });
        match reset {
            Reset::SubtractPending => set("reset_delay", "0"),
            Reset::SubtractLate => set("reset_delay", "1"),
            Reset::Subtract | Reset::Value => {}
        }
    }
    match compare {
        Some(Compare::Greater) => set("compare", "gt"),
        Some(Compare::GreaterEqual) => set("compare", "ge"),
        None => {}
    }
    Ok(choices)
}
