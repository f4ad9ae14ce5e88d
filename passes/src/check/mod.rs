//! Independent checkers of what the mapping passes give. They share no code with the passes and are run after every
//! compile.

pub mod expected;
pub mod mapping;
mod packets;

use s2c_dialects::diagnostic::Diagnostic;

fn broken(rule: &str, text: String) -> Box<Diagnostic> {
    Box::new(Diagnostic::bug(format!("{rule}: {text}")))
}
