//! Kernels against the reference, and their cost.

use std::{collections::BTreeMap, rc::Rc};

use s2c_chip::Packet;
use s2c_dialects::qsnn::Coefficient::{self, Bound, Offset, Readout};
use s2c_kernels::{
    Accumulator, CurrentStage, Decay, Factor, Fire, GROUP, Kernel, Parameter, Reset, RowKernel, SparseKernel, Spread,
    State, UpdateKernel, WeightWidth, pack_row,
};

use super::{
    super::CodeImage,
    CODE_BYTES, Draw, Random, cache,
    machine::Machine,
    reference::{Neurons, factor, update},
};

const DESCRIPTOR: u32 = 0x2000;
const ACCUMULATORS: u32 = 0x3000;
const MEMBRANES: u32 = 0x4000;
const ROW: u32 = 0x5000;
/// Parameter arrays begin here and are this many bytes apart.
const ARRAYS: u32 = 0x6000;
const ARRAY_BYTES: u32 = 0x1000;
/// Words behind each array that must stay as they are.
const GUARD: [i32; 3] = [0x5a5a_5a5a; 3];
const KEY: u32 = 0x0001_2300;

fn image(cache: &mut super::KernelCache, kernel: &Kernel) -> Rc<CodeImage> {
    Rc::new(cache.image([kernel], CODE_BYTES).unwrap_or_else(|error| panic!("{error}")))
}

fn words(values: &[i32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn accumulator_bytes(width: Accumulator, values: &[i32]) -> Vec<u8> {
    match width {
        Accumulator::I16 => values.iter().flat_map(|&value| (value as i16).to_le_bytes()).collect(),
        Accumulator::I32 => words(values),
    }
}

/// Runs a row kernel on random data and compares; returns the instructions and the cycles.
pub fn check_row(code: &CodeImage, kernel: &RowKernel, random: &mut Random) -> (u64, u64) {
    let n = kernel.length as usize;
    let bits = 32 - kernel.weights.bits();
    let weight = |random: &mut Random| match kernel.weights {
        WeightWidth::W1 => 1 - 2 * (random.value() & 1),
        _ => random.value() << bits >> bits,
    };
    let weights: Vec<i32> = (0..n).map(|_| weight(random)).collect();
    let accumulators = random.values(n);
    let mut machine = Machine::new(code);
    machine.write(DESCRIPTOR, &ACCUMULATORS.to_le_bytes());
    let mut before = accumulator_bytes(kernel.accumulators, &accumulators);
    before.extend(words(&GUARD));
    machine.write(ACCUMULATORS, &before);
    machine.write(ROW, &pack_row(kernel, &weights));
    let payload = random.value();
    let executed = machine.call(code.entry(&kernel.name()).unwrap(), [ROW, DESCRIPTOR, 7, payload as u32]);
    let (scale, times) = (kernel.weights.scale_log2(), factor(kernel.factor, payload));
    let sum = |(a, w): (&i32, &i32)| a.wrapping_add((w << scale).wrapping_mul(times));
    let sums: Vec<i32> = accumulators.iter().zip(&weights).map(sum).collect();
    let mut after = accumulator_bytes(kernel.accumulators, &sums);
    after.extend(words(&GUARD));
    assert_eq!(machine.read(ACCUMULATORS, after.len()), after, "{}", kernel.name());
    executed
}

#[test]
fn rows_add_their_weights() {
    let (mut cache, mut random) = (cache(), Random(1));
    println!("{:>16} {:>6} {:>12} {:>11}", "kernel", "bytes", "instructions", "per weight");
    let bounds = [
        (WeightWidth::W8, Accumulator::I16, 0.90),
        (WeightWidth::W8, Accumulator::I32, 1.53),
        (WeightWidth::W16, Accumulator::I16, 1.03),
        (WeightWidth::W16, Accumulator::I32, 1.66),
        (WeightWidth::W4, Accumulator::I16, 1.1),
        (WeightWidth::W4, Accumulator::I32, 1.72),
        (WeightWidth::W2, Accumulator::I16, 1.06),
        (WeightWidth::W2, Accumulator::I32, 1.69),
        (WeightWidth::W1, Accumulator::I16, 1.31),
        (WeightWidth::W1, Accumulator::I32, 1.94),
    ];
    for (weights, accumulators, bound) in bounds {
        for length in (4..=72).step_by(4).chain([256]) {
            let kernel = RowKernel { weights, accumulators, length, factor: Factor::One };
            let code = image(&mut cache, &Kernel::Row(kernel.clone()));
            let instructions = (0..4).map(|_| check_row(&code, &kernel, &mut random).0).max().unwrap_or(0);
            if [4, 12, 40, 256].contains(&length) {
                let (name, each) = (kernel.name(), instructions as f64 / f64::from(length));
                println!("{name:>16} {:>6} {instructions:>12} {each:>11.2}", code.symbols[&name].size);
                assert!(length != 256 || each <= bound, "{name}: {each} instructions per weight");
            }
        }
    }
}

/// Kernels that multiply: a weight takes an instruction more than one that is added.
#[test]
fn rows_are_multiplied() {
    let (mut cache, mut random) = (cache(), Random(7));
    let factors = [-31, -12, -1, 0, 4].map(Factor::Payload).into_iter().chain([1, 17, 30].map(Factor::Shifted));
    for (number, factor) in factors.enumerate() {
        for weights in [WeightWidth::W8, WeightWidth::W16] {
            for length in [4, 12, 32 + 4 * number as u32, 256] {
                let kernel = RowKernel { weights, accumulators: Accumulator::I32, length, factor };
                let code = image(&mut cache, &Kernel::Row(kernel.clone()));
                let instructions = (0..4).map(|_| check_row(&code, &kernel, &mut random).0).max().unwrap_or(0);
                let (name, each) = (kernel.name(), instructions as f64 / f64::from(length));
                assert!(length != 256 || each <= 2.8, "{name}: {each} instructions per weight");
            }
        }
    }
}

/// Runs a sparse row and compares; returns the instructions and the cycles.
pub fn check_sparse(code: &CodeImage, kernel: &SparseKernel, weights: &[i32], random: &mut Random) -> (u64, u64) {
    let accumulators = random.values(weights.len());
    let mut machine = Machine::new(code);
    machine.write(DESCRIPTOR, &ACCUMULATORS.to_le_bytes());
    let mut before = accumulator_bytes(kernel.accumulators, &accumulators);
    before.extend(words(&GUARD));
    machine.write(ACCUMULATORS, &before);
    // The second of two rows.
    machine.write(ROW, &kernel.pack(ROW, [vec![1], weights.to_vec()].into_iter()));
    let row = ROW + SparseKernel::STRIDE;
    let executed = machine.call(code.entry(&kernel.name()).unwrap(), [row, DESCRIPTOR, 7, 8]);
    let sums: Vec<i32> = accumulators.iter().zip(weights).map(|(a, w)| a.wrapping_add(*w)).collect();
    let mut after = accumulator_bytes(kernel.accumulators, &sums);
    after.extend(words(&GUARD));
    assert_eq!(machine.read(ACCUMULATORS, after.len()), after, "{}", kernel.name());
    executed
}

/// A sparse row of a density in percent.
pub fn sparse_row(length: usize, percent: u32, random: &mut Random) -> Vec<i32> {
    let weight = |random: &mut Random| (random.word() as i32 >> 24).max(-127);
    (0..length).map(|_| if random.up_to(100) < percent { weight(random) } else { 0 }).collect()
}

#[test]
fn sparse_rows_add_their_weights() {
    let (mut cache, mut random) = (cache(), Random(6));
    for accumulators in [Accumulator::I16, Accumulator::I32] {
        let kernel = SparseKernel { accumulators };
        let code = image(&mut cache, &Kernel::Sparse(kernel.clone()));
        for (length, percent) in [(4, 100), (4, 0), (256, 25), (1000, 1), (1000, 10), (900, 0), (260, 50)] {
            for _ in 0..8 {
                let weights = sparse_row(length, percent, &mut random);
                let (instructions, _) = check_sparse(&code, &kernel, &weights, &mut random);
                let entries = weights.iter().filter(|&&weight| weight != 0).count();
                let each = instructions as f64 / entries as f64;
                assert!((length, percent) != (256, 25) || each <= 4.8, "{}: {each} per entry", kernel.name());
            }
        }
        let weights: Vec<i32> = (0..256).map(|index| if index % 4 == 0 { 5 } else { 0 }).collect();
        let (instructions, cycles) = check_sparse(&code, &kernel, &weights, &mut random);
        println!(
            "{:>16} {:.2} instructions, {:.2} cycles per entry",
            kernel.name(),
            instructions as f64 / 64.0,
            cycles as f64 / 64.0
        );
    }
}

/// Data for a kernel: accumulators that its shift can't make overflow and leaves whole, anything else. A kernel that
/// passes over resting neurons has been told of those above the threshold.
fn neurons(kernel: &UpdateKernel, count: usize, random: &mut Random) -> Neurons {
    // Floats of all magnitudes at which sums still round, denormal ones, and zeros of both signs.
    let value = |random: &mut Random| match kernel.state {
        State::Float => {
            let bits = random.value();
            let exponent = random.pick(&[1 << 23, 100 << 23, 125 << 23, 127 << 23, 130 << 23, 140 << 23]);
            random.pick(&[
                bits & 0x807f_ffffu32 as i32 | exponent,
                bits & 0x8000_0000u32 as i32 | exponent,
                bits & i32::MIN,
            ])
        }
        State::Wrap | State::Saturate => random.value(),
    };
    let lost = match kernel.accumulators {
        Accumulator::I16 => kernel.input_shift.max(16),
        Accumulator::I32 => kernel.input_shift.max(0),
    };
    let parameters = kernel.spreads().into_iter().map(|(name, spread)| match (name, spread) {
        (Parameter::Pending, _) => (name, vec![1; count]),
        (_, Spread::Uniform) => (name, vec![value(random); count]),
        (_, Spread::PerNeuron) => (name, (0..count).map(|_| value(random)).collect()),
        (_, Spread::Repeating(log2)) => {
            let values: Vec<i32> = (0..1 << log2).map(|_| value(random)).collect();
            (name, values.into_iter().cycle().take(count).collect())
        }
    });
    let parameters: BTreeMap<Parameter, Vec<i32>> = parameters.collect();
    let fraction = kernel.input_shift.min(0).unsigned_abs();
    let accumulators = (0..count).map(|_| random.value() >> lost >> fraction << fraction).collect();
    // Bytes are whole multiples of their unit.
    let kept = |value: i32| kernel.byte_shift.map_or(value, |shift| i32::from(value as i8) << shift);
    let membranes = (0..count).map(|_| kept(value(random))).collect();
    Neurons { accumulators, membranes, parameters }
}

/// Runs one tick and compares state and keys; returns the instructions and the cycles.
fn check_update(code: &CodeImage, kernel: &UpdateKernel, mut neurons: Neurons) -> (u64, u64) {
    let count = neurons.membranes.len();
    let mut machine = Machine::new(code);
    let guarded = |values: &[i32]| words(&[values, &GUARD].concat());
    let mut descriptor = vec![0, 0, count as u32, KEY, ACCUMULATORS, MEMBRANES];
    let mut arrays = Vec::new();
    for ((name, spread), address) in kernel.spreads().into_iter().zip((ARRAYS..).step_by(ARRAY_BYTES as usize)) {
        match spread {
            Spread::Uniform => descriptor.push(neurons.parameters[&name][0] as u32),
            Spread::PerNeuron | Spread::Repeating(_) => {
                let length = match spread {
                    Spread::Repeating(log2) => 1 << log2,
                    _ => count,
                };
                machine.write(address, &guarded(&neurons.parameters[&name][..length]));
                descriptor.push(address);
                arrays.push((name, address, length));
            }
        }
    }
    machine.write(DESCRIPTOR, &words(&descriptor.iter().map(|&word| word as i32).collect::<Vec<_>>()));
    machine.write(ACCUMULATORS, &accumulator_bytes(kernel.accumulators, &neurons.accumulators));
    let end = ACCUMULATORS + count as u32 * kernel.accumulators.bytes();
    machine.write(end, &words(&GUARD));
    let kept = |membranes: &[i32]| match kernel.byte_shift {
        None => guarded(membranes),
        Some(shift) => membranes.iter().map(|v| (v >> shift) as u8).chain(words(&GUARD)).collect(),
    };
    machine.write(MEMBRANES, &kept(&neurons.membranes));

    let name = kernel.name();
    let executed = machine.call(code.entry(&name).unwrap(), [DESCRIPTOR, 1, 2, 3]);
    let expected = update(kernel, &mut neurons).into_iter();
    let expected: Vec<Packet> = expected.map(|(index, payload)| Packet { key: KEY + index, payload }).collect();
    assert_eq!(machine.packets(), expected, "{name}, {count} neurons: packets");
    let membranes = kept(&neurons.membranes);
    assert_eq!(machine.read(MEMBRANES, membranes.len()), membranes, "{name}, {count}: membranes");
    for (parameter, address, length) in arrays {
        let expected = guarded(&neurons.parameters[&parameter][..length]);
        assert_eq!(machine.read(address, 4 * length + 12), expected, "{name}, {count}: {parameter:?}");
    }
    let cleared = count * kernel.accumulators.bytes() as usize;
    assert_eq!(machine.read(ACCUMULATORS, cleared), vec![0; cleared], "{name}, {count}: accumulators");
    assert_eq!(machine.read(end, 12), words(&GUARD), "{name}, {count}: behind the accumulators");
    if let Some(position) = kernel.parameters().iter().position(|&name| name == Parameter::Pending) {
        let thresholds = &neurons.parameters[&Parameter::THRESHOLD];
        let pending = neurons.membranes.iter().zip(thresholds).any(|(v, threshold)| v > threshold);
        let word = machine.read(DESCRIPTOR + s2c_abi::slice::PARAMETERS + 4 * position as u32, 4);
        assert_eq!(word, words(&[pending.into()]), "{name}, {count}: pending");
    }
    executed
}

/// Groups after which all parameters repeat.
fn groups_of(kernel: &UpdateKernel) -> u32 {
    let of = |(_, spread): &(Parameter, Spread)| match spread {
        Spread::Repeating(log2) => (1 << log2) / GROUP,
        _ => 1,
    };
    kernel.spreads().iter().map(of).max().unwrap_or(1)
}

pub fn any_kernel(random: &mut Random) -> UpdateKernel {
    let repeating = Spread::Repeating(random.pick(&[2, 3, 5]));
    let spreads = [Spread::Uniform, Spread::PerNeuron, repeating];
    let offsets = [None, Some(Spread::Uniform), Some(Spread::PerNeuron), Some(repeating)];
    let decay = |random: &mut Random| {
        let spread = random.pick(&spreads);
        random.pick(&[Decay::None, Decay::Whole(spread), Decay::Fraction(spread), Decay::Mixed])
    };
    let current =
        CurrentStage { decay: decay(random), offset: random.pick(&offsets), output_shift: random.pick(&[0, 1, 7, 31]) };
    let by = random.pick(&spreads);
    // The kernel for pending resets counts no channels.
    let pending = if by == repeating { Spread::PerNeuron } else { by };
    let reset = random.pick(&[Reset::Subtract(by), Reset::SubtractPending(pending), Reset::Value(by)]);
    let fire = Fire { threshold: random.pick(&spreads), reset };
    let (fire, readout) = match random.up_to(6) {
        0 => (None, None),
        1 | 2 => (None, Some(random.pick(&spreads))),
        _ => (Some(fire), None),
    };
    let words = [(Offset, random.pick(&offsets)), (Readout, readout), (Bound, random.pick(&offsets))];
    UpdateKernel {
        accumulators: random.pick(&[Accumulator::I16, Accumulator::I32]),
        state: random.pick(&[State::Wrap, State::Saturate]),
        input_shift: random.pick(&[-7, -1, 0, 1, 8, 14, 15, 16, 20, 31]),
        current: random.pick(&[None, Some(current)]),
        decay: decay(random),
        byte_shift: random.pick(&[None, Some(2), Some(17), Some(24)]).filter(|_| readout.is_none()),
        fire,
        words: words.into_iter().filter_map(|(which, spread)| Some((which, spread?))).collect(),
    }
}

#[test]
fn updates_follow_the_reference_bit_for_bit() {
    let (mut cache, mut random) = (cache(), Random(2));
    for _ in 0..160 {
        let kernel = any_kernel(&mut random);
        let code = image(&mut cache, &Kernel::Update(kernel.clone()));
        for count in [1, 2, random.up_to(16) + 3].map(|groups| groups * groups_of(&kernel) * GROUP) {
            check_update(&code, &kernel, neurons(&kernel, count as usize, &mut random));
        }
    }
}

/// A kernel with float state: nothing is shifted, and a decay is a factor.
pub fn any_float_kernel(random: &mut Random) -> UpdateKernel {
    let decay = |decay: Decay| decay.spread().map_or(Decay::None, Decay::Float);
    let kernel = any_kernel(random);
    let current = kernel.current.map(|stage| CurrentStage { decay: decay(stage.decay), output_shift: 0, ..stage });
    UpdateKernel {
        state: State::Float,
        input_shift: 0,
        current,
        decay: decay(kernel.decay),
        byte_shift: None,
        ..kernel
    }
}

#[test]
fn float_updates_follow_the_reference_bit_for_bit() {
    let (mut cache, mut random) = (cache(), Random(5));
    for _ in 0..120 {
        let kernel = any_float_kernel(&mut random);
        let code = image(&mut cache, &Kernel::Update(kernel.clone()));
        for count in [1, 2, random.up_to(16) + 3].map(|groups| groups * groups_of(&kernel) * GROUP) {
            check_update(&code, &kernel, neurons(&kernel, count as usize, &mut random));
        }
    }
}

/// A leaky neuron with 16-bit accumulators and a threshold per neuron.
pub fn lif(saturate: bool) -> UpdateKernel {
    UpdateKernel {
        accumulators: Accumulator::I16,
        state: if saturate { State::Saturate } else { State::Wrap },
        input_shift: 8,
        current: None,
        decay: Decay::Whole(Spread::Uniform),
        byte_shift: None,
        fire: Some(Fire { threshold: Spread::PerNeuron, reset: Reset::Subtract(Spread::Uniform) }),
        words: BTreeMap::new(),
    }
}

fn as_float(kernel: UpdateKernel) -> UpdateKernel {
    let decay = Decay::Float(Spread::Uniform);
    let current = kernel.current.map(|stage| CurrentStage { decay, ..stage });
    UpdateKernel { state: State::Float, input_shift: 0, current, decay, ..kernel }
}

pub fn with_current(kernel: UpdateKernel, output_shift: u8) -> UpdateKernel {
    let stage = CurrentStage { decay: Decay::Whole(Spread::Uniform), offset: None, output_shift };
    UpdateKernel { current: Some(stage), ..kernel }
}

#[test]
fn every_count_is_handled() {
    let (mut cache, mut random) = (cache(), Random(3));
    for accumulators in [Accumulator::I16, Accumulator::I32] {
        let kernel = UpdateKernel { accumulators, ..with_current(lif(true), 3) };
        let code = image(&mut cache, &Kernel::Update(kernel.clone()));
        for count in (4..=72).step_by(GROUP as usize) {
            check_update(&code, &kernel, neurons(&kernel, count, &mut random));
        }
    }
}

/// Neurons of which (almost) nobody fires, without input or with some for everybody.
fn quiet(kernel: &UpdateKernel, count: usize, silent: bool, random: &mut Random) -> Neurons {
    let mut quiet = neurons(kernel, count, random);
    let (membrane, threshold, other) = match kernel.state {
        State::Float => [1.0, f32::MAX, -0.5].map(|value| value.to_bits() as i32).into(),
        State::Wrap | State::Saturate => (1000, i32::MAX, -1000),
    };
    // 0 is a multiple of every unit of bytes.
    quiet.membranes.fill(if kernel.byte_shift.is_some() { 0 } else { membrane });
    quiet.accumulators.fill(if silent { 0 } else { 1 << kernel.input_shift.min(0).unsigned_abs() });
    for (name, values) in &mut quiet.parameters {
        values.fill(match name {
            Parameter::Of(Coefficient::Threshold | Coefficient::Readout) => threshold,
            Parameter::Pending => 0,
            _ => other,
        });
    }
    quiet
}

/// A tick in which (almost) nobody fires. Returns instructions and cycles, and how many sent something.
pub fn run_quiet(
    code: &CodeImage,
    kernel: &UpdateKernel,
    count: usize,
    silent: bool,
    random: &mut Random,
) -> ((u64, u64), usize) {
    let quiet = quiet(kernel, count, silent, random);
    let sent = update(kernel, &mut quiet.clone()).len();
    (check_update(code, kernel, quiet), sent)
}

/// A tick in which one of 16 neurons fires. Returns instructions and cycles, and how many fired.
pub fn run_firing(code: &CodeImage, kernel: &UpdateKernel, count: usize, random: &mut Random) -> ((u64, u64), usize) {
    let mut some = quiet(kernel, count, false, random);
    some.membranes.iter_mut().step_by(16).for_each(|membrane| *membrane = 1 << 24);
    some.parameters.entry(Parameter::THRESHOLD).and_modify(|thresholds| thresholds.fill(1 << 20));
    let sent = update(kernel, &mut some.clone()).len();
    assert_eq!(sent, count.div_ceil(16), "{}", kernel.name());
    (check_update(code, kernel, some), sent)
}

#[test]
fn silent_neurons_cost_few_instructions() {
    let (mut cache, mut random) = (cache(), Random(4));
    let integrator = UpdateKernel { decay: Decay::None, ..lif(true) };
    let kernels = [
        (lif(true), 6.6),
        (lif(false), 5.6),
        (UpdateKernel { accumulators: Accumulator::I32, ..lif(true) }, 6.4),
        (with_current(lif(true), 0), 9.6),
        (with_current(lif(false), 0), 8.6),
        (with_current(lif(true), 3), 10.9),
        (with_current(lif(false), 3), 8.9),
        (UpdateKernel { byte_shift: Some(20), ..lif(false) }, 11.4),
        (integrator, 1.7),
        (as_float(lif(false)), 9.9),
        (as_float(with_current(lif(false), 0)), 12.4),
    ];
    const COUNT: usize = 256;
    println!("{:>6} {:>13} {:>10}  kernel", "bytes", "instructions", "per neuron");
    for (kernel, bound) in kernels {
        let code = image(&mut cache, &Kernel::Update(kernel.clone()));
        let (instructions, _) = run_quiet(&code, &kernel, COUNT, true, &mut random).0;
        let (name, each) = (kernel.name(), instructions as f64 / COUNT as f64);
        println!("{:>6} {instructions:>13} {each:>10.2}  {name}", code.symbols[&name].size);
        assert!(each <= bound, "{name}: {each} instructions per neuron");
    }
}
