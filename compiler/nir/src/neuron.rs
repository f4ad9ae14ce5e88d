//! Nodes with state: `I`, `IF`, `LI`, `LIF`, `CubaLI` and `CubaLIF`.
//!
//! With x the input, v the membrane voltage and i the synaptic current:
//!
//! | node | equations |
//! |---|---|
//! | `I` | dv/dt = r·x |
//! | `IF` | dv/dt = r·x, spikes |
//! | `LI` | tau·dv/dt = (v_leak − v) + r·x |
//! | `LIF` | tau·dv/dt = (v_leak − v) + r·x, spikes |
//! | `CubaLI` | tau_syn·di/dt = −i + w_in·x; tau_mem·dv/dt = (v_leak − v) + r·i |
//! | `CubaLIF` | as `CubaLI`, spikes |
//!
//! *Spikes*: z = 1 where v > v_threshold, and then v becomes v_reset. (NIR has no reset by subtraction; models that were
//! trained with it are stored in the same way.)
//!
//! All fields have the shape of the population, or broadcast to it. Time constants are in seconds; voltages, resistances
//! and currents are without unit. Absent `v_reset` and `v_leak` are zero, absent `w_in` is one.

use super::{
    array::{broadcast, common_shape},
    fields::Fields,
    primitive::{NodeShape, Primitive, elementwise_shape},
    raw::{Members, Raw},
};
use ndarray::{ArrayD, Dimension, IxDyn};
use s2c_dialects::diagnostic::Result;

/// Declares a neuron: its fields, each with the way it is read, in the order that they are read.
macro_rules! neuron {
    ($(#[$doc:meta])* $name:ident = $kind:literal { $($(#[$field_doc:meta])* $field:ident: $read:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: ArrayD<f64>,)*
        }

        impl $name {
            /// The parameters by name.
            pub fn parameters(&self) -> Vec<(&'static str, &ArrayD<f64>)> {
                vec![$((stringify!($field), &self.$field),)*]
            }
        }

        impl Primitive for $name {
            const KIND: &'static str = $kind;

            fn read(fields: &mut Fields<'_>) -> Result<Self> {
                let node = Self { $($field: $read(fields, stringify!($field))?,)* };
                fields.check_common_shape(&node.parameters())?;
                check_threshold(fields, &node.parameters())?;
                Ok(node)
            }

            fn write(&self) -> Members {
                write_parameters(&self.parameters())
            }

            fn shape(&self, input: Option<&[usize]>) -> Result<Option<NodeShape>> {
                Ok(common_shape(&self.parameters()).and_then(|own| elementwise_shape(&own, input)))
            }
        }
    };
}

neuron! {
    /// Integrator.
    Integrator = "I" {
        /// Resistance.
        r: any,
    }
}

neuron! {
    /// Integrate-and-fire neurons.
    If = "IF" {
        /// Resistance.
        r: any,
        /// Voltage above which a neuron spikes.
        v_threshold: any,
        /// Voltage after a spike.
        v_reset: zero_if_absent,
    }
}

neuron! {
    /// Leaky integrator.
    Li = "LI" {
        /// Time constant of the membrane in seconds.
        tau: positive,
        /// Resistance.
        r: any,
        /// Voltage at rest.
        v_leak: zero_if_absent,
    }
}

neuron! {
    /// Leaky integrate-and-fire neurons.
    Lif = "LIF" {
        /// Time constant of the membrane in seconds.
        tau: positive,
        /// Resistance.
        r: any,
        /// Voltage at rest.
        v_leak: zero_if_absent,
        /// Voltage above which a neuron spikes.
        v_threshold: any,
        /// Voltage after a spike.
        v_reset: zero_if_absent,
    }
}

neuron! {
    /// Leaky integrator with a synapse.
    CubaLi = "CubaLI" {
        /// Time constant of the synapse in seconds.
        tau_syn: positive,
        /// Time constant of the membrane in seconds.
        tau_mem: positive,
        /// Resistance.
        r: any,
        /// Voltage at rest.
        v_leak: zero_if_absent,
        /// Weight of the input.
        w_in: one_if_absent,
    }
}

neuron! {
    /// Leaky integrate-and-fire neurons with a synapse.
    CubaLif = "CubaLIF" {
        /// Time constant of the synapse in seconds.
        tau_syn: positive,
        /// Time constant of the membrane in seconds.
        tau_mem: positive,
        /// Resistance.
        r: any,
        /// Voltage at rest.
        v_leak: zero_if_absent,
        /// Voltage above which a neuron spikes.
        v_threshold: any,
        /// Voltage after a spike.
        v_reset: zero_if_absent,
        /// Weight of the input.
        w_in: one_if_absent,
    }
}

fn any(fields: &mut Fields<'_>, name: &str) -> Result<ArrayD<f64>> {
    fields.parameter(name)
}

fn positive(fields: &mut Fields<'_>, name: &str) -> Result<ArrayD<f64>> {
    let values = fields.parameter(name)?;
    fields.check_each(name, &values, "a time constant is positive", |seconds| seconds > 0.0)?;
    Ok(values)
}

/// Refuses a threshold that a reset does not get below: such a neuron would never stop to spike.
fn check_threshold(fields: &Fields<'_>, parameters: &[(&'static str, &ArrayD<f64>)]) -> Result<()> {
    let get = |wanted| parameters.iter().find(|(name, _)| *name == wanted).map(|(_, values)| *values);
    let (Some(shape), Some(threshold), Some(reset)) = (common_shape(parameters), get("v_threshold"), get("v_reset"))
    else {
        return Ok(());
    };
    let above = broadcast(threshold, &shape)? - broadcast(reset, &shape)?;
    match above.indexed_iter().find(|(_, above)| **above <= 0.0) {
        None => Ok(()),
        Some((index, _)) => Err(fields
            .error("wrong-field-value", "a threshold is not above the voltage after a spike")
            .text(format!(
                "At index {:?} `v_threshold` is {} and `v_reset` {}: the neuron would never stop to spike.",
                index.slice(),
                broadcast(threshold, &shape)?[&index],
                broadcast(reset, &shape)?[&index]
            ))
            .hint("look at this layer in the program that exported the model")
            .into()),
    }
}

fn zero_if_absent(fields: &mut Fields<'_>, name: &str) -> Result<ArrayD<f64>> {
    fields.parameter_or(name, || ArrayD::zeros(IxDyn(&[])), "0")
}

fn one_if_absent(fields: &mut Fields<'_>, name: &str) -> Result<ArrayD<f64>> {
    fields.parameter_or(name, || ArrayD::ones(IxDyn(&[])), "1")
}

/// The parameters as fields. The Python package insists on one shape for all, so they are stretched. A `v_reset` that is
/// a single 0, as it is where a file has none, is not stored: older versions of the package do not know it.
fn write_parameters(parameters: &[(&'static str, &ArrayD<f64>)]) -> Members {
    let shape = common_shape(parameters);
    let stretch = |values: &ArrayD<f64>| match &shape {
        Some(shape) => broadcast(values, shape).unwrap_or_else(|_| values.clone()),
        None => values.clone(),
    };
    let is_default = |name: &str, values: &ArrayD<f64>| {
        name == "v_reset" && values.ndim() == 0 && values.iter().all(|&value| value == 0.0)
    };
    let stored = parameters.iter().filter(|(name, values)| !is_default(name, values));
    stored.map(|(name, values)| ((*name).to_owned(), Raw::F64(stretch(values)))).collect()
}
