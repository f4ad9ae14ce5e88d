//! The command line.

mod commands;
mod options;
mod output;
pub mod render;
mod sink;
mod table;
mod trace;
mod usage;

#[cfg(feature = "hdf5-c")]
use crate::{cli::commands::hdf5_arrays, frontend::hdf5_process};
use crate::{
    cli::{
        commands::{check, compile, diff, evaluate, explain, faults, inspect, list, opt, report, run, shell, simulate},
        render::{Format, Renderer},
        sink::Terminal,
    },
    files,
};
use clap::{Parser, Subcommand};
use nix::sys::signal::{SigSet, Signal};
use s2c_backend::codegen;
use s2c_dialects::diagnostic::{Diagnostic, Result, Severity};
use std::{
    ffi::OsString,
    panic,
    path::Path,
    process::ExitCode,
    sync::{Mutex, OnceLock},
};

/// Compiles spiking neural networks in NIR to machine code for the SpiNNaker2 chip.
#[derive(Parser)]
#[command(name = "s2c", version = version(), about, arg_required_else_help = true)]
pub struct Cli {
    /// How diagnostics are printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    error_format: Format,
    /// Say what is done and how long each step takes; `RUST_LOG` chooses in more detail.
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compile a NIR model, or go on from a dump.
    Compile(compile::Arguments),
    /// Run a binary on the chip model.
    Run(run::Arguments),
    /// Run a model or a dump in the interpreter of its level.
    Simulate(simulate::Arguments),
    /// Accuracy and divergence on a data set, as float, as integers and as machine code.
    Evaluate(evaluate::Arguments),
    /// Say whether a model can be compiled, node by node, and what it leaves open.
    Check(check::Arguments),
    /// Run passes on a dump.
    Opt(opt::Arguments),
    /// List the passes in order.
    Passes,
    /// List the targets.
    Targets,
    /// Show what a model or a binary holds.
    Inspect(inspect::Arguments),
    /// Show what differs between two binaries.
    Diff(diff::Arguments),
    /// Write a page about a binary and its run.
    Report(report::Arguments),
    /// Accuracy under faults of the hardware.
    Faults(faults::Arguments),
    /// Explain a diagnostic's code.
    Explain(explain::Arguments),
    /// Print the completions of a shell.
    Completions(shell::Completions),
    /// Write the manual pages.
    Man(shell::Man),
    /// Write the arrays of an HDF5 file to the standard output; s2c calls this itself.
    #[cfg(feature = "hdf5-c")]
    #[command(name = hdf5_process::COMMAND, hide = true)]
    Hdf5Arrays(hdf5_arrays::Arguments),
}

impl Command {
    /// The model, dump or binary that nodes in diagnostics belong to.
    fn model(&self) -> Option<&Path> {
        match self {
            Self::Compile(arguments) => Some(&arguments.model),
            Self::Simulate(arguments) => Some(&arguments.model),
            Self::Check(arguments) => Some(&arguments.model),
            Self::Evaluate(arguments) => Some(&arguments.model),
            Self::Opt(arguments) => Some(&arguments.dump),
            Self::Inspect(arguments) => Some(&arguments.file),
            Self::Run(arguments) => Some(&arguments.binary),
            Self::Diff(arguments) => Some(&arguments.old),
            Self::Report(arguments) => Some(&arguments.binary),
            Self::Faults(arguments) => Some(&arguments.binary),
            Self::Passes | Self::Targets | Self::Explain(_) | Self::Completions(_) | Self::Man(_) => None,
            #[cfg(feature = "hdf5-c")]
            Self::Hdf5Arrays(_) => None,
        }
    }

    fn run(&self, sink: &Terminal<'_>) -> Result<()> {
        match self {
            Self::Compile(arguments) => compile::run(arguments, sink),
            Self::Run(arguments) => run::run(arguments),
            Self::Simulate(arguments) => simulate::run(arguments, sink),
            Self::Evaluate(arguments) => evaluate::run(arguments, sink),
            Self::Check(arguments) => check::run(arguments, sink),
            Self::Opt(arguments) => opt::run(arguments, sink),
            Self::Passes => list::passes(),
            Self::Targets => list::targets(),
            Self::Inspect(arguments) => inspect::run(arguments),
            Self::Diff(arguments) => diff::run(arguments),
            Self::Report(arguments) => report::run(arguments),
            Self::Faults(arguments) => faults::run(arguments),
            Self::Explain(arguments) => explain::run(arguments),
            Self::Completions(arguments) => shell::completions(arguments),
            Self::Man(arguments) => shell::man(arguments),
            #[cfg(feature = "hdf5-c")]
            Self::Hdf5Arrays(arguments) => hdf5_arrays::run(arguments),
        }
    }
}

/// Version of s2c and of the LLVM that it runs with.
fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| format!("{} (LLVM {})", env!("CARGO_PKG_VERSION"), codegen::llvm_version()))
}

/// Exit code after Ctrl-C, as shells give it: 128 + SIGINT.
const INTERRUPTED: i32 = 130;

/// Runs the command line; the exit code is 0, 1 (the input is at fault), 2 (usage) or 3 (a bug).
pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    // A file beyond the limit of its size is an error of the write, which is told, instead of the end of the process.
    let mut too_large = SigSet::empty();
    too_large.add(Signal::SIGXFSZ);
    let is_blocked = too_large.thread_block();
    files::protect();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => return usage::report(&error, &words),
    };
    trace::begin(cli.verbose);
    let model = cli.command.model().map(Path::to_owned);
    let renderer = Renderer::new(cli.error_format, usage::command_line(&words), model);
    let interrupted = || {
        files::remove_parts();
        std::process::exit(INTERRUPTED);
    };
    if let Err(error) = is_blocked {
        tracing::warn!(%error, "a file that becomes too large ends s2c without a word");
    }
    if let Err(error) = ctrlc::set_handler(interrupted) {
        tracing::warn!(%error, "an interruption may leave a file beside the one that is being written");
    }
    #[cfg(feature = "hdf5-c")]
    match std::env::current_exe() {
        Ok(executable) => hdf5_process::enable(executable),
        Err(error) => tracing::warn!(%error, "the HDF5 C library can't be asked"),
    }
    let result = catch(|| cli.command.run(&Terminal::new(&renderer)));
    renderer.finish();
    match result {
        Ok(()) if output::is_lost() => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
        Err(diagnostic) => {
            renderer.print(&diagnostic);
            ExitCode::from(match diagnostic.severity {
                Severity::Bug => 3,
                Severity::Usage => 2,
                _ => 1,
            })
        }
    }
}

/// Turns a panic, which is a bug, into a diagnostic that says where it happened.
fn catch(action: impl FnOnce() -> Result<()>) -> Result<()> {
    static WHERE: Mutex<String> = Mutex::new(String::new());
    panic::set_hook(Box::new(|panic| {
        if let Ok(mut place) = WHERE.lock() {
            *place = panic.to_string();
        }
    }));
    panic::catch_unwind(panic::AssertUnwindSafe(action)).unwrap_or_else(|_| {
        let text = WHERE.lock().map(|place| place.clone()).unwrap_or_default();
        let hint = "please report it with the command line and, if you can share it, the file";
        Err(Box::new(Diagnostic::bug("s2c failed in a way that it should not").text(text).hint(hint)))
    })
}
