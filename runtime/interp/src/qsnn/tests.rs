//! The network's rows, blocks and sleeping neurons against one neuron at a time, as the dialect's README has it.

use super::*;
use proptest::{collection::vec, prelude::*, sample::select};
use s2c_dialects::{
    attribute::{Reset, Tensor, Weights},
    fixed_point::Factor,
    ir::ValueType,
    neuron::{Output, Stages},
    qsnn::{self, Conv2d, Current, Fire, HandOn, Input, Integers, Membrane, Scale},
};

const TICKS: usize = 12;
/// A factor of 1, over 2^32.
const ONE: i64 = 1 << 32;

/// As the README has it.
fn decay(value: i32, factor: i64) -> i32 {
    ((i64::from(value) * factor + (1 << 31)) >> 32) as i32
}

/// A neuron as in the README.
#[derive(Clone, Debug)]
struct Neuron {
    current: Option<(i64, i32)>,
    decay: i64,
    offset: i32,
    threshold: i32,
    reset_by: i32,
    readout: i64,
}

/// What all neurons of a population have in common.
#[derive(Clone, Debug)]
struct Rule {
    shift: u32,
    current_shift: u32,
    reset: Reset,
    saturate: bool,
    byte_shift: Option<u32>,
    hands_on_values: bool,
}

impl Neuron {
    fn step(&self, rule: &Rule, [i, v]: &mut [i32; 2], x: i32) -> i32 {
        let plus = |a: i32, b: i32| if rule.saturate { a.saturating_add(b) } else { a.wrapping_add(b) };
        let minus = |a: i32, b: i32| if rule.saturate { a.saturating_sub(b) } else { a.wrapping_sub(b) };
        let mut drive = x << rule.shift;
        if let Some((factor, offset)) = self.current {
            *i = plus(plus(decay(*i, factor), drive), offset);
            drive = shift_right(*i, rule.current_shift);
        }
        let before = *v;
        *v = plus(plus(decay(*v, self.decay), drive), self.offset);
        if rule.hands_on_values {
            return decay(*v, self.readout);
        }
        let reduced = minus(*v, self.reset_by);
        let is_pending = rule.reset == Reset::SubtractPending && before > self.threshold;
        let fires = *v > self.threshold && (!is_pending || reduced > self.threshold);
        if fires {
            *v = if rule.reset == Reset::Value { self.reset_by } else { reduced };
        }
        *v = rule.byte_shift.map_or(*v, |shift| keep_byte(*v, shift));
        i32::from(fires)
    }
}

prop_compose! {
    fn neurons(width: usize, rule: Rule)(
        has_current in any::<bool>(),
        // All alike, or each of its own; factors of 1 and offsets of 0 are common in real networks.
        factor in vec(prop_oneof![3 => Just(ONE), 1 => 0..=ONE, 2 => ONE / 2..ONE], 2),
        own in vec((prop_oneof![4 => Just(None), 1 => (0..=ONE).prop_map(Some)], any::<i32>(), -10_000..200_000, -10_000..100_000, 0..ONE / 2), width),
        has_offset in any::<bool>(),
        rule in Just(rule),
    ) -> (Rule, Vec<Neuron>) {
        let offset = |seed: i32| if has_offset { seed % 1000 } else { 0 };
        let neuron = |&(decay, seed, threshold, reset_by, readout): &(Option<i64>, i32, i32, i32, i64)| Neuron {
            current: has_current.then(|| (factor[1], offset(seed / 7))),
            decay: decay.unwrap_or(factor[0]),
            offset: offset(seed),
            threshold,
            reset_by,
            readout,
        };
        (rule.clone(), own.iter().map(neuron).collect())
    }
}

fn rule() -> impl Strategy<Value = Rule> {
    let reset = select(vec![Reset::Subtract, Reset::SubtractPending, Reset::Value]);
    let byte_shift = prop_oneof![3 => Just(None), 1 => (2u32..16).prop_map(Some)];
    // Now and then so far to the left that sums overflow.
    let shift = prop_oneof![3 => 0u32..12, 1 => 20u32..31];
    (shift, 0u32..12, reset, any::<bool>(), byte_shift, any::<bool>()).prop_map(
        |(shift, current_shift, reset, saturate, byte_shift, hands_on_values)| Rule {
            shift,
            current_shift,
            reset,
            saturate,
            byte_shift: byte_shift.filter(|_| !hands_on_values),
            hands_on_values,
        },
    )
}

/// The op for these neurons; those without a current in one of the two ways to have none.
fn op(shape: &[usize], rule: &Rule, neurons: &[Neuron]) -> Op {
    fn all<T: Copy + PartialEq>(shape: &[usize], neurons: &[Neuron], f: impl Fn(&Neuron) -> T) -> Tensor<T> {
        Tensor::new(shape.to_vec(), neurons.iter().map(f).collect())
    }
    let has_current = neurons.iter().all(|neuron| neuron.current.is_some());
    let current = |neuron: &Neuron| neuron.current.unwrap_or_default();
    let output = match rule.hands_on_values {
        true => Output::HandOn(HandOn {
            readout: all(shape, neurons, |neuron| Factor::from_bits(neuron.readout)),
            fraction: 8,
        }),
        false => Output::Fire(Fire {
            threshold: all(shape, neurons, |neuron| neuron.threshold),
            reset: rule.reset,
            reset_by: all(shape, neurons, |neuron| neuron.reset_by),
        }),
    };
    let stages: Stages<Integers> = Stages {
        current: has_current.then(|| Current {
            decay: all(shape, neurons, |neuron| Factor::from_bits(current(neuron).0)),
            offset: all(shape, neurons, |neuron| current(neuron).1),
            shift: Some(rule.current_shift.into()),
        }),
        membrane: Membrane {
            decay: all(shape, neurons, |neuron| Factor::from_bits(neuron.decay)),
            offset: all(shape, neurons, |neuron| neuron.offset),
        },
        output,
    };
    Op::Neuron(qsnn::Neuron {
        node: "neurons".to_owned(),
        shift: Some(rule.shift.into()),
        state: State::Integers(stages),
        saturate: rule.saturate,
        byte_shift: rule.byte_shift.map(i64::from),
        scale: Tensor::splat(shape.to_vec(), 1.0),
        start: None,
    })
}

fn network() -> Network {
    Network { name: "test".to_owned(), dt: Some(1e-3), options: Default::default(), nodes: Vec::new() }
}

fn input(network: &mut Network, shape: &[usize]) -> usize {
    let op = Input { node: "input".to_owned(), limit: 255, fraction: None, start: None };
    network.push(op.into(), "input", vec![], Some(ValueType::new(shape.to_vec(), Element::Count)))
}

/// Few events in few ticks, so that neurons fall asleep and wake up.
fn events(width: usize) -> impl Strategy<Value = Vec<Vec<Event>>> {
    let tick = prop_oneof![
        2 => Just(Vec::new()),
        1 => vec(0..width as u32, 0..4),
        1 => vec(0..width as u32, 0..2 * width),
    ];
    let tick = (tick, 1u16..4).prop_map(|(mut neurons, count)| {
        neurons.sort_unstable();
        neurons.dedup();
        neurons.into_iter().map(|neuron| (neuron, count)).collect()
    });
    vec(tick, TICKS)
}

proptest! {
    #[test]
    fn blocks_are_neurons_one_by_one(
        (shape, (rule, neurons), weights, train) in (1usize..5, 1usize..5, 1usize..9)
            .prop_flat_map(|(channels, rows, columns)| {
                let width = channels * rows * columns;
                let neurons = rule().prop_flat_map(move |rule| neurons(width, rule));
                (Just(vec![channels, rows, columns]), neurons, vec(-127..=127, width), events(width))
            }),
        is_flat in any::<bool>(),
    ) {
        let mut network = network();
        let width = neurons.len();
        let given = input(&mut network, &shape);
        let weight = Weights::new(8, shape.clone(), weights.clone());
        let accumulators = ValueType::new(shape.clone(), Element::I32);
        let scaled = network.push(Scale { weight, bits: 8, shift: None }.into(), "scale", vec![given], Some(accumulators));
        // Neurons may have another shape than what drives them.
        let shape = if is_flat { vec![width] } else { shape };
        let element = if rule.hands_on_values { Element::I32 } else { Element::Spike };
        let op = op(&shape, &rule, &neurons);
        let index = network.push(op, "neurons", vec![scaled], Some(ValueType::new(shape, element)));
        let mut interpreter = Qsnn::new(&network).unwrap();
        // The second run begins where the first did.
        for _ in 0..2 {
            interpreter.reset();
            let mut states = vec![[0; 2]; width];
            for events in &train {
                let mut inputs = vec![0; width];
                events.iter().for_each(|&(neuron, count)| inputs[neuron as usize] = i32::from(count));
                let drives = inputs.iter().zip(&weights).map(|(count, weight)| count * weight);
                let expected: Vec<i32> =
                    neurons.iter().zip(&mut states).zip(drives).map(|((n, state), x)| n.step(&rule, state, x)).collect();
                interpreter.step_events(&[events]).unwrap();
                prop_assert_eq!(interpreter.results(index).collect::<Vec<_>>(), expected);
                let membranes: Vec<i32> = states.iter().map(|state| state[1]).collect();
                prop_assert_eq!(interpreter.raw_membranes(index).unwrap(), membranes);
            }
        }
    }

    #[test]
    fn convolutions_are_sums_over_taps(
        (groups, inputs, outputs, rows, columns) in (1usize..3, 1usize..4, 1usize..20, 3usize..8, 3usize..8),
        stride in 1i64..3,
        seed in any::<u64>(),
        train in events(18),
    ) {
        let mut network = network();
        let (in_channels, channels) = (groups * inputs, groups * outputs);
        let shape = [in_channels, rows, columns];
        let given = input(&mut network, &shape);
        let count = channels * inputs * 9;
        let weights: Vec<i32> = (0..count as u64).map(|index| ((index * 7919 + seed % 1009) % 255) as i32 - 127).collect();
        let op = Conv2d {
            weight: Weights::new(8, vec![channels, inputs, 3, 3], weights.clone()),
            bits: 8, shift: None, pool: vec![1, 1], stride: vec![stride, 1], padding: vec![1, 0], dilation: vec![1, 1],
            groups: groups as i64,
        };
        let geometry = op.geometry(&shape).unwrap();
        let result = ValueType::new(geometry.output_shape(&shape), Element::I32);
        let index = network.push(op.into(), "conv", vec![given], Some(result));
        let mut interpreter = Qsnn::new(&network).unwrap();
        let [_, out_rows, out_columns] = geometry.output();
        for events in &train {
            let events: Vec<Event> =
                events.iter().copied().filter(|&(neuron, _)| (neuron as usize) < in_channels * rows * columns).collect();
            let mut expected = vec![0; channels * out_rows * out_columns];
            for &(neuron, count) in &events {
                let neuron = neuron as usize;
                let (targets, within) = geometry.targets_of(neuron / (rows * columns));
                for tap in geometry.taps(neuron / columns % rows, neuron % columns) {
                    for output in targets.clone() {
                        let weight = weights[geometry.weight_index(output, within, tap.kernel)];
                        expected[(output * out_rows + tap.output[0]) * out_columns + tap.output[1]] += i32::from(count) * weight;
                    }
                }
            }
            interpreter.step_events(&[&events]).unwrap();
            prop_assert_eq!(interpreter.results(index).collect::<Vec<_>>(), expected);
        }
    }
}
