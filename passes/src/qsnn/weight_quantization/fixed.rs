//! Neurons in 32-bit integers: how many fractional bits each state has, and the coefficients in those units.

use super::{
    bytes, float,
    population::{Dynamics, HEADROOM, Population, in_integers, snap, too_wide},
    rounding,
    rule::Value,
    values::{self, Readout},
};
use crate::{analysis::ranges::Range, session::Session};
use s2c_dialects::{
    attribute::Tensor,
    diagnostic::{Diagnostic, Result},
    fixed_point::Factor,
    neuron::{Output, Stages},
    qsnn::{self, Current, Fire, HandOn, Integers, Membrane, State},
    snn::{self, Compare},
};

/// Most fractional bits that are worth having: beyond them the weights' own rounding rules.
const MOST_SHIFT: i32 = 24;
/// The part of the threshold that rounding may move a membrane by without a warning.
const COARSE: f64 = 0.01;
/// The part of the threshold at which integers are of no use.
const USELESS: f64 = 1.0;

/// Fractional bits of states and sums.
struct Units {
    /// Of the membrane.
    membrane: i32,
    /// Of the current; those of the membrane where there is none.
    current: i32,
    /// Of the sums that arrive: no more than the state has that they are added to.
    sum: i32,
    /// Whether membranes are proved to fit into 32 bits.
    is_proved: bool,
    /// Whether something is not.
    saturate: bool,
}

impl Units {
    /// The most fractional bits for which range analysis proves that states fit, or is given some headroom.
    fn of(dynamics: &Dynamics<'_>) -> Result<Self> {
        let Dynamics { rules, fraction, headroom, .. } = *dynamics;
        let (reset, has_current) = (dynamics.reset(), dynamics.has_current());
        // A membrane behind a current may have fewer fractional bits than a sum has; one without may not.
        let least = if has_current { -30 } else { fraction.min(0) };
        // Small values deserve as many as their sums.
        let most = MOST_SHIFT.max(fraction);
        let largest = |headroom: Option<f64>| {
            (least..=most).rev().find(|&shift| rules.iter().all(|rule| rule.fits(shift, reset, headroom)))
        };
        let assumed = [headroom, HEADROOM, 1.0].map(Some);
        let found =
            std::iter::once(None).chain(assumed).find_map(|headroom| Some((largest(headroom)?, headroom.is_none())));
        let (membrane, is_proved) = found.ok_or_else(|| too_wide(&dynamics.neuron.node, rules, reset))?;
        // The current may have more fractional bits than the membrane, never fewer, and never less than a weight's.
        let fits = |shift: i32| rules.iter().all(|rule| rule.current(shift).plus(1.0).fits(31));
        let lowest = membrane.max(fraction.min(0));
        let current = (lowest..=most.max(lowest)).rev().find(|&shift| fits(shift)).unwrap_or(lowest);
        Ok(match has_current {
            true => {
                let saturate = !is_proved || !fits(current);
                Self { membrane, current, sum: fraction.min(current), is_proved, saturate }
            }
            false => Self { membrane, current: membrane, sum: fraction.min(membrane), is_proved, saturate: !is_proved },
        })
    }
}

fn word(value: f64) -> i32 {
    value.round() as i32
}

/// The population in integers; with membranes in 8 bits from tick to tick where `in_bytes` says so.
pub fn population(session: &mut Session<'_>, dynamics: &Dynamics<'_>, in_bytes: bool) -> Result<Population> {
    let units = Units::of(dynamics)?;
    let node = dynamics.neuron.node.clone();
    if let Some((neuron, worst)) = farthest(dynamics, &units).filter(|(_, worst)| *worst >= USELESS) {
        session.warnings.push(
            Diagnostic::warning("float-fallback", "the states are kept in float32, which integers are too coarse for")
                .at_node(&*node)
                .text(format!("In 32 bits rounding might move neuron {neuron} by {worst:.1} times its threshold."))
                .hint("give a longer --dt, or --state f32 for all populations"),
        );
        return float::population(dynamics);
    }
    if !units.is_proved && dynamics.rules.iter().any(|rule| rule.factor.is_some()) {
        session.warnings.push(
            Diagnostic::warning("saturating-membrane", "no proof that the membranes fit into 32 bits")
                .at_node(&*node)
                .text("Additions saturate, which costs an instruction each and can change results at the extremes."),
        );
    }
    let scale = dynamics.all(|rule| rule.scale(units.membrane) * rule.weight_scale);
    let current = dynamics.has_current().then(|| Current {
        decay: dynamics.all(|rule| Factor::nearest(rule.current_keep())),
        offset: dynamics.all(|rule| word(rule.bias * f64::from(units.current).exp2())),
        shift: Some((units.current - units.membrane).into()),
    });
    let membrane = Membrane {
        decay: dynamics.all(|rule| Factor::nearest(rule.keep())),
        offset: dynamics.all(|rule| word(rule.offset(units.membrane))),
    };
    let (mut value, mut byte_shift) = (None, None);
    let output = match dynamics.neuron.fire() {
        None => {
            session.warnings.extend(clamped(dynamics, &units, &scale));
            let (hand_on, handed_on) = hand_on(dynamics, &units, &scale);
            value = Some(handed_on);
            Output::HandOn(hand_on)
        }
        Some(rule) => {
            session.warnings.extend(coarse(dynamics, &units));
            let fire = fire(dynamics, &units, rule);
            byte_shift = in_bytes.then(|| bytes::shift(&fire.threshold, fire.reset, &fire.reset_by));
            Output::Fire(fire)
        }
    };
    let op = qsnn::Neuron {
        node,
        shift: Some((units.current - units.sum).into()),
        state: State::Integers(Stages { current, membrane, output }),
        saturate: units.saturate,
        byte_shift,
        scale,
        start: None,
    };
    Ok(Population { op: op.into(), fraction: units.sum, value })
}

/// v > θ is v > floor(θ) of an integer v, and v ≥ θ is v > ceil(θ) − 1.
fn fire(dynamics: &Dynamics<'_>, units: &Units, fire: &snn::Fire) -> Fire<Integers> {
    let unit = f64::from(units.membrane).exp2();
    let threshold = dynamics.all(|rule| {
        let threshold = snap(rule.threshold * rule.scale(units.membrane) / unit) * unit;
        word(match fire.compare {
            Compare::Greater => threshold.floor(),
            Compare::GreaterEqual => threshold.ceil() - 1.0,
        })
    });
    let reset_by = dynamics.all(|rule| word(rule.reset_by(units.membrane, fire.reset)));
    Fire { threshold, reset: in_integers(fire.reset), reset_by }
}

/// The note where a membrane that adds up all that it gets clamps at the end of 32 bits.
fn clamped(dynamics: &Dynamics<'_>, units: &Units, scale: &Tensor<f64>) -> Option<Diagnostic> {
    let volts = scale.iter().map(|scale| f64::from(i32::MAX) / scale).fold(f64::INFINITY, f64::min);
    units.saturate.then(|| {
        Diagnostic::note("membrane-clamps", "membranes that only add up end at the largest 32-bit integer")
            .at_node(&*dynamics.neuron.node)
            .text(format!("That is {volts:.4e} V, {} times the largest sum of a tick.", dynamics.headroom))
            .hint("nothing needs to be done for shorter samples; --state f32 has no such end")
    })
}

fn hand_on(dynamics: &Dynamics<'_>, units: &Units, scale: &Tensor<f64>) -> (HandOn<Integers>, Value) {
    let reach = dynamics.rules.iter().map(|rule| {
        let range = if units.saturate { Range::ALL } else { rule.membrane(units.membrane, None, None) };
        range.high.max(-range.low)
    });
    let Readout { factor: readout, value } = values::of_integers(scale, reach);
    (HandOn { readout, fraction: value.fraction }, value)
}

/// The neuron whose membrane rounding may move farthest, and how far, in thresholds; none where the neurons don't fire.
fn farthest(dynamics: &Dynamics<'_>, units: &Units) -> Option<(usize, f64)> {
    let (reset, current_shift) = (dynamics.reset()?, units.current - units.membrane);
    let bounds = dynamics.rules.iter().map(|rule| rounding::bound(rule, units.membrane, current_shift, reset));
    bounds.enumerate().max_by(|one, other| one.1.total_cmp(&other.1))
}

/// The warning where rounding may move membranes by more than [`COARSE`] thresholds.
fn coarse(dynamics: &Dynamics<'_>, units: &Units) -> Option<Diagnostic> {
    let (neuron, worst) = farthest(dynamics, units)?;
    let never_decays = dynamics.rules[neuron].factor.is_none();
    let when = if never_decays { "in each tick, for it never decays" } else { "after many ticks" };
    (worst > COARSE).then(|| {
        Diagnostic::warning("coarse-membrane", "rounding may move membranes by more than 1 % of their threshold")
            .at_node(&*dynamics.neuron.node)
            .text(format!("Neuron {neuron} may be off by {:.2} % of its threshold {when}.", 100.0 * worst))
            .hint("use fewer --weight-bits, a longer --dt, or --state f32")
    })
}
