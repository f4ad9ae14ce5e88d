//! Options of a compile. They travel with the IR as a dictionary of strings, so that a dump can be compiled on.

mod words;

use s2c_dialects::{
    attribute::Reset,
    diagnostic::{Diagnostic, Result},
    graph,
    snn::Compare,
};
use std::collections::BTreeMap;
pub use words::{Convention, InputKind, Integrator, Level, State, WeightCast, WeightRounding, WeightScale};

/// A choice for all populations, and for some by themselves.
#[derive(Clone, Debug, PartialEq)]
pub struct PerNode<T> {
    /// For those that have none of their own.
    pub all: Option<T>,
    /// By NIR node.
    pub nodes: BTreeMap<String, T>,
}

impl<T> Default for PerNode<T> {
    fn default() -> Self {
        Self { all: None, nodes: BTreeMap::new() }
    }
}

impl<T> PerNode<T> {
    /// The choice for a node.
    pub fn of(&self, node: &str) -> Option<&T> {
        self.nodes.get(node).or(self.all.as_ref())
    }

    /// Adds a choice for a node, or for all.
    pub fn insert(&mut self, node: Option<&str>, choice: T) {
        match node {
            Some(node) => _ = self.nodes.insert(node.to_owned(), choice),
            None => self.all = Some(choice),
        }
    }
}

/// Options of a compile.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Optimisation level.
    pub level: Level,
    /// Length of a tick in seconds; none where it is to come from the network.
    pub dt: Option<f64>,
    /// How the file is read.
    pub convention: Convention,
    /// Overrides the convention.
    pub integrator: Option<Integrator>,
    /// Overrides the convention.
    pub reset: Option<Reset>,
    /// snnTorch's `reset_delay`: true where a spike's reset waits for the next tick.
    pub reset_delay: Option<bool>,
    /// Overrides the convention.
    pub compare: Option<Compare>,
    /// Lower bounds of membranes in volts, at most 0.
    pub lower_bound: PerNode<Option<f64>>,
    /// What the inputs are given.
    pub input_kind: InputKind,
    /// Largest number of spikes, or absolute value, per input neuron and tick, 1 to 255.
    pub input_limit: u8,
    /// Bits per weight, sign included: 1 to 16.
    pub weight_bits: u32,
    /// Bits per weight of single connections, or of all connections into a population, by NIR node.
    pub node_bits: BTreeMap<String, u32>,
    /// What shares one scale.
    pub weight_scale: WeightScale,
    /// The percentile of the absolute weights that maps to the largest integer, above 0 and up to 100; without it the
    /// scale is searched for.
    pub weight_percentile: Option<f64>,
    /// How a scaled weight becomes an integer.
    pub weight_cast: WeightCast,
    /// How errors of rounding are dealt with.
    pub weight_rounding: WeightRounding,
    /// What the chip keeps neurons' states in.
    pub state: State,
    /// Float state is prepared for the vendor's programs: a bias that a source has to give, by a spike in every tick, is a
    /// whole number of the weights' unit, and thresholds are clear of membranes that rounding alone would decide on.
    pub vendor: bool,
    /// Length of a tick in seconds of the machine's time; that of network time where there is none.
    pub tick: Option<f64>,
    /// Spikes per neuron and tick that are expected of nodes that [`Self::rates`] does not name.
    pub rate: f64,
    /// Spikes per neuron and tick that are expected of some inputs and populations, by NIR node.
    pub rates: BTreeMap<String, f64>,
    /// PEs that do not work, besides those of the target: chip, column, row, core.
    pub dead: Vec<[u32; 4]>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            level: Level::O1,
            dt: None,
            convention: Convention::Nir,
            integrator: None,
            reset: None,
            reset_delay: None,
            compare: None,
            lower_bound: PerNode::default(),
            input_kind: InputKind::Spikes,
            input_limit: 1,
            weight_bits: 8,
            node_bits: BTreeMap::new(),
            weight_scale: WeightScale::Channel,
            weight_percentile: None,
            weight_cast: WeightCast::Round,
            weight_rounding: WeightRounding::Nearest,
            state: State::Fixed,
            vendor: false,
            tick: None,
            rate: 0.05,
            rates: BTreeMap::new(),
            dead: Vec::new(),
        }
    }
}

/// What the name of an option of one node's bits begins with.
const NODE_BITS: &str = "weight_bits.";

/// The number of bits of a word: 1 to 16.
pub fn bits_from_word(word: &str) -> Option<u32> {
    word.parse().ok().filter(|bits| (1..=16).contains(bits))
}

/// The reset of a word of the command line.
pub fn reset_from_word(word: &str) -> Option<Reset> {
    match word {
        "subtract" => Some(Reset::Subtract),
        "zero" => Some(Reset::Value),
        _ => None,
    }
}

/// The comparison of a word of the command line.
pub fn compare_from_word(word: &str) -> Option<Compare> {
    match word {
        "gt" => Some(Compare::Greater),
        "ge" => Some(Compare::GreaterEqual),
        _ => None,
    }
}

/// The lower bound of a word: volts, at most 0, where membranes start; or `none`.
pub fn bound_from_word(word: &str) -> Option<Option<f64>> {
    match word {
        "none" => Some(None),
        _ => word.parse().ok().filter(|bound: &f64| bound.is_finite() && *bound <= 0.0).map(Some),
    }
}

/// What the name of an option of one node's lower bound begins with.
const NODE_BOUND: &str = "lower_bound.";

/// A PE as CHIP,COLUMN,ROW,CORE.
pub fn pe_from_word(word: &str) -> Option<[u32; 4]> {
    let numbers: Option<Vec<u32>> = word.split(',').map(|number| number.parse().ok()).collect();
    numbers?.try_into().ok()
}

/// What the name of an option begins with that holds the rate of a node.
const RATE_OF: &str = "rate of ";

/// A number of spikes per neuron and tick.
fn rate(value: &str) -> Option<f64> {
    value.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate >= 0.0)
}

impl Options {
    /// Spikes per neuron and tick that are expected of an input or population.
    pub fn rate_of(&self, node: &str) -> f64 {
        self.rates.get(node).copied().unwrap_or(self.rate)
    }

    /// The options, with the rules of neurons that another one says where these leave them open.
    pub fn with_rules(&self, said: &Self) -> Self {
        // These two are one choice.
        let is_open = self.reset.is_none() && self.reset_delay.is_none();
        let (reset, reset_delay) =
            if is_open { (said.reset, said.reset_delay) } else { (self.reset, self.reset_delay) };
        Self {
            integrator: self.integrator.or(said.integrator),
            compare: self.compare.or(said.compare),
            reset,
            reset_delay,
            lower_bound: if self.lower_bound == PerNode::default() { said } else { self }.lower_bound.clone(),
            ..self.clone()
        }
    }

    /// The options as they travel with the IR.
    pub fn to_map(&self) -> graph::Options {
        let mut map = graph::Options::new();
        let mut set = |name: &str, value: String| map.insert(name.to_owned(), value);
        set("level", self.level.to_string());
        set("convention", self.convention.to_string());
        set("input_limit", self.input_limit.to_string());
        set("weight_bits", self.weight_bits.to_string());
        set("weight_scale", self.weight_scale.to_string());
        set("weight_cast", self.weight_cast.to_string());
        set("weight_rounding", self.weight_rounding.to_string());
        set("state", self.state.to_string());
        set("rate", self.rate.to_string());
        for (node, rate) in &self.rates {
            set(&format!("{RATE_OF}{node}"), rate.to_string());
        }
        if !self.dead.is_empty() {
            set("dead", self.dead.iter().map(|pe| pe.map(|n| n.to_string()).join(",")).collect::<Vec<_>>().join(" "));
        }
        if self.vendor {
            set("vendor", "true".to_owned());
        }
        if self.input_kind != InputKind::Spikes {
            set("input_kind", self.input_kind.to_string());
        }
        if let Some(tick) = self.tick {
            set("tick", format!("{tick:e}"));
        }
        for (node, bits) in &self.node_bits {
            set(&format!("{NODE_BITS}{node}"), bits.to_string());
        }
        if let Some(percentile) = self.weight_percentile {
            set("weight_percentile", percentile.to_string());
        }
        if let Some(dt) = self.dt {
            set("dt", format!("{dt:e}"));
        }
        if let Some(integrator) = self.integrator {
            set("integrator", integrator.to_string());
        }
        if let Some(reset) = self.reset {
            set("reset", if reset == Reset::Value { "zero" } else { "subtract" }.to_owned());
        }
        if let Some(delay) = self.reset_delay {
            set("reset_delay", u8::from(delay).to_string());
        }
        let bound = |bound: &Option<f64>| bound.map_or_else(|| "none".to_owned(), |bound| bound.to_string());
        for (node, choice) in &self.lower_bound.nodes {
            set(&format!("{NODE_BOUND}{node}"), bound(choice));
        }
        if let Some(choice) = &self.lower_bound.all {
            set("lower_bound", bound(choice));
        }
        if let Some(compare) = self.compare {
            set("compare", if compare == Compare::Greater { "gt" } else { "ge" }.to_owned());
        }
        map
    }

    /// Reads the options that travel with the IR; what is not there has its default.
    ///
    /// # Errors
    /// An option or a value that does not exist.
    pub fn from_map(map: &graph::Options) -> Result<Self> {
        let mut options = Self::default();
        for (name, value) in map {
            let known = match name.as_str() {
                "level" => store(Level::from_word(value), &mut options.level),
                "convention" => store(Convention::from_word(value), &mut options.convention),
                "input_kind" => store(InputKind::from_word(value), &mut options.input_kind),
                "input_limit" => store(value.parse().ok().filter(|&limit: &u8| limit > 0), &mut options.input_limit),
                "weight_bits" => store(bits_from_word(value), &mut options.weight_bits),
                name if name.starts_with(NODE_BITS) => bits_from_word(value)
                    .is_some_and(|bits| options.node_bits.insert(name[NODE_BITS.len()..].to_owned(), bits).is_none()),
                "weight_scale" => store(WeightScale::from_word(value), &mut options.weight_scale),
                "weight_percentile" => {
                    let percentile = value.parse().ok().filter(|&p: &f64| p > 0.0 && p <= 100.0);
                    store(percentile.map(Some), &mut options.weight_percentile)
                }
                "weight_cast" => store(WeightCast::from_word(value), &mut options.weight_cast),
                "weight_rounding" => store(WeightRounding::from_word(value), &mut options.weight_rounding),
                "state" => store(State::from_word(value), &mut options.state),
                "vendor" => store(value.parse().ok(), &mut options.vendor),
                "tick" => store(value.parse().ok().filter(|&tick: &f64| tick > 0.0).map(Some), &mut options.tick),
                "rate" => store(rate(value), &mut options.rate),
                name if name.starts_with(RATE_OF) => match rate(value) {
                    Some(rate) => options.rates.insert(name[RATE_OF.len()..].to_owned(), rate).is_none(),
                    None => false,
                },
                "dead" => store(value.split(' ').map(pe_from_word).collect(), &mut options.dead),
                "dt" => store(value.parse().ok().map(Some), &mut options.dt),
                "integrator" => store(Integrator::from_word(value).map(Some), &mut options.integrator),
                "reset" => store(reset_from_word(value).map(Some), &mut options.reset),
                "reset_delay" => {
                    let delay = ["0", "1"].iter().position(|&word| word == value).map(|delay| Some(delay == 1));
                    store(delay, &mut options.reset_delay)
                }
                "lower_bound" => store(bound_from_word(value).map(Some), &mut options.lower_bound.all),
                name if name.starts_with(NODE_BOUND) => bound_from_word(value).is_some_and(|bound| {
                    options.lower_bound.insert(Some(&name[NODE_BOUND.len()..]), bound);
                    true
                }),
                "compare" => store(compare_from_word(value).map(Some), &mut options.compare),
                _ => false,
            };
            if !known {
                return Err(Box::new(Diagnostic::error(
                    "bad-option",
                    format!("the module carries the option `{name}` = `{value}`, which does not exist"),
                )));
            }
        }
        Ok(options)
    }
}

/// Stores a value that could be read.
fn store<T>(value: Option<T>, place: &mut T) -> bool {
    value.is_some_and(|value| {
        *place = value;
        true
    })
}
