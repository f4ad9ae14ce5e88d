//! NIR data files, as `nir.write_data` in Python writes them: what nodes were given or did, in HDF5.
//!
//! ```text
//! nodes/NODE/observables/NAME/data               samples × ticks × neurons: TimeGriddedData
//! nodes/NODE/observables/NAME/{idx, time, …}     events with times: EventData, ValuedEventData
//! nodes/NODE/nodes/…                             the data of a subgraph
//! ```
//!
//! Source: `nir/serialization.py` and `nir/data_ir/graph.py` of the package, version 1.0.8.

use super::{
    file,
    graph::join,
    raw::{Members, Raw},
};
use indexmap::IndexMap;
use ndarray::ArrayD;
use s2c_dialects::diagnostic::{Diagnostic, Result};

/// What was observed at nodes, by `NODE/NAME`: samples × ticks × neurons.
pub type Observed = IndexMap<String, ArrayD<f64>>;

/// Reads a data file, given as its bytes and its name, which is for messages.
///
/// # Errors
/// Files that are no NIR data, and events whose times are not ticks yet.
pub fn read_data(bytes: Vec<u8>, name: &str) -> Result<Observed> {
    let not_data = |why: &str| {
        Diagnostic::error("not-nir-data", format!("`{name}` is not a readable NIR data file"))
            .text(why)
            .hint("it is written by `nir.write_data` in Python, with its default compression")
    };
    let root = file::read(bytes).map_err(|failure| not_data(&failure.why))?;
    let mut observed = Observed::new();
    graph("", &root, &mut observed)?;
    if observed.is_empty() {
        return Err(not_data("It holds no observables of nodes.").into());
    }
    Ok(observed)
}

fn group<'a>(members: &'a Members, name: &str) -> impl Iterator<Item = (&'a String, &'a Members)> {
    let inside = match members.get(name) {
        Some(Raw::Group(inside)) => Some(inside),
        _ => None,
    };
    inside.into_iter().flatten().filter_map(|(name, raw)| match raw {
        Raw::Group(members) => Some((name, members)),
        _ => None,
    })
}

fn graph(path: &str, members: &Members, observed: &mut Observed) -> Result<()> {
    for (name, node) in group(members, "nodes") {
        let path = join(path, name);
        graph(&path, node, observed)?;
        for (name, observable) in group(node, "observables") {
            observed.extend(values(&path, observable)?.map(|values| (join(&path, name), values)));
        }
    }
    Ok(())
}

/// The values of an observable; none where it is of no known kind.
fn values(node: &str, observable: &Members) -> Result<Option<ArrayD<f64>>> {
    #[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 are refused later like any other")]
    match observable.get("data") {
        Some(Raw::F64(values)) => Ok(Some(values.clone())),
        Some(Raw::F32(values)) => Ok(Some(values.mapv(f64::from))),
        Some(Raw::Int(values)) => Ok(Some(values.mapv(|value| value as f64))),
        _ if observable.contains_key("idx") => Err(Diagnostic::error("events-without-ticks", "the data are events")
            .at_node(node)
            .text("Events have times, and which tick a time falls into depends on the length of a tick.")
            .hint("write `data.to_time_gridded(dt)` instead, with the network's dt")
            .into()),
        _ => Ok(None),
    }
}
