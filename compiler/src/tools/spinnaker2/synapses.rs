//! Connections as lists of synapses, or as the convolutions that `lif_conv2d` knows.

use super::plan::{Synapse, Synapses};
use s2c_dialects::{
    attribute::Weights,
    convolution::Geometry,
    diagnostic::{Diagnostic, Result},
    qsnn::{Conv2d, Network, Op},
};

/// The weights of connection `connection`; `as_kernel` asks for a convolution to stay one.
///
/// # Errors
/// Weights beyond ±127.
pub fn of(network: &Network, connection: usize, as_kernel: bool) -> Result<Synapses> {
    let node = &network.nodes[connection];
    if node.op.shift() != 0 {
        return Err(Box::new(Diagnostic::bug("a connection of spikes has a shift").at_node(node.name.clone())));
    }
    let bytes = |weights: &Weights| {
        let count = weights.shape().iter().product();
        (0..count).map(|index| narrow(&node.name, weights.at(index))).collect::<Result<Vec<i8>>>()
    };
    let mut list = Vec::new();
    match &node.op {
        Op::Dense(op) => {
            let (weights, inputs) = (bytes(&op.weight)?, op.weight.shape()[1]);
            for pre in 0..inputs {
                (0..op.weight.shape()[0]).for_each(|post| push(&mut list, pre, post, weights[post * inputs + pre]));
            }
        }
        Op::Scale(op) => {
            let weights = bytes(&op.weight)?;
            (0..network.result(connection)?.len()).for_each(|neuron| {
                push(&mut list, neuron, neuron, weights[if weights.len() == 1 { 0 } else { neuron }]);
            });
        }
        Op::Conv2d(op) => {
            let (geometry, weights) = (geometry(network, connection, op)?, bytes(&op.weight)?);
            if as_kernel {
                return Ok(Synapses::Kernel(geometry, weights));
            }
            list = spread(&geometry, &weights);
        }
        _ => return Err(Box::new(Diagnostic::bug("not a connection").at_node(node.name.clone()))),
    }
    Ok(Synapses::List(list))
}

/// A synapse that there is no need for is left out.
fn push(list: &mut Vec<Synapse>, pre: usize, post: usize, weight: i8) {
    if weight != 0 {
        list.push(Synapse { pre: pre as u32, post: post as u32, weight });
    }
}

fn narrow(node: &str, weight: i32) -> Result<i8> {
    i8::try_from(weight).ok().filter(|&weight| weight != i8::MIN).ok_or_else(|| {
        Box::new(
            Diagnostic::error("handover-weights", format!("a weight of {weight}, the vendor's programs take ±127"))
                .at_node(node)
                .hint("give --weight-bits 8 or fewer; for weights on a grid that reaches -128, --weight-bits 7"),
        )
    })
}

fn geometry(network: &Network, connection: usize, op: &Conv2d) -> Result<Geometry> {
    let input = &network.result(network.nodes[connection].inputs[0])?.shape;
    op.geometry(input).ok_or_else(|| Box::new(Diagnostic::bug("not a convolution")))
}

/// Whether `lif_conv2d` has the convolution: one group, no dilation, windows that fit. Strides and windows must be square,
/// because it is not known which of the two numbers its rows take.
pub fn is_kernel(network: &Network, connection: usize) -> Result<bool> {
    let Op::Conv2d(op) = &network.nodes[connection].op else { return Ok(false) };
    let geometry = geometry(network, connection, op)?;
    let square = |[rows, columns]: [usize; 2]| rows == columns;
    Ok(geometry.groups == 1
        && geometry.dilation == [1, 1]
        && square(geometry.stride)
        && square(geometry.pool)
        && (0..2).all(|axis| geometry.input[axis + 1].is_multiple_of(geometry.pool[axis])))
}

/// A convolution's synapses, by source and then by target; weights as in [`Synapses::Kernel`].
pub fn spread(geometry: &Geometry, weights: &[i8]) -> Vec<Synapse> {
    let ([channels, rows, columns], [_, out_rows, out_columns]) = (geometry.input, geometry.output());
    let mut list = Vec::new();
    for channel in 0..channels {
        let (targets, input) = geometry.targets_of(channel);
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let pre = (channel * rows + row) * columns + column;
            let first = list.len();
            for tap in geometry.taps(row, column) {
                for target in targets.clone() {
                    let post = (target * out_rows + tap.output[0]) * out_columns + tap.output[1];
                    push(&mut list, pre, post, weights[geometry.weight_index(target, input, tap.kernel)]);
                }
            }
            list[first..].sort_unstable();
        }
    }
    list
}

/// Weights of sources that fire in every tick, which add up to a whole number per neuron.
pub fn constants(values: &[i64]) -> (usize, Vec<Synapse>) {
    const MOST: i64 = 127;
    let sources = values.iter().map(|value| (value.abs() + MOST - 1) / MOST).max().unwrap_or(0);
    let mut list = Vec::new();
    for source in 0..sources {
        for (post, &value) in values.iter().enumerate() {
            let left = value.abs() - source * MOST;
            push(&mut list, source as usize, post, (value.signum() * left.clamp(0, MOST)) as i8);
        }
    }
    (sources as usize, list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_add_up() {
        let values = [0, 5, -127, 128, -400];
        let (sources, list) = constants(&values);
        assert_eq!(sources, 4);
        let mut sums = [0; 5];
        list.iter().for_each(|synapse| sums[synapse.post as usize] += i64::from(synapse.weight));
        assert_eq!(sums, values);
        assert!(list.is_sorted());
    }
}
