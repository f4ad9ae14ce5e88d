//! Files that were made by hand: odd but good, and wrong.

use super::*;
use hdf5_writer::{DatasetBuilder, Datatype, EnumMember, H5WriteElement, H5WriteType, Hdf5Builder, WriteOptions};
use s2c_dialects::diagnostic::Place;

const LIF: &str = "node/nodes/lif";

/// A file in the making: the fields of one LIF between input and output are left to the test.
struct ByHand(Hdf5Builder);

impl ByHand {
    fn new(kind: &str) -> Self {
        let file = Self(Hdf5Builder::new()).text("node/type", "NIRGraph");
        let edges = DatasetBuilder::fixed_string_data("node/edges", [2, 2], &["in", "lif", "lif", "out"]).unwrap();
        let file = Self(file.0.dataset(edges));
        let file = file.text("node/nodes/in/type", "Input").text("node/nodes/out/type", "Output");
        let file = file.text(&format!("{LIF}/type"), kind);
        file.at("node/nodes/in/shape", &[1], &[3_u8]).at("node/nodes/out/shape", &[1], &[3_u8])
    }

    fn text(self, path: &str, text: &str) -> Self {
        Self(self.0.dataset(DatasetBuilder::vlen_string_data(path, [], &[text]).unwrap()))
    }

    fn at<T: H5WriteElement>(self, path: &str, shape: &[u64], values: &[T]) -> Self {
        Self(self.0.dataset(DatasetBuilder::typed_data(path, shape, values).unwrap()))
    }

    /// A field of the LIF.
    fn field<T: H5WriteElement>(self, name: &str, shape: &[u64], values: &[T]) -> Self {
        self.at(&format!("{LIF}/{name}"), shape, values)
    }

    fn bytes(self) -> Vec<u8> {
        self.0.into_plan().unwrap().encode(WriteOptions::default()).unwrap()
    }

    fn read(self, name: &str) -> Result<Model> {
        read(self.bytes(), name)
    }
}

#[test]
fn numbers_of_all_widths_and_ranks_are_read() {
    // As h5py stores truth values.
    let boolean = Datatype::Enum {
        base: Box::new(i8::hdf5_type()),
        members: [("FALSE", 0), ("TRUE", 1)]
            .map(|(name, value)| EnumMember { name: name.to_owned(), value: vec![value] })
            .to_vec(),
    };
    let file = ByHand::new("LIF")
        .field("tau", &[3], &[0.5_f64, 0.25, 1.0])
        .field("r", &[3], &[1_i16, 2, 3])
        .field("v_leak", &[], &[0.5_f32])
        .field("colour", &[1], &[7_u64])
        .field("metadata/dt", &[], &[1_i64]);
    let threshold = DatasetBuilder::new(format!("{LIF}/v_threshold"), boolean, [1]).raw_data([1]);
    let model = ByHand(file.0.dataset(threshold)).read("odd.nir").unwrap();
    let Node::Lif(lif) = &model.graph.nodes["lif"] else { panic!("not a LIF") };
    assert_eq!(lif.r, ndarray::arr1(&[1.0, 2.0, 3.0]).into_dyn());
    assert_eq!(lif.v_threshold, ndarray::arr1(&[1.0]).into_dyn());
    assert_eq!(lif.v_leak, ndarray::arr0(0.5).into_dyn());
    let notes: Vec<_> = model.notes.iter().map(|note| (note.kind, note.field.as_str())).collect();
    assert_eq!(
        notes,
        [(NoteKind::Defaulted, "v_reset"), (NoteKind::Unknown, "colour"), (NoteKind::Metadata, "metadata")]
    );
}

#[test]
fn a_weight_scale_in_the_metadata_is_checked_against_the_weights() {
    let warnings = |name: &str, steps: &[f32]| {
        let file = ByHand::new("Linear").field("weight", &[3, 3], &[0.5_f32, -1.0, 0.0, 0.3, 0.6, -0.9, 0.5, 0.5, 1.0]);
        let file = file.field("metadata/weight_scale", &[steps.len() as u64], steps);
        let warnings = file.read(name).unwrap().warnings;
        warnings
            .iter()
            .map(|warning| format!("{}: {} {}", warning.code, warning.title, warning.text))
            .collect::<Vec<_>>()
    };
    assert_eq!(warnings("rows.nir", &[0.5, 0.3, 0.5]), [""; 0]);
    assert_eq!(warnings("one.nir", &[0.1]), [""; 0]);
    assert_eq!(
        warnings("off.nir", &[0.5]),
        ["scale-mismatch: the weights do not lie on the grid that the metadata claim \
          3 of 9 weights are not a multiple of it; the farthest is 0.40 steps away."]
    );
    assert_eq!(
        warnings("two.nir", &[0.5, 0.3]),
        ["scale-mismatch: the weight scales in the metadata do not fit the weights \
          There are 2 scales for 3 outputs; one for all or one each are expected."]
    );
    assert!(warnings("zero.nir", &[0.0])[0].contains("no positive number"));
}

#[test]
fn a_claimed_grid_is_judged_weight_by_weight() {
    for power in -7..=7 {
        let (large, small) = (10_f32.powi(power.max(0)), 10_f32.powi(power.min(0)));
        let file = ByHand::new("Linear").field("weight", &[1, 2], &[large, small]);
        let file = file.field("metadata/weight_scale", &[1], &[1.0_f32]);
        let warnings = file.read(&format!("claimed{power}.nir")).unwrap().warnings;
        assert_eq!(warnings.len(), usize::from(power < 0), "{large} and {small} in steps of 1");
    }
}

#[test]
fn wrong_fields_are_named() {
    let code = |name: &str, tau: &[f64], r: &[f64]| {
        ByHand::new("LIF")
            .field("tau", &[tau.len() as u64], tau)
            .field("r", &[r.len() as u64], r)
            .field("v_threshold", &[1], &[1.0])
            .read(name)
            .map_or_else(|error| (error.code, error.place), |_| panic!("was read"))
    };
    let place = Place::Node("lif".to_owned());
    assert_eq!(code("tau.nir", &[0.0], &[1.0]), ("wrong-field-value", place.clone()));
    assert_eq!(code("nan.nir", &[1.0], &[f64::NAN]), ("wrong-field-value", place.clone()));
    assert_eq!(code("shapes.nir", &[1.0, 2.0], &[1.0, 2.0, 3.0]), ("parameter-shape", place));
    assert_eq!(ByHand::new("LIF").read("missing.nir").unwrap_err().code, "missing-field");
}

#[test]
fn an_unknown_type_is_named_with_those_that_are_known() {
    let error = ByHand::new("Izhikevich").read("unknown.nir").unwrap_err();
    assert_eq!(error.code, "unknown-node");
    assert!(error.title.contains("Izhikevich") && error.text.contains("CubaLIF"), "{error}");
}

#[test]
fn a_declared_size_beyond_the_file_is_refused_without_allocating() {
    let mark = 0x0012_3457_u64;
    let mut bytes = ByHand::new("LIF").field("tau", &[mark], &vec![1.0; 0x0012_3457]).bytes();
    read(bytes.clone(), "huge.nir").unwrap_err();
    // The extent, wherever it stands in the file, made larger than any memory.
    let at = bytes.windows(8).position(|window| window == mark.to_le_bytes()).unwrap();
    bytes[at..at + 8].copy_from_slice(&(1_u64 << 50).to_le_bytes());
    assert_eq!(read(bytes, "huge.nir").unwrap_err().code, "not-a-nir-file");
}

#[test]
fn what_is_no_nir_file_is_said_so() {
    for (name, content) in [("text.nir", &b"hello"[..]), ("empty.nir", b""), ("cut.nir", b"\x89HDF\r\n\x1a\n\0\0")] {
        assert_eq!(read(content.to_vec(), name).unwrap_err().code, "not-a-nir-file");
    }
}

#[test]
fn single_values_of_any_rank_do_not_change_the_shape() {
    let model = ByHand::new("LIF")
        .field("tau", &[3], &[0.5, 0.25, 1.0])
        .field("r", &[1, 1, 1], &[1.0])
        .field("v_threshold", &[], &[1.0])
        .read("ranks.nir")
        .unwrap();
    let shapes = infer_shapes(&model.graph).unwrap();
    assert_eq!((shapes.nodes["lif"].output.as_slice(), shapes.warnings.len()), (&[3][..], 0));
}

#[test]
fn what_a_failed_export_leaves_behind_is_named() {
    // In the order of `nir.write`: the version, a whole node, and one that it stumbled over.
    let begun = || ByHand(Hdf5Builder::new()).text("version", "1.0.8").at("node/nodes/in/shape", &[1], &[3_u8]);
    let stub = begun().text("node/nodes/in/type", "Input").at(&format!("{LIF}/tau"), &[3], &[0.5, 0.25, 1.0]);
    let error = stub.read("stub.nir").unwrap_err();
    assert_eq!((error.code, error.place), ("unfinished-export", Place::Node("lif".to_owned())));
    assert!(error.text.ends_with("of this node only {tau: [0.5, 0.25, 1]}."), "{}", error.text);
    let error = begun().text("node/nodes/in/type", "Input").read("stub.nir").unwrap_err();
    assert_eq!((error.code, error.place), ("unfinished-export", Place::None));
}
