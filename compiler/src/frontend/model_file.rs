//! NIR files on disk: what `s2c-nir` does with bytes, under names.

use crate::files;
#[cfg(feature = "hdf5-c")]
pub use crate::frontend::hdf5_process::last_resort;
use s2c_dialects::diagnostic::Result;
use s2c_nir::{Choices, Graph, Listing, Model};
use std::path::Path;

/// Reads a NIR file.
pub fn read(path: &Path) -> Result<Model> {
    s2c_nir::read_or(files::read(path)?, &path.display().to_string(), last_resort(path).as_deref())
}

/// Lists the nodes of a NIR file.
pub fn listing(path: &Path) -> Result<Listing> {
    s2c_nir::listing(files::read(path)?, &path.display().to_string(), last_resort(path).as_deref())
}

/// A build without the C library has no other reader.
#[cfg(not(feature = "hdf5-c"))]
pub fn last_resort(_file: &Path) -> Option<Box<s2c_nir::LastResort<'_>>> {
    None
}

/// Writes a graph. The file appears whole or not at all.
pub fn write(graph: &Graph, path: &Path) -> Result<()> {
    files::write(path, &s2c_nir::write(graph)?)
}

/// As [`write()`], with what NIR has no field for.
pub fn write_with(graph: &Graph, choices: &Choices, path: &Path) -> Result<()> {
    files::write(path, &s2c_nir::write_with(graph, choices)?)
}
