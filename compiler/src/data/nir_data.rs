//! NIR data files as recordings.

use super::npy::{Npy, npy_bytes};
use crate::files;
use ndarray::Axis;
use s2c_dialects::diagnostic::{Diagnostic, Result};
use s2c_nir::Observed;
use std::path::Path;

/// What was observed at a node, with its name: `NODE/OBSERVABLE`. `wanted` is the whole name or the node's; without it, the
/// only observable is taken, or that of the node `input`. With `is_one` there must be one sample,
/// whose axis goes.
pub(super) fn open(path: &Path, wanted: Option<&str>, is_one: bool) -> Result<(String, Npy)> {
    let source = path.display().to_string();
    let mut observed = s2c_nir::read_data(files::read(path)?, &source)?;
    let name = choose(&observed, wanted).ok_or_else(|| {
        let names: Vec<String> =
            observed.iter().map(|(name, values)| format!("`{name}` {:?}", values.shape())).collect();
        Diagnostic::error("no-such-array", format!("which data of `{source}` is meant is not clear"))
            .text(format!("It holds {}.", names.join(", ")))
            .hint("choose one with `--input-array NODE/OBSERVABLE`")
    })?;
    let mut values = observed.swap_remove(&name).unwrap_or_default();
    let samples = values.shape().first().copied().unwrap_or(0);
    if is_one {
        if samples != 1 {
            return Err(Diagnostic::error("data-shape", "the data are more than one recording")
                .text(format!("`{name}` has shape {:?}, of which {samples} are samples.", values.shape()))
                .hint("write a file with one of them, or give all to `s2c evaluate`")
                .into());
        }
        values = values.index_axis_move(Axis(0), 0);
    }
    let npy = Npy::parse(npy_bytes(&values), &format!("`{name}` of `{source}`"))?;
    Ok((name, npy))
}

fn choose(observed: &Observed, wanted: Option<&str>) -> Option<String> {
    let of = |node: &str| {
        let inside = |name: &&String| name.strip_prefix(node).is_some_and(|rest| rest.starts_with('/'));
        let mut names = observed.keys().filter(inside);
        names.next().filter(|_| names.next().is_none()).cloned()
    };
    match wanted {
        Some(name) if observed.contains_key(name) => Some(name.to_owned()),
        Some(node) => of(node),
        None if observed.len() == 1 => observed.keys().next().cloned(),
        None => of("input"),
    }
}
