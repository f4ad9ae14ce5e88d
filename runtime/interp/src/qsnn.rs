//! The integer interpreter: the exact semantics of the `qsnn` dialect, which the machine code must equal.

mod events;
mod float;

use crate::{Interpreter, check_input, delay_line::DelayLine, order};
use events::{Convolution, Matrix};
use float::FloatPopulation;
use s2c_dialects::{
    attribute::{Reset, Tensor},
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
    Input { limit: i64, fraction: Option<i64> },
    Copy,
    Add,
    Dense { matrix: Matrix, shift: i64 },
    Conv2d { convolution: Box<Convolution>, shift: i64 },
    Scale { weight: Vec<i32>, shift: i64 },
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
    hands_on: HandsOn,
    scale: Vec<f64>,
    saturate: bool,
    /// The unit of membranes that are kept in 8 bits, as a power of two.
    byte_shift: Option<u32>,
    /// See [`Population::rests`].
    rests: bool,
    /// Whether a neuron may be above its threshold although the tick is over.
    above: bool,
    /// The neurons that fired in the last tick.
    fired: Vec<usize>,
}

/// What a population hands on.
enum HandsOn {
    Spikes { threshold: Vec<i32>, reset: Reset, reset_by: Vec<i32> },
    Values { readout: Vec<i64>, fraction: i64 },
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

/// What is left of a membrane that is kept in 8 bits: the nearest multiple of 2^shift, halves up, of -128 to 127 of them.
pub fn keep_byte(membrane: i32, shift: u32) -> i32 {
    shift_right(membrane, shift).clamp(-128, 127) << shift
}

/// What a connection multiplies its weights by: `value << shift`, or a rounding shift to the right.
pub fn shift_input(value: i32, shift: i64) -> i32 {
    if shift >= 0 { value.wrapping_shl(shift as u32) } else { shift_right(value, -shift as u32) }
}

/// Addition that clamps to int32 or wraps.
pub fn add(left: i32, right: i32, saturate: bool) -> i32 {
    if saturate { left.saturating_add(right) } else { left.wrapping_add(right) }
}

fn subtract(left: i32, right: i32, saturate: bool) -> i32 {
    if saturate { left.saturating_sub(right) } else { left.wrapping_sub(right) }
}

impl Population {
    /// One tick. Where nothing leaks, only neurons with input are looked at, unless one is above its threshold.
    /// `results` has to hold those of the last tick.
    fn step(&mut self, input: &[i32], results: &mut [i32]) {
        if !self.rests || self.above {
            self.above = false;
            self.fired.clear();
            (0..input.len()).for_each(|neuron| self.update(neuron, input[neuron], results));
            return;
        }
        self.fired.drain(..).for_each(|neuron| results[neuron] = 0);
        const GROUP: usize = 16;
        for (group, inputs) in input.chunks(GROUP).enumerate() {
            if inputs.iter().fold(0, |any, &x| any | x) == 0 {
                continue;
            }
            for (place, &x) in inputs.iter().enumerate().filter(|&(_, &x)| x != 0) {
                self.update(GROUP * group + place, x, results);
            }
        }
    }

    fn update(&mut self, neuron: usize, x: i32, results: &mut [i32]) {
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
        let mut membrane = add(decayed, self.offset[neuron], self.saturate);
        results[neuron] = match &self.hands_on {
            HandsOn::Values { readout, .. } => decay(membrane, readout[neuron]),
            HandsOn::Spikes { threshold, reset, reset_by } => {
                let threshold = threshold[neuron];
                let reduced = subtract(membrane, reset_by[neuron], self.saturate);
                let is_pending = *reset == Reset::SubtractPending && self.membranes[neuron] > threshold;
                let fires = membrane > threshold && (!is_pending || reduced > threshold);
                if fires {
                    membrane = if *reset == Reset::Value { reset_by[neuron] } else { reduced };
                    self.fired.push(neuron);
                }
                membrane = self.byte_shift.map_or(membrane, |shift| keep_byte(membrane, shift));
                self.above |= membrane > threshold;
                i32::from(fires)
            }
        };
        self.membranes[neuron] = membrane;
    }

    /// Back to the state before tick 0, in which a neuron may be above its threshold.
    fn reset(&mut self) {
        self.membranes.fill(0);
        if let Some(current) = &mut self.current {
            current.state.fill(0);
        }
        self.above = true;
        self.fired.clear();
    }

    /// Whether a neuron without input stays as it is, and what it hands on is nothing.
    fn rests(&self) -> bool {
        let nothing = self.offset.iter().all(|&offset| offset == 0) && self.decay.iter().all(|&decay| decay == 1 << 32);
        self.current.is_none() && nothing && matches!(self.hands_on, HandsOn::Spikes { .. })
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
            // Ops that stand for no NIR node by themselves are not found by name.
            let name = node.op.node().unwrap_or_default().to_owned();
            let kind = match &node.op {
                Op::Input(op) => {
                    inputs.push(index);
                    Kind::Input { limit: op.limit, fraction: op.fraction }
                }
                Op::Output(_) => Kind::Copy,
                Op::Add(_) => Kind::Add,
                Op::Delay(delay) if delay.ticks == 0 => Kind::Copy,
                Op::Delay(delay) => Kind::Delay(DelayLine::new(delay.ticks as usize, width)),
                Op::Dense(op) => {
                    let (outputs, inputs) = (op.weight.shape()[0], op.weight.shape()[1]);
                    let matrix = Matrix::new(outputs, inputs, |index| op.weight.at(index));
                    Kind::Dense { matrix, shift: node.op.shift() }
                }
                Op::Conv2d(op) => {
                    let geometry = op.geometry(&network.result(node.inputs[0])?.shape);
                    let geometry = geometry.ok_or_else(|| Diagnostic::bug("not a convolution"))?;
                    let convolution = Box::new(Convolution::new(geometry, |index| op.weight.at(index)));
                    Kind::Conv2d { convolution, shift: node.op.shift() }
                }
                Op::FloatLif(op) => Kind::FloatNeuron(Box::new(op.into())),
                Op::FloatCubaLif(op) => Kind::FloatNeuron(Box::new(op.into())),
                Op::FloatLi(op) => Kind::FloatNeuron(Box::new(op.into())),
                Op::FloatCubaLi(op) => Kind::FloatNeuron(Box::new(op.into())),
                Op::Scale(op) => Kind::Scale {
                    weight: (0..width).map(|index| op.weight.at(index)).collect(),
                    shift: node.op.shift(),
                },
                op => Kind::Neuron(Box::new(population(op, width)?)),
            };
            nodes.push(Node { name, operands: node.inputs.clone(), kind, narrow });
            values.push(vec![0; width]);
        }
        Ok(Self { nodes, order, inputs, values })
    }

    /// Fractional bits of what a node hands on; `None` for spikes.
    fn fraction(&self, index: usize) -> Option<i64> {
        match &self.nodes[index].kind {
            Kind::Input { fraction, .. } => *fraction,
            Kind::Neuron(population) => match population.hands_on {
                HandsOn::Values { fraction, .. } => Some(fraction),
                HandsOn::Spikes { .. } => None,
            },
            Kind::FloatNeuron(population) => population.fraction(),
            Kind::Copy | Kind::Delay(_) => self.fraction(self.nodes[index].operands[0]),
            _ => None,
        }
    }

    /// Membranes of population `index` after the last tick, as integers.
    pub fn raw_membranes(&self, index: usize) -> Option<&[i32]> {
        match &self.nodes[index].kind {
            Kind::Neuron(population) => Some(&population.membranes),
            _ => None,
        }
    }
}

fn population(op: &Op, width: usize) -> Result<Population> {
    let current = |decay: &Tensor<i64>, offset: &Tensor<i32>, shift: i64| {
        Some(Current { state: vec![0; width], decay: all(decay), offset: all(offset), shift: shift as u32 })
    };
    let spikes = |threshold: &Tensor<i32>, reset: Reset, reset_by: &Tensor<i32>| HandsOn::Spikes {
        threshold: all(threshold),
        reset,
        reset_by: all(reset_by),
    };
    let values = |readout: &Tensor<i64>, fraction: i64| HandsOn::Values { readout: all(readout), fraction };
    let (shift, current, decay, offset, hands_on, scale, saturate) = match op {
        Op::Lif(op) => {
            let hands_on = spikes(&op.threshold, op.reset, &op.reset_by);
            (op.shift, None, &op.decay, &op.offset, hands_on, &op.scale, op.saturate)
        }
        Op::CubaLif(op) => {
            let current = current(&op.current_decay, &op.current_offset, op.current_shift);
            let hands_on = spikes(&op.threshold, op.reset, &op.reset_by);
            (op.shift, current, &op.decay, &op.offset, hands_on, &op.scale, op.saturate)
        }
        Op::Li(op) => {
            let hands_on = values(&op.readout, op.fraction);
            (op.shift, None, &op.decay, &op.offset, hands_on, &op.scale, op.saturate)
        }
        Op::CubaLi(op) => {
            let current = current(&op.current_decay, &op.current_offset, op.current_shift);
            let hands_on = values(&op.readout, op.fraction);
            (op.shift, current, &op.decay, &op.offset, hands_on, &op.scale, op.saturate)
        }
        _ => return Err(Box::new(Diagnostic::bug("not a population"))),
    };
    let byte_shift = match op {
        Op::Lif(op) => op.byte_shift,
        Op::CubaLif(op) => op.byte_shift,
        _ => None,
    };
    let mut population = Population {
        shift: shift as u32,
        current,
        membranes: vec![0; width],
        decay: all(decay),
        offset: all(offset),
        hands_on,
        scale: all(scale),
        saturate,
        byte_shift: byte_shift.map(|shift| shift as u32),
        rests: false,
        above: true,
        fired: Vec::new(),
    };
    population.rests = population.rests();
    Ok(population)
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
                    population.reset();
                }
                Kind::FloatNeuron(population) => population.reset(),
                _ => {}
            }
        }
    }

    fn step_values(&mut self, inputs: &[&[f64]]) -> Result<()> {
        if inputs.len() != self.inputs.len() {
            return Err(Box::new(Diagnostic::bug(format!(
                "{} inputs given, the network has {}",
                inputs.len(),
                self.inputs.len()
            ))));
        }
        for (&index, &values) in self.inputs.iter().zip(inputs) {
            let node = &self.nodes[index];
            let Kind::Input { limit, fraction } = node.kind else { continue };
            check_input(&node.name, values, self.values[index].len(), limit)?;
            let unit = (fraction.unwrap_or(0) as f64).exp2();
            let integers = values.iter().map(|value| (value * unit).round() as i32);
            self.values[index].iter_mut().zip(integers).for_each(|(value, integer)| *value = integer);
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
                Kind::Dense { matrix, shift } => matrix.apply(operand(0), *shift, &mut result),
                Kind::Conv2d { convolution, shift } => convolution.apply(operand(0), *shift, &mut result),
                Kind::Scale { weight, shift } => {
                    let counts = operand(0).iter().map(|&count| shift_input(count, *shift));
                    let weighted = weight.iter().zip(counts).map(|(weight, count)| weight.wrapping_mul(count));
                    result.iter_mut().zip(weighted).for_each(|(result, value)| *result = value);
                }
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
        self.nodes.iter().position(|node| node.name == name && !name.is_empty())
    }

    fn spikes(&self, index: usize) -> Vec<u16> {
        self.values[index].iter().map(|&value| value as u16).collect()
    }

    fn is_graded(&self, index: usize) -> bool {
        self.fraction(index).is_some()
    }

    fn values(&self, index: usize) -> Vec<f64> {
        let unit = (self.fraction(index).unwrap_or(0) as f64).exp2();
        self.values[index].iter().map(|&value| f64::from(value) / unit).collect()
    }

    fn saturated(&self, index: usize) -> usize {
        let Kind::Neuron(population) = &self.nodes[index].kind else { return 0 };
        let (lowest, highest) =
            population.byte_shift.map_or((i32::MIN, i32::MAX), |shift| (-128 << shift, 127 << shift));
        let at_an_end = |value: &&i32| **value == lowest || **value == highest;
        population.membranes.iter().filter(at_an_end).count()
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
