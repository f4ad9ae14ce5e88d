//! `s2c hdf5-arrays`, which `s2c` calls itself: the HDF5 C library in a process of its own.

use clap::Args;
use rustix::process::{Resource, Rlimit, setrlimit};
use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::{
    fs,
    io::{self, BufWriter},
    path::PathBuf,
};

/// Memory beside the file's content: the libraries that the program is linked with, and the C library's own buffers.
const BESIDE: u64 = 2 << 30;

/// The file.
#[derive(Args)]
pub struct Arguments {
    /// HDF5 file.
    file: PathBuf,
}

/// Writes the arrays of a file, or why there are none, to the standard output.
pub fn run(arguments: &Arguments) -> Result<()> {
    let written = || {
        let file = fs::metadata(&arguments.file)?;
        // A pipe has been read already.
        let length = file.is_file().then_some(file.len()).ok_or(io::ErrorKind::InvalidInput)?;
        // The arrays, and what the library expands them from.
        let most = Some(s2c_nir::largest_content(length).saturating_mul(2) + BESIDE);
        setrlimit(Resource::As, Rlimit { current: most, maximum: most })?;
        setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
        s2c_nir::write_arrays(&arguments.file, length, &mut BufWriter::new(io::stdout().lock()))
    };
    written().map_err(|error: io::Error| {
        let title = format!("the arrays of `{}` can't be written", arguments.file.display());
        Diagnostic::error("hdf5-library-failed", title).text(format!("{error}.")).into()
    })
}
