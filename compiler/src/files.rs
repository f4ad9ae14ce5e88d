//! Files: reading with diagnostics, and writing that never leaves half a file under its final name.

use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::{fs, io, path::Path};

/// All bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| cannot_read(path, &error))
}

/// A file as text.
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = read(path)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let diagnostic = Diagnostic::error("not-text", format!("`{}` is not a text file", path.display()));
        Box::new(diagnostic.text(format!("The byte at position {at} is not UTF-8.")))
    })
}

fn cannot_read(path: &Path, error: &io::Error) -> Box<Diagnostic> {
    let code = if error.kind() == io::ErrorKind::NotFound { "file-not-found" } else { "cannot-read" };
    Box::new(Diagnostic::error(code, format!("`{}` can't be read", path.display())).text(error.to_string()))
}

/// Writes beside the file and renames, so that the name always stands for a whole file.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let cannot = |error: io::Error| {
        Box::new(
            Diagnostic::error("cannot-write", format!("`{}` can't be written", path.display())).text(error.to_string()),
        )
    };
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(name);
    let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        // The file beside may not exist; what matters is the error above.
        let _ = fs::remove_file(&beside);
        cannot(error)
    })
}

/// Makes a folder and those above it.
pub fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| {
        Box::new(
            Diagnostic::error("cannot-write", format!("`{}` can't be made", path.display())).text(error.to_string()),
        )
    })
}
