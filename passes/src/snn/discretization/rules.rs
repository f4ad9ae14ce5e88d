//! The table of conventions of the `snn` dialect's README, and what of it is written into the network.

use crate::options::{Convention, Integrator};
use s2c_dialects::{
    attribute::{Reset, Tensor},
    diagnostic::{Diagnostic, Result},
    snn::{self, Compare, Network, Op},
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

/// The integrator of the neurons that have none yet. A spike that is a charge adds 1 to what it is added to, and a
/// synaptic current decays together with it: in terms of the exact solution for a constant input, whose gain is
/// 1 − e^(−dt/τ), that is another `r` and another `w_in`. Rockpool's leaky integrator is its synaptic current.
pub fn integrator(network: &mut Network, integrator: Integrator, dt: f64, convention: Convention) -> snn::Integrator {
    let charge = |tau: &Tensor<f64>, decays: bool| {
        let gain = |tau: f64| if decays { (-dt / tau).exp() } else { 1.0 } / -(-dt / tau).exp_m1();
        Tensor::new(tau.shape.clone(), tau.iter().map(gain).collect())
    };
    match integrator {
        Integrator::Euler => return snn::Integrator::Euler,
        Integrator::Exponential => return snn::Integrator::Exponential,
        Integrator::Charge => {}
    }
    for node in &mut network.nodes {
        match &mut node.op {
            Op::Lif(op) if op.integrator.is_none() => op.r = charge(&op.tau, false),
            Op::CubaLif(op) if op.integrator.is_none() => {
                op.r = charge(&op.tau_mem, false);
                op.w_in = charge(&op.tau_syn, true);
            }
            Op::Li(op) if op.integrator.is_none() => op.r = charge(&op.tau, convention == Convention::Rockpool),
            Op::CubaLi(op) if op.integrator.is_none() => {
                op.r = charge(&op.tau_mem, false);
                op.w_in = charge(&op.tau_syn, true);
            }
            _ => {}
        }
    }
    snn::Integrator::Exponential
}

/// With snnTorch's `reset_delay=True`, a neuron that is reset to zero loses a tick of input where it has a synaptic
/// current, and a subtraction must survive the decay.
pub fn check_late_resets(network: &Network, is_late: bool) -> Result<()> {
    for node in network.nodes.iter().filter(|_| is_late) {
        let error = |title: &str| {
            let diagnostic = Diagnostic::error("late-reset", title).at_node(node.name.clone());
            Err(Box::new(diagnostic.hint("give --reset-delay 0, or --reset subtract")))
        };
        match &node.op {
            Op::CubaLif(op) if op.reset == Some(Reset::Value) => {
                return error("a reset to zero in the next tick is not supported behind a synaptic current");
            }
            Op::Lif(op) if op.tau.iter().any(|tau| network.dt == Some(tau)) => {
                return error("nothing of the membrane is left in the next tick to subtract from");
            }
            _ => {}
        }
    }
    Ok(())
}

/// Makes every reset to a value one to 0.
pub fn reset_to_zero(network: &mut Network, convention: Convention) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for node in &mut network.nodes {
        let (v_reset, reset) = match &mut node.op {
            Op::If(op) => (&mut op.v_reset, op.reset),
            Op::Lif(op) => (&mut op.v_reset, op.reset),
            Op::CubaLif(op) => (&mut op.v_reset, op.reset),
            _ => continue,
        };
        if reset == Some(Reset::Value) && v_reset.iter().any(|value| value != 0.0) {
            warnings.push(
                Diagnostic::warning("reset-to-zero", "the reset potential is taken as 0")
                    .at_node(node.name.clone())
                    .text(format!("What --convention {convention} stands for does not look at `v_reset`."))
                    .hint("--convention nir resets to `v_reset`"),
            );
            *v_reset = Tensor::splat(v_reset.shape.clone(), 0.0);
        }
    }
    warnings
}

/// Lengths of a tick that the file suggests: snnTorch writes r = τ / dt, Rockpool r = τ / dt e^(−dt/τ). `None` where the
/// neurons disagree or r is no larger than 1.
pub fn suggested_dt(network: &Network, convention: Convention) -> Option<f64> {
    let mut suggested: Option<f64> = None;
    for node in &network.nodes {
        let (tau, r) = match &node.op {
            Op::Lif(op) => (&op.tau, &op.r),
            Op::CubaLif(op) => (&op.tau_mem, &op.r),
            _ => continue,
        };
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
