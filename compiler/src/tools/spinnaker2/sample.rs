//! Samples: cells of 0 and 1, tick after tick, one list for each input.

use super::plan::Plan;
use crate::data::{Cell, Train};
use s2c_dialects::diagnostic::{Diagnostic, Result};

/// A sample of `ticks` for each input in which a share `rate` of the cells is 1, the same on every machine (SplitMix64,
/// Steele et al., OOPSLA 2014).
pub fn random(plan: &Plan, ticks: usize, rate: f64) -> Vec<Vec<u8>> {
    let mut state = 0u64;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) >> 11
    };
    let below = rate * (1u64 << 53) as f64;
    plan.inputs().map(|(_, cell)| (0..ticks * cell.size).map(|_| u8::from((next() as f64) < below)).collect()).collect()
}

/// A recording's cells.
///
/// # Errors
/// Several spikes in a cell.
pub fn cells<T: Cell>(train: &Train<T>, node: &str) -> Result<Vec<u8>> {
    let width = train.shape().iter().product::<usize>();
    let mut cells = vec![0; train.ticks() * width];
    for tick in 0..train.ticks() {
        for &(neuron, count) in train.events_at(tick) {
            let count: f64 = count.into();
            if count != 1.0 {
                return Err(Box::new(
                    Diagnostic::error(
                        "handover-counts",
                        format!("an input of {count} at neuron {neuron} in tick {tick}"),
                    )
                    .at_node(node)
                    .text("An input of the vendor's software fires once a tick.")
                    .hint("clip the sample to 0 and 1, or use shorter ticks"),
                ));
            }
            cells[tick * width + neuron as usize] = 1;
        }
    }
    Ok(cells)
}
