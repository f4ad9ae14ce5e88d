//! The option of `weight-quantization`: what neurons compute in.

use crate::{
    option_spec::{self, Heading, OptionSpec},
    options::State,
};

/// What neurons compute in.
pub const STATE: OptionSpec = OptionSpec {
    name: "state",
    value: "FORMAT",
    help: "Number format of neuron state: 32-bit fixed point, the same kept in 8 bits between ticks, or float32",
    words: State::WORDS,
    set: |options, _, word| option_spec::word(State::from_word(word)).map(|state| options.state = state),
    get: |options| option_spec::one(options.state),
    ..OptionSpec::of(Heading::Quantization)
};
/// See [`Pass::options`](crate::session::Pass::options).
pub const OPTIONS: &[&OptionSpec] = &[&STATE];
