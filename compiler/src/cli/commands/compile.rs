//! `s2c compile`.

use super::hand_over;
use crate::{
    cli::{
        options::{All, Given, PhaseName, source, without_effect},
        output,
        sink::Terminal,
    },
    driver::Compile,
    files,
    levels::{self, Descent},
    tools::{summary, width_search},
};
use clap::{Args, ValueEnum};
use s2c_backend::emit::{self, Binary};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    ir,
    shown::shown,
};
use s2c_passes::{
    analysis::traffic::{RATES, TICK},
    registry::Route,
    session::{Phase, Remark},
};
use std::path::{Path, PathBuf};

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// NIR model, or a dump whose name ends in `.mlir`
    pub(crate) model: PathBuf,
    #[command(flatten)]
    options: Given<All>,
    #[command(flatten)]
    output: Output,
}

/// What the command leaves behind.
#[derive(Args)]
#[command(next_help_heading = "Output")]
struct Output {
    /// Output file (text formats default to stdout); a folder for --emit elf
    #[arg(short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value_t = Emit::Bin)]
    emit: Emit,
    /// With --emit spinnaker2: the sample whose outcome is predicted, ticks x neurons of 0 and 1, one file for each input
    /// [default: 64 random ticks at --rate]
    #[arg(long, value_name = "[NODE=]FILE")]
    sample: Vec<String>,
    /// Stop at the end of a phase: write its module instead
    #[arg(long, value_enum, conflicts_with = "emit")]
    stop_after: Option<PhaseName>,
    /// Folder for a dump of the module after each pass
    #[arg(long, value_name = "DIR")]
    dump_dir: Option<PathBuf>,
    /// Write a report as JSON: the object that `inspect --json` prints, with the passes and warnings of this compile
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print how long each pass took
    #[arg(long)]
    time_passes: bool,
    /// Print what passes chose to do, and what it saves
    #[arg(long)]
    remarks: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Emit {
    /// The module at the end of the phase `snn`.
    Snn,
    /// The module at the end of the phase `qsnn`.
    Qsnn,
    /// The module at the end of the phase `s2k`.
    S2k,
    /// The network as it will run, dequantized, as a NIR file.
    Nir,
    /// The kernels in MLIR's `llvm` dialect.
    Llvm,
    /// The kernels as assembly text.
    Asm,
    /// A folder with an ELF executable per PE.
    Elf,
    /// A folder with the network for the vendor's software, py-spinnaker2: `network.py` and its data.
    Spinnaker2,
    /// A binary.
    Bin,
}

impl Output {
    /// The phase whose module is the result, where it is one.
    fn module(&self) -> Option<Phase> {
        match self.emit {
            Emit::Snn => Some(Phase::Snn),
            Emit::Qsnn => Some(Phase::Qsnn),
            Emit::S2k => Some(Phase::S2k),
            Emit::Nir | Emit::Spinnaker2 | Emit::Llvm | Emit::Asm | Emit::Elf | Emit::Bin => {
                self.stop_after.map(Into::into)
            }
        }
    }

    /// The file, where the result is no text.
    fn file(&self, what: &str) -> Result<&Path> {
        self.output.as_deref().ok_or_else(|| {
            Box::new(Diagnostic::error("no-output", format!("{what} needs a name")).hint("name it with -o"))
        })
    }

    fn write_text(&self, text: &str) -> Result<()> {
        match &self.output {
            Some(file) => files::write(file, text.as_bytes()),
            None => output::print(text),
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments, sink: &Terminal<'_>) -> Result<()> {
    let Arguments { model, options, output } = arguments;
    let context = ir::context();
    let source = source(&context, model)?;
    let module = output.module();
    let is_of_integers = matches!(output.emit, Emit::Nir | Emit::Spinnaker2);
    let until = if is_of_integers { Phase::Qsnn } else { module.unwrap_or(Phase::S2k) };
    let emits = module.is_none() && !is_of_integers;
    let hands_over = output.emit == Emit::Spinnaker2;
    if hands_over {
        options.check_hand_over(&[&TICK, &RATES])?;
    }
    let level = options.level(&source)?;
    let (from, done, emits_any) = (source.phase()?, source.done(), emits || hands_over);
    options.check(&Route { from, done: &done, level, until, only: None, emits: emits_any })?;
    if output.report.is_some() && !emits {
        return Err(without_effect("report", "There is nothing to report before there is a program for PEs."));
    }
    if !output.sample.is_empty() && !hands_over {
        return Err(without_effect("sample", "It is for `--emit spinnaker2`."));
    }
    let sink = sink.with_dumps(output.dump_dir.as_deref())?;
    let mut setup = options.setup(&source, &sink)?;
    setup.options.vendor |= hands_over;
    let front = width_search::settle(&context, &source, &mut setup)?;
    if !front.is_empty() {
        output::say(&width_search::table(&front));
    }
    let mut descent = Descent::begin(&context, &source, &setup)?;
    if hands_over {
        let folder = output.file("a folder for the vendor's software")?;
        let (network, session) = (descent.quantized()?, &descent.compile.session);
        hand_over::write(&network, &session.target, &output.sample, session.options.rate.all, folder)?;
    } else if output.emit == Emit::Nir {
        let (graph, choices) = levels::to_nir(&mut descent, &source)?;
        files::write(output.file("a NIR file")?, &s2c_nir::write_with(&graph, &choices)?)?;
    } else if let Some(phase) = module {
        descent.to_end_of(phase)?;
        if phase == Phase::S2k {
            descent.compile.program()?;
        }
        // Without a file and without --emit, the dumps are the result.
        if output.output.is_some() || output.stop_after.is_none() {
            output.write_text(&ir::to_text(&descent.compile.module))?;
        }
    } else {
        let binary = descent.binary()?;
        report(output, &binary, &descent.compile, &sink)?;
        write(output, &binary, &descent.compile)?;
    }
    show(output, &descent.compile);
    Ok(())
}

fn report(output: &Output, binary: &Binary, compile: &Compile<'_, '_>, sink: &Terminal<'_>) -> Result<()> {
    let Some(file) = &output.report else { return Ok(()) };
    let mut report = summary::summary(&binary.manifest);
    report["passes"] = compile.steps.iter().map(summary::step).collect();
    report["warnings"] = sink.told().iter().map(summary::diagnostic).collect();
    files::write(file, format!("{report}\n").as_bytes())
}

/// Writes the finished program in the form that is asked for.
fn write(output: &Output, binary: &Binary, compile: &Compile<'_, '_>) -> Result<()> {
    let target = &compile.session.target;
    match output.emit {
        Emit::Llvm | Emit::Asm => {
            output.write_text(&emit::kernel_text(&compile.program()?, target, output.emit == Emit::Asm)?)
        }
        Emit::Elf => {
            let folder = output.file("a folder of executables")?;
            files::create_folder(folder)?;
            let mut executables = emit::executables(&compile.program()?, target)?.into_iter();
            executables.try_for_each(|(name, bytes)| files::write(&folder.join(format!("{name}.elf")), &bytes))
        }
        _ => files::write(output.file("a binary")?, &binary.to_bytes()?),
    }
}

/// Prints to the standard error how long passes took, and what they chose to do.
fn show(output: &Output, compile: &Compile<'_, '_>) {
    for step in compile.steps.iter().filter(|_| output.time_passes) {
        output::say(&format!("{:>9.3} ms  {}\n", step.time.as_secs_f64() * 1e3, step.name));
    }
    for Remark { pass, steps, saved } in compile.remarks().iter().filter(|_| output.remarks) {
        output::say(&format!("{pass}: {saved}\n"));
        steps.iter().for_each(|step| output::say(&format!("    {}\n", shown(step))));
    }
    if output.remarks && compile.remarks().is_empty() {
        output::say("no pass had anything to choose\n");
    }
}
