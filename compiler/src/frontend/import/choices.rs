//! What a file that `s2c` wrote says about time and rules.

use s2c_dialects::diagnostic::{Diagnostic, Result};
use s2c_nir::Choices;
use s2c_passes::{
    options::{Convention, Options},
    registry,
};

/// The options with what the file says where they leave it open. A convention other than `nir` has its own rules, so that
/// only the length of a tick is taken.
pub fn fill(options: &Options, choices: &Choices) -> Result<Options> {
    let said = registry::read(choices).map_err(|error| {
        Diagnostic::error("bad-metadata", "the file's metadata holds what is no choice of s2c")
            .text(format!("{}.", error.title))
            .hint("write the file again with `s2c compile --emit nir`, or remove the group `metadata/s2c`")
    })?;
    let mut filled = Options { dt: options.dt.or(said.dt), ..options.clone() };
    if options.convention == Convention::Nir {
        filled.integrator = options.integrator.or(&said.integrator);
        filled.compare = options.compare.or(&said.compare);
        // These two are one choice.
        if options.reset.is_open() && options.reset_delay.is_open() {
            (filled.reset, filled.reset_delay) = (said.reset, said.reset_delay);
        }
    }
    Ok(filled)
}
