//! `s2c passes` and `s2c targets`.

use crate::targets;
use s2c_dialects::diagnostic::Result;

/// Lists the passes in order.
pub fn passes() -> Result<()> {
    for pass in s2c_passes::PIPELINE {
        let phases = format!("{} -> {}", pass.takes.name(), pass.gives.name());
        println!("{:<20} {phases:<13} -O{}  {}", pass.name, pass.from, pass.description);
    }
    Ok(())
}

/// Lists the targets.
pub fn targets() -> Result<()> {
    for (name, _) in targets::SHIPPED {
        println!("{name:<20} {}", targets::load(name)?.description);
    }
    Ok(())
}
