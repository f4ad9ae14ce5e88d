//! Real models, where they are at hand.

use super::*;

fn read_file(path: &Path) -> Result<Model> {
    read(fs::read(path).unwrap(), &path.display().to_string())
}

#[test]
fn real_models_are_read() {
    let Some(data) = shared("") else { return };
    let expected = [
        ("nir/lif_norse.nir", 4, &[][..]),
        ("nir/lif_rockpool.nir", 4, &["assumed-reshape"]),
        ("nir/two_lif_neurons.nir", 6, &[]),
        ("nir/cnn_sinabs.nir", 15, &[]),
        ("nir/braille_noDelay_bias_zero.nir", 7, &[]),
        ("nir/braille_noDelay_noBias_subtract.nir", 7, &[]),
        ("nir/braille_noDelay_bias_zero_subgraph.nir", 7, &["renamed-node"]),
        ("nir/braille_noDelay_noBias_subtract_subgraph.nir", 7, &["renamed-node"]),
        ("nir/sinabs_dvs_gesture.nir", 26, &[]),
        ("digits/digits_conv_lif.nir", 11, &[]),
        ("gesture/gesture_hard_conv_lif.nir", 11, &[]),
        ("nmnist/nmnist_conv_lif.nir", 11, &[]),
    ];
    for (name, size, warnings) in expected {
        let model = read_file(&data.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let flat = model.graph.clone().flatten().unwrap();
        let shapes = infer_shapes(&flat).unwrap_or_else(|error| panic!("{name}: {error}"));
        let codes: Vec<_> = model.warnings.iter().chain(&shapes.warnings).map(|warning| warning.code).collect();
        assert_eq!((flat.nodes.len(), codes.as_slice()), (size, warnings), "{name}");
        let copy = write(&model.graph).unwrap();
        assert_eq!(read(copy, "copy.nir").unwrap().graph.edges, model.graph.edges, "{name}");
    }
}

#[test]
fn a_subgraph_file_is_the_same_network_as_its_flat_twin() {
    let Some(data) = shared("") else { return };
    let graph = |name: &str| read_file(&data.join(name)).unwrap().graph.flatten().unwrap();
    let flat = graph("nir/braille_noDelay_bias_zero.nir");
    let nested = graph("nir/braille_noDelay_bias_zero_subgraph.nir");
    for (nested_name, flat_name) in [("lif1/lif1", "lif1.lif"), ("lif1/lin", "lif1.w_rec"), ("fc2", "fc2")] {
        assert_eq!(nested.nodes[nested_name], flat.nodes[flat_name]);
    }
    assert_eq!(nested.edges.len(), flat.edges.len());
}
