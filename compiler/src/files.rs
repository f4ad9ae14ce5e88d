//! Files: reading with diagnostics, and writing that never leaves half a file under its final name.

use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    os::{
        fd::AsFd,
        unix::fs::{MetadataExt, fchown},
    },
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// All bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    note_use(path);
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

/// Writes a file. A regular file with one name is replaced by a new one of the same owner and mode, so that the name
/// always stands for a whole file, the old one or the new one, whenever the process or the machine stops. Whatever else
/// the name stands for is written to as it is: links stay links, devices devices, and pipes get the bytes.
///
/// # Errors
/// `cannot-write`: a folder, a read-only file, a file that this command has read or written ([`protect`]), a full disk.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error: io::Error| cannot_write(path, &error);
    let old = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        old => Some(old.map_err(failed)?),
    };
    if old.is_some() {
        check_is_writable(path)?;
    }
    let written = match old {
        Some(old) if !old.is_file() || old.nlink() > 1 => write_through(path, bytes),
        old => replace(path, old.as_ref(), bytes),
    };
    written.map_err(failed)?;
    note_use(path);
    Ok(())
}

/// Refuses what is in use, and regular files that are read-only for us; a rename would not ask.
fn check_is_writable(path: &Path) -> Result<()> {
    let target = match fs::metadata(path) {
        Ok(target) if target.is_file() => target,
        _ => return Ok(()),
    };
    if USED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .as_ref()
        .is_some_and(|used| used.contains(&identity(&target)))
    {
        return Err(Box::new(
            Diagnostic::error("cannot-write", format!("`{}` would be overwritten", path.display()))
                .text("This very command has read the file, or written it as another output.")
                .hint("give the output a name of its own"),
        ));
    }
    if target.permissions().readonly() {
        return Err(Box::new(
            Diagnostic::error("cannot-write", format!("`{}` is read-only", path.display()))
                .hint("choose another name, or make the file writable (`chmod u+w`)"),
        ));
    }
    fs::OpenOptions::new().append(true).open(path).map_err(|error| cannot_write(path, &error))?;
    Ok(())
}

/// Fills a new file beside `path`, brings it to the disk and renames it.
fn replace(path: &Path, old: Option<&fs::Metadata>, bytes: &[u8]) -> io::Result<()> {
    let mut part = match Part::beside(path) {
        // A folder that takes no new file may still hold one that can be written to.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && old.is_some() => {
            return write_through(path, bytes);
        }
        part => part?,
    };
    if let Some(old) = old {
        let new = part.file.metadata()?;
        let is_mine = (old.uid(), old.gid()) == (new.uid(), new.gid());
        if !is_mine && fchown(&part.file, Some(old.uid()), Some(old.gid())).is_err() {
            return write_through(path, bytes);
        }
        part.file.set_permissions(old.permissions())?;
    }
    part.file.write_all(bytes)?;
    part.file.sync_all()?;
    fs::rename(&part.path, path)
}

/// Writes to what is there.
fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(mut output) = standard_output(path) {
        return output.write_all(bytes);
    }
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    if file.metadata()?.is_file() { file.sync_all() } else { Ok(()) }
}

/// The standard output where the path is another name of it (`/dev/stdout`): opened again, a file would be cut to nothing
/// and written from its start.
fn standard_output(path: &Path) -> Option<fs::File> {
    let output = fs::File::from(io::stdout().as_fd().try_clone_to_owned().ok()?);
    let is_same = identity(&output.metadata().ok()?) == identity(&fs::metadata(path).ok()?);
    is_same.then_some(output)
}

/// What tells a file from all others.
fn identity(file: &fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Regular files that have been read or written since [`protect`].
static USED: Mutex<Option<BTreeSet<(u64, u64)>>> = Mutex::new(None);

/// From now on the process overwrites nothing that it reads, and writes no file twice. For a command, which is one job;
/// a program that lives on may well read what it writes over later.
pub fn protect() {
    USED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
}

fn note_use(path: &Path) {
    if let (Some(used), Ok(file)) = (USED.lock().unwrap_or_else(PoisonError::into_inner).as_mut(), fs::metadata(path))
        && file.is_file()
    {
        used.insert(identity(&file));
    }
}

/// Files that are being written, for an interruption to remove.
static PARTS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A new file that is being written; it goes when this does, unless it has got another name.
struct Part {
    path: PathBuf,
    file: fs::File,
}

impl Part {
    /// One in the same folder. Its name is short, whatever that of `path` is, and no other process uses it.
    fn beside(path: &Path) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = path.with_file_name(format!(".s2c-{}-{number}.part", std::process::id()));
            PARTS.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
            match fs::OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Self { path, file }),
                Err(error) => {
                    forget(&path);
                    if error.kind() != io::ErrorKind::AlreadyExists {
                        return Err(error);
                    }
                }
            }
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // One that was renamed is not there any more.
        let _ = fs::remove_file(&self.path);
        forget(&self.path);
    }
}

fn forget(part: &Path) {
    PARTS.lock().unwrap_or_else(PoisonError::into_inner).retain(|path| path != part);
}

/// Removes what is half written. The files' names are not touched.
pub fn remove_parts() {
    let parts = PARTS.lock().unwrap_or_else(PoisonError::into_inner);
    // One that is not there yet is as good as removed.
    parts.iter().for_each(|path| drop(fs::remove_file(path)));
    // Nothing begins a new part: the lock is kept until the process ends.
    std::mem::forget(parts);
}

/// Makes a folder and those above it.
pub fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &io::Error) -> Box<Diagnostic> {
    unwritten(&format!("`{}`", path.display()), error)
}

/// The diagnostic for something that can't be written.
pub fn unwritten(what: &str, error: &io::Error) -> Box<Diagnostic> {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room, or write elsewhere",
        io::ErrorKind::FileTooLarge => "raise the limit of file sizes (`ulimit -f`), or write elsewhere",
        io::ErrorKind::BrokenPipe => "whoever reads it has stopped too early",
        _ => "does the folder exist, and may it be written to?",
    };
    let title = format!("{what} cannot be written");
    Box::new(Diagnostic::error("cannot-write", title).text(format!("{error}.")).hint(hint))
}
