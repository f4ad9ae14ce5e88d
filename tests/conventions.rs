//! Conventions against what the frameworks and the chip themselves recorded.

mod support;

use s2c::{
    data::{DataSet, Layout, SpikeTrain, read_spikes},
    tools::{
        evaluation::{self, Subject},
        machine::{Time, Wish},
        recording::{Quantity, Recording},
    },
};
use s2c_dialects::{attribute::Reset, snn};
use s2c_interp::{Interpreter, snn::Precision};
use s2c_passes::options::{Convention, Integrator, Options, State, WeightCast, WeightScale};
use support::*;

/// The numerics of SpiNNaker2's own software.
fn vendor(reset: Reset) -> Options {
    Options {
        integrator: Some(Integrator::Euler).into(),
        state: State::F32,
        weight_scale: WeightScale::Layer,
        weight_cast: WeightCast::Truncate,
        ..options(1e-4, Convention::Spinnaker2, Some(reset))
    }
}

/// Rows of input spike (times any factor), voltage and output spike.
fn lif_recording(platform: &str) -> Option<(SpikeTrain, Vec<f64>, Vec<f64>)> {
    let text = std::fs::read_to_string(shared(&format!("lif/lif_{platform}.csv"))?).unwrap();
    let mut builder = SpikeTrain::builder(&[1]).unwrap();
    let (mut voltages, mut spikes) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let row: Vec<f64> = line.split(',').map(|cell| cell.trim().parse().unwrap()).collect();
        builder.push_tick(&[u16::from(row[0] > 0.0)]);
        voltages.push(row[1]);
        spikes.push(row[2]);
    }
    Some((builder.finish(), voltages, spikes))
}

#[test]
fn the_chips_own_recordings_come_out_of_the_machine_code() {
    for (name, reset, cells) in
        [("noDelay_bias_zero", Reset::Value, 9728), ("noDelay_noBias_subtract", Reset::Subtract, 10_240)]
    {
        let (Some(model), Some(input), Some(recorded)) = (
            shared(&format!("nir/braille_{name}.nir")),
            shared("braille/input.npy"),
            shared(&format!("braille/s2_activity_{name}.npy")),
        ) else {
            return;
        };
        let input = read_spikes(&input, None).unwrap();
        let recorded: Vec<u16> = read_spikes(&recorded, None).unwrap().to_dense().iter().copied().collect();
        let mut machine = levels(&model, &vendor(reset)).machine;
        let wish = Wish { node: "lif1.lif".to_owned(), quantity: Quantity::Spikes };
        let Recording::Spikes(table) = machine.run(&input, &[wish], Time::Chip).unwrap().remove(0) else {
            unreachable!("spikes were asked for")
        };
        assert_eq!(recorded.len(), cells);
        assert_eq!(differing(&table.values, &recorded), 0, "{name}");
    }
}

#[test]
fn float_state_and_every_reset_run_exactly_on_the_chip() {
    let (Some(bias), Some(no_bias), Some(two), Some(input)) = (
        shared("nir/braille_noDelay_bias_zero.nir"),
        shared("nir/braille_noDelay_noBias_subtract.nir"),
        shared("nir/two_lif_neurons.nir"),
        shared("braille/input.npy"),
    ) else {
        return;
    };
    let input = read_spikes(&input, None).unwrap();
    let nodes = ["lif1.lif", "lif2", "output"];
    machine_code_is_exact(&bias, &vendor(Reset::Value), &input, &nodes);
    let pending =
        Options { reset_delay: Some(false).into(), ..options(1e-4, Convention::Snntorch, Some(Reset::Subtract)) };
    machine_code_is_exact(&no_bias, &pending, &input, &nodes);
    machine_code_is_exact(&no_bias, &Options { state: State::F32, ..pending }, &input, &nodes);
    let late = Options { reset_delay: Some(true).into(), ..options(1e-4, Convention::Snntorch, Some(Reset::Subtract)) };
    machine_code_is_exact(&no_bias, &late, &input, &nodes);
    let ours = Options { state: State::F32, ..options(1e-4, Convention::Snntorch, Some(Reset::Subtract)) };
    machine_code_is_exact(&no_bias, &ours, &input, &nodes);
    let norse = Options { state: State::F32, ..options(1e-4, Convention::Norse, None) };
    machine_code_is_exact(&two, &norse, &noise(400, 1, 3), &["lif1", "lif2", "out"]);
}

/// What the float interpreter makes of one neuron: membranes and spikes per tick.
fn simulate_one(network: &snn::Network, input: &SpikeTrain, node: &str) -> (Vec<f64>, Vec<f64>) {
    let mut interpreter = s2c_interp::snn::Snn::new(network).unwrap();
    let index = interpreter.find(node).unwrap();
    let mut result = (Vec::new(), Vec::new());
    for tick in input.to_dense().outer_iter() {
        interpreter.step(&[&tick.iter().copied().collect::<Vec<_>>()]).unwrap();
        result.0.push(interpreter.membranes(index).unwrap()[0]);
        result.1.push(interpreter.spikes(index)[0].into());
    }
    result
}

/// The single LIF neuron on many platforms. A recording may be some ticks late, may have a unit of its own, and holds the
/// membrane to a tolerance, in that unit, that its number format gives (none where it is recorded before the reset).
#[test]
fn one_neuron_is_simulated_as_each_platform_recorded_it() {
    let zero = Some(Reset::Value);
    let subtract = Some(Reset::Subtract);
    let exponential = Some(Integrator::Exponential);
    let tau = 0.0025;
    for (platform, model, node, convention, reset, integrator, late, unit, tolerance) in [
        ("norse", "lif_norse", "1", Convention::Norse, None, None, 0, 1.0, Some(1e-7)),
        // snnTorch's membrane is in units of the weights.
        ("snntorch", "lif_norse", "1", Convention::Snntorch, zero, None, 0, 1e-4 / tau, Some(2e-6)),
        ("rockpool", "lif_rockpool", "1_LIFNeuronTorch", Convention::Rockpool, None, None, 0, 1.0, Some(1e-7)),
        ("sinabs", "lif_rockpool", "1_LIFNeuronTorch", Convention::Sinabs, None, None, 0, 1.0, Some(1e-7)),
        ("lava_cpu_float", "lif_norse", "1", Convention::Lava, None, None, 1, 1.0, Some(1e-7)),
        // Nengo's membrane is in units of the threshold.
        ("nengo", "lif_norse", "1", Convention::Nir, zero, exponential, 0, 0.1, Some(1e-7)),
        // Weights of 8 and decays of 12 bits.
        ("lava_cpu_fixed", "lif_norse", "1", Convention::Lava, None, None, 1, 0.1 / 1600.0, Some(16.0)),
        ("lava_loihi_fixed", "lif_norse", "1", Convention::Lava, None, None, 1, 0.1 / 1600.0, None),
        // Spyx subtracts the threshold a tick later. The exact solution lets a neuron fire between two ticks.
        ("spyx", "lif_norse", "1", Convention::Nir, subtract, Some(Integrator::Euler), 1, 1.0, None),
        ("exact", "lif_norse", "1", Convention::Nir, subtract, exponential, 0, 1.0, Some(1e-3)),
    ] {
        let (Some(model), Some((input, voltages, spikes))) =
            (shared(&format!("nir/{model}.nir")), lif_recording(platform))
        else {
            return;
        };
        let options = Options { integrator: integrator.into(), ..options(1e-4, convention, reset) };
        let (membranes, fired) = simulate_one(&levels(&model, &options).float, &input, node);
        let worst =
            (late..voltages.len()).map(|t| (membranes[t - late] / unit - voltages[t]).abs()).fold(0.0, f64::max);
        println!("{platform}: membrane within {worst:.1e}");
        assert_eq!(fired[..fired.len() - late], spikes[late..], "{platform}");
        assert!(worst < tolerance.unwrap_or(f64::INFINITY), "{platform}: {worst}");
        assert_eq!(spikes.iter().sum::<f64>(), 4.0);
    }
}

#[test]
fn one_neuron_matches_the_vendors_simulation() {
    let (Some(model), Some((input, voltages, spikes))) = (shared("nir/lif_norse.nir"), lif_recording("spinnaker2"))
    else {
        return;
    };
    // The script behind the recording multiplies the weight, 1, by 102.02, and drops the first tick that it ran.
    let factor = 102.02;
    let options = Options { weight_scale: WeightScale::Factor(factor), ..vendor(Reset::Value) };
    let mut machine = levels(&model, &options).machine;
    let fired = on_chip(&mut machine, &input, "1");
    let membranes = membranes_on_chip(&mut machine, &input, "1");
    // It divides membranes by the weight's factor alone, so that its unit is dt / tau volts.
    let unit = 1e-4 / 0.0025;
    for tick in 1..voltages.len() {
        assert_eq!(f64::from(fired[tick]), spikes[tick - 1], "tick {tick}");
        assert!((membranes[tick] / unit - voltages[tick - 1]).abs() < 1e-6, "tick {tick}");
    }
    assert_eq!(spikes.iter().sum::<f64>(), 4.0);
}

/// The Braille network of this name under a convention, its input, and the recording of a platform.
fn braille(platform: &str, name: &str, options: &Options) -> Option<(snn::Network, SpikeTrain, Vec<u16>)> {
    let model = shared(&format!("nir/braille_{name}.nir"))?;
    let input = read_spikes(&shared("braille/input.npy")?, None).unwrap();
    let recorded = read_spikes(&shared(&format!("braille/{platform}_activity_{name}.npy"))?, None).unwrap();
    let dense = recorded.to_dense();
    // Some recordings are neurons x ticks.
    let dense = if dense.shape()[0] == input.ticks() { dense } else { dense.reversed_axes() };
    let recorded = dense.iter().copied().collect();
    Some((levels(&model, options).float, input, recorded))
}

/// Cells of the hidden layer that differ from a recording that is some ticks late.
fn hidden_cells(network: &snn::Network, input: &SpikeTrain, recorded: &[u16], late: usize) -> usize {
    let spikes =
        interpret(&mut s2c_interp::snn::Snn::with_precision(network, Precision::Single).unwrap(), input, "lif1.lif");
    let width = spikes.len() / input.ticks();
    differing(&spikes[..spikes.len() - late * width], &recorded[late * width..])
}

#[test]
fn recurrent_networks_are_simulated_as_each_platform_recorded_them() {
    let (zero, subtract) = (Some(Reset::Value), Some(Reset::Subtract));
    let pending = Options { reset_delay: Some(false).into(), ..options(1e-4, Convention::Snntorch, subtract) };
    let euler = Options { integrator: Some(Integrator::Euler).into(), ..options(1e-4, Convention::Nir, subtract) };
    for (platform, name, options, late) in [
        ("snntorch", "noDelay_bias_zero", options(1e-4, Convention::Snntorch, zero), 0),
        ("snntorch", "noDelay_noBias_subtract", pending, 0),
        // Norse was recorded with its own reset, to 0, whatever the network was trained with.
        ("norse", "noDelay_noBias_subtract", options(1e-4, Convention::Norse, None), 0),
        // Spyx as well: by subtraction.
        ("spyx", "noDelay_bias_zero", euler.clone(), 1),
        ("spyx", "noDelay_noBias_subtract", euler, 1),
    ] {
        let Some((network, input, recorded)) = braille(platform, name, &options) else { return };
        assert_eq!(hidden_cells(&network, &input, &recorded, late), 0, "{platform}, {name}");
    }
}

/// The recurrent connection, and the delay in front of it.
fn recurrent_connection(network: &snn::Network) -> (usize, usize) {
    let found = network.nodes.iter().enumerate().find_map(|(connection, node)| {
        let delay = *node.inputs.first()?;
        let is_late = matches!(network.nodes[delay].op, snn::Op::Delay(_));
        (is_late && matches!(node.op, snn::Op::Linear(_))).then_some((connection, delay))
    });
    found.unwrap()
}

#[test]
fn norse_first_runs_a_recurrent_connection_in_the_second_tick() {
    let options = options(1e-4, Convention::Norse, None);
    let Some((mut network, input, recorded)) = braille("norse", "noDelay_bias_zero", &options) else { return };
    assert_eq!(hidden_cells(&network, &input, &recorded, 0), 23);
    // Behind the connection, the delay makes its bias a tick late, too.
    let (connection, delay) = recurrent_connection(&network);
    let mut behind = network.nodes[delay].clone();
    let source = std::mem::replace(&mut behind.inputs, vec![connection])[0];
    behind.result = network.nodes[connection].result.clone();
    network.nodes[connection].inputs = vec![source];
    for node in &mut network.nodes {
        node.inputs.iter_mut().filter(|input| **input == connection).for_each(|input| *input = delay);
    }
    network.nodes[delay] = behind;
    assert_eq!(hidden_cells(&network, &input, &recorded, 0), 0);
}

#[test]
fn lava_was_recorded_without_the_bias_of_the_recurrent_connection() {
    let options = options(1e-4, Convention::Lava, None);
    let Some((mut network, input, recorded)) = braille("lava", "noDelay_bias_zero", &options) else { return };
    assert_eq!(hidden_cells(&network, &input, &recorded, 0), 158);
    let (connection, _) = recurrent_connection(&network);
    if let snn::Op::Linear(op) = &mut network.nodes[connection].op {
        op.bias = None;
    }
    // All of them from tick 222 on, in a network that amplifies roundings.
    assert_eq!(hidden_cells(&network, &input, &recorded, 0), 9);
}

#[test]
fn a_convolutional_network_counts_as_its_float_run() {
    let (Some(model), Some(data)) = (shared("nir/cnn_sinabs.nir"), shared("nmnist/cnn_sinabs_ref_test100.npz")) else {
        return;
    };
    let options = Options { dt: None, input_limit: 3, ..options(1.0, Convention::Sinabs, None) };
    let network = levels(&model, &options).float;
    let expected = read_spikes(&data, Some("out_counts")).unwrap().to_dense();
    let data = DataSet::open(&data, None, Layout::Samples).unwrap();
    for sample in (0..100).step_by(7) {
        let mut interpreter = s2c_interp::snn::Snn::with_precision(&network, Precision::Single).unwrap();
        let spikes = interpret(&mut interpreter, &data.sample(sample).unwrap(), "output");
        let count = |class: usize| spikes.iter().skip(class).step_by(10).sum::<u16>();
        let counts: Vec<u16> = (0..10).map(count).collect();
        assert_eq!(counts, expected.outer_iter().nth(sample).unwrap().iter().copied().collect::<Vec<_>>(), "{sample}");
    }
}

/// Samples whose counts at level `float` are not those recorded, and the right answers.
fn counts(
    model: &str,
    data: &str,
    recorded: Option<(&str, &str)>,
    dt: f64,
    precision: Precision,
) -> Option<(usize, usize)> {
    let (model, data) = (shared(model)?, shared(data)?);
    let network = levels(&model, &options(dt, Convention::Nir, Some(Reset::Subtract))).float;
    let data = DataSet::open(&data, None, Layout::Samples).unwrap();
    let outputs = network.nodes.iter().find(|node| matches!(node.op, snn::Op::Output(_))).unwrap();
    let (output, outputs) = (outputs.name.clone(), network.result(outputs.inputs[0]).unwrap().len());
    let (float, quantized, binary, populations, readout) = (Some(network), None, None, vec![], None);
    let subject = Subject {
        takes_values: false,
        float,
        precision,
        quantized,
        binary,
        plan: None,
        populations,
        output,
        outputs,
        readout,
    };
    let report = evaluation::evaluate(&subject, &data, &|| ()).unwrap();
    let differing = match recorded {
        None => 0,
        Some((file, array)) => {
            let recorded = read_spikes(&shared(file)?, Some(array)).unwrap().to_dense();
            let pairs = report.counts["float"].iter().zip(recorded.outer_iter());
            let equal = |(counts, recorded): (&Vec<f64>, ndarray::ArrayViewD<'_, u16>)| {
                recorded.iter().copied().map(f64::from).eq(counts.iter().copied())
            };
            pairs.filter(|pair| !equal(pair.clone())).count()
        }
    };
    Some((differing, report.levels["float"].correct))
}

#[test]
fn trained_networks_count_as_their_float_runs() {
    let gesture = |precision| {
        let recorded = Some(("gesture/gesture_hard_out.npz", "nir_ref_counts"));
        counts("gesture/gesture_hard_conv_lif.nir", "gesture/gesture_hard_test.npz", recorded, 1e-3, precision)
    };
    let Some(gesture_single) = gesture(Precision::Single) else { return };
    assert_eq!(gesture_single, (0, 303));
    // A membrane meets its threshold to the last digit of float32 in one of the 330 samples, and passes it by 1e-7.
    assert_eq!(gesture(Precision::Double).unwrap(), (1, 303));
    let recorded = Some(("nmnist/nmnist_out.npz", "nir_ref_counts"));
    let nmnist = counts("nmnist/nmnist_conv_lif.nir", "nmnist/nmnist_test100.npz", recorded, 5.2e-3, Precision::Single);
    assert_eq!(nmnist.unwrap(), (0, 92));
    let digits = counts("digits/digits_conv_lif.nir", "digits/digits_test.npz", None, 1e-4, Precision::Single);
    assert_eq!(digits.unwrap(), (0, 487));
}
