//! Data files: spike trains in, recordings out.
//!
//! | form | what it holds |
//! |---|---|
//! | `.npy` | one array, time × neurons or time × channels × height × width (with a leading axis of samples for a data set); whole numbers are spike counts |
//! | `.npz` | arrays by name: `spikes`, or `spikes_packed` with `shape` (as `numpy.packbits` packs); `labels` |
//! | `.csv` | one line `tick,neuron` per spike, with or without a heading |
//!
//! Everything that is read becomes a [`SpikeTrain`]: per tick the neurons that spike, which is what event-driven code
//! wants. Analog data is read with [`read_f32`]. Files are written beside their place and then moved there.

mod csv;
mod dataset;
mod element;
mod header;
mod npy;
mod npz;
mod packed;
mod replace;
mod spikes;
#[cfg(test)]
mod tests;

pub use csv::{read_csv, write_csv};
pub use dataset::{DataSet, Layout};
pub use npy::{NpyElement, npy_bytes, read_f32, write_npy};
pub use npz::{Npz, write_npz};
pub use replace::replace_file;
pub use spikes::{Event, SpikeTrain, SpikeTrainBuilder};

use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::path::Path;

/// Reads one recording from a file of any form; `array` picks an array of an `.npz`.
pub fn read_spikes(path: &Path, array: Option<&str>) -> Result<SpikeTrain> {
    DataSet::open(path, array, Layout::OneSample)?.sample(0)
}

/// The whole file as bytes.
fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        let shown = path.display();
        match error.kind() {
            std::io::ErrorKind::NotFound => {
                Diagnostic::error("file-not-found", format!("the file `{shown}` does not exist"))
                    .hint("check the path of the data")
                    .into()
            }
            _ => Diagnostic::error("file-unreadable", format!("the file `{shown}` cannot be read"))
                .text(format!("{error}."))
                .into(),
        }
    })
}
