//! The integer interpreter: the exact semantics of the `qsnn` dialect, which the machine code must equal.

mod float;

use crate::{Interpreter, check_input, delay_line::DelayLine, order};
use float::FloatPopulation;
use s2c_dialects::{
    attribute::{Reset, Tensor},
    convolution::Geometry,
    diagnostic::{Diagnostic, Result},
    ir::Element,
    qsnn::{Network, Op, verify},
};

/// Runs a `qsnn` network.
pub struct Qsnn {
    nodes: Vec<Node>,
    order: Vec<usize>,
    inputs: Vec<usize>,
    values: Vec<Vec<i32>>,
}

struct Node {
    name: String,
    operands: Vec<usize>,
    kind: Kind,
    /// Accumulators of 16 bits wrap at 16 bits, as they do on the chip.
    narrow: bool,
}

enum Kind {
    Input { limit: i64 },
    Copy,
    Add,
    Dense { columns: Vec<Vec<(u32, i32)>> },
    Conv2d { geometry: Geometry, weight: Vec<i32> },
    Delay(DelayLine<i32>),
    Neuron(Box<Population>),
    FloatNeuron(Box<FloatPopulation>),
}

struct Population {
    shift: u32,
    current: Option<Current>,
    membranes: Vec<i32>,
    decay: Vec<i64>,
    offset: Vec<i32>,
    threshold: Vec<i32>,
    reset: Reset,
    reset_by: Vec<i32>,
    scale: Vec<f64>,
    saturate: bool,
}

struct Current {
    state: Vec<i32>,
    decay: Vec<i64>,
    offset: Vec<i32>,
    shift: u32,
}

/// `v D / 2^32`, rounded to nearest, halves up.
pub fn decay(value: i32, factor: i64) -> i32 {
    ((i64::from(value) * factor + (1 << 31)) >> 32) as i32
}

/// `value / 2^shift`, rounded to nearest, halves up.
pub fn shift_right(value: i32, shift: u32) -> i32 {
    ((i64::from(value) + (1i64 << shift >> 1)) >> shift) as i32
}

/// Addition that clamps to int32 or wraps.
pub fn add(left: i32, right: i32, saturate: bool) -> i32 {
    if saturate { left.saturating_add(right) } else { left.wrapping_add(right) }
}

fn subtract(left: i32, right: i32, saturate: bool) -> i32 {
    if saturate { left.saturating_sub(right) } else { left.wrapping_sub(right) }
}

/// Adds the taps of every spike.
fn convolve(geometry: &Geometry, weight: &[i32], spikes: &[i32], result: &mut [i32]) {
    let [_, rows, columns] = geometry.input;
    let [_, out_rows, out_columns] = geometry.output();
    result.fill(0);
    for (index, &count) in spikes.iter().enumerate().filter(|&(_, &count)| count != 0) {
        let (channel, row, column) = (index / (rows * columns), index / columns % rows, index % columns);
        let (outputs, within) = geometry.targets_of(channel);
        for tap in geometry.taps(row, column) {
            let place = tap.output[0] * out_columns + tap.output[1];
            for output in outputs.clone() {
                let sum = &mut result[output * out_rows * out_columns + place];
                let weight = weight[geometry.weight_index(output, within, tap.kernel)];
                *sum = sum.wrapping_add(weight.wrapping_mul(count));
            }
        }
    }
}

impl Population {
    fn step(&mut self, input: &[i32], spikes: &mut [i32]) {
        for (neuron, (&x, spike)) in input.iter().zip(spikes).enumerate() {
            let x = x << self.shift;
            let drive = match &mut self.current {
                None => x,
                Some(current) => {
                    let decayed = add(decay(current.state[neuron], current.decay[neuron]), x, self.saturate);
                    let state = add(decayed, current.offset[neuron], self.saturate);
                    current.state[neuron] = state;
                    shift_right(state, current.shift)
                }
            };
            let decayed = add(decay(self.membranes[neuron], self.decay[neuron]), drive, self.saturate);
            let membrane = add(decayed, self.offset[neuron], self.saturate);
            let threshold = self.threshold[neuron];
            let reduced = subtract(membrane, self.reset_by[neuron], self.saturate);
            let is_pending = self.reset == Reset::SubtractPending && self.membranes[neuron] > threshold;
            let fires = membrane > threshold && (!is_pending || reduced > threshold);
            *spike = i32::from(fires);
            self.membranes[neuron] = match (fires, self.reset) {
                (false, _) => membrane,
                (true, Reset::Value) => self.reset_by[neuron],
                (true, _) => reduced,
            };
        }
    }
}

impl Qsnn {
    /// Prepares a network.
    ///
    /// # Errors
    /// A network that breaks a constraint.
    pub fn new(network: &Network) -> Result<Self> {
        verify(network)?;
        let order = order::of(network, |op| matches!(op, Op::Delay(delay) if delay.ticks > 0))?;
        let mut nodes = Vec::with_capacity(network.nodes.len());
        let mut values = Vec::with_capacity(network.nodes.len());
        let mut inputs = Vec::new();
        for (index, node) in network.nodes.iter().enumerate() {
            let width = match (&node.result, node.inputs.first()) {
                (Some(result), _) => result.len(),
                (None, Some(&input)) => network.result(input)?.len(),
                (None, None) => 0,
            };
            let narrow = node.result.as_ref().is_some_and(|result| result.element == Element::I16);
            let name = node.op.node().unwrap_or(&node.name).to_owned();
            let kind = match &node.op {
                Op::Input(op) => {
                    inputs.push(index);
                    Kind::Input { limit: op.limit }
                }
                Op::Output(_) => Kind::Copy,
                Op::Add(_) => Kind::Add,
                Op::Delay(delay) if delay.ticks == 0 => Kind::Copy,
                Op::Delay(delay) => Kind::Delay(DelayLine::new(delay.ticks as usize, width)),
                Op::Dense(op) => {
                    let (rows, count) = (op.weight.shape()[0], op.weight.shape()[1]);
                    let column = |column: usize| {
                        let weights = (0..rows).map(|row| (row as u32, op.weight.at(row * count + column)));
                        weights.filter(|&(_, weight)| weight != 0).collect()
                    };
                    Kind::Dense { columns: (0..count).map(column).collect() }
                }
                Op::Conv2d(op) => {
                    let geometry = op.geometry(&network.result(node.inputs[0])?.shape);
                    let count = op.weight.shape().iter().product();
                    Kind::Conv2d {
                        geometry: geometry.ok_or_else(|| Diagnostic::bug("not a convolution"))?,
                        weight: (0..count).map(|index| op.weight.at(index)).collect(),
                    }
                }
                Op::Lif(op) => Kind::Neuron(Box::new(Population {
                    shift: op.shift as u32,
                    current: None,
                    membranes: vec![0; width],
                    decay: all(&op.decay),
                    offset: all(&op.offset),
                    threshold: all(&op.threshold),
                    reset: op.reset,
                    reset_by: all(&op.reset_by),
                    scale: all(&op.scale),
                    saturate: op.saturate,
                })),
                Op::CubaLif(op) => Kind::Neuron(Box::new(Population {
                    shift: op.shift as u32,
                    current: Some(Current {
                        state: vec![0; width],
                        decay: all(&op.current_decay),
                        offset: all(&op.current_offset),
                        shift: op.current_shift as u32,
                    }),
                    membranes: vec![0; width],
                    decay: all(&op.decay),
                    offset: all(&op.offset),
                    threshold: all(&op.threshold),
                    reset: op.reset,
                    reset_by: all(&op.reset_by),
                    scale: all(&op.scale),
                    saturate: op.saturate,
                })),
                Op::FloatLif(op) => Kind::FloatNeuron(Box::new(op.into())),
                Op::FloatCubaLif(op) => Kind::FloatNeuron(Box::new(op.into())),
            };
            nodes.push(Node { name, operands: node.inputs.clone(), kind, narrow });
            values.push(vec![0; width]);
        }
        Ok(Self { nodes, order, inputs, values })
    }

    /// Membranes of population `index` after the last tick, as integers.
    pub fn raw_membranes(&self, index: usize) -> Option<&[i32]> {
        match &self.nodes[index].kind {
            Kind::Neuron(population) => Some(&population.membranes),
            _ => None,
        }
    }
}

fn all<T: Copy + PartialEq>(tensor: &Tensor<T>) -> Vec<T> {
    tensor.iter().collect()
}

impl Interpreter for Qsnn {
    fn reset(&mut self) {
        self.values.iter_mut().for_each(|value| value.fill(0));
        for node in &mut self.nodes {
            match &mut node.kind {
                Kind::Delay(line) => line.reset(),
                Kind::Neuron(population) => {
                    population.membranes.fill(0);
                    if let Some(current) = &mut population.current {
                        current.state.fill(0);
                    }
                }
                Kind::FloatNeuron(population) => population.reset(),
                Kind::Input { .. } | Kind::Copy | Kind::Add | Kind::Dense { .. } | Kind::Conv2d { .. } => {}
            }
        }
    }

    fn step(&mut self, inputs: &[&[u16]]) -> Result<()> {
        if inputs.len() != self.inputs.len() {
            return Err(Box::new(Diagnostic::bug(format!(
                "{} inputs given, the network has {}",
                inputs.len(),
                self.inputs.len()
            ))));
        }
        for (&index, &counts) in self.inputs.iter().zip(inputs) {
            let node = &self.nodes[index];
            if let Kind::Input { limit } = node.kind {
                check_input(&node.name, counts, self.values[index].len(), limit)?;
            }
            self.values[index].iter_mut().zip(counts).for_each(|(value, &count)| *value = count.into());
        }
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
                        let sums = result.iter_mut().zip(&self.values[other]);
                        sums.for_each(|(sum, &value)| *sum = sum.wrapping_add(value));
                    }
                }
                Kind::Dense { columns } => {
                    result.fill(0);
                    for (column, &count) in columns.iter().zip(operand(0)).filter(|&(_, &count)| count != 0) {
                        for &(row, weight) in column {
                            let sum = &mut result[row as usize];
                            *sum = sum.wrapping_add(weight.wrapping_mul(count));
                        }
                    }
                }
                Kind::Conv2d { geometry, weight } => convolve(geometry, weight, operand(0), &mut result),
                Kind::Delay(line) => result.copy_from_slice(line.front()),
                Kind::Neuron(population) => population.step(operand(0), &mut result),
                Kind::FloatNeuron(population) => population.step(operand(0), &mut result),
            }
            if node.narrow {
                result.iter_mut().for_each(|value| *value = (*value as i16).into());
            }
            self.values[index] = result;
        }
        for node in &mut self.nodes {
            if let Kind::Delay(line) = &mut node.kind {
                line.push(&self.values[node.operands[0]]);
            }
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| {
            let is_named =
                matches!(node.kind, Kind::Input { .. } | Kind::Neuron(_) | Kind::FloatNeuron(_) | Kind::Copy);
            node.name == name && is_named
        })
    }

    fn spikes(&self, index: usize) -> Vec<u16> {
        self.values[index].iter().map(|&value| value as u16).collect()
    }

    fn membranes(&self, index: usize) -> Option<Vec<f64>> {
        match &self.nodes[index].kind {
            Kind::Neuron(population) => {
                let scaled = population.membranes.iter().zip(&population.scale);
                Some(scaled.map(|(&value, scale)| f64::from(value) / scale).collect())
            }
            Kind::FloatNeuron(population) => Some(population.membranes()),
            _ => None,
        }
    }
}
