//! Accuracy and divergence over a data set: the same samples at several levels of the compile.

mod answer;
mod divergence;
pub mod plots;

use crate::{
    data::{Cell, DataSet, Train},
    tools::{
        machine::{Cost, Energy, Machine, Time, Wish},
        recording::{Quantity, Recording},
        spinnaker2::{self, Plan, Simulation},
    },
};
pub use answer::{Answer, Readout, winner};
pub use divergence::{Layer, TAU_TICKS};
use divergence::{State, Tally};
use rayon::prelude::*;
use s2c_backend::emit::Binary;
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    qsnn, snn,
};
use s2c_interp::{
    Interpreter,
    snn::{Precision, Snn},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// A level at which a network can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Level {
    /// The float interpreter.
    Float,
    /// The integer interpreter.
    Quantized,
    /// The machine code on the chip model.
    Chip,
    /// The hand-over to the vendor's programs.
    Spinnaker2,
}

impl Level {
    /// Its name on the command line, in reports and in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Quantized => "quantized",
            Self::Chip => "chip",
            Self::Spinnaker2 => "spinnaker2",
        }
    }
}

/// The network at all levels; those that are not wanted may be missing.
pub struct Subject {
    /// The float network.
    pub float: Option<snn::Network>,
    /// What neurons of the float network compute in.
    pub precision: Precision,
    /// The integer network.
    pub quantized: Option<qsnn::Network>,
    /// The machine code.
    pub binary: Option<Binary>,
    /// The hand-over to the vendor's programs.
    pub plan: Option<Plan>,
    /// Whether the input takes values instead of spikes.
    pub takes_values: bool,
    /// Names of the populations, in order.
    pub populations: Vec<String>,
    /// Name of the output.
    pub output: String,
    /// Number of outputs.
    pub outputs: usize,
    /// How the output's values become an answer; none where they are spikes, which are counted.
    pub readout: Option<Readout>,
}

/// A choice of widths and what it comes to.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// Bits per weight by population.
    pub bits: BTreeMap<String, u32>,
    /// SRAM of all PEs together.
    pub sram_bytes: u64,
    /// Points (per cent of the samples) whose answer is another than the float network's.
    pub loss: f64,
    /// How many points may be lost on other samples: a bound that holds at 95 %.
    pub most_lost: f64,
    /// Van Rossum distance of the output's spike trains, 1 = as far as silence.
    pub distance: f64,
}

impl Subject {
    /// What a float network says of itself; no level is there yet. Answers are read from the first output.
    ///
    /// # Errors
    /// A network without an output.
    pub fn of(network: &snn::Network, readout: Readout) -> Result<Self> {
        let populations = network.nodes.iter().filter(|node| node.op.is_neuron());
        let output = network.nodes.iter().find_map(|node| match &node.op {
            snn::Op::Output(op) => Some((op.node.clone(), node.inputs[0])),
            _ => None,
        });
        let (output, source) = output.ok_or_else(|| Diagnostic::error("no-input-or-output", "there is no output"))?;
        let result = network.result(source)?;
        Ok(Self {
            float: None,
            precision: Precision::Single,
            quantized: None,
            binary: None,
            plan: None,
            takes_values: network.takes_values(),
            populations: populations.filter_map(|node| node.op.node().map(str::to_owned)).collect(),
            output,
            outputs: result.len(),
            readout: (!result.element.is_spikes()).then_some(readout),
        })
    }
}

/// What an evaluation finds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// By level's name.
    pub levels: BTreeMap<&'static str, Score>,
    /// Float against integers, by population; empty where one of the two was not run.
    pub layers: Vec<Layer>,
    /// Time constant of the spike trains' distance, in ticks.
    pub tau_ticks: f64,
    /// How the output's values became an answer; none where spikes were counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readout: Option<&'static str>,
    /// What the machine code has cost; none where it was not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<ChipCost>,
    /// Output spike counts, or the readout of values, samples x outputs, by level's name.
    #[serde(skip)]
    pub counts: BTreeMap<&'static str, Vec<Vec<f64>>>,
}

/// Accuracy of a level; without labels only the number of samples is known.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Score {
    /// Samples whose label has the most output spikes, or the largest value, the first of several.
    pub correct: usize,
    /// Samples.
    pub total: usize,
    /// `correct / total`.
    pub accuracy: f64,
}

/// What the machine code has cost on the chip model.
#[derive(Clone, Debug, Serialize)]
pub struct ChipCost {
    /// Counts over all samples.
    pub total: Cost,
    /// Estimates of the energy of a sample, one per clock frequency of the target.
    pub energy_per_sample: Vec<Energy>,
}

/// What one sample gives.
#[derive(Clone, Default)]
struct Outcome {
    counts: BTreeMap<&'static str, Vec<f64>>,
    layers: Vec<Tally>,
    cost: Cost,
}

/// Runs all samples at the levels that the subject has, in parallel.
pub fn evaluate(subject: &Subject, data: &DataSet, done: &(dyn Fn() + Sync)) -> Result<Report> {
    evaluate_first(subject, data, data.len(), done)
}

/// Runs the first `count` samples.
pub fn evaluate_first(subject: &Subject, data: &DataSet, count: usize, done: &(dyn Fn() + Sync)) -> Result<Report> {
    let count = count.min(data.len());
    let outcomes: Vec<Outcome> = (0..count)
        .into_par_iter()
        .map_init(
            || Runner::new(subject),
            |runner, sample| {
                let runner = runner.as_mut().map_err(|error| error.clone())?;
                let outcome = match subject.takes_values {
                    true => runner.run(subject, [data.recording::<f32>(sample)?]),
                    false => runner.run(subject, [data.recording::<u16>(sample)?]),
                };
                done();
                outcome
            },
        )
        .collect::<Result<_>>()?;
    let readout = subject.readout.map(Readout::name);
    let mut report = Report { tau_ticks: TAU_TICKS, readout, ..Report::default() };
    let (mut tallies, mut total): (Vec<Tally>, Cost) = Default::default();
    for outcome in outcomes {
        total = total.and(outcome.cost);
        for (level, counts) in outcome.counts {
            report.counts.entry(level).or_default().push(counts);
        }
        if tallies.is_empty() {
            tallies = outcome.layers;
        } else {
            tallies.iter_mut().zip(outcome.layers).for_each(|(sum, tally)| sum.merge(tally));
        }
    }
    if let Some(network) = &subject.quantized {
        report.layers = tallies.into_iter().map(|tally| tally.finish(network)).collect::<Result<_>>()?;
    }
    report.cost = subject.binary.as_ref().map(|binary| {
        let mut energy_per_sample = total.energy(&binary.manifest);
        for energy in &mut energy_per_sample {
            energy.joules /= count.max(1) as f64;
            energy.busy_joules /= count.max(1) as f64;
        }
        ChipCost { total, energy_per_sample }
    });
    for (level, counts) in &report.counts {
        let labels = data.labels().unwrap_or_default();
        let correct = counts.iter().zip(labels).filter(|(counts, label)| winner(counts) == **label as usize).count();
        let score = Score { correct, total: counts.len(), accuracy: correct as f64 / counts.len().max(1) as f64 };
        report.levels.insert(level, score);
    }
    Ok(report)
}

/// One thread's copy of everything that runs.
struct Runner<'s> {
    float: Option<Snn>,
    quantized: Option<s2c_interp::qsnn::Qsnn>,
    machine: Option<Machine>,
    programs: Option<Simulation<'s>>,
}

impl<'s> Runner<'s> {
    fn new(subject: &'s Subject) -> Result<Self> {
        let float = |network| Snn::with_precision(network, subject.precision);
        Ok(Self {
            float: subject.float.as_ref().map(float).transpose()?,
            quantized: subject.quantized.as_ref().map(s2c_interp::qsnn::Qsnn::new).transpose()?,
            machine: subject.binary.clone().map(Machine::load).transpose()?,
            programs: subject.plan.as_ref().map(Simulation::new),
        })
    }

    fn run<T: Cell>(&mut self, subject: &Subject, input: [Train<T>; 1]) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        self.interpret(subject, &input, &mut outcome)?;
        if let Some(machine) = &mut self.machine {
            let wish = Wish { node: subject.output.clone(), quantity: Quantity::Spikes };
            let before = machine.cost();
            let recordings = machine.run_all(&input, &[wish], Time::Network)?;
            outcome.cost = machine.cost().since(before);
            let mut answer = Answer::new(subject.readout, subject.outputs);
            let numbers = recordings.first().map(Recording::numbers).unwrap_or_default();
            numbers.chunks_exact(subject.outputs.max(1)).for_each(|tick| answer.tick(tick));
            outcome.counts.insert(Level::Chip.name(), answer.finish());
        }
        if let (Some(programs), Some(plan)) = (&self.programs, &subject.plan) {
            let cells = input.iter().zip(plan.inputs()).map(|(train, (_, cell))| spinnaker2::cells(train, &cell.name));
            let raster = programs.run(&cells.collect::<Result<Vec<_>>>()?);
            let mut answer = Answer::new(subject.readout, subject.outputs);
            raster.output(plan, 0).iter().for_each(|tick| answer.tick(tick));
            outcome.counts.insert(Level::Spinnaker2.name(), answer.finish());
        }
        Ok(outcome)
    }

    /// Both interpreters side by side, compared in every cell.
    fn interpret<T: Cell>(&mut self, subject: &Subject, input: &[Train<T>; 1], outcome: &mut Outcome) -> Result<()> {
        let missing = |node: &str| Box::new(Diagnostic::bug("a population is not in the network").at_node(node));
        if let (Some(float), Some(_), Some(_)) = (&subject.float, &self.float, &self.quantized) {
            let tally = |node: &String| Tally::new(float, node).ok_or_else(|| missing(node));
            outcome.layers = subject.populations.iter().map(tally).collect::<Result<_>>()?;
        }
        let mut levels: Vec<(Level, &mut dyn Interpreter)> = Vec::new();
        levels.extend(self.float.as_mut().map(|float| (Level::Float, float as &mut dyn Interpreter)));
        levels.extend(self.quantized.as_mut().map(|quantized| (Level::Quantized, quantized as &mut dyn Interpreter)));
        let mut answers = vec![Answer::new(subject.readout, subject.outputs); levels.len()];
        levels.iter_mut().for_each(|(_, interpreter)| interpreter.reset());
        for tick in 0..input[0].ticks() {
            for ((_, interpreter), answer) in levels.iter_mut().zip(&mut answers) {
                T::step(&mut **interpreter, input, tick)?;
                let output = interpreter.find(&subject.output).ok_or_else(|| missing(&subject.output))?;
                answer.tick(&interpreter.values(output));
            }
            let [(_, float), (_, quantized)] = &levels[..] else { continue };
            for tally in &mut outcome.layers {
                let states = State::of(*float, &tally.node).zip(State::of(*quantized, &tally.node));
                let (float, quantized) = states.ok_or_else(|| missing(&tally.node))?;
                tally.tick(&float, &quantized);
            }
        }
        let levels = levels.iter().map(|(level, _)| level.name());
        outcome.counts.extend(levels.zip(answers.into_iter().map(Answer::finish)));
        Ok(())
    }
}
