//! `s2c faults`.

use crate::{
    cli::{output, table},
    data::{DataSet, Layout},
    files,
    tools::faults::{self, Campaign, Kind, Outcome},
};
use clap::Args;
use indicatif::ProgressBar;
use s2c_backend::emit::Binary;
use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::path::PathBuf;

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// A binary, as `s2c compile` makes it.
    pub(crate) binary: PathBuf,
    /// Samples with labels: `.npz` with `spikes` (or `spikes_packed` and `shape`) and `labels`.
    #[arg(long)]
    data: PathBuf,
    /// Array of an `.npz` file.
    #[arg(long, value_name = "NAME")]
    input_array: Option<String>,
    /// Kinds of faults.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["weights", "state", "tables", "code", "drop", "duplicate", "late", "dead"])]
    kinds: Vec<Kind>,
    /// Rates: per bit (of state also per tick), per packet, per PE.
    #[arg(long, value_delimiter = ',', default_values_t = [0.0, 1e-4, 1e-3, 1e-2])]
    rates: Vec<f64>,
    /// Runs with different faults per kind and rate.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// Seed of the first run; the same seed gives the same faults.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Samples of the data set, from the first on.
    #[arg(long, default_value_t = 100)]
    samples: usize,
    /// Where all outcomes go, as JSON.
    #[arg(short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Where a plot of accuracy against rate goes, as SVG.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    if let Some(rate) = arguments.rates.iter().find(|rate| !(0.0..=1.0).contains(*rate)) {
        return Err(Box::new(
            Diagnostic::usage("bad-option", format!("the rate {rate} is not a probability"))
                .at_option("rates", rate.to_string())
                .hint("rates are from 0 to 1"),
        ));
    }
    let name = arguments.binary.display().to_string();
    let binary = Binary::from_bytes(&files::read(&arguments.binary)?, &name)?;
    let data = DataSet::open(&arguments.data, arguments.input_array.as_deref(), Layout::Samples)?;
    let Arguments { kinds, rates, runs, seed, samples, .. } = arguments;
    let campaign = Campaign { kinds: kinds.clone(), rates: rates.clone(), runs: *runs, seed: *seed, samples: *samples };
    let bar = ProgressBar::new((kinds.len() * rates.len()) as u64 * runs);
    let outcomes = faults::run(&binary, &data, &campaign, &|| bar.inc(1))?;
    bar.finish_and_clear();
    if let Some(file) = &arguments.output {
        let json = serde_json::to_vec_pretty(&outcomes).map_err(|error| Diagnostic::bug(error.to_string()))?;
        files::write(file, &json)?;
    }
    if let Some(file) = &arguments.plot {
        files::write(file, plot(&campaign, &outcomes).as_bytes())?;
    }
    output::print(&summary(&campaign, &outcomes))
}

/// Least, mean and best accuracy of the runs of a kind and rate, and samples that stopped.
fn of_runs(outcomes: &[Outcome], kind: Kind, rate: f64) -> ([f64; 3], usize) {
    let mine: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.kind == kind && outcome.rate == rate).collect();
    let scores: Vec<f64> = mine.iter().map(|outcome| outcome.accuracy()).collect();
    let least = scores.iter().copied().fold(1.0, f64::min);
    let best = scores.iter().copied().fold(0.0, f64::max);
    let mean = scores.iter().sum::<f64>() / scores.len().max(1) as f64;
    ([least, mean, best], mine.iter().map(|outcome| outcome.stopped).sum())
}

fn summary(campaign: &Campaign, outcomes: &[Outcome]) -> String {
    let head = ["faults", "rate", "least", "mean", "best", "stopped"].map(str::to_owned).to_vec();
    let mut rows = vec![head];
    for &kind in &campaign.kinds {
        for &rate in &campaign.rates {
            let (scores, stopped) = of_runs(outcomes, kind, rate);
            let mut row = vec![kind.name().to_owned(), format!("{rate}")];
            row.extend(scores.iter().map(|score| format!("{:.2}%", 100.0 * score)));
            row.push(stopped.to_string());
            rows.push(row);
        }
    }
    table::columns(&rows)
}

/// Mean accuracy against rate, a line per kind; rates on a logarithmic axis, 0 at its left end.
fn plot(campaign: &Campaign, outcomes: &[Outcome]) -> String {
    const COLOURS: [&str; 8] = ["#0b5cad", "#c2410c", "#15803d", "#7e22ce", "#b91c1c", "#0e7490", "#a16207", "#475569"];
    const DASHES: [&str; 8] = ["", "6 3", "2 3", "8 3 2 3", "", "6 3", "2 3", "8 3 2 3"];
    let mut rates = campaign.rates.clone();
    rates.sort_by(f64::total_cmp);
    let lowest = rates.iter().copied().find(|&rate| rate > 0.0).unwrap_or(1.0).log10();
    let highest = rates.last().copied().filter(|&rate| rate > 0.0).unwrap_or(1.0).log10();
    let span = (highest - lowest).max(1e-9);
    let x = |rate: f64| if rate > 0.0 { 130.0 + 380.0 * (rate.log10() - lowest) / span } else { 70.0 };
    let y = |accuracy: f64| 20.0 + 300.0 * (1.0 - accuracy);
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"680\" height=\"390\" viewBox=\"0 0 680 390\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"680\" height=\"390\" fill=\"white\"/>\n",
    );
    for percent in (0..=100).step_by(20) {
        let at = y(f64::from(percent) / 100.0);
        svg.push_str(&format!(
            "<path d=\"M60 {at}H520\" stroke=\"#ddd\"/><text x=\"52\" y=\"{}\" text-anchor=\"end\">{percent}%</text>\n",
            at + 4.0
        ));
    }
    for &rate in &rates {
        svg.push_str(&format!("<text x=\"{:.1}\" y=\"340\" text-anchor=\"middle\">{rate:e}</text>\n", x(rate)));
    }
    svg.push_str("<text x=\"290\" y=\"368\" text-anchor=\"middle\">fault rate</text>\n");
    for (index, &kind) in campaign.kinds.iter().enumerate() {
        let (colour, dash) = (COLOURS[index % COLOURS.len()], DASHES[index % DASHES.len()]);
        let points: Vec<String> =
            rates.iter().map(|&rate| format!("{:.1},{:.1}", x(rate), y(of_runs(outcomes, kind, rate).0[1]))).collect();
        let label = 36.0 + 18.0 * index as f64;
        svg.push_str(&format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dash}\"/>\
             <path d=\"M535 {label}h30\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dash}\"/>\
             <text x=\"572\" y=\"{}\">{}</text>\n",
            points.join(" "),
            label + 4.0,
            kind.name()
        ));
    }
    svg.push_str("</svg>\n");
    svg
}
