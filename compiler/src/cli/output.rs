//! The standard streams. A reader that has seen enough closes the pipe; that is no failure of ours.

use crate::files;
use s2c_dialects::diagnostic::Result;
use std::{
    io::{self, Write},
    sync::atomic::{AtomicBool, Ordering},
};

/// Prints a text.
pub fn print(text: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    printed(output.write_all(text.as_bytes()).and_then(|()| output.flush()))
}

/// What became of a text for the standard output.
pub fn printed(result: io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(files::unwritten("the standard output", &error)),
        _ => Ok(()),
    }
}

/// Whether something for the standard error was lost.
static LOST: AtomicBool = AtomicBool::new(false);

/// Prints a text to the standard error.
pub fn say(text: &str) {
    said(io::stderr().lock().write_all(text.as_bytes()));
}

/// Notes what became of a text for the standard error: of its loss the exit code alone can tell.
pub fn said(result: io::Result<()>) {
    if result.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// Whether something for the standard error was lost.
pub fn is_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}
