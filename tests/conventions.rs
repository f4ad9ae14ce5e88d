//! Conventions against what the frameworks and the chip themselves recorded.

mod support;

use s2c::{
    data::{SpikeTrain, read_spikes},
    machine::{Time, Wish},
    recording::{Quantity, Recording},
};
use s2c_dialects::{attribute::Reset, snn::Integrator};
use s2c_passes::options::{Convention, Options, State, WeightCast, WeightScale};
use support::*;

/// The numerics of SpiNNaker2's own software.
fn vendor(reset: Reset) -> Options {
    Options {
        integrator: Some(Integrator::Euler),
        state: State::F32,
        weight_scale: WeightScale::Layer,
        weight_cast: WeightCast::Truncate,
        ..options(1e-4, Convention::Spinnaker2, Some(reset))
    }
}

/// Rows of input spike, voltage and output spike.
fn lif_recording(platform: &str) -> Option<(SpikeTrain, Vec<f64>, Vec<f64>)> {
    let text = std::fs::read_to_string(shared(&format!("lif/lif_{platform}.csv"))?).unwrap();
    let mut builder = SpikeTrain::builder(&[1]).unwrap();
    let (mut voltages, mut spikes) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let row: Vec<f64> = line.split(',').map(|cell| cell.trim().parse().unwrap()).collect();
        builder.push_tick(&[row[0] as u16]);
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
fn float_state_runs_exactly_on_the_chip() {
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
    let ours = Options { state: State::F32, ..options(1e-4, Convention::Snntorch, Some(Reset::Subtract)) };
    machine_code_is_exact(&no_bias, &ours, &input, &nodes);
    let norse = Options { state: State::F32, ..options(1e-4, Convention::Norse, None) };
    machine_code_is_exact(&two, &norse, &noise(400, 1, 3), &["lif1", "lif2", "out"]);
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
