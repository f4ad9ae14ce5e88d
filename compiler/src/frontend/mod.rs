//! Between NIR graphs and the `snn` dialect.

pub mod export;
pub mod import;
pub mod model_file;
