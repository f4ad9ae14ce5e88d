//! Connections and delays: NIR's nodes without state.

use super::{Builder, parameter::tensor};
use ndarray::ArrayD;
use s2c_dialects::{attribute::Tensor, diagnostic::Result, snn};
use s2c_nir::{NodeShape, conv::Conv, linear, pool::Pool2d, signal};

impl Builder<'_> {
    /// The results of one connection per operand, added; the bias counts once.
    fn each(
        &mut self,
        name: &str,
        operands: &[usize],
        shape: &[usize],
        mut op: impl FnMut(bool) -> snn::Op,
    ) -> Result<usize> {
        let mut parts = Vec::with_capacity(operands.len());
        for (position, &operand) in operands.iter().enumerate() {
            parts.push(self.current(op(position == 0), name, operand, shape));
        }
        self.sum(name, &parts, shape)
    }

    pub(super) fn linear(
        &mut self,
        name: &str,
        weight: &ArrayD<f32>,
        bias: Option<&ArrayD<f64>>,
        operands: &[usize],
        shape: &[usize],
    ) -> Result<usize> {
        let weight = matrix(weight);
        let bias = bias.map(|bias| tensor(name, "bias", bias, shape)).transpose()?;
        let bias = bias.filter(|bias| bias.values.iter().any(|&value| value != 0.0));
        self.each(name, operands, shape, |first| {
            snn::Linear { weight: weight.clone(), bias: bias.clone().filter(|_| first) }.into()
        })
    }

    pub(super) fn scale(
        &mut self,
        name: &str,
        scale: &linear::Scale,
        operands: &[usize],
        shape: &[usize],
    ) -> Result<usize> {
        let factors = tensor(name, "scale", &scale.scale.mapv(f64::from), shape)?.map(|factor| factor as f32);
        let scale = Tensor { shape: vec![factors.len()], values: factors.values };
        self.each(name, operands, shape, |_| snn::Scale { scale: scale.clone() }.into())
    }

    /// A convolution over one axis is one over two, the first of which has length 1.
    pub(super) fn convolution<const D: usize>(
        &mut self,
        name: &str,
        conv: &Conv<D>,
        operands: &[usize],
        shape: &NodeShape,
    ) -> Result<usize> {
        let pair = |values: &[usize; D], missing: i64| {
            let mut pair = vec![missing; 2 - D.min(2)];
            pair.extend(values.iter().map(|&value| value as i64));
            pair
        };
        let amounts = conv.padding_amounts();
        let (front, behind) = (amounts.map(|(front, _)| front), amounts.map(|(_, behind)| behind));
        let padding = if front == behind { pair(&front, 0) } else { [pair(&front, 0), pair(&behind, 0)].concat() };
        let [outputs, inputs] = [0, 1].map(|axis| conv.weight.shape()[axis]);
        let weight_shape = [vec![outputs, inputs], vec![1; 2 - D.min(2)], conv.kernel().to_vec()].concat();
        let bias = tensor(name, "bias", &conv.bias, &[outputs])?;
        let bias = Some(bias).filter(|bias| bias.values.iter().any(|&value| value != 0.0));
        let op = snn::Conv2d {
            weight: Tensor::new(weight_shape, conv.weight.iter().copied().collect()),
            bias: None,
            pool: vec![1, 1],
            stride: pair(&conv.stride, 1),
            padding,
            dilation: pair(&conv.dilation, 1),
            groups: conv.groups as i64,
        };
        let operands = self.reshaped(name, operands, &shape.input)?;
        self.each(name, &operands, &shape.output, |first| {
            snn::Conv2d { bias: bias.clone().filter(|_| first), ..op.clone() }.into()
        })
    }

    /// Windows that tile the map are a pool; others are a convolution of each channel by itself.
    pub(super) fn pool(
        &mut self,
        name: &str,
        pool: &Pool2d,
        mean: bool,
        operands: &[usize],
        shape: &NodeShape,
    ) -> Result<usize> {
        let integers = |pair: &[usize; 2]| pair.map(|value| value as i64).to_vec();
        let op: snn::Op = if pool.kernel_size == pool.stride && pool.padding == [0, 0] {
            snn::Pool { window: integers(&pool.kernel_size), mean }.into()
        } else {
            let taps = pool.kernel_size[0] * pool.kernel_size[1];
            let weight = if mean { 1.0 / taps as f32 } else { 1.0 };
            let channels = shape.input[0];
            snn::Conv2d {
                weight: Tensor::splat(vec![channels, 1, pool.kernel_size[0], pool.kernel_size[1]], weight),
                bias: None,
                pool: vec![1, 1],
                stride: integers(&pool.stride),
                padding: integers(&pool.padding),
                dilation: vec![1, 1],
                groups: channels as i64,
            }
            .into()
        };
        let operands = self.reshaped(name, operands, &shape.input)?;
        self.each(name, &operands, &shape.output, |_| op.clone())
    }

    pub(super) fn delay(
        &mut self,
        name: &str,
        delay: &signal::Delay,
        operands: &[usize],
        shape: &[usize],
    ) -> Result<usize> {
        let operand = match operands[..] {
            [only] => only,
            _ => self.sum(name, operands, shape)?,
        };
        let seconds = Some(tensor(name, "delay", &delay.delay, shape)?);
        let is_uniform = seconds.as_ref().is_some_and(|seconds| seconds.uniform().is_some());
        let result = self.network.result(operand)?.clone();
        let op = snn::Delay { ticks: 0, seconds };
        let value = self.network.push(op.into(), name, vec![operand], Some(result));
        // Elements that are late by different times become a sum later on, which is a current.
        if is_uniform { Ok(value) } else { self.sum(name, &[value], shape) }
    }

    /// Values in the shape that a convolution takes; where they come in another one of the same size they are taken in
    /// the same order.
    fn reshaped(&mut self, name: &str, operands: &[usize], shape: &[usize]) -> Result<Vec<usize>> {
        let mut reshaped = Vec::with_capacity(operands.len());
        for &operand in operands {
            let fits = self.network.result(operand)?.shape == shape;
            reshaped.push(if fits { operand } else { self.sum(name, &[operand], shape)? });
        }
        Ok(reshaped)
    }
}

/// A weight matrix; leading axes of a weight are blocks that do not mix.
fn matrix(weight: &ArrayD<f32>) -> Tensor<f32> {
    let shape = weight.shape();
    let (blocks, [outputs, inputs]) = match shape.split_last_chunk::<2>() {
        Some((leading, &last)) => (leading.iter().product::<usize>(), last),
        None => (1, [weight.len(), 1]),
    };
    if blocks == 1 {
        return Tensor::new(vec![outputs, inputs], weight.iter().copied().collect());
    }
    let columns = blocks * inputs;
    let mut values = vec![0.0; blocks * outputs * columns];
    for (index, &value) in weight.iter().enumerate() {
        let (row, column) = (index / inputs, index % inputs);
        values[row * columns + row / outputs * inputs + column] = value;
    }
    Tensor::new(vec![blocks * outputs, columns], values)
}
