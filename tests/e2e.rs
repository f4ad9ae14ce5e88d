//! Whole networks: the machine code on the chip model against the integer interpreter, and the float interpreter
//! against recordings of the frameworks that trained the networks.

mod support;

use s2c::{
    data::{DataSet, Layout, SpikeTrain, read_spikes},
    tools::evaluation::{self, Subject},
};
use s2c_dialects::attribute::Reset;
use s2c_interp::{Interpreter, snn::Precision};
use s2c_passes::options::{Convention, Options, State, WeightScale};
use std::path::Path;
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
fn two_neurons_in_a_row_run_exactly_on_the_chip() {
    let Some(model) = shared("nir/two_lif_neurons.nir") else { return };
    let options = options(1e-4, Convention::Norse, None);
    machine_code_is_exact(&model, &options, &noise(400, 1, 3), &["lif1", "lif2", "out"]);
}

/// A network of one convolution behind a pool, a skip past it, and a dense read-out, as a dump of `snn`.
fn convolutional(seed: u32) -> (String, Vec<usize>) {
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(1);
    let mut pick = |from: usize, to: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        from + (state >> 16) as usize % (to - from + 1)
    };
    let groups = pick(1, 2);
    let (channels, outputs) = (groups * pick(1, 3), groups * pick(1, 5));
    let pool = [pick(1, 2), pick(1, 3)];
    let size = [pool[0] * pick(5, 8) + pick(0, pool[0] - 1), pool[1] * pick(5, 8) + pick(0, pool[1] - 1)];
    let (kernel, stride) = ([pick(1, 4), pick(1, 4)], [pick(1, 3), pick(1, 2)]);
    let (padding, dilation) = ([pick(0, 2), pick(0, 1)], [pick(1, 2), 1]);
    let out = |axis: usize| {
        (size[axis] / pool[axis] + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis] + 1
    };
    let (rows, columns) = (out(0), out(1));
    let mut weights = |count: usize| -> String {
        let bytes: Vec<String> = (0..count)
            .map(|_| {
                let weight = (pick(0, 200) as f32 - 90.0) / 64.0;
                weight.to_le_bytes().map(|byte| format!("{byte:02X}")).concat()
            })
            .collect();
        format!("dense<\"0x{}\">", bytes.concat())
    };
    let kernel_weights = weights(outputs * channels / groups * kernel[0] * kernel[1]);
    let dense_weights = weights(3 * outputs * rows * columns);
    let parameters = |shape: &str| {
        format!(
            "{{tau = dense<0.004> : tensor<{shape}xf64>, r = dense<1.5> : tensor<{shape}xf64>, v_leak = dense<0.1> : \
             tensor<{shape}xf64>, v_threshold = dense<1.0> : tensor<{shape}xf64>, v_reset = dense<0.0> : \
             tensor<{shape}xf64>}}"
        )
    };
    let (input, map) = (format!("{channels}x{}x{}", size[0], size[1]), format!("{outputs}x{rows}x{columns}"));
    let text = format!(
        "snn.network @c options {{convention = \"norse\", dt = \"1e-3\", level = \"2\"}} {{
  %x = snn.input \"input\" limit 2 : tensor<{input}xui8>
  %p = snn.pool %x window [{}, {}] : tensor<{input}xui8> -> tensor<{channels}x{}x{}xf32>
  %i = snn.conv2d %p pool [1, 1] stride {stride:?} padding {padding:?} dilation {dilation:?} groups {groups}
    {{weight = {kernel_weights} : tensor<{outputs}x{}x{}x{}xf32>}} : tensor<{channels}x{}x{}xf32> -> tensor<{map}xf32>
  %a = snn.lif \"map\"(%i) {} : tensor<{map}xf32> -> tensor<{map}xi1>
  %j = snn.linear %a {{weight = {dense_weights} : tensor<3x{}xf32>}} : tensor<{map}xi1> -> tensor<3xf32>
  %z = snn.lif \"out\"(%j) {} : tensor<3xf32> -> tensor<3xi1>
  snn.output \"output\"(%z) : tensor<3xi1>
}}
",
        pool[0],
        pool[1],
        size[0] / pool[0],
        size[1] / pool[1],
        channels / groups,
        kernel[0],
        kernel[1],
        size[0] / pool[0],
        size[1] / pool[1],
        parameters(&map),
        outputs * rows * columns,
        parameters("3"),
    );
    (text, vec![channels, size[0], size[1]])
}

#[test]
fn convolutions_of_all_kinds_run_exactly_on_the_chip() {
    for seed in 0..24 {
        let (text, shape) = convolutional(seed);
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("convolution{seed}.mlir"));
        std::fs::write(&file, text).unwrap();
        let count = shape.iter().product();
        let input = noise(20, count, 4).with_shape(&shape).unwrap();
        println!("seed {seed}: input {shape:?}");
        machine_code_is_exact(&file, &Options::default(), &input, &["map", "out", "output"]);
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
