//! Weights that are stored narrow or sparse: the machine code equals the integer interpreter, and the storage is the one
//! that costs least.

mod support;

use s2c::{sink::Quiet, tools::machine::Machine};
use s2c_interp::{Interpreter, qsnn::Qsnn};
use s2c_passes::{
    options::{Level, Options},
    registry,
};
use std::{fmt::Write, path::Path};
use support::{binary, differing, integers, interpret, membranes_on_chip, noise, on_chip, target};

const NEURONS: usize = 403;

/// Options of a network as its attributes.
fn options_of(level: Level) -> String {
    let options = registry::write(&Options { level, ..Options::default() });
    options.iter().map(|(name, value)| format!("{name} = \"{value}\"")).collect::<Vec<_>>().join(", ")
}

/// Weights of a shape such as `3x4`, each from the state of a generator.
fn weights(shape: &str, seed: u32, weight: impl Fn(u32) -> i8) -> String {
    let (mut state, mut hex) = (seed, String::from("0x"));
    for _ in 0..shape.split('x').map(|extent| extent.parse::<usize>().unwrap()).product() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let _ = write!(hex, "{:02X}", weight(state >> 8));
    }
    format!("dense<\"{hex}\"> : tensor<{shape}xi8>")
}

/// A population with a convolution in some groups, from as many channels as it has.
fn convolution(level: Level, channels: usize, groups: usize, weight: impl Fn(u32) -> i8) -> String {
    let (weights, map) =
        (weights(&format!("{channels}x{}x3x3", channels / groups), 7, weight), format!("{channels}x4x4"));
    format!(
        "qsnn.network @net dt 1.0e-3 options {{{options}}} {{
  %x = qsnn.input \"input\" limit 1 : tensor<{map}xi1>
  %in = qsnn.conv2d %x bits 8 pool [1, 1] stride [1, 1] padding [1, 1] dilation [1, 1] groups {groups}
    {{weight = {weights}}} : tensor<{map}xi1> -> tensor<{map}xi32>
  %z = qsnn.neuron \"neuron\"(%in << 4) : tensor<{map}xi32> -> tensor<{map}xi1>
    membrane decay dense<3865470566> : tensor<{map}xi64> offset dense<1> : tensor<{map}xi32>
    fire dense<90> : tensor<{map}xi32> reset subtract dense<90> : tensor<{map}xi32>
    scale dense<1.0> : tensor<{map}xf64>
  qsnn.output \"output\"(%z) : tensor<{map}xi1>
}}",
        options = options_of(level),
    )
}

/// A population with a matrix of weights from `inputs` inputs, and one from itself, a tick late.
fn network(level: Level, inputs: usize, weight: impl Fn(u32) -> i8) -> String {
    let first = weights(&format!("{NEURONS}x{inputs}"), 7, &weight);
    let second = weights(&format!("{NEURONS}x{NEURONS}"), 11, &weight);
    format!(
        "qsnn.network @net dt 1.0e-3 options {{{options}}} {{
  %x = qsnn.input \"input\" limit 1 : tensor<{inputs}xi1>
  %in = qsnn.dense %x bits 8 {{weight = {first}}} : tensor<{inputs}xi1> -> tensor<{NEURONS}xi32>
  %late = qsnn.delay %z by 1 : tensor<{NEURONS}xi1>
  %back = qsnn.dense %late bits 8 {{weight = {second}}} : tensor<{NEURONS}xi1> -> tensor<{NEURONS}xi32>
  %sum = qsnn.add %in, %back : tensor<{NEURONS}xi32>, tensor<{NEURONS}xi32> -> tensor<{NEURONS}xi32>
  %z = qsnn.neuron \"neuron\"(%sum << 4) : tensor<{NEURONS}xi32> -> tensor<{NEURONS}xi1>
    membrane decay dense<3865470566> : tensor<{NEURONS}xi64> offset dense<1> : tensor<{NEURONS}xi32>
    fire dense<90> : tensor<{NEURONS}xi32> reset subtract dense<90> : tensor<{NEURONS}xi32>
    scale dense<1.0> : tensor<{NEURONS}xf64>
  qsnn.output \"output\"(%z) : tensor<{NEURONS}xi1>
}}",
        options = options_of(level),
    )
}

/// Compiles, runs and compares; returns the binary's kernels and the number of its PEs.
fn check(name: &str, text: &str, inputs: usize) -> (Vec<String>, usize) {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.mlir"));
    std::fs::write(&file, text).unwrap();
    let options = Options::default();
    let quantized = integers(&file, &options).unwrap();
    let mut machine = Machine::load(binary(&file, &options, target(), &Quiet).unwrap()).unwrap();
    let input = noise(12, inputs, 16);
    let mut interpreter = Qsnn::new(&quantized).unwrap();
    let expected = interpret(&mut interpreter, &input, "neuron");
    assert!(expected.contains(&1) && expected.contains(&0), "some neurons fire");
    assert_eq!(differing(&on_chip(&mut machine, &input, "neuron"), &expected), 0);
    let index = interpreter.find("neuron").unwrap();
    let last = interpreter.membranes(index).unwrap();
    let membranes = membranes_on_chip(&mut machine, &input, "neuron");
    assert_eq!(differing(&membranes[membranes.len() - last.len()..], &last), 0);
    let manifest = &machine.binary().manifest;
    (manifest.pes.iter().flat_map(|pe| pe.kernels.clone()).collect(), manifest.pes.len())
}

#[test]
fn weights_are_stored_in_the_way_that_costs_least() {
    let any = |state: u32| (state as i8).max(-127);
    let one_in_ten = move |state: u32| if (state >> 8).is_multiple_of(10) { any(state) } else { 0 };
    let ternary = |state: u32| (state % 3) as i8 - 1;
    let sign = |state: u32| if state & 64 == 0 { 1 } else { -1 };
    let nibble = |state: u32| (state % 15) as i8 - 7;
    // Narrow rows have to save a PE to be worth while; these inputs make the matrices large enough.
    type Weight<'w> = &'w dyn Fn(u32) -> i8;
    let cases: [(Weight<'_>, usize, &str); 5] = [
        (&any, 40, "row_w8"),
        (&one_in_ten, 40, "sparse_w8"),
        (&nibble, 400, "row_w4"),
        (&ternary, 400, "row_w2"),
        (&sign, 900, "row_w1"),
    ];
    for (weight, inputs, kernel) in cases {
        let (plain, plain_pes) = check("rows", &network(Level::O1, inputs, weight), inputs);
        assert!(plain.iter().any(|name| name.starts_with("row_w8")), "{plain:?}");
        let (chosen, pes) = check("rows", &network(Level::O2, inputs, weight), inputs);
        assert!(chosen.iter().any(|name| name.starts_with(kernel)), "{kernel}: {chosen:?}");
        assert!(pes <= plain_pes, "{kernel}: {pes} instead of {plain_pes} PEs");
        println!("{kernel}: {pes} PEs, stored as 8 bits {plain_pes}");
    }
}

#[test]
fn kernels_of_convolutions_are_stored_narrow_where_that_saves_a_pe_or_bytes() {
    let any = |state: u32| (state as i8).max(-127);
    let nibble = |state: u32| (state % 15) as i8 - 7;
    let sign = |state: u32| if state & 64 == 0 { 1 } else { -1 };
    type Weight<'w> = &'w dyn Fn(u32) -> i8;
    // Level, channels, groups, weights and how they are stored. All weights of 128 channels don't fit into a PE.
    let cases: [(Level, usize, usize, Weight<'_>, &str); 6] = [
        (Level::O2, 128, 1, &any, "conv_w8"),
        (Level::O1, 128, 1, &nibble, "conv_w8"),
        (Level::O2, 128, 1, &nibble, "conv_w4"),
        (Level::O2, 16, 1, &nibble, "conv_w8"),
        (Level::Os, 16, 1, &nibble, "conv_w4"),
        (Level::Os, 32, 8, &sign, "conv_w2"),
    ];
    let pes = cases.map(|(level, channels, groups, weight, kernel)| {
        let (kernels, pes) = check("convolution", &convolution(level, channels, groups, weight), channels * 16);
        assert!(kernels.iter().any(|name| name.starts_with(kernel)), "{kernel}: {kernels:?}");
        println!("{level:?}, {channels} channels, {kernel}: {pes} PEs");
        pes
    });
    assert!(pes[2] <= pes[1], "{pes:?}");
}
