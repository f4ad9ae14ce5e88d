//! The order of nodes, and the edges in cycles that carry the previous tick's spikes.
//!
//! A walk from the inputs, along edges in the order of the file, finds the edges that lead back to a node that is still
//! being walked. Each such cycle must hold a neuron; the edge out of the last neuron before the walk closed the cycle is
//! the one that is a tick late. A Delay node in the cycle is late by itself, and no edge has to be. That is what frameworks
//! do that run nodes in that order and keep the last tick's spikes.
//!
//! The walk goes on as if it had never taken the late edge: it forgets what it found behind it, and nothing else, so that
//! a network of many loops is walked about once.

use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    shown,
};
use s2c_nir::{Graph, Node};
use std::collections::BTreeMap;

/// What [`plan`] finds. Nodes are numbered in the order of the graph.
pub struct Plan {
    /// All nodes, each after those that its undelayed edges come from.
    pub order: Vec<usize>,
    /// Edges that lead back, from and to, with the ticks by which they are late: 1, or 0 into a Delay node, which is late
    /// itself.
    pub late: BTreeMap<(usize, usize), i64>,
}

/// Orders the nodes of a flattened graph.
pub fn plan(graph: &Graph, warnings: &mut Vec<Diagnostic>) -> Result<Plan> {
    let size = graph.nodes.len();
    let mut successors: Vec<Vec<usize>> = vec![Vec::new(); size];
    graph.links().for_each(|(from, to)| successors[from].push(to));
    let mut walk = Walk {
        successors,
        marks: vec![Mark::New; size],
        path: Vec::new(),
        found: Vec::with_capacity(size),
        left: Vec::with_capacity(size),
        late: BTreeMap::new(),
    };
    // Inputs first, so that a cycle is entered where data enters it.
    let inputs = graph.inputs().filter_map(|input| graph.nodes.get_index_of(input));
    for start in inputs.chain(0..size) {
        walk.enter(start);
        while let Some(cycle) = walk.next_cycle() {
            let (from, ticks) = match before_delay(graph, &cycle) {
                Some(from) => (from, 0),
                None => (last_neuron(graph, &cycle, warnings)?, 1),
            };
            walk.part(&cycle, from, ticks);
        }
    }
    walk.left.reverse();
    Ok(Plan { order: walk.left, late: walk.late })
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    /// On the path, at this place.
    Open(usize),
    Done,
}

/// A node on the path.
struct Step {
    node: usize,
    /// How many of its edges have been walked.
    walked: usize,
    /// How many nodes had been found and left when it was found.
    before: (usize, usize),
}

/// A depth-first walk.
struct Walk {
    successors: Vec<Vec<usize>>,
    marks: Vec<Mark>,
    path: Vec<Step>,
    /// Nodes in the order in which they were found.
    found: Vec<usize>,
    /// Nodes in the order in which they were left.
    left: Vec<usize>,
    late: BTreeMap<(usize, usize), i64>,
}

impl Walk {
    fn enter(&mut self, node: usize) {
        if self.marks[node] == Mark::New {
            self.marks[node] = Mark::Open(self.path.len());
            self.path.push(Step { node, walked: 0, before: (self.found.len(), self.left.len()) });
            self.found.push(node);
        }
    }

    /// Walks until an edge closes a cycle, and gives its nodes in the order of its edges; `None` once all is walked.
    fn next_cycle(&mut self) -> Option<Vec<usize>> {
        while let Some(Step { node, walked, .. }) = self.path.last_mut() {
            let Some(&successor) = self.successors[*node].get(*walked) else {
                self.marks[*node] = Mark::Done;
                self.left.push(*node);
                self.path.pop();
                continue;
            };
            *walked += 1;
            match self.marks[successor] {
                _ if self.late.contains_key(&(*node, successor)) => {}
                Mark::Done => {}
                Mark::New => self.enter(successor),
                Mark::Open(first) => return Some(self.path[first..].iter().map(|step| step.node).collect()),
            }
        }
        None
    }

    /// Makes the edge out of a cycle's node late and goes back to where the walk took it.
    fn part(&mut self, cycle: &[usize], from: usize, ticks: i64) {
        self.late.insert((cycle[from], cycle[(from + 1) % cycle.len()]), ticks);
        let kept = self.path.len() - cycle.len() + from + 1;
        let Some(&Step { before: (found, left), .. }) = self.path.get(kept) else { return };
        self.path.truncate(kept);
        self.left.truncate(left);
        self.found.drain(found..).for_each(|node| self.marks[node] = Mark::New);
    }
}

/// Where in a cycle the edge into its Delay node begins, where it has one that delays all that passes it. There must be a
/// neuron as well.
fn before_delay(graph: &Graph, cycle: &[usize]) -> Option<usize> {
    let is_delay = |node: &usize| match &graph.nodes[*node] {
        Node::Delay(delay) => delay.delay.iter().all(|&seconds| seconds > 0.0),
        _ => false,
    };
    cycle.iter().find(|&&node| graph.nodes[node].is_population())?;
    let at = cycle.iter().position(is_delay)?;
    Some((at + cycle.len() - 1) % cycle.len())
}

/// The last neuron of a cycle: the edge out of it is a tick late.
fn last_neuron(graph: &Graph, cycle: &[usize], warnings: &mut Vec<Diagnostic>) -> Result<usize> {
    let name = |node: usize| graph.name(node);
    let names = || shown::list(cycle.iter().map(|&node| name(node)));
    let is_neuron = |node: &usize| graph.nodes[*node].is_population();
    let Some(last) = cycle.iter().rposition(is_neuron) else {
        return Err(Box::new(
            Diagnostic::error("cycle-without-neuron", "a cycle holds no neuron")
                .at_node(name(cycle[0]))
                .text(format!("The cycle goes through {}.", names()))
                .hint("values must pass a neuron, which keeps them for the next tick"),
        ));
    };
    if cycle[..last].iter().any(is_neuron) {
        let (from, to) = (name(cycle[last]), name(cycle[(last + 1) % cycle.len()]));
        warnings.push(
            Diagnostic::warning("late-edge", format!("`{to}` sees the spikes of `{from}` a tick late"))
                .at_node(from)
                .text(format!("One edge of the cycle {} has to be late, and the file does not say which.", names()))
                .hint("a Delay node in the cycle would say it"),
        );
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr0;
    use s2c_nir::{
        neuron::If,
        port::{Input, Output},
        signal::Delay,
    };
    use s2c_tests::Random;

    fn node(numbers: &mut Random) -> Node {
        let one = arr0(1.0).into_dyn();
        match numbers.below(8) {
            0 => Node::Input(Input { shape: vec![1] }),
            1 => Node::Delay(Delay { delay: one }),
            2 => Node::Output(Output { shape: vec![1] }),
            _ => Node::If(If { r: one.clone(), v_threshold: one.clone(), v_reset: one }),
        }
    }

    fn graph(numbers: &mut Random) -> Graph {
        let size = 1 + numbers.below(9);
        let nodes = (0..size).map(|number| (number.to_string(), node(numbers))).collect();
        let mut end = || numbers.below(size).to_string();
        Graph { nodes, edges: (0..2 * size).map(|_| (end(), end())).collect() }
    }

    /// Nodes after those that they depend on or the first cycle that a walk without the late edges closes.
    fn first_cycle(graph: &Graph, late: &BTreeMap<(usize, usize), i64>) -> std::result::Result<Vec<usize>, Vec<usize>> {
        fn visit(
            edges: &[(usize, usize)],
            node: usize,
            path: &mut Vec<usize>,
            left: &mut Vec<usize>,
        ) -> std::result::Result<(), Vec<usize>> {
            if left.contains(&node) {
                return Ok(());
            }
            if let Some(first) = path.iter().position(|&on_path| on_path == node) {
                return Err(path[first..].to_vec());
            }
            path.push(node);
            edges.iter().filter(|edge| edge.0 == node).try_for_each(|edge| visit(edges, edge.1, path, left))?;
            path.pop();
            left.push(node);
            Ok(())
        }
        let edges: Vec<_> = graph.links().filter(|edge| !late.contains_key(edge)).collect();
        let mut left = Vec::new();
        let inputs = graph.inputs().filter_map(|input| graph.nodes.get_index_of(input));
        inputs.chain(0..graph.nodes.len()).try_for_each(|node| visit(&edges, node, &mut Vec::new(), &mut left))?;
        left.reverse();
        Ok(left)
    }

    /// A walk from the start after each edge that is found to be late.
    fn plan_by_restarts(graph: &Graph, warnings: &mut Vec<Diagnostic>) -> Result<Plan> {
        let mut late = BTreeMap::new();
        loop {
            match first_cycle(graph, &late) {
                Ok(order) => return Ok(Plan { order, late }),
                Err(cycle) => {
                    let (from, ticks) = match before_delay(graph, &cycle) {
                        Some(from) => (from, 0),
                        None => (last_neuron(graph, &cycle, warnings)?, 1),
                    };
                    late.insert((cycle[from], cycle[(from + 1) % cycle.len()]), ticks);
                }
            }
        }
    }

    #[test]
    fn going_back_is_starting_again() {
        let mut numbers = Random(1);
        let mut late = 0;
        for _ in 0..5000 {
            let graph = graph(&mut numbers);
            let (mut said, mut expected) = (Vec::new(), Vec::new());
            match (plan(&graph, &mut said), plan_by_restarts(&graph, &mut expected)) {
                (Ok(found), Ok(expected)) => {
                    assert_eq!((&found.order, &found.late), (&expected.order, &expected.late), "{graph:?}");
                    late += found.late.len();
                }
                (found, expected) => assert_eq!(found.err(), expected.err(), "{graph:?}"),
            }
            assert_eq!(said, expected);
        }
        assert!(late > 5000, "{late} edges are late");
    }
}
