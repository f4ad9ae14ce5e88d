//! What ODS can't say about the `snn` dialect. The numbers are those of the dialect's README.

use super::{Network, Neuron, Op};
use crate::{
    attribute::{Reset, Tensor},
    diagnostic::{Diagnostic, Result},
    graph::Node,
    shown,
};
use petgraph::{algo::tarjan_scc, graph::DiGraph};

/// Checks the constraints that name this file.
pub fn verify(network: &Network) -> Result<()> {
    let inputs = network.nodes.iter().filter(|node| matches!(node.op, Op::Input(_))).count();
    let outputs = network.nodes.iter().filter(|node| matches!(node.op, Op::Output(_))).count();
    // C4: a network has an input and an output.
    if inputs == 0 || outputs == 0 {
        let missing = if inputs == 0 { "input" } else { "output" };
        return Err(Box::new(Diagnostic::error("no-input-or-output", format!("the network has no {missing}"))));
    }
    // C5: dt, where it is known, is positive and finite.
    if let Some(dt) = network.dt
        && !(dt > 0.0 && dt.is_finite())
    {
        return Err(Box::new(Diagnostic::error("bad-dt", format!("dt is {dt} s, but must be positive and finite"))));
    }
    for node in &network.nodes {
        verify_values(node)?;
    }
    verify_shapes(network)?;
    verify_cycles(network)
}

/// C9: the output of a convolution or a pool has the shape that its input and its attributes give.
fn verify_shapes(network: &Network) -> Result<()> {
    for node in &network.nodes {
        let expected = match &node.op {
            Op::Conv2d(op) => {
                let input = &network.result(node.inputs[0])?.shape;
                op.geometry(input).map(|geometry| geometry.output_shape(input))
            }
            Op::Pool(op) => match (&network.result(node.inputs[0])?.shape[..], &op.window[..]) {
                (&[channels, rows, columns], &[high, wide]) if high > 0 && wide > 0 => {
                    Some(vec![channels, rows / high as usize, columns / wide as usize])
                }
                _ => None,
            },
            _ => continue,
        };
        let is = node.result.as_ref().map(|result| result.shape.clone());
        if expected.is_none() || expected != is {
            return Err(Box::new(
                Diagnostic::error("bad-ir", "C9: the output's shape does not follow from the input")
                    .at_node(node.name.clone())
                    .text(format!(
                        "It is {:?}, but should be {:?}.",
                        is.unwrap_or_default(),
                        expected.unwrap_or_default()
                    )),
            ));
        }
    }
    Ok(())
}

/// C6: weights and parameters are finite, time constants are positive.
fn verify_values(node: &Node<Op>) -> Result<()> {
    let finite = |name: &str, tensor: &Tensor<f64>| match tensor.values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(bad_value(node, name, index, tensor.values[index], "finite")),
        None => Ok(()),
    };
    let weights = |name: &str, tensor: &Tensor<f32>| match tensor.values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(bad_value(node, name, index, tensor.values[index].into(), "finite")),
        None => Ok(()),
    };
    let positive = |name: &str, tensor: &Tensor<f64>| match tensor
        .values
        .iter()
        .position(|&value| !(value > 0.0 && value.is_finite()))
    {
        Some(index) => Err(bad_value(node, name, index, tensor.values[index], "positive and finite")),
        None => Ok(()),
    };
    let all_finite = |all: &[(&str, &Tensor<f64>)]| all.iter().try_for_each(|(name, tensor)| finite(name, tensor));
    match &node.op {
        Op::Linear(op) => {
            weights("weight", &op.weight)?;
            op.bias.iter().try_for_each(|bias| finite("bias", bias))
        }
        Op::Conv2d(op) => {
            weights("weight", &op.weight)?;
            op.bias.iter().try_for_each(|bias| finite("bias", bias))
        }
        Op::Scale(op) => weights("scale", &op.scale),
        Op::If(op) => all_finite(&[("r", &op.r), ("v_threshold", &op.v_threshold), ("v_reset", &op.v_reset)]),
        Op::Lif(op) => {
            positive("tau", &op.tau)?;
            all_finite(&[("r", &op.r), ("v_leak", &op.v_leak)])?;
            all_finite(&[("v_threshold", &op.v_threshold), ("v_reset", &op.v_reset)])
        }
        Op::CubaLif(op) => {
            positive("tau_syn", &op.tau_syn)?;
            positive("tau_mem", &op.tau_mem)?;
            all_finite(&[("r", &op.r), ("w_in", &op.w_in), ("v_leak", &op.v_leak)])?;
            all_finite(&[("v_threshold", &op.v_threshold), ("v_reset", &op.v_reset)])
        }
        Op::Threshold(op) => finite("threshold", &op.threshold),
        Op::I(op) => finite("r", &op.r),
        Op::Li(op) => {
            positive("tau", &op.tau)?;
            all_finite(&[("r", &op.r), ("v_leak", &op.v_leak)])
        }
        Op::CubaLi(op) => {
            positive("tau_syn", &op.tau_syn)?;
            positive("tau_mem", &op.tau_mem)?;
            all_finite(&[("r", &op.r), ("w_in", &op.w_in), ("v_leak", &op.v_leak)])
        }
        Op::Neuron(neuron) => {
            verify_neuron(node, neuron)?;
            neuron.coefficients().into_iter().try_for_each(|(name, tensor)| finite(name, tensor))
        }
        Op::Delay(op) => op.seconds.iter().try_for_each(|seconds| finite("delay", seconds)),
        Op::Input(_) | Op::Output(_) | Op::Add(_) | Op::Pool(_) | Op::Relay(_) => Ok(()),
    }
}

/// C12: neurons that fire give spikes, others values. C13: a reset to a value has one.
fn verify_neuron(node: &Node<Op>, neuron: &Neuron) -> Result<()> {
    let gives_spikes = node.result.as_ref().is_some_and(|result| result.element.is_spikes());
    let broken = |title: &str| Err(Box::new(Diagnostic::error("bad-ir", title).at_node(node.name.clone())));
    match neuron.fire() {
        Some(_) if !gives_spikes => broken("C12: a neuron that fires does not give spikes"),
        None if gives_spikes => broken("C12: a neuron that hands on its membrane gives spikes"),
        Some(fire) if (fire.reset == Reset::Value) != fire.reset_to.is_some() => {
            broken("C13: a reset to a value, and no other, says where to")
        }
        _ => Ok(()),
    }
}

fn bad_value(node: &Node<Op>, name: &str, index: usize, value: f64, must: &str) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::error("bad-parameter", format!("`{name}` must be {must}, but is {value}"))
            .at_node(node.name.clone())
            .text(format!("The value stands at position {index} of the parameter.")),
    )
}

/// C7: each cycle holds a delay of at least one tick. C8: each cycle holds a neuron.
fn verify_cycles(network: &Network) -> Result<()> {
    let is_delay = |index: usize| match &network.nodes[index].op {
        Op::Delay(delay) => {
            let later = delay.seconds.as_ref().is_some_and(|seconds| seconds.iter().all(|seconds| seconds > 0.0));
            delay.ticks > 0 || later
        }
        _ => false,
    };
    let is_neuron = |index: usize| network.nodes[index].op.is_neuron();
    // A cycle that avoids all delays (or all neurons) is one that is left when those are taken out.
    for (what, code) in [("neuron", "cycle-without-neuron"), ("delay", "cycle-without-delay")] {
        let breaks = |index: usize| if what == "neuron" { is_neuron(index) } else { is_delay(index) };
        if let Some(cycle) = cycle_without(network, &breaks) {
            let names: Vec<_> = cycle.iter().map(|&index| network.nodes[index].name.as_str()).collect();
            return Err(Box::new(
                Diagnostic::error(code, format!("a cycle holds no {what}"))
                    .at_node(names[0])
                    .text(format!("The cycle goes through {}.", shown::list(&names))),
            ));
        }
    }
    Ok(())
}

fn cycle_without(network: &Network, breaks: &dyn Fn(usize) -> bool) -> Option<Vec<usize>> {
    let mut graph = DiGraph::<usize, ()>::new();
    let handles: Vec<_> = (0..network.nodes.len()).map(|index| graph.add_node(index)).collect();
    for (user, node) in network.nodes.iter().enumerate().filter(|(index, _)| !breaks(*index)) {
        for &input in node.inputs.iter().filter(|&&input| !breaks(input)) {
            graph.add_edge(handles[input], handles[user], ());
        }
    }
    let component = tarjan_scc(&graph)
        .into_iter()
        .find(|component| component.len() > 1 || graph.contains_edge(component[0], component[0]))?;
    let mut cycle: Vec<usize> = component.into_iter().map(|handle| graph[handle]).collect();
    cycle.sort_unstable();
    Some(cycle)
}
