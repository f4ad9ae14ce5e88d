//! What passes find out before they change anything; results are plain structs.

pub mod cost;
pub mod expected;
pub mod form;
pub mod grid;
pub mod lattice;
pub mod load;
pub mod memory;
pub mod moments;
pub mod projections;
pub mod ranges;
pub mod shared;
pub mod tables;
pub mod timing;
pub mod torus;
pub mod traffic;
pub mod variants;
pub mod widths;
