//! The order of nodes, and the edges in cycles that carry the previous tick's spikes.
//!
//! A walk from the inputs, along edges in the order of the file, finds the edges that lead back to a node that is still
//! being walked. Each such cycle must hold a neuron; the edge out of the last neuron before the walk closed the cycle is
//! the one that is a tick late. A Delay node in the cycle is late by itself, and no edge has to be. That is what frameworks do that run nodes in that order and keep the last tick's spikes.

use s2c_dialects::diagnostic::{Diagnostic, Result};
use s2c_nir::{Graph, Node};

/// What [`plan`] finds.
pub struct Plan {
    /// All nodes, each after those that its undelayed edges come from.
    pub order: Vec<String>,
    /// Edges that lead back to a node before their own.
    pub late: Vec<Late>,
}

/// An edge that leads back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// Source and destination.
    pub edge: (String, String),
    /// Ticks by which it is late: 1, or 0 into a Delay node, which is late itself.
    pub ticks: i64,
}

/// Orders the nodes of a flattened graph.
pub fn plan(graph: &Graph, warnings: &mut Vec<Diagnostic>) -> Result<Plan> {
    let mut late: Vec<Late> = Vec::new();
    loop {
        match walk(graph, &late) {
            Ok(mut order) => {
                order.reverse();
                return Ok(Plan { order, late });
            }
            Err(cycle) => late.push(match edge_into_delay(graph, &cycle) {
                Some(edge) => Late { edge, ticks: 0 },
                None => Late { edge: late_edge(graph, &cycle, warnings)?, ticks: 1 },
            }),
        }
    }
}

/// Nodes in the order in which a depth-first walk leaves them, or a cycle in the order of its edges.
fn walk(graph: &Graph, late: &[Late]) -> std::result::Result<Vec<String>, Vec<String>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let size = graph.nodes.len();
    let mut successors: Vec<Vec<usize>> = vec![Vec::new(); size];
    for edge in graph.edges.iter().filter(|edge| late.iter().all(|late| late.edge != **edge)) {
        if let (Some(from), Some(to)) = (graph.nodes.get_index_of(&edge.0), graph.nodes.get_index_of(&edge.1)) {
            successors[from].push(to);
        }
    }
    let name = |index: usize| graph.nodes.get_index(index).map_or_else(String::new, |(name, _)| name.clone());
    let mut marks = vec![Mark::New; size];
    let mut order = Vec::with_capacity(size);
    // Inputs first, so that a cycle is entered where data enters it.
    let inputs = graph.inputs().filter_map(|input| graph.nodes.get_index_of(input));
    for start in inputs.chain(0..size) {
        if marks[start] != Mark::New {
            continue;
        }
        marks[start] = Mark::Open;
        // (node, how many of its edges have been walked)
        let mut path = vec![(start, 0)];
        while let Some(&mut (node, ref mut next)) = path.last_mut() {
            let Some(&successor) = successors[node].get(*next) else {
                marks[node] = Mark::Done;
                order.push(name(node));
                path.pop();
                continue;
            };
            *next += 1;
            match marks[successor] {
                Mark::Done => {}
                Mark::New => {
                    marks[successor] = Mark::Open;
                    path.push((successor, 0));
                }
                Mark::Open => {
                    let first = path.iter().position(|&(node, _)| node == successor).unwrap_or(0);
                    return Err(path[first..].iter().map(|&(node, _)| name(node)).collect());
                }
            }
        }
    }
    Ok(order)
}

/// The edge into a cycle's Delay node, where it has one that delays all that passes it. There must be a neuron as well.
fn edge_into_delay(graph: &Graph, cycle: &[String]) -> Option<(String, String)> {
    let is_delay = |name: &String| match graph.nodes.get(name) {
        Some(Node::Delay(delay)) => delay.delay.iter().all(|&seconds| seconds > 0.0),
        _ => false,
    };
    cycle.iter().find(|name| graph.nodes.get(*name).is_some_and(Node::is_population))?;
    let at = cycle.iter().position(is_delay)?;
    Some((cycle[(at + cycle.len() - 1) % cycle.len()].clone(), cycle[at].clone()))
}

/// The edge of a cycle that is a tick late: the one out of its last neuron.
fn late_edge(graph: &Graph, cycle: &[String], warnings: &mut Vec<Diagnostic>) -> Result<(String, String)> {
    let is_neuron = |name: &String| graph.nodes.get(name).is_some_and(Node::is_population);
    let Some(last) = cycle.iter().rposition(is_neuron) else {
        return Err(Box::new(
            Diagnostic::error("cycle-without-neuron", "a cycle holds no neuron")
                .at_node(cycle.first().cloned().unwrap_or_default())
                .text(format!("The cycle goes through {}.", cycle.join(", ")))
                .hint("values must pass a neuron, which keeps them for the next tick"),
        ));
    };
    let edge = (cycle[last].clone(), cycle[(last + 1) % cycle.len()].clone());
    if cycle.iter().filter(|name| is_neuron(name)).count() > 1 {
        warnings.push(
            Diagnostic::warning("late-edge", format!("`{}` sees the spikes of `{}` a tick late", edge.1, edge.0))
                .at_node(edge.0.clone())
                .text(format!(
                    "One edge of the cycle {} has to be late, and the file does not say which.",
                    cycle.join(", ")
                ))
                .hint("a Delay node in the cycle would say it"),
        );
    }
    Ok(edge)
}
