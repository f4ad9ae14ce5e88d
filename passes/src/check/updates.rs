//! Checks that the buffers of a slice hold something for each of its neurons.

use super::broken;
use s2c_dialects::{
    diagnostic::Result,
    s2k::{Pe, Update},
};

/// Checks all slices of a PE.
pub(super) fn have_room(pe: &Pe) -> Result<()> {
    for update in &pe.updates {
        if update.count <= 0 || update.slots <= 0 {
            return Err(broken("slices", format!("`{}` has no neurons, or no sums", update.slice)));
        }
        for (name, needed) in needs(update) {
            let bytes = pe.buffer(name)?.bytes;
            if bytes < needed {
                let text = format!("`{name}` of `{}` has {bytes} bytes, `{}` needs {needed}", pe.name, update.slice);
                return Err(broken("slices", text));
            }
        }
    }
    Ok(())
}

/// The buffers of a slice with the bytes that it needs of each. Kernels take four neurons at a time.
fn needs(update: &Update) -> impl Iterator<Item = (&str, i64)> {
    let neurons = (update.count + 3) / 4 * 4;
    let membrane = if update.byte_shift.is_some() { 1 } else { 4 };
    let parameters = update.parameter_buffers().map(move |name| (name, 4 * update.period.unwrap_or(neurons)));
    let states = [
        Some((&update.accumulators, neurons * update.width / 8 * update.slots)),
        Some((&update.membranes, neurons * membrane)),
        update.currents.as_ref().map(|currents| (currents, 4 * neurons)),
    ];
    states.into_iter().flatten().chain(parameters).map(|(name, bytes)| (name.0.as_str(), bytes))
}
