//! Every rewrite on random shapes and weights: all terms of a class give the same for the same spikes.
//!
//! Terms are evaluated from the definitions of the ops in the dialect's README, without the code that composes them.

use super::{
    price::Pricing,
    rules::{RULES, Rule},
    saturate,
    term::{Algebra, Graph, Term},
};
use crate::{options::Options, target::Target};
use egg::{Id, Language};
use proptest::{prelude::*, test_runner::TestRunner};
use s2c_dialects::{
    attribute::Tensor,
    snn::{Conv2d, Linear, Op, Pool, Scale},
};
use s2c_tests::Random;
use std::{cell::Cell, collections::BTreeMap};

const TARGET: &str = include_str!("../../../../compiler/targets/spinnaker2.toml");
/// Ticks that terms are compared in.
const TICKS: usize = 4;

/// A value per tick and element.
type Stream = Vec<Vec<f64>>;

/// y = op x in one tick.
fn apply(op: &Op, from: &[usize], to: &[usize], x: &[f64]) -> Vec<f64> {
    let outputs: usize = to.iter().product();
    let constant =
        |bias: &Option<Tensor<f64>>, at: usize| bias.as_ref().map_or(0.0, |bias| bias.at(at / (outputs / bias.len())));
    match op {
        Op::Scale(op) => x.iter().enumerate().map(|(at, x)| x * f64::from(op.scale.at(at))).collect(),
        Op::Linear(op) => (0..outputs)
            .map(|row| {
                let products = x.iter().enumerate().map(|(at, x)| x * f64::from(op.weight.at(row * x_len(from) + at)));
                constant(&op.bias, row) + products.sum::<f64>()
            })
            .collect(),
        Op::Pool(op) => {
            let count = op.window.iter().product::<i64>() as f64;
            let sums = windows(x, from, &op.window);
            sums.into_iter().map(|sum| if op.mean { sum / count } else { sum }).collect()
        }
        Op::Conv2d(op) => {
            let map = [from[0], from[1] / op.pool[0] as usize, from[2] / op.pool[1] as usize];
            let x = windows(x, from, &op.pool);
            let number = |values: &[i64], axis: usize| values[axis] as usize;
            let (kernel, per_group) = ([op.weight.shape[2], op.weight.shape[3]], op.weight.shape[1]);
            let group_outputs = to[0] / op.groups as usize;
            let mut y = Vec::with_capacity(outputs);
            for (channel, row, column) in places(to) {
                let mut sum = constant(&op.bias, y.len());
                for (input, r, c) in places(&[per_group, kernel[0], kernel[1]]) {
                    let at = |axis: usize, output: usize, tap: usize| {
                        let there = output * number(&op.stride, axis) + tap * number(&op.dilation, axis);
                        there.checked_sub(number(&op.padding, axis)).filter(|&place| place < map[axis + 1])
                    };
                    let (Some(down), Some(across)) = (at(0, row, r), at(1, column, c)) else { continue };
                    let source = channel / group_outputs * per_group + input;
                    let weight = op.weight.at(((channel * per_group + input) * kernel[0] + r) * kernel[1] + c);
                    sum += f64::from(weight) * x[(source * map[1] + down) * map[2] + across];
                }
                y.push(sum);
            }
            y
        }
        _ => panic!("{op:?} is no connection"),
    }
}

fn x_len(shape: &[usize]) -> usize {
    shape.iter().product()
}

fn places(shape: &[usize]) -> impl Iterator<Item = (usize, usize, usize)> {
    let &[channels, rows, columns] = shape else { panic!("{shape:?} is no map") };
    (0..channels).flat_map(move |a| (0..rows).flat_map(move |b| (0..columns).map(move |c| (a, b, c))))
}

/// Sums over windows; what is left at the edges has no effect.
fn windows(x: &[f64], from: &[usize], window: &[i64]) -> Vec<f64> {
    let [high, wide] = [window[0] as usize, window[1] as usize];
    let sum = |(channel, row, column): (usize, usize, usize)| {
        places(&[1, high, wide])
            .map(|(_, r, c)| x[(channel * from[1] + row * high + r) * from[2] + column * wide + c])
            .sum()
    };
    places(&[from[0], from[1] / high, from[2] / wide]).map(sum).collect()
}

/// What a term gives, its operands being what the first terms of their classes give.
fn value(graph: &Graph, term: &Term, values: &BTreeMap<Id, Stream>) -> Option<Stream> {
    let operands: Vec<&Stream> =
        term.children().iter().map(|&id| values.get(&graph.find(id))).collect::<Option<_>>()?;
    Some(match term {
        Term::Source(_) => return None,
        Term::Delay(ticks, _) => {
            let zeros = vec![vec![0.0; operands[0][0].len()]; (*ticks as usize).min(TICKS)];
            zeros.into_iter().chain(operands[0].iter().cloned()).take(TICKS).collect()
        }
        Term::Connection(number, _) => {
            let connection = &graph.analysis.connections[*number];
            operands[0].iter().map(|x| apply(&connection.op, &connection.from, &connection.to, x)).collect()
        }
        Term::Sum(_) => (0..TICKS)
            .map(|tick| {
                (0..operands[0][0].len()).map(|at| operands.iter().map(|stream| stream[tick][at]).sum()).collect()
            })
            .collect(),
    })
}

/// A stack of connections on one or two sources, in the order in which they are put together.
#[derive(Clone, Debug)]
enum Step {
    Connect(usize, Box<Op>),
    Add(usize, usize),
    Delay(usize, i64),
}

/// Small whole numbers, many of them zero, so that sums are exact and zeros and diagonals occur.
fn weights(shape: Vec<usize>, kind: u8, seed: u64) -> Tensor<f32> {
    let count: usize = shape.iter().product();
    let columns: usize = shape[1..].iter().product();
    let mut random = Random(seed);
    let values = (0..count).map(|at| match kind {
        0 => 0.0,
        1 if at / columns != at % columns => 0.0,
        _ => random.below(7) as f32 - 3.0,
    });
    Tensor::new(shape, values.collect())
}

/// Draws connections that fit a shape.
fn connection(shape: &[usize], draw: &mut dyn FnMut(usize) -> usize) -> (Op, Vec<usize>) {
    let count = x_len(shape);
    let mut seed = || (draw(1 << 16) as u64) << 16 | draw(1 << 16) as u64;
    let (kind, first, second) = (seed() % 4, seed(), seed());
    let [a, b, c, d, e] = [seed(), seed(), seed(), seed(), seed()].map(|value| value as usize / 7);
    let bias =
        |length: usize| (a % 3 == 0).then(|| Tensor::new(vec![length], (0..length).map(|at| at as f64).collect()));
    match (shape, kind) {
        (&[channels, rows, columns], 0 | 1) => {
            let mut groups = if b % 2 == 0 { 1 } else { channels };
            let mut kernel = [1 + c % 3.min(rows), 1 + d % 3.min(columns)];
            let mut outputs = if groups == 1 { 1 + e % 3 } else { channels };
            let (mut padding, mut stride) = (vec![(c % 2) as i64, (d % 2) as i64], vec![1, 1]);
            match e % 5 {
                // A convolution that a skip fits into, one that is a scale, and one with strides.
                0 => (groups, outputs, kernel, padding) = (1, channels, [3, 3], vec![1, 1]),
                1 => (groups, outputs, kernel, padding) = (channels, channels, [1, 1], vec![0, 0]),
                2 => stride = vec![2, 1],
                _ => {}
            }
            let weight = weights(vec![outputs, channels / groups, kernel[0], kernel[1]], 2, first);
            let pool = if b % 5 == 0 && rows > 1 && columns > 1 { vec![2, 2] } else { vec![1, 1] };
            let op = Conv2d {
                weight,
                bias: bias(outputs),
                pool,
                stride,
                padding,
                dilation: vec![1, 1],
                groups: groups as i64,
            };
            match op.geometry(shape) {
                Some(geometry) => (op.into(), geometry.output_shape(shape)),
                None => (Scale { scale: Tensor::splat(vec![count], 2.0) }.into(), shape.to_vec()),
            }
        }
        (&[channels, rows, columns], 2) if rows > 1 && columns > 1 => {
            (Pool { window: vec![2, 2], mean: a % 2 == 0 }.into(), vec![channels, rows / 2, columns / 2])
        }
        (_, 3) => {
            let scale = match a % 2 {
                0 => Tensor::splat(vec![count], 2.0),
                _ => Tensor::new(vec![count], weights(vec![count, 1], 2, second).iter().collect()),
            };
            (Scale { scale }.into(), shape.to_vec())
        }
        _ => {
            let same = b % 2 == 0;
            let to = if same { shape.to_vec() } else { vec![1 + c % 4] };
            let rows = x_len(&to);
            let weight = weights(vec![rows, count], (d % 3) as u8, first);
            (Linear { weight, bias: bias(rows) }.into(), to)
        }
    }
}

/// Draws a network of connections, sums and delays over two sources, and the shape of every value.
fn network(choices: Vec<usize>) -> (Vec<Vec<usize>>, Vec<Step>) {
    let mut choices = choices.into_iter().cycle();
    let mut draw = move |below: usize| choices.next().unwrap_or(0) % below;
    let source = match draw(3) {
        0 => vec![1 + draw(4)],
        _ => vec![1 + draw(2), 1 + draw(4), 1 + draw(4)],
    };
    let (mut shapes, mut steps) = (vec![source.clone(), source], Vec::new());
    for _ in 0..3 + draw(4) {
        // Connections of the same source meet more often than not.
        let on = if draw(2) == 0 { 0 } else { draw(shapes.len()) };
        let on = if on == 0 && shapes.len() > 3 && draw(2) == 0 { shapes.len() - 1 } else { on };
        let alike: Vec<usize> = (2..shapes.len()).filter(|&other| shapes[other] == shapes[on] && on > 1).collect();
        let (step, shape) = match draw(6) {
            0 if on > 1 => (Step::Delay(on, 1 + draw(2) as i64), shapes[on].clone()),
            1..=3 if !alike.is_empty() => (Step::Add(on, alike[draw(alike.len())]), shapes[on].clone()),
            _ => {
                let (op, to) = connection(&shapes[on].clone(), &mut draw);
                (Step::Connect(on, Box::new(op)), to)
            }
        };
        steps.push(step);
        shapes.push(shape);
    }
    (shapes, steps)
}

fn graph_of(shapes: &[Vec<usize>], steps: &[Step], pricing: Pricing) -> Graph {
    let mut graph = Graph::new(Algebra::new(pricing));
    let mut ids = vec![graph.add(Term::Source(0)), graph.add(Term::Source(1))];
    for (number, step) in steps.iter().enumerate() {
        let term = match step {
            Step::Connect(on, op) => {
                let (from, to) = (&shapes[*on], &shapes[number + 2]);
                Term::Connection(graph.analysis.add((**op).clone(), from, to, "c", Vec::new()), [ids[*on]])
            }
            Step::Add(a, b) => Term::Sum(vec![ids[*a], ids[*b]]),
            Step::Delay(on, ticks) => Term::Delay(*ticks, [ids[*on]]),
        };
        ids.push(graph.add(term));
    }
    graph
}

/// Runs rules on a network and compares all terms of each class; returns how many terms the rules added.
fn check(rules: &[Rule], choices: Vec<usize>, pricing: Pricing) -> usize {
    let (shapes, steps) = network(choices);
    let graph = graph_of(&shapes, &steps, pricing);
    let before = graph.total_size();
    let graph = saturate(graph, rules, &Options::default()).unwrap();
    let mut values: BTreeMap<Id, Stream> = BTreeMap::new();
    for (source, shape) in shapes.iter().enumerate().take(2) {
        let id = graph.lookup(Term::Source(source)).unwrap();
        let element = |tick: usize, at: usize| f64::from((tick * 5 + at * 3 + source).is_multiple_of(4));
        let stream = (0..TICKS).map(|tick| (0..x_len(shape)).map(|at| element(tick, at)).collect()).collect();
        values.insert(id, stream);
    }
    let mut is_settled = false;
    while !is_settled {
        is_settled = true;
        for class in graph.classes() {
            for term in class.iter() {
                let Some(stream) = value(&graph, term, &values) else { continue };
                let known = values.entry(class.id).or_insert_with(|| {
                    is_settled = false;
                    stream.clone()
                });
                for (a, b) in known.iter().flatten().zip(stream.iter().flatten()) {
                    let close = (a - b).abs() <= 1e-4 * (1.0 + a.abs().max(b.abs()));
                    assert!(close, "{a} and {b}: {term:?} in {class:?} of {steps:?}");
                }
            }
        }
    }
    graph.total_size().saturating_sub(before)
}

#[test]
fn rewrites_keep_what_terms_give() {
    let target = Target::parse(TARGET, "spinnaker2.toml").unwrap();
    let each: Vec<&[Rule]> = RULES.iter().map(std::slice::from_ref).collect();
    for rules in each.into_iter().chain([RULES]) {
        let added = Cell::new(0);
        let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
        let mut runner =
            TestRunner::new_with_rng(config, prop::test_runner::TestRng::deterministic_rng(Default::default()));
        let choices = prop::collection::vec(0usize..1 << 16, 160);
        let result = runner.run(&choices, |choices| {
            added.set(added.get() + check(rules, choices, Pricing::new(&target, 8)));
            Ok(())
        });
        let names: Vec<&str> = rules.iter().map(|rule| rule.name).collect();
        assert!(result.is_ok(), "{names:?}: {result:?}");
        // A rule that finds nothing to do here would be proven for nothing.
        assert!(added.get() > 0, "{names:?} never applied");
    }
}
