//! What an export takes, and how it says what NIR can't express.

use s2c_dialects::{diagnostic::Diagnostic, qsnn, snn};
use s2c_nir::Graph;

/// One network at the levels that a graph is made of.
pub struct Levels<'a> {
    /// The graph that the file holds, without subgraphs; it lends the names of its Flatten nodes.
    pub original: Option<&'a Graph>,
    /// The float network once it is discretised.
    pub discretized: &'a snn::Network,
    /// The float network with scaled thresholds.
    pub scaled: &'a snn::Network,
    /// The integer network.
    pub integers: &'a qsnn::Network,
}

/// What NIR has no word for.
pub(super) fn inexpressible(node: &str, text: impl Into<String>) -> Box<Diagnostic> {
    let error = Diagnostic::error("not-in-nir", "NIR can't express what will run").at_node(node);
    Box::new(error.text(text).hint("`--emit qsnn` writes the network as it will run"))
}
