//! Archives of arrays: `.npz`, which is zip.

use super::npy::Npy;
use crate::files;
use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::{
    io::{Cursor, Read, Write},
    path::Path,
};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

/// The most that deflate expands by, as its authors state.
const EXPANSION: u64 = 1032;
/// Bytes of one array, expanded.
const LARGEST_ARRAY: u64 = 8 << 30;
/// Enough to see the header of an array.
const HEADER: u64 = 4096;

/// An open archive.
pub struct Npz {
    archive: ZipArchive<Cursor<Vec<u8>>>,
    source: String,
}

impl Npz {
    /// Opens a file.
    pub fn open(path: &Path) -> Result<Self> {
        Self::parse(files::read(path)?, path.display().to_string())
    }

    pub(super) fn parse(bytes: Vec<u8>, source: String) -> Result<Self> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&source, &error.to_string()))?;
        Ok(Self { archive, source })
    }

    /// Where it comes from, for messages.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Names of the arrays, in the order of the archive.
    pub fn names(&self) -> Vec<String> {
        (0..self.archive.len())
            .filter_map(|index| self.archive.name_for_index(index)?.strip_suffix(".npy").map(str::to_owned))
            .collect()
    }

    /// Shape of an array, from its header alone; `None` where that cannot be read.
    pub(super) fn shape(&mut self, name: &str) -> Option<Vec<usize>> {
        let bytes = self.bytes(name, HEADER).ok()??;
        super::header::parse(&bytes).ok().map(|(header, _)| header.shape)
    }

    /// An array, if there is one of this name.
    pub(super) fn array(&mut self, name: &str) -> Result<Option<Npy>> {
        let source = format!("`{name}` of `{}`", self.source);
        self.bytes(name, u64::MAX)?.map(|bytes| Npy::parse(bytes, &source)).transpose()
    }

    fn bytes(&mut self, name: &str, most: u64) -> Result<Option<Vec<u8>>> {
        let Some(index) = self.archive.index_for_name(&format!("{name}.npy")) else { return Ok(None) };
        let file = self.archive.by_index(index).map_err(|error| damaged(&self.source, &error.to_string()))?;
        let limit = file.compressed_size().saturating_mul(EXPANSION).min(LARGEST_ARRAY);
        if file.size() > limit {
            return Err(damaged(
                &self.source,
                &format!("`{name}` says that it has {} bytes, more than can be", file.size()),
            ));
        }
        let mut bytes = Vec::new();
        file.take(limit.min(most))
            .read_to_end(&mut bytes)
            .map_err(|error| damaged(&self.source, &format!("`{name}`: {error}")))?;
        Ok(Some(bytes))
    }
}

fn damaged(source: &str, why: &str) -> Box<Diagnostic> {
    Diagnostic::error("not-an-npz-file", format!("`{source}` is not a readable .npz file"))
        .text(format!("{}.", why.trim_end_matches('.')))
        .hint("write it with `numpy.savez_compressed`; was the file cut off on its way?")
        .into()
}

/// Writes an archive of arrays, each with its name and the bytes from [`npy_bytes`](super::npy_bytes).
/// The same arrays give the same bytes.
pub fn write_npz(path: &Path, arrays: &[(&str, Vec<u8>)]) -> Result<()> {
    files::write(path, &npz_bytes(arrays)?)
}

/// The bytes of an archive, as [`write_npz`] writes it.
pub fn npz_bytes<N: AsRef<str>>(arrays: &[(N, Vec<u8>)]) -> Result<Vec<u8>> {
    let failed = |error: &dyn std::fmt::Display| Diagnostic::bug("an archive can't be made").text(format!("{error}."));
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in arrays {
        let name = format!("{}.npy", name.as_ref());
        writer.start_file(name, SimpleFileOptions::DEFAULT).map_err(|error| failed(&error))?;
        writer.write_all(bytes).map_err(|error| failed(&error))?;
    }
    Ok(writer.finish().map_err(|error| failed(&error))?.into_inner())
}
