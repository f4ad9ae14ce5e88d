//! Timing on the chip: when each population can start, and which cycles leave it time to.
//!
//! Every hop takes a tick, so that a projection from u to v with w ticks of delay asks for start(v) + w >= start(u) + 1.
//! In the graph of populations whose edges have the length w - 1, the shortest distances (from outside, 0 to every node)
//! are the earliest starts with the sign changed, and a cycle of negative length can't keep its timing.

use super::projections::{self, Projection};
use petgraph::{
    algo::{bellman_ford, find_negative_cycle, tarjan_scc},
    graph::{DiGraph, NodeIndex},
    visit::EdgeRef,
};
use s2c_dialects::{diagnostic::Result, qsnn::Network};

/// A cycle of populations, in the order of its projections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Indices of the populations' nodes.
    pub populations: Vec<usize>,
    /// Ticks of delay that its projections hold.
    pub ticks: i64,
}

impl Cycle {
    /// Ticks of delay beyond one for each hop; negative where the cycle can't keep its timing.
    pub fn slack(&self) -> i64 {
        self.ticks - self.populations.len() as i64
    }
}

/// The graph of a network's inputs and populations. Nodes have the numbers of the network's nodes, edges their slack.
pub struct Timing {
    graph: DiGraph<(), f64>,
}

impl Timing {
    /// Reads the projections of a network.
    pub fn of(network: &Network) -> Result<Self> {
        let mut graph = DiGraph::new();
        (0..network.nodes.len()).for_each(|_| {
            graph.add_node(());
        });
        for to in (0..network.nodes.len()).filter(|&index| network.nodes[index].op.is_neuron()) {
            for Projection { source, ticks, .. } in projections::of_qsnn(network, to)? {
                graph.add_edge(NodeIndex::new(source), NodeIndex::new(to), (ticks - 1) as f64);
            }
        }
        Ok(Self { graph })
    }

    /// The earliest start of each node (0 for those that nothing comes before), or a cycle that can't keep its timing.
    pub fn earliest_starts(&self) -> std::result::Result<Vec<i64>, Cycle> {
        let mut graph = self.graph.clone();
        let outside = graph.add_node(());
        self.graph.node_indices().for_each(|node| {
            graph.add_edge(outside, node, 0.0);
        });
        if let Some(cycle) = find_negative_cycle(&graph, outside) {
            return Err(self.cycle(&cycle));
        }
        let distances = bellman_ford(&graph, outside).map_or_else(|_| Vec::new(), |paths| paths.distances);
        Ok(self.graph.node_indices().map(|node| -distances[node.index()] as i64).collect())
    }

    /// For each set of populations that reach each other, its tightest cycle: the one with the least slack. Where
    /// several are equal, the first.
    pub fn tightest_cycles(&self) -> Vec<Cycle> {
        let mut components = tarjan_scc(&self.graph);
        components.iter_mut().for_each(|component| component.sort_unstable());
        components.sort();
        components.into_iter().filter_map(|component| self.tightest_cycle(&component)).collect()
    }

    fn tightest_cycle(&self, component: &[NodeIndex]) -> Option<Cycle> {
        // Numbers of its own, because petgraph's algorithms run over whole graphs.
        let number = |node: NodeIndex| component.binary_search(&node).ok();
        let mut graph: DiGraph<(), f64> = DiGraph::new();
        component.iter().for_each(|_| {
            graph.add_node(());
        });
        for edge in self.graph.edge_references() {
            if let (Some(from), Some(to)) = (number(edge.source()), number(edge.target())) {
                graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), *edge.weight());
            }
        }
        let original =
            |cycle: &[NodeIndex]| self.cycle(&cycle.iter().map(|n| component[n.index()]).collect::<Vec<_>>());
        if let Some(cycle) = graph.node_indices().next().and_then(|first| find_negative_cycle(&graph, first)) {
            return Some(original(&cycle));
        }
        let mut tightest: Option<Cycle> = None;
        for first in graph.node_indices() {
            let Ok(paths) = bellman_ford(&graph, first) else { continue };
            for last in graph.edges_directed(first, petgraph::Incoming).map(|edge| edge.source()) {
                let mut cycle = vec![last];
                while let Some(before) = paths.predecessors[cycle[cycle.len() - 1].index()].filter(|_| last != first) {
                    cycle.push(before);
                    if before == first {
                        break;
                    }
                }
                cycle.reverse();
                let cycle = original(&cycle);
                if tightest.as_ref().is_none_or(|other| cycle.slack() < other.slack()) {
                    tightest = Some(cycle);
                }
            }
        }
        tightest
    }

    /// The cycle over these nodes, along the least delayed projections; it starts at the smallest number.
    fn cycle(&self, nodes: &[NodeIndex]) -> Cycle {
        let first = (0..nodes.len()).min_by_key(|&position| nodes[position]).unwrap_or(0);
        let mut nodes = nodes.to_vec();
        nodes.rotate_left(first);
        let slack = |(position, &from): (usize, &NodeIndex)| {
            let to = nodes[(position + 1) % nodes.len()];
            self.graph.edges_connecting(from, to).map(|edge| *edge.weight()).fold(f64::INFINITY, f64::min)
        };
        let slack: f64 = nodes.iter().enumerate().map(slack).sum();
        let populations: Vec<usize> = nodes.iter().map(|node| node.index()).collect();
        Cycle { ticks: slack as i64 + populations.len() as i64, populations }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(count: usize, edges: &[(u32, u32, i64)]) -> Timing {
        let mut graph = DiGraph::new();
        (0..count).for_each(|_| {
            graph.add_node(());
        });
        for &(from, to, ticks) in edges {
            graph.add_edge(from.into(), to.into(), (ticks - 1) as f64);
        }
        Timing { graph }
    }

    #[test]
    fn starts_are_longest_paths() {
        // 0 -> 1 -> 2 -> 3 with a skip from 1 to 3, and a loop around 2 and 3 whose delay is just enough.
        let timing = timing(5, &[(0, 1, 0), (1, 2, 0), (2, 3, 0), (1, 3, 0), (3, 2, 2)]);
        assert_eq!(timing.earliest_starts(), Ok(vec![0, 1, 2, 3, 0]));
        assert_eq!(timing.tightest_cycles(), [Cycle { populations: vec![2, 3], ticks: 2 }]);
    }

    #[test]
    fn a_delay_node_gives_slack_to_some_cycles_only() {
        // A loop of three populations with 4 ticks, and a short cut through two of them with 1.
        let timing = timing(3, &[(0, 1, 1), (1, 2, 0), (2, 0, 3), (1, 0, 0)]);
        let tight = Cycle { populations: vec![0, 1], ticks: 1 };
        assert_eq!(tight.slack(), -1);
        assert_eq!(timing.earliest_starts(), Err(tight.clone()));
        assert_eq!(timing.tightest_cycles(), [tight]);
    }

    #[test]
    fn the_least_delayed_of_parallel_projections_counts() {
        let timing = timing(2, &[(0, 0, 5), (0, 0, 2), (0, 1, 0), (1, 1, 1)]);
        let cycle = |node, ticks| Cycle { populations: vec![node], ticks };
        assert_eq!(timing.tightest_cycles(), [cycle(0, 2), cycle(1, 1)]);
        assert_eq!(timing.earliest_starts(), Ok(vec![0, 1]));
    }
}
