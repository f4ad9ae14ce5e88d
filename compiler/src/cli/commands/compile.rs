//! `s2c compile`.

use super::{Warn, hand_over};
use crate::{
    cli::{
        options::{ModelOptions, PhaseName},
        output,
    },
    driver, files,
    frontend::model_file,
    targets,
    tools::{summary, width_search},
};
use clap::{Args, ValueEnum};
use s2c_backend::emit;
use s2c_dialects::{
    Context,
    diagnostic::{Diagnostic, Result},
    ir, qsnn,
    shown::shown,
};
use s2c_passes::{options::Options, session::Remark};
use std::path::PathBuf;

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// NIR model, or a dump whose name ends in `.mlir`.
    pub(crate) model: PathBuf,
    /// Where the result goes; for text, the standard output where it is missing.
    #[arg(short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What the result is.
    #[arg(long, value_enum, default_value_t = Emit::Bin)]
    emit: Emit,
    /// With `--emit spinnaker2`: the sample whose outcome is predicted, ticks x neurons of 0 and 1, one file for each
    /// input; without it, 64 random ticks at `--rate`.
    #[arg(long, value_name = "[NODE=]FILE")]
    sample: Vec<String>,
    /// Name of a target, or a target file.
    #[arg(long)]
    target: Option<String>,
    /// Folder for a dump of the module after each pass.
    #[arg(long, value_name = "DIR")]
    dump_dir: Option<PathBuf>,
    /// Stop at the end of a phase.
    #[arg(long, value_enum)]
    stop_after: Option<PhaseName>,
    /// Where a report goes, as JSON: the object that `inspect --json` prints, with the passes and warnings of this compile.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Print how long each pass took.
    #[arg(long)]
    time_passes: bool,
    /// Print what passes chose to do, and what it saves.
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    options: ModelOptions,
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

/// Runs the command.
pub fn run(arguments: &Arguments, warn: &Warn<'_>) -> Result<()> {
    let context = ir::context();
    let phase = match arguments.emit {
        Emit::Snn => Some(PhaseName::Snn),
        Emit::Qsnn => Some(PhaseName::Qsnn),
        Emit::S2k => Some(PhaseName::S2k),
        Emit::Spinnaker2 => Some(PhaseName::Qsnn),
        Emit::Nir | Emit::Llvm | Emit::Asm | Emit::Elf | Emit::Bin => arguments.stop_after,
    };
    let wishes = driver::Wishes {
        dump_dir: arguments.dump_dir.clone(),
        stop_after: phase.map(Into::into),
        calibrate: arguments.options.samples()?,
    };
    let mut options = arguments.options.to_options()?;
    if arguments.emit == Emit::Spinnaker2 {
        options.vendor = true;
    }
    let target = targets::load(arguments.target.as_deref().unwrap_or(targets::DEFAULT))?.without(&options.dead);
    let samples = wishes.calibrate.as_ref();
    let (front, warning) =
        arguments.options.search_widths(&context, &arguments.model, &target, samples, &mut options)?;
    if !front.is_empty() {
        output::say(&width_search::table(&front));
    }
    warn(&Vec::from_iter(warning));
    if arguments.emit == Emit::Nir {
        return emit_nir(arguments, &context, &options, &wishes, warn);
    }
    let (mut done, target, binary) =
        driver::compile(&context, &arguments.model, &options, arguments.target.as_deref(), &wishes)?;
    warn(&done.warnings);
    show_times(arguments, &done.steps);
    if arguments.explain {
        explain(&done.remarks);
    }
    if let Some(file) = &arguments.report {
        let Some(binary) = &binary else {
            return Err(Box::new(
                Diagnostic::error("no-report", "there is nothing to report before there is a program for PEs")
                    .hint("leave out --stop-after, or choose another --emit"),
            ));
        };
        let mut report = summary::summary(&binary.manifest);
        report["passes"] = done.steps.iter().map(summary::step).collect();
        report["warnings"] = done.warnings.iter().map(summary::diagnostic).collect();
        files::write(file, format!("{report}\n").as_bytes())?;
    }
    let text = match (arguments.emit, binary) {
        (Emit::Bin, Some(binary)) => {
            let Some(output) = &arguments.output else {
                return Err(Box::new(
                    Diagnostic::error("no-output", "a binary needs a file").hint("name it with -o FILE"),
                ));
            };
            return files::write(output, &binary.to_bytes()?);
        }
        (Emit::Llvm | Emit::Asm, Some(_)) => {
            let program = done.program(&target)?;
            emit::kernel_text(&program, &target, arguments.emit == Emit::Asm)?
        }
        (Emit::Elf, Some(_)) => {
            let Some(folder) = &arguments.output else {
                return Err(Box::new(
                    Diagnostic::error("no-output", "executables need a folder").hint("name it with -o FOLDER"),
                ));
            };
            files::create_folder(folder)?;
            let program = done.program(&target)?;
            for (name, bytes) in emit::executables(&program, &target, &mut done.analyses)? {
                files::write(&folder.join(format!("{name}.elf")), &bytes)?;
            }
            return Ok(());
        }
        (Emit::Spinnaker2, _) => {
            let Some(folder) = &arguments.output else {
                return Err(Box::new(
                    Diagnostic::error("no-output", "the vendor's software takes a folder")
                        .hint("name it with -o FOLDER"),
                ));
            };
            return hand_over::write(
                &qsnn::Network::read(&done.module)?,
                &target,
                &arguments.sample,
                options.rate,
                folder,
            );
        }
        // Stopped before there is a binary: the dumps are the result, or the module itself.
        (Emit::Bin | Emit::Nir | Emit::Llvm | Emit::Asm | Emit::Elf, None) if arguments.output.is_none() => {
            return Ok(());
        }
        _ => ir::to_text(&done.module),
    };
    match &arguments.output {
        Some(output) => files::write(output, text.as_bytes()),
        None => output::print(&text),
    }
}

fn show_times(arguments: &Arguments, steps: &[driver::Step]) {
    for step in steps.iter().filter(|_| arguments.time_passes) {
        output::say(&format!("{:>9.3} ms  {}\n", step.time.as_secs_f64() * 1e3, step.name));
    }
}

fn emit_nir(
    arguments: &Arguments,
    context: &Context,
    options: &Options,
    wishes: &driver::Wishes,
    warn: &Warn<'_>,
) -> Result<()> {
    let refuse = |code, title, hint| Err(Box::new(Diagnostic::error(code, title).hint(hint)));
    let Some(output) = &arguments.output else {
        return refuse("no-output", "a NIR file needs a name", "name it with -o FILE");
    };
    if arguments.report.is_some() || arguments.stop_after.is_some() {
        return refuse("bad-option", "NIR is written of the integer network", "leave out --report and --stop-after");
    }
    let exported = driver::to_nir(context, &arguments.model, options, arguments.target.as_deref(), wishes)?;
    warn(&exported.warnings);
    show_times(arguments, &exported.steps);
    model_file::write_with(&exported.graph, &exported.choices, output)
}

/// Prints remarks to the standard error.
fn explain(remarks: &[Remark]) {
    for Remark { pass, steps, saved } in remarks {
        output::say(&format!("{pass}: {saved}\n"));
        steps.iter().for_each(|step| output::say(&format!("    {}\n", shown(step))));
    }
    if remarks.is_empty() {
        output::say("no pass had anything to choose\n");
    }
}
