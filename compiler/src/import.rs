//! From a NIR file to a module of `snn`.
//!
//! One op per NIR node, with the node's path as the op's location. Edges that meet in a node are added. In a cycle one
//! edge carries the spikes of the previous tick: it becomes an explicit `snn.delay`, so that nothing depends on the
//! order of the text.

mod cycles;

use crate::nir::{self, Graph, Node, Shapes};
use ndarray::ArrayD;
use s2c_dialects::{
    Context, Module,
    attribute::Tensor,
    diagnostic::{Diagnostic, Result},
    ir::{Element, ValueType},
    snn::{self, Network, Op},
};
use s2c_passes::options::Options;
use std::{collections::BTreeMap, path::Path};

/// Largest population that may be connected without a connection node: it gets an identity matrix.
const MOST_DIRECT: usize = 4096;

/// Reads a file and builds the module.
pub fn import<'c>(
    context: &'c Context,
    file: &Path,
    options: &Options,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Module<'c>> {
    let model = nir::read(file)?;
    warnings.extend(model.warnings);
    let graph = model.graph.flatten()?;
    if let Some((name, node)) = graph.nodes.iter().find(|(_, node)| !is_supported(node)) {
        return Err(Box::new(
            Diagnostic::error("unsupported-node", format!("`{}` nodes are not supported yet", node.kind()))
                .at_node(name)
                .text("Supported are Input, Output, Affine, Linear, Conv2d, SumPool2d, AvgPool2d, Flatten, IF, LIF and CubaLIF."),
        ));
    }
    let shapes = nir::infer_shapes(&graph)?;
    warnings.extend(shapes.warnings.iter().cloned());
    let name = file.file_stem().map_or_else(|| "network".into(), |stem| stem.to_string_lossy().into_owned());
    build(&graph, &shapes, &name, options, warnings)?.write(context)
}

fn is_supported(node: &Node) -> bool {
    matches!(
        node,
        Node::Input(_)
            | Node::Output(_)
            | Node::Affine(_)
            | Node::Linear(_)
            | Node::Conv2d(_)
            | Node::SumPool2d(_)
            | Node::AvgPool2d(_)
            | Node::Flatten(_)
            | Node::If(_)
            | Node::Lif(_)
            | Node::CubaLif(_)
    )
}

/// The network of a flattened graph.
fn build(
    graph: &Graph,
    shapes: &Shapes,
    name: &str,
    options: &Options,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Network> {
    let plan = cycles::plan(graph, warnings)?;
    let mut builder = Builder {
        network: Network { name: name.to_owned(), dt: None, options: options.to_map(), nodes: Vec::new() },
        graph,
        shapes,
        limit: options.input_limit.into(),
        values: BTreeMap::new(),
        delays: Vec::new(),
        delayed: plan.delayed,
    };
    for name in plan.order {
        builder.add(&name)?;
    }
    builder.close_delays()?;
    Ok(builder.network)
}

struct Builder<'g> {
    network: Network,
    graph: &'g Graph,
    shapes: &'g Shapes,
    limit: i64,
    /// Index of the op whose result stands for a node.
    values: BTreeMap<String, usize>,
    /// Delays whose operand comes later, with the node that it is.
    delays: Vec<(usize, String)>,
    /// Edges that carry the previous tick's spikes.
    delayed: Vec<(String, String)>,
}

impl Builder<'_> {
    /// The values that arrive at a node, in the order of the file's edges.
    fn operands(&mut self, name: &str) -> Result<Vec<usize>> {
        let sources: Vec<String> = self.graph.predecessors(name).map(str::to_owned).collect();
        let mut operands = Vec::with_capacity(sources.len());
        for source in sources {
            let edge = (source.clone(), name.to_owned());
            if self.delayed.contains(&edge) {
                // The source may not be there yet; its operand is set at the end.
                let result = ValueType::new(self.shape(&source)?.output.clone(), Element::Spike);
                let delay = self.network.push(snn::Delay { ticks: 1 }.into(), &source, vec![0], Some(result));
                self.delays.push((delay, source));
                operands.push(delay);
            } else {
                let value = self.values.get(&source).copied();
                operands.push(value.ok_or_else(|| Diagnostic::bug("nodes are not in order").at_node(name))?);
            }
        }
        Ok(operands)
    }

    fn close_delays(&mut self) -> Result<()> {
        for (delay, source) in std::mem::take(&mut self.delays) {
            let value = self.values.get(&source).copied();
            self.network.nodes[delay].inputs =
                vec![value.ok_or_else(|| Diagnostic::bug("a delayed edge has no source").at_node(source))?];
        }
        Ok(())
    }

    fn shape(&self, name: &str) -> Result<&nir::NodeShape> {
        let shape = self.shapes.nodes.get(name);
        shape.ok_or_else(|| Box::new(Diagnostic::bug("a node has no shape").at_node(name)))
    }

    fn is_spikes(&self, value: usize) -> bool {
        self.network.nodes[value].result.as_ref().is_some_and(|result| result.element.is_spikes())
    }

    fn add(&mut self, name: &str) -> Result<()> {
        let shape = self.shape(name)?.clone();
        let operands = self.operands(name)?;
        let node = name.to_owned();
        let value = match &self.graph.nodes[name] {
            Node::Input(_) => {
                let element = if self.limit == 1 { Element::Spike } else { Element::Count };
                let op = snn::Input { node, limit: self.limit };
                self.network.push(op.into(), name, vec![], Some(ValueType::new(shape.output, element)))
            }
            Node::Output(_) => {
                let value = self.only(name, &operands)?;
                if !self.is_spikes(value) {
                    return Err(Box::new(
                        Diagnostic::error("graded-output", "an output that is not spikes is not supported yet")
                            .at_node(name)
                            .hint("let the output come from an IF, LIF or CubaLIF node"),
                    ));
                }
                self.network.push(snn::Output { node }.into(), name, vec![value], None)
            }
            Node::Flatten(_) => self.only(name, &operands)?,
            Node::Conv2d(conv) => self.conv2d(name, conv, &operands, shape.output)?,
            Node::SumPool2d(pool) => self.pool(name, &pool.0, false, &operands, shape)?,
            Node::AvgPool2d(pool) => self.pool(name, &pool.0, true, &operands, shape)?,
            Node::Affine(affine) => {
                let bias = tensor(name, "bias", &affine.bias, &shape.output)?;
                self.linear(name, &affine.weight, Some(bias), &operands, shape.output)?
            }
            Node::Linear(linear) => self.linear(name, &linear.weight, None, &operands, shape.output)?,
            Node::If(neuron) => {
                let parameter = |field, values| tensor(name, field, values, &shape.output);
                let op = snn::If {
                    node,
                    r: parameter("r", &neuron.r)?,
                    v_threshold: parameter("v_threshold", &neuron.v_threshold)?,
                    v_reset: parameter("v_reset", &neuron.v_reset)?,
                    weight_scale: None,
                    integrator: None,
                    reset: None,
                    compare: None,
                };
                self.neuron(name, op.into(), &operands, shape.output)?
            }
            Node::Lif(neuron) => {
                let parameter = |field, values| tensor(name, field, values, &shape.output);
                let op = snn::Lif {
                    node,
                    tau: parameter("tau", &neuron.tau)?,
                    r: parameter("r", &neuron.r)?,
                    v_leak: parameter("v_leak", &neuron.v_leak)?,
                    v_threshold: parameter("v_threshold", &neuron.v_threshold)?,
                    v_reset: parameter("v_reset", &neuron.v_reset)?,
                    weight_scale: None,
                    integrator: None,
                    reset: None,
                    compare: None,
                };
                self.neuron(name, op.into(), &operands, shape.output)?
            }
            Node::CubaLif(neuron) => {
                let parameter = |field, values| tensor(name, field, values, &shape.output);
                let op = snn::CubaLif {
                    node,
                    tau_syn: parameter("tau_syn", &neuron.tau_syn)?,
                    tau_mem: parameter("tau_mem", &neuron.tau_mem)?,
                    r: parameter("r", &neuron.r)?,
                    w_in: parameter("w_in", &neuron.w_in)?,
                    v_leak: parameter("v_leak", &neuron.v_leak)?,
                    v_threshold: parameter("v_threshold", &neuron.v_threshold)?,
                    v_reset: parameter("v_reset", &neuron.v_reset)?,
                    weight_scale: None,
                    integrator: None,
                    reset: None,
                    compare: None,
                };
                self.neuron(name, op.into(), &operands, shape.output)?
            }
            other => return Err(Box::new(Diagnostic::bug(format!("`{}` is not lowered", other.kind())).at_node(name))),
        };
        self.values.insert(name.to_owned(), value);
        Ok(())
    }

    /// The only operand of a node that takes one.
    fn only(&self, name: &str, operands: &[usize]) -> Result<usize> {
        match operands {
            [value] => Ok(*value),
            _ => Err(Box::new(
                Diagnostic::error("fan-in", format!("{} edges lead into a node that takes one", operands.len()))
                    .at_node(name),
            )),
        }
    }

    /// A connection; several edges into it are as many connections, whose results are added.
    fn linear(
        &mut self,
        name: &str,
        weight: &ArrayD<f32>,
        bias: Option<Tensor<f64>>,
        operands: &[usize],
        output: Vec<usize>,
    ) -> Result<usize> {
        let weight = Tensor::new(weight.shape().to_vec(), weight.iter().copied().collect());
        let mut bias = bias.filter(|bias| bias.values.iter().any(|&value| value != 0.0));
        let mut parts = Vec::with_capacity(operands.len());
        for &operand in operands {
            self.check_operand(name, operand)?;
            let op = snn::Linear { weight: weight.clone(), bias: bias.take() };
            let result = ValueType::new(output.clone(), Element::F32);
            parts.push(self.network.push(op.into(), name, vec![operand], Some(result)));
        }
        self.sum(name, parts, output)
    }

    /// A connection takes spikes, or sums of spikes over windows.
    fn check_operand(&self, name: &str, operand: usize) -> Result<()> {
        let takes = self.is_spikes(operand) || matches!(self.network.nodes[operand].op, Op::Pool(_));
        if takes {
            return Ok(());
        }
        Err(Box::new(
            Diagnostic::error("connection-of-currents", "a connection that follows a connection is not supported yet")
                .at_node(name),
        ))
    }

    fn conv2d(
        &mut self,
        name: &str,
        conv: &nir::conv::Conv2d,
        operands: &[usize],
        output: Vec<usize>,
    ) -> Result<usize> {
        let mut padding = [0; 2];
        for (axis, (before, after)) in conv.padding_amounts().into_iter().enumerate() {
            if before != after {
                return Err(Box::new(
                    Diagnostic::error(
                        "uneven-padding",
                        "padding that differs between the two sides is not supported yet",
                    )
                    .at_node(name)
                    .text(format!("`same` asks for {before} zeros before and {after} behind."))
                    .hint("use a kernel of odd size"),
                ));
            }
            padding[axis] = before;
        }
        let integers = |pair: &[usize; 2]| pair.map(|value| value as i64).to_vec();
        let bias = Some(tensor(name, "bias", &conv.bias, &[conv.channels_out()])?);
        let mut bias = bias.filter(|bias| bias.values.iter().any(|&value| value != 0.0));
        let weight = Tensor::new(conv.weight.shape().to_vec(), conv.weight.iter().copied().collect());
        let mut parts = Vec::with_capacity(operands.len());
        for &operand in operands {
            self.check_operand(name, operand)?;
            let op = snn::Conv2d {
                weight: weight.clone(),
                bias: bias.take(),
                pool: vec![1, 1],
                stride: integers(&conv.stride),
                padding: integers(&padding),
                dilation: integers(&conv.dilation),
                groups: conv.groups as i64,
            };
            let result = ValueType::new(output.clone(), Element::F32);
            parts.push(self.network.push(op.into(), name, vec![operand], Some(result)));
        }
        self.sum(name, parts, output)
    }

    fn pool(
        &mut self,
        name: &str,
        pool: &nir::pool::Pool2d,
        mean: bool,
        operands: &[usize],
        shape: nir::NodeShape,
    ) -> Result<usize> {
        if pool.kernel_size != pool.stride || pool.padding != [0, 0] {
            return Err(Box::new(
                Diagnostic::error(
                    "overlapping-pool",
                    "pooling windows that overlap or are padded are not supported yet",
                )
                .at_node(name)
                .text(format!(
                    "Windows of {:?} every {:?} with padding {:?}.",
                    pool.kernel_size, pool.stride, pool.padding
                )),
            ));
        }
        let operand = self.only(name, operands)?;
        if !self.is_spikes(operand) {
            return Err(Box::new(
                Diagnostic::error("connection-of-currents", "pooling of currents is not supported yet").at_node(name),
            ));
        }
        let op = snn::Pool { window: pool.kernel_size.map(|size| size as i64).to_vec(), mean };
        Ok(self.network.push(op.into(), name, vec![operand], Some(ValueType::new(shape.output, Element::F32))))
    }

    fn neuron(&mut self, name: &str, op: Op, operands: &[usize], output: Vec<usize>) -> Result<usize> {
        let mut currents = Vec::with_capacity(operands.len());
        for &operand in operands {
            if matches!(self.network.nodes[operand].op, Op::Pool(_)) {
                return Err(Box::new(
                    Diagnostic::error(
                        "direct-connection",
                        "a population behind a pool without a connection is not supported yet",
                    )
                    .at_node(name),
                ));
            }
            currents.push(if self.is_spikes(operand) { self.identity(name, operand)? } else { operand });
        }
        let input = self.sum(name, currents, output.clone())?;
        Ok(self.network.push(op, name, vec![input], Some(ValueType::new(output, Element::Spike))))
    }

    /// Spikes as currents: each spike is a current of one.
    fn identity(&mut self, name: &str, spikes: usize) -> Result<usize> {
        let shape = self.network.result(spikes)?.shape.clone();
        let count: usize = shape.iter().product();
        if count > MOST_DIRECT {
            return Err(Box::new(
                Diagnostic::error("direct-connection", "a large population is fed without a connection")
                    .at_node(name)
                    .text(format!("It has {count} neurons; up to {MOST_DIRECT} are supported.")),
            ));
        }
        let values = (0..count * count).map(|index| f32::from(u8::from(index / count == index % count))).collect();
        let op = snn::Linear { weight: Tensor::new(vec![count, count], values), bias: None };
        Ok(self.network.push(op.into(), name, vec![spikes], Some(ValueType::new(shape, Element::F32))))
    }

    fn sum(&mut self, name: &str, parts: Vec<usize>, output: Vec<usize>) -> Result<usize> {
        match parts[..] {
            [] => Err(Box::new(Diagnostic::error("no-input", "no edge leads into the node").at_node(name))),
            [only] => Ok(only),
            _ => Ok(self.network.push(snn::Add {}.into(), name, parts, Some(ValueType::new(output, Element::F32)))),
        }
    }
}

/// A parameter with one value per neuron.
fn tensor(node: &str, field: &str, values: &ArrayD<f64>, shape: &[usize]) -> Result<Tensor<f64>> {
    if values.len() == 1
        && let Some(&value) = values.iter().next()
    {
        return Ok(Tensor::splat(shape.to_vec(), value));
    }
    let values = nir::broadcast(values, shape).map_err(|mut diagnostic| {
        diagnostic.title = format!("`{field}`: {}", diagnostic.title);
        Box::new(diagnostic.at_node(node))
    })?;
    Ok(Tensor::new(shape.to_vec(), values.iter().copied().collect()))
}
