//! Accuracy and divergence over a data set: the same samples at several levels of the compile.

use crate::{
    data::{DataSet, SpikeTrain},
    emit::Binary,
    machine::{Machine, Time, Wish},
    recording::{Quantity, Recording},
};
use rayon::prelude::*;
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    qsnn, snn,
};
use s2c_interp::Interpreter;
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
}

impl Level {
    /// Its name on the command line, in reports and in file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Quantized => "quantized",
            Self::Chip => "chip",
        }
    }
}

/// The network at all levels; those that are not wanted may be missing.
pub struct Subject {
    /// The float network.
    pub float: Option<snn::Network>,
    /// The integer network.
    pub quantized: Option<qsnn::Network>,
    /// The machine code.
    pub binary: Option<Binary>,
    /// Names of the populations, in order.
    pub populations: Vec<String>,
    /// Name of the output.
    pub output: String,
    /// Number of outputs.
    pub outputs: usize,
}

/// What an evaluation finds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// By level's name.
    pub levels: BTreeMap<&'static str, Score>,
    /// Float against integers, by population.
    pub layers: Vec<Layer>,
    /// Output spike counts, samples x outputs, by level's name.
    #[serde(skip)]
    pub counts: BTreeMap<&'static str, Vec<Vec<u32>>>,
}

/// Accuracy of a level; without labels only the number of samples is known.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Score {
    /// Samples whose label has the most output spikes, the first of several.
    pub correct: usize,
    /// Samples.
    pub total: usize,
    /// `correct / total`.
    pub accuracy: f64,
}

/// How far the integer network is from the float one in a population, over all samples.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Layer {
    /// NIR node.
    pub node: String,
    /// Cells: neurons x ticks x samples.
    pub cells: u64,
    /// Spikes of the float network.
    pub float_spikes: u64,
    /// Spikes of the integer network.
    pub quantized_spikes: u64,
    /// Cells in which the two differ.
    pub differing: u64,
}

/// What one sample gives.
#[derive(Clone, Default)]
struct Outcome {
    counts: BTreeMap<&'static str, Vec<u32>>,
    layers: Vec<Layer>,
}

/// Runs all samples at the levels that the subject has, in parallel.
pub fn evaluate(subject: &Subject, data: &DataSet, done: &(dyn Fn() + Sync)) -> Result<Report> {
    let outcomes: Vec<Outcome> = (0..data.len())
        .into_par_iter()
        .map_init(
            || Runner::new(subject),
            |runner, sample| {
                let runner = runner.as_mut().map_err(|error| error.clone())?;
                let outcome = runner.run(subject, &data.sample(sample)?);
                done();
                outcome
            },
        )
        .collect::<Result<_>>()?;
    let mut report = Report::default();
    for outcome in outcomes {
        for (level, counts) in outcome.counts {
            report.counts.entry(level).or_default().push(counts);
        }
        if report.layers.is_empty() {
            report.layers = outcome.layers;
        } else {
            for (sum, layer) in report.layers.iter_mut().zip(outcome.layers) {
                sum.cells += layer.cells;
                sum.float_spikes += layer.float_spikes;
                sum.quantized_spikes += layer.quantized_spikes;
                sum.differing += layer.differing;
            }
        }
    }
    for (level, counts) in &report.counts {
        let labels = data.labels().unwrap_or_default();
        let correct = counts.iter().zip(labels).filter(|(counts, label)| winner(counts) == **label as usize).count();
        let score = Score { correct, total: counts.len(), accuracy: correct as f64 / counts.len().max(1) as f64 };
        report.levels.insert(level, score);
    }
    Ok(report)
}

/// The first of the largest counts.
fn winner(counts: &[u32]) -> usize {
    (0..counts.len()).rev().max_by_key(|&index| counts[index]).unwrap_or(0)
}

/// One thread's copy of everything that runs.
struct Runner {
    float: Option<s2c_interp::snn::Snn>,
    quantized: Option<s2c_interp::qsnn::Qsnn>,
    machine: Option<Machine>,
}

impl Runner {
    fn new(subject: &Subject) -> Result<Self> {
        Ok(Self {
            float: subject.float.as_ref().map(s2c_interp::snn::Snn::new).transpose()?,
            quantized: subject.quantized.as_ref().map(s2c_interp::qsnn::Qsnn::new).transpose()?,
            machine: subject.binary.clone().map(Machine::load).transpose()?,
        })
    }

    fn run(&mut self, subject: &Subject, input: &SpikeTrain) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        self.interpret(subject, input, &mut outcome)?;
        if let Some(machine) = &mut self.machine {
            let wish = Wish { node: subject.output.clone(), quantity: Quantity::Spikes };
            let recordings = machine.run(input, &[wish], Time::Network)?;
            if let Some(Recording::Spikes(table)) = recordings.first() {
                let mut counts = vec![0; subject.outputs];
                for row in table.values.chunks_exact(subject.outputs.max(1)) {
                    counts.iter_mut().zip(row).for_each(|(sum, &count)| *sum += u32::from(count));
                }
                outcome.counts.insert(Level::Chip.name(), counts);
            }
        }
        Ok(outcome)
    }

    /// Both interpreters side by side, compared in every cell.
    fn interpret(&mut self, subject: &Subject, input: &SpikeTrain, outcome: &mut Outcome) -> Result<()> {
        let mut interpreters: Vec<(Level, &mut dyn Interpreter)> = Vec::new();
        if let Some(float) = &mut self.float {
            interpreters.push((Level::Float, float));
        }
        if let Some(quantized) = &mut self.quantized {
            interpreters.push((Level::Quantized, quantized));
        }
        let missing = |node: &str| Box::new(Diagnostic::bug("a population is not in the network").at_node(node));
        for (level, interpreter) in &mut interpreters {
            interpreter.reset();
            outcome.counts.insert(level.name(), vec![0; subject.outputs]);
        }
        let compare = interpreters.len() == 2;
        if compare {
            outcome.layers =
                subject.populations.iter().map(|node| Layer { node: node.clone(), ..Layer::default() }).collect();
        }
        let mut counts = vec![0; input.neurons() as usize];
        for tick in 0..input.ticks() {
            counts.fill(0);
            input.events_at(tick).iter().for_each(|&(neuron, count)| counts[neuron as usize] = count);
            for (level, interpreter) in &mut interpreters {
                interpreter.step(&[&counts])?;
                let output = interpreter.find(&subject.output).ok_or_else(|| missing(&subject.output))?;
                let spikes = interpreter.spikes(output);
                if let Some(sums) = outcome.counts.get_mut(level.name()) {
                    sums.iter_mut().zip(spikes).for_each(|(sum, count)| *sum += u32::from(count));
                }
            }
            if !compare {
                continue;
            }
            for layer in &mut outcome.layers {
                let spikes = |interpreter: &dyn Interpreter| {
                    interpreter
                        .find(&layer.node)
                        .map(|index| interpreter.spikes(index))
                        .ok_or_else(|| missing(&layer.node))
                };
                let (float, quantized) = (spikes(interpreters[0].1)?, spikes(interpreters[1].1)?);
                layer.cells += float.len() as u64;
                layer.float_spikes += float.iter().map(|&count| u64::from(count)).sum::<u64>();
                layer.quantized_spikes += quantized.iter().map(|&count| u64::from(count)).sum::<u64>();
                layer.differing += float.iter().zip(&quantized).filter(|(a, b)| a != b).count() as u64;
            }
        }
        Ok(())
    }
}
