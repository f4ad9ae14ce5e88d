//! What is done with networks and binaries: run, compare, search, report.

pub mod evaluation;
pub mod faults;
pub mod machine;
pub mod profile;
pub mod recording;
pub mod report;
pub mod spinnaker2;
pub mod summary;
pub mod width_search;
