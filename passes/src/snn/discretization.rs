//! Discretisation: every neuron gets its integrator, reset and comparison, and the network its dt.
//!
//! Needs: a verified `snn` network, as the importer makes it.
//! Gives: `dt` on the network, and of each population a `snn.neuron`, which says in stages what happens in a tick; delays
//! in seconds become whole ticks. The timing and the biases of the convention `spinnaker2` are written into the network
//! (`discretization/hops.rs`).
//! Example: `snn.lif "n"(%x)` with `tau` 0.01 becomes `snn.neuron "n"(%x) integrator euler membrane factor dense<0.1> …`.
//! Limits: one dt for the whole network.
//! Source: the table of conventions in the `snn` dialect's README.
//!
//! NIR is continuous in time and says nothing about these. A convention answers; single options override it. What is
//! still open and would change the result is an error (dt) or a warning that names what was assumed.

mod delays;
mod hops;
mod neurons;
mod parts;
mod rules;

use crate::{
    analysis::projections,
    options::{Convention, Integrator, Options},
    session::Session,
};
use neurons::Choices;
use parts::Parts;
use rules::Rules;
use s2c_dialects::{
    Module,
    attribute::Reset,
    diagnostic::{Diagnostic, Result},
    graph::Node,
    snn::{Network, Op},
};

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut network = Network::read(&module)?;
    let options = Options::from_map(&network.options)?;
    let rules = rules::of(options.convention);
    let dt = length_of_tick(&network, &options, rules.dt)?;
    check_time_constants(session, &network, dt, options.convention);
    network.dt = Some(dt);
    let choices = choices(session, &network, &options, rules, dt);
    for index in 0..network.nodes.len() {
        let Some(parts) = Parts::of(&network.nodes[index].op) else { continue };
        let (neuron, warning) = choices.neuron(&parts, &network.result(index)?.shape);
        session.warnings.extend(warning);
        network.nodes[index].op = neuron.into();
    }
    if options.reset_delay == Some(true) {
        rules::check_late_resets(&network)?;
    }
    delays::discretize(session, &mut network, dt)?;
    if options.convention == Convention::Spinnaker2 {
        projections::unshare(&mut network);
        session.warnings.extend(hops::apply(&mut network)?);
    }
    network.write(session.context)
}

/// Populations that are as the importer made them.
fn open_populations(network: &Network) -> impl Iterator<Item = Parts<'_>> {
    network.nodes.iter().filter_map(|node| Parts::of(&node.op))
}

/// Whether anything that is open depends on the length of a tick.
fn has_time(network: &Network) -> bool {
    let waits = |node: &Node<Op>| matches!(&node.op, Op::Delay(delay) if delay.seconds.is_some());
    open_populations(network).any(|parts| parts.leak.is_some()) || network.nodes.iter().any(waits)
}

/// dt in seconds, by option, file or convention.
fn length_of_tick(network: &Network, options: &Options, convention: Option<f64>) -> Result<f64> {
    let is_settled = network.nodes.iter().any(|node| node.op.neuron().is_some());
    if let (true, Some(known), Some(wanted)) = (is_settled, network.dt, options.dt)
        && known != wanted
    {
        let title = format!("the network is discretised already, with a dt of {known} s");
        return Err(Box::new(Diagnostic::error("bad-dt", title).hint(format!("compile the model with --dt {wanted}"))));
    }
    match options.dt.or(network.dt).or(convention) {
        Some(dt) if dt > 0.0 && dt.is_finite() => Ok(dt),
        Some(dt) => {
            Err(Box::new(Diagnostic::error("bad-dt", format!("dt is {dt} s")).hint("give a positive --dt in seconds")))
        }
        None if !has_time(network) => Ok(1.0),
        None => Err(Box::new(missing_dt(network, options.convention))),
    }
}

/// What holds for all neurons, with a warning that names what was assumed.
fn choices(session: &mut Session<'_>, network: &Network, options: &Options, rules: Rules, dt: f64) -> Choices {
    let mut open = Vec::new();
    let integrator = options.integrator.or(rules.integrator).unwrap_or_else(|| {
        if has_time(network) && open_populations(network).any(|parts| parts.r.is_some()) {
            open.push("integrator: forward Euler was assumed (--integrator euler|exponential|charge)");
        }
        Integrator::Euler
    });
    let resets = open_populations(network).any(|parts| parts.fire.is_some_and(|(_, v_reset)| v_reset.is_some()));
    let reset = options.reset.or(rules.reset).unwrap_or_else(|| {
        if resets {
            open.push("reset: subtraction of the threshold was assumed (--reset subtract|zero)");
        }
        Reset::Subtract
    });
    let reset = match (options.reset_delay, reset) {
        (Some(false), Reset::Subtract) => Reset::SubtractPending,
        (Some(true), Reset::Subtract) => Reset::SubtractLate,
        (None, Reset::Subtract) if options.convention == Convention::Snntorch && resets => {
            open.push("reset delay: a reset in the spike's own tick was assumed (--reset-delay 0|1, as in snnTorch)");
            reset
        }
        _ => reset,
    };
    if !open.is_empty() {
        session.warnings.push(
            Diagnostic::warning("open-choice", "the file leaves open what changes the result")
                .text(open.join("; "))
                .hint("name the choice, or the framework that wrote the file with --convention"),
        );
    }
    let compare = options.compare.unwrap_or(rules.compare);
    Choices { dt, integrator, reset, compare, convention: options.convention, rules }
}

/// All time constants with the node they belong to.
fn time_constants(network: &Network) -> impl Iterator<Item = (&str, f64)> {
    let all = network.nodes.iter().filter_map(|node| Some((node.name.as_str(), Parts::of(&node.op)?)));
    all.flat_map(|(name, parts)| {
        parts.taus().flat_map(|tau| &tau.values).map(move |&tau| (name, tau)).collect::<Vec<_>>()
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
