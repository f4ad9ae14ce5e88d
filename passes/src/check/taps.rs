//! The entries that a convolution's kernel looks up for a row and a column of its source, made anew from what a
//! convolution is: a word, or a double word where that is too short, with the first tap, the number of taps along each
//! axis and the first output, in the bits that the largest of each needs.

use s2c_dialects::s2k::{Convolution, Head};
use std::cmp::Reverse;

/// Base-2 logarithm of the bytes that accumulators lie in.
const MEMORY_BITS: u32 = 18;

/// The entries of all rows (axis 0) or all columns (axis 1) of the source; none where extents are no extents.
pub(super) fn entries(head: &Head, convolution: &Convolution, axis: usize) -> Option<Vec<u8>> {
    let c = convolution;
    let are_extents = |pair: &[i64]| pair.len() == 2 && pair.iter().all(|&extent| extent > 0);
    let single = [c.source_width, c.source_channels, c.target_width, c.target_channels];
    let pairs = [&c.kernel, &c.stride, &c.dilation, &c.pool];
    if single.iter().any(|&extent| extent <= 0) || !pairs.into_iter().all(|pair| are_extents(pair)) {
        return None;
    }
    let [size, stride, dilation, pool] = pairs.map(|pair| pair[axis]);
    let (pooled, padding) = (*c.pooled.get(axis)?, *c.padding.get(axis)?);
    let (positions, outputs) = match axis {
        0 => {
            let rows = (head.count as u64).div_ceil((c.source_channels * c.source_width) as u64) as i64;
            (c.source_row..c.source_row + rows, c.target_row..c.target_row + c.target_rows)
        }
        _ => (0..c.source_width, 0..c.target_width),
    };
    let [tap, rows, columns, place] = fields(head, c)?;
    let none = 1u64 << (tap + rows + columns + place);
    let bytes = if none <= 1 << 30 { 4 } else { 8 };
    let entry = |position: i64| {
        let taps: Vec<(i64, i64)> = (0..size)
            .map(|tap| (tap, position / pool + padding - tap * dilation))
            .filter(|(_, reach)| position / pool < pooled && *reach >= 0 && reach % stride == 0)
            .map(|(tap, reach)| (tap, reach / stride))
            .filter(|(_, output)| outputs.contains(output))
            .collect();
        // Weights lie in the order in which outputs come, so that the last tap is the first.
        let Some(&(last, output)) = taps.last() else { return none };
        let (first, output) = (stored_at(last, size, stride, dilation), output - outputs.start);
        let (tap_number, counts, output) = match axis {
            0 => (first * c.kernel[1], (taps.len() as u64) << tap, output * c.target_width),
            _ => (first, (taps.len() as u64) << (tap + rows), output),
        };
        tap_number as u64 | counts | (output as u64) << (tap + rows + columns)
    };
    Some(positions.flat_map(|position| entry(position).to_le_bytes()[..bytes].to_vec()).collect())
}

/// Bits of the four numbers: tap, taps along rows and columns, output.
fn fields(head: &Head, c: &Convolution) -> Option<[u32; 4]> {
    let bits = |most: i64| (1..).find(|&bits| most >> bits == 0);
    let most = |axis: usize| {
        let step = step(c.stride[axis], c.dilation[axis]);
        (c.kernel[axis] + step - 1) / step
    };
    let place = (c.target_channels * head.width / 8).ilog2();
    Some([bits(c.kernel.iter().product::<i64>() - 1)?, bits(most(0))?, bits(most(1))?, MEMORY_BITS.checked_sub(place)?])
}

/// Kernel positions between the taps of one neuron: the least number of them whose dilation is whole strides.
fn step(stride: i64, dilation: i64) -> i64 {
    (1..stride).find(|step| step * dilation % stride == 0).unwrap_or(stride)
}

/// Where the weights of a kernel position lie among those along its axis: those that one neuron meets are neighbours, the
/// last first.
fn stored_at(position: i64, size: i64, stride: i64, dilation: i64) -> i64 {
    let step = step(stride, dilation);
    let order = |position: i64| (position % step, Reverse(position));
    (0..size).filter(|&other| order(other) < order(position)).count() as i64
}
