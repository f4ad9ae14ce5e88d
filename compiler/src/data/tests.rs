//! Whole files: round trips, real recordings, damage.

use super::*;
use ndarray::{Array, ArrayD, arr1, arr2};
use s2c_tests::{Random, shared};
use std::{fs, path::PathBuf};

/// A path in a folder for this test run; the test's name keeps parallel tests apart.
fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("s2c-test-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

fn ramp(shape: &[usize]) -> ArrayD<u8> {
    let size = shape.iter().product();
    ArrayD::from_shape_vec(shape, (0..size).map(|place| u8::try_from(place % 3).unwrap()).collect()).unwrap()
}

#[test]
fn spikes_read_back_from_npy() {
    let (counts, path) = (ramp(&[4, 2, 3]), scratch("ramp.npy"));
    write_npy(&path, &counts).unwrap();
    let spikes = read_spikes(&path, None).unwrap();
    assert_eq!((spikes.ticks(), spikes.shape()), (4, &[2, 3][..]));
    assert_eq!(spikes.to_dense(), counts.mapv(u16::from));
    let set = DataSet::open(&path, None, Layout::Samples).unwrap();
    assert_eq!((set.len(), set.ticks(), set.shape()), (4, 2, &[3][..]));
    assert_eq!(set.sample(3).unwrap().to_dense(), counts.index_axis(ndarray::Axis(0), 3).mapv(u16::from).into_dyn());
    assert_eq!(set.sample(4).unwrap_err().code, "no-such-sample");
}

#[test]
fn spikes_read_back_from_csv() {
    let (train, path) =
        (SpikeTrain::from_dense(&arr2(&[[0, 2], [0, 0], [1, 1]]).into_dyn()).unwrap(), scratch("spikes.csv"));
    write_csv(&path, &train).unwrap();
    assert_eq!(read_spikes(&path, None).unwrap(), train);
}

#[test]
fn analog_values_are_no_spikes() {
    let path = scratch("analog.npy");
    write_npy(&path, &arr2(&[[0.0_f32, 1.0], [0.5, 2.0]]).into_dyn()).unwrap();
    let error = read_spikes(&path, None).unwrap_err();
    assert_eq!(error.code, "not-spike-counts");
    assert!(error.text.contains("[1, 0] is 0.5"), "{error}");
    assert_eq!(read::<f32>(&path, None).unwrap().events_at(1), [(0, 0.5), (1, 2.0)]);
    write_npy(&path, &arr2(&[[f64::NAN, 1.0]]).into_dyn()).unwrap();
    assert_eq!(read::<f32>(&path, None).unwrap_err().code, "not-values");
}

/// Writes an archive and opens it as a data set.
fn archive(name: &str, arrays: &[(&str, Vec<u8>)], array: Option<&str>, layout: Layout) -> Result<DataSet> {
    let path = scratch(name);
    write_npz(&path, arrays)?;
    DataSet::open(&path, array, layout)
}

#[test]
fn arrays_of_an_archive_are_chosen_by_rule() {
    let spikes = || npy_bytes(&ramp(&[2, 4, 3]));
    let labels = || npy_bytes(&arr1(&[5_i64, 7]).into_dyn());
    let set = archive("a.npz", &[("x", spikes()), ("spikes", spikes()), ("labels", labels())], None, Layout::Samples)
        .unwrap();
    assert_eq!((set.array(), set.labels(), set.len()), (Some("spikes"), Some(&[5, 7][..]), 2));
    let set = archive("b.npz", &[("labels", labels()), ("x", spikes())], None, Layout::Samples).unwrap();
    assert_eq!(set.array(), Some("x"));
    let both = [("x", spikes()), ("y", spikes())];
    assert_eq!(archive("c.npz", &both, None, Layout::Samples).unwrap_err().code, "no-such-array");
    assert_eq!(archive("d.npz", &both, Some("y"), Layout::Samples).unwrap().array(), Some("y"));
    assert_eq!(archive("e.npz", &both, Some("z"), Layout::Samples).unwrap_err().code, "no-such-array");
    let short = [("spikes", spikes()), ("labels", npy_bytes(&arr1(&[1_u8]).into_dyn()))];
    assert_eq!(archive("f.npz", &short, None, Layout::Samples).unwrap_err().code, "not-labels");
}

#[test]
fn packed_spikes_are_unpacked_sample_by_sample() {
    let packed = arr2(&[[0b1000_0001_u8, 0b1000_0000], [0, 0b0100_0000]]).into_dyn();
    let arrays = [("spikes_packed", npy_bytes(&packed)), ("shape", npy_bytes(&arr1(&[2_i64, 5, 2]).into_dyn()))];
    let set = archive("packed.npz", &arrays, None, Layout::Samples).unwrap();
    let spikes = set.sample(0).unwrap();
    assert_eq!((spikes.ticks(), spikes.total()), (5, 3));
    assert_eq!(spikes.events_at(0), [(0, 1)]);
    assert_eq!(spikes.events_at(3), [(1, 1)]);
    assert_eq!(set.sample(1).unwrap().events_at(4), [(1, 1)]);
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    let arrays = [("spikes", npy_bytes(&ramp(&[3, 3])))];
    let paths = [scratch("same-1.npz"), scratch("same-2.npz")];
    paths.iter().for_each(|path| write_npz(path, &arrays).unwrap());
    assert_eq!(fs::read(&paths[0]).unwrap(), fs::read(&paths[1]).unwrap());
}

#[test]
fn a_failed_write_leaves_nothing_behind() {
    let folder = scratch("folder.npy");
    fs::create_dir_all(folder.join("full")).unwrap();
    assert_eq!(write_npy(&folder, &ramp(&[2])).unwrap_err().code, "cannot-write");
    let left = fs::read_dir(folder.parent().unwrap()).unwrap().filter_map(std::result::Result::ok);
    assert!(!left.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with(".folder.npy")));
}

#[test]
fn files_that_are_none_are_refused() {
    for (name, code) in
        [("none.npy", "not-an-npy-file"), ("none.npz", "not-an-npz-file"), ("none.txt", "unknown-data-format")]
    {
        fs::write(scratch(name), "hello").unwrap();
        assert_eq!(read_spikes(&scratch(name), None).unwrap_err().code, code);
    }
    assert_eq!(read_spikes(&scratch("absent.npy"), None).unwrap_err().code, "file-not-found");
}

#[test]
fn recordings_that_are_too_long_are_refused_before_they_are_expanded() {
    let long = dataset::MOST_TICKS + 1;
    // The arrays end behind their headers, which must not be found out.
    let cases = [
        ("long.npz", vec![("spikes", header::format("|u1", &[long, 2]))], Layout::OneSample),
        ("long-samples.npz", vec![("spikes", header::format("|u1", &[1, long, 2]))], Layout::Samples),
        (
            "long-packed.npz",
            vec![
                ("spikes_packed", header::format("|u1", &[long, 1])),
                ("shape", npy_bytes(&arr1(&[long as i64, 2]).into_dyn())),
            ],
            Layout::OneSample,
        ),
    ];
    for (name, arrays, layout) in cases {
        let error = archive(name, &arrays, None, layout).unwrap_err();
        assert_eq!((error.code, error.title.as_str()), ("data-shape", "the data is too long"), "{name}");
    }
}

/// Writes data in the form of `nir.write_data`: spikes of `input` with one or two samples, and what else is asked for.
fn nir_data(name: &str, samples: usize, more: impl FnOnce(&hdf5::Group)) -> PathBuf {
    let path = scratch(name);
    let nodes = hdf5::File::create(&path).unwrap().create_group("nodes").unwrap();
    let spikes = nodes.create_group("input/observables/spikes").unwrap();
    let data =
        ndarray::Array3::from_shape_fn((samples, 4, 3), |(sample, tick, neuron)| (sample + tick + neuron) % 3 == 0);
    spikes.new_dataset_builder().with_data(&data).chunk((1, 4, 3)).deflate(4).create("data").unwrap();
    more(&nodes);
    path
}

#[test]
fn nir_data_is_read_by_node() {
    let spikes = read_spikes(&nir_data("one.nir", 1, |_| {}), None).unwrap();
    assert_eq!((spikes.ticks(), spikes.shape(), spikes.events_at(1)), (4, &[3][..], &[(2, 1)][..]));
    let membranes = |nodes: &hdf5::Group| {
        let v = nodes.create_group("sub/nodes/lif/observables/v").unwrap();
        v.new_dataset_builder().with_data(&ndarray::Array3::from_elem((2, 4, 5), 0.5_f32)).create("data").unwrap();
    };
    let path = nir_data("two.nir", 2, membranes);
    let set = DataSet::open(&path, None, Layout::Samples).unwrap();
    assert_eq!((set.array(), set.len(), set.ticks(), set.shape()), (Some("input/spikes"), 2, 4, &[3][..]));
    assert_eq!(set.sample(1).unwrap().events_at(1), [(1, 1)]);
    for name in ["sub/lif", "sub/lif/v"] {
        let set = DataSet::open(&path, Some(name), Layout::Samples).unwrap();
        assert_eq!(set.recording::<f32>(1).unwrap().events_at(3)[4], (4, 0.5));
    }
    assert_eq!(read_spikes(&path, None).unwrap_err().code, "data-shape");
    assert_eq!(read_spikes(&path, Some("lif")).unwrap_err().code, "no-such-array");
    let events = |nodes: &hdf5::Group| {
        let events = nodes.create_group("out/observables/spikes").unwrap();
        events.new_dataset_builder().with_data(&arr2(&[[0_i64, -1]])).create("idx").unwrap();
    };
    assert_eq!(read_spikes(&nir_data("events.nir", 1, events), None).unwrap_err().code, "events-without-ticks");
    let model = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/digits/digits.nir");
    assert_eq!(read_spikes(&model, None).unwrap_err().code, "not-nir-data");
}

#[test]
fn an_empty_axis_does_not_hide_a_huge_one() {
    let path = scratch("hollow.npy");
    for shape in [&[1 << 60, 0][..], &[0, 1 << 60, 3], &[1 << 60, 0, 1 << 60]] {
        fs::write(&path, header::format("|u1", shape)).unwrap();
        for layout in [Layout::OneSample, Layout::Samples] {
            assert_eq!(DataSet::open(&path, None, layout).unwrap_err().code, "data-shape");
        }
    }
}

#[test]
fn real_recordings_are_read() {
    let Some(data) = shared("") else { return };
    let input = read_spikes(&data.join("braille/input.npy"), None).unwrap();
    assert_eq!((input.ticks(), input.shape(), input.total()), (256, &[12][..], 539));
    for entry in fs::read_dir(data.join("braille")).unwrap() {
        let path = entry.unwrap().path();
        read_spikes(&path, None).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    // The one in Fortran order; its sum is the same in any order, the first spikes are not.
    let xylo = data.join("braille/xylo_activity_noDelay_noBias_subtract.npy");
    let (xylo, values) = (read_spikes(&xylo, None).unwrap(), read::<f32>(&xylo, None).unwrap());
    let as_values = |events: &[Event]| events.iter().map(|&(at, count)| (at, f32::from(count))).collect::<Vec<_>>();
    assert!((0..xylo.ticks()).all(|tick| as_values(xylo.events_at(tick)) == values.events_at(tick)));
    let sets = [
        ("digits/digits_test.npz", None, 500, 16, &[1, 8, 8][..]),
        ("gesture/gesture_hard_test.npz", None, 330, 60, &[2, 32, 32]),
        ("nmnist/nmnist_test100.npz", None, 100, 60, &[2, 34, 34]),
        ("nmnist/cnn_sinabs_ref_test100.npz", None, 100, 300, &[2, 34, 34]),
    ];
    for (name, array, samples, ticks, shape) in sets {
        let set =
            DataSet::open(&data.join(name), array, Layout::Samples).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((set.len(), set.ticks(), set.shape()), (samples, ticks, shape), "{name}");
        assert_eq!(set.labels().map(<[u32]>::len), Some(samples), "{name}");
        assert!(set.samples().take(3).all(|sample| sample.unwrap().total() > 0), "{name}");
    }
}

#[test]
fn damaged_files_give_an_error_and_no_panic() {
    let arrays =
        [("spikes", npy_bytes(&ramp(&[3, 4, 5]))), ("labels", npy_bytes(&Array::from_elem(3, 1_u8).into_dyn()))];
    let (npy, npz) = (scratch("sound.npy"), scratch("sound.npz"));
    write_npy(&npy, &ramp(&[4, 5])).unwrap();
    write_npz(&npz, &arrays).unwrap();
    let mut random = Random(11);
    for (sound, name) in [(npy, "damaged.npy"), (npz, "damaged.npz")] {
        let (bytes, path) = (fs::read(sound).unwrap(), scratch(name));
        for _ in 0..300 {
            fs::write(&path, random.damage(&bytes)).unwrap();
            for layout in [Layout::OneSample, Layout::Samples] {
                if let Ok(set) = DataSet::open(&path, None, layout) {
                    set.samples().take(8).for_each(drop);
                }
            }
        }
    }
}
