//! A file as it was read: the graph, and what reading it left to say.

use super::{node::Graph, notes::Note};
use s2c_dialects::diagnostic::Diagnostic;
use std::collections::BTreeMap;

/// A NIR file.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The network.
    pub graph: Graph,
    /// Version of the `nir` package that wrote the file, where it says so.
    pub version: Option<String>,
    /// What the file left open or holds beyond NIR, in the order of the nodes.
    pub notes: Vec<Note>,
    /// What had to be assumed so that the file can be read.
    pub warnings: Vec<Diagnostic>,
    /// What the metadata of a file that `s2c` wrote says about time and rules.
    pub choices: Choices,
}

/// What NIR has no field for, as options of a compile: `dt`, `integrator`, `reset`, `reset_delay`, `compare`. A file keeps
/// them as metadata of its graph, in the group `metadata/s2c`.
pub type Choices = BTreeMap<String, String>;

/// See [`Choices`].
pub(super) const CHOICES: &str = "s2c";
