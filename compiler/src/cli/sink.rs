//! What the library tells, on a terminal.

use crate::{
    cli::render::Renderer,
    files,
    sink::{Sink, Stage},
};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    ir,
};
use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Prints diagnostics as they arise, and writes a dump after each step where there is a folder for them.
pub struct Terminal<'r> {
    renderer: &'r Renderer,
    dumps: Option<PathBuf>,
    /// Diagnostics are only kept.
    is_quiet: bool,
    told: Mutex<Vec<Diagnostic>>,
}

impl<'r> Terminal<'r> {
    /// For one call of `s2c`.
    pub fn new(renderer: &'r Renderer) -> Self {
        Self { renderer, dumps: None, is_quiet: false, told: Mutex::default() }
    }

    /// With a folder for dumps.
    ///
    /// # Errors
    /// A folder that can't be made.
    pub fn with_dumps(&self, folder: Option<&Path>) -> Result<Self> {
        folder.map_or(Ok(()), files::create_folder)?;
        Ok(Self { dumps: folder.map(Path::to_owned), ..Self::new(self.renderer) })
    }

    /// One that keeps diagnostics and prints none.
    pub fn quiet(&self) -> Self {
        Self { is_quiet: true, ..Self::new(self.renderer) }
    }

    /// All that was told so far.
    pub fn told(&self) -> Vec<Diagnostic> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Sink for Terminal<'_> {
    fn diagnostic(&self, diagnostic: &Diagnostic) {
        if !self.is_quiet {
            self.renderer.print(diagnostic);
        }
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(diagnostic.clone());
    }

    fn stage(&self, stage: &Stage<'_, '_>) -> Result<()> {
        let Some(folder) = &self.dumps else { return Ok(()) };
        let file = format!("{:02}-{}.{}.mlir", stage.number, stage.step, stage.phase.name());
        files::write(&folder.join(file), ir::to_text(stage.module).as_bytes())
    }
}
