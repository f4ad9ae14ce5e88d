//! The table of conventions of the `snn` dialect's README.

use super::parts::Parts;
use crate::options::{Convention, Integrator, Options};
use s2c_dialects::{
    attribute::{Reset, Tensor},
    diagnostic::{Diagnostic, Result},
    snn::{Compare, Network},
};

/// What a convention says; `None` where it leaves the choice open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Length of a tick in seconds.
    pub dt: Option<f64>,
    /// How a time constant becomes a factor per tick.
    pub integrator: Option<Integrator>,
    /// What a spike does to the membrane.
    pub reset: Option<Reset>,
    /// Which membranes fire.
    pub compare: Compare,
    /// A reset to a value is a reset to 0, whatever the file says.
    pub resets_to_zero: bool,
}

/// The row of a convention.
pub fn of(convention: Convention) -> Rules {
    let row = |integrator, reset, compare| Rules { dt: None, integrator, reset, compare, resets_to_zero: true };
    let (above, at) = (Compare::Greater, Compare::GreaterEqual);
    match convention {
        Convention::Nir => Rules { resets_to_zero: false, ..row(None, Some(Reset::Value), above) },
        // The export assumes dt = 1e-4; the reset mechanism is not written into the file.
        Convention::Snntorch => Rules { dt: Some(1e-4), ..row(Some(Integrator::Euler), None, above) },
        Convention::Norse => row(Some(Integrator::Euler), Some(Reset::Value), above),
        Convention::Sinabs => row(Some(Integrator::Charge), Some(Reset::Subtract), at),
        Convention::Rockpool => row(Some(Integrator::Charge), Some(Reset::Subtract), at),
        Convention::Lava => row(Some(Integrator::Euler), Some(Reset::Value), above),
        Convention::Spinnaker2 => row(Some(Integrator::Exponential), Some(Reset::Subtract), above),
    }
}

/// The factor of a membrane of which nothing is left after a tick, but for the rounding of a time constant to float32.
const ALL: f64 = 1.0 - f32::EPSILON as f64;

/// With snnTorch's `reset_delay=True`, a neuron that is reset to zero loses a tick of input where it has a synaptic
/// current, and a subtraction must survive the decay.
pub fn check_late_resets(network: &Network, options: &Options) -> Result<()> {
    for node in &network.nodes {
        let Some((neuron, fire)) = node.op.neuron().and_then(|neuron| Some((neuron, neuron.fire()?))) else { continue };
        if options.reset_delay.at(&neuron.node) != Some(true) {
            continue;
        }
        let forgets = neuron.stages.membrane.factor.iter().flat_map(Tensor::iter).any(|factor| factor >= ALL);
        let title = match fire.reset {
            Reset::Value if neuron.stages.current.is_some() => {
                "a reset to zero in the next tick is not supported behind a synaptic current"
            }
            Reset::SubtractLate if forgets => "nothing of the membrane is left in the next tick to subtract from",
            _ => continue,
        };
        let diagnostic = Diagnostic::error("late-reset", title).at_node(node.name.clone());
        return Err(Box::new(diagnostic.hint("give --reset-delay 0, or --reset subtract")));
    }
    Ok(())
}

/// Lengths of a tick that the file suggests: snnTorch writes r = τ / dt, Rockpool r = τ / dt e^(−dt/τ). `None` where the
/// neurons disagree or r is no larger than 1.
pub fn suggested_dt(network: &Network, convention: Convention) -> Option<f64> {
    let mut suggested: Option<f64> = None;
    for node in &network.nodes {
        let Some(Parts { r: Some(r), leak: Some((tau, _)), fire: Some(_), .. }) = Parts::of(&node.op) else { continue };
        for (tau, r) in tau.iter().zip(r.iter()) {
            let dt = tau * if convention == Convention::Rockpool { omega(1.0 / r) } else { 1.0 / r };
            if r <= 1.0 || !dt.is_finite() || suggested.is_some_and(|other| (dt / other - 1.0).abs() > 1e-3) {
                return None;
            }
            suggested.get_or_insert(dt);
        }
    }
    suggested
}

/// The x with x e^x = y, for 0 < y < 1 (Lambert's W), by Newton's method.
fn omega(y: f64) -> f64 {
    (0..20).fold(y, |x, _| x - (x - y * (-x).exp()) / (1.0 + x))
}

#[cfg(test)]
mod tests {
    use super::omega;

    #[test]
    fn omega_is_the_inverse() {
        for x in [1e-4, 0.04, 0.3, 0.56] {
            assert!((omega(x * f64::exp(x)) - x).abs() < 1e-12, "{x}");
        }
    }
}
