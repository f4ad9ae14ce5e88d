//! What a compile begins with: a model, or a dump of an earlier compile.

use s2c_backend::emit::Binary;
use s2c_dialects::{
    Context, Module,
    diagnostic::{Diagnostic, Result},
    ir,
    s2k::Program,
};
use s2c_nir::{LastResort, Model};
use s2c_passes::{
    options::Options,
    registry,
    session::{self, Phase},
};
use std::{collections::BTreeSet, path::Path};

/// See the module's page.
pub struct Source<'c> {
    /// What the network is called: the file's name without its ending.
    pub name: String,
    /// The content.
    pub content: Content<'c>,
}

/// What a source holds.
pub enum Content<'c> {
    /// A NIR model, its graph without subgraphs.
    Model(Model),
    /// A module, with the names of the passes that have run on it.
    Dump(Module<'c>, BTreeSet<String>),
}

impl Content<'_> {
    /// A model as it is read.
    ///
    /// # Errors
    /// Subgraphs whose ports lead nowhere.
    pub fn of(model: Model) -> Result<Self> {
        Ok(Self::Model(Model { graph: model.graph.flatten()?, ..model }))
    }
}

impl<'c> Source<'c> {
    /// Reads a model, or a dump where the name ends in `.mlir`. `file` is named in errors; `last_resort` is asked for a
    /// model that the reader does not understand.
    ///
    /// # Errors
    /// A file that is neither, and a dump that breaks a rule of its dialect.
    pub fn read(
        context: &'c Context,
        bytes: Vec<u8>,
        file: &str,
        last_resort: Option<&LastResort<'_>>,
    ) -> Result<Self> {
        let path = Path::new(file);
        let name = path.file_stem().map_or_else(|| "network".into(), |stem| stem.to_string_lossy().into_owned());
        if Binary::is_one(&bytes) {
            return Err(Box::new(
                Diagnostic::error("wrong-level", format!("`{file}` is a binary: it is compiled already")).hint(
                    "`s2c run`, `inspect`, `report` and `faults` take binaries; compile the model again for others",
                ),
            ));
        }
        if path.extension().is_none_or(|ending| ending != "mlir") {
            return Ok(Self { name, content: Content::of(s2c_nir::read_or(bytes, file, last_resort)?)? });
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            Diagnostic::error("not-text", format!("`{file}` is not a text file"))
                .text(format!("The byte at position {} is not UTF-8.", error.utf8_error().valid_up_to()))
                .hint("dumps end in .mlir, targets in .toml, models in .nir")
        })?;
        let module = ir::parse(context, &text, file)?;
        session::verify(context, &module, Phase::of(&module)?)?;
        let done = super::dump::passes_of(&module);
        Ok(Self { name, content: Content::Dump(module, done) })
    }

    /// The phase of a dump; none for a model.
    ///
    /// # Errors
    /// None for a source that was read.
    pub fn phase(&self) -> Result<Option<Phase>> {
        match &self.content {
            Content::Model(_) => Ok(None),
            Content::Dump(module, _) => Phase::of(module).map(Some),
        }
    }

    /// The passes that have run.
    pub fn done(&self) -> BTreeSet<String> {
        match &self.content {
            Content::Model(_) => BTreeSet::new(),
            Content::Dump(_, done) => done.clone(),
        }
    }

    /// The options that a dump carries; the defaults for a model.
    ///
    /// # Errors
    /// A dump whose options do not exist.
    pub fn options(&self) -> Result<Options> {
        match &self.content {
            Content::Model(_) => Ok(Options::default()),
            Content::Dump(module, _) => registry::options_of(module),
        }
    }

    /// The target that a dump has been cut for; none before that.
    ///
    /// # Errors
    /// A program that can't be read.
    pub fn target(&self) -> Result<Option<String>> {
        match &self.content {
            Content::Dump(module, _) if Program::is_in(module) => Ok(Some(Program::read(module)?.target)),
            _ => Ok(None),
        }
    }
}
