//! The networks in examples/ that were trained with quantized weights: the integer network repeats, spike for spike, what
//! the training framework's own forward pass gave in float32.

use s2c::{
    data::{DataSet, Layout},
    driver::{self, Wishes},
};
use s2c_dialects::{attribute::Reset, ir, qsnn};
use s2c_interp::{Interpreter, qsnn::Qsnn};
use s2c_passes::{
    Phase,
    options::{Convention, Options},
};
use std::path::{Path, PathBuf};

fn example(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(file)
}

/// A shipped network and what belongs to it.
struct Trained {
    model: &'static str,
    /// Samples with labels.
    data: &'static str,
    /// Spikes of all populations, in their order, in the framework's forward pass.
    forward: &'static str,
    weight_bits: u32,
    populations: &'static [&'static str],
    /// Right answers of the forward pass.
    right: usize,
}

/// Cells in which the integer network differs from the forward pass, all cells, and right answers.
fn compare(trained: &Trained) -> (usize, usize, usize) {
    let options = Options {
        dt: Some(1e-3),
        convention: Convention::Snntorch,
        reset: Some(Reset::Subtract),
        weight_bits: trained.weight_bits,
        ..Options::default()
    };
    let wishes = Wishes { stop_after: Some(Phase::Qsnn), dump_dir: None };
    let context = ir::context();
    let (integers, ..) = driver::compile(&context, &example(trained.model), &options, None, &wishes).unwrap();
    let network = qsnn::Network::read(&integers.module).unwrap();
    let data = DataSet::open(&example(trained.data), None, Layout::Samples).unwrap();
    let forward = DataSet::open(&example(trained.forward), None, Layout::Samples).unwrap();
    assert_eq!(data.len(), forward.len());
    let (mut differing, mut cells, mut right) = (0, 0, 0);
    for (sample, label) in data.labels().unwrap().iter().enumerate() {
        let mut interpreter = Qsnn::new(&network).unwrap();
        let populations: Vec<_> = trained.populations.iter().map(|node| interpreter.find(node).unwrap()).collect();
        let (input, expected) = (data.sample(sample).unwrap().to_dense(), forward.sample(sample).unwrap().to_dense());
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
fn repeats_its_forward_pass(trained: &Trained) {
    let (differing, cells, right) = compare(trained);
    println!("{}: {differing} of {cells} cells differ, {right} right", trained.model);
    assert_eq!(differing, 0, "{}: of {cells} cells", trained.model);
    assert_eq!(right, trained.right, "{}", trained.model);
}

fn digits(model: &'static str, forward: &'static str, weight_bits: u32, right: usize) -> Trained {
    Trained { model, data: "digits/test.npz", forward, weight_bits, populations: &["hidden", "out"], right }
}

#[test]
fn digits_in_eight_bits_repeat_their_forward_pass() {
    repeats_its_forward_pass(&digits("digits/digits_qat8.nir", "digits/digits_qat8_forward.npz", 8, 468));
}

#[test]
fn digits_in_four_bits_repeat_their_forward_pass() {
    repeats_its_forward_pass(&digits("digits/digits_qat4.nir", "digits/digits_qat4_forward.npz", 4, 466));
}

#[test]
fn ternary_digits_repeat_their_forward_pass() {
    // The float network is right on 465 samples: ternary weights cost 1.8 points.
    repeats_its_forward_pass(&digits("digits/digits_qat2.nir", "digits/digits_qat2_forward.npz", 2, 456));
}
