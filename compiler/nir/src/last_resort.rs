//! What becomes of a file that the Rust reader can't read: the HDF5 C library's turn, or a diagnostic.
//!
//! The C library runs in a process of its own, which writes what it finds as a [`stream`]. To start that process is the
//! caller's business; where it can't, an unsupported filter is the end.

use super::{
    file::{self, Failure},
    raw::Members,
    stream,
};
use s2c_dialects::diagnostic::{Diagnostic, Result};

/// Has the C library read the file in question: gives the stream that its process wrote, or what became of the process,
/// as a sentence.
pub type LastResort<'a> = dyn Fn() -> std::result::Result<Vec<u8>, String> + 'a;

/// The tree of a file, given as its bytes and its name, which is for messages.
pub(super) fn read(bytes: Vec<u8>, name: &str, resort: Option<&LastResort>) -> Result<Members> {
    let failure = match file::read(bytes) {
        Ok(members) => return Ok(members),
        Err(failure) if failure.is_lack => failure,
        Err(failure) => return Err(not_nir(name, &failure.why)),
    };
    let Some(ask) = resort else { return Err(unsupported(name, &failure)) };
    let answer = ask().map_err(|became| failed(name, &failure, &became))?;
    stream::read(&answer).map_err(|why| not_nir(name, &format!("{} {why}", failure.why)))
}

fn not_nir(name: &str, why: &str) -> Box<Diagnostic> {
    Diagnostic::error("not-a-nir-file", format!("`{}` is not a readable NIR file", name))
        .text(why)
        .hint("a NIR file is HDF5, as written by `nir.write` in Python; was the file cut off on its way?")
        .into()
}

fn unsupported(name: &str, failure: &Failure) -> Box<Diagnostic> {
    Diagnostic::error("unsupported-hdf5", format!("`{}` needs the HDF5 C library", name))
        .text(format!("{} This s2c was built without the C library, or runs as a library itself.", failure.why))
        .hint("store the file with gzip: `h5repack -f GZIP=6 old.nir new.nir`, or `nir.write` with its default compression")
        .into()
}

fn failed(name: &str, failure: &Failure, became: &str) -> Box<Diagnostic> {
    Diagnostic::error("hdf5-library-failed", format!("the HDF5 C library failed on `{}`", name))
        .text(format!("{} {became}", failure.why))
        .hint("the file is probably damaged: write it again, with gzip")
        .into()
}
