//! Grids of integers: what a weight of some bits can be, and on which grid given weights already lie.

/// Most levels that are tried for the weights of a single neuron.
const MOST_LEVELS_OF_A_ROW: i32 = 127;
/// How far a weight may be off its place on a grid, as a part of the weight itself: 32-bit floats round the weight, the
/// largest weight and a gain that was multiplied in, 2^-24 of the value each time. A weight that is not 0 is never taken
/// for one that is, however small it is beside the others.
const TOLERANCE: f64 = 1.0 / (1 << 21) as f64;

/// The largest integer of a width, 1 to 16 bits. The smallest is its negative; with 2 bits (ternary) both are 1, with
/// one bit (a sign) there is no 0.
pub fn largest(bits: u32) -> i32 {
    ((1 << (bits - 1)) - 1).max(1)
}

/// The nearest integer of a width, halves away from zero; saturates. With one bit, the sign, that of 0 being 1.
pub fn nearest(weight: f64, bits: u32) -> f64 {
    let largest = f64::from(largest(bits));
    match bits {
        1 if weight < 0.0 => -1.0,
        1 => 1.0,
        _ => weight.round().clamp(-largest, largest),
    }
}

/// Whether a weight in units of its step is an integer, but for what 32-bit floats leave of it.
pub fn is_integer(weight: f64) -> bool {
    (weight - weight.round()).abs() <= TOLERANCE * weight.round().abs()
}

/// A grid on which weights lie: each is `step` times an integer from -`levels` to `levels`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Distance of neighbours.
    pub step: f64,
    /// The largest integer that occurs.
    pub levels: i32,
}

/// The coarsest grid of a width on which all weights lie, within the rounding of 32-bit floats. None where there is
/// none, or where all weights are 0.
pub fn find(weights: &[f64], bits: u32) -> Option<Grid> {
    search(weights, bits, largest(bits))
}

/// As [`find`], for the weights of a single neuron, of which there are many: at most 127 levels are tried.
pub fn find_of_row(weights: &[f64], bits: u32) -> Option<Grid> {
    search(weights, bits, largest(bits).min(MOST_LEVELS_OF_A_ROW))
}

fn search(weights: &[f64], bits: u32, most: i32) -> Option<Grid> {
    let highest = weights.iter().fold(0.0, |highest: f64, weight| highest.max(weight.abs()));
    if highest == 0.0 || (bits == 1 && weights.contains(&0.0)) {
        return None;
    }
    (1..=most).find_map(|levels| {
        let step = highest / f64::from(levels);
        let lies_on_it = |weight: &f64| is_integer(weight / step);
        // The mean over all weights is nearer to the true step than what the largest one says.
        let refined = || {
            let (mut products, mut squares) = (0.0, 0.0);
            for weight in weights {
                let place = (weight / step).round();
                products += weight * place;
                squares += place * place;
            }
            products / squares
        };
        weights.iter().all(lies_on_it).then(|| Grid { step: refined(), levels })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_found_in_what_32_bit_floats_leave_of_it() {
        for levels in [1, 3, 7, 127] {
            for step in [0.037_f64, 0.125, 1.7e-4] {
                let weights: Vec<f64> = (-levels..=levels).map(|k| f64::from((f64::from(k) * step) as f32)).collect();
                let grid = find(&weights, 8).unwrap();
                assert_eq!(grid.levels, levels);
                assert!((grid.step / step - 1.0).abs() < 1e-7, "{} for {step}", grid.step);
            }
        }
    }

    #[test]
    fn a_small_weight_is_judged_by_its_own_size() {
        for ratio in (-7..=7).map(|power| 10_f64.powi(power)).filter(|&ratio| ratio != 1.0) {
            let found = find(&[ratio, 1.0, -1.0, ratio], 8);
            assert!(found.is_none_or(|grid| (grid.step / ratio.min(1.0) - 1.0).abs() < 1e-6), "{ratio}: {found:?}");
        }
    }

    #[test]
    fn weights_off_every_grid_have_none() {
        let weights: Vec<f64> = (1..40).map(|k| f64::from(k).sqrt()).collect();
        assert_eq!(find(&weights, 8), None);
        assert_eq!(find_of_row(&weights, 16), None);
        assert_eq!(find(&[0.0, 0.0], 8), None);
        assert_eq!(find(&[0.5, 0.0], 1), None, "a sign grid has no 0");
        assert_eq!(find(&[0.5, -0.5], 1), Some(Grid { step: 0.5, levels: 1 }));
    }

    #[test]
    fn widths_saturate_and_one_bit_is_a_sign() {
        assert_eq!([1, 2, 3, 4, 8, 16].map(largest), [1, 1, 3, 7, 127, 32767]);
        assert_eq!([-300.0, 126.5, 0.4].map(|weight| nearest(weight, 8)), [-127.0, 127.0, 0.0]);
        assert_eq!([-0.1, 0.0, 7.0].map(|weight| nearest(weight, 1)), [-1.0, 1.0, 1.0]);
        assert_eq!([-0.4, 0.6, 9.0].map(|weight| nearest(weight, 2)), [0.0, 1.0, 1.0]);
    }
}
