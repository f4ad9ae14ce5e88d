//! Vendor rounding: float states whose parameters SpiNNaker2's own programs can have.
//!
//! Needs: a `qsnn` network with float states, after `retiming`; does nothing without the option `vendor`.
//! Gives: biases that a source has to give, by a spike in every tick, are whole numbers of the weights' unit; so are those
//! behind a synaptic current and those of populations that start late, since a program adds an offset of its own to the
//! membrane, from chip tick 0 on. Thresholds are where no membrane is (`vendor_rounding/thresholds.rs`).
//! Example: a bias of 12.3 on a current becomes 12; an IF neuron's threshold of 8 that is subtracted becomes 8.000244140625.
//! Limits: integer states stay as they are.
//! Source: the programs' parameters as py-spinnaker2's NIR importer sets them; see `docs/board.md`.

mod thresholds;

use crate::{
    option_spec::{self, Form, Heading, OptionSpec},
    options,
    session::Session,
};
use s2c_dialects::{
    Module,
    attribute::{Reset, Tensor},
    diagnostic::Result,
    neuron::{Output, Stages},
    qsnn::{Fire, Floats, Network, Op, State},
};

/// Whether the pass does anything.
pub const VENDOR: OptionSpec = OptionSpec {
    name: "vendor",
    help: "Prepare --state f32 for the vendor's programs, as --emit spinnaker2 does: biases that a source has to give are \
           whole numbers of the weights' unit, and thresholds are clear of membranes that rounding would decide on",
    form: Form::Flag,
    idle: |options| (options.state != options::State::F32).then_some("It prepares float states, `--state f32`."),
    set: |options, _, word| {
        let is_on = word.parse().map_err(|_| "expected true or false".to_owned());
        is_on.map(|is_on| options.vendor = is_on)
    },
    get: |options| option_spec::some(options.vendor.then_some(true), |is_on| is_on.to_string()),
    ..OptionSpec::of(Heading::Quantization)
};
/// See [`Pass::options`](crate::session::Pass::options).
pub const OPTIONS: &[&OptionSpec] = &[&VENDOR];

/// See the module's page.
pub fn run<'c>(session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let mut network = Network::read(&module)?;
    if !session.options.vendor {
        return Ok(module);
    }
    let waits = network.nodes.iter().any(|node| waits(&node.op));
    for node in &mut network.nodes {
        let Op::Neuron(neuron) = &mut node.op else { continue };
        let State::Floats(stages) = &mut neuron.state else { continue };
        match &mut stages.current {
            Some(current) => round(&mut current.offset),
            None if waits || neuron.start.is_some_and(|start| start > 0) => round(&mut stages.membrane.offset),
            None => {}
        }
        clear(stages);
    }
    network.write(session.context)
}

fn round(values: &mut Tensor<f32>) {
    *values = values.map(f32::round);
}

/// Whether a population needs a source's spikes in chip tick 0, for which all populations have to start a tick later:
/// spikes act in the tick after the one in which they are sent.
pub fn waits(op: &Op) -> bool {
    let Op::Neuron(neuron) = op else { return false };
    let State::Floats(Stages { current: Some(current), .. }) = &neuron.state else { return false };
    neuron.start == Some(0) && current.offset.iter().any(|value| value != 0.0)
}

/// Moves thresholds to where no membrane is, and with them what a spike subtracts.
fn clear(stages: &mut Stages<Floats>) {
    let Output::Fire(Fire { threshold, reset, reset_by }) = &mut stages.output else { return };
    let subtracts = *reset == Reset::Subtract;
    let is_level = |n: usize| reset_by.at(n) == threshold.at(n) || reset_by.at(n).next_down() == threshold.at(n);
    if !(*reset == Reset::Value || subtracts && (0..threshold.len()).all(is_level)) {
        return;
    }
    let moved = |n: usize| {
        let (decay, offset) = (stages.membrane.decay.at(n), stages.membrane.offset.at(n));
        let neuron = thresholds::Neuron { threshold: threshold.at(n), by: reset_by.at(n), subtracts, decay, offset };
        if stages.current.is_some() { thresholds::off_sums(neuron.threshold) } else { thresholds::safe(neuron) }
    };
    let all = Tensor::new(threshold.shape.clone(), (0..threshold.len()).map(moved).collect());
    if subtracts {
        *reset_by = all.clone();
    }
    *threshold = all;
}
