//! Weight quantization: integer weights and fixed-point neurons.
//!
//! Needs: `snn` with scaled thresholds (`threshold-scaling`).
//! Gives: a `qsnn` network; |weight| <= 2^(bits-1) - 1, or the sign with one bit; each population has the most
//! fractional bits for which range analysis proves that its states fit into int32, and saturating additions where there
//! is no proof. With `--state f32` populations keep float32 states instead.
//! Example: weight 63.5 becomes 64; a LIF neuron with dt / tau = 0.1 and threshold 254 gets decay 3865470566 (0.9 * 2^32).
//! Limits: the range of a neuron that never decays (IF) is unbounded, so it always saturates. Graded values are refused.
//! Source: the rules of README.md of `qsnn`; Jacob et al., "Quantization and Training of Neural Networks for Efficient
//! Integer-Arithmetic-Only Inference", CVPR 2018, for the symmetric integer grid.

mod float;

use crate::{
    Session,
    analysis::{
        graded, grid, projections,
        ranges::{self, Range, ResetRange},
        widths,
    },
    options::{Options, State, WeightCast},
};
use s2c_dialects::{
    Module,
    attribute::{Reset, Tensor, Weights},
    diagnostic::{Diagnostic, Result},
    graph::{DialectOp, Node},
    ir::{Element, ValueType},
    qsnn,
    snn::{self, Compare, Integrator, Network, Op},
};

use std::collections::BTreeMap;

/// Most fractional bits that are worth having: beyond them the weights' own rounding rules.
const MOST_SHIFT: i32 = 24;
/// Bits kept free above threshold and drive where the range is unbounded.
const HEADROOM: f64 = 128.0;

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let network = Network::read(&module)?;
    for Node { op, name, result, .. } in &network.nodes {
        let is_analog = result.as_ref().is_some_and(|result| result.element == Element::F32);
        if op.is_graded() || matches!(op, Op::Input(_)) && is_analog {
            return Err(graded::not_lowered(op.name(), op.node().unwrap_or(name), op.is_neuron()));
        }
    }
    let options = Options::from_map(&network.options)?;
    let bits = widths::of_connections(&network, &options)?;
    let dt = network.dt.ok_or_else(|| Diagnostic::bug("`discretization` has not run"))?;
    let mut integer =
        qsnn::Network { name: network.name.clone(), dt: Some(dt), options: network.options.clone(), nodes: Vec::new() };
    for (index, node) in network.nodes.iter().enumerate() {
        let result = node.result.as_ref().map(|result| match result.element {
            Element::F32 => ValueType::new(result.shape.clone(), Element::I32),
            _ => result.clone(),
        });
        let op: qsnn::Op = match &node.op {
            Op::Input(op) => qsnn::Input { node: op.node.clone(), limit: op.limit, fraction: None, start: None }.into(),
            Op::Output(op) => qsnn::Output { node: op.node.clone() }.into(),
            Op::Add(_) => qsnn::Add {}.into(),
            Op::Delay(op) => qsnn::Delay { ticks: op.ticks }.into(),
            Op::Linear(op) => dense(op, bits_at(&bits, index)?, &options).into(),
            Op::Conv2d(op) => conv2d(op, bits_at(&bits, index)?, &options).into(),
            Op::Scale(op) => one_to_one(op, bits_at(&bits, index)?, &options).into(),
            Op::Pool(_) => return Err(Box::new(Diagnostic::bug("`connection-fusion` has not run"))),
            _ => neuron(session, &network, index, dt, &bits, &options)?,
        };
        integer.nodes.push(Node { op, name: node.name.clone(), inputs: node.inputs.clone(), result });
    }
    integer.write(session.context)
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

fn dense(op: &snn::Linear, bits: u32, options: &Options) -> qsnn::Dense {
    let values = op.weight.iter().map(|weight| quantize(weight, bits, options.weight_cast)).collect();
    qsnn::Dense { weight: Weights::new(bits, op.weight.shape.clone(), values), bits: bits.into(), shift: None }
}

fn one_to_one(op: &snn::Scale, bits: u32, options: &Options) -> qsnn::Scale {
    let values = op.scale.iter().map(|weight| quantize(weight, bits, options.weight_cast)).collect();
    qsnn::Scale { weight: Weights::new(bits, vec![op.scale.len()], values), bits: bits.into(), shift: None }
}

fn conv2d(op: &snn::Conv2d, bits: u32, options: &Options) -> qsnn::Conv2d {
    let values = op.weight.iter().map(|weight| quantize(weight, bits, options.weight_cast)).collect();
    qsnn::Conv2d {
        weight: Weights::new(bits, op.weight.shape.clone(), values),
        bits: bits.into(),
        shift: None,
        pool: op.pool.clone(),
        stride: op.stride.clone(),
        padding: op.padding.clone(),
        dilation: op.dilation.clone(),
        groups: op.groups,
    }
}

/// What one neuron's float rule says, in units of scaled weights.
struct Rule {
    sum: Range,
    bias: f64,
    /// Keep factor of the current per tick, where there is one.
    current_keep: Option<f64>,
    keep: f64,
    leak: f64,
    threshold: f64,
    reset_value: f64,
    weight_scale: f64,
}

impl Rule {
    /// What a unit of input adds to the membrane per tick, at the end of both stages.
    fn gain(&self) -> f64 {
        let factor = |keep: f64| if keep == 1.0 { 1.0 } else { 1.0 - keep };
        factor(self.keep) * self.current_keep.map_or(1.0, factor)
    }

    /// Membrane units per scaled volt with `shift` fractional bits.
    fn scale(&self, shift: i32) -> f64 {
        f64::from(shift).exp2() / self.gain()
    }

    /// What is added to the membrane per tick besides the sum (LIF) or the current (CubaLIF).
    fn offset(&self, shift: i32) -> f64 {
        let leak = if self.keep == 1.0 { 0.0 } else { (1.0 - self.keep) * self.leak * self.scale(shift) };
        if self.current_keep.is_some() { leak } else { leak + self.bias * f64::from(shift).exp2() }
    }

    /// The current's range with `shift` fractional bits.
    fn current(&self, shift: i32, keep: f64) -> Range {
        self.sum.plus(self.bias).times(f64::from(shift).exp2()).accumulated(keep)
    }

    /// The membrane's drive with `shift` fractional bits.
    fn drive(&self, shift: i32) -> Range {
        let unit = f64::from(shift).exp2();
        let drive = match self.current_keep {
            Some(keep) => self.current(0, keep).times(unit),
            None => self.sum.times(unit),
        };
        drive.plus(self.offset(shift))
    }

    /// True where everything fits into int32 with `shift` fractional bits. `headroom` stands in for a membrane whose
    /// range is unbounded.
    fn fits(&self, shift: i32, reset: Reset, headroom: Option<f64>) -> bool {
        let (scale, drive) = (self.scale(shift), self.drive(shift));
        let threshold = self.threshold * scale;
        let constant = |value: f64| Range { low: value, high: value }.fits(32);
        let membrane = match (headroom, reset) {
            (Some(headroom), _) => {
                let reach = drive.high.abs().max(drive.low.abs()).max(threshold.abs()) * headroom;
                Range { low: -reach, high: reach }
            }
            (None, Reset::Value) => {
                ranges::membrane(drive, self.keep, threshold, ResetRange::To(self.reset_value * scale))
            }
            (None, Reset::SubtractLate) => {
                ranges::membrane(drive, self.keep, threshold, ResetRange::By(threshold / self.keep))
            }
            // Where a reset is pending, a membrane may stay above the threshold by what would be subtracted.
            (None, Reset::SubtractPending) => {
                ranges::membrane(drive, self.keep, 2.0 * threshold, ResetRange::By(threshold))
            }
            (None, Reset::Subtract) => ranges::membrane(drive, self.keep, threshold, ResetRange::By(threshold)),
        };
        membrane.fits(32) && drive.fits(32) && constant(threshold) && constant(self.reset_value * scale)
    }
}

fn rules(
    network: &Network,
    index: usize,
    dt: f64,
    widths: &BTreeMap<usize, u32>,
    options: &Options,
) -> Result<Vec<Rule>> {
    let node = &network.nodes[index];
    let count = network.result(index)?.len();
    let mut sums = vec![Range { low: 0.0, high: 0.0 }; count];
    let mut bias = vec![0.0; count];
    for projection in projections::of_snn(network, index)? {
        let (weight, offsets, area) = match &network.nodes[projection.connection].op {
            Op::Linear(op) => (&op.weight, &op.bias, 1),
            Op::Conv2d(op) => (&op.weight, &op.bias, op.pool.iter().product()),
            Op::Scale(op) => (&op.scale, &None, 1),
            _ => continue,
        };
        let bits = bits_at(widths, projection.connection)?;
        let limit = match &network.nodes[projection.source].op {
            Op::Input(input) => input.limit * area,
            _ => area,
        };
        // A convolution has one row of weights per channel, at most all of which meet a neuron.
        let (rows, columns) = (weight.shape[0], weight.len() / weight.shape[0].max(1));
        let places = count / rows.max(1);
        for row in 0..rows {
            let indices = (row * columns)..((row + 1) * columns);
            let integer = |index| (quantize(weight.at(index), bits, options.weight_cast), limit);
            let range = ranges::sum_of_weights(indices.map(integer));
            for neuron in row * places..(row + 1) * places {
                sums[neuron] = Range { low: sums[neuron].low + range.low, high: sums[neuron].high + range.high };
                bias[neuron] += offsets.as_ref().map_or(0.0, |bias| bias.at(neuron * bias.len() / count));
            }
        }
    }
    let integrator =
        |value: Option<Integrator>| value.ok_or_else(|| Box::new(Diagnostic::bug("`discretization` has not run")));
    let keep = |integrator: Integrator, tau: f64| (1.0 - integrator.factor(dt, tau)).clamp(0.0, 1.0);
    let rules = (0..count).map(|n| {
        let (current_keep, keep, leak, threshold, reset_value, weight_scale) = match &node.op {
            Op::If(op) => (None, 1.0, 0.0, op.v_threshold.at(n), op.v_reset.at(n), &op.weight_scale),
            Op::Lif(op) => {
                let keep = keep(integrator(op.integrator)?, op.tau.at(n));
                (None, keep, op.v_leak.at(n), op.v_threshold.at(n), op.v_reset.at(n), &op.weight_scale)
            }
            Op::CubaLif(op) => {
                let integrator = integrator(op.integrator)?;
                let current = keep(integrator, op.tau_syn.at(n));
                let keep = keep(integrator, op.tau_mem.at(n));
                (Some(current), keep, op.v_leak.at(n), op.v_threshold.at(n), op.v_reset.at(n), &op.weight_scale)
            }
            // Nothing is kept from one tick to the next.
            Op::Threshold(op) => (None, 0.0, 0.0, op.threshold.at(n), 0.0, &op.weight_scale),
            _ => return Err(Box::new(Diagnostic::bug("not a neuron"))),
        };
        let weight_scale = weight_scale.as_ref().map_or(1.0, |scale| scale.at(n));
        Ok(Rule { sum: sums[n], bias: bias[n], current_keep, keep, leak, threshold, reset_value, weight_scale })
    });
    rules.collect()
}

fn neuron(
    session: &mut Session<'_>,
    network: &Network,
    index: usize,
    dt: f64,
    bits: &BTreeMap<usize, u32>,
    options: &Options,
) -> Result<qsnn::Op> {
    let node = &network.nodes[index];
    let rules = rules(network, index, dt, bits, options)?;
    let (reset, compare) = match &node.op {
        Op::If(op) => (op.reset, op.compare),
        Op::Lif(op) => (op.reset, op.compare),
        Op::CubaLif(op) => (op.reset, op.compare),
        Op::Threshold(_) => (Some(Reset::Value), Some(Compare::Greater)),
        _ => (None, None),
    };
    let missing = || Diagnostic::bug("`discretization` has not run");
    let (reset, compare) = (reset.ok_or_else(missing)?, compare.ok_or_else(missing)?);
    let name = node.op.node().unwrap_or(&node.name).to_owned();
    if options.state == State::F32 {
        return Ok(float::neuron(name, &network.result(index)?.shape, &rules, reset, compare));
    }
    let has_current = rules.iter().any(|rule| rule.current_keep.is_some());
    // A membrane behind a current may have fewer fractional bits than a weight has; one without may not.
    let least = if has_current { -30 } else { 0 };
    let largest = |headroom: Option<f64>| {
        (least..=MOST_SHIFT).rev().find(|&shift| rules.iter().all(|rule| rule.fits(shift, reset, headroom)))
    };
    let (shift, saturate) = match largest(None) {
        Some(shift) => (shift, false),
        None => match largest(Some(HEADROOM)).or_else(|| largest(Some(1.0))) {
            Some(shift) => (shift, true),
            None => return Err(Box::new(too_wide(&node.name, &rules, reset))),
        },
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
    let fixed = |value: f64| value.round() as i32;
    let words = |f: &dyn Fn(&Rule) -> i32| Tensor::new(shape.clone(), rules.iter().map(f).collect());
    let factor = |keep: f64| (keep * (1i64 << 32) as f64).round() as i64;
    let decay = Tensor::new(shape.clone(), rules.iter().map(|rule| factor(rule.keep)).collect());
    let offset = words(&|rule| fixed(rule.offset(shift)));
    let threshold = words(&|rule| {
        let threshold = snap(rule.threshold * rule.scale(shift) / unit) * unit;
        match compare {
            Compare::Greater => threshold.floor() as i32,
            Compare::GreaterEqual => (threshold.ceil() - 1.0) as i32,
        }
    });
    let reset_by = words(&|rule| {
        let by = match reset {
            Reset::Subtract | Reset::SubtractPending => rule.threshold,
            Reset::SubtractLate => rule.threshold / rule.keep,
            Reset::Value => rule.reset_value,
        };
        fixed(by * rule.scale(shift))
    });
    let reset = in_integers(reset);
    let scale = Tensor::new(shape.clone(), rules.iter().map(|rule| rule.scale(shift) * rule.weight_scale).collect());
    if !has_current {
        let op = qsnn::Lif {
            node: name,
            shift: shift.into(),
            decay,
            offset,
            threshold,
            reset,
            reset_by,
            scale,
            saturate,
            start: None,
        };
        return Ok(op.into());
    }
    // The current may have more fractional bits than the membrane, never fewer, and never less than a weight's.
    let current_fits = |current_shift: i32| {
        rules.iter().all(|rule| rule.current(current_shift, rule.current_keep.unwrap_or(1.0)).plus(1.0).fits(31))
    };
    let lowest = shift.max(0);
    let current_shift = (lowest..=MOST_SHIFT.max(lowest)).rev().find(|&shift| current_fits(shift)).unwrap_or(lowest);
    let current_decay =
        Tensor::new(shape.clone(), rules.iter().map(|rule| factor(rule.current_keep.unwrap_or(1.0))).collect());
    let op = qsnn::CubaLif {
        node: name,
        shift: current_shift.into(),
        current_decay,
        current_offset: words(&|rule| fixed(rule.bias * f64::from(current_shift).exp2())),
        current_shift: (current_shift - shift).into(),
        decay,
        offset,
        threshold,
        reset,
        reset_by,
        scale,
        saturate: saturate || !current_fits(current_shift),
        start: None,
    };
    Ok(op.into())
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

fn too_wide(node: &str, rules: &[Rule], reset: Reset) -> Diagnostic {
    let wrong = rules.iter().position(|rule| !rule.fits(0, reset, Some(1.0))).unwrap_or(0);
    let rule = &rules[wrong];
    Diagnostic::error("neuron-too-wide", format!("neuron {wrong} needs more than 32 bits"))
        .at_node(node)
        .text(format!(
            "Its threshold is {:.3e} times its largest weight's last bit, its largest sum of weights {:.3e}.",
            rule.threshold * rule.scale(0),
            rule.sum.high.max(-rule.sum.low)
        ))
        .hint("use fewer --weight-bits, or look at the neuron's threshold and weights")
}
