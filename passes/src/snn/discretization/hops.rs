//! What the programs of SpiNNaker2's own software do differently from NIR, written into the network.
//!
//! Every hop takes a tick, and all populations start together: each edge from spikes to a connection gets a delay of a
//! tick, unless it is delayed already (back edges are, and `Delay` nodes). Biases of CubaLIF neurons are added to the
//! membrane at the strength that they have once the synaptic current has settled.
//! Source: py-spinnaker2's NIR importer and recordings of its programs on the chip; see the `snn` dialect's README.

use s2c_dialects::{
    attribute::Tensor,
    diagnostic::{Diagnostic, Result},
    snn::{self, Network, Neuron, Op},
};

/// Changes the network; says where biases were moved.
pub fn apply(network: &mut Network) -> Result<Vec<Diagnostic>> {
    delay_hops(network)?;
    let has_current = |neuron: &Neuron| neuron.stages.current.is_some() && neuron.fire().is_some();
    let currents = |&index: &usize| network.nodes[index].op.neuron().is_some_and(has_current);
    let mut warnings = Vec::new();
    for population in (0..network.nodes.len()).filter(currents).collect::<Vec<_>>() {
        if move_bias(network, population)? {
            warnings.push(
                Diagnostic::warning("bias-on-membrane", "biases act on the membrane, not behind the synaptic current")
                    .at_node(network.nodes[population].name.clone())
                    .text(
                        "So the vendor's importer reads the file. A network that was trained otherwise loses accuracy.",
                    )
                    .hint("name the framework that trained it with --convention; --emit spinnaker2 takes them all"),
            );
        }
    }
    Ok(warnings)
}

/// One delay per source, in front of all connections that see its spikes undelayed.
fn delay_hops(network: &mut Network) -> Result<()> {
    for source in 0..network.nodes.len() {
        if !matches!(network.nodes[source].op, Op::Input(_)) && !network.nodes[source].op.is_neuron() {
            continue;
        }
        let result = network.result(source)?.clone();
        let mut hop = None;
        for user in 0..network.nodes.len() {
            let node = &mut network.nodes[user];
            if matches!(node.op, Op::Output(_)) || !node.inputs.contains(&source) {
                continue;
            }
            if let Op::Delay(op) = &mut node.op {
                op.ticks = op.ticks.max(1);
                continue;
            }
            let name = network.nodes[source].name.clone();
            let hop = *hop.get_or_insert_with(|| {
                network.push(snn::Delay { ticks: 1, seconds: None }.into(), &name, vec![source], Some(result.clone()))
            });
            let inputs = network.nodes[user].inputs.iter_mut();
            inputs.filter(|input| **input == source).for_each(|input| *input = hop);
        }
    }
    Ok(())
}

/// Takes the biases out of the connections into a population with a current: b becomes a shift of the leak potential by
/// r w_in b, which is what b adds to the membrane's target once the current has settled at w_in b. Gives whether there are
/// biases other than 0.
fn move_bias(network: &mut Network, population: usize) -> Result<bool> {
    let count = network.result(population)?.len();
    let mut bias = vec![0.0; count];
    let mut open = network.nodes[population].inputs.clone();
    while let Some(index) = open.pop() {
        let node = &mut network.nodes[index];
        let taken = match &mut node.op {
            Op::Add(_) | Op::Delay(_) => {
                open.extend(&node.inputs);
                continue;
            }
            Op::Linear(op) => op.bias.take(),
            Op::Conv2d(op) => op.bias.take(),
            _ => continue,
        };
        if let Some(taken) = taken {
            let places = count / taken.len().max(1);
            bias.iter_mut().enumerate().for_each(|(neuron, sum)| *sum += taken.at(neuron / places.max(1)));
        }
    }
    let Some(neuron) = network.nodes[population].op.neuron_mut() else { return Ok(false) };
    let shifted: Vec<f64> = (0..count).map(|n| neuron.rest(n) + neuron.gain(n) * bias[n]).collect();
    let rest = neuron.stages.membrane.rest.iter_mut();
    rest.for_each(|rest| *rest = Tensor::new(rest.shape.clone(), shifted.clone()));
    Ok(bias.iter().any(|&bias| bias != 0.0))
}
