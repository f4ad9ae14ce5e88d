//! Discretisation: every neuron gets its integrator, reset and comparison, and the network its dt.
//!
//! Needs: a verified `snn` network, as the importer makes it.
//! Gives: `dt` on the network and three attributes on every neuron; delays in seconds become whole ticks. The timing and
//! the biases of the convention `spinnaker2` are written into the network (`discretization/hops.rs`).
//! Example: `snn.lif "n"(%x)` becomes `snn.lif "n"(%x) integrator euler reset value compare greater`.
//! Limits: one dt for the whole network.
//! Source: the table of conventions in the `snn` dialect's README.
//!
//! NIR is continuous in time and says nothing about these. A convention answers; single options override it. What is
//! still open and would change the result is an error (dt) or a warning that names what was assumed.

mod delays;
mod hops;
mod rules;

use crate::{
    analysis::projections,
    options::{Convention, Integrator, Options},
    session::Session,
};
use s2c_dialects::{
    Module,
    attribute::Reset,
    diagnostic::{Diagnostic, Result},
    snn::{self, Network, Op},
};

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut network = Network::read(&module)?;
    let options = Options::from_map(&network.options)?;
    let rules = rules::of(options.convention);
    let has_time = network.nodes.iter().any(|node| match &node.op {
        Op::Lif(_) | Op::CubaLif(_) | Op::Li(_) | Op::CubaLi(_) => true,
        Op::Delay(delay) => delay.seconds.is_some(),
        _ => false,
    });

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
        None => return Err(Box::new(missing_dt(&network, options.convention))),
    };
    check_time_constants(session, &network, dt, options.convention);
    network.dt = Some(dt);

    let mut open = Vec::new();
    // A dump that has been through here has its rules already.
    let (lacks_integrator, lacks_reset) = undecided(&network);
    let integrator = options.integrator.or(rules.integrator).unwrap_or_else(|| {
        if has_time && lacks_integrator {
            open.push("integrator: forward Euler was assumed (--integrator euler|exponential|charge)");
        }
        Integrator::Euler
    });
    let reset = options.reset.or(rules.reset).unwrap_or_else(|| {
        if lacks_reset {
            open.push("reset: subtraction of the threshold was assumed (--reset subtract|zero)");
        }
        Reset::Subtract
    });
    let reset = match (options.reset_delay, reset) {
        (Some(false), Reset::Subtract) => Reset::SubtractPending,
        (Some(true), Reset::Subtract) => Reset::SubtractLate,
        (None, Reset::Subtract) if options.convention == Convention::Snntorch && lacks_reset => {
            open.push("reset delay: a reset in the spike's own tick was assumed (--reset-delay 0|1, as in snnTorch)");
            reset
        }
        _ => reset,
    };
    let compare = options.compare.unwrap_or(rules.compare);
    if !open.is_empty() {
        session.warnings.push(
            Diagnostic::warning("open-choice", "the file leaves open what changes the result")
                .text(open.join("; "))
                .hint("name the choice, or the framework that wrote the file with --convention"),
        );
    }
    let integrator = rules::integrator(&mut network, integrator, dt, options.convention);
    for node in &mut network.nodes {
        let fields = match &mut node.op {
            Op::If(op) => (&mut op.integrator, &mut op.reset, &mut op.compare),
            Op::Lif(op) => (&mut op.integrator, &mut op.reset, &mut op.compare),
            Op::CubaLif(op) => (&mut op.integrator, &mut op.reset, &mut op.compare),
            Op::I(snn::I { integrator: place, .. })
            | Op::Li(snn::Li { integrator: place, .. })
            | Op::CubaLi(snn::CubaLi { integrator: place, .. }) => {
                place.get_or_insert(integrator);
                continue;
            }
            _ => continue,
        };
        fields.0.get_or_insert(integrator);
        fields.1.get_or_insert(reset);
        fields.2.get_or_insert(compare);
    }
    rules::check_late_resets(&network, options.reset_delay == Some(true))?;
    if rules.resets_to_zero {
        session.warnings.extend(rules::reset_to_zero(&mut network, options.convention));
    }
    delays::discretize(session, &mut network, dt)?;
    if options.convention == Convention::Spinnaker2 {
        projections::unshare(&mut network);
        hops::apply(&mut network)?;
    }
    network.write(session.context)
}

/// Whether some neuron has no integrator yet, and whether some neuron that fires has no reset.
fn undecided(network: &Network) -> (bool, bool) {
    let of_node = |op: &Op| match op {
        Op::If(op) => (op.integrator.is_none(), op.reset.is_none()),
        Op::Lif(op) => (op.integrator.is_none(), op.reset.is_none()),
        Op::CubaLif(op) => (op.integrator.is_none(), op.reset.is_none()),
        Op::I(op) => (op.integrator.is_none(), false),
        Op::Li(op) => (op.integrator.is_none(), false),
        Op::CubaLi(op) => (op.integrator.is_none(), false),
        _ => (false, false),
    };
    let all = network.nodes.iter().map(|node| of_node(&node.op));
    all.fold((false, false), |(integrator, reset), (a, b)| (integrator || a, reset || b))
}

/// All time constants with the node they belong to.
fn time_constants(network: &Network) -> impl Iterator<Item = (&str, f64)> {
    network.nodes.iter().flat_map(|node| {
        let tensors = match &node.op {
            Op::Lif(op) => vec![&op.tau],
            Op::CubaLif(op) => vec![&op.tau_syn, &op.tau_mem],
            Op::Li(op) => vec![&op.tau],
            Op::CubaLi(op) => vec![&op.tau_syn, &op.tau_mem],
            _ => vec![],
        };
        tensors.into_iter().flat_map(|tensor| tensor.values.iter().map(|&tau| (node.name.as_str(), tau)))
    })
}

fn missing_dt(network: &Network, convention: Convention) -> Diagnostic {
    let range =
        time_constants(network).fold((f64::MAX, f64::MIN), |(low, high), (_, tau)| (low.min(tau), high.max(tau)));
    let suggested = match rules::suggested_dt(network, convention) {
        Some(dt) => format!(" If its `r` cancel dt / tau, a tick is {dt:.4e} s."),
        None => String::new(),
    };
    Diagnostic::error("missing-dt", "the file does not say how long a tick is")
        .text(format!("The network's time constants lie between {:e} and {:e} s.{suggested}", range.0, range.1))
        .hint("give --dt in seconds: the time step that the network was trained with")
}

/// With forward Euler a factor above 1 overshoots; above 2 the membrane grows without bound.
fn check_time_constants(session: &mut Session<'_>, network: &Network, dt: f64, convention: Convention) {
    if let Some((node, tau)) = time_constants(network).find(|&(_, tau)| tau < dt) {
        session.warnings.push(
            Diagnostic::warning("short-time-constant", format!("a time constant of {tau:e} s is shorter than a tick"))
                .at_node(node)
                .text(format!("A tick is {dt:e} s long, so that one step overshoots."))
                .hint("is --dt the step that the network was trained with?"),
        );
    }
    // These two write dt into `r`.
    if matches!(convention, Convention::Snntorch | Convention::Rockpool)
        && let Some(suggested) = rules::suggested_dt(network, convention)
        && (dt / suggested - 1.0).abs() > 0.01
    {
        session.warnings.push(
            Diagnostic::warning("other-dt", format!("a tick of {dt:e} s is not what the network's `r` were made for"))
                .text(format!(
                    "{convention} writes files whose `r` cancel dt / tau; these do so for {suggested:.4e} s."
                ))
                .hint(format!("give --dt {suggested:.4e}, or another --convention")),
        );
    }
}
