//! What the rules of a convention say of a neuron.

use crate::attribute::enum_attribute;

enum_attribute! {
    /// How a time constant becomes a factor per tick.
    pub enum Integrator {
        /// f = dt / tau.
        Euler = 0, "euler";
        /// f = 1 - exp(-dt / tau).
        Exponential = 1, "exponential";
    }
}

impl Integrator {
    /// The factor f of the update `v <- v + f (target - v)`.
    pub fn factor(self, dt: f64, tau: f64) -> f64 {
        match self {
            Self::Euler => dt / tau,
            Self::Exponential => -(-dt / tau).exp_m1(),
        }
    }

    /// The time constant of a factor, but for rounding: the inverse of [`Self::factor`].
    pub fn time_constant(self, dt: f64, factor: f64) -> f64 {
        match self {
            Self::Euler => dt / factor,
            Self::Exponential => -dt / (-factor).ln_1p(),
        }
    }
}

enum_attribute! {
    /// Which membranes fire.
    pub enum Compare {
        /// v > threshold.
        Greater = 0, "greater";
        /// v >= threshold.
        GreaterEqual = 1, "greater_equal";
    }
}
