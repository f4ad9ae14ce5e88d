//! The generator of graphs.

use ndarray::{ArrayD, IxDyn};
use s2c_nir::{
    self, Graph, Node,
    conv::{Conv, Padding},
    linear::{Affine, Linear, Scale},
    neuron::{CubaLi, CubaLif, If, Integrator, Li, Lif},
    pool::{AvgPool2d, Pool2d, SumPool2d},
    port::{Flatten, Input, Output},
    signal::{Delay, Threshold},
};
use s2c_tests::Random;

/// Seconds per tick; the time constants of graphs are multiples of it.
pub const DT: f64 = 1e-3;

/// Names that have tripped up readers of files: digits, dots, colons, spaces, words of the format, other alphabets.
const NAMES: [&str; 12] =
    ["0", "1.lif", "a b", "node:v", "output", "nodes", "ünï", "数", "%x", "\"q\"", "-", "lif1.w_rec{0}"];

fn weights(random: &mut Random, shape: &[usize], gain: f64) -> ArrayD<f32> {
    ArrayD::from_shape_fn(IxDyn(shape), |_| (random.real(-0.6, 1.0) * gain) as f32)
}

/// A parameter: the same everywhere, one per element, or a single number that is broadcast.
fn parameter(random: &mut Random, shape: &[usize], low: f64, high: f64) -> ArrayD<f64> {
    let one = random.real(low, high);
    if random.one_in(3) {
        return ArrayD::from_shape_fn(IxDyn(shape), |_| random.real(low, high));
    }
    ArrayD::from_elem(IxDyn(shape), one)
}

/// A graph in the making: what can be connected to, with its shape and whether it comes from neurons.
struct Maker {
    random: Random,
    graph: Graph,
    values: Vec<(String, Vec<usize>)>,
    /// Spiking rank-one populations: they may get a loop.
    loopable: Vec<(String, usize)>,
    /// Whether some populations hand on values instead of spikes.
    is_graded: bool,
    populations: Vec<(String, Vec<usize>)>,
    outputs: Vec<(String, Vec<usize>)>,
    has_loop: bool,
}

impl Maker {
    fn name(&mut self) -> String {
        let name = NAMES[self.random.below(NAMES.len())].to_owned();
        if self.graph.nodes.contains_key(&name) { format!("n{}", self.graph.nodes.len()) } else { name }
    }

    fn add(&mut self, node: Node, from: &[&str], shape: Vec<usize>) -> String {
        let name = self.name();
        for source in from {
            self.graph.edges.push(((*source).to_owned(), name.clone()));
        }
        self.graph.nodes.insert(name.clone(), node);
        self.values.push((name.clone(), shape));
        name
    }

    /// Something to connect to, and perhaps a second one of the same shape, for a join.
    fn operands(&mut self) -> (Vec<String>, Vec<usize>) {
        let at = if self.random.one_in(3) { self.random.below(self.values.len()) } else { self.values.len() - 1 };
        let (name, shape) = self.values[at].clone();
        let mut names = vec![name];
        if self.random.one_in(4) {
            let same = |(other, its): &&(String, Vec<usize>)| *its == shape && !names.contains(other);
            if let Some((other, _)) = self.values.iter().find(same) {
                names.push(other.clone());
            }
        }
        (names, shape)
    }

    fn step(&mut self) {
        let (names, shape) = self.operands();
        let from: Vec<&str> = names.iter().map(String::as_str).collect();
        let random = &mut self.random;
        match (shape.len(), random.below(10)) {
            (_, 0 | 1) => self.population(&names, shape),
            (_, 2) => {
                let own = if random.one_in(2) { shape.clone() } else { vec![1] };
                let scale = weights(random, &own, 1.5);
                self.add(Node::Scale(Scale { scale }), &from, shape);
            }
            (_, 3) => {
                let delay = if random.one_in(3) {
                    ArrayD::from_shape_fn(IxDyn(&shape), |_| random.between(0, 3) as f64 * DT)
                } else {
                    ArrayD::from_elem(IxDyn(&shape), random.between(0, 3) as f64 * DT)
                };
                self.add(Node::Delay(Delay { delay }), &from, shape);
            }
            (1, _) => {
                let (inputs, outputs) = (shape[0], random.between(1, 9));
                let weight = weights(random, &[outputs, inputs], 1.0);
                let node = if random.one_in(2) {
                    Node::Linear(Linear { weight })
                } else {
                    let bias = parameter(random, &[outputs], -0.2, 0.3);
                    Node::Affine(Affine { weight, bias })
                };
                self.add(node, &from, vec![outputs]);
            }
            (rank, 4) => {
                let flatten = Flatten { input_type: Some(shape.clone()), start_dim: 0, end_dim: -1 };
                debug_assert!(rank > 1);
                self.add(Node::Flatten(flatten), &from, vec![shape.iter().product()]);
            }
            (2, _) => {
                let conv = convolution::<1>(random, &shape);
                let output = [vec![conv.channels_out()], conv.output_lengths(&[shape[1]]).unwrap().to_vec()].concat();
                self.add(Node::Conv1d(conv), &from, output);
            }
            (_, 5 | 6) => {
                let (node, output) = pooling(random, &shape);
                self.add(node, &from, output);
            }
            _ => {
                let conv = convolution::<2>(random, &shape);
                let lengths = conv.output_lengths(&[shape[1], shape[2]]).unwrap().to_vec();
                let output = [vec![conv.channels_out()], lengths].concat();
                self.add(Node::Conv2d(conv), &from, output);
            }
        }
    }

    fn population(&mut self, from: &[String], shape: Vec<usize>) {
        let (random, is_graded) = (&mut self.random, self.is_graded);
        let p = |random: &mut Random, low: f64, high: f64| parameter(random, &shape, low, high);
        let node = match random.below(if is_graded { 7 } else { 4 }) {
            0 => {
                Node::If(If { r: p(random, 0.5, 1.5), v_threshold: p(random, 0.5, 1.5), v_reset: p(random, -0.2, 0.1) })
            }
            1 => Node::Lif(Lif {
                tau: p(random, 2.0 * DT, 20.0 * DT),
                r: p(random, 1.0, 6.0),
                v_leak: p(random, -0.1, 0.2),
                v_threshold: p(random, 0.4, 1.2),
                v_reset: p(random, -0.2, 0.1),
            }),
            2 => Node::CubaLif(CubaLif {
                tau_syn: p(random, 2.0 * DT, 6.0 * DT),
                tau_mem: p(random, 2.0 * DT, 20.0 * DT),
                r: p(random, 1.0, 6.0),
                w_in: p(random, 1.0, 2.0),
                v_leak: p(random, -0.1, 0.2),
                v_threshold: p(random, 0.4, 1.2),
                v_reset: p(random, -0.2, 0.1),
            }),
            3 => Node::Threshold(Threshold { threshold: p(random, 0.1, 0.9) }),
            4 => Node::I(Integrator { r: p(random, 0.2, 0.8) }),
            5 => Node::Li(Li {
                tau: p(random, 2.0 * DT, 20.0 * DT),
                r: p(random, 0.5, 3.0),
                v_leak: p(random, -0.1, 0.2),
            }),
            _ => Node::CubaLi(CubaLi {
                tau_syn: p(random, 2.0 * DT, 6.0 * DT),
                tau_mem: p(random, 2.0 * DT, 20.0 * DT),
                r: p(random, 0.5, 3.0),
                w_in: p(random, 0.5, 1.5),
                v_leak: p(random, -0.1, 0.2),
            }),
        };
        let spikes = !matches!(node, Node::I(_) | Node::Li(_) | Node::CubaLi(_));
        let from: Vec<&str> = from.iter().map(String::as_str).collect();
        let name = self.add(node, &from, shape.clone());
        self.populations.push((name.clone(), shape.clone()));
        // A loop of values alone is refused.
        if let [count] = shape[..]
            && spikes
        {
            self.loopable.push((name, count));
        }
    }

    /// An output, perhaps behind a delay; shorter and longer ones than the way to it.
    fn output(&mut self, mut from: String, shape: Vec<usize>) {
        if self.random.one_in(2) {
            let seconds = self.random.between(0, 7) as f64 * DT;
            let delay = Delay { delay: ArrayD::from_elem(IxDyn(&shape), seconds) };
            from = self.add(Node::Delay(delay), &[&from], shape.clone());
        }
        let name = self.name();
        self.graph.nodes.insert(name.clone(), Node::Output(Output { shape: shape.clone() }));
        self.graph.edges.push((from, name.clone()));
        self.outputs.push((name, shape));
    }

    /// A second input, through a connection into a rank-one population.
    fn second_input(&mut self) {
        let Some((to, outputs)) = self.loopable.last().cloned() else { return };
        let inputs = self.random.between(1, 5);
        let (weight, name, connection) = (weights(&mut self.random, &[outputs, inputs], 1.0), self.name(), self.name());
        // Both names are new, and they may be the same.
        let connection = if connection == name { format!("{connection} 2") } else { connection };
        self.graph.nodes.insert(name.clone(), Node::Input(Input { shape: vec![inputs] }));
        self.graph.nodes.insert(connection.clone(), Node::Linear(Linear { weight }));
        self.graph.edges.extend([(name, connection.clone()), (connection, to)]);
    }

    /// A loop back from the last rank-one population to one that came no later, through a connection.
    fn back_edge(&mut self) {
        let Some((from, inputs)) = self.loopable.last().cloned() else { return };
        let (to, outputs) = self.loopable[self.random.below(self.loopable.len())].clone();
        let weight = weights(&mut self.random, &[outputs, inputs], 0.6);
        let name = self.name();
        self.graph.nodes.insert(name.clone(), Node::Linear(Linear { weight }));
        let delayed = self.random.one_in(2);
        if delayed {
            let delay = self.name();
            let ticks = self.random.between(1, 4) as f64;
            let seconds = ArrayD::from_elem(IxDyn(&[outputs]), ticks * DT);
            self.graph.nodes.insert(delay.clone(), Node::Delay(Delay { delay: seconds }));
            self.graph.edges.extend([(from, name.clone()), (name, delay.clone()), (delay, to)]);
        } else {
            self.graph.edges.extend([(from, name.clone()), (name, to)]);
        }
        self.has_loop = true;
    }
}

/// A pool of maps, and the shape that it gives.
fn pooling(random: &mut Random, shape: &[usize]) -> (Node, Vec<usize>) {
    let tiles = random.one_in(2);
    let kernel = [random.between(1, shape[1].min(3)), random.between(1, shape[2].min(3))];
    let pool = Pool2d {
        kernel_size: kernel,
        stride: if tiles { kernel } else { [random.between(1, 2), random.between(1, 2)] },
        padding: if tiles { [0, 0] } else { kernel.map(|size| random.between(0, size / 2)) },
    };
    let length =
        |axis: usize| (shape[axis + 1] + 2 * pool.padding[axis] - pool.kernel_size[axis]) / pool.stride[axis] + 1;
    let output = vec![shape[0], length(0), length(1)];
    let node = if random.one_in(2) { Node::SumPool2d(SumPool2d(pool)) } else { Node::AvgPool2d(AvgPool2d(pool)) };
    (node, output)
}

/// A convolution of any kind that its input allows.
fn convolution<const D: usize>(random: &mut Random, shape: &[usize]) -> Conv<D> {
    let channels = shape[0];
    let groups = if random.one_in(3) { channels } else { 1 };
    let outputs = groups * random.between(1, 3);
    let kernel: [usize; D] = std::array::from_fn(|axis| random.between(1, shape[axis + 1].min(3)));
    let same = random.one_in(4);
    let dilation: [usize; D] =
        std::array::from_fn(|axis| if random.one_in(3) && 2 * (kernel[axis] - 1) < shape[axis + 1] { 2 } else { 1 });
    let padding = match (same, random.below(3)) {
        (true, _) => Padding::Same,
        (false, 0) => Padding::Valid,
        _ => Padding::Fixed(std::array::from_fn(|_| random.between(0, 1))),
    };
    let stride = std::array::from_fn(|_| if same { 1 } else { random.between(1, 2) });
    let weight_shape = [vec![outputs, channels / groups], kernel.to_vec()].concat();
    let bias =
        if random.one_in(2) { ArrayD::zeros(IxDyn(&[outputs])) } else { parameter(random, &[outputs], -0.1, 0.3) };
    let weight = weights(random, &weight_shape, 1.0);
    let input_shape = random.one_in(2).then(|| std::array::from_fn(|axis| shape[axis + 1]));
    Conv { input_shape, weight, stride, padding, dilation, groups, bias }
}

/// The name of the subgraph that some nodes are put into.
const SUBGRAPH: &str = "inner";

/// Puts a run of nodes into a subgraph, with a port for each edge that crosses its border. Their names become paths.
fn nest(random: &mut Random, graph: &mut Graph, populations: &mut [(String, Vec<usize>)]) {
    let is_inside = |node: &Node| !matches!(node, Node::Input(_) | Node::Output(_));
    let names: Vec<String> = graph
        .nodes
        .iter()
        .filter(|(name, node)| is_inside(node) && !name.contains(['.', '/']))
        .map(|(name, _)| name.clone())
        .collect();
    if names.is_empty() {
        return;
    }
    let first = random.below(names.len());
    let chosen = &names[first..names.len().min(first + random.between(1, 4))];
    let shapes = s2c_nir::infer_shapes(graph).unwrap().nodes;
    let mut inner = Graph::default();
    for name in chosen {
        inner.nodes.insert(name.clone(), graph.nodes.shift_remove(name).unwrap());
    }
    let mut outer = Vec::new();
    for (number, (from, to)) in std::mem::take(&mut graph.edges).into_iter().enumerate() {
        let port = format!("port{number}");
        let shape = shapes[&from].output.clone();
        match (chosen.contains(&from), chosen.contains(&to)) {
            (true, true) => inner.edges.push((from, to)),
            (false, false) => outer.push((from, to)),
            (false, true) => {
                inner.nodes.insert(port.clone(), Node::Input(Input { shape }));
                inner.edges.push((port.clone(), to));
                outer.push((from, format!("{SUBGRAPH}.{port}")));
            }
            (true, false) => {
                inner.nodes.insert(port.clone(), Node::Output(Output { shape }));
                inner.edges.push((from, port.clone()));
                outer.push((format!("{SUBGRAPH}.{port}"), to));
            }
        }
    }
    graph.edges = outer;
    graph.nodes.insert(SUBGRAPH.to_owned(), Node::Graph(inner));
    for (name, _) in populations.iter_mut().filter(|(name, _)| chosen.contains(name)) {
        *name = format!("{SUBGRAPH}/{name}");
    }
}

/// The graph of a seed; its populations and outputs, and whether it has loops.
pub fn graph(seed: u64, steps: usize) -> (Graph, Vec<(String, Vec<usize>)>, bool) {
    let mut random = Random(seed);
    let shape = match random.below(3) {
        0 => vec![random.between(1, 8)],
        1 => vec![random.between(1, 4), random.between(2, 9)],
        _ => vec![random.between(1, 4), random.between(2, 8), random.between(2, 8)],
    };
    let is_graded = random.one_in(2);
    let mut maker = Maker {
        random,
        graph: Graph::default(),
        values: Vec::new(),
        loopable: Vec::new(),
        is_graded,
        populations: Vec::new(),
        outputs: Vec::new(),
        has_loop: false,
    };
    maker.add(Node::Input(Input { shape: shape.clone() }), &[], shape);
    for _ in 0..steps {
        maker.step();
    }
    let (last, shape) = maker.values[maker.values.len() - 1].clone();
    maker.population(&[last], shape);
    if maker.random.one_in(3) {
        maker.back_edge();
    }
    if maker.random.one_in(4) {
        maker.second_input();
    }
    // The last population is always an output; one more may be, or anything behind the input.
    let mut outputs = vec![(maker.populations[maker.populations.len() - 1]).clone()];
    if maker.random.one_in(3) {
        // What only passes on is left out: it may pass on an input, which is no output of a network.
        let values = maker
            .values
            .iter()
            .filter(|(name, _)| !matches!(maker.graph.nodes[name], Node::Input(_) | Node::Delay(_) | Node::Flatten(_)));
        let values: Vec<_> = values.cloned().collect();
        outputs.push(values[maker.random.below(values.len())].clone());
    }
    for (from, shape) in outputs {
        maker.output(from, shape);
    }
    if maker.random.one_in(4) {
        nest(&mut maker.random, &mut maker.graph, &mut maker.populations);
    }
    (maker.graph, [maker.populations, maker.outputs].concat(), maker.has_loop)
}
