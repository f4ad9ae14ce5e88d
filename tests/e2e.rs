//! Whole networks: the machine code on the chip model against the integer interpreter, and the float interpreter
//! against recordings of the frameworks that trained the networks.

mod support;

use ndarray::ArrayD;
use s2c::{
    data::{DataSet, Layout, SpikeTrain, read_spikes},
    tools::evaluation::{self, Subject},
};
use s2c_dialects::attribute::Reset;
use s2c_interp::{Interpreter, snn::Precision};
use s2c_nir::{
    Node,
    conv::{Conv2d, Padding},
    linear::Linear,
    neuron::Lif,
    pool::{Pool2d, SumPool2d},
    port::Flatten,
};
use s2c_passes::options::{Convention, Level, Options, State, WeightScale};
use s2c_tests::{Random, shared};
use std::path::PathBuf;
use support::*;

#[test]
fn digits_run_exactly_on_the_chip() {
    let options = options(1e-3, Convention::Snntorch, Some(Reset::Subtract));
    let input = read_spikes(&example("digits/sample.npy"), None).unwrap();
    machine_code_is_exact(&example("digits/digits.nir"), &options, &input, &["hidden", "out", "output"]);
}

#[test]
fn membranes_of_eight_bits_run_exactly_on_the_chip() {
    let digits = read_spikes(&example("digits/sample.npy"), None).unwrap();
    let gesture = DataSet::open(&example("gesture/test.npz"), None, Layout::Samples).unwrap().sample(0).unwrap();
    for reset in [Reset::Subtract, Reset::Value] {
        let bytes = Options { state: State::Fixed8, ..options(1e-3, Convention::Snntorch, Some(reset)) };
        machine_code_is_exact(&example("digits/digits.nir"), &bytes, &digits, &["hidden", "out", "output"]);
        machine_code_is_exact(&example("gesture/gesture.nir"), &bytes, &gesture, &["lif1", "lif3", "output"]);
    }
}

#[test]
fn digits_lose_nothing_that_counts() {
    let options = options(1e-3, Convention::Snntorch, Some(Reset::Subtract));
    let levels = levels(&example("digits/digits.nir"), &options);
    let data = DataSet::open(&example("digits/test.npz"), None, Layout::Samples).unwrap();
    let subject = Subject {
        takes_values: false,
        float: Some(levels.float),
        precision: Precision::Single,
        quantized: Some(levels.quantized),
        binary: Some(levels.machine.binary().clone()),
        plan: None,
        populations: vec!["hidden".to_owned(), "out".to_owned()],
        output: "output".to_owned(),
        outputs: 10,
        readout: None,
    };
    let report = evaluation::evaluate(&subject, &data, &|| ()).unwrap();
    assert_eq!(report.counts["quantized"], report.counts["chip"]);
    let accuracy = |level: &str| report.levels[level].accuracy;
    println!("float {} quantized {} chip {}", accuracy("float"), accuracy("quantized"), accuracy("chip"));
    assert!(accuracy("float") >= 0.92);
    assert!(accuracy("chip") >= accuracy("float") - 0.01);
}

#[test]
fn braille_simulates_as_recorded_from_snntorch() {
    let (Some(model), Some(input), Some(recorded)) = (
        shared("nir/braille_noDelay_bias_zero.nir"),
        shared("braille/input.npy"),
        shared("braille/snntorch_activity_noDelay_bias_zero.npy"),
    ) else {
        return;
    };
    let levels = levels(&model, &options(1e-4, Convention::Snntorch, Some(Reset::Value)));
    let input = read_spikes(&input, None).unwrap();
    let recorded: Vec<u16> = read_spikes(&recorded, None).unwrap().to_dense().iter().copied().collect();
    let spikes = interpret(&mut s2c_interp::snn::Snn::new(&levels.float).unwrap(), &input, "lif1.lif");
    assert_eq!(recorded.len(), 9728);
    assert_eq!(differing(&spikes, &recorded), 0);
}

#[test]
fn braille_runs_exactly_on_the_chip() {
    for (model, reset) in [("noDelay_bias_zero", Reset::Value), ("noDelay_noBias_subtract", Reset::Subtract)] {
        let (Some(model), Some(input)) = (shared(&format!("nir/braille_{model}.nir")), shared("braille/input.npy"))
        else {
            return;
        };
        let options = options(1e-4, Convention::Snntorch, Some(reset));
        machine_code_is_exact(&model, &options, &read_spikes(&input, None).unwrap(), &["lif1.lif", "lif2", "output"]);
    }
}

/// Output cells of 1792 in which float and machine code differ, and whether the same class wins.
fn braille_loss(options: &Options) -> Option<(usize, bool)> {
    let (model, input) = (shared("nir/braille_noDelay_bias_zero.nir")?, shared("braille/input.npy")?);
    let input = read_spikes(&input, None).unwrap();
    let mut levels = levels(&model, options);
    let float = interpret(&mut s2c_interp::snn::Snn::new(&levels.float).unwrap(), &input, "output");
    let chip = on_chip(&mut levels.machine, &input, "output");
    let winner = |spikes: &[u16]| (0..7).max_by_key(|class| spikes.iter().skip(*class).step_by(7).sum::<u16>());
    Some((differing(&float, &chip), winner(&float) == winner(&chip)))
}

#[test]
fn fixed_point_adds_nothing_to_the_rounding_of_weights() {
    let base = options(1e-4, Convention::Snntorch, Some(Reset::Value));
    // What rounding the weights alone gives with float state: 465 with a scale per neuron, 554 with one per layer.
    let layer = Options { weight_scale: WeightScale::Layer, ..base.clone() };
    let sixteen = Options { weight_bits: 16.into(), ..base.clone() };
    for (options, most) in [(base, 470), (layer, 560), (sixteen, 0)] {
        let Some((cells, same_class)) = braille_loss(&options) else { return };
        println!("{} bits, one scale per {}: {cells} of 1792 cells", options.weight_bits.all, options.weight_scale);
        assert!(cells <= most && same_class);
    }
}

#[test]
fn one_neuron_simulates_as_recorded_from_norse_and_runs_exactly_on_the_chip() {
    let (Some(model), Some(recorded)) = (shared("nir/lif_norse.nir"), shared("lif/lif_norse.csv")) else { return };
    let rows: Vec<Vec<f64>> = std::fs::read_to_string(recorded)
        .unwrap()
        .lines()
        .map(|line| line.split(',').map(|cell| cell.trim().parse().unwrap()).collect())
        .collect();
    let mut builder = SpikeTrain::builder(&[1]).unwrap();
    rows.iter().for_each(|row| builder.push_tick(&[row[0] as u16]));
    let input = builder.finish();
    let options = options(1e-4, Convention::Norse, None);
    let levels = levels(&model, &options);
    let mut interpreter = s2c_interp::snn::Snn::new(&levels.float).unwrap();
    let index = interpreter.find("1").unwrap();
    for (tick, row) in input.to_dense().outer_iter().zip(&rows) {
        interpreter.step(&[&tick.iter().copied().collect::<Vec<_>>()]).unwrap();
        assert!((interpreter.membranes(index).unwrap()[0] - row[1]).abs() < 1e-5);
        assert_eq!(f64::from(interpreter.spikes(index)[0]), row[2]);
    }
    machine_code_is_exact(&model, &options, &input, &["1", "output"]);
}

#[test]
fn neurons_of_our_own_follow_their_equation_and_run_exactly_on_the_chip() {
    let weight = |value: f32| Node::Linear(Linear { weight: ArrayD::from_elem(vec![1, 1], value) });
    let nodes = vec![("w1", weight(4.0)), ("lif1", lif(&[1])), ("w2", weight(6.0)), ("lif2", lif(&[1]))];
    let file = chain("two_neurons", &[1], nodes, &[1]);
    let options = options(1e-3, Convention::Norse, None);
    let input = noise(400, 1, 3);
    let levels = levels(&file, &options);
    let mut interpreter = s2c_interp::snn::Snn::new(&levels.float).unwrap();
    let index = interpreter.find("lif1").unwrap();
    let (mut v, mut spikes) = (0.0, 0);
    for tick in input.to_dense().outer_iter() {
        interpreter.step(&[&tick.iter().copied().collect::<Vec<_>>()]).unwrap();
        // Forward Euler with dt / tau = 1/4, and a reset to v_reset = 0 above the threshold.
        v += 0.25 * (0.1 - v + 1.5 * 4.0 * f64::from(tick[0]));
        let fires = v > 1.0;
        v = if fires { 0.0 } else { v };
        spikes += u32::from(fires);
        assert!((interpreter.membranes(index).unwrap()[0] - v).abs() < 1e-5);
        assert_eq!(interpreter.spikes(index)[0] > 0, fires);
    }
    assert!((50..200).contains(&spikes), "{spikes}");
    machine_code_is_exact(&file, &options, &input, &["lif1", "lif2", "output"]);
}

#[test]
fn sixteen_bits_change_no_cell_of_digits() {
    let options = Options { weight_bits: 16, ..options(1e-3, Convention::Snntorch, Some(Reset::Subtract)) };
    let input = read_spikes(&example("digits/sample.npy"), None).unwrap();
    let mut levels = levels(&example("digits/digits.nir"), &options);
    let float = interpret(&mut s2c_interp::snn::Snn::new(&levels.float).unwrap(), &input, "output");
    assert!(float.iter().any(|&spikes| spikes > 0));
    assert_eq!(differing(&float, &on_chip(&mut levels.machine, &input, "output")), 0);
}

#[test]
fn two_neurons_in_a_row_run_exactly_on_the_chip() {
    let Some(model) = shared("nir/two_lif_neurons.nir") else { return };
    let options = options(1e-4, Convention::Norse, None);
    machine_code_is_exact(&model, &options, &noise(400, 1, 3), &["lif1", "lif2", "out"]);
}

/// Neurons of any shape.
fn lif(shape: &[usize]) -> Node {
    let all = |value| ArrayD::from_elem(shape, value);
    Node::Lif(Lif { tau: all(0.004), r: all(1.5), v_leak: all(0.1), v_threshold: all(1.0), v_reset: all(0.0) })
}

/// A network of one convolution behind a pool and a dense read-out, with the shape of its input.
fn convolutional(seed: u64) -> (PathBuf, Vec<usize>) {
    let mut random = Random(seed);
    let groups = random.between(1, 2);
    let (channels, outputs) = (groups * random.between(1, 3), groups * random.between(1, 5));
    let pool = [random.between(1, 2), random.between(1, 3)];
    let size = pool.map(|window| window * random.between(5, 8) + random.below(window));
    let kernel = [random.between(1, 4), random.between(1, 4)];
    let weights = |random: &mut Random, shape: &[usize]| {
        ArrayD::from_shape_fn(shape, |_| (random.between(0, 200) as f32 - 90.0) / 64.0)
    };
    let conv = Conv2d {
        input_shape: None,
        weight: weights(&mut random, &[outputs, channels / groups, kernel[0], kernel[1]]),
        stride: [random.between(1, 3), random.between(1, 2)],
        padding: Padding::Fixed([random.between(0, 2), random.between(0, 1)]),
        dilation: [random.between(1, 2), 1],
        groups,
        bias: ArrayD::zeros(vec![outputs]),
    };
    let [rows, columns] = conv.output_lengths(&[size[0] / pool[0], size[1] / pool[1]]).unwrap();
    let map = vec![outputs, rows, columns];
    let flatten = Flatten { input_type: Some(map.clone()), start_dim: 0, end_dim: -1 };
    let pool = Pool2d { kernel_size: pool, stride: pool, padding: [0, 0] };
    let dense = Linear { weight: weights(&mut random, &[3, outputs * rows * columns]) };
    let nodes = vec![
        ("pool", Node::SumPool2d(SumPool2d(pool))),
        ("conv", Node::Conv2d(conv)),
        ("map", lif(&map)),
        ("flatten", Node::Flatten(flatten)),
        ("dense", Node::Linear(dense)),
        ("out", lif(&[3])),
    ];
    let shape = vec![channels, size[0], size[1]];
    (chain(&format!("convolution{seed}"), &shape, nodes, &[3]), shape)
}

#[test]
fn convolutions_of_all_kinds_run_exactly_on_the_chip() {
    for seed in 0..24 {
        let (file, shape) = convolutional(seed);
        let input = noise(20, shape.iter().product(), 4).with_shape(&shape).unwrap();
        println!("seed {seed}: input {shape:?}");
        let options = Options { level: Level::O2, input_limit: 2, ..options(1e-3, Convention::Norse, None) };
        machine_code_is_exact(&file, &options, &input, &["map", "out", "output"]);
    }
}

#[test]
fn real_convolutional_networks_keep_their_accuracy_on_the_chip() {
    for (model, data, dt, convention, reset, samples, most_lost) in [
        ("nir/cnn_sinabs.nir", "nmnist/cnn_sinabs_ref_test100.npz", None, Convention::Sinabs, None, 12, 1),
        (
            "digits/digits_conv_lif.nir",
            "digits/digits_test.npz",
            Some(1e-4),
            Convention::Norse,
            Some(Reset::Subtract),
            100,
            1,
        ),
    ] {
        let (Some(model), Some(data)) = (shared(model), shared(data)) else { return };
        let options = Options { dt, convention, reset: reset.into(), input_limit: 3, ..Options::default() };
        let mut levels = levels(&model, &options);
        let data = DataSet::open(&data, None, Layout::Samples).unwrap();
        let labels = data.labels().unwrap().to_vec();
        let (mut float_right, mut chip_right) = (0, 0);
        for (sample, label) in labels.iter().enumerate().take(samples) {
            let input = data.sample(sample).unwrap();
            let float = interpret(&mut s2c_interp::snn::Snn::new(&levels.float).unwrap(), &input, "output");
            let quantized = interpret(&mut s2c_interp::qsnn::Qsnn::new(&levels.quantized).unwrap(), &input, "output");
            let chip = on_chip(&mut levels.machine, &input, "output");
            assert_eq!(differing(&quantized, &chip), 0, "sample {sample}");
            let winner = |spikes: &[u16]| {
                let count = |class: usize| spikes.iter().skip(class).step_by(10).map(|&n| u32::from(n)).sum::<u32>();
                (0..10).rev().max_by_key(|&class| count(class)).unwrap() as u32
            };
            float_right += usize::from(winner(&float) == *label);
            chip_right += usize::from(winner(&chip) == *label);
        }
        println!("{}: float {float_right}, chip {chip_right} of {samples}", model.display());
        assert!(chip_right + most_lost >= float_right);
    }
}
