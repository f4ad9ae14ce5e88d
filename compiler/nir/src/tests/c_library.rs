//! The HDF5 C library as the oracle of the reader and the writer in Rust, and as the reader of last resort.

use super::*;
use crate::{
    c_library, file,
    raw::{Members, Raw},
    write::to_hdf5,
};
use hdf5::types::{FixedAscii, FixedUnicode, VarLenAscii, VarLenUnicode};
use ndarray::IxDyn;
use std::path::PathBuf;

/// A path of this test run.
fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("s2c-nir-{}-{name}", std::process::id()))
}

/// What both readers make of a file: the C library, and the one in Rust.
fn both(file: &Path) -> (Members, std::result::Result<Members, file::Failure>) {
    let bytes = fs::read(file).unwrap();
    let by_c = c_library::read(file, bytes.len() as u64).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    (by_c, file::read(bytes))
}

fn nir_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        match path.extension() {
            _ if path.is_dir() => files.extend(nir_files(&path)),
            Some(ending) if ending == "nir" => files.push(path),
            _ => {}
        }
    }
    files.sort();
    files
}

#[test]
fn both_readers_find_the_same_in_the_examples() {
    let files = nir_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples"));
    assert!(files.len() >= 6);
    for path in files {
        let (by_c, by_rust) = both(&path);
        assert_eq!(by_rust.unwrap(), by_c, "{}", path.display());
    }
}

#[test]
fn both_readers_find_the_same_in_models_of_others() {
    let Some(data) = shared("") else { return };
    let mut lacking = Vec::new();
    for path in nir_files(&data) {
        match both(&path) {
            (by_c, Ok(by_rust)) => assert_eq!(by_rust, by_c, "{}", path.display()),
            (_, Err(failure)) if failure.is_lack => lacking.push(path.strip_prefix(&data).unwrap().to_owned()),
            (_, Err(failure)) => panic!("{}: {}", path.display(), failure.why),
        }
    }
    assert_eq!(lacking, [Path::new("field/nir177_lzf/model.nir")]);
}

/// A tree of up to `depth` further levels with values of all kinds.
fn random_tree(random: &mut Random, depth: usize) -> Members {
    let mut members = Members::new();
    for index in 0..1 + random.below(4) {
        let rank = random.below(4);
        let shape: Vec<usize> = (0..rank).map(|_| 1 + random.below(5)).collect();
        let mut number = || random.below(2001) as f64 / 8.0 - 125.0;
        let values = ArrayD::from_shape_simple_fn(IxDyn(&shape), &mut number);
        let raw = match random.below(if depth > 0 { 5 } else { 4 }) {
            0 => Raw::F32(values.mapv(|value| value as f32 / 3.0)),
            1 => Raw::F64(values / 3.0),
            2 => Raw::Int(values.mapv(|value| (value * 1e15) as i64)),
            3 => Raw::Text(values.mapv(|value| format!("{}µ{value}", "x".repeat(random.below(100))))),
            _ => Raw::Group(random_tree(random, depth - 1)),
        };
        members.insert(format!("m{index}"), raw);
    }
    members
}

#[test]
fn what_is_written_is_read_by_the_c_library() {
    let path = scratch("written.nir");
    fs::write(&path, write(&every_node()).unwrap()).unwrap();
    let (by_c, by_rust) = both(&path);
    assert_eq!(by_rust.unwrap(), by_c);
    let mut random = Random(11);
    for _ in 0..200 {
        let tree = random_tree(&mut random, 3);
        fs::write(&path, to_hdf5(&tree).unwrap()).unwrap();
        let (by_c, by_rust) = both(&path);
        assert_eq!(by_c, tree);
        assert_eq!(by_rust.unwrap(), tree);
    }
    fs::remove_file(path).unwrap();
}

/// Filters by name, and whether the reader in Rust has them.
const FILTERS: [(&str, bool); 8] = [
    ("none", true),
    ("deflate", true),
    ("shuffle", true),
    ("fletcher32", true),
    ("nbit", true),
    ("scale-offset", true),
    ("lzf", false),
    ("shuffle and lzf", false),
];

fn filtered(group: &hdf5::Group, filter: &str) -> hdf5::DatasetBuilder {
    let builder = group.new_dataset_builder();
    match filter {
        "deflate" => builder.chunk((3, 5)).deflate(6),
        "shuffle" => builder.chunk((3, 5)).shuffle().deflate(1),
        "fletcher32" => builder.chunk((3, 5)).fletcher32(),
        "nbit" => builder.chunk((3, 5)).nbit(),
        "scale-offset" => builder.chunk((3, 5)).scale_offset(hdf5::filters::ScaleOffset::Integer(0)),
        "lzf" => builder.chunk((3, 5)).lzf(),
        "shuffle and lzf" => builder.chunk((3, 5)).shuffle().lzf(),
        _ => builder,
    }
}

#[test]
fn files_of_the_c_library_are_read_whatever_their_filters_and_types() {
    let path = scratch("filters.nir");
    let values = ndarray::Array2::from_shape_fn((7, 9), |(row, column)| (row * column) as f64 / 4.0);
    for (filter, is_known) in FILTERS {
        let file = hdf5::File::create(&path).unwrap();
        let group = file.create_group("g").unwrap();
        macro_rules! store {
            ($($name:literal: $type:ty),*) => {
                $(filtered(&group, filter).with_data(&values.mapv(|value| value as $type)).create($name).unwrap();)*
            };
        }
        store!("i8": i8, "i16": i16, "i32": i32, "i64": i64, "u8": u8, "u16": u16, "u32": u32, "u64": u64);
        // Scale-offset of floats loses digits on purpose.
        if filter != "scale-offset" {
            store!("f32": f32, "f64": f64);
            filtered(&group, filter).with_data(&values.mapv(half::f16::from_f64)).create("f16").unwrap();
        }
        drop((group, file));
        let (by_c, by_rust) = both(&path);
        let Raw::Group(members) = &by_c["g"] else { panic!("no group") };
        assert_eq!(members["i16"], Raw::Int(values.mapv(|value| value as i64).into_dyn()), "{filter}");
        if filter != "scale-offset" {
            assert_eq!(members["f32"], Raw::F32(values.mapv(|value| value as f32).into_dyn()), "{filter}");
            assert_eq!(members["f16"], Raw::F64(values.clone().into_dyn()), "{filter}");
        }
        match by_rust {
            Ok(by_rust) => assert_eq!((by_rust, is_known), (by_c, true), "{filter}"),
            Err(failure) => assert_eq!((failure.is_lack, is_known), (true, false), "{filter}: {}", failure.why),
        }
    }
    fs::remove_file(path).unwrap();
}

#[test]
fn strings_truth_values_and_links_are_read_alike() {
    let path = scratch("strings.nir");
    let file = hdf5::File::create(&path).unwrap();
    let group = file.create_group("g").unwrap();
    let long = "long ".repeat(30);
    macro_rules! store {
        ($($name:literal: $value:expr),*) => { $(group.new_dataset_builder().with_data(&$value).create($name).unwrap();)* };
    }
    store! {
        "ascii": [FixedAscii::<8>::from_ascii("LIF").unwrap(), FixedAscii::from_ascii("Affine").unwrap()],
        "unicode": ["τ".parse::<FixedUnicode<6>>().unwrap()],
        "long": [long.parse::<FixedUnicode<200>>().unwrap()],
        "variable": [VarLenAscii::from_ascii("a").unwrap(), VarLenAscii::new()],
        "variable unicode": ["µ".parse::<VarLenUnicode>().unwrap()],
        "truth": [true, false, true],
        "beyond": [u64::MAX, 1]
    };
    group.link_soft("/g/truth", "soft").unwrap();
    group.link_hard("/g/unicode", "hard").unwrap();
    drop((group, file));
    let (by_c, by_rust) = both(&path);
    let Raw::Group(members) = &by_c["g"] else { panic!("no group") };
    assert_eq!(members["long"].as_text(), Some(long.as_str()));
    assert_eq!(members["soft"], Raw::Int(ndarray::arr1(&[1, 0, 1]).into_dyn()));
    assert_eq!(members["beyond"], Raw::Int(ndarray::arr1(&[i64::MAX, 1]).into_dyn()));
    assert_eq!(by_rust.unwrap(), by_c);
    fs::remove_file(path).unwrap();
}

#[test]
fn data_in_other_files_and_damaged_files_are_refused() {
    let path = scratch("other.nir");
    let file = hdf5::File::create(&path).unwrap();
    file.new_dataset::<f32>().external("/etc/passwd", 0, 16).shape(4).create("weight").unwrap();
    drop(file);
    let why = c_library::read(&path, 1 << 20).unwrap_err();
    assert_eq!(why, "At `/weight`: Its data lies in other files.");
    fs::write(&path, b"\x89HDF\r\n\x1a\n\0\0").unwrap();
    let why = c_library::read(&path, 10).unwrap_err();
    assert!(why.starts_with("The HDF5 library says: H5Fopen()"), "{why}");
    fs::remove_file(path).unwrap();
}

#[test]
fn a_dataset_larger_than_its_file_excuses_is_refused_without_allocating() {
    let path = scratch("sparse.nir");
    let file = hdf5::File::create(&path).unwrap();
    file.new_dataset::<f64>().chunk(1 << 10).shape(1_usize << 40).create("weight").unwrap();
    drop(file);
    let why = c_library::read(&path, fs::metadata(&path).unwrap().len()).unwrap_err();
    assert!(why.contains("more elements than a file of this length can hold"), "{why}");
    fs::remove_file(path).unwrap();
}
