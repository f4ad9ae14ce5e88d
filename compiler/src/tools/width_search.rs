//! The search for bits per weight, population by population: from 8 bits everywhere down to 4 and 2, each time where it
//! costs least per byte that it saves, on calibration data.
//!
//! The cost is that of the integer network against the float one: samples whose answer changes (labels are not used), and
//! the van Rossum distance of the output's spike trains, which says more on few samples and decides where to go next.
//! What is promised is a bound: the largest share of changed answers that such samples leave possible at 95 %. Where no
//! answer at all may be seen to change for a limit to hold, and there are too few samples even for that, 8 bits are kept.
//! Source: Clopper and Pearson, Biometrika 26, 1934, for the bound (3 / n where none of n changed); in the spirit of Putra and Shafique, Q-SpiNN, IJCNN 2021, which trades accuracy against memory by a reward.

use crate::{
    calibration::Samples,
    driver::{self, Compile, Wishes},
    tools::evaluation::{self, Level, Point, Readout, Subject, winner},
};
use s2c_dialects::{
    Context,
    diagnostic::{Diagnostic, Result},
    qsnn,
    shown::shown,
    snn,
};
use s2c_interp::snn::Precision;
use s2c_passes::{analysis::moments::Calibration, options::Options, session::Phase, target::Target};
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// Widths that are tried, from the widest on.
const WIDTHS: [u32; 3] = [8, 4, 2];
/// Points that may be lost where neither limit is given.
const DEFAULT_LOSS: f64 = 1.0;
/// How often a bound may be wrong.
const DOUBT: f64 = 0.05;

/// What the result has to keep to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Most bytes of all PEs' SRAM together.
    pub sram_bytes: Option<u64>,
    /// Most points (per cent of all answers) that may change, as a bound at 95 %.
    pub loss: Option<f64>,
}

impl Limits {
    /// The most points that may be lost, where that is limited.
    fn most_lost(&self) -> Option<f64> {
        self.loss.or(self.sram_bytes.is_none().then_some(DEFAULT_LOSS))
    }

    /// Whether so many samples can show that a choice keeps to the limits.
    fn can_be_shown(&self, samples: usize) -> bool {
        self.most_lost().is_none_or(|most| 100.0 * largest_share(0, samples) <= most)
    }
}

/// The largest share of changed answers with which no more than `changed` of `samples` changing is not unlikely.
fn largest_share(changed: usize, samples: usize) -> f64 {
    if changed >= samples {
        return 1.0;
    }
    let (n, mut low, mut high) = (samples as f64, changed as f64 / samples as f64, 1.0);
    // P(at most `changed` of n change), which falls as the share grows.
    let chance = |share: f64| {
        let mut term = n * f64::ln_1p(-share);
        let mut sum = term.exp();
        for k in 0..changed {
            term += ((n - k as f64) / (k as f64 + 1.0) * share / (1.0 - share)).ln();
            sum += term.exp();
        }
        sum
    };
    for _ in 0..60 {
        let share = f64::midpoint(low, high);
        if chance(share) > DOUBT { low = share } else { high = share }
    }
    high
}

/// The model whose widths are searched for.
pub struct Search<'a> {
    /// The context of all modules.
    pub context: &'a Context,
    /// NIR model.
    pub model: &'a Path,
    /// Its options; bits are added to them.
    pub options: &'a Options,
    /// The machine.
    pub target: &'a Target,
    /// Recordings to compare on.
    pub samples: &'a Arc<Samples>,
}

impl Search<'_> {
    /// The choice that keeps to the limits with the least memory, and all choices on the way, by falling memory.
    ///
    /// # Errors
    /// A memory that no choice on the way keeps to.
    pub fn run(&self, limits: Limits) -> Result<(Point, Vec<Point>)> {
        let most_lost = limits.most_lost();
        let (populations, mut calibration) = (self.populations()?, None);
        let widest = populations.into_iter().map(|node| (node, WIDTHS[0])).collect();
        let mut front = vec![self.trial(widest, &mut calibration)?];
        let fits = |point: &Point| limits.sram_bytes.is_none_or(|most| point.sram_bytes <= most);
        if !limits.can_be_shown(self.samples.count) && fits(&front[0]) {
            return Ok((front[0].clone(), front));
        }
        loop {
            let now = front[front.len() - 1].clone();
            if limits.sram_bytes.is_some() && fits(&now) {
                break;
            }
            let mut best: Option<(f64, Point)> = None;
            for (node, bits) in &now.bits {
                let Some(next) = WIDTHS.into_iter().find(|width| width < bits) else { continue };
                let mut bits = now.bits.clone();
                bits.insert(node.clone(), next);
                let point = self.trial(bits, &mut calibration)?;
                let saved = now.sram_bytes as f64 - point.sram_bytes as f64;
                if saved <= 0.0 || most_lost.is_some_and(|most| point.most_lost > most) {
                    continue;
                }
                let cost = (point.distance - now.distance) / saved;
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, point));
                }
            }
            match best {
                Some((_, point)) => front.push(point),
                None => break,
            }
        }
        let keeps = |point: &&Point| fits(point) && most_lost.is_none_or(|most| point.most_lost <= most);
        match front.iter().rev().find(keeps) {
            Some(point) => Ok((point.clone(), front)),
            // Nothing is promised then, and 8 bits are what a compile without a search has.
            None if fits(&front[0]) => Ok((front[0].clone(), vec![front[0].clone()])),
            None => Err(Box::new(out_of_reach(&front[front.len() - 1]))),
        }
    }

    fn populations(&self) -> Result<Vec<String>> {
        let start = Compile::start(self.context, self.model, self.options)?;
        let network = snn::Network::read(&start.module)?;
        let neurons = network.nodes.iter().filter(|node| node.op.is_neuron());
        Ok(neurons.filter_map(|node| node.op.node().map(str::to_owned)).collect())
    }

    /// Compiles the model with some widths and compares it with the float network.
    fn trial(&self, bits: BTreeMap<String, u32>, calibration: &mut Option<Arc<Calibration>>) -> Result<Point> {
        let options = Options { node_bits: bits.clone(), ..self.options.clone() };
        let mut start = Compile::start(self.context, self.model, &options)?;
        start.calibration = calibration.clone();
        let discretization = s2c_passes::find("discretization").into_iter();
        let discretized = start.run(self.context, self.target, discretization, &Wishes::default())?;
        let float = snn::Network::read(&discretized.module)?;
        let (mut output, mut outputs, mut readout) = (String::new(), 0, None);
        for node in &float.nodes {
            if let snn::Op::Output(op) = &node.op {
                let result = float.result(node.inputs[0])?;
                readout = (!result.element.is_spikes()).then_some(Readout::default());
                (output, outputs) = (op.node.clone(), result.len());
            }
        }
        let calibrate = Some(self.samples.clone());
        let until_qsnn = Wishes { stop_after: Some(Phase::Qsnn), calibrate, ..Wishes::default() };
        let passes = driver::remaining(&discretized.module)?;
        let integers = discretized.run(self.context, self.target, passes, &until_qsnn)?;
        *calibration = integers.calibration.clone();
        let quantized = qsnn::Network::read(&integers.module)?;
        let passes = driver::remaining(&integers.module)?;
        let mut finished = integers.run(self.context, self.target, passes, &Wishes::default())?;
        let binary = finished.binary(self.target)?;
        let neurons = float.nodes.iter().filter(|node| node.op.is_neuron());
        let subject = Subject {
            populations: neurons.filter_map(|node| node.op.node().map(str::to_owned)).collect(),
            takes_values: float.takes_values(),
            float: Some(float),
            precision: Precision::Single,
            quantized: Some(quantized),
            binary: None,
            plan: None,
            output,
            outputs,
            readout,
        };
        let report = evaluation::evaluate_first(&subject, &self.samples.data, self.samples.count, &|| ())?;
        let answers = |level: Level| report.counts[level.name()].iter().map(|counts| winner(counts));
        let changed = answers(Level::Float).zip(answers(Level::Quantized)).filter(|(one, other)| one != other).count();
        Ok(Point {
            bits,
            sram_bytes: binary.manifest.sram_bytes(),
            loss: 100.0 * changed as f64 / self.samples.count as f64,
            most_lost: 100.0 * largest_share(changed, self.samples.count),
            distance: report.layers.last().map_or(0.0, |layer| layer.distance),
        })
    }
}

fn out_of_reach(least: &Point) -> Diagnostic {
    Diagnostic::error("limits-out-of-reach", "no widths keep to the limits")
        .text(format!(
            "The least memory that was reached is {} bytes, where {:.2} % of the answers change on the samples, and up to \
             {:.2} % may on others.",
            least.sram_bytes, least.loss, least.most_lost
        ))
        .hint("give a larger --sram-budget or --max-loss, or train with quantized weights")
}

/// What to tell the user where the search ended where it began; `samples` is how many there were.
pub fn nothing_saved(front: &[Point], limits: Limits, samples: usize) -> Option<Diagnostic> {
    let [only] = front else { return None };
    if let Some(most) = limits.most_lost().filter(|_| !limits.can_be_shown(samples)) {
        return Some(too_few_samples(most, samples));
    }
    let text = format!(
        "All populations keep {} bits: {} bytes of SRAM, where {:.2} % of the answers change, and up to {:.2} % may on other \
         samples (at 95 %). Each next step may change more of them than the limit allows, or saves no memory.",
        WIDTHS[0], only.sram_bytes, only.loss, only.most_lost
    );
    Some(
        Diagnostic::warning("no-narrower-widths", "the search found no narrower weights that are worth it")
            .text(text)
            .hint("give a larger --max-loss, more --calibrate-samples, or compile with -O2, where narrow rows may save PEs"),
    )
}

/// The warning where samples can't show what they are asked for.
fn too_few_samples(most: f64, samples: usize) -> Diagnostic {
    let needed = (DOUBT.ln() / f64::ln_1p(-most / 100.0)).ceil();
    let needed = match needed.is_finite() {
        true => format!("At least {needed} samples are needed for --max-loss {most}."),
        false => "No number of samples shows that nothing ever changes.".to_owned(),
    };
    let possible = 100.0 * largest_share(0, samples);
    Diagnostic::warning("too-few-samples", "too few samples to choose widths by, so that 8 bits are kept")
        .text(format!(
            "Where none of {samples} answers changes, up to {possible:.1} % of all others may (at 95 %). {needed}"
        ))
        .hint("give more --calibrate-samples, or a larger --max-loss")
}

/// The choices as a table, one line each: bytes, answers that changed on the samples, and how many may on others (at 95 %).
pub fn table(front: &[Point]) -> String {
    let mut text = format!("{:>12} {:>12} {:>12} {:>9}  bits\n", "SRAM bytes", "changed", "at most", "distance");
    for point in front {
        let bits: Vec<String> = point.bits.iter().map(|(node, bits)| format!("{node}={bits}")).collect();
        text.push_str(&format!(
            "{:>12} {:>10.2} % {:>10.2} % {:>9.4}  {}\n",
            point.sram_bytes,
            point.loss,
            point.most_lost,
            point.distance,
            shown(&bits.join(" "))
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_clopper_and_pearson() {
        // One-sided bounds at 95 %, from tables of the binomial distribution.
        for (changed, samples, bound) in
            [(0, 299, 0.009_969), (0, 64, 0.045_73), (1, 100, 0.046_56), (5, 100, 0.102_25)]
        {
            let found = largest_share(changed, samples);
            assert!((found / bound - 1.0).abs() < 2e-3, "{changed} of {samples}: {found}");
        }
        assert_eq!((largest_share(3, 3), largest_share(0, 0)), (1.0, 1.0));
    }

    #[test]
    fn the_rule_of_three_says_how_many_samples_a_limit_needs() {
        let limits = Limits::default();
        assert!(limits.can_be_shown(299) && !limits.can_be_shown(298) && !limits.can_be_shown(64));
        assert!(too_few_samples(1.0, 64).text.contains("At least 299 samples"), "{}", too_few_samples(1.0, 64).text);
        assert!(Limits { loss: None, sram_bytes: Some(1) }.can_be_shown(1));
        assert!(!Limits { loss: Some(0.0), sram_bytes: None }.can_be_shown(1_000_000));
    }
}
