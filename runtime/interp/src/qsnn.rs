//! The integer interpreter: the exact semantics of the `qsnn` dialect, which the machine code must equal.

mod arithmetic;
mod connection;
mod float;
mod population;
mod row;
#[cfg(test)]
mod tests;

use crate::{Event, Interpreter, check_events, check_input, check_inputs, delay_line::DelayLine, order};
pub use arithmetic::{keep_byte, shift_input, shift_right};
use connection::{Convolution, Matrix};
use float::FloatPopulation;
use population::Population;
use row::{Layout, Parameter, Row, change};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    ir::Element,
    qsnn::{Network, Op, State, verify},
};

/// Runs a `qsnn` network. What is silent and at rest costs nothing.
pub struct Qsnn {
    nodes: Vec<Node>,
    order: Vec<usize>,
    inputs: Vec<usize>,
    /// What each node handed on in the last tick.
    rows: Vec<Row>,
}

struct Node {
    name: String,
    operands: Vec<usize>,
    layout: Layout,
    kind: Kind,
    /// Accumulators of 16 bits wrap at 16 bits, as they do on the chip.
    narrow: bool,
}

enum Kind {
    Input {
        limit: i64,
        fraction: Option<i64>,
    },
    Copy,
    Add,
    Dense {
        matrix: Matrix,
        shift: i64,
    },
    Conv2d {
        convolution: Box<Convolution>,
        shift: i64,
    },
    Scale {
        weight: Parameter<i32>,
        shift: i64,
    },
    Delay(DelayLine<Row>),
    Neuron(Box<Population>),
    FloatNeuron(Box<FloatPopulation>),
    /// For an operand of another shape: where its numbers go.
    Reshape {
        positions: Vec<usize>,
    },
}

impl Qsnn {
    /// Prepares a network.
    ///
    /// # Errors
    /// A network that breaks a constraint.
    pub fn new(network: &Network) -> Result<Self> {
        verify(network)?;
        let mut interpreter = Self { nodes: Vec::new(), order: Vec::new(), inputs: Vec::new(), rows: Vec::new() };
        for (index, node) in network.nodes.iter().enumerate() {
            let operands: Vec<Layout> = node
                .inputs
                .iter()
                .map(|&input| Ok(Layout::of(&network.result(input)?.shape)))
                .collect::<Result<_>>()?;
            // An output has no result: it hands on what it is given.
            let result = node.result.as_ref().map(|result| Layout::of(&result.shape));
            let layout = result.or(operands.first().copied()).unwrap_or(Layout::of(&[0]));
            let kind = match &node.op {
                Op::Input(op) => {
                    interpreter.inputs.push(index);
                    Kind::Input { limit: op.limit, fraction: op.fraction }
                }
                Op::Output(_) => Kind::Copy,
                Op::Add(_) => Kind::Add,
                Op::Delay(delay) if delay.ticks == 0 => Kind::Copy,
                Op::Delay(delay) => Kind::Delay(DelayLine::new(delay.ticks as usize, Row::new(layout.width()))),
                Op::Dense(op) => {
                    Kind::Dense { matrix: Matrix::new(&op.weight, layout, operands[0]), shift: node.op.shift() }
                }
                Op::Conv2d(op) => {
                    let geometry = op.geometry(&network.result(node.inputs[0])?.shape);
                    let geometry = geometry.ok_or_else(|| Diagnostic::bug("not a convolution"))?;
                    let convolution = Box::new(Convolution::new(geometry, &op.weight));
                    Kind::Conv2d { convolution, shift: node.op.shift() }
                }
                Op::Scale(op) => {
                    Kind::Scale { weight: Parameter::new(layout, |index| op.weight.at(index)), shift: node.op.shift() }
                }
                Op::Neuron(neuron) => match &neuron.state {
                    State::Integers(stages) => Kind::Neuron(Box::new(Population::new(neuron, stages, layout))),
                    State::Floats(stages) => Kind::FloatNeuron(Box::new(FloatPopulation::new(neuron, stages, layout))),
                },
            };
            let narrow = node.result.as_ref().is_some_and(|result| result.element == Element::I16);
            // Ops that stand for no NIR node by themselves are not found by name.
            let name = node.op.node().unwrap_or_default().to_owned();
            interpreter.push(Node { name, operands: node.inputs.clone(), layout, kind, narrow });
        }
        for index in order::of(network, |op| matches!(op, Op::Delay(delay) if delay.ticks > 0))? {
            interpreter.reshape_operand(index);
            interpreter.order.push(index);
        }
        Ok(interpreter)
    }

    fn push(&mut self, node: Node) -> usize {
        self.rows.push(Row::new(node.layout.width()));
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Neurons and scales take their operand element by element, but its shape, and so its order, may be another one.
    fn reshape_operand(&mut self, index: usize) {
        let node = &self.nodes[index];
        if !matches!(node.kind, Kind::Neuron(_) | Kind::FloatNeuron(_) | Kind::Scale { .. }) {
            return;
        }
        let (layout, operand) = (node.layout, node.operands[0]);
        let from = self.nodes[operand].layout;
        if from != layout {
            let positions = from.indices().map(|index| layout.position(index)).collect();
            let kind = Kind::Reshape { positions };
            let reshape = Node { name: String::new(), operands: vec![operand], layout, kind, narrow: false };
            let reshaped = self.push(reshape);
            self.nodes[index].operands = vec![reshaped];
            self.order.push(reshaped);
        }
    }

    /// Fractional bits of what a node hands on; `None` for spikes.
    fn fraction(&self, index: usize) -> Option<i64> {
        match &self.nodes[index].kind {
            Kind::Input { fraction, .. } => *fraction,
            Kind::Neuron(population) => population.fraction(),
            Kind::FloatNeuron(population) => population.fraction(),
            Kind::Copy | Kind::Delay(_) => self.fraction(self.nodes[index].operands[0]),
            _ => None,
        }
    }

    /// Membranes of population `index` after the last tick, as integers.
    pub fn raw_membranes(&self, index: usize) -> Option<Vec<i32>> {
        match &self.nodes[index].kind {
            Kind::Neuron(population) => Some(population.raw_membranes().collect()),
            _ => None,
        }
    }

    /// What node `index` handed on in the last tick, by neuron of the network.
    fn results(&self, index: usize) -> impl Iterator<Item = i32> + '_ {
        let values = self.rows[index].values();
        self.nodes[index].layout.positions().map(|position| values[position])
    }

    /// Input `index` as events: neurons of the network and their integers.
    fn give(&mut self, index: usize, events: impl Iterator<Item = (usize, i32)>) {
        let (layout, row) = (self.nodes[index].layout, &mut self.rows[index]);
        row.clear();
        events.for_each(|(neuron, value)| *row.value_mut(layout.position(neuron)) = value);
    }

    /// One tick of everything behind the inputs.
    fn advance(&mut self) {
        for &index in &self.order {
            let mut result = std::mem::take(&mut self.rows[index]);
            let node = &mut self.nodes[index];
            let operand = |position: usize| &self.rows[node.operands[position]];
            match &mut node.kind {
                Kind::Input { .. } => {}
                Kind::Copy => result.clone_from(operand(0)),
                Kind::Add => {
                    result.clone_from(operand(0));
                    for &other in &node.operands[1..] {
                        let other = &self.rows[other];
                        for block in other.touched().ones() {
                            let more = other.block(block);
                            change(result.block_mut(block), |lane, sum| sum.wrapping_add(more[lane]));
                        }
                    }
                }
                Kind::Dense { matrix, shift } => matrix.apply(operand(0), *shift, &mut result),
                Kind::Conv2d { convolution, shift } => convolution.apply(operand(0), *shift, &mut result),
                Kind::Scale { weight, shift } => {
                    result.clone_from(operand(0));
                    result.update(|block, x| {
                        let weight = weight.block(block);
                        change(x, |lane, x| weight[lane].wrapping_mul(shift_input(x, *shift)));
                    });
                }
                Kind::Delay(line) => result.clone_from(line.front()),
                Kind::Neuron(population) => population.step(operand(0), &mut result),
                Kind::FloatNeuron(population) => population.step(operand(0), &mut result),
                Kind::Reshape { positions } => {
                    result.clear();
                    operand(0).for_each_event(|neuron, value| *result.value_mut(positions[neuron]) = value);
                }
            }
            if node.narrow {
                result.update(|_, sums| change(sums, |_, sum| (sum as i16).into()));
            }
            self.rows[index] = result;
        }
        for node in &mut self.nodes {
            if let Kind::Delay(line) = &mut node.kind {
                line.push(&self.rows[node.operands[0]]);
            }
        }
    }
}

impl Interpreter for Qsnn {
    fn reset(&mut self) {
        self.rows.iter_mut().for_each(Row::clear);
        for (node, zeros) in self.nodes.iter_mut().zip(&self.rows) {
            match &mut node.kind {
                Kind::Delay(line) => line.reset(zeros),
                Kind::Neuron(population) => population.reset(),
                Kind::FloatNeuron(population) => population.reset(),
                _ => {}
            }
        }
    }

    fn step_values(&mut self, inputs: &[&[f64]]) -> Result<()> {
        check_inputs(inputs.len(), self.inputs.len())?;
        for (number, &values) in inputs.iter().enumerate() {
            let index = self.inputs[number];
            let node = &self.nodes[index];
            let Kind::Input { limit, fraction } = node.kind else { continue };
            check_input(&node.name, values, node.layout.width(), limit)?;
            let unit = (fraction.unwrap_or(0) as f64).exp2();
            self.give(index, values.iter().map(|value| (value * unit).round() as i32).enumerate());
        }
        self.advance();
        Ok(())
    }

    fn step_events(&mut self, inputs: &[&[Event]]) -> Result<()> {
        check_inputs(inputs.len(), self.inputs.len())?;
        for (number, &events) in inputs.iter().enumerate() {
            let index = self.inputs[number];
            let node = &self.nodes[index];
            let Kind::Input { limit, fraction } = node.kind else { continue };
            check_events(&node.name, events, node.layout.width(), limit)?;
            let unit = (fraction.unwrap_or(0) as f64).exp2();
            let value = |&(neuron, count): &Event| (neuron as usize, (f64::from(count) * unit).round() as i32);
            self.give(index, events.iter().map(value));
        }
        self.advance();
        Ok(())
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name && !name.is_empty())
    }

    fn spikes(&self, index: usize) -> Vec<u16> {
        self.results(index).map(|value| value as u16).collect()
    }

    fn is_graded(&self, index: usize) -> bool {
        self.fraction(index).is_some()
    }

    fn values(&self, index: usize) -> Vec<f64> {
        let unit = (self.fraction(index).unwrap_or(0) as f64).exp2();
        self.results(index).map(|value| f64::from(value) / unit).collect()
    }

    fn saturated(&self, index: usize) -> usize {
        match &self.nodes[index].kind {
            Kind::Neuron(population) => population.saturated(),
            _ => 0,
        }
    }

    fn membranes(&self, index: usize) -> Option<Vec<f64>> {
        match &self.nodes[index].kind {
            Kind::Neuron(population) => Some(population.membranes()),
            Kind::FloatNeuron(population) => Some(population.membranes()),
            _ => None,
        }
    }
}
