//! `s2c evaluate`.

use super::Precision;
use crate::{
    cli::{
        options::{All, Given, source, without_effect},
        output,
        sink::Terminal,
    },
    data::{Cell, DataSet, Layout, several_inputs, write_npy},
    driver::Setup,
    files,
    frontend::source::{Content, Source},
    levels::Descent,
    tools::{
        evaluation::Point,
        evaluation::{self, ChipCost, Level, Readout, Report, Score, Subject, TAU_TICKS},
        spinnaker2, width_search,
    },
};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::ArrayD;
use s2c_dialects::{
    Context,
    diagnostic::{Diagnostic, Result},
    ir,
    shown::shown,
    snn,
};
use s2c_passes::{
    analysis::traffic::{RATE, RATES, TICK},
    options::InputKind,
    registry::{self, Route},
    session::{Pass, Phase},
};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// NIR model
    pub(crate) model: PathBuf,
    /// Samples with labels: `.npz` with `spikes` (or `spikes_packed` and `shape`) and `labels`, or `.npy`
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Array of an `.npz` file
    #[arg(long, value_name = "NAME")]
    input_array: Option<String>,
    /// Levels to run
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["float", "quantized", "chip"])]
    levels: Vec<Level>,
    /// How the values of an output without spikes become an answer [default: max]
    #[arg(long, value_enum)]
    readout: Option<Readout>,
    /// What neurons compute in at the level `float` [default: f32]
    #[arg(long, value_enum)]
    precision: Option<Precision>,
    #[command(flatten)]
    options: Given<All>,
    #[command(flatten)]
    output: Output,
}

/// What the command leaves behind.
#[derive(Args)]
#[command(next_help_heading = "Output")]
struct Output {
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Folder for the output spike counts of each level, or the readout of its values: `LEVEL.npy`, samples x outputs
    #[arg(long, value_name = "DIR")]
    counts: Option<PathBuf>,
    /// Folder for plots as SVG: rates of all neurons, and the divergence of each population
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
}

impl Arguments {
    fn wants(&self, level: Level) -> bool {
        self.levels.contains(&level)
    }

    /// Refuses options that the levels make no use of.
    fn check(&self, source: &Source<'_>) -> Result<()> {
        let only: Vec<&'static Pass> = s2c_passes::find("discretization").into_iter().collect();
        let has_integers = self.wants(Level::Quantized) || self.wants(Level::Spinnaker2);
        let (until, emits) = match (has_integers, self.wants(Level::Chip)) {
            (_, true) => (Phase::S2k, true),
            (true, false) => (Phase::Qsnn, self.wants(Level::Spinnaker2)),
            (false, false) => (Phase::Snn, false),
        };
        if until == Phase::Qsnn && emits {
            self.options.check_hand_over(&[&TICK, &RATE, &RATES])?;
        }
        let only = (until == Phase::Snn).then_some(only.as_slice());
        let level = self.options.level(source)?;
        self.options.check(&Route { from: source.phase()?, done: &source.done(), level, until, only, emits })?;
        match self.precision.is_some() && !self.wants(Level::Float) {
            true => Err(without_effect("precision", "The level `float` is not run.")),
            false => Ok(()),
        }
    }
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Found<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// The machine.
    target: &'a str,
    /// The options of the compile.
    options: &'a BTreeMap<String, String>,
    /// What a search for widths went through.
    #[serde(skip_serializing_if = "<[Point]>::is_empty")]
    front: &'a [Point],
}

/// Runs the command.
pub fn run(arguments: &Arguments, sink: &Terminal<'_>) -> Result<()> {
    let context = ir::context();
    let source = source(&context, &arguments.model)?;
    arguments.check(&source)?;
    let data = DataSet::open(&arguments.data, arguments.input_array.as_deref(), Layout::Samples)?;
    let mut setup = arguments.options.setup(&source, sink)?;
    if let Content::Model(_) = source.content {
        setup.options.input_limit = setup.options.input_limit.max(match setup.options.input_kind {
            InputKind::Spikes => largest::<u16>(&data)?,
            InputKind::Values => largest::<f32>(&data)?,
        });
    }
    setup.options.vendor |= arguments.wants(Level::Spinnaker2);
    let front = width_search::settle(&context, &source, &mut setup)?;
    let (subject, options) = prepare(arguments, &context, &source, &setup, &data)?;
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} samples, {eta} left");
    let bar = ProgressBar::new(data.len() as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let report = evaluation::evaluate(&subject, &data, &|| bar.inc(1))?;
    bar.finish_and_clear();
    arguments.output.write(&report, &front, &subject)?;
    if arguments.output.json {
        return output::print_json(&Found {
            report: &report,
            target: &setup.target.name,
            options: &options,
            front: &front,
        });
    }
    output::print(&table(&report, &front, data.labels().is_some()))
}

impl Output {
    fn write(&self, report: &Report, front: &[Point], subject: &Subject) -> Result<()> {
        if let Some(folder) = &self.plots {
            files::create_folder(folder)?;
            for (name, plot) in evaluation::plots::all(report, front) {
                files::write(&folder.join(name), plot.as_bytes())?;
            }
        }
        if let Some(folder) = &self.counts {
            files::create_folder(folder)?;
            for (level, counts) in &report.counts {
                write_counts(&folder.join(format!("{level}.npy")), counts, subject)?;
            }
        }
        Ok(())
    }
}

/// The least limit that all inputs of the data keep.
fn largest<T: Cell>(data: &DataSet) -> Result<u8> {
    let mut largest: f64 = 0.0;
    for sample in 0..data.len() {
        let recording = data.recording::<T>(sample)?;
        let values = recording.iter().flatten().map(|&(_, value)| value.into().abs());
        largest = values.fold(largest, f64::max);
    }
    if largest > u8::MAX.into() {
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

/// Takes the model down to all levels that are wanted.
fn prepare<'c>(
    arguments: &Arguments,
    context: &'c Context,
    source: &Source<'c>,
    setup: &Setup<'_>,
    data: &DataSet,
) -> Result<(Subject, BTreeMap<String, String>)> {
    let mut descent = Descent::begin(context, source, setup)?;
    let float = descent.float()?;
    fits(&float, data)?;
    let mut subject = Subject::of(&float, arguments.readout.unwrap_or_default())?;
    if arguments.readout.is_some() && subject.readout.is_none() {
        return Err(without_effect("readout", "The network's output are spikes, which are counted."));
    }
    subject.precision = arguments.precision.unwrap_or_default().into();
    if arguments.wants(Level::Quantized) || arguments.wants(Level::Spinnaker2) {
        let integers = descent.quantized()?;
        if arguments.wants(Level::Spinnaker2) {
            let mut plan = spinnaker2::lower(&integers)?;
            let ticks = data.ticks() + plan.latency();
            spinnaker2::cut(&mut plan, ticks, descent.compile.session.target.pe_count())?;
            subject.plan = Some(plan);
        }
        subject.quantized = arguments.wants(Level::Quantized).then_some(integers);
    }
    if arguments.wants(Level::Chip) {
        subject.binary = Some(descent.binary()?);
    }
    if let Some(warning) = others(&float, &subject.output) {
        setup.sink.diagnostic(&warning);
    }
    subject.float = arguments.wants(Level::Float).then_some(float);
    Ok((subject, registry::write(&descent.compile.session.options)))
}

/// Whether the data is what the only input of the network takes.
fn fits(network: &snn::Network, data: &DataSet) -> Result<()> {
    let mut inputs = Vec::new();
    for (index, node) in network.nodes.iter().enumerate() {
        if let snn::Op::Input(op) = &node.op {
            inputs.push((op.node.as_str(), &network.result(index)?.shape));
        }
    }
    let [(_, input)] = inputs[..] else {
        return Err(several_inputs(&inputs.iter().map(|(name, _)| *name).collect::<Vec<_>>()));
    };
    if data.shape() == *input || data.shape() == [input.iter().product::<usize>()] {
        return Ok(());
    }
    let text = format!("A tick of the data has shape {:?}, the input {input:?}.", data.shape());
    Err(Box::new(Diagnostic::error("input-shape", "the spikes do not fit the network's input").text(text)))
}

/// A warning where there are outputs that nobody looks at.
fn others(network: &snn::Network, output: &str) -> Option<Diagnostic> {
    let names = network.nodes.iter().filter_map(|node| match &node.op {
        snn::Op::Output(op) if op.node != output => Some(format!("`{}`", op.node)),
        _ => None,
    });
    let names: Vec<String> = names.collect();
    let verb = if names.len() == 1 { "One is" } else { "Some are" };
    (!names.is_empty()).then(|| {
        Diagnostic::warning("several-outputs", "answers are read from one of several outputs")
            .at_node(output)
            .text(format!("{verb} not looked at: {}.", names.join(", ")))
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

fn table(report: &Report, front: &[Point], labelled: bool) -> String {
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
    if !front.is_empty() {
        text = format!("{}\n{text}", width_search::table(front));
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
