//! `s2c run`.

use super::{
    Precision, Record, parse_record, read_input,
    simulate::{Model, simulate},
    single_input,
};
use crate::{
    emit::Binary,
    files,
    machine::{self, Machine, Stats, Time, Wish},
    output,
    recording::{self, Quantity, Recording},
};
use clap::{Args, ValueEnum};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    ir,
};
use std::path::PathBuf;

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// A binary, as `s2c compile` makes it.
    pub(crate) binary: PathBuf,
    /// Spikes: `.npy` (ticks x neurons, or ticks x channels x rows x columns), `.npz` or `.csv`.
    #[arg(long)]
    input: PathBuf,
    /// Array of an `.npz` file.
    #[arg(long, value_name = "NAME")]
    input_array: Option<String>,
    /// Where the output goes: spikes, or values in the network's units where it has none.
    #[arg(long)]
    output: Option<PathBuf>,
    /// Record what a node hands on (NODE=FILE) or its membranes (NODE:v=FILE).
    #[arg(long, value_name = "NODE=FILE", value_parser = parse_record)]
    record: Vec<Record>,
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
    if arguments.engine == Engine::Reference {
        return run_reference(arguments, &binary);
    }
    let mut machine = Machine::load(binary)?;
    let manifest = &machine.binary().manifest;
    single_input(manifest.inputs.len())?;
    let input = read_input(&arguments.input, arguments.input_array.as_deref(), &manifest.inputs[0].shape)?;
    let output = manifest.outputs.first().ok_or_else(|| Diagnostic::error("bad-binary", "the binary has no output"))?;
    // The output is always there to be shown; whether it also goes into a file is the user's choice.
    let shown = output.node.clone();
    let mut wishes = vec![Wish { node: shown.clone(), quantity: Quantity::Spikes }];
    let mut wanted = Vec::new();
    let outputs = arguments.output.iter().map(|file| (output.node.as_str(), file));
    let populations = manifest.populations();
    for (name, file) in outputs.chain(arguments.record.iter().map(|record| (record.node.as_str(), &record.file))) {
        let (node, quantity) = recording::parse(name, |name| populations.contains(&name) || name == output.node);
        wishes.push(Wish { node: node.to_owned(), quantity });
        wanted.push(file);
    }
    let shown_too: Vec<String> =
        if arguments.rasters { populations.iter().map(|&name| name.to_owned()).collect() } else { Vec::new() };
    wishes.extend(shown_too.iter().map(|node| Wish { node: node.clone(), quantity: Quantity::Spikes }));
    let mut recordings = machine.run(&input, &wishes, arguments.time).map_err(machine::of_file)?;
    let output = recordings.remove(0);
    let rasters = recordings.split_off(wanted.len());
    for (recording, file) in recordings.into_iter().zip(wanted) {
        recording.write(file)?;
    }
    if let Some(file) = &arguments.stats {
        let rasters = rasters.iter().zip(&shown_too).filter_map(|(recording, node)| recording.raster(node)).collect();
        let stats = Stats { rasters, ..machine.stats() };
        let json = serde_json::to_vec_pretty(&stats).map_err(|error| Diagnostic::bug(error.to_string()))?;
        files::write(file, &json)?;
    }
    output::print(&summary(&shown, input.ticks(), &output))
}

fn run_reference(arguments: &Arguments, binary: &Binary) -> Result<()> {
    if arguments.stats.is_some() || arguments.time == Time::Chip {
        return Err(Box::new(
            Diagnostic::error("bad-option", "the reference engine knows nothing of the chip")
                .text("It has no counts for --stats and no chip ticks for --time chip.")
                .hint("leave out --engine reference"),
        ));
    }
    let context = ir::context();
    let model = Model::of(&ir::parse(&context, binary.network()?, "network")?, Precision::default())?;
    let input = read_input(&arguments.input, arguments.input_array.as_deref(), &model.input)?;
    let shown = model.nodes[0].0.clone();
    let mut wishes = vec![(shown.clone(), None)];
    wishes.extend(arguments.output.iter().map(|file| (shown.clone(), Some(file))));
    wishes.extend(arguments.record.iter().map(|record| (record.node.clone(), Some(&record.file))));
    let mut recordings = simulate(model, &input, wishes)?;
    let (output, _) = recordings.remove(0);
    for (recording, file) in recordings {
        file.map_or(Ok(()), |file| recording.write(file))?;
    }
    output::print(&summary(&shown, input.ticks(), &output))
}

/// One line: how often the output's neurons fired, or their values in the last tick; of many neurons only those with the
/// most.
fn summary(node: &str, ticks: usize, output: &Recording) -> String {
    const MOST: usize = 16;
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
