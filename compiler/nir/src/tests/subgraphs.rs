//! Subgraphs are dissolved.

use super::*;

#[test]
fn subgraphs_dissolve_into_paths() {
    let pass = Graph { nodes: nodes([("a", input(&[1])), ("b", output(&[1]))]), edges: edges(&[("a", "b")]) };
    let two = Graph {
        nodes: nodes([
            ("left", input(&[1])),
            ("right", input(&[1])),
            ("lif", lif(&[1])),
            ("pass", Node::Graph(pass)),
            ("end", output(&[1])),
        ]),
        edges: edges(&[("left", "lif"), ("right", "lif"), ("lif", "pass"), ("pass", "end")]),
    };
    let mut graph = Graph {
        nodes: nodes([("in", input(&[1])), ("two", Node::Graph(two)), ("out", output(&[1]))]),
        edges: edges(&[("in", "two/left"), ("in", "two.right"), ("two", "out")]),
    };
    let flat = graph.clone().flatten().unwrap();
    assert_eq!(flat.nodes.keys().collect::<Vec<_>>(), ["in", "two/lif", "out"]);
    assert_eq!(flat.edges, edges(&[("two/lif", "out"), ("in", "two/lif"), ("in", "two/lif")]));
    graph.edges = edges(&[("in", "two")]);
    assert_eq!(graph.clone().flatten().unwrap_err().code, "ambiguous-port");
    graph.edges = edges(&[("in", "two/end")]);
    assert_eq!(graph.clone().flatten().unwrap_err().code, "missing-node");
}

#[test]
fn a_cycle_of_ports_alone_is_an_error() {
    let pass = Graph { nodes: nodes([("a", input(&[1])), ("b", output(&[1]))]), edges: edges(&[("a", "b")]) };
    let graph = Graph {
        nodes: nodes([("in", input(&[1])), ("x", Node::Graph(pass.clone())), ("y", Node::Graph(pass))]),
        edges: edges(&[("in", "x"), ("x", "y"), ("y", "x")]),
    };
    assert_eq!(graph.clone().flatten().unwrap_err().code, "port-cycle");
}
