//! Writing files so that a reader sees the old or the new one, never half of it.

use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Lets `write` fill a new file beside `path` and then moves it there. On an error nothing is left behind.
pub fn replace_file(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let beside = beside(path);
    let moved =
        write(&beside).and_then(|()| std::fs::rename(&beside, path).map_err(|error| cannot_write(path, &error)));
    if moved.is_err() {
        // The first error is the one to report.
        let _ = std::fs::remove_file(&beside);
    }
    moved
}

/// As [`replace_file`], with the content at hand.
pub(super) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    replace_file(path, |beside| std::fs::write(beside, bytes).map_err(|error| cannot_write(path, &error)))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Box<Diagnostic> {
    Diagnostic::error("cannot-write", format!("`{}` cannot be written", path.display()))
        .text(format!("{error}."))
        .hint("does the folder exist, and may it be written to?")
        .into()
}

/// A name in the same folder that another process does not use.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}
