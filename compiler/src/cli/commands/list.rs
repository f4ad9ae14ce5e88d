//! `s2c passes` and `s2c targets`.

use crate::{cli::output, targets};
use s2c_dialects::diagnostic::Result;

/// Lists the passes in order.
pub fn passes() -> Result<()> {
    let mut text = String::new();
    for pass in s2c_passes::PIPELINE {
        let phases = format!("{} -> {}", pass.takes.name(), pass.gives.name());
        text.push_str(&format!("{:<20} {phases:<13} -O{}  {}\n", pass.name, pass.from, pass.description));
    }
    output::print(&text)
}

/// Lists the targets.
pub fn targets() -> Result<()> {
    let mut text = String::new();
    for (name, _) in targets::SHIPPED {
        text.push_str(&format!("{name:<20} {}\n", targets::load(name)?.description));
    }
    output::print(&text)
}
