//! Rates of spikes from the statistics of a run, for the mapping of the next compile.

use crate::files;
use s2c_dialects::diagnostic::{Diagnostic, Result};
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};

/// The part of `s2c run --stats` that counts here.
#[derive(Deserialize)]
struct Profile {
    rates: BTreeMap<String, f64>,
}

/// Spikes per neuron and tick of every input and population.
pub fn rates(file: &Path) -> Result<BTreeMap<String, f64>> {
    let profile: Profile = serde_json::from_str(&files::read_text(file)?).map_err(|error| {
        Diagnostic::error("bad-profile", format!("`{}` holds no rates", file.display()))
            .text(format!("{error}."))
            .hint("make it with `s2c run BINARY --input FILE --stats FILE`")
    })?;
    match profile.rates.iter().find(|(_, rate)| !rate.is_finite() || **rate < 0.0) {
        Some((node, rate)) => {
            Err(Box::new(Diagnostic::error("bad-profile", format!("{rate} is no rate of spikes")).at_node(node)))
        }
        None => Ok(profile.rates),
    }
}
