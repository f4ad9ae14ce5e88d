//! The commands, one file each.

pub mod check;
pub mod compile;
pub mod diff;
pub mod evaluate;
pub mod explain;
pub mod faults;
pub mod hand_over;
#[cfg(feature = "hdf5-c")]
pub mod hdf5_arrays;
pub mod inspect;
pub mod list;
pub mod opt;
pub mod ports;
pub mod report;
pub mod run;
pub mod shell;
pub mod simulate;

use clap::ValueEnum;
use s2c_interp::snn;

/// The known name that is most like a mistyped one, if any is like it.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.75;
    let scored = known.map(|known| (strsim::jaro_winkler(name, known), known)).filter(|(score, _)| *score >= ALIKE);
    scored.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
}

/// What neurons of the float interpreter compute in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// float32, as the frameworks that write NIR.
    #[default]
    F32,
    /// float64.
    F64,
}

impl From<Precision> for snn::Precision {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::Single,
            Precision::F64 => Self::Double,
        }
    }
}
