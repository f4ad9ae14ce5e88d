//! The standard streams, and what may be seen there. A reader that has seen enough closes the pipe; that is no failure of ours.

use crate::files;
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    shown::{shown_json, shown_lines},
};
use serde::Serialize;
use std::{
    io::{self, Write},
    sync::atomic::{AtomicBool, Ordering},
};

/// Prints lines; what a name in them would do to the terminal is shown instead.
pub fn print(text: &str) -> Result<()> {
    print_bytes(shown_lines(text).as_bytes())
}

/// Prints a value as JSON in one line.
pub fn print_json(value: &impl Serialize) -> Result<()> {
    let json = serde_json::to_string(value).map_err(|error| Diagnostic::bug(error.to_string()))?;
    print_bytes(format!("{}\n", shown_json(&json)).as_bytes())
}

fn print_bytes(bytes: &[u8]) -> Result<()> {
    let mut output = io::stdout().lock();
    printed(output.write_all(bytes).and_then(|()| output.flush()))
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

/// Prints lines to the standard error, as [`print`] does.
pub fn say(text: &str) {
    said(io::stderr().lock().write_all(shown_lines(text).as_bytes()));
}

/// Prints JSON to the standard error in one line.
pub fn say_json(json: &serde_json::Value) {
    said(io::stderr().lock().write_all(format!("{}\n", shown_json(&json.to_string())).as_bytes()));
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
