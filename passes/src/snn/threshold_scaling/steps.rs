//! Which step the integers of each row of weights have.

use super::rows::{self, Rows, Weight};
use crate::{
    analysis::grid::{self, Grid},
    options::{Options, WeightCast, WeightRounding, WeightScale},
};
use s2c_dialects::diagnostic::Diagnostic;
use std::collections::BTreeMap;

/// Weights per step from which on a common grid can't be chance.
const EVIDENCE: usize = 3;

/// One step for all weights of the network, where the options ask for that; `threshold` gives that of a neuron of a
/// population, relative to which an error of the drive counts.
pub fn of_network(
    populations: &BTreeMap<usize, Rows<'_>>,
    threshold: &dyn Fn(usize, usize) -> f64,
    options: &Options,
) -> Option<f64> {
    if options.weight_scale != WeightScale::Network {
        return None;
    }
    let largest = || populations.values().all(Rows::largest_decides).then_some(100.0);
    if let Some(p) = percentile_of(options).or_else(largest) {
        return populations.values().filter_map(|rows| rows::percentile(&rows.all(), p)).reduce(f64::max);
    }
    let mut all = Vec::new();
    for (&population, rows) in populations {
        let threshold = |row: usize| threshold(population, row * rows.neurons);
        let importance = |row| if threshold(row) == 0.0 { 1.0 } else { threshold(row).powi(-2) };
        all.extend((0..rows.count).map(|row| (rows.row(row), importance(row))));
    }
    rows::least_error(&all)
}

/// The percentile that decides, if one does: truncation has no use for a step of least error.
fn percentile_of(options: &Options) -> Option<f64> {
    options.weight_percentile.or((options.weight_cast == WeightCast::Truncate).then_some(100.0))
}

/// The step of each row of a population, and what is to be told about it.
pub fn of_population(rows: &Rows<'_>, options: &Options) -> (Vec<Option<f64>>, Vec<Diagnostic>) {
    let is_layer = options.weight_scale == WeightScale::Layer;
    let each_row = |step: &dyn Fn(usize) -> Option<f64>| (0..rows.count).map(step).collect::<Vec<_>>();
    if let Some(p) = percentile_of(options) {
        let layer = rows::percentile(&rows.all(), p);
        let step = |row| if is_layer { layer } else { rows::percentile(&rows.row(row), p) };
        return (each_row(&step), Vec::new());
    }
    let all = rows.all();
    if let Some(grid) = rows::grid(&all, rows.bits(), true) {
        let notes = if all.len() >= EVIDENCE { vec![grid_kept(&[grid])] } else { Vec::new() };
        return (vec![Some(grid.step); rows.count], notes);
    }
    let mut notes = grid_lost(rows);
    let best = |weights: Vec<Weight>| match rows.largest_decides() {
        true => rows::percentile(&weights, 100.0),
        false => rows::least_error(&[(weights, 1.0)]),
    };
    if is_layer {
        let step = best(all);
        return (vec![step; rows.count], notes);
    }
    let mut grids = Vec::new();
    let is_compensated = options.weight_rounding == Some(WeightRounding::Compensated);
    let steps = match rows.lattices().filter(|_| is_compensated) {
        Some(lattices) => each_row(&|row| rows.least_compensated(row, &lattices)),
        None => each_row(&|row| best(rows.row(row))),
    };
    let steps = steps.into_iter().enumerate().map(|(row, step)| match rows::grid(&rows.row(row), rows.bits(), false) {
        Some(grid) => {
            grids.push(grid);
            Some(grid.step)
        }
        None => step,
    });
    let steps: Vec<Option<f64>> = steps.collect();
    if grids.len() == steps.iter().flatten().count() && all.len() >= EVIDENCE * grids.len() && !grids.is_empty() {
        notes = vec![grid_kept(&grids)];
    }
    (steps, notes)
}

/// The note of a grid that was found in all weights of a population.
fn grid_kept(grids: &[Grid]) -> Diagnostic {
    let levels = grids.iter().map(|grid| grid.levels).max().unwrap_or(0);
    let steps = || grids.iter().map(|grid| grid.step);
    let (low, high) = (steps().fold(f64::INFINITY, f64::min), steps().fold(0.0, f64::max));
    let scale = match grids.len() {
        1 => format!("one step, {low:e}"),
        count => format!("{count} steps, one per row, from {low:e} to {high:e}"),
    };
    Diagnostic::note("grid-kept", "the weights lie on a grid, which is kept exactly")
        .text(format!("Integers from -{levels} to {levels}; {scale}."))
}

/// The warning where weights lie on grids that can't be kept.
fn grid_lost(rows: &Rows<'_>) -> Vec<Diagnostic> {
    let found: Vec<Option<(Grid, u32)>> = rows
        .of_each_connection()
        .map(|(values, bits)| {
            // At most 8 bits: that finer grids fit many weights is no sign of a grid.
            let grid = grid::find(&values, 8).filter(|_| values.len() > 2 * EVIDENCE);
            Some((grid?, bits))
        })
        .collect();
    let Some(grids) = found.into_iter().collect::<Option<Vec<_>>>().filter(|grids| !grids.is_empty()) else {
        return Vec::new();
    };
    let steps: Vec<String> = grids.iter().map(|(grid, _)| format!("{:e} (to {})", grid.step, grid.levels)).collect();
    vec![
        Diagnostic::warning("grid-lost", "the weights lie on a grid that can't be kept")
            .text(format!(
                "The steps are {}; all weights into a population share one, and {} bits hold integers to {}.",
                steps.join(", "),
                rows.bits(),
                grid::largest(rows.bits())
            ))
            .hint("give more --weight-bits, or train with one step for all connections into the population"),
    ]
}

/// The warning where weights of exactly 0 are kept in one bit, which holds -1 and 1.
pub fn zeros_lost(rows: &Rows<'_>) -> Option<Diagnostic> {
    let signs = rows.of_each_connection().filter(|(_, bits)| *bits == 1);
    let (zeros, all) = signs.fold((0, 0), |(zeros, all), (values, _)| {
        (zeros + values.iter().filter(|&&value| value == 0.0).count(), all + values.len())
    });
    (zeros > 0).then(|| {
        Diagnostic::warning("zeros-lost", "weights of exactly 0 can't be kept in 1 bit")
            .text(format!("{zeros} of {all} weights are 0; they become 1, as a weight above 0 does."))
            .hint("give the connection 2 bits, `--weight-bits NODE=2`, which hold -1, 0 and 1")
    })
}

/// The warning where all weights of a row become 0 that are not all 0.
pub fn rows_lost(rows: &Rows<'_>, steps: &[Option<f64>], options: &Options) -> Option<Diagnostic> {
    let is_lost = |row: usize, step: f64| {
        let weights = rows.row(row);
        let vanishes = |weight: &Weight| weight.vanishes(step, options.weight_cast);
        weights.iter().all(vanishes) && weights.iter().any(|weight| !weight.is_zero())
    };
    let lost = steps.iter().enumerate().filter(|&(row, step)| step.is_some_and(|step| is_lost(row, step))).count();
    (lost > 0).then(|| {
        let title = format!("{lost} of {} rows of weights become 0", rows.count);
        Diagnostic::warning("weights-lost", title)
            .text("All weights into these neurons are less than half of the step that they share with larger ones.")
            .hint("give each neuron its own step, --weight-scale channel, or more --weight-bits")
    })
}
