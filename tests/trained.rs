//! The networks in examples/ that PyTorch trained: the interpreters repeat, spike for spike, what the training framework's
//! own forward pass gave in float32, and the machine code repeats the integers.

mod support;

use s2c::{
    data::{DataSet, Layout},
    tools::{
        machine::{Time, Wish},
        recording::{Quantity, Recording},
    },
};
use s2c_dialects::attribute::Reset;
use s2c_interp::Interpreter;
use s2c_passes::options::{Convention, Options};
use support::{example, float, integers, levels};

/// A shipped network and what belongs to it.
struct Trained {
    model: &'static str,
    /// Samples with labels.
    data: &'static str,
    /// Spikes of all populations, in their order, in the framework's forward pass.
    forward: &'static str,
    /// Bits of the weights' grid, if they have one.
    weight_bits: Option<u32>,
    populations: &'static [&'static str],
}

impl Trained {
    fn options(&self) -> Options {
        Options {
            dt: Some(1e-3),
            convention: Convention::Snntorch,
            reset: Some(Reset::Subtract).into(),
            weight_bits: self.weight_bits.unwrap_or(8).into(),
            ..Options::default()
        }
    }

    /// The integer network where the weights are on a grid, the float network where they are not.
    fn interpreter(&self) -> Box<dyn Fn() -> Box<dyn Interpreter>> {
        let model = example(self.model);
        if self.weight_bits.is_some() {
            let network = integers(&model, &self.options()).unwrap();
            return Box::new(move || Box::new(s2c_interp::qsnn::Qsnn::new(&network).unwrap()));
        }
        let network = float(&model, &self.options()).unwrap();
        Box::new(move || Box::new(s2c_interp::snn::Snn::new(&network).unwrap()))
    }

    /// Cells in which the interpreter differs from the forward pass, all cells, and the interpreter's right answers, over
    /// the samples that the forward pass is recorded for.
    fn compare(&self) -> (usize, usize, usize) {
        let data = DataSet::open(&example(self.data), None, Layout::Samples).unwrap();
        let forward = DataSet::open(&example(self.forward), None, Layout::Samples).unwrap();
        let start = self.interpreter();
        let (mut differing, mut cells, mut right) = (0, 0, 0);
        for (sample, label) in data.labels().unwrap().iter().enumerate().take(forward.len()) {
            let mut interpreter = start();
            let populations: Vec<_> = self.populations.iter().map(|node| interpreter.find(node).unwrap()).collect();
            let input = data.sample(sample).unwrap().to_dense();
            let expected = forward.sample(sample).unwrap().to_dense();
            let mut counts: Vec<u32> = Vec::new();
            for (input, expected) in input.outer_iter().zip(expected.outer_iter()) {
                interpreter.step(&[&input.iter().copied().collect::<Vec<_>>()]).unwrap();
                let spikes: Vec<_> = populations.iter().map(|&population| interpreter.spikes(population)).collect();
                let outputs = spikes.last().unwrap();
                counts.resize(outputs.len(), 0);
                counts.iter_mut().zip(outputs).for_each(|(count, &spikes)| *count += u32::from(spikes));
                let all = spikes.concat();
                assert_eq!(all.len(), expected.len());
                differing += all.iter().zip(expected.iter()).filter(|(spikes, expected)| spikes != expected).count();
                cells += all.len();
            }
            let winner = (0..counts.len()).rev().max_by_key(|&class| counts[class]).unwrap();
            right += usize::from(winner == *label as usize);
        }
        (differing, cells, right)
    }

    /// Two float32 sums of the same weights may differ in their last bit, and so might a spike whose membrane meets its
    /// threshold that closely. None of the recordings has such a cell.
    fn repeats_its_forward_pass(&self, expected_right: usize) {
        let (differing, cells, right) = self.compare();
        println!("{}: {differing} of {cells} cells differ, {right} right", self.model);
        assert_eq!(differing, 0, "{}: of {cells} cells", self.model);
        assert_eq!(right, expected_right, "{}", self.model);
    }
}

fn digits(model: &'static str, forward: &'static str, weight_bits: u32) -> Trained {
    let weight_bits = Some(weight_bits);
    Trained { model, data: "digits/test.npz", forward, weight_bits, populations: &["hidden", "out"] }
}

#[test]
fn digits_in_eight_bits_repeat_their_forward_pass() {
    digits("digits/digits_qat8.nir", "digits/digits_qat8_forward.npz", 8).repeats_its_forward_pass(468);
}

#[test]
fn digits_in_four_bits_repeat_their_forward_pass() {
    digits("digits/digits_qat4.nir", "digits/digits_qat4_forward.npz", 4).repeats_its_forward_pass(466);
}

#[test]
fn ternary_digits_repeat_their_forward_pass() {
    // The float network is right on 465 samples: ternary weights cost 1.8 points.
    digits("digits/digits_qat2.nir", "digits/digits_qat2_forward.npz", 2).repeats_its_forward_pass(456);
}

fn gestures(model: &'static str, forward: &'static str, weight_bits: Option<u32>) -> Trained {
    let populations = &["lif1", "lif2", "lif3", "out"];
    Trained { model, data: "gesture/test.npz", forward, weight_bits, populations }
}

#[test]
fn gestures_in_float_repeat_their_forward_pass() {
    gestures("gesture/gesture.nir", "gesture/gesture_forward.npz", None).repeats_its_forward_pass(59);
}

#[test]
fn gestures_in_four_bits_repeat_their_forward_pass_also_on_the_chip() {
    let trained = gestures("gesture/gesture_qat4.nir", "gesture/gesture_qat4_forward.npz", Some(4));
    trained.repeats_its_forward_pass(60);

    let mut machine = levels(&example(trained.model), &trained.options()).machine;
    let data = DataSet::open(&example(trained.data), None, Layout::Samples).unwrap();
    let forward = DataSet::open(&example(trained.forward), None, Layout::Samples).unwrap();
    let spikes = |node: &&str| Wish { node: (*node).to_owned(), quantity: Quantity::Spikes };
    let wishes: Vec<_> = trained.populations.iter().map(spikes).collect();
    for sample in 0..8 {
        let expected = forward.sample(sample).unwrap().to_dense();
        let mut first = 0;
        for recording in machine.run(&data.sample(sample).unwrap(), &wishes, Time::Network).unwrap() {
            let Recording::Spikes(table) = recording else { unreachable!("spikes were asked for") };
            let width = table.values.len() / data.ticks();
            for (spikes, expected) in table.values.chunks(width).zip(expected.outer_iter()) {
                assert!(spikes.iter().eq(expected.iter().skip(first).take(width)), "sample {sample}");
            }
            first += width;
        }
        assert_eq!(first, expected.len() / data.ticks(), "every population was compared");
    }
}
