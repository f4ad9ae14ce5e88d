//! Thresholds that mean the same whether a program compares with > or >=, and in whatever order it adds.
//!
//! Which of the two comparisons the vendor's programs do is not known, and they add excitation and inhibition apart. It
//! matters where membranes are exactly at the threshold: whole numbers, for neurons that keep all of their membrane, or
//! nothing; and sums that binary fractions make exact but for their last bit. The threshold moves to where no membrane can
//! be. Where a spike subtracts it, that moves the membranes, too, by so little that a neuron has to fire thousands of
//! times before it fires a step early or late.

/// Fractional bits that a threshold may have for membranes of whole numbers to meet it.
const FINEST: i32 = 8;
/// Bits of a float32's significand.
const SIGNIFICAND: i32 = 24;
/// The least part of a step that the threshold moves by, as a power of two; a neuron may fire that many times.
const LEAST: i32 = 6;
/// The part that is wanted.
const WANTED: i32 = 12;
/// Bits to which a threshold that rounding could decide on is cut before half of the last is added.
const COARSE: i32 = 17;

/// A neuron without synaptic current.
#[derive(Clone, Copy, Debug)]
pub struct Neuron {
    /// It fires where v > threshold.
    pub threshold: f32,
    /// What a spike subtracts, or sets the membrane to.
    pub by: f32,
    /// Which of the two.
    pub subtracts: bool,
    /// Decay per tick.
    pub decay: f32,
    /// Added per tick.
    pub offset: f32,
}

/// The threshold of a neuron whose membranes are sums of whole numbers, or of decaying ones.
pub fn safe(neuron: Neuron) -> f32 {
    let Neuron { threshold, by, subtracts, decay, offset } = neuron;
    let forgets = decay == 0.0;
    if !(forgets || decay == 1.0) || offset.fract() != 0.0 {
        return off_sums(threshold);
    }
    let stays_whole = forgets || !subtracts && by.fract() == 0.0;
    if stays_whole && threshold.abs() < (1 << (SIGNIFICAND - 2)) as f32 {
        return threshold.floor() + 0.5;
    }
    if !subtracts {
        return off_sums(threshold);
    }
    let step = |bits: i32| (-f64::from(bits)).exp2();
    let is_step = |&bits: &i32| (f64::from(by) / step(bits)).fract() == 0.0;
    let Some(bits) = (0..=FINEST).find(is_step) else { return by };
    // Firing above a level or at it is firing above a bit more than the level or a bit less.
    let direction = if threshold < by { -1.0 } else { 1.0 };
    let moved = |part: i32| f64::from(by) + direction * step(bits + part);
    let exact = (LEAST..=WANTED).rev().map(moved).find(|&moved| f64::from(moved as f32) == moved);
    exact.map_or(by, |moved| moved as f32)
}

/// The threshold cut to [`COARSE`] bits, and half of the last of them more.
pub fn off_sums(threshold: f32) -> f32 {
    if threshold == 0.0 || !threshold.is_normal() {
        return threshold;
    }
    let exponent = threshold.abs().log2().floor() as i32;
    let step = f64::from(exponent - COARSE + 1).exp2();
    (((f64::from(threshold) / step).floor() + 0.5) * step) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use s2c_tests::Random;

    /// Ticks in which a neuron fires that gets `input`, by the threshold itself and by the one handed over, above and at.
    fn spikes(neuron: Neuron, input: &[i32]) -> [Vec<usize>; 3] {
        let run = |threshold: f32, by: f32, at: bool| {
            let mut v = 0.0f32;
            let mut ticks = Vec::new();
            for (tick, &x) in input.iter().enumerate() {
                v = v * neuron.decay + x as f32 + neuron.offset;
                if v > threshold || at && v == threshold {
                    ticks.push(tick);
                    v = if neuron.subtracts { v - by } else { by };
                }
            }
            ticks
        };
        let threshold = safe(neuron);
        let by = if neuron.subtracts { threshold } else { neuron.by };
        [run(neuron.threshold, neuron.by, false), run(threshold, by, false), run(threshold, by, true)]
    }

    #[test]
    fn it_does_not_matter_how_membranes_are_compared() {
        let mut random = Random(1);
        let mut next = |bound: i32| random.below(bound as usize) as i32;
        let input: Vec<i32> = (0..4000).map(|_| next(25) - 7).collect();
        let mut met = 0;
        for subtracts in [false, true] {
            for (decay, at) in [(1.0, false), (1.0, true), (0.0, false), (0.0, true)] {
                for level in [1.0f32, 5.0, 8.5, 11.0, 17.25, 40.0] {
                    let threshold = if at { level.next_down() } else { level };
                    let by = if subtracts { level } else { 0.0 };
                    for offset in [0.0, 1.0, -1.0] {
                        let [wanted, above, below] = spikes(Neuron { threshold, by, subtracts, decay, offset }, &input);
                        assert_eq!(wanted, above, "{level} {decay} {subtracts} {at} {offset}");
                        assert_eq!(wanted, below, "{level} {decay} {subtracts} {at} {offset}");
                        met += wanted.len();
                    }
                }
            }
        }
        assert!(met > 10_000);
    }

    #[test]
    fn other_thresholds_move_by_less_than_a_part_in_100_000_and_only_once() {
        for level in [5.0f32, 0.1, 1e-20, 123_456.79, 40.0, -3.25] {
            for threshold in [level, level.next_down()] {
                let moved = off_sums(threshold);
                assert!(((moved - level) / level).abs() < 1e-5);
                assert_eq!(off_sums(moved), moved);
                let has_few_bits = (level * 4.0).fract() == 0.0;
                assert!(!has_few_bits || moved != level && (moved > level) == (threshold == level), "{level}");
            }
        }
    }
}
