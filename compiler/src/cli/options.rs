//! Options that several commands share.

use crate::{
    calibration::Samples,
    tools::{
        evaluation::Point,
        profile,
        width_search::{self, Limits, Search},
    },
};
use clap::{Args, ValueEnum};
use s2c_dialects::{
    Context,
    diagnostic::{Diagnostic, Result},
};
use s2c_passes::{options, session::Phase, target::Target};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// How a model is read and quantized; the same options for every command that takes a model.
#[derive(Args, Clone, Debug)]
pub struct ModelOptions {
    /// Optimisation level.
    #[arg(short = 'O', value_name = "LEVEL", value_parser = word_of(options::Level::WORDS), default_value = "1")]
    level: String,
    /// Length of a tick in seconds.
    #[arg(long, value_name = "SECONDS")]
    dt: Option<f64>,
    /// The framework whose reading of the file is used.
    #[arg(long, value_parser = word_of(options::Convention::WORDS), default_value = "nir")]
    convention: String,
    /// How a time constant and an input become factors per tick.
    #[arg(long, value_parser = word_of(options::Integrator::WORDS))]
    integrator: Option<String>,
    /// What a spike does to the membrane.
    #[arg(long, value_parser = ["subtract", "zero"])]
    reset: Option<String>,
    /// snnTorch's `reset_delay`: whether a spike's reset waits for the next tick (1), or is done in its own (0) in the way
    /// of snnTorch.
    #[arg(long, value_parser = ["0", "1"])]
    reset_delay: Option<String>,
    /// Which membranes fire: above the threshold, or at and above it.
    #[arg(long, value_parser = ["gt", "ge"])]
    compare: Option<String>,
    /// Lower bound of membranes at the end of a tick, in volts, at most 0: of all populations, or of one [default: none].
    #[arg(long, value_name = "V|NODE=V|none", value_parser = parse_bound, allow_hyphen_values = true)]
    lower_bound: Vec<(Option<String>, Option<f64>)>,
    /// What the inputs are given: numbers of spikes, or real values, such as the brightness of pixels, that the first
    /// weights multiply in every tick.
    #[arg(long, value_parser = word_of(options::InputKind::WORDS), default_value = "spikes")]
    input_kind: String,
    /// Largest number of spikes, or absolute value, per input neuron and tick.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    input_limit: u8,
    /// Bits per weight, sign included: 1 (sign), 2 (ternary) to 16, for all weights or those of a node; or `auto`, for
    /// the least memory within the limits, by a search on the calibration data [default: 8].
    #[arg(long, value_name = "N|NODE=N|auto", value_parser = parse_width)]
    weight_bits: Vec<Width>,
    /// For `--weight-bits auto`: most bytes of SRAM, all PEs together.
    #[arg(long, value_name = "BYTES")]
    sram_budget: Option<u64>,
    /// For `--weight-bits auto`: most per cent of the answers that may change, shown at 95 % by the
    /// calibration samples [default without a budget: 1].
    #[arg(long, value_name = "POINTS")]
    max_loss: Option<f64>,
    /// What shares one weight scale: channel, layer or network; or the scale itself as a number.
    #[arg(long, value_parser = weight_scale, default_value = "channel")]
    weight_scale: options::WeightScale,
    /// Percentile of the absolute weights that maps to the largest integer, instead of the scale of least error.
    #[arg(long, value_name = "P")]
    weight_percentile: Option<f64>,
    /// How a scaled weight becomes an integer.
    #[arg(long, value_parser = word_of(options::WeightCast::WORDS), default_value = "round")]
    weight_cast: String,
    /// Nearest, or with errors that undo each other on the calibration data [default: compensated with --calibrate].
    #[arg(long, value_parser = word_of(options::WeightRounding::WORDS))]
    weight_rounding: Option<String>,
    /// What the chip keeps neurons' states in.
    #[arg(long, value_parser = word_of(options::State::WORDS), default_value = "fixed")]
    state: String,
    /// Prepare `--state f32` for the vendor's programs, as `--emit spinnaker2` does: biases that a source has to give are
    /// whole numbers of the weights' unit, and thresholds are clear of membranes that rounding would decide on.
    #[arg(long)]
    vendor: bool,
    /// Recordings (`.npy`, `.npz`) that quantization may look at; labels are not used.
    #[arg(long, value_name = "FILE")]
    calibrate: Option<PathBuf>,
    /// How many of them, from the first on.
    #[arg(long, value_name = "N", default_value_t = 64, requires = "calibrate")]
    calibrate_samples: usize,
    #[command(flatten)]
    mapping: MappingOptions,
}

/// How a network is laid out on the machine.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Mapping")]
pub struct MappingOptions {
    /// Seconds that the machine takes for a tick; as long as network time where it is not given.
    #[arg(long, value_name = "SECONDS", value_parser = parse_tick)]
    tick: Option<f64>,
    /// Spikes per neuron and tick that are expected where no profile says otherwise.
    #[arg(long, value_name = "RATE", default_value_t = options::Options::default().rate)]
    rate: f64,
    /// Statistics of a run (`s2c run --stats`), from which the rates of inputs and populations are taken.
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// A PE that does not work; may be given several times.
    #[arg(long, value_name = "CHIP,COLUMN,ROW,CORE", value_parser = parse_pe)]
    dead_pe: Vec<[u32; 4]>,
}

fn parse_tick(text: &str) -> std::result::Result<f64, String> {
    text.parse().ok().filter(|tick: &f64| tick.is_finite() && *tick > 0.0).ok_or_else(|| "expected seconds".to_owned())
}

fn parse_pe(text: &str) -> std::result::Result<[u32; 4], String> {
    options::pe_from_word(text).ok_or_else(|| "expected CHIP,COLUMN,ROW,CORE".to_owned())
}

fn parse_bound(text: &str) -> std::result::Result<(Option<String>, Option<f64>), String> {
    let (node, word) = text.rsplit_once('=').map_or((None, text), |(node, word)| (Some(node.to_owned()), word));
    let bound = options::bound_from_word(word).ok_or_else(|| "expected volts, at most 0, or `none`".to_owned())?;
    Ok((node, bound))
}

/// A value of `--weight-bits`.
#[derive(Clone, Debug)]
enum Width {
    /// For all weights that have none of their own.
    All(u32),
    /// For the weights of, or into, a node.
    Of(String, u32),
    /// Found by a search.
    Auto,
}

fn parse_width(text: &str) -> std::result::Result<Width, String> {
    let bits = |word: &str| options::bits_from_word(word).ok_or_else(|| "expected 1 to 16 bits".to_owned());
    match text.rsplit_once('=') {
        Some((node, word)) => Ok(Width::Of(node.to_owned(), bits(word)?)),
        None if text == "auto" => Ok(Width::Auto),
        None => Ok(Width::All(bits(text)?)),
    }
}

fn weight_scale(word: &str) -> std::result::Result<options::WeightScale, String> {
    options::WeightScale::from_word(word).ok_or_else(|| "not channel, layer, network or a positive number".to_owned())
}

fn word_of(words: &'static [&'static str]) -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(words)
}

impl ModelOptions {
    /// The recordings to calibrate on, if there are any.
    pub fn samples(&self) -> Result<Option<Arc<Samples>>> {
        let open = |file: &PathBuf| Samples::open(file, self.calibrate_samples).map(Arc::new);
        self.calibrate.as_ref().map(open).transpose()
    }

    /// Searches for bits per weight, where that is asked for, and puts them into `options`; gives all that it tried, and what is to be told.
    pub fn search_widths(
        &self,
        context: &Context,
        model: &Path,
        target: &Target,
        samples: Option<&Arc<Samples>>,
        options: &mut options::Options,
    ) -> Result<(Vec<Point>, Option<Diagnostic>)> {
        if !self.weight_bits.iter().any(|width| matches!(width, Width::Auto)) {
            return match (self.sram_budget, self.max_loss) {
                (None, None) => Ok((Vec::new(), None)),
                _ => Err(Box::new(
                    Diagnostic::error("bad-option", "limits without a search for widths")
                        .hint("give --weight-bits auto, or leave --sram-budget and --max-loss out"),
                )),
            };
        }
        let Some(samples) = samples else {
            return Err(Box::new(
                Diagnostic::error("bad-option", "`--weight-bits auto` has nothing to compare networks on")
                    .hint("give recordings with --calibrate"),
            ));
        };
        let search = Search { context, model, options, target, samples };
        let limits = Limits { sram_bytes: self.sram_budget, loss: self.max_loss };
        let (chosen, front) = search.run(limits)?;
        options.node_bits = chosen.bits;
        let warning = width_search::nothing_saved(&front, limits, samples.count);
        Ok((front, warning))
    }

    /// The options in the form that passes use.
    pub fn to_options(&self) -> Result<options::Options> {
        let defaults = options::Options::default();
        if let Some(p) = self.weight_percentile.filter(|&p| !(p > 0.0 && p <= 100.0)) {
            return Err(Box::new(
                Diagnostic::error("bad-option", format!("--weight-percentile {p} is not in 0 to 100"))
                    .hint("100 maps the largest weight to the largest integer"),
            ));
        }
        if !(self.mapping.rate >= 0.0 && self.mapping.rate.is_finite()) {
            return Err(Box::new(
                Diagnostic::error("bad-option", format!("--rate {} is no rate", self.mapping.rate))
                    .hint("give spikes per neuron and tick, for example 0.05"),
            ));
        }
        let (mut weight_bits, mut node_bits) = (defaults.weight_bits, BTreeMap::new());
        for width in &self.weight_bits {
            match width {
                Width::All(bits) => weight_bits = *bits,
                Width::Of(node, bits) => _ = node_bits.insert(node.clone(), *bits),
                Width::Auto => {}
            }
        }
        let mut lower_bound = options::PerNode::default();
        self.lower_bound.iter().for_each(|(node, bound)| lower_bound.insert(node.as_deref(), *bound));
        // The words have been checked by the parser.
        Ok(options::Options {
            level: options::Level::from_word(&self.level).unwrap_or(defaults.level),
            dt: self.dt,
            convention: options::Convention::from_word(&self.convention).unwrap_or(defaults.convention),
            integrator: self.integrator.as_deref().and_then(options::Integrator::from_word),
            reset: self.reset.as_deref().and_then(options::reset_from_word),
            reset_delay: self.reset_delay.as_deref().map(|delay| delay == "1"),
            compare: self.compare.as_deref().and_then(options::compare_from_word),
            lower_bound,
            input_kind: options::InputKind::from_word(&self.input_kind).unwrap_or(defaults.input_kind),
            input_limit: self.input_limit,
            weight_bits,
            node_bits,
            weight_scale: self.weight_scale,
            weight_percentile: self.weight_percentile,
            weight_cast: options::WeightCast::from_word(&self.weight_cast).unwrap_or(defaults.weight_cast),
            weight_rounding: match (self.weight_rounding.as_deref(), &self.calibrate) {
                (Some(word), _) => options::WeightRounding::from_word(word).unwrap_or(defaults.weight_rounding),
                (None, Some(_)) => options::WeightRounding::Compensated,
                (None, None) => options::WeightRounding::Nearest,
            },
            state: options::State::from_word(&self.state).unwrap_or(defaults.state),
            vendor: self.vendor,
            tick: self.mapping.tick,
            rate: self.mapping.rate,
            rates: self.mapping.profile.as_deref().map(profile::rates).transpose()?.unwrap_or_default(),
            dead: self.mapping.dead_pe.clone(),
        })
    }
}

/// A phase on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PhaseName {
    /// Float network.
    Snn,
    /// Integer network.
    Qsnn,
    /// Program for PEs.
    S2k,
}

impl From<PhaseName> for Phase {
    fn from(name: PhaseName) -> Self {
        match name {
            PhaseName::Snn => Self::Snn,
            PhaseName::Qsnn => Self::Qsnn,
            PhaseName::S2k => Self::S2k,
        }
    }
}
