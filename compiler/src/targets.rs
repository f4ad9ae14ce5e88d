//! The targets that come with s2c, and target files of one's own.

use crate::files;
use s2c_dialects::diagnostic::{Diagnostic, Result};
use s2c_passes::target::Target;
use std::path::Path;

/// The target where none is named.
pub const DEFAULT: &str = "spinnaker2";

/// Name and text of each target that comes with s2c.
pub const SHIPPED: &[(&str, &str)] = &[
    ("spinnaker2", include_str!("../targets/spinnaker2.toml")),
    ("spinnaker2-board48", include_str!("../targets/spinnaker2-board48.toml")),
];

/// What to say where a program was cut for another target.
pub fn other(carried: &str, given: &str) -> Diagnostic {
    Diagnostic::usage("bad-option", format!("the program was cut for the target `{carried}`, not for `{given}`"))
        .at_option("target", given)
        .hint("leave --target out, name the file of the same target, or compile from an earlier dump")
}

/// Loads a target by its name, or from a file whose name ends in `.toml`.
pub fn load(name: &str) -> Result<Target> {
    if name.ends_with(".toml") {
        return Target::parse(&files::read_text(Path::new(name))?, name);
    }
    match SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
        Some((_, text)) => Target::parse(text, &format!("{name}.toml")),
        None => {
            let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
            Err(Box::new(
                Diagnostic::error("unknown-target", format!("there is no target `{name}`"))
                    .at_option("target", name)
                    .hint(format!("choose one of {}, or name a .toml file", names.join(", "))),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_targets_load() {
        for (name, _) in SHIPPED {
            assert_eq!(&load(name).unwrap().name, name);
        }
    }

    #[test]
    fn the_chip_has_148_usable_pes() {
        assert_eq!(load(DEFAULT).unwrap().pe_count(), 148);
    }

    #[test]
    fn the_board_has_7104_usable_pes() {
        assert_eq!(load("spinnaker2-board48").unwrap().pe_count(), 7104);
    }

    #[test]
    fn dead_pes_are_left_out_on_their_chip_only() {
        let mut board = load("spinnaker2-board48").unwrap();
        board.grid.dead = vec![[2, 3, 3, 1]];
        let has = |chip| board.places(chip).any(|place| place == [3, 3, 1]);
        assert!(has(1) && !has(2));
        assert_eq!(board.pe_count(), 7103);
    }
}
