//! What a caller is told while work goes on: diagnostics as they arise, dumps after each step, and how far long work
//! has come. A face shows them; the library prints nothing.

use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
};
use s2c_passes::session::Phase;

/// A module right after a step of a compile.
pub struct Stage<'m, 'c> {
    /// Steps before it.
    pub number: usize,
    /// The step: `import`, or a pass.
    pub step: &'static str,
    /// The module's phase.
    pub phase: Phase,
    /// The module.
    pub module: &'m Module<'c>,
}

/// See the module's page. Every method has a default that does nothing.
pub trait Sink: Sync {
    /// A warning or a note. An error ends the work and is its result.
    fn diagnostic(&self, _diagnostic: &Diagnostic) {}

    /// A step of a compile has ended.
    ///
    /// # Errors
    /// What keeps the caller from going on, such as a dump that can't be written.
    fn stage(&self, _stage: &Stage<'_, '_>) -> Result<()> {
        Ok(())
    }
}

/// Hears nothing.
pub struct Quiet;

impl Sink for Quiet {}
