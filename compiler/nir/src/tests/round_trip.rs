//! What is written reads back.

use super::*;
use proptest::prelude::*;

#[test]
fn every_node_type_reads_back() {
    let graph = every_node();
    let model = read(write(&graph).unwrap(), "every.nir").unwrap();
    assert_eq!(model.graph, graph);
    assert_eq!((model.version.as_deref(), model.notes.len(), model.warnings.len()), (Some("1.0.8"), 0, 0));
    let flat = graph.clone().flatten().unwrap();
    let kinds: Vec<_> = flat.nodes.values().chain(graph.nodes.values()).map(Node::kind).collect();
    assert!(KINDS.iter().all(|kind| kinds.contains(kind)));
}

#[test]
fn the_same_graph_gives_the_same_bytes() {
    let first = write(&every_node()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(first, write(&every_node()).unwrap());
}

#[test]
fn shapes_of_all_node_types_fit() {
    let shapes = infer_shapes(&every_node()).unwrap();
    assert_eq!(shapes.nodes["conv"].output, [4, 8, 8]);
    assert_eq!(shapes.nodes["flatten"].output, [4, 9]);
    assert_eq!(shapes.nodes["conv1d"].output, [2, 5]);
    assert_eq!(shapes.nodes["sub/lif"].output, [4]);
    assert!(shapes.warnings.is_empty());
}

#[test]
fn a_flattened_graph_is_written_with_dots() {
    let flat = write(&every_node().flatten().unwrap()).unwrap();
    assert!(read(flat, "flat.nir").unwrap().graph.nodes.contains_key("sub.lif"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn chains_of_any_width_read_back(widths in prop::collection::vec(1_usize..6, 2..6), weight in -2.0_f32..2.0, tau in 1e-4_f64..1.0) {
        let mut graph = Graph::default();
        let mut last = "input".to_owned();
        graph.nodes.insert(last.clone(), input(&widths[..1]));
        for (layer, pair) in widths.windows(2).enumerate() {
            let weights = Node::Linear(linear::Linear { weight: ArrayD::from_elem([pair[1], pair[0]].as_slice(), weight) });
            let mut neurons = lif(&[pair[1]]);
            if let Node::Lif(lif) = &mut neurons {
                lif.tau.fill(tau);
            }
            for (name, node) in [(format!("fc{layer}"), weights), (format!("lif{layer}"), neurons)] {
                graph.nodes.insert(name.clone(), node);
                graph.edges.push((std::mem::replace(&mut last, name.clone()), name));
            }
        }
        prop_assert_eq!(read(write(&graph).unwrap(), "chain.nir").unwrap().graph, graph.clone());
        prop_assert!(infer_shapes(&graph).is_ok());
    }
}
