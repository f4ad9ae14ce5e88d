//! Populations as NIR nodes, and their rules as metadata.

use super::levels::inexpressible;
use ndarray::{ArrayD, IxDyn};
use s2c_dialects::{
    attribute::Tensor,
    diagnostic::{Diagnostic, Result},
    neuron::Stages,
    snn::{Integrator, Network},
};
use s2c_nir::{Choices, Node, signal};
use s2c_passes::snn::discretization::options_of;

/// Time constants tried on either side of the nearest one.
const TRIED: usize = 64;

fn values(tensor: &Tensor<f64>) -> ArrayD<f64> {
    let shape = IxDyn(&tensor.shape);
    ArrayD::from_shape_vec(shape.clone(), tensor.iter().collect()).unwrap_or_else(|_| ArrayD::zeros(shape))
}

/// Reset potentials; a single 0, which is not stored, where all are 0: older readers do not know the field.
fn resets(tensor: &Tensor<f64>) -> ArrayD<f64> {
    if tensor.iter().all(|value| value == 0.0) { ArrayD::zeros(IxDyn(&[])) } else { values(tensor) }
}

/// Time constants that become these factors in ticks of `dt` seconds: to the last bit where there are such.
fn time_constants(integrator: Integrator, dt: f64, factors: &Tensor<f64>) -> ArrayD<f64> {
    values(&factors.map(|factor| {
        let near = integrator.time_constant(dt, factor);
        let steps = std::iter::successors(Some((near, near)), |(low, high)| Some((low.next_down(), high.next_up())));
        let mut candidates = steps.take(TRIED).flat_map(|(low, high)| [low, high]);
        candidates.find(|&tau| integrator.factor(dt, tau) == factor).unwrap_or(near)
    }))
}

/// The population of a name.
pub fn population(network: &Network, name: &str) -> Result<Node> {
    let mut neurons = network.nodes.iter().filter_map(|node| node.op.neuron());
    let neuron = neurons.find(|neuron| neuron.node == name);
    let neuron = neuron.ok_or_else(|| Diagnostic::bug("a population is missing").at_node(name))?;
    let dt = network.dt.ok_or_else(|| Diagnostic::bug("`discretization` has not run"))?;
    let Stages { current, membrane, .. } = &neuron.stages;
    let Some(fire) = neuron.fire() else {
        return Err(inexpressible(name, "It hands on values, which `--emit nir` does not write yet."));
    };
    let Some(integrator) = neuron.integrator else {
        return Ok(Node::Threshold(signal::Threshold { threshold: values(&fire.threshold) }));
    };
    let (r, v_threshold) = (values(&membrane.gain), values(&fire.threshold));
    let v_reset = fire.reset_to.as_ref().map_or_else(|| ArrayD::zeros(IxDyn(&[])), resets);
    let (Some(factor), Some(rest)) = (&membrane.factor, &membrane.rest) else {
        return match current {
            None => Ok(Node::If(s2c_nir::neuron::If { r, v_threshold, v_reset })),
            Some(_) => Err(inexpressible(name, "A current drives a membrane that never leaks.")),
        };
    };
    let (tau, v_leak) = (time_constants(integrator, dt, factor), values(rest));
    Ok(match current {
        None => Node::Lif(s2c_nir::neuron::Lif { tau, r, v_leak, v_threshold, v_reset }),
        Some(current) => Node::CubaLif(s2c_nir::neuron::CubaLif {
            tau_syn: time_constants(integrator, dt, &current.factor),
            tau_mem: tau,
            r,
            v_leak,
            v_threshold,
            v_reset,
            w_in: values(&current.gain),
        }),
    })
}

/// The rules that all neurons share, which NIR has no fields for, and the length of a tick.
pub fn choices(network: &Network) -> Result<Choices> {
    let mut choices = Choices::new();
    for neuron in network.nodes.iter().filter_map(|node| node.op.neuron()) {
        let rules: Choices = options_of(neuron).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if !rules.is_empty() && !choices.is_empty() && rules != choices {
            return Err(inexpressible(
                &neuron.node,
                "Its rules (integrator, reset, comparison) are not those of other neurons.",
            ));
        }
        choices.extend(rules);
    }
    choices.extend(network.dt.map(|dt| ("dt".to_owned(), format!("{dt:e}"))));
    Ok(choices)
}
