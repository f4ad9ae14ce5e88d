//! Passes that give a program for PEs.

pub mod buffer_allocation;
pub mod core_partitioning;
pub mod key_allocation;
pub mod placement;
pub mod routing;
