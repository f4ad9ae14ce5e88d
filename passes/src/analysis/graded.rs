//! Graded values (potentials and analog inputs instead of spikes) that connections take, for which there are no kernels yet.

use s2c_dialects::diagnostic::Diagnostic;

/// The error of a pass that meets the op of a node that hands on or takes graded values; those of a population can be
/// recorded.
pub fn not_lowered(op: &str, node: &str, is_population: bool) -> Box<Diagnostic> {
    let hint = if is_population {
        format!("`s2c simulate --record {node}:v=FILE.npy` gives its potentials; a spiking neuron can be compiled")
    } else {
        "turn the values into spikes in front of the network".to_owned()
    };
    Box::new(
        Diagnostic::error("graded-not-lowered", format!("the graded values of `{op}` can't be compiled yet"))
            .at_node(node)
            .text("It takes values instead of spikes. Values can be outputs; connections take spikes alone.")
            .hint(hint),
    )
}
