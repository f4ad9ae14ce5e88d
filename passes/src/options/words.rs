//! Options that are a word out of some.

use std::fmt;

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
