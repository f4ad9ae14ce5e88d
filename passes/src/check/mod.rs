//! Independent checkers of what the mapping passes give, run after every compile. They share no code with the passes, the
//! kernels or the emitter: what a region's size, an address or a key must be is worked out here from the program, the
//! layouts of `s2c-abi` and the routers' rules.

pub mod expected;
mod keys;
pub mod mapping;
mod memory;
mod packets;
mod synapses;
mod tables;
mod taps;
mod updates;

use s2c_dialects::diagnostic::Diagnostic;

fn broken(rule: &str, text: String) -> Box<Diagnostic> {
    Box::new(Diagnostic::bug(format!("{rule}: {text}")))
}
