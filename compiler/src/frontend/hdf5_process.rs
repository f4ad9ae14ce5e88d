//! The HDF5 C library in a process of its own, for files with filters that the reader in Rust lacks.
//!
//! Some damaged files crash the C library, make it loop, or ask for more memory than there is. `s2c` therefore calls
//! itself with a hidden command, which has a limit on its memory and writes the file's arrays
//! to its standard output; whatever becomes of that process is a diagnostic here.

use s2c_nir::LastResort;
use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{OnceLock, mpsc},
    thread,
    time::{Duration, Instant},
};

/// Bytes of the stream beside the content: names and shapes.
const BESIDE: u64 = 1 << 26;

/// Name of the hidden command.
pub const COMMAND: &str = "hdf5-arrays";

/// Seconds that the process may take, and a second more for each so many bytes of the file.
const SECONDS: u64 = 10;
const BYTES_PER_SECOND: u64 = 16 << 20;

/// The executable that has the command.
static EXECUTABLE: OnceLock<PathBuf> = OnceLock::new();

/// Says which executable is `s2c`, so that files that the reader in Rust can't read go to a process of it. The first
/// call counts.
pub fn enable(executable: PathBuf) {
    let _ = EXECUTABLE.set(executable);
}

/// How the C library is asked for a file; `None` where no executable is known.
pub fn last_resort(file: &Path) -> Option<Box<LastResort<'_>>> {
    EXECUTABLE.get().map(|executable| Box::new(move || ask(executable, file)) as Box<LastResort<'_>>)
}

/// The arrays of a file as the other process writes them; else what became of it.
fn ask(executable: &Path, file: &Path) -> Result<Vec<u8>, String> {
    let length = fs::metadata(file).map_err(|error| format!("{error}."))?.len();
    let mut command = Command::new(executable);
    // It only reads: whoever else has the file open, such as a notebook, is no obstacle.
    command.arg(COMMAND).arg(file).stdin(Stdio::null()).env("HDF5_USE_FILE_LOCKING", "FALSE");
    let time = Duration::from_secs(SECONDS + length / BYTES_PER_SECOND);
    output(command, time, s2c_nir::largest_content(length).saturating_add(BESIDE))
}

/// The standard output of a command that ends well, within `time` and `bytes`; else what became of it, as a sentence.
fn output(mut command: Command, time: Duration, bytes: u64) -> Result<Vec<u8>, String> {
    let failed = |error: io::Error| format!("The process of the C library could not be run: {error}.");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(failed)?;
    let end = Instant::now() + time;
    let (sender, answer) = mpsc::channel();
    let pipe = child.stdout.take();
    thread::spawn(move || {
        let mut read = Vec::new();
        let result = pipe.map_or(Ok(0), |pipe| pipe.take(bytes.saturating_add(1)).read_to_end(&mut read));
        // Nobody waits any longer where time is up.
        let _ = sender.send(result.map(|_| read));
    });
    let answer = answer.recv_timeout(time);
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break Some(status),
            None if Instant::now() < end => thread::sleep(Duration::from_millis(1)),
            None => {
                child.kill().and_then(|()| child.wait()).map_err(failed)?;
                break None;
            }
        }
    };
    match (answer, status) {
        (_, None) | (Err(_), _) => Err(format!("The C library took longer than {} s.", time.as_secs())),
        (Ok(Ok(read)), _) if read.len() as u64 > bytes => Err(format!("The C library gave more than {bytes} bytes.")),
        (Ok(Ok(read)), Some(status)) if status.success() => Ok(read),
        (Ok(Err(error)), _) => Err(failed(error)),
        (Ok(Ok(_)), Some(status)) => Err(format!("The process of the C library ended with {status}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str) -> Result<Vec<u8>, String> {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        output(command, Duration::from_secs(2), 1000)
    }

    #[test]
    fn whatever_becomes_of_the_process_is_said() {
        assert_eq!(shell("echo arrays"), Ok(b"arrays\n".to_vec()));
        for (line, said) in [
            ("kill -SEGV $$", "The process of the C library ended with signal: 11 (SIGSEGV)."),
            ("echo half; exit 1", "The process of the C library ended with exit status: 1."),
            ("exec sleep 60", "The C library took longer than 2 s."),
            ("exec >&-; exec sleep 60", "The C library took longer than 2 s."),
            ("exec yes", "The C library gave more than 1000 bytes."),
        ] {
            let begin = Instant::now();
            assert_eq!(shell(line), Err(said.to_owned()));
            assert!(begin.elapsed() < Duration::from_secs(20));
        }
        let missing = output(Command::new("/nonexistent/s2c"), Duration::from_secs(2), 0);
        assert!(missing.is_err_and(|said| said.starts_with("The process of the C library could not be run")));
    }
}
