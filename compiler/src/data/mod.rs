//! Data files: spike trains in, recordings out.
//!
//! | form | what it holds |
//! |---|---|
//! | `.npy` | one array, time × neurons or time × channels × height × width (with a leading axis of samples for a data set); whole numbers are spike counts |
//! | `.npz` | arrays by name: `spikes`, or `spikes_packed` with `shape` (as `numpy.packbits` packs); `labels` |
//! | `.nir`, `.h5` | NIR data, as `nir.write_data` writes it: samples × time × neurons by `NODE/OBSERVABLE` |
//! | `.csv` | one line `tick,neuron` per spike, with or without a heading |
//!
//! Everything that is read becomes a [`Train`]: per tick the neurons that spike, which is what event-driven code wants,
//! or for inputs of real values, those that are not 0.

mod csv;
mod dataset;
mod element;
mod header;
mod nir_data;
mod npy;
mod npz;
mod packed;
mod spikes;
#[cfg(test)]
mod tests;

pub use csv::{read_csv, write_csv};
pub use dataset::{DataSet, Layout, several_inputs};
pub use npy::{NpyElement, npy_bytes, write_npy};
pub use npz::{Npz, npz_bytes, write_npz};
pub use spikes::{Cell, Event, SpikeTrain, Train, TrainBuilder, ValueTrain};

use s2c_dialects::diagnostic::Result;
use std::path::Path;

/// Reads one recording from a file of any form; `array` picks an array of an `.npz`.
pub fn read<T: Cell>(path: &Path, array: Option<&str>) -> Result<Train<T>> {
    DataSet::open(path, array, Layout::OneSample)?.recording(0)
}

/// As [`read`], for a population of so many neurons: a list of spikes (`.csv`) doesn't tell of those behind the last that
/// spikes.
pub fn read_at_least<T: Cell>(path: &Path, array: Option<&str>, neurons: usize) -> Result<Train<T>> {
    let mut set = DataSet::open(path, array, Layout::OneSample)?;
    set.widen(neurons);
    set.recording(0)
}

/// As [`read`], spikes.
pub fn read_spikes(path: &Path, array: Option<&str>) -> Result<SpikeTrain> {
    read(path, array)
}
