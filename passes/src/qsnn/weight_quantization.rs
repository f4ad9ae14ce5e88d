//! Weight quantization: integer weights and fixed-point neurons.
//!
//! Needs: `snn` with scaled thresholds (`threshold-scaling`).
//! Gives: a `qsnn` network; |weight| <= 2^(bits-1) - 1, or the sign with one bit; each population has the most
//! fractional bits for which range analysis proves that its states fit into int32, and saturating additions where there
//! is no proof. With `--state f32` populations keep float32 states instead. What neurons hand on instead of spikes is a
//! 32-bit number with the most fractional bits that it can have; sums of such numbers have as many as fit into 32 bits,
//! to which connections shift what they take.
//! Example: weight 63.5 becomes 64; a LIF neuron with dt / tau = 0.1 and threshold 254 gets decay 3865470566 (0.9 * 2^32).
//! Limits: the range of a neuron that never decays (IF) is unbounded, so it always saturates; it is
//! expected to stay within some times its drive. A loop of graded values alone is refused.
//! Source: the rules of README.md of `qsnn`; Jacob et al., "Quantization and Training of Neural Networks for Efficient
//! Integer-Arithmetic-Only Inference", CVPR 2018, for the symmetric integer grid.

mod bytes;
mod float;
mod rounding;
mod rule;
mod values;

use crate::{
    analysis::{grid, projections, ranges::Range, widths},
    options::{Options, State, WeightCast},
    session::Session,
};
use rule::Rule;
use s2c_dialects::{
    Module,
    attribute::{Reset, Tensor, Weights},
    diagnostic::{Diagnostic, Result},
    graph::Node,
    ir::{Element, ValueType},
    qsnn,
    snn::{self, Compare, Network, Op},
};
use std::collections::BTreeMap;
use values::{Readout, Value};

/// Most fractional bits that are worth having: beyond them the weights' own rounding rules.
const MOST_SHIFT: i32 = 24;
/// How many times its drive or its threshold a membrane is expected to reach where its range is unbounded.
const HEADROOM: f64 = 128.0;
/// The same for a membrane that adds up all that it gets and never fires: so many ticks in which all inputs are at their
/// largest.
const INTEGRATOR_HEADROOM: f64 = 1024.0;

/// The part of the threshold that rounding may move a membrane by without a warning.
const COARSE: f64 = 0.01;

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let network = Network::read(&module)?;
    let options = Options::from_map(&network.options)?;
    let bits = widths::of_connections(&network, &options)?;
    let dt = network.dt.ok_or_else(|| Diagnostic::bug("`discretization` has not run"))?;
    let inputs = values::of_inputs(&network);
    let populations = populations(session, &network, dt, &bits, &inputs, &options)?;
    let shifts = shifts(&network, &populations, &inputs)?;
    let shift = |index: usize| shifts.get(&index).copied().filter(|&shift| shift != 0);
    let mut integer =
        qsnn::Network { name: network.name.clone(), dt: Some(dt), options: network.options.clone(), nodes: Vec::new() };
    for (index, node) in network.nodes.iter().enumerate() {
        let result = node.result.as_ref().map(|result| match result.element {
            Element::F32 => ValueType::new(result.shape.clone(), Element::I32),
            _ => result.clone(),
        });
        let op: qsnn::Op = match &node.op {
            Op::Input(op) => {
                let fraction = inputs.get(&index).map(|value| value.fraction);
                qsnn::Input { node: op.node.clone(), limit: op.limit, fraction, start: None }.into()
            }
            Op::Output(op) => qsnn::Output { node: op.node.clone() }.into(),
            Op::Add(_) => qsnn::Add {}.into(),
            Op::Delay(op) => qsnn::Delay { ticks: op.ticks }.into(),
            Op::Linear(op) => dense(op, bits_at(&bits, index)?, shift(index), &options).into(),
            Op::Conv2d(op) => conv2d(op, bits_at(&bits, index)?, shift(index), &options).into(),
            Op::Scale(op) => one_to_one(op, bits_at(&bits, index)?, shift(index), &options).into(),
            Op::Pool(_) => return Err(Box::new(Diagnostic::bug("`connection-fusion` has not run"))),
            _ => {
                let population = populations.get(&index).map(|population| population.op.clone());
                population.ok_or_else(|| Diagnostic::bug("a population is missing").at_node(node.name.clone()))?
            }
        };
        integer.nodes.push(Node { op, name: node.name.clone(), inputs: node.inputs.clone(), result });
    }
    integer.write(session.context)
}

/// All populations, those first whose graded values others need to know the range of.
fn populations(
    session: &mut Session<'_>,
    network: &Network,
    dt: f64,
    bits: &BTreeMap<usize, u32>,
    inputs: &BTreeMap<usize, Value>,
    options: &Options,
) -> Result<BTreeMap<usize, Population>> {
    let (mut done, mut values) = (BTreeMap::new(), inputs.clone());
    let mut open: Vec<usize> = (0..network.nodes.len()).filter(|&index| network.nodes[index].op.is_neuron()).collect();
    while !open.is_empty() {
        let mut waiting = Vec::new();
        for &index in &open {
            let unknown = |source: usize| network.nodes[source].op.is_graded() && !values.contains_key(&source);
            if projections::of_snn(network, index)?.iter().any(|projection| unknown(projection.source)) {
                waiting.push(index);
                continue;
            }
            let rules = rule::rules(network, index, dt, bits, &values, options)?;
            let population = population(session, network, index, &rules, options)?;
            values.extend(population.value.map(|value| (index, value)));
            done.insert(index, population);
        }
        if waiting.len() == open.len() {
            return Err(graded_loop(network, &waiting));
        }
        open = waiting;
    }
    Ok(done)
}

fn graded_loop(network: &Network, populations: &[usize]) -> Box<Diagnostic> {
    let names: Vec<&str> = populations.iter().filter_map(|&index| network.nodes[index].op.node()).collect();
    Box::new(
        Diagnostic::error("graded-loop", "graded values go round in a loop")
            .at_node(names.first().copied().unwrap_or("?"))
            .text(format!("No range can be proved for the values of {}.", names.join(", ")))
            .hint("put spiking neurons into the loop"),
    )
}

/// By which power of two each connection multiplies what it takes, so that all sums into a population count in the same
/// unit.
fn shifts(
    network: &Network,
    populations: &BTreeMap<usize, Population>,
    inputs: &BTreeMap<usize, Value>,
) -> Result<BTreeMap<usize, i64>> {
    let mut shifts = BTreeMap::new();
    for (&index, population) in populations {
        for projection in projections::of_snn(network, index)? {
            let value = populations.get(&projection.source).and_then(|source| source.value);
            let value = value.or(inputs.get(&projection.source).copied());
            let taken = value.map_or(0, |value| value.fraction);
            // Values that are this small against the sum vanish either way.
            shifts.insert(projection.connection, (i64::from(population.fraction) - taken).max(-31));
        }
    }
    Ok(shifts)
}

/// The bits of connection `index`.
fn bits_at(bits: &BTreeMap<usize, u32>, index: usize) -> Result<u32> {
    bits.get(&index).copied().ok_or_else(|| Box::new(Diagnostic::bug("a connection leads to no population")))
}

fn quantize(weight: f32, bits: u32, cast: WeightCast) -> i32 {
    let weight = f64::from(weight);
    let weight = if cast == WeightCast::Truncate { weight.trunc() } else { weight };
    grid::nearest(weight, bits) as i32
}

fn dense(op: &snn::Linear, bits: u32, shift: Option<i64>, options: &Options) -> qsnn::Dense {
    let values = op.weight.iter().map(|weight| quantize(weight, bits, options.weight_cast)).collect();
    qsnn::Dense { weight: Weights::new(bits, op.weight.shape.clone(), values), bits: bits.into(), shift }
}

fn one_to_one(op: &snn::Scale, bits: u32, shift: Option<i64>, options: &Options) -> qsnn::Scale {
    let values = op.scale.iter().map(|weight| quantize(weight, bits, options.weight_cast)).collect();
    qsnn::Scale { weight: Weights::new(bits, vec![op.scale.len()], values), bits: bits.into(), shift }
}

fn conv2d(op: &snn::Conv2d, bits: u32, shift: Option<i64>, options: &Options) -> qsnn::Conv2d {
    let values = op.weight.iter().map(|weight| quantize(weight, bits, options.weight_cast)).collect();
    qsnn::Conv2d {
        weight: Weights::new(bits, op.weight.shape.clone(), values),
        bits: bits.into(),
        shift,
        pool: op.pool.clone(),
        stride: op.stride.clone(),
        padding: op.padding.clone(),
        dilation: op.dilation.clone(),
        groups: op.groups,
    }
}

/// A population in integers.
struct Population {
    op: qsnn::Op,
    /// Fractional bits of the sums that arrive.
    fraction: i32,
    /// What it hands on, where that is not spikes.
    value: Option<Value>,
}

/// How the neurons of a population fire, where they do.
type Fire = Option<(Reset, Compare)>;

fn fire_of(op: &Op) -> Result<Fire> {
    let (reset, compare) = match op {
        Op::If(op) => (op.reset, op.compare),
        Op::Lif(op) => (op.reset, op.compare),
        Op::CubaLif(op) => (op.reset, op.compare),
        Op::Threshold(_) => (Some(Reset::Value), Some(Compare::Greater)),
        _ => return Ok(None),
    };
    let both = reset.zip(compare);
    Ok(Some(both.ok_or_else(|| Diagnostic::bug("`discretization` has not run"))?))
}

fn population(
    session: &mut Session<'_>,
    network: &Network,
    index: usize,
    rules: &[Rule],
    options: &Options,
) -> Result<Population> {
    let node = &network.nodes[index];
    let fire = fire_of(&node.op)?;
    let reset = fire.map(|(reset, _)| reset);
    let name = node.op.node().unwrap_or(&node.name).to_owned();
    let most_fraction = rule::fraction(rules).ok_or_else(|| too_wide(&node.name, rules, reset))?;
    let headroom = if fire.is_some() { HEADROOM } else { INTEGRATOR_HEADROOM };
    if options.state == State::F32 {
        return Ok(float::population(name, &network.result(index)?.shape, rules, fire, most_fraction, headroom));
    }
    let has_current = rules.iter().any(|rule| rule.current_keep.is_some());
    // A membrane behind a current may have fewer fractional bits than a sum has; one without may not.
    let least = if has_current { -30 } else { most_fraction.min(0) };
    // Small values deserve as many as their sums.
    let most_shift = MOST_SHIFT.max(most_fraction);
    let largest = |headroom: Option<f64>| {
        (least..=most_shift).rev().find(|&shift| rules.iter().all(|rule| rule.fits(shift, reset, headroom)))
    };
    let assumed = [headroom, HEADROOM, 1.0].map(Some);
    let found =
        std::iter::once(None).chain(assumed).find_map(|headroom| Some((largest(headroom)?, headroom.is_some())));
    let Some((shift, saturate)) = found else {
        return Err(too_wide(&node.name, rules, reset));
    };
    if saturate && rules.iter().any(|rule| rule.keep < 1.0) {
        session.warnings.push(
            Diagnostic::warning("saturating-membrane", "no proof that the membranes fit into 32 bits")
                .at_node(node.name.clone())
                .text("Additions saturate, which costs an instruction each and can change results at the extremes."),
        );
    }
    let shape = network.result(index)?.shape.clone();
    let unit = f64::from(shift).exp2();
    let words = |f: &dyn Fn(&Rule) -> f64| {
        Tensor::new(shape.clone(), rules.iter().map(|rule| f(rule).round() as i32).collect())
    };
    let factor = |keep: f64| (keep * (1i64 << 32) as f64).round() as i64;
    let decay = Tensor::new(shape.clone(), rules.iter().map(|rule| factor(rule.keep)).collect());
    let offset = words(&|rule| rule.offset(shift));
    let scale = Tensor::new(shape.clone(), rules.iter().map(|rule| rule.scale(shift) * rule.weight_scale).collect());
    // The current may have more fractional bits than the membrane, never fewer, and never less than a weight's.
    let current_fits = |current_shift: i32| {
        rules.iter().all(|rule| rule.current(current_shift, rule.current_keep.unwrap_or(1.0)).plus(1.0).fits(31))
    };
    let lowest = shift.max(most_fraction.min(0));
    let current_shift = (lowest..=most_shift.max(lowest)).rev().find(|&shift| current_fits(shift)).unwrap_or(lowest);
    let current_decay =
        Tensor::new(shape.clone(), rules.iter().map(|rule| factor(rule.current_keep.unwrap_or(1.0))).collect());
    let current_offset = words(&|rule| rule.bias * f64::from(current_shift).exp2());
    let saturate = saturate || has_current && !current_fits(current_shift);
    // Sums have no more fractional bits than the state that they are added to.
    let first = if has_current { current_shift } else { shift };
    let fraction = most_fraction.min(first);
    let (input_shift, current_shift) = (i64::from(first - fraction), i64::from(current_shift - shift));
    let Some((reset, compare)) = fire else {
        let reach = rules.iter().map(|rule| {
            let range = if saturate { Range::ALL } else { rule.membrane(shift, None, None) };
            range.high.max(-range.low)
        });
        let Readout { factor: readout, value } = values::of_integers(&scale, reach);
        let op = match has_current {
            false => qsnn::Li {
                node: name,
                shift: input_shift,
                decay,
                offset,
                readout,
                fraction: value.fraction,
                scale,
                saturate,
                start: None,
            }
            .into(),
            true => qsnn::CubaLi {
                node: name,
                shift: input_shift,
                current_decay,
                current_offset,
                current_shift,
                decay,
                offset,
                readout,
                fraction: value.fraction,
                scale,
                saturate,
                start: None,
            }
            .into(),
        };
        return Ok(Population { op, fraction, value: Some(value) });
    };
    let threshold = words(&|rule| {
        let threshold = snap(rule.threshold * rule.scale(shift) / unit) * unit;
        match compare {
            Compare::Greater => threshold.floor(),
            Compare::GreaterEqual => threshold.ceil() - 1.0,
        }
    });
    let reset_by = words(&|rule| rule.reset_by(shift, reset));
    session.warnings.extend(coarse(&name, rules, (shift, current_shift as i32), reset));
    let reset = in_integers(reset);
    let byte_shift = (options.state == State::Fixed8).then(|| bytes::shift(&threshold, reset, &reset_by));
    let op = match has_current {
        false => qsnn::Lif {
            node: name,
            shift: input_shift,
            decay,
            offset,
            threshold,
            reset,
            reset_by,
            scale,
            saturate,
            byte_shift,
            start: None,
        }
        .into(),
        true => qsnn::CubaLif {
            node: name,
            shift: input_shift,
            current_decay,
            current_offset,
            current_shift,
            decay,
            offset,
            threshold,
            reset,
            reset_by,
            scale,
            saturate,
            byte_shift,
            start: None,
        }
        .into(),
    };
    Ok(Population { op, fraction, value: None })
}

/// The warning where rounding may move membranes by more than [`COARSE`] thresholds.
fn coarse(node: &str, rules: &[Rule], (shift, current_shift): (i32, i32), reset: Reset) -> Option<Diagnostic> {
    let bounds = rules.iter().map(|rule| rounding::bound(rule, shift, current_shift, reset));
    let (neuron, worst) = bounds.enumerate().max_by(|one, other| one.1.total_cmp(&other.1))?;
    let when = if rules[neuron].keep == 1.0 { "in each tick, for it never decays" } else { "after many ticks" };
    (worst > COARSE).then(|| {
        Diagnostic::warning("coarse-membrane", "rounding may move membranes by more than 1 % of their threshold")
            .at_node(node)
            .text(format!("Neuron {neuron} may be off by {:.2} % of its threshold {when}.", 100.0 * worst))
            .hint("use fewer --weight-bits, a longer --dt, or --state f32")
    })
}

/// What a spike does in `qsnn`: what is subtracted a tick later is subtracted at once, in the size that decays to it.
fn in_integers(reset: Reset) -> Reset {
    if reset == Reset::SubtractLate { Reset::Subtract } else { reset }
}

/// A threshold in units of the weights' last bit that is an integer but for the rounding of 32-bit floats (about three
/// units in the last place) becomes that integer, so that sums which meet it exactly are told apart from it exactly.
fn snap(value: f64) -> f64 {
    let integer = value.round();
    if (value - integer).abs() <= integer.abs() * 2e-7 { integer } else { value }
}

fn too_wide(node: &str, rules: &[Rule], reset: Option<Reset>) -> Box<Diagnostic> {
    let wrong = rules.iter().position(|rule| !rule.fits(0, reset, Some(1.0))).unwrap_or(0);
    let rule = &rules[wrong];
    let diagnostic = Diagnostic::error("neuron-too-wide", format!("neuron {wrong} needs more than 32 bits"))
        .at_node(node)
        .text(format!(
            "Its threshold is {:.3e} times its largest weight's last bit, its largest sum of weights {:.3e}.",
            rule.threshold * rule.scale(0),
            rule.sum.high.max(-rule.sum.low)
        ))
        .hint("use fewer --weight-bits, or look at the neuron's threshold and weights");
    Box::new(diagnostic)
}
