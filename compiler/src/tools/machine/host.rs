//! What the host sends: the packets of an input in a tick.

use crate::data::{Cell, Train};
use s2c_backend::emit::manifest::Input;
use s2c_chip::Packet;
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    s2k::MapLayout,
};

/// One packet per spike, or one with the value as payload for each neuron whose value is not 0. `layout` is the order of
/// the input's neurons on the chip, where it is not that of the network.
///
/// # Errors
/// An input beyond what the binary was compiled for, or that is no count where spikes are expected.
pub(super) fn packets<T: Cell>(
    port: &Input,
    layout: Option<&MapLayout>,
    given: &Train<T>,
    tick: usize,
    packets: &mut Vec<Packet>,
) -> Result<()> {
    for &(neuron, value) in given.events_at(tick) {
        let value: f64 = value.into();
        let refused = |code: &'static str, text: String| {
            let title = format!("an input of {value} in tick {tick} at neuron {neuron}");
            Diagnostic::error(code, title).at_node(port.node.clone()).text(text)
        };
        if value.abs() > port.limit as f64 {
            let text = format!("The binary was compiled for at most {} per neuron and tick.", port.limit);
            return Err(Box::new(refused("input-limit", text).hint("compile with a larger --input-limit")));
        }
        let at = layout.map_or(Some(neuron as usize), |layout| layout.slice_index(neuron as usize));
        let key = port.key + at.map_or(0, |at| at as u32);
        match port.fraction {
            Some(fraction) => {
                let integer = (value * (fraction as f64).exp2()).round() as i32;
                packets.extend((integer != 0).then_some(Packet { key, payload: Some(integer as u32) }));
            }
            None if value >= 0.0 && value.fract() == 0.0 => {
                packets.extend((0..value as u64).map(|_| Packet { key, payload: None }));
            }
            None => {
                let text = "The node takes whole numbers of spikes.".to_owned();
                return Err(Box::new(refused("not-spike-counts", text)));
            }
        }
    }
    Ok(())
}
