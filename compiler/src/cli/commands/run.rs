//! `s2c run`.

use super::{
    Precision,
    ports::{self, Files, Port, read_inputs},
    simulate::{Model, simulate},
};
use crate::{
    cli::output,
    data::{Cell, Train},
    files,
    tools::{
        machine::{self, Machine, Stats, Time, Wish},
        recording::{self, Quantity, Recording},
    },
};
use clap::{Args, ValueEnum};
use s2c_backend::emit::{Binary, manifest::Manifest};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    ir,
    shown::shown,
};
use s2c_passes::session::{self, Phase};
use std::path::PathBuf;

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// A binary, as `s2c compile` makes it.
    pub(crate) binary: PathBuf,
    #[command(flatten)]
    files: Files,
    /// How recordings count ticks.
    #[arg(long, value_enum, default_value_t = Time::Network)]
    time: Time,
    /// What runs the network.
    #[arg(long, value_enum, default_value_t = Engine::Chip)]
    engine: Engine,
    /// Where the counts of instructions, cycles, packets and so on go, as JSON.
    #[arg(long)]
    stats: Option<PathBuf>,
    /// Put the spikes of all populations into the stats too, for the pictures of `s2c report`.
    #[arg(long, requires = "stats")]
    rasters: bool,
}

/// What runs the network; both give the same spikes and membranes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// The machine code, on the chip model.
    Chip,
    /// The integer network that the binary was made of, in the interpreter. It is faster and knows no cycles.
    Reference,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let name = arguments.binary.display().to_string();
    let binary = Binary::from_bytes(&files::read(&arguments.binary)?, &name)?;
    match (arguments.engine, binary.manifest.takes_values()) {
        (Engine::Chip, false) => run_chip::<u16>(arguments, binary),
        (Engine::Chip, true) => run_chip::<f32>(arguments, binary),
        (Engine::Reference, false) => run_reference::<u16>(arguments, &binary),
        (Engine::Reference, true) => run_reference::<f32>(arguments, &binary),
    }
}

fn inputs_of(manifest: &Manifest) -> Vec<Port> {
    manifest.inputs.iter().map(|input| (input.node.clone(), input.shape.clone())).collect()
}

fn run_chip<T: Cell>(arguments: &Arguments, binary: Binary) -> Result<()> {
    let mut machine = Machine::load(binary)?;
    let manifest = &machine.binary().manifest;
    let inputs = read_inputs::<T>(&arguments.files, &inputs_of(manifest))?;
    // Outputs are always there to be shown; whether they also go into files is the user's choice.
    let shown: Vec<Port> = manifest.outputs.iter().map(|output| (output.node.clone(), output.shape.clone())).collect();
    let spikes = |node: &str| Wish { node: node.to_owned(), quantity: Quantity::Spikes };
    let mut wishes: Vec<Wish> = shown.iter().map(|(node, _)| spikes(node)).collect();
    let mut wanted = Vec::new();
    for (node, file) in ports::outputs(&arguments.files.output, &shown)? {
        wishes.push(spikes(&node));
        wanted.push(PathBuf::from(file));
    }
    let populations = manifest.populations();
    let is_known = |name: &str| populations.contains(&name) || shown.iter().any(|(output, _)| output == name);
    for (name, file) in ports::records(&arguments.files.record, is_known) {
        let (node, quantity) = recording::parse(&name, is_known);
        wishes.push(Wish { node: node.to_owned(), quantity });
        wanted.push(file);
    }
    let shown_too: Vec<String> =
        if arguments.rasters { populations.iter().map(|&name| name.to_owned()).collect() } else { Vec::new() };
    wishes.extend(shown_too.iter().map(|node| spikes(node)));
    let mut recordings = machine.run_all(&inputs, &wishes, arguments.time).map_err(machine::of_file)?;
    let rasters = recordings.split_off(shown.len() + wanted.len());
    let files = recordings.split_off(shown.len());
    for (recording, file) in files.into_iter().zip(wanted) {
        recording.write(&file)?;
    }
    if let Some(file) = &arguments.stats {
        let rasters = rasters.iter().zip(&shown_too).filter_map(|(recording, node)| recording.raster(node)).collect();
        let stats = Stats { rasters, ..machine.stats() };
        let json = serde_json::to_vec_pretty(&stats).map_err(|error| Diagnostic::bug(error.to_string()))?;
        files::write(file, &json)?;
    }
    print_summaries(&shown, &recordings, inputs.first().map_or(0, Train::ticks))
}

fn print_summaries(outputs: &[Port], recordings: &[Recording], ticks: usize) -> Result<()> {
    let lines = outputs.iter().zip(recordings).map(|((node, _), recording)| summary(node, ticks, recording));
    output::print(&lines.collect::<String>())
}

fn run_reference<T: Cell>(arguments: &Arguments, binary: &Binary) -> Result<()> {
    if arguments.stats.is_some() || arguments.time == Time::Chip {
        return Err(Box::new(
            Diagnostic::error("bad-option", "the reference engine knows nothing of the chip")
                .text("It has no counts for --stats and no chip ticks for --time chip.")
                .hint("leave out --engine reference"),
        ));
    }
    let ports = inputs_of(&binary.manifest);
    let (model, inputs) = rayon::join(|| model_of(binary), || read_inputs::<T>(&arguments.files, &ports));
    let (model, inputs) = (model?, inputs?);
    if model.inputs != ports {
        return Err(Box::new(
            Diagnostic::error("bad-binary", "the binary's integer network has other inputs than its program")
                .hint("compile the model again"),
        ));
    }
    let ticks = inputs.first().map_or(0, Train::ticks);
    let shown = model.outputs().to_vec();
    let mut wishes: Vec<(String, Option<PathBuf>)> = shown.iter().map(|(node, _)| (node.clone(), None)).collect();
    let outputs = ports::outputs(&arguments.files.output, &shown)?.into_iter();
    wishes.extend(outputs.map(|(node, file)| (node, Some(PathBuf::from(file)))));
    let records = ports::records(&arguments.files.record, |name| model.has(name)).into_iter();
    wishes.extend(records.map(|(name, file)| (name, Some(file))));
    let (mut outputs, mut recordings) = (simulate(inputs, model, wishes)?, Vec::new());
    for (recording, file) in outputs.split_off(shown.len()) {
        file.map_or(Ok(()), |file| recording.write(&file))?;
    }
    recordings.extend(outputs.into_iter().map(|(recording, _)| recording));
    print_summaries(&shown, &recordings, ticks)
}

/// The integer network of a binary, verified: whoever changes a file can make its checksums right again.
fn model_of(binary: &Binary) -> Result<Model> {
    let (context, text) = (ir::context(), binary.network()?);
    let verified = ir::parse(&context, text, "network").and_then(|module| match Phase::of(&module)? {
        Phase::Qsnn => session::verify(&context, &module, Phase::Qsnn).map(|()| module),
        other => Err(Box::new(Diagnostic::error("wrong-level", format!("it is one of `{}`", other.name())))),
    });
    let module = verified.map_err(|error| {
        let title = format!("the binary's integer network is damaged: {}", error.title);
        Diagnostic::error("bad-binary", title).text(error.text).hint("compile the model again")
    })?;
    Model::of(&module, Precision::default())
}

/// One line: how often the output's neurons fired, or their values in the last tick; of many neurons only those with the
/// most.
fn summary(node: &str, ticks: usize, output: &Recording) -> String {
    const MOST: usize = 16;
    let node = shown(node);
    if let Recording::Values(table) = output {
        let last = table.values.chunks_exact(table.shape.iter().product::<usize>().max(1)).next_back();
        let mut values: Vec<(usize, f64)> = last.unwrap_or_default().iter().copied().enumerate().collect();
        if values.len() > MOST {
            values.sort_by(|a, b| b.1.total_cmp(&a.1));
            values.truncate(MOST);
        }
        let values: Vec<String> = values.into_iter().map(|(neuron, value)| format!("{neuron}:{value:.4}")).collect();
        return format!("{ticks} ticks; last values of `{node}` by neuron: {}\n", values.join(" "));
    }
    let totals = output.totals().unwrap_or_default();
    let mut order: Vec<usize> = (0..totals.len()).collect();
    if totals.len() > MOST {
        order.sort_by_key(|&neuron| (std::cmp::Reverse(totals[neuron]), neuron));
        order.truncate(MOST);
    }
    let spikes: Vec<String> = order.into_iter().map(|neuron| format!("{neuron}:{}", totals[neuron])).collect();
    format!("{ticks} ticks; spikes of `{node}` by neuron: {}\n", spikes.join(" "))
}
