//! Reading and writing NIR files, the models that `s2c` compiles.
//!
//! A NIR file is HDF5: a tree of named groups (nodes) whose datasets are the fields of a primitive, and a list of edges.
//! This module turns it into plain structs and back, and says nothing about time steps, reset rules or hardware.
//! It rejects what is not NIR or contradicts itself; everything else is read as it stands.
//!
//! | step | where |
//! |---|---|
//! | HDF5 to an untyped tree, with limits on sizes | `file`, `limits` |
//! | the same by the C library, in a process of its own | `last_resort`, `c_library`, `stream` |
//! | tree to [`Graph`], defaults and repairs noted | `decode`, `fields`, `repair` |
//! | one primitive: equation, fields, checks, shape rule | [`linear`], [`conv`], [`pool`], [`neuron`], [`signal`], [`port`] |
//! | subgraphs dissolved into their parent | [`Graph::flatten`] |
//! | shapes of all nodes | [`infer_shapes`] |
//! | [`Graph`] to HDF5 | [`write()`] |
//!
//! What the file left open and what had to be assumed is never dropped: [`Model::notes`] and [`Model::warnings`].

pub mod conv;
pub mod linear;
pub mod neuron;
pub mod pool;
pub mod port;
pub mod signal;

mod array;
#[cfg(feature = "hdf5-c")]
mod c_library;
mod data;
mod decode;
mod fields;
mod file;
mod graph;
mod grid;
mod inline;
mod last_resort;
mod limits;
mod listing;
mod model;
mod node;
mod notes;
mod primitive;
mod raw;
mod repair;
mod shapes;
mod stream;
#[cfg(feature = "hdf5-c")]
mod stream_writer;
#[cfg(test)]
mod tests;
mod window;
mod write;

pub use array::{broadcast, broadcast_shape};
#[cfg(feature = "hdf5-c")]
pub use c_library::write_arrays;
pub use data::{Observed, read_data};
pub use last_resort::LastResort;
pub use limits::largest_content;
pub use listing::{Listing, listing};
pub use model::{Choices, Model};
pub use node::{Graph, KINDS, Node};
pub use notes::{Note, NoteKind};
pub use primitive::NodeShape;
pub use shapes::{Shapes, infer_shapes};
pub use write::{write, write_with};

use s2c_dialects::diagnostic::Result;

/// Reads a NIR file, given as its bytes and its name, which is for messages.
///
/// ```no_run
/// let bytes = std::fs::read("model.nir").expect("a file");
/// let model = s2c_nir::read(bytes, "model.nir")?;
/// let graph = model.graph.flatten()?;
/// let shapes = s2c_nir::infer_shapes(&graph)?;
/// # Ok::<(), Box<s2c_dialects::diagnostic::Diagnostic>>(())
/// ```
pub fn read(bytes: Vec<u8>, name: &str) -> Result<Model> {
    read_or(bytes, name, None)
}

/// As [`read`]; where the reader in Rust lacks something that the file needs, `resort` is asked.
pub fn read_or(bytes: Vec<u8>, name: &str, resort: Option<&LastResort>) -> Result<Model> {
    decode::model(last_resort::read(bytes, name, resort)?)
}
