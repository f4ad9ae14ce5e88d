//! Options of a compile, as passes see them. How each is called and read is declared beside the pass that uses it
//! ([`crate::option_spec`]); [`crate::registry`] collects these declarations.

use s2c_dialects::{attribute::Reset, snn::Compare};
use std::{collections::BTreeMap, fmt};

/// Declares an option with a fixed set of words.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$case_meta:meta])* $case:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$case_meta])* $case,)* }
        impl $name {
            /// All words, in order.
            pub const WORDS: &'static [&'static str] = &[$($word),*];
            /// The value of a word.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$case),)* _ => None }
            }
            /// The word of the value.
            pub fn word(self) -> &'static str {
                match self { $(Self::$case => $word,)* }
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// Optimisation level.
    pub enum Level {
        /// Straight: only what is needed.
        O0 = "0",
        /// Folding, fusion and narrow widths.
        O1 = "1",
        /// Everything that makes the program faster.
        O2 = "2",
        /// Like 2, with the fewest PEs.
        Os = "s",
    }
}

impl Level {
    /// True where a pass that starts at this level runs at `level`.
    pub fn is_in(self, level: Self) -> bool {
        self <= level
    }
}

words! {
    /// A framework's way of reading a NIR file; see the table in the `snn` dialect's README.
    pub enum Convention {
        /// What the NIR specification says, and nothing else.
        Nir = "nir",
        /// snnTorch.
        Snntorch = "snntorch",
        /// Norse.
        Norse = "norse",
        /// Sinabs.
        Sinabs = "sinabs",
        /// Rockpool.
        Rockpool = "rockpool",
        /// Lava.
        Lava = "lava",
        /// The programs of SpiNNaker2's own software.
        Spinnaker2 = "spinnaker2",
    }
}

words! {
    /// How a time constant and an input become factors per tick.
    pub enum Integrator {
        /// Forward Euler: both dt / tau.
        Euler = "euler",
        /// The exact solution for an input that is constant over the tick.
        Exponential = "exponential",
        /// The exact decay; a unit of input adds 1, whatever `r` and `w_in`, and synaptic currents decay with it.
        Charge = "charge",
    }
}

words! {
    /// What the inputs of a network are given.
    pub enum InputKind {
        /// Whole numbers of spikes.
        Spikes = "spikes",
        /// Real numbers, such as the brightness of pixels that drive the first weights in every tick.
        Values = "values",
    }
}

words! {
    /// What the chip keeps neurons' states in.
    pub enum State {
        /// 32-bit fixed point.
        Fixed = "fixed",
        /// The same within a tick; from tick to tick membranes are kept in 8 bits.
        Fixed8 = "fixed8",
        /// float32.
        F32 = "f32",
    }
}

/// What shares one weight scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WeightScale {
    /// Each output neuron or channel.
    Channel,
    /// Each population.
    Layer,
    /// The whole network.
    Network,
    /// Nothing is found out: all weights are multiplied by this number.
    Factor(f64),
}

impl WeightScale {
    /// The value of a word, or of a positive number.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "channel" => Some(Self::Channel),
            "layer" => Some(Self::Layer),
            "network" => Some(Self::Network),
            _ => word.parse().ok().filter(|&factor: &f64| factor > 0.0 && factor.is_finite()).map(Self::Factor),
        }
    }
}

impl fmt::Display for WeightScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Channel => f.write_str("channel"),
            Self::Layer => f.write_str("layer"),
            Self::Network => f.write_str("network"),
            Self::Factor(factor) => write!(f, "{factor}"),
        }
    }
}

words! {
    /// How a scaled weight becomes an integer.
    pub enum WeightCast {
        /// To nearest, halves away from zero.
        Round = "round",
        /// Towards zero.
        Truncate = "truncate",
    }
}

words! {
    /// How errors of rounding are dealt with.
    pub enum WeightRounding {
        /// Each weight goes to its nearest integer.
        Nearest = "nearest",
        /// Each weight takes up the errors of those before it, as calibration data weighs them.
        Compensated = "compensated",
    }
}

/// A choice for the whole network, and for some of its nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct PerNode<T> {
    /// For the nodes that are not named.
    pub all: T,
    /// By NIR node.
    pub of: BTreeMap<String, T>,
}

impl<T: Copy> PerNode<T> {
    /// The choice for a node.
    pub fn at(&self, node: &str) -> T {
        self.of.get(node).copied().unwrap_or(self.all)
    }

    /// Makes the choice for a node, or for all that are not named.
    pub fn set(&mut self, node: Option<&str>, value: T) {
        match node {
            Some(node) => _ = self.of.insert(node.to_owned(), value),
            None => self.all = value,
        }
    }
}

impl<T: Copy> PerNode<Option<T>> {
    /// This choice, or what another source says where it is open. A choice for all nodes leaves nothing open.
    pub fn or(&self, other: &Self) -> Self {
        let mut of = if self.all.is_none() { other.of.clone() } else { BTreeMap::new() };
        of.extend(self.of.clone());
        Self { all: self.all.or(other.all), of }
    }

    /// Whether nothing is chosen for any node.
    pub fn is_open(&self) -> bool {
        self.all.is_none() && self.of.is_empty()
    }
}

impl<T> From<T> for PerNode<T> {
    fn from(all: T) -> Self {
        Self { all, of: BTreeMap::new() }
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
    /// Overrides the convention, for all populations or for one.
    pub integrator: PerNode<Option<Integrator>>,
    /// Overrides the convention, for all populations or for one.
    pub reset: PerNode<Option<Reset>>,
    /// snnTorch's `reset_delay`: true where a spike's reset waits for the next tick.
    pub reset_delay: PerNode<Option<bool>>,
    /// Overrides the convention, for all populations or for one.
    pub compare: PerNode<Option<Compare>>,
    /// What the inputs are given.
    pub input_kind: InputKind,
    /// Largest number of spikes, or absolute value, per input neuron and tick, 1 to 255.
    pub input_limit: u8,
    /// Bits per weight, sign included: 1 to 16; of single connections, or of all connections into a population.
    pub weight_bits: PerNode<u32>,
    /// Bits of the populations that `weight_bits` does not name are to be searched for before the passes run.
    pub search: bool,
    /// For the search: most bytes of all PEs' SRAM together.
    pub sram_budget: Option<u64>,
    /// For the search: most points (per cent of the samples) whose answer may change.
    pub max_loss: Option<f64>,
    /// What shares one scale.
    pub weight_scale: WeightScale,
    /// The percentile of the absolute weights that maps to the largest integer, above 0 and up to 100; without it the
    /// scale is searched for.
    pub weight_percentile: Option<f64>,
    /// How a scaled weight becomes an integer.
    pub weight_cast: WeightCast,
    /// How errors of rounding are dealt with; none where that depends on whether there is calibration data.
    pub weight_rounding: Option<WeightRounding>,
    /// Number format of neuron state.
    pub state: State,
    /// Float state is prepared for the vendor's programs: a bias that a source has to give, by a spike in every tick, is a
    /// whole number of the weights' unit, and thresholds are clear of membranes that rounding alone would decide on.
    pub vendor: bool,
    /// Length of a tick in seconds of the machine's time; that of network time where there is none.
    pub tick: Option<f64>,
    /// Spikes per neuron and tick that are expected of inputs and populations.
    pub rate: PerNode<f64>,
    /// PEs that do not work, besides those of the target: chip, column, row, core.
    pub dead: Vec<[u32; 4]>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            level: Level::O1,
            dt: None,
            convention: Convention::Nir,
            integrator: None.into(),
            reset: None.into(),
            reset_delay: None.into(),
            compare: None.into(),
            input_kind: InputKind::Spikes,
            input_limit: 1,
            weight_bits: 8.into(),
            search: false,
            sram_budget: None,
            max_loss: None,
            weight_scale: WeightScale::Channel,
            weight_percentile: None,
            weight_cast: WeightCast::Round,
            weight_rounding: None,
            state: State::Fixed,
            vendor: false,
            tick: None,
            rate: 0.05.into(),
            dead: Vec::new(),
        }
    }
}
