//! The rewrites. Each gives terms that are equal to a term for every input; `tests.rs` proves each on random shapes and
//! weights.

use super::term::{Connection, Graph, Term};
use crate::snn::connection_fusion::{
    columns::to_linear,
    compose::{compose, pool_to_convolution},
    without_bias,
};
use egg::{Applier, Id, PatternAst, Rewrite, SearchMatches, Searcher, Subst, Symbol, Var};
use s2c_dialects::{
    attribute::Tensor,
    snn::{Conv2d, Linear, Op, Scale},
};
use std::collections::BTreeSet;

/// Terms at most.
pub const NODES: usize = 1000;
/// Largest matrix that is made only to be looked at.
const MOST_ELEMENTS: usize = 1 << 20;

/// A rewrite.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name; the first word of what `--remarks` prints.
    pub name: &'static str,
    /// Terms that are equal to one. Connections in the set are named in the options and stay apart.
    rewrite: fn(&mut Graph, &BTreeSet<String>, &Term) -> Vec<Id>,
}

/// All rewrites.
#[rustfmt::skip]
pub const RULES: &[Rule] = &[
    // A (B x) = (A B) x.
    Rule { name: "compose", rewrite: composed },
    // A (x + y) = A x + A y, with the bias once.
    Rule { name: "distribute", rewrite: distributed },
    // A x + B x = (A + B) x.
    Rule { name: "merge", rewrite: merged },
    // (x + y) + z = x + y + z, and the sum of one term is the term.
    Rule { name: "flatten", rewrite: flattened },
    // 0 x + y = y.
    Rule { name: "drop-zero", rewrite: dropped },
    // A delay changes places with a connection without bias, and with a sum.
    Rule { name: "delay-first", rewrite: delayed },
    // Windows that do not overlap are a convolution of each channel by itself.
    Rule { name: "pool-as-convolution", rewrite: pooled },
    // A convolution without padding is a matrix in whose rows all weights of its channel occur.
    Rule { name: "convolution-as-matrix", rewrite: as_matrix },
    // A matrix with a diagonal alone, or a pointwise convolution of each channel by itself, is a scale.
    Rule { name: "diagonal-as-scale", rewrite: as_scale },
];

impl Rule {
    /// The rule in the form that egg runs.
    pub fn to_egg(self, named: &BTreeSet<String>) -> Result<Rewrite<Term, super::term::Algebra>, String> {
        let applied = Applied { rule: self, named: named.clone() };
        Rewrite::new(self.name, AllClasses, applied)
    }
}

/// Finds every class; the rules look at its terms themselves, because what they need to know is in the weights.
struct AllClasses;

impl Searcher<Term, super::term::Algebra> for AllClasses {
    fn search_eclass_with_limit(&self, graph: &Graph, class: Id, _: usize) -> Option<SearchMatches<'_, Term>> {
        Some(SearchMatches { eclass: graph.find(class), substs: vec![Subst::default()], ast: None })
    }

    fn vars(&self) -> Vec<Var> {
        Vec::new()
    }
}

struct Applied {
    rule: Rule,
    named: BTreeSet<String>,
}

impl Applier<Term, super::term::Algebra> for Applied {
    fn apply_one(
        &self,
        graph: &mut Graph,
        class: Id,
        _: &Subst,
        _: Option<&PatternAst<Term>>,
        name: Symbol,
    ) -> Vec<Id> {
        let mut changed = Vec::new();
        for term in graph[class].nodes.clone() {
            if graph.total_size() >= NODES {
                break;
            }
            for equal in (self.rule.rewrite)(graph, &self.named, &term) {
                if graph.union_trusted(class, equal, name) {
                    changed.push(class);
                }
            }
        }
        changed
    }
}

/// The connections of a class, with what each takes.
fn connections(graph: &Graph, class: Id) -> Vec<(usize, Id)> {
    let of = |term: &Term| match term {
        Term::Connection(number, [of]) => Some((*number, graph.find(*of))),
        _ => None,
    };
    graph[class].iter().filter_map(of).collect()
}

fn sums(graph: &Graph, class: Id) -> Vec<Vec<Id>> {
    let of = |term: &Term| match term {
        Term::Sum(terms) => Some(terms.clone()),
        _ => None,
    };
    graph[class].iter().filter_map(of).collect()
}

fn elements(shape: &[usize]) -> usize {
    shape.iter().product()
}

fn composed(graph: &mut Graph, _: &BTreeSet<String>, term: &Term) -> Vec<Id> {
    let &Term::Connection(last, [of]) = term else { return Vec::new() };
    let mut equal = Vec::new();
    // What is zero equals its own multiples, which would go on forever.
    let class = graph.lookup(term.clone());
    for (first, source) in connections(graph, of) {
        if class == Some(source) || class == Some(graph.find(of)) {
            continue;
        }
        let made = graph.analysis.make("compose", [last, first], |last, first| {
            let shapes = [&first.from[..], &first.to, &last.to];
            let is_small = elements(&first.from).saturating_mul(elements(&last.to)) <= MOST_ELEMENTS;
            compose(&last.op, &first.op, shapes)
                .or_else(|| is_small.then(|| to_linear(&last.op, &first.op, shapes).ok())?)
        });
        equal.extend(made.map(|made| graph.add(Term::Connection(made, [source]))));
    }
    equal
}

fn distributed(graph: &mut Graph, _: &BTreeSet<String>, term: &Term) -> Vec<Id> {
    let &Term::Connection(number, [of]) = term else { return Vec::new() };
    let mut equal = Vec::new();
    for terms in sums(graph, of) {
        let unbiased = graph.analysis.make("without the bias of", [number, number], |connection, _| {
            let mut op = connection.op.clone();
            without_bias(&mut op);
            Some(op)
        });
        let number_of = |position: usize| if position == 0 { number } else { unbiased.unwrap_or(number) };
        let parts: Vec<Id> = terms
            .iter()
            .enumerate()
            .map(|(position, &part)| graph.add(Term::Connection(number_of(position), [part])))
            .collect();
        equal.push(graph.add(Term::Sum(parts)));
    }
    equal
}

fn merged(graph: &mut Graph, named: &BTreeSet<String>, term: &Term) -> Vec<Id> {
    let Term::Sum(terms) = term else { return Vec::new() };
    let mut equal = Vec::new();
    for first in 0..terms.len() {
        for second in first + 1..terms.len() {
            let (ours, theirs) = (connections(graph, terms[first]), connections(graph, terms[second]));
            for &(a, source) in &ours {
                for &(b, _) in theirs.iter().filter(|(_, other)| *other == source) {
                    let made = graph.analysis.make("merge", [b, a], |b, a| {
                        let apart = named.contains(&a.name) || named.contains(&b.name);
                        if apart { None } else { sum(a, b) }
                    });
                    let Some(made) = made else { continue };
                    let mut rest = terms.clone();
                    rest[first] = graph.add(Term::Connection(made, [source]));
                    rest.remove(second);
                    equal.push(graph.add(Term::Sum(rest)));
                }
            }
        }
    }
    equal
}

fn flattened(graph: &mut Graph, _: &BTreeSet<String>, term: &Term) -> Vec<Id> {
    let Term::Sum(terms) = term else { return Vec::new() };
    if let [only] = terms[..] {
        return vec![only];
    }
    let mut equal = Vec::new();
    // A sum equals itself and zero.
    let class = graph.lookup(term.clone());
    for position in (0..terms.len()).filter(|&position| class != Some(graph.find(terms[position]))).collect::<Vec<_>>()
    {
        for inner in sums(graph, terms[position]) {
            let mut flat = terms.clone();
            flat.splice(position..=position, inner);
            equal.push(graph.add(Term::Sum(flat)));
        }
    }
    equal
}

fn dropped(graph: &mut Graph, _: &BTreeSet<String>, term: &Term) -> Vec<Id> {
    let Term::Sum(terms) = term else { return Vec::new() };
    let is_zero = |class: &Id| {
        connections(graph, *class).into_iter().any(|(number, _)| is_zero(&graph.analysis.connections[number].op))
    };
    let kept: Vec<Id> = terms.iter().filter(|class| !is_zero(class)).copied().collect();
    if kept.is_empty() || kept.len() == terms.len() { Vec::new() } else { vec![graph.add(Term::Sum(kept))] }
}

fn delayed(graph: &mut Graph, _: &BTreeSet<String>, term: &Term) -> Vec<Id> {
    let &Term::Delay(ticks, [of]) = term else { return Vec::new() };
    let mut equal = Vec::new();
    for (number, source) in connections(graph, of) {
        if bias(&graph.analysis.connections[number].op).is_none() {
            let first = graph.add(Term::Delay(ticks, [source]));
            equal.push(graph.add(Term::Connection(number, [first])));
        }
    }
    for terms in sums(graph, of) {
        let parts = terms.into_iter().map(|part| graph.add(Term::Delay(ticks, [part]))).collect();
        equal.push(graph.add(Term::Sum(parts)));
    }
    equal
}

/// Rules that turn a connection into an equal one.
fn converted(
    graph: &mut Graph,
    term: &Term,
    rule: &'static str,
    convert: impl FnOnce(&Connection) -> Option<Op>,
) -> Vec<Id> {
    let &Term::Connection(number, of) = term else { return Vec::new() };
    let made = graph.analysis.make(rule, [number, number], |connection, _| convert(connection));
    made.map(|made| graph.add(Term::Connection(made, of))).into_iter().collect()
}

fn pooled(graph: &mut Graph, _: &BTreeSet<String>, term: &Term) -> Vec<Id> {
    converted(graph, term, "pool-as-convolution", |connection| match &connection.op {
        Op::Pool(pool) => pool_to_convolution(pool, &connection.from),
        _ => None,
    })
}

fn as_matrix(graph: &mut Graph, _: &BTreeSet<String>, term: &Term) -> Vec<Id> {
    converted(graph, term, "convolution-as-matrix", |connection| {
        let Op::Conv2d(op) = &connection.op else { return None };
        let geometry = op.geometry(&connection.from)?;
        let is_padded = geometry.padding != [0, 0] || geometry.behind != [0, 0];
        if is_padded { None } else { matrix(connection) }
    })
}

fn as_scale(graph: &mut Graph, _: &BTreeSet<String>, term: &Term) -> Vec<Id> {
    converted(graph, term, "diagonal-as-scale", |connection| {
        if connection.from != connection.to || bias(&connection.op).is_some() {
            return None;
        }
        let count = elements(&connection.to);
        let scale: Vec<f32> = match &connection.op {
            Op::Linear(op) => {
                let is_diagonal = op.weight.iter().enumerate().all(|(at, w)| w == 0.0 || at / count == at % count);
                is_diagonal.then(|| (0..count).map(|at| op.weight.at(at * count + at)).collect())?
            }
            Op::Conv2d(op) => {
                let g = op.geometry(&connection.from)?;
                let is_apart = g.groups == g.channels && g.groups == g.input[0];
                let is_pointwise = g.kernel == [1, 1] && g.stride == [1, 1] && g.pool == [1, 1];
                let is_padded = g.padding != [0, 0] || g.behind != [0, 0];
                let places = count / g.channels.max(1);
                (is_apart && is_pointwise && !is_padded)
                    .then(|| (0..count).map(|at| op.weight.at(at / places)).collect())?
            }
            _ => return None,
        };
        Some(Scale { scale: Tensor::new(vec![count], scale) }.into())
    })
}

fn bias(op: &Op) -> Option<&Tensor<f64>> {
    match op {
        Op::Linear(op) => op.bias.as_ref(),
        Op::Conv2d(op) => op.bias.as_ref(),
        _ => None,
    }
}

fn is_zero(op: &Op) -> bool {
    let weights = match op {
        Op::Linear(op) => &op.weight,
        Op::Conv2d(op) => &op.weight,
        Op::Scale(op) => &op.scale,
        _ => return false,
    };
    bias(op).is_none() && weights.iter().all(|weight| weight == 0.0)
}

/// The sum of two connections between the same values.
fn sum(a: &Connection, b: &Connection) -> Option<Op> {
    if a.from != b.from || a.to != b.to {
        return None;
    }
    let added = |a: &Tensor<f32>, b: &Tensor<f32>| {
        let sums = a.iter().zip(b.iter()).map(|(a, b)| (f64::from(a) + f64::from(b)) as f32);
        Tensor::new(a.shape.clone(), sums.collect())
    };
    match (&a.op, &b.op) {
        (Op::Scale(x), Op::Scale(y)) => Some(Scale { scale: added(&x.scale, &y.scale) }.into()),
        (Op::Linear(x), Op::Linear(y)) => {
            Some(Linear { weight: added(&x.weight, &y.weight), bias: sum_of_biases(&x.bias, &y.bias)? }.into())
        }
        (Op::Conv2d(x), Op::Conv2d(y)) if is_alike(x, y) => Some(
            Conv2d { weight: added(&x.weight, &y.weight), bias: sum_of_biases(&x.bias, &y.bias)?, ..x.clone() }.into(),
        ),
        (Op::Conv2d(conv), Op::Scale(scale)) | (Op::Scale(scale), Op::Conv2d(conv)) => {
            let skip = skip(conv, scale, &a.from).filter(|_| a.from == a.to);
            match skip {
                Some(weight) => Some(Conv2d { weight: added(&conv.weight, &weight), ..conv.clone() }.into()),
                None => sum(&as_linear(a)?, &as_linear(b)?),
            }
        }
        (Op::Linear(_), _) | (_, Op::Linear(_)) | (Op::Conv2d(_), Op::Conv2d(_)) => sum(&as_linear(a)?, &as_linear(b)?),
        _ => None,
    }
}

/// The sum of two biases; `None` where one has a value per channel and the other one per output.
fn sum_of_biases(a: &Option<Tensor<f64>>, b: &Option<Tensor<f64>>) -> Option<Option<Tensor<f64>>> {
    match (a, b) {
        (None, only) | (only, None) => Some(only.clone()),
        (Some(a), Some(b)) if a.len() == b.len() => {
            Some(Some(Tensor::new(a.shape.clone(), a.iter().zip(b.iter()).map(|(a, b)| a + b).collect())))
        }
        _ => None,
    }
}

/// Whether two convolutions differ in nothing but weights and bias.
fn is_alike(x: &Conv2d, y: &Conv2d) -> bool {
    let of = |op: &Conv2d| Conv2d { weight: Tensor::splat(op.weight.shape.clone(), 0.0), bias: None, ..op.clone() };
    of(x) == of(y)
}

/// A scale per channel as the weights of a convolution that keeps rows and columns.
fn skip(conv: &Conv2d, scale: &Scale, from: &[usize]) -> Option<Tensor<f32>> {
    let g = conv.geometry(from)?;
    let centre = [0, 1].map(|axis| g.padding[axis] / g.dilation[axis]);
    let is_centred =
        (0..2).all(|axis| centre[axis] * g.dilation[axis] == g.padding[axis] && centre[axis] < g.kernel[axis]);
    let places = scale.scale.len() / g.channels.max(1);
    let is_per_channel = (0..scale.scale.len()).all(|at| scale.scale.at(at) == scale.scale.at(at / places * places));
    if g.stride != [1, 1] || g.pool != [1, 1] || !is_centred || !is_per_channel || g.channels != g.input[0] {
        return None;
    }
    let mut weight = vec![0.0; conv.weight.len()];
    for channel in 0..g.channels {
        let within = channel % (g.input[0] / g.groups);
        weight[g.weight_index(channel, within, centre)] = scale.scale.at(channel * places);
    }
    Some(Tensor::new(conv.weight.shape.clone(), weight))
}

fn as_linear(connection: &Connection) -> Option<Connection> {
    let op = match &connection.op {
        Op::Linear(_) => connection.op.clone(),
        _ => matrix(connection)?,
    };
    Some(Connection { op, ..connection.clone() })
}

/// A connection as a matrix, where that is not too large.
fn matrix(connection: &Connection) -> Option<Op> {
    let (inputs, outputs) = (elements(&connection.from), elements(&connection.to));
    if inputs.saturating_mul(outputs) > MOST_ELEMENTS {
        return None;
    }
    let same: Op = Scale { scale: Tensor::splat(vec![inputs], 1.0) }.into();
    to_linear(&connection.op, &same, [&connection.from, &connection.from, &connection.to]).ok()
}
