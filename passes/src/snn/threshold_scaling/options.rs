//! The options of `threshold-scaling`: widths and scales of weights.

use crate::{
    analysis::moments::{CALIBRATE, CALIBRATE_SAMPLES},
    option_spec::{self, Form, Heading, OptionSpec},
    options::{Options, WeightCast, WeightScale},
    snn::error_compensation::WEIGHT_ROUNDING,
};

/// Bits per weight, or a search for them.
const WEIGHT_BITS: OptionSpec = OptionSpec {
    name: "weight-bits",
    value: "N|NODE=N|auto",
    help: "Bits per weight, sign included: 1 (sign), 2 (ternary) to 16, for all weights or for those of, or into, a node; \
           auto searches for the least memory within the limits on the calibration data",
    form: Form::PerNode,
    set: |options, node, text| match (node, text) {
        (None, "auto") => Ok(options.search = true),
        _ => {
            let bits = text.parse().ok().filter(|bits| (1..=16).contains(bits));
            bits.map(|bits| options.weight_bits.set(node, bits)).ok_or_else(|| "expected 1 to 16 bits".to_owned())
        }
    },
    get: |options| option_spec::each(&options.weight_bits, |bits| Some(bits.to_string())),
    ..OptionSpec::of(Heading::Quantization)
};
/// Limits are the search's.
fn no_search(options: &Options) -> Option<&'static str> {
    (!options.search).then_some("It is a limit for `--weight-bits auto`.")
}

/// A limit of the search.
const SRAM_BUDGET: OptionSpec = OptionSpec {
    name: "sram-budget",
    value: "BYTES",
    idle: no_search,
    help: "For --weight-bits auto: most bytes of SRAM, all PEs together",
    set: |options, _, text| {
        let bytes = text.parse().map_err(|_| "expected a whole number of bytes".to_owned());
        bytes.map(|bytes| options.sram_budget = Some(bytes))
    },
    ..OptionSpec::of(Heading::Quantization)
};
/// A limit of the search.
const MAX_LOSS: OptionSpec = OptionSpec {
    name: "max-loss",
    value: "POINTS",
    idle: no_search,
    help: "For --weight-bits auto: most per cent of the answers that may change [default without --sram-budget: 1]",
    set: |options, _, text| {
        option_spec::number(text, |points| (0.0..=100.0).contains(&points), "per cent, 0 to 100")
            .map(|points| options.max_loss = Some(points))
    },
    ..OptionSpec::of(Heading::Quantization)
};
/// What shares a scale.
const WEIGHT_SCALE: OptionSpec = OptionSpec {
    name: "weight-scale",
    value: "SCALE",
    help: "What shares one weight scale: channel, layer or network; or the scale itself as a number",
    set: |options, _, text| {
        let scale = WeightScale::from_word(text).map(|scale| options.weight_scale = scale);
        scale.ok_or_else(|| "expected channel, layer, network or a positive number".to_owned())
    },
    get: |options| option_spec::one(options.weight_scale),
    ..OptionSpec::of(Heading::Quantization)
};
/// How a scale is found.
const WEIGHT_PERCENTILE: OptionSpec = OptionSpec {
    name: "weight-percentile",
    value: "P",
    idle: |options| {
        matches!(options.weight_scale, WeightScale::Factor(_)).then_some("`--weight-scale` gives the scale itself.")
    },
    help: "Percentile of the absolute weights that maps to the largest integer, instead of the scale of least error",
    is_hidden: true,
    set: |options, _, text| {
        option_spec::number(text, |p| p > 0.0 && p <= 100.0, "a number above 0, up to 100 for the largest weight")
            .map(|p| options.weight_percentile = Some(p))
    },
    get: |options| option_spec::some(options.weight_percentile, |p| p.to_string()),
    ..OptionSpec::of(Heading::Quantization)
};
/// How a scaled weight becomes an integer.
const WEIGHT_CAST: OptionSpec = OptionSpec {
    name: "weight-cast",
    value: "CAST",
    help: "How a scaled weight becomes an integer",
    words: WeightCast::WORDS,
    is_hidden: true,
    set: |options, _, word| option_spec::word(WeightCast::from_word(word)).map(|cast| options.weight_cast = cast),
    get: |options| option_spec::one(options.weight_cast),
    ..OptionSpec::of(Heading::Quantization)
};
/// See [`Pass::options`](crate::session::Pass::options).
pub const OPTIONS: &[&OptionSpec] = &[
    &WEIGHT_BITS,
    &SRAM_BUDGET,
    &MAX_LOSS,
    &WEIGHT_SCALE,
    &WEIGHT_PERCENTILE,
    &WEIGHT_CAST,
    &WEIGHT_ROUNDING,
    &CALIBRATE,
    &CALIBRATE_SAMPLES,
];
