//! The order in which the nodes of a network are run within a tick.

use petgraph::{algo::toposort, graph::DiGraph};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    graph::{DialectOp, Network},
};

/// Nodes in an order in which every operand is ready, given that delays of a tick or more are ready at once.
pub fn of<O: DialectOp>(network: &Network<O>, is_delay: impl Fn(&O) -> bool) -> Result<Vec<usize>> {
    let mut graph = DiGraph::<(), ()>::new();
    let handles: Vec<_> = network.nodes.iter().map(|_| graph.add_node(())).collect();
    for (user, node) in network.nodes.iter().enumerate() {
        if !is_delay(&node.op) {
            for &input in &node.inputs {
                graph.add_edge(handles[input], handles[user], ());
            }
        }
    }
    let order = toposort(&graph, None).map_err(|cycle| {
        let name = &network.nodes[cycle.node_id().index()].name;
        Diagnostic::error("cycle-without-delay", "a cycle holds no delay").at_node(name.clone())
    })?;
    Ok(order.into_iter().map(|handle| handle.index()).collect())
}
