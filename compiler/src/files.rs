//! Files: reading with diagnostics, and writing that never leaves half a file under its final name.

use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// All bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| {
        let shown = path.display();
        Box::new(match error.kind() {
            io::ErrorKind::NotFound => {
                Diagnostic::error("file-not-found", format!("the file `{shown}` does not exist")).hint("check the path")
            }
            _ => Diagnostic::error("file-unreadable", format!("the file `{shown}` cannot be read"))
                .text(format!("{error}."))
                .hint("check its permissions, and that it is a file"),
        })
    })
}

/// A file as text.
pub fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Box::new(
            Diagnostic::error("not-text", format!("`{}` is not a text file", path.display()))
                .text(format!("The byte at position {at} is not UTF-8."))
                .hint("dumps end in .mlir, targets in .toml, models in .nir"),
        )
    })
}

/// Lets `write` fill a new file beside `path`, brings it to the disk and renames it, so that the name always stands for
/// a whole file: the old one or the new one, whenever the process or the machine stops.
pub fn replace(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let beside = beside(path);
    let _part = Part::new(&beside);
    let move_there =
        || fs::File::open(&beside).and_then(|file| file.sync_all()).and_then(|()| fs::rename(&beside, path));
    let moved = write(&beside).and_then(|()| move_there().map_err(|error| cannot_write(path, &error)));
    if moved.is_err() {
        // The file beside may not exist; what matters is the first error.
        let _ = fs::remove_file(&beside);
    }
    moved
}

/// As [`replace`], with the content at hand.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, |beside| fs::write(beside, bytes).map_err(|error| cannot_write(path, &error)))
}

/// Files that are being written, for an interruption to remove.
static PARTS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// An entry of [`PARTS`] while it lives.
struct Part(PathBuf);

impl Part {
    fn new(path: &Path) -> Self {
        PARTS.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_owned());
        Self(path.to_owned())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        PARTS.lock().unwrap_or_else(PoisonError::into_inner).retain(|path| *path != self.0);
    }
}

/// Removes what is half written. The files' names are not touched.
pub fn remove_parts() {
    let parts = PARTS.lock().unwrap_or_else(PoisonError::into_inner);
    // One that is not there yet is as good as removed.
    parts.iter().for_each(|path| drop(fs::remove_file(path)));
    // Nothing begins a new part: the lock is kept until the process ends.
    std::mem::forget(parts);
}

/// A name in the same folder that no other process uses.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

/// Makes a folder and those above it.
pub fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::error("cannot-write", format!("`{}` cannot be written", path.display()))
            .text(format!("{error}."))
            .hint("does the folder exist, and may it be written to?"),
    )
}
