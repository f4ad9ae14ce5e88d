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
    driver::Setup,
    frontend::source::Source,
    levels::Descent,
    sink::Quiet,
    tools::evaluation::{self, Level, Point, Readout, Subject, winner},
};
use s2c_dialects::{
    Context,
    diagnostic::{Diagnostic, Result},
    shown::shown,
};
use s2c_passes::analysis::moments::Calibration;
use std::{collections::BTreeMap, sync::Arc};

/// Widths that are tried, from the widest on.
const WIDTHS: [u32; 3] = [8, 4, 2];
/// Points that may be lost where neither limit is given.
const DEFAULT_LOSS: f64 = 1.0;
/// How often a bound may be wrong.
const DOUBT: f64 = 0.05;

/// Searches for bits per weight where the options ask for that, and puts them into the options; gives all that it tried.
///
/// # Errors
/// No recordings to compare on, and limits that no choice on the way keeps to.
pub fn settle<'c>(context: &'c Context, source: &Source<'c>, setup: &mut Setup<'_>) -> Result<Vec<Point>> {
    if !setup.options.search {
        return Ok(Vec::new());
    }
    let Some(samples) = setup.samples.clone() else {
        return Err(Box::new(
            Diagnostic::usage("bad-option", "`--weight-bits auto` has nothing to compare networks on")
                .at_option("weight-bits", "auto")
                .hint("give recordings with --calibrate"),
        ));
    };
    let limits = Limits { sram_bytes: setup.options.sram_budget, loss: setup.options.max_loss };
    let options = &mut setup.options;
    (options.search, options.sram_budget, options.max_loss) = (false, None, None);
    let count = samples.count;
    let (chosen, front) = Search { context, source, setup, samples }.run(limits)?;
    setup.options.weight_bits.of = chosen.bits;
    nothing_saved(&front, limits, count).iter().for_each(|note| setup.sink.diagnostic(note));
    Ok(front)
}

/// What the result has to keep to.
#[derive(Clone, Copy, Debug, Default)]
struct Limits {
    /// Most bytes of all PEs' SRAM together.
    sram_bytes: Option<u64>,
    /// Most points (per cent of all answers) that may change, as a bound at 95 %.
    loss: Option<f64>,
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

struct Search<'a, 'c, 's> {
    context: &'c Context,
    source: &'a Source<'c>,
    setup: &'a Setup<'s>,
    /// Recordings to compare on.
    samples: Arc<Samples>,
}

impl Search<'_, '_, '_> {
    /// The choice that keeps to the limits with the least memory, and all choices on the way, by falling memory.
    ///
    /// # Errors
    /// Limits that no choice on the way keeps to.
    fn run(&self, limits: Limits) -> Result<(Point, Vec<Point>)> {
        let most_lost = limits.most_lost();
        let (given, mut calibration) = (&self.setup.options.weight_bits.of, None);
        // Populations whose bits are given keep them.
        let searched: Vec<String> = self.populations()?.into_iter().filter(|node| !given.contains_key(node)).collect();
        let mut widest = given.clone();
        widest.extend(searched.iter().map(|node| (node.clone(), WIDTHS[0])));
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
            for node in &searched {
                let Some(next) = WIDTHS.into_iter().find(|width| *width < now.bits[node]) else { continue };
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
            None => Err(Box::new(out_of_reach(&front[front.len() - 1]))),
        }
    }

    fn populations(&self) -> Result<Vec<String>> {
        let setup = Setup { sink: &Quiet, ..self.setup.clone() };
        let network = Descent::begin(self.context, self.source, &setup)?.float()?;
        let neurons = network.nodes.iter().filter(|node| node.op.is_neuron());
        Ok(neurons.filter_map(|node| node.op.node().map(str::to_owned)).collect())
    }

    /// Compiles the model with some widths and compares it with the float network.
    fn trial(&self, bits: BTreeMap<String, u32>, calibration: &mut Option<Arc<Calibration>>) -> Result<Point> {
        let mut setup = Setup { sink: &Quiet, ..self.setup.clone() };
        setup.options.weight_bits.of = bits.clone();
        let mut descent = Descent::begin(self.context, self.source, &setup)?;
        descent.compile.session.calibration = calibration.clone();
        let (float, quantized) = (descent.float()?, descent.quantized()?);
        *calibration = descent.compile.session.calibration.clone();
        let sram_bytes = descent.binary()?.manifest.sram_bytes();
        let subject = Subject { quantized: Some(quantized), ..Subject::of(&float, Readout::default())? };
        let subject = Subject { float: Some(float), ..subject };
        let report = evaluation::evaluate_first(&subject, &self.samples.data, self.samples.count, &|| ())?;
        let answers = |level: Level| report.counts[level.name()].iter().map(|counts| winner(counts));
        let changed = answers(Level::Float).zip(answers(Level::Quantized)).filter(|(one, other)| one != other).count();
        Ok(Point {
            bits,
            sram_bytes,
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
fn nothing_saved(front: &[Point], limits: Limits, samples: usize) -> Option<Diagnostic> {
    let [only] = front else { return None };
    if let Some(most) = limits.most_lost().filter(|_| !limits.can_be_shown(samples)) {
        return Some(too_few_samples(most, samples));
    }
    let text = format!(
        "All populations keep {} bits: {} bytes of SRAM, where {:.2} % of the answers change. Each next step would change \
         more of them than the limit allows, or save no memory.",
        WIDTHS[0], only.sram_bytes, only.loss
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
