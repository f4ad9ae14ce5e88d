//! From an `s2k` program to a binary: code and memory image of every PE, and the container.

pub mod container;
mod executables;
mod fan_out;
mod image;
pub mod manifest;

pub use container::Binary;
pub use executables::executables;
pub use image::{emit, kernel_text};
