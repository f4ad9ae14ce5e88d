//! What a file that `s2c` wrote says about time and rules.

use s2c_dialects::diagnostic::{Diagnostic, Result};
use s2c_nir::Choices;
use s2c_passes::options::{Convention, Options};

/// The options with what the file says where they leave it open. A convention other than `nir` has its own rules, so that
/// only the length of a tick is taken.
pub fn fill(options: &Options, choices: &Choices) -> Result<Options> {
    let said = Options::from_map(choices).map_err(|error| {
        Diagnostic::error("bad-metadata", "the file's metadata holds what is no choice of s2c")
            .text(format!("{}.", error.title))
            .hint("write the file again with `s2c compile --emit nir`, or remove the group `metadata/s2c`")
    })?;
    let filled = Options { dt: options.dt.or(said.dt), ..options.clone() };
    Ok(if options.convention == Convention::Nir { filled.with_rules(&said) } else { filled })
}
