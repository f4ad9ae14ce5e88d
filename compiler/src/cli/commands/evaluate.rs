//! `s2c evaluate`.

use super::{Precision, Warn};
use crate::{
    calibration::Samples,
    cli::{options::ModelOptions, output},
    data::{Cell, DataSet, Layout, several_inputs, write_npy},
    driver::{self, Compile, Wishes},
    files, targets,
    tools::{
        evaluation::{self, ChipCost, Level, Readout, Report, Score, Subject, TAU_TICKS},
        spinnaker2, width_search,
    },
};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::ArrayD;
use s2c_backend::emit;
use s2c_dialects::{
    Context,
    diagnostic::{Diagnostic, Result},
    ir, qsnn,
    shown::shown,
    snn,
};
use s2c_passes::{
    options::{InputKind, Options},
    session::Phase,
    target::Target,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// NIR model.
    pub(crate) model: PathBuf,
    /// Samples with labels: `.npz` with `spikes` (or `spikes_packed` and `shape`) and `labels`, or `.npy`.
    #[arg(long)]
    data: PathBuf,
    /// Array of an `.npz` file.
    #[arg(long, value_name = "NAME")]
    input_array: Option<String>,
    /// Levels to run.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["float", "quantized", "chip"])]
    levels: Vec<Level>,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// How the values of an output without spikes become an answer.
    #[arg(long, value_enum, default_value_t)]
    readout: Readout,
    /// Folder for the output spike counts of each level, or the readout of its values: `LEVEL.npy`, samples x outputs.
    #[arg(long, value_name = "DIR")]
    counts: Option<PathBuf>,
    /// Folder for plots as SVG: rates of all neurons, and the divergence of each population.
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// What neurons compute in at the level `float`.
    #[arg(long, value_enum, default_value_t)]
    precision: Precision,
    /// Name of a target, or a target file.
    #[arg(long)]
    target: Option<String>,
    #[command(flatten)]
    options: ModelOptions,
}

/// Runs the command.
pub fn run(arguments: &Arguments, warn: &Warn<'_>) -> Result<()> {
    let data = DataSet::open(&arguments.data, arguments.input_array.as_deref(), Layout::Samples)?;
    let mut options = arguments.options.to_options()?;
    options.input_limit = options.input_limit.max(match options.input_kind {
        InputKind::Spikes => largest::<u16>(&data)?,
        InputKind::Values => largest::<f32>(&data)?,
    });
    options.vendor |= arguments.levels.contains(&Level::Spinnaker2);
    let context = ir::context();
    let target = targets::load(arguments.target.as_deref().unwrap_or(targets::DEFAULT))?.without(&options.dead);
    let samples = arguments.options.samples()?;
    let (front, warning) =
        arguments.options.search_widths(&context, &arguments.model, &target, samples.as_ref(), &mut options)?;
    warn(&Vec::from_iter(warning));
    let recipe = Recipe { context: &context, target: &target, options: &options, calibrate: samples };
    let subject = prepare(arguments, recipe, &data, warn)?;
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} samples, {eta} left");
    let bar = ProgressBar::new(data.len() as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut report = evaluation::evaluate(&subject, &data, &|| bar.inc(1))?;
    report.front = front;
    bar.finish_and_clear();
    if let Some(folder) = &arguments.plots {
        files::create_folder(folder)?;
        for (name, plot) in evaluation::plots::all(&report) {
            files::write(&folder.join(name), plot.as_bytes())?;
        }
    }
    if let Some(folder) = &arguments.counts {
        files::create_folder(folder)?;
        for (level, counts) in &report.counts {
            write_counts(&folder.join(format!("{level}.npy")), counts, &subject)?;
        }
    }
    if arguments.json {
        return output::print_json(&report);
    }
    output::print(&table(&report, data.labels().is_some()))
}

/// The least limit that all inputs of the data keep.
fn largest<T: Cell>(data: &DataSet) -> Result<u8> {
    let mut largest: f64 = 0.0;
    for sample in 0..data.len() {
        let recording = data.recording::<T>(sample)?;
        let values = recording.iter().flatten().map(|&(_, value)| value.into().abs());
        largest = values.fold(largest, f64::max);
    }
    if largest > f64::from(u8::MAX) {
        return Err(Box::new(
            Diagnostic::error("input-limit", format!("the data holds an input of {largest} in one tick"))
                .text("At most 255 are supported."),
        ));
    }
    Ok(largest.ceil() as u8)
}

fn write_counts(file: &Path, counts: &[Vec<f64>], subject: &Subject) -> Result<()> {
    let array = ArrayD::from_shape_vec(vec![counts.len(), subject.outputs], counts.concat());
    let array = array.map_err(|error| Diagnostic::bug(error.to_string()))?;
    match subject.readout {
        Some(_) => write_npy(file, &array),
        None => write_npy(file, &array.mapv(|count| count as u32)),
    }
}

/// How a model is compiled.
struct Recipe<'a> {
    context: &'a Context,
    target: &'a Target,
    options: &'a Options,
    calibrate: Option<Arc<Samples>>,
}

/// Compiles the model to all levels that are wanted.
fn prepare(arguments: &Arguments, recipe: Recipe<'_>, data: &DataSet, warn: &Warn<'_>) -> Result<Subject> {
    let Recipe { context, target, options, calibrate } = recipe;
    let wants = |level: Level| arguments.levels.contains(&level);
    let start = Compile::start(context, &arguments.model, options)?;
    let discretization = s2c_passes::find("discretization").into_iter();
    let discretized = start.run(context, target, discretization, &Wishes::default())?;
    let network = snn::Network::read(&discretized.module)?;
    let populations = network
        .nodes
        .iter()
        .filter(|node| node.op.is_neuron())
        .filter_map(|node| node.op.node().map(str::to_owned))
        .collect();
    let (mut outputs, mut inputs) = (Vec::new(), Vec::new());
    for (index, node) in network.nodes.iter().enumerate() {
        match &node.op {
            snn::Op::Output(op) => {
                let result = network.result(node.inputs[0])?;
                outputs.push((op.node.clone(), result.len(), !result.element.is_spikes()));
            }
            snn::Op::Input(op) => inputs.push((op.node.as_str(), network.result(index)?.shape.clone())),
            _ => {}
        }
    }
    let [(_, input)] = &inputs[..] else {
        return Err(several_inputs(&inputs.iter().map(|(name, _)| *name).collect::<Vec<_>>()));
    };
    let count: usize = input.iter().product();
    if data.shape() != *input && data.shape() != [count] {
        return Err(Box::new(
            Diagnostic::error("input-shape", "the spikes do not fit the network's input").text(format!(
                "A tick of the data has shape {:?}, the input {:?}.",
                data.shape(),
                input
            )),
        ));
    }
    let others: Vec<String> = outputs[1..].iter().map(|(name, ..)| format!("`{name}`")).collect();
    let (output, outputs, is_graded) = outputs.remove(0);
    let readout = is_graded.then_some(arguments.readout);
    let (mut quantized, mut binary, mut plan) = (None, None, None);
    let mut warnings = discretized.warnings.clone();
    if arguments.levels.iter().any(|level| *level != Level::Float) {
        let until_qsnn = Wishes { stop_after: Some(Phase::Qsnn), calibrate, ..Wishes::default() };
        let passes = driver::remaining(&discretized.module)?;
        let integers = discretized.run(context, target, passes, &until_qsnn)?;
        quantized = wants(Level::Quantized).then(|| qsnn::Network::read(&integers.module)).transpose()?;
        warnings = integers.warnings.clone();
        if wants(Level::Spinnaker2) {
            let mut lowered = spinnaker2::lower(&qsnn::Network::read(&integers.module)?)?;
            let ticks = data.ticks() + lowered.latency();
            spinnaker2::cut(&mut lowered, ticks, target.pe_count())?;
            plan = Some(lowered);
        }
        if wants(Level::Chip) {
            let passes = driver::remaining(&integers.module)?;
            let finished = integers.run(context, target, passes, &Wishes::default())?;
            binary = Some(emit::emit(&finished.program(target)?, target)?);
            warnings = finished.warnings;
        }
    }
    if !others.is_empty() {
        warnings.push(
            Diagnostic::warning("several-outputs", "answers are read from one of several outputs")
                .at_node(output.clone())
                .text(format!(
                    "{} not looked at: {}.",
                    if others.len() == 1 { "One is" } else { "Some are" },
                    others.join(", ")
                )),
        );
    }
    warn(&warnings);
    let precision = arguments.precision.into();
    Ok(Subject {
        takes_values: network.takes_values(),
        float: wants(Level::Float).then_some(network),
        precision,
        quantized,
        binary,
        plan,
        populations,
        output,
        outputs,
        readout,
    })
}

/// Two lines on what a sample costs on the chip.
fn chip_cost(ChipCost { total, energy_per_sample }: &ChipCost, samples: usize) -> String {
    let mean = |count: u64| count as f64 / samples as f64;
    let mut text = format!(
        "\non the chip, per sample: {:.0} synaptic events, {:.0} packets, {:.0} instructions; busiest tick {} cycles\n",
        mean(total.synaptic_events),
        mean(total.packets),
        mean(total.instructions),
        total.max_cycles_per_tick
    );
    let energies = energy_per_sample.iter().map(|energy| {
        let late = if energy.in_time { "" } else { ", too slow for the busiest tick" };
        format!("{:.3} mJ at {} MHz{late}", 1e3 * energy.joules, energy.frequency / 1_000_000)
    });
    let energies = energies.collect::<Vec<_>>().join("; ");
    if !energies.is_empty() {
        text.push_str(&format!("energy, estimated from published power: {energies}\n"));
    }
    text
}

fn table(report: &Report, labelled: bool) -> String {
    let mut text = String::new();
    for level in [Level::Float, Level::Quantized, Level::Chip, Level::Spinnaker2] {
        if let Some(score) = report.levels.get(level.name()) {
            let Score { correct, total, accuracy } = score;
            let name = level.name();
            text.push_str(&match labelled {
                true => format!("{name:<10} {correct:>6} of {total} right  {:>6.2} %\n", 100.0 * accuracy),
                false => format!("{name:<10} {total:>6} samples\n"),
            });
        }
    }
    if let Some(cost) = &report.cost {
        let samples = report.levels.get(Level::Chip.name()).map_or(1, |score| score.total.max(1));
        text.push_str(&chip_cost(cost, samples));
    }
    if !report.front.is_empty() {
        text = format!("{}\n{text}", width_search::table(&report.front));
    }
    if report.layers.is_empty() {
        return text;
    }
    text.push_str(&format!(
        "\n{:<20} {:>10} {:>10} {:>9} {:>9} {:>9} {:>11} {:>11} {:>5} {:>5}\n",
        "population", "spikes", "quantized", "differ", "distance", "membrane", "dead", "always", "sat.", "bits"
    ));
    for layer in &report.layers {
        let pair = |[float, quantized]: [usize; 2]| format!("{float} > {quantized}");
        text.push_str(&format!(
            "{:<20} {:>10} {:>10} {:>8.3}% {:>9.4} {:>9.4} {:>11} {:>11} {:>5} {:>5.2}\n",
            shown(&layer.node),
            layer.float_spikes,
            layer.quantized_spikes,
            100.0 * layer.differing as f64 / layer.cells.max(1) as f64,
            layer.distance,
            layer.membrane_error,
            pair(layer.dead),
            pair(layer.always),
            layer.saturated,
            layer.effective_bits,
        ));
    }
    text.push_str(&format!(
        "\ndiffer: cells (neuron x tick) with other spikes; distance: van Rossum, tau {TAU_TICKS} ticks, 1 = as far as \
         silence;\nmembrane: root mean square of the difference in thresholds; dead, always: neurons that never fire, \
         or in every tick (float > quantized);\nsat.: cells whose membrane stands at an end of its range; bits: \
         entropy of the weights' integers\n"
    ));
    if report.layers.iter().any(|layer| layer.is_graded) {
        text.push_str("membrane of populations without spikes: relative to the float network's\n");
    }
    text
}
