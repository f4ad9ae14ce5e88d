//! `s2c opt`.

use crate::{
    cli::{
        options::{All, Given, source},
        output,
        sink::Terminal,
    },
    driver::Compile,
    files,
    frontend::source::Content,
};
use clap::Args;
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    ir,
};
use s2c_passes::{
    registry::Route,
    session::{Pass, Phase},
};
use std::path::PathBuf;

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// A dump
    pub(crate) dump: PathBuf,
    /// Passes in the order in which to run them [default: all that lead on to the end of the pipeline]
    #[arg(long, value_delimiter = ',', value_parser = names())]
    passes: Option<Vec<String>>,
    #[command(flatten)]
    options: Given<All>,
    /// Output file [default: stdout]
    #[arg(short, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
}

/// The names of all passes.
fn names() -> clap::builder::PossibleValuesParser {
    s2c_passes::PIPELINE.iter().map(|pass| pass.name).collect::<Vec<_>>().into()
}

/// Runs the command.
pub fn run(arguments: &Arguments, sink: &Terminal<'_>) -> Result<()> {
    let context = ir::context();
    let source = source(&context, &arguments.dump)?;
    if let Content::Model(_) = &source.content {
        return Err(Box::new(
            Diagnostic::error("wrong-level", "`s2c opt` takes a dump, not a model")
                .hint("`s2c compile --emit snn`, or --dump-dir, writes dumps"),
        ));
    }
    let named: Option<Vec<&'static Pass>> =
        arguments.passes.as_ref().map(|names| names.iter().filter_map(|name| s2c_passes::find(name)).collect());
    let level = arguments.options.level(&source)?;
    let (from, only) = (source.phase()?, named.as_deref());
    let route = Route { from, done: &source.done(), level, until: Phase::S2k, only, emits: false };
    arguments.options.check(&route)?;
    let (setup, _) = arguments.options.settled(&context, &source, sink)?;
    let mut compile = Compile::start(&context, &source, &setup)?;
    let passes = match named {
        Some(passes) => passes,
        None => compile.remaining()?.collect(),
    };
    compile.run(passes)?;
    let text = ir::to_text(&compile.module);
    match &arguments.output {
        Some(output) => files::write(output, text.as_bytes()),
        None => output::print(&text),
    }
}
