//! The float interpreter.
//!
//! Weights are float32 as in the file, and what reaches a neuron is summed in float64, over the inputs in ascending
//! order. Neurons compute in float64, or in float32 ([`Precision`]).

mod population;

use crate::{Event, Interpreter, check_events, check_input, check_inputs, delay_line::DelayLine, order};
use population::Population;
pub use population::Precision;
use s2c_dialects::{
    attribute::Tensor,
    convolution::Geometry,
    diagnostic::{Diagnostic, Result},
    snn::{Network, Op, verify},
};

/// Runs an `snn` network whose neurons are discretised.
pub struct Snn {
    nodes: Vec<Node>,
    order: Vec<usize>,
    inputs: Vec<usize>,
    values: Vec<Vec<f64>>,
}

struct Node {
    name: String,
    operands: Vec<usize>,
    kind: Kind,
    graded: bool,
}

enum Kind {
    Input {
        limit: i64,
    },
    /// An output, or a delay of no ticks.
    Copy,
    Add,
    Linear {
        columns: Vec<Vec<(u32, f32)>>,
        bias: Option<Vec<f64>>,
    },
    Conv2d {
        geometry: Geometry,
        weight: Vec<f32>,
        bias: Option<Vec<f64>>,
    },
    Scale {
        scale: Vec<f32>,
    },
    Pool {
        input: [usize; 3],
        window: [usize; 2],
        scale: f64,
    },
    Delay(DelayLine<Vec<f64>>),
    Neuron(Box<Population>),
}

impl Snn {
    /// Prepares a network whose neurons compute in float64.
    ///
    /// # Errors
    /// A network that breaks a constraint, or is not discretised yet.
    pub fn new(network: &Network) -> Result<Self> {
        Self::with_precision(network, Precision::Double)
    }

    /// Prepares a network.
    ///
    /// # Errors
    /// A network that breaks a constraint, or is not discretised yet.
    pub fn with_precision(network: &Network, precision: Precision) -> Result<Self> {
        verify(network)?;
        network.dt.ok_or_else(|| undiscretised("the network has no dt"))?;
        let is_delay = |op: &Op| matches!(op, Op::Delay(delay) if delay.ticks > 0);
        let order = order::of(network, is_delay)?;
        let mut nodes = Vec::with_capacity(network.nodes.len());
        let mut values = Vec::with_capacity(network.nodes.len());
        let mut inputs = Vec::new();
        for (index, node) in network.nodes.iter().enumerate() {
            let width = match (&node.result, node.inputs.first()) {
                (Some(result), _) => result.len(),
                (None, Some(&input)) => network.result(input)?.len(),
                (None, None) => 0,
            };
            // Ops that stand for no NIR node by themselves are not found by name.
            let name = node.op.node().unwrap_or_default().to_owned();
            let kind = match &node.op {
                Op::Input(op) => {
                    inputs.push(index);
                    Kind::Input { limit: op.limit }
                }
                Op::Output(_) => Kind::Copy,
                Op::Add(_) => Kind::Add,
                Op::Delay(delay) if delay.ticks == 0 => Kind::Copy,
                Op::Delay(delay) => Kind::Delay(DelayLine::new(delay.ticks as usize, vec![0.0; width])),
                Op::Linear(op) => Kind::Linear {
                    columns: columns(&op.weight),
                    bias: op.bias.as_ref().map(|bias| bias.iter().collect()),
                },
                Op::Conv2d(op) => {
                    let geometry = op.geometry(&network.result(node.inputs[0])?.shape);
                    Kind::Conv2d {
                        geometry: geometry.ok_or_else(|| Diagnostic::bug("not a convolution"))?,
                        weight: op.weight.iter().collect(),
                        bias: op.bias.as_ref().map(|bias| bias.iter().collect()),
                    }
                }
                Op::Scale(op) => Kind::Scale { scale: op.scale.iter().collect() },
                Op::Pool(op) => match (&network.result(node.inputs[0])?.shape[..], &op.window[..]) {
                    (&[channels, rows, columns], &[high, wide]) => Kind::Pool {
                        input: [channels, rows, columns],
                        window: [high as usize, wide as usize],
                        scale: if op.mean { 1.0 / (high * wide) as f64 } else { 1.0 },
                    },
                    _ => return Err(Box::new(Diagnostic::bug("not a pool"))),
                },
                Op::Neuron(neuron) => Kind::Neuron(Box::new(Population::new(neuron, precision))),
                _ => return Err(Box::new(undiscretised("a population has no rule").at_node(node.name.clone()))),
            };
            // An output hands on what it gets.
            let handed_on = network.result(if node.result.is_some() { index } else { node.inputs[0] })?;
            let graded = !handed_on.element.is_spikes();
            nodes.push(Node { name, operands: node.inputs.clone(), kind, graded });
            values.push(vec![0.0; width]);
        }
        Ok(Self { nodes, order, inputs, values })
    }
}

fn undiscretised(what: &str) -> Diagnostic {
    Diagnostic::bug(format!("{what}: the pass `discretization` has not run"))
}

/// The non-zero weights of each input.
fn columns(weight: &Tensor<f32>) -> Vec<Vec<(u32, f32)>> {
    let (rows, columns) = (weight.shape[0], weight.shape[1]);
    (0..columns)
        .map(|column| {
            (0..rows)
                .map(|row| (row as u32, weight.at(row * columns + column)))
                .filter(|&(_, weight)| weight != 0.0)
                .collect()
        })
        .collect()
}

/// Adds the taps of every input that is not zero.
fn convolve(geometry: &Geometry, weight: &[f32], input: &[f64], result: &mut [f64]) {
    let [_, rows, columns] = geometry.input;
    let [_, out_rows, out_columns] = geometry.output();
    result.fill(0.0);
    for (index, &x) in input.iter().enumerate().filter(|&(_, &x)| x != 0.0) {
        let (channel, row, column) = (index / (rows * columns), index / columns % rows, index % columns);
        let (outputs, within) = geometry.targets_of(channel);
        for tap in geometry.taps(row, column) {
            let place = tap.output[0] * out_columns + tap.output[1];
            for output in outputs.clone() {
                let weight = weight[geometry.weight_index(output, within, tap.kernel)];
                result[output * out_rows * out_columns + place] += f64::from(weight) * x;
            }
        }
    }
}

/// Sums (times a scale) over windows; rows and columns beyond the last whole window are left out.
fn pool(input: [usize; 3], window: [usize; 2], scale: f64, values: &[f64], result: &mut [f64]) {
    let [_, rows, columns] = input;
    let (out_rows, out_columns) = (rows / window[0], columns / window[1]);
    result.fill(0.0);
    for (index, &x) in values.iter().enumerate().filter(|&(_, &x)| x != 0.0) {
        let (channel, row, column) = (index / (rows * columns), index / columns % rows, index % columns);
        let (row, column) = (row / window[0], column / window[1]);
        if row < out_rows && column < out_columns {
            result[(channel * out_rows + row) * out_columns + column] += x * scale;
        }
    }
}

impl Snn {
    /// One tick of everything behind the inputs.
    fn advance(&mut self) {
        for &index in &self.order {
            let mut result = std::mem::take(&mut self.values[index]);
            let node = &mut self.nodes[index];
            let operand = |position: usize| &self.values[node.operands[position]];
            match &mut node.kind {
                Kind::Input { .. } => {}
                Kind::Copy => result.copy_from_slice(operand(0)),
                Kind::Add => {
                    result.copy_from_slice(operand(0));
                    for &other in &node.operands[1..] {
                        result.iter_mut().zip(&self.values[other]).for_each(|(sum, value)| *sum += value);
                    }
                }
                Kind::Linear { columns, bias } => {
                    result.fill(0.0);
                    for (column, &x) in columns.iter().zip(operand(0)).filter(|&(_, &x)| x != 0.0) {
                        for &(row, weight) in column {
                            result[row as usize] += f64::from(weight) * x;
                        }
                    }
                    if let Some(bias) = bias {
                        result.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += *bias);
                    }
                }
                Kind::Conv2d { geometry, weight, bias } => {
                    convolve(geometry, weight, operand(0), &mut result);
                    if let Some(bias) = bias {
                        let places = result.len() / bias.len().max(1);
                        result.iter_mut().enumerate().for_each(|(index, sum)| *sum += bias[index / places]);
                    }
                }
                Kind::Scale { scale } => {
                    let scaled = scale.iter().zip(operand(0)).map(|(&scale, x)| f64::from(scale) * x);
                    result.iter_mut().zip(scaled).for_each(|(result, value)| *result = value);
                }
                Kind::Pool { input, window, scale } => pool(*input, *window, *scale, operand(0), &mut result),
                Kind::Delay(line) => result.copy_from_slice(line.front()),
                Kind::Neuron(population) => population.step(operand(0), &mut result),
            }
            self.values[index] = result;
        }
        for node in &mut self.nodes {
            if let Kind::Delay(line) = &mut node.kind {
                line.push(&self.values[node.operands[0]]);
            }
        }
    }
}

impl Interpreter for Snn {
    fn reset(&mut self) {
        self.values.iter_mut().for_each(|value| value.fill(0.0));
        for (node, zeros) in self.nodes.iter_mut().zip(&self.values) {
            match &mut node.kind {
                Kind::Delay(line) => line.reset(zeros),
                Kind::Neuron(population) => population.reset(),
                _ => {}
            }
        }
    }

    fn step_values(&mut self, inputs: &[&[f64]]) -> Result<()> {
        check_inputs(inputs.len(), self.inputs.len())?;
        for (&index, &values) in self.inputs.iter().zip(inputs) {
            let node = &self.nodes[index];
            if let Kind::Input { limit } = node.kind {
                check_input(&node.name, values, self.values[index].len(), limit)?;
            }
            self.values[index].copy_from_slice(values);
        }
        self.advance();
        Ok(())
    }

    fn step_events(&mut self, inputs: &[&[Event]]) -> Result<()> {
        check_inputs(inputs.len(), self.inputs.len())?;
        for (&index, &events) in self.inputs.iter().zip(inputs) {
            let node = &self.nodes[index];
            if let Kind::Input { limit } = node.kind {
                check_events(&node.name, events, self.values[index].len(), limit)?;
            }
            self.values[index].fill(0.0);
            events.iter().for_each(|&(neuron, count)| self.values[index][neuron as usize] = count.into());
        }
        self.advance();
        Ok(())
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name && !name.is_empty())
    }

    fn spikes(&self, index: usize) -> Vec<u16> {
        self.values[index].iter().map(|&value| value as u16).collect()
    }

    fn is_graded(&self, index: usize) -> bool {
        self.nodes[index].graded
    }

    fn values(&self, index: usize) -> Vec<f64> {
        self.values[index].clone()
    }

    fn membranes(&self, index: usize) -> Option<Vec<f64>> {
        match &self.nodes[index].kind {
            Kind::Neuron(population) => Some(population.membranes()),
            _ => None,
        }
    }
}
