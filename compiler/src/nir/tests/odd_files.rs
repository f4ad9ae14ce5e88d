//! Files that were made by hand: odd but good, and wrong.

use super::*;
use hdf5::types::{FixedAscii, VarLenUnicode};
use ndarray::{arr0, arr1, arr2};
use std::str::FromStr;

/// Writes a file by hand: one LIF between input and output, then what `change` makes of its group.
fn by_hand(name: &str, change: impl FnOnce(&hdf5::Group)) -> Result<Model> {
    let path = scratch(name);
    let file = hdf5::File::create(&path).unwrap();
    let text = |group: &hdf5::Group, name: &str, text: &str| {
        group
            .new_dataset::<VarLenUnicode>()
            .create(name)
            .unwrap()
            .write_scalar(&VarLenUnicode::from_str(text).unwrap())
            .unwrap();
    };
    let root = file.create_group("node").unwrap();
    text(&root, "type", "NIRGraph");
    let names = [["in", "lif"], ["lif", "out"]].map(|pair| pair.map(|name| FixedAscii::<8>::from_ascii(name).unwrap()));
    root.new_dataset_builder().with_data(&arr2(&names)).create("edges").unwrap();
    let nodes = root.create_group("nodes").unwrap();
    for (name, kind) in [("in", "Input"), ("out", "Output"), ("lif", "LIF")] {
        let node = nodes.create_group(name).unwrap();
        text(&node, "type", kind);
        if kind != "LIF" {
            node.new_dataset_builder().with_data(&arr1(&[3_u8])).create("shape").unwrap();
        }
    }
    change(&nodes.group("lif").unwrap());
    file.close().unwrap();
    read(&path)
}

#[test]
fn numbers_of_all_widths_and_ranks_are_read() {
    let _files = files_open();
    let model = by_hand("odd.nir", |lif| {
        lif.new_dataset_builder().with_data(&arr1(&[0.5_f64, 0.25, 1.0])).create("tau").unwrap();
        lif.new_dataset_builder().with_data(&arr1(&[1_i16, 2, 3])).create("r").unwrap();
        lif.new_dataset_builder().with_data(&arr1(&[true])).create("v_threshold").unwrap();
        lif.new_dataset::<f32>().create("v_leak").unwrap().write_scalar(&0.5).unwrap();
        lif.new_dataset_builder().with_data(&arr1(&[7_u64])).create("colour").unwrap();
        lif.create_group("metadata").unwrap().new_dataset_builder().with_data(&arr0(1)).create("dt").unwrap();
    })
    .unwrap();
    let Node::Lif(lif) = &model.graph.nodes["lif"] else { panic!("not a LIF") };
    assert_eq!(lif.r, arr1(&[1.0, 2.0, 3.0]).into_dyn());
    assert_eq!(lif.v_threshold, arr1(&[1.0]).into_dyn());
    assert_eq!(lif.v_leak, arr0(0.5).into_dyn());
    let notes: Vec<_> = model.notes.iter().map(|note| (note.kind, note.field.as_str())).collect();
    assert_eq!(
        notes,
        [(NoteKind::Defaulted, "v_reset"), (NoteKind::Unknown, "colour"), (NoteKind::Metadata, "metadata")]
    );
}

#[test]
fn wrong_fields_are_named() {
    let _files = files_open();
    let number = |lif: &hdf5::Group, name: &str, values: &[f64]| {
        lif.new_dataset_builder().with_data(&arr1(values)).create(name).unwrap();
    };
    let code = |name: &str, tau: &[f64], r: &[f64]| {
        by_hand(name, |lif| {
            number(lif, "tau", tau);
            number(lif, "r", r);
            number(lif, "v_threshold", &[1.0]);
        })
        .map_or_else(|error| (error.code, error.place), |_| panic!("was read"))
    };
    let place = s2c_dialects::diagnostic::Place::Node("lif".to_owned());
    assert_eq!(code("tau.nir", &[0.0], &[1.0]), ("wrong-field-value", place.clone()));
    assert_eq!(code("nan.nir", &[1.0], &[f64::NAN]), ("wrong-field-value", place.clone()));
    assert_eq!(code("shapes.nir", &[1.0, 2.0], &[1.0, 2.0, 3.0]), ("parameter-shape", place));
    assert_eq!(by_hand("missing.nir", |_| {}).unwrap_err().code, "missing-field");
}

#[test]
fn an_unknown_type_is_named_with_those_that_are_known() {
    let _files = files_open();
    let error = by_hand("unknown.nir", |lif| {
        lif.unlink("type").unwrap();
        let kind = VarLenUnicode::from_str("Izhikevich").unwrap();
        lif.new_dataset::<VarLenUnicode>().create("type").unwrap().write_scalar(&kind).unwrap();
    })
    .unwrap_err();
    assert_eq!(error.code, "unknown-node");
    assert!(error.title.contains("Izhikevich") && error.text.contains("CubaLIF"), "{error}");
}

#[test]
fn a_declared_size_beyond_the_file_is_refused_without_allocating() {
    let _files = files_open();
    let result = by_hand("huge.nir", |lif| {
        lif.new_dataset::<f64>().chunk([1 << 10]).shape([1_usize << 40]).create("tau").unwrap();
    });
    assert_eq!(result.unwrap_err().code, "not-a-nir-file");
}

#[test]
fn what_is_no_nir_file_is_said_so() {
    let _files = files_open();
    assert_eq!(read(&scratch("absent.nir")).unwrap_err().code, "file-not-found");
    for (name, content) in [("text.nir", &b"hello"[..]), ("empty.nir", b""), ("cut.nir", b"\x89HDF\r\n\x1a\n\0\0")] {
        fs::write(scratch(name), content).unwrap();
        assert_eq!(read(&scratch(name)).unwrap_err().code, "not-a-nir-file");
    }
    assert_eq!(read(&std::env::temp_dir()).unwrap_err().code, "not-a-nir-file");
}

#[test]
fn single_values_of_any_rank_do_not_change_the_shape() {
    let _files = files_open();
    let model = by_hand("ranks.nir", |lif| {
        lif.new_dataset_builder().with_data(&arr1(&[0.5, 0.25, 1.0])).create("tau").unwrap();
        lif.new_dataset_builder().with_data(&ndarray::arr3(&[[[1.0]]])).create("r").unwrap();
        lif.new_dataset_builder().with_data(&arr0(1.0)).create("v_threshold").unwrap();
        lif.link_soft("/nowhere", "dangling").unwrap();
    })
    .unwrap();
    let shapes = infer_shapes(&model.graph).unwrap();
    assert_eq!((shapes.nodes["lif"].output.as_slice(), shapes.warnings.len()), (&[3][..], 0));
}
