//! Between NIR graphs and the `snn` dialect.

pub mod dump;
pub mod export;
#[cfg(feature = "hdf5-c")]
pub mod hdf5_process;
pub mod import;
pub mod model_file;
pub mod source;
