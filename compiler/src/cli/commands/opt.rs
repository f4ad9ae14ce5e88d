//! `s2c opt`.

use super::Warn;
use crate::{cli::output, driver, files, targets};
use clap::Args;
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    ir,
};
use s2c_passes::options::Options;
use std::path::PathBuf;

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// A dump.
    pub(crate) dump: PathBuf,
    /// Passes in the order in which to run them; without it, all that lead on to the end of the pipeline.
    #[arg(long, value_delimiter = ',')]
    passes: Option<Vec<String>>,
    /// Where the module goes; the standard output where it is missing.
    #[arg(short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Name of a target, or a target file.
    #[arg(long)]
    target: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, warn: &Warn<'_>) -> Result<()> {
    let context = ir::context();
    let target = targets::load(arguments.target.as_deref().unwrap_or(targets::DEFAULT))?;
    let start = driver::Compile::start(&context, &arguments.dump, &Options::default())?;
    let target = target.without(&s2c_passes::session::options_of(&start.module)?.dead);
    let passes = match &arguments.passes {
        Some(names) => names.iter().map(|name| find(name)).collect::<Result<Vec<_>>>()?,
        None => driver::remaining(&start.module)?.collect(),
    };
    let done = start.run(&context, &target, passes.into_iter(), &driver::Wishes::default())?;
    warn(&done.warnings);
    let text = ir::to_text(&done.module);
    match &arguments.output {
        Some(output) => files::write(output, text.as_bytes()),
        None => output::print(&text),
    }
}

fn find(name: &str) -> Result<&'static s2c_passes::session::Pass> {
    s2c_passes::find(name).ok_or_else(|| {
        Box::new(
            Diagnostic::error("unknown-pass", format!("there is no pass `{name}`")).hint("`s2c passes` lists them"),
        )
    })
}
