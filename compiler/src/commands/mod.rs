//! The commands, one file each.

pub mod compile;
pub mod inspect;
pub mod list;
pub mod opt;
pub mod run;
pub mod simulate;

use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::path::PathBuf;

/// How warnings are handed on to the user.
pub type Warn<'a> = dyn Fn(&[Diagnostic]) + 'a;

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
