//! One file through one reader.

use super::readers::READERS;
use s2c_dialects::diagnostic::Severity;

/// Reads the bytes as a file; a bug that is reported is a find, like a panic.
pub fn run(name: &str, bytes: &[u8]) {
    let path = std::env::temp_dir().join(format!("s2c-fuzz-{}.{name}", std::process::id()));
    std::fs::write(&path, bytes).expect("the folder for temporary files can be written");
    for reader in READERS.iter().filter(|reader| reader.name == name) {
        if let Err(diagnostic) = (reader.read)(&path) {
            assert!(diagnostic.severity != Severity::Bug, "{diagnostic}");
        }
    }
}
