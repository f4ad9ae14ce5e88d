//! Recordings: what nodes did in each tick, and the files they end up in.

use crate::{
    data::{NpyElement, SpikeTrain, write_csv, write_npy},
    tools::machine::Raster,
};
use ndarray::ArrayD;
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    shown,
};
use std::path::Path;

/// Spikes of a population that are kept for a picture.
const MOST_SHOWN: usize = 20_000;

/// What of a node is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// What its neurons hand on: spike counts, or values in volts.
    Spikes,
    /// Membranes after the tick, in volts.
    Membranes,
}

/// A node and the quantity: `NODE` for what it hands on, `NODE:v` for membranes. A node whose own name ends in `:v` wins.
pub fn parse(name: &str, exists: impl Fn(&str) -> bool) -> (&str, Quantity) {
    match name.strip_suffix(":v") {
        Some(node) if !exists(name) => (node, Quantity::Membranes),
        _ => (name, Quantity::Spikes),
    }
}

/// The diagnostic for a node that is not there.
pub fn unknown_node(name: &str, known: &[&str]) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::error("unknown-node", format!("nothing can be recorded of `{name}`"))
            .at_node(name)
            .text(format!("The network has the populations {}.", shown::list(known)))
            .hint("NODE records spikes, or the values of a node that has none; NODE:v records membranes"),
    )
}

/// One recorded quantity of one node: `ticks` x `shape`, zero where nothing was recorded.
#[derive(Clone, Debug, PartialEq)]
pub enum Recording {
    /// Spike counts.
    Spikes(Table<u16>),
    /// Volts that neurons hand on instead of spikes.
    Values(Table<f64>),
    /// Volts.
    Membranes(Table<f64>),
}

/// Values of all ticks, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Table<T> {
    /// Shape of one tick.
    pub shape: Vec<usize>,
    /// Values, `ticks` times the product of the shape.
    pub values: Vec<T>,
}

impl<T: Copy + Default> Table<T> {
    /// A table of zeros.
    pub fn new(ticks: usize, shape: Vec<usize>) -> Self {
        let width: usize = shape.iter().product();
        Self { shape, values: vec![T::default(); ticks * width] }
    }

    /// Values of one tick.
    pub fn row(&mut self, tick: usize) -> &mut [T] {
        let width: usize = self.shape.iter().product();
        &mut self.values[tick * width..(tick + 1) * width]
    }
}

impl Recording {
    /// The spikes one by one, at most `MOST_SHOWN` of them; `None` for volts.
    pub fn raster(&self, node: &str) -> Option<Raster> {
        let Self::Spikes(table) = self else { return None };
        let neurons: usize = table.shape.iter().product();
        let all = || {
            let cells = table.values.iter().enumerate().filter(|(_, count)| **count > 0);
            cells.map(|(cell, _)| (cell / neurons.max(1), cell % neurons.max(1)))
        };
        Some(Raster {
            node: node.to_owned(),
            neurons,
            ticks: table.values.len() / neurons.max(1),
            spikes: all().take(MOST_SHOWN).collect(),
            left_out: all().skip(MOST_SHOWN).count() as u64,
        })
    }

    /// A recording of zeros; `is_graded` says that the node hands on values instead of spikes.
    pub fn new(quantity: Quantity, is_graded: bool, ticks: usize, shape: Vec<usize>) -> Self {
        match quantity {
            Quantity::Spikes if is_graded => Self::Values(Table::new(ticks, shape)),
            Quantity::Spikes => Self::Spikes(Table::new(ticks, shape)),
            Quantity::Membranes => Self::Membranes(Table::new(ticks, shape)),
        }
    }

    /// Shape of one tick.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::Spikes(table) => &table.shape,
            Self::Values(table) | Self::Membranes(table) => &table.shape,
        }
    }

    /// All numbers, tick by tick.
    pub fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Spikes(table) => table.values.iter().map(|&count| count.into()).collect(),
            Self::Values(table) | Self::Membranes(table) => table.values.clone(),
        }
    }

    /// Writes an `.npy` file of ticks x shape: counts as `u1` (or `u2` where they need it), volts as `f8`; or, where the
    /// name ends so, a `.csv` file with a line per spike.
    pub fn write(self, file: &Path) -> Result<()> {
        let is_csv = file.extension().is_some_and(|ending| ending == "csv");
        match self {
            Self::Spikes(table) if is_csv => {
                let mut train = SpikeTrain::builder(&table.shape)?;
                let width: usize = table.shape.iter().product();
                table.values.chunks_exact(width.max(1)).for_each(|tick| train.push_tick(tick));
                write_csv(file, &train.finish())
            }
            Self::Values(_) | Self::Membranes(_) if is_csv => Err(Box::new(
                Diagnostic::error("not-spikes", "a `.csv` file holds spikes, not membranes").hint("use `.npy`"),
            )),
            Self::Values(table) | Self::Membranes(table) => write(file, &table.shape, table.values),
            Self::Spikes(table) => {
                match table.values.iter().map(|&count| u8::try_from(count)).collect::<std::result::Result<Vec<u8>, _>>()
                {
                    Ok(bytes) => write(file, &table.shape, bytes),
                    Err(_) => write(file, &table.shape, table.values),
                }
            }
        }
    }
}

impl Recording {
    /// Spikes of each neuron over all ticks; `None` for volts.
    pub fn totals(&self) -> Option<Vec<u64>> {
        let Self::Spikes(table) = self else { return None };
        let mut totals = vec![0; table.shape.iter().product()];
        for tick in table.values.chunks_exact(totals.len().max(1)) {
            totals.iter_mut().zip(tick).for_each(|(total, &count)| *total += u64::from(count));
        }
        Some(totals)
    }
}

fn write<T: NpyElement>(file: &Path, shape: &[usize], values: Vec<T>) -> Result<()> {
    let width: usize = shape.iter().product();
    let full: Vec<usize> = std::iter::once(values.len() / width.max(1)).chain(shape.iter().copied()).collect();
    let array = ArrayD::from_shape_vec(full, values).map_err(|error| Diagnostic::bug(error.to_string()))?;
    write_npy(file, &array)
}
