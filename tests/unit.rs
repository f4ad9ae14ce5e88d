//! What unit tests of several crates share.

use std::path::{Path, PathBuf};

/// The shared folder of real models and recordings, where it exists.
pub fn shared_data() -> Option<PathBuf> {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|folder| folder.join("shared/data"));
    let found = folders.into_iter().find(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("skipped: there is no folder shared/data beside the repository");
    }
    found
}

/// A small deterministic source of numbers (xorshift).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit.max(1) as u64).unwrap()
    }

    /// A copy with some bytes changed, or the end cut off.
    pub fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut copy = bytes.to_vec();
        if self.below(4) == 0 {
            copy.truncate(self.below(bytes.len()));
        }
        for _ in 0..1 + self.below(8) {
            let place = self.below(copy.len());
            if let Some(byte) = copy.get_mut(place) {
                *byte = u8::try_from(self.below(256)).unwrap();
            }
        }
        copy
    }
}
