//! The standard output. A reader that has seen enough closes the pipe; that is no failure of ours.

use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::io::{self, Write};

/// Prints a text.
pub fn print(text: &str) -> Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Box::new(
            Diagnostic::error("cannot-write", "the standard output can't be written").text(error.to_string()),
        )),
        _ => Ok(()),
    }
}
