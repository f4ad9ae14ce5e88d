//! Populations: NIR's nodes that are updated once per tick.

use super::parameter::tensor;
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    snn::{self, Op},
};
use s2c_nir::Node;

/// The op of a node, with one value of each parameter per neuron.
pub(super) fn population(name: &str, node: &Node, shape: &[usize]) -> Result<Op> {
    let parameter = |field: &str, values| tensor(name, field, values, shape);
    let path = name.to_owned();
    Ok(match node {
        Node::If(neuron) => snn::If {
            node: path,
            r: parameter("r", &neuron.r)?,
            v_threshold: parameter("v_threshold", &neuron.v_threshold)?,
            v_reset: parameter("v_reset", &neuron.v_reset)?,
        }
        .into(),
        Node::Lif(neuron) => snn::Lif {
            node: path,
            tau: parameter("tau", &neuron.tau)?,
            r: parameter("r", &neuron.r)?,
            v_leak: parameter("v_leak", &neuron.v_leak)?,
            v_threshold: parameter("v_threshold", &neuron.v_threshold)?,
            v_reset: parameter("v_reset", &neuron.v_reset)?,
        }
        .into(),
        Node::CubaLif(neuron) => snn::CubaLif {
            node: path,
            tau_syn: parameter("tau_syn", &neuron.tau_syn)?,
            tau_mem: parameter("tau_mem", &neuron.tau_mem)?,
            r: parameter("r", &neuron.r)?,
            w_in: parameter("w_in", &neuron.w_in)?,
            v_leak: parameter("v_leak", &neuron.v_leak)?,
            v_threshold: parameter("v_threshold", &neuron.v_threshold)?,
            v_reset: parameter("v_reset", &neuron.v_reset)?,
        }
        .into(),
        Node::Threshold(threshold) => {
            snn::Threshold { node: path, threshold: parameter("threshold", &threshold.threshold)? }.into()
        }
        Node::I(neuron) => snn::I { node: path, r: parameter("r", &neuron.r)? }.into(),
        Node::Li(neuron) => snn::Li {
            node: path,
            tau: parameter("tau", &neuron.tau)?,
            r: parameter("r", &neuron.r)?,
            v_leak: parameter("v_leak", &neuron.v_leak)?,
        }
        .into(),
        Node::CubaLi(neuron) => snn::CubaLi {
            node: path,
            tau_syn: parameter("tau_syn", &neuron.tau_syn)?,
            tau_mem: parameter("tau_mem", &neuron.tau_mem)?,
            r: parameter("r", &neuron.r)?,
            w_in: parameter("w_in", &neuron.w_in)?,
            v_leak: parameter("v_leak", &neuron.v_leak)?,
        }
        .into(),
        other => return Err(Box::new(Diagnostic::bug(format!("`{}` is not lowered", other.kind())).at_node(name))),
    })
}
