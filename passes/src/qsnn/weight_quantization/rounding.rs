//! How far rounding takes a membrane from the exact rule with the same integer weights and the same spikes.
//!
//! Per tick a membrane in units of its last bit is off by
//!
//! ```text
//! 1/2                         rounding of the product v D / 2^32, where it decays
//! |v| |D / 2^32 - keep|       the factor D itself, at most 2^-33 |v|
//! |rounding of offset|        bias and leak, at most 1/2
//! |rounding of reset_by|      where it fires, at most 1/2
//! error of the drive          behind a current: the current's own error / 2^current_shift, and 1/2 for the shift
//! ```
//!
//! of which a share of keep is left a tick later: all ticks together come to at most the sum over 1 - keep. A neuron that
//! never decays is off by the sum in each tick, which is 0 where its bias and its reset are whole. Weights add nothing:
//! they are whole multiples of the last bit.

use super::rule::Rule;
use s2c_dialects::{attribute::Reset, fixed_point::Factor};

/// The largest error of a spiking neuron's membrane, as a part of its threshold, for a membrane with `shift` fractional
/// bits, behind a current with `current_shift` more of them. Where it never decays, the error per tick.
pub fn bound(rule: &Rule, shift: i32, current_shift: i32, reset: Reset) -> f64 {
    units(rule, shift, current_shift, reset) / (rule.threshold * rule.scale(shift)).abs()
}

/// The same in units of the membrane's last bit.
fn units(rule: &Rule, shift: i32, current_shift: i32, reset: Reset) -> f64 {
    let reach = f64::from(i32::MAX);
    let decay = |factor: Option<f64>| factor.map_or(0.0, |f| 0.5 + reach * (Factor::nearest(f).to_f64() - f).abs());
    let lasting = |error: f64, factor: Option<f64>| error / factor.unwrap_or(1.0);
    let off = |value: f64| (value.round() - value).abs();
    let drive = rule.current_factor.map_or(0.0, |_| {
        let bias = off(rule.bias * f64::from(shift + current_shift).exp2());
        let shifted = if current_shift == 0 { 0.0 } else { 0.5 };
        lasting(decay(rule.current_factor) + bias, rule.current_factor) / f64::from(current_shift).exp2() + shifted
    });
    let reset = off(rule.reset_by(shift, reset));
    lasting(decay(rule.factor) + off(rule.offset(shift)) + reset + drive, rule.factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::ranges::Range;

    /// Numbers that look random (Knuth, The Art of Computer Programming, 3.3.4, the multiplier of MMIX).
    struct Random(u64);

    impl Random {
        fn unit(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    /// The integer rule of the dialect's README and the exact one side by side, with the integer rule's spikes.
    fn largest_error(rule: &Rule, shift: i32, current_shift: i32, reset: Reset, random: &mut Random) -> f64 {
        let decay = |v: i64, keep: f64| i64::from(Factor::nearest(keep).times(i32::try_from(v).unwrap()));
        let unit = f64::from(shift + current_shift).exp2();
        let round = |value: f64| value.round() as i64;
        let (mut v, mut i, mut exact_v, mut exact_i, mut largest) = (0, 0, 0.0, 0.0, 0.0f64);
        for _ in 0..400 {
            let x = (random.unit() * 100.0).floor();
            let drive = match rule.current_factor {
                None => (round(x * unit), x * unit),
                Some(_) => {
                    let keep = rule.current_keep();
                    i = decay(i, keep) + round(x * unit) + round(rule.bias * unit);
                    exact_i = exact_i * keep + (x + rule.bias) * unit;
                    ((i + (1 << current_shift >> 1)) >> current_shift, exact_i / f64::from(current_shift).exp2())
                }
            };
            v = decay(v, rule.keep()) + drive.0 + round(rule.offset(shift));
            exact_v = exact_v * rule.keep() + drive.1 + rule.offset(shift);
            if v as f64 > rule.threshold * rule.scale(shift) {
                let by = rule.reset_by(shift, reset);
                (v, exact_v) = match reset {
                    Reset::Value => (round(by), by),
                    _ => (v - round(by), exact_v - by),
                };
            }
            largest = largest.max((v as f64 - exact_v).abs());
        }
        largest
    }

    #[test]
    fn no_membrane_is_farther_from_the_exact_rule_than_the_bound() {
        let mut random = Random(1);
        let mut tightest = 0.0f64;
        for _ in 0..300 {
            let current = random.unit() < 0.5;
            let rule = Rule {
                sum: Range { low: 0.0, high: 100.0 },
                graded: 0.0,
                takes_spikes: true,
                bias: random.unit() * 3.0,
                current_factor: current.then(|| 0.5 - random.unit() * 0.45),
                factor: Some(0.5 - random.unit() * 0.49),
                leak: random.unit(),
                threshold: 20.0 + random.unit() * 100.0,
                reset_value: random.unit(),
                weight_scale: 1.0,
            };
            let (shift, current_shift) = ((random.unit() * 8.0) as i32, if current { 3 } else { 0 });
            for reset in [Reset::Subtract, Reset::Value] {
                let (error, bound) = (
                    largest_error(&rule, shift, current_shift, reset, &mut random),
                    units(&rule, shift, current_shift, reset),
                );
                assert!(
                    error <= bound,
                    "{error} > {bound}: factor {:?}, current {:?}",
                    rule.factor,
                    rule.current_factor
                );
                tightest = tightest.max(error / bound);
            }
        }
        assert!(tightest > 0.2, "a bound that is never neared to {tightest} says little");
    }
}
