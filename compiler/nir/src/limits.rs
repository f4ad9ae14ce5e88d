//! What a file may hold, so that a damaged one cannot ask for more memory than its length excuses.

/// The most that deflate expands by, as its authors state; the other filters expand by less.
const EXPANSION: u64 = 1032;
/// Bytes of all datasets together, expanded.
const LARGEST_CONTENT: u64 = 8 << 30;
/// Levels of groups.
const DEEPEST: usize = 48;
/// Groups and datasets together.
const MOST_OBJECTS: usize = 1 << 18;

/// What all datasets of a file of this length hold together at most, in bytes, expanded.
pub fn largest_content(length: u64) -> u64 {
    length.saturating_mul(EXPANSION).min(LARGEST_CONTENT)
}

/// What may still come of a file that is being read.
#[derive(Debug)]
pub(super) struct Limits {
    content: u64,
    objects: usize,
}

impl Limits {
    /// For a file of this many bytes.
    pub(super) fn new(length: u64) -> Self {
        Self { content: largest_content(length), objects: MOST_OBJECTS }
    }

    /// Takes the bytes of a dataset before memory is asked for.
    ///
    /// # Errors
    /// Why they are too many, as a sentence.
    pub(super) fn take(&mut self, bytes: u64) -> Result<(), String> {
        let left = self.content.checked_sub(bytes);
        self.content = left.ok_or("The dataset declares more elements than a file of this length can hold.")?;
        Ok(())
    }

    /// Takes the members of a group that is `depth` groups deep.
    ///
    /// # Errors
    /// As [`Limits::take`].
    pub(super) fn enter(&mut self, depth: usize, members: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("Groups nest deeper than {DEEPEST} levels."));
        }
        let left = self.objects.checked_sub(members);
        self.objects = left.ok_or_else(|| format!("There are more than {MOST_OBJECTS} objects."))?;
        Ok(())
    }
}
