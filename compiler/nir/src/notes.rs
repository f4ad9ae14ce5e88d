//! Remarks on what a file left open, and how messages list names.

use s2c_dialects::shown;

/// A remark on one field of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Path of the node, `outer/inner`; empty for the whole file.
    pub node: String,
    /// What sort of remark.
    pub kind: NoteKind,
    /// The field that it speaks of.
    pub field: String,
    /// A full sentence.
    pub text: String,
}

/// Sorts of [`Note`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// The field is optional and absent; a default stands in.
    Defaulted,
    /// The field is none of the primitive's; it was not used.
    Unknown,
    /// Free metadata of the exporter.
    Metadata,
    /// Weights were stored wider than 32-bit floats and have been rounded.
    Rounded,
}

/// Names for a message; long lists are cut.
pub(super) fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    shown::list(names.map(|name| format!("`{name}`")))
}
