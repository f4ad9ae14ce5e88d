//! Connections as NIR nodes.

use super::{Builder, Source, array, inexpressible};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    qsnn::Conv2d,
};
use s2c_nir::{
    Node,
    conv::{Conv, Padding},
    linear::{Affine, Linear},
    pool::{Pool2d, SumPool2d},
};

impl Builder<'_> {
    /// Matrix, and bias where there is one.
    pub(super) fn matrix(&self, index: usize) -> Result<Node> {
        let weights = self.weights.of(index)?;
        let outputs = self.shape(index)?.iter().product::<usize>();
        let inputs = weights.values.len() / outputs.max(1);
        if self.shape(index)?.len() > 1 {
            let name = &self.levels.integers.nodes[index].name;
            return Err(inexpressible(name, "A matrix leads to neurons that are laid out as a map."));
        }
        let weight = array(&[outputs, inputs], weights.values.clone())?;
        Ok(match &weights.bias {
            Some(bias) => Node::Affine(Affine { weight, bias: array(&[outputs], bias.clone())? }),
            None => Node::Linear(Linear { weight }),
        })
    }

    /// The window in front of a convolution as a node of its own.
    pub(super) fn pool(&mut self, index: usize, op: &Conv2d, sources: Vec<Source>) -> Result<Vec<Source>> {
        let window = numbers(&op.pool)?;
        if window == [1, 1] {
            return Ok(sources);
        }
        let node = &self.levels.integers.nodes[index];
        if self.shape(node.inputs[0])?.len() != 3 {
            return Err(inexpressible(&node.name, "It pools over a single axis."));
        }
        let name = self.unique(&format!("{}.pool", node.name));
        let pool = SumPool2d(Pool2d { kernel_size: window, stride: window, padding: [0, 0] });
        Ok(self.insert(name, Node::SumPool2d(pool), sources))
    }

    /// A convolution; over one axis where its maps have only one.
    pub(super) fn convolution(&self, index: usize, op: &Conv2d) -> Result<Node> {
        let node = &self.levels.integers.nodes[index];
        let weights = self.weights.of(index)?;
        let shape = self.shape(node.inputs[0])?;
        let geometry = op.geometry(shape).ok_or_else(|| Diagnostic::bug("not a convolution").at_node(&node.name))?;
        let (front, behind) = (geometry.padding, geometry.behind);
        let same = |axis: usize| {
            let total = geometry.dilation[axis] * (geometry.kernel[axis] - 1);
            geometry.stride[axis] == 1 && front[axis] == total / 2 && behind[axis] == total - total / 2
        };
        let is_same = same(0) && same(1);
        if front != behind && !is_same {
            return Err(inexpressible(
                &node.name,
                format!("Its map is padded by {front:?} in front, {behind:?} behind."),
            ));
        }
        let channels = geometry.channels;
        let groups = geometry.groups;
        let bias = weights.bias.clone().unwrap_or_else(|| vec![0.0; channels]);
        let (bias, values) = (array(&[channels], bias)?, weights.values.clone());
        let inputs = geometry.input[0] / groups;
        let [rows, columns] = geometry.kernel;
        let pooled = geometry.pooled();
        if shape.len() == 2 {
            return Ok(Node::Conv1d(Conv {
                input_shape: Some([pooled[1]]),
                weight: array(&[channels, inputs, columns], values)?,
                stride: [geometry.stride[1]],
                padding: if front == behind { Padding::Fixed([front[1]]) } else { Padding::Same },
                dilation: [geometry.dilation[1]],
                groups,
                bias,
            }));
        }
        Ok(Node::Conv2d(Conv {
            input_shape: Some(pooled),
            weight: array(&[channels, inputs, rows, columns], values)?,
            stride: geometry.stride,
            padding: if front == behind { Padding::Fixed(front) } else { Padding::Same },
            dilation: geometry.dilation,
            groups,
            bias,
        }))
    }
}

fn numbers(pair: &[i64]) -> Result<[usize; 2]> {
    match *pair {
        [rows, columns] if rows > 0 && columns > 0 => Ok([rows as usize, columns as usize]),
        _ => Err(Box::new(Diagnostic::bug("not a window"))),
    }
}
