//! Discretisation: every neuron gets its integrator, reset and comparison, and the network its dt.
//!
//! Needs: a verified `snn` network, as the importer makes it.
//! Gives: `dt` on the network and three attributes on every neuron; nothing else changes, but for the convention
//! `spinnaker2`, whose timing and biases are written into the network (`discretization/hops.rs`).
//! Example: `snn.lif "n"(%x)` becomes `snn.lif "n"(%x) integrator euler reset value compare greater`.
//! Limits: one dt for the whole network.
//! Source: the table of conventions in the `snn` dialect's README.
//!
//! NIR is continuous in time and says nothing about these. A convention answers; single options override it. What is
//! still open and would change the result is an error (dt) or a warning that names what was assumed.

mod hops;

use crate::{
    Session,
    options::{Convention, Options},
    threshold_scaling::unshare,
};
use s2c_dialects::{
    Module,
    attribute::Reset,
    diagnostic::{Diagnostic, Result},
    snn::{Compare, Integrator, Network, Op},
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
    pub compare: Option<Compare>,
}

/// The row of a convention in the table of the `snn` dialect's README.
pub fn rules(convention: Convention) -> Rules {
    let euler = Some(Integrator::Euler);
    match convention {
        Convention::Nir => {
            Rules { dt: None, integrator: None, reset: Some(Reset::Value), compare: Some(Compare::Greater) }
        }
        // snnTorch's export assumes dt = 1e-4; its reset mechanism is not written into the file.
        Convention::Snntorch => {
            Rules { dt: Some(1e-4), integrator: euler, reset: None, compare: Some(Compare::Greater) }
        }
        Convention::Norse => {
            Rules { dt: None, integrator: euler, reset: Some(Reset::Value), compare: Some(Compare::Greater) }
        }
        Convention::Sinabs => Rules {
            dt: None,
            integrator: Some(Integrator::Exponential),
            reset: Some(Reset::Subtract),
            compare: Some(Compare::GreaterEqual),
        },
        Convention::Spinnaker2 => Rules {
            dt: None,
            integrator: Some(Integrator::Exponential),
            reset: Some(Reset::Subtract),
            compare: Some(Compare::Greater),
        },
    }
}

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut network = Network::read(&module)?;
    let options = Options::from_map(&network.options)?;
    let rules = rules(options.convention);
    let has_time = network.nodes.iter().any(|node| matches!(node.op, Op::Lif(_) | Op::CubaLif(_)));

    let dt = options.dt.or(network.dt).or(rules.dt);
    let dt = match dt {
        Some(dt) if dt > 0.0 && dt.is_finite() => dt,
        Some(dt) => {
            return Err(Box::new(
                Diagnostic::error("bad-dt", format!("dt is {dt} s")).hint("give a positive --dt in seconds"),
            ));
        }
        // Nothing in the network depends on the length of a tick.
        None if !has_time => 1.0,
        None => return Err(Box::new(missing_dt(&network))),
    };
    check_time_constants(session, &network, dt);
    network.dt = Some(dt);

    let mut open = Vec::new();
    let integrator = options.integrator.or(rules.integrator).unwrap_or_else(|| {
        if has_time {
            open.push("integrator: forward Euler was assumed (--integrator euler|exponential)");
        }
        Integrator::Euler
    });
    let reset = options.reset.or(rules.reset).unwrap_or_else(|| {
        open.push("reset: subtraction of the threshold was assumed (--reset subtract|zero)");
        Reset::Subtract
    });
    let compare = options.compare.or(rules.compare).unwrap_or(Compare::Greater);
    if !open.is_empty() {
        session.warnings.push(
            Diagnostic::warning("open-choice", "the file leaves open what changes the result")
                .text(open.join("; "))
                .hint("name the choice, or the framework that wrote the file with --convention"),
        );
    }
    for node in &mut network.nodes {
        let fields = match &mut node.op {
            Op::If(op) => (&mut op.integrator, &mut op.reset, &mut op.compare),
            Op::Lif(op) => (&mut op.integrator, &mut op.reset, &mut op.compare),
            Op::CubaLif(op) => (&mut op.integrator, &mut op.reset, &mut op.compare),
            _ => continue,
        };
        fields.0.get_or_insert(integrator);
        fields.1.get_or_insert(reset);
        fields.2.get_or_insert(compare);
    }
    if options.convention == Convention::Spinnaker2 {
        unshare(&mut network);
        session.warnings.extend(hops::apply(&mut network)?);
    }
    network.write(session.context)
}

/// All time constants with the node they belong to.
fn time_constants(network: &Network) -> impl Iterator<Item = (&str, f64)> {
    network.nodes.iter().flat_map(|node| {
        let tensors = match &node.op {
            Op::Lif(op) => vec![&op.tau],
            Op::CubaLif(op) => vec![&op.tau_syn, &op.tau_mem],
            _ => vec![],
        };
        tensors.into_iter().flat_map(|tensor| tensor.values.iter().map(|&tau| (node.name.as_str(), tau)))
    })
}

fn missing_dt(network: &Network) -> Diagnostic {
    let range =
        time_constants(network).fold((f64::MAX, f64::MIN), |(low, high), (_, tau)| (low.min(tau), high.max(tau)));
    Diagnostic::error("missing-dt", "the file does not say how long a tick is")
        .text(format!("The network's time constants lie between {:e} and {:e} s.", range.0, range.1))
        .hint("give --dt in seconds: the time step that the network was trained with")
}

/// With forward Euler a factor above 1 overshoots; above 2 the membrane grows without bound.
fn check_time_constants(session: &mut Session<'_>, network: &Network, dt: f64) {
    if let Some((node, tau)) = time_constants(network).find(|&(_, tau)| tau < dt) {
        session.warnings.push(
            Diagnostic::warning("short-time-constant", format!("a time constant of {tau:e} s is shorter than a tick"))
                .at_node(node)
                .text(format!("A tick is {dt:e} s long, so that one step overshoots."))
                .hint("is --dt the step that the network was trained with?"),
        );
    }
}
