//! How many fractional bits states have.

use super::{
    dynamics::{Dynamics, HEADROOM, too_wide},
    rounding,
};
use s2c_dialects::{
    attribute::Tensor,
    diagnostic::{Diagnostic, Result},
};

/// Most fractional bits that are worth having: beyond them the weights' own rounding rules.
const MOST_SHIFT: i32 = 24;
/// The part of the threshold that rounding may move a membrane by without a warning.
const COARSE: f64 = 0.01;
/// The part of the threshold at which integers are of no use.
const USELESS: f64 = 1.0;

/// Fractional bits of states and sums.
pub struct Units {
    /// Of the membrane.
    pub membrane: i32,
    /// Of the current; those of the membrane where there is none.
    pub current: i32,
    /// Of the sums that arrive: no more than the state has that they are added to.
    pub sum: i32,
    /// Whether membranes are proved to fit into 32 bits.
    pub is_proved: bool,
    /// Whether something is not.
    pub saturate: bool,
}

impl Units {
    /// Floats, which need no fractional bits of their own: those of the sums that arrive.
    pub fn of_floats(fraction: i32) -> Self {
        Self { membrane: fraction, current: fraction, sum: fraction, is_proved: true, saturate: false }
    }

    /// The most fractional bits for which range analysis proves that states fit, or is given some headroom.
    pub fn proved(dynamics: &Dynamics<'_>) -> Result<Self> {
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

/// The neuron whose membrane rounding may move farthest, and how far, in thresholds; none where the neurons don't fire.
fn farthest(dynamics: &Dynamics<'_>, units: &Units) -> Option<(usize, f64)> {
    let (reset, current_shift) = (dynamics.reset()?, units.current - units.membrane);
    let bounds = dynamics.rules.iter().map(|rule| rounding::bound(rule, units.membrane, current_shift, reset));
    bounds.enumerate().max_by(|one, other| one.1.total_cmp(&other.1))
}

/// The warning where integers are of no use.
pub fn useless(dynamics: &Dynamics<'_>, units: &Units) -> Option<Diagnostic> {
    let (neuron, worst) = farthest(dynamics, units).filter(|(_, worst)| *worst >= USELESS)?;
    Some(
        Diagnostic::warning("float-fallback", "the states are kept in float32, which integers are too coarse for")
            .at_node(&*dynamics.neuron.node)
            .text(format!("In 32 bits rounding might move neuron {neuron} by {worst:.1} times its threshold."))
            .hint("give a longer --dt, or --state f32 for all populations"),
    )
}

/// What the user is to know of integer states; `scale` holds membrane units per volt.
pub fn warnings(dynamics: &Dynamics<'_>, units: &Units, scale: &Tensor<f64>) -> impl Iterator<Item = Diagnostic> {
    let leaks = dynamics.rules.iter().any(|rule| rule.factor.is_some());
    let saturating = (!units.is_proved && leaks).then(|| {
        Diagnostic::warning("saturating-membrane", "no proof that the membranes fit into 32 bits")
            .at_node(&*dynamics.neuron.node)
            .text("Additions saturate, which costs an instruction each and can change results at the extremes.")
    });
    let last = if dynamics.reset().is_some() { coarse(dynamics, units) } else { clamped(dynamics, units, scale) };
    saturating.into_iter().chain(last)
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
