//! The options of `discretization`: what the file means in time.

use crate::{
    option_spec::{self, Form, Heading, OptionSpec},
    options::{Convention, Integrator},
};
use s2c_dialects::{attribute::Reset, snn::Compare};

/// Length of a tick.
const DT: OptionSpec = OptionSpec {
    name: "dt",
    value: "SECONDS",
    help: "Length of a tick in seconds",
    set: |options, _, text| {
        option_spec::number(text, |dt| dt > 0.0, "a positive number of seconds").map(|dt| options.dt = Some(dt))
    },
    get: |options| option_spec::some(options.dt, |dt| format!("{dt:e}")),
    ..OptionSpec::of(Heading::Reading)
};
/// The row of the table.
const CONVENTION: OptionSpec = OptionSpec {
    name: "convention",
    value: "FRAMEWORK",
    help: "Framework whose conventions to apply",
    words: Convention::WORDS,
    set: |options, _, word| option_spec::word(Convention::from_word(word)).map(|it| options.convention = it),
    get: |options| option_spec::one(options.convention),
    ..OptionSpec::of(Heading::Reading)
};
/// Overrides the convention.
const INTEGRATOR: OptionSpec = OptionSpec {
    name: "integrator",
    value: "WORD|NODE=WORD",
    help: "How a time constant and an input become factors per tick [default: the convention's]",
    words: Integrator::WORDS,
    form: Form::PerNode,
    set: |options, node, word| {
        option_spec::word(Integrator::from_word(word)).map(|it| options.integrator.set(node, Some(it)))
    },
    get: |options| option_spec::each(&options.integrator, |it| Some(it?.to_string())),
    ..OptionSpec::of(Heading::Reading)
};
/// Overrides the convention.
const RESET: OptionSpec = OptionSpec {
    name: "reset",
    value: "WORD|NODE=WORD",
    help: "What a spike does to the membrane: subtract the threshold, or set it to its reset potential [default: the \
           convention's]",
    words: &["subtract", "zero"],
    form: Form::PerNode,
    set: |options, node, word| {
        let reset = match word {
            "subtract" => Some(Reset::Subtract),
            "zero" => Some(Reset::Value),
            _ => None,
        };
        option_spec::word(reset).map(|reset| options.reset.set(node, Some(reset)))
    },
    get: |options| {
        option_spec::each(&options.reset, |reset| {
            Some(if reset? == Reset::Value { "zero" } else { "subtract" }.to_owned())
        })
    },
    ..OptionSpec::of(Heading::Reading)
};
/// Overrides the convention.
const RESET_DELAY: OptionSpec = OptionSpec {
    name: "reset-delay",
    value: "0|1|NODE=0|NODE=1",
    help: "snnTorch's reset_delay: whether a reset waits for the next tick (1) or is done in the spike's own (0)",
    words: &["0", "1"],
    form: Form::PerNode,
    set: |options, node, word| {
        let delay = ["0", "1"].iter().position(|&other| other == word).map(|delay| delay == 1);
        option_spec::word(delay).map(|delay| options.reset_delay.set(node, Some(delay)))
    },
    get: |options| option_spec::each(&options.reset_delay, |delay| Some(u8::from(delay?).to_string())),
    ..OptionSpec::of(Heading::Reading)
};
/// Overrides the convention.
const COMPARE: OptionSpec = OptionSpec {
    name: "compare",
    value: "WORD|NODE=WORD",
    help: "Which membranes fire: above the threshold (gt), or at and above it (ge) [default: the convention's]",
    words: &["gt", "ge"],
    form: Form::PerNode,
    set: |options, node, word| {
        let compare = match word {
            "gt" => Some(Compare::Greater),
            "ge" => Some(Compare::GreaterEqual),
            _ => None,
        };
        option_spec::word(compare).map(|compare| options.compare.set(node, Some(compare)))
    },
    get: |options| {
        option_spec::each(&options.compare, |compare| {
            Some(if compare? == Compare::Greater { "gt" } else { "ge" }.to_owned())
        })
    },
    ..OptionSpec::of(Heading::Reading)
};
/// See [`Pass::options`](crate::session::Pass::options).
pub const OPTIONS: &[&OptionSpec] = &[&DT, &CONVENTION, &INTEGRATOR, &RESET, &RESET_DELAY, &COMPARE];
