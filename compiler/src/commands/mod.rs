//! The commands, one file each.

pub mod check;
pub mod compile;
pub mod diff;
pub mod evaluate;
pub mod explain;
pub mod faults;
pub mod inspect;
pub mod list;
pub mod opt;
pub mod report;
pub mod run;
pub mod shell;
pub mod simulate;

use crate::data::{SpikeTrain, read_spikes};
use clap::ValueEnum;
use s2c_dialects::diagnostic::{Diagnostic, Result};
use s2c_interp::snn;
use std::path::{Path, PathBuf};

/// How warnings are handed on to the user.
pub type Warn<'a> = dyn Fn(&[Diagnostic]) + 'a;

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

/// A `NODE=FILE` argument.
#[derive(Clone, Debug)]
pub struct Record {
    /// NIR node.
    pub node: String,
    /// Where its recording goes.
    pub file: PathBuf,
}

/// Reads a `NODE=FILE` argument.
pub fn parse_record(text: &str) -> std::result::Result<Record, String> {
    match text.split_once('=') {
        Some((node, file)) if !node.is_empty() && !file.is_empty() => {
            Ok(Record { node: node.to_owned(), file: file.into() })
        }
        _ => Err("expected NODE=FILE".to_owned()),
    }
}

/// Refuses more than one input, which needs one file per input node.
pub fn single_input(count: usize) -> Result<()> {
    if count == 1 {
        return Ok(());
    }
    Err(Box::new(Diagnostic::error("several-inputs", format!("the network has {count} inputs, one is supported here"))))
}

/// Reads the spikes for an input of a shape; one axis of all neurons is as good as the shape itself.
pub fn read_input(file: &Path, array: Option<&str>, shape: &[usize]) -> Result<SpikeTrain> {
    let spikes = read_spikes(file, array)?;
    let count: usize = shape.iter().product();
    if spikes.shape() == shape || spikes.shape() == [count] {
        return spikes.with_shape(shape);
    }
    Err(Box::new(
        Diagnostic::error("input-shape", "the spikes do not fit the network's input")
            .text(format!("A tick of `{}` has shape {:?}, the input {shape:?}.", file.display(), spikes.shape()))
            .hint("the first axis must be time, the others those of the input"),
    ))
}
