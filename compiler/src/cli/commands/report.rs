//! `s2c report`.

use crate::{
    files,
    tools::report::{Material, page},
};
use clap::Args;
use s2c_backend::emit::Binary;
use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::path::{Path, PathBuf};

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// A binary, as `s2c compile` makes it.
    pub(crate) binary: PathBuf,
    /// Counts of a run, as `s2c run --stats --rasters` writes them.
    #[arg(long, value_name = "FILE")]
    stats: Option<PathBuf>,
    /// An evaluation, as `s2c evaluate --json` prints it.
    #[arg(long, value_name = "FILE")]
    evaluation: Option<PathBuf>,
    /// A compile's report, as `s2c compile --report` writes it.
    #[arg(long, value_name = "FILE")]
    compile: Option<PathBuf>,
    /// Where the page goes.
    #[arg(short, value_name = "FILE")]
    output: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let name = arguments.binary.display().to_string();
    let binary = Binary::from_bytes(&files::read(&arguments.binary)?, &name)?;
    let json = |file: &Option<PathBuf>| file.as_deref().map(read_json).transpose();
    let material = Material {
        manifest: &binary.manifest,
        stats: json(&arguments.stats)?,
        evaluation: json(&arguments.evaluation)?,
        compile: json(&arguments.compile)?,
    };
    files::write(&arguments.output, page(&material).as_bytes())
}

fn read_json(file: &Path) -> Result<serde_json::Value> {
    serde_json::from_str(&files::read_text(file)?).map_err(|error| {
        Box::new(
            Diagnostic::error("bad-json", format!("`{}` is not JSON", file.display()))
                .at_text(file.display().to_string(), error.line().max(1), error.column().max(1))
                .text(format!("{error}."))
                .hint("take the file as `s2c` wrote it"),
        )
    })
}
