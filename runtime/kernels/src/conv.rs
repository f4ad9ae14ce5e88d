//! Convolution kernels: one packet adds a source neuron's weights to every output position that it reaches.
//!
//! A packet carries the neuron's index `i` in the source slice. All numbers are natural, and pairs are (rows, columns):
//!
//! ```text
//! channel = i % source_channels;  p = i / source_channels
//! y = (p / source_width + SOURCE_ROW) / pool.0;  x = (p % source_width) / pool.1
//! nothing unless y < pooled.0 and x < pooled.1
//! for all ky < kernel.0, kx < kernel.1, oy, ox with
//!         (TARGET_ROW + oy) * stride.0 = y + padding.0 - ky * dilation.0  and  oy < TARGET_ROWS
//!                       ox  * stride.1 = x + padding.1 - kx * dilation.1  and  ox < target_width:
//!     accumulators[oy, ox, ..] += weights[channel, ky, kx, ..] * x        (target_channels of them)
//! ```
//!
//! with x as [`Factor`] says, and sums 2^[`WeightWidth::scale_log2`] times as large. SOURCE_ROW, TARGET_ROW and TARGET_ROWS
//! are those of the PE's block ([`super::Extent`]).
//!
//! Which taps a neuron has follows from its row and its column, so that both have an entry in a table (`taps.rs`)
//! and nothing is divided but the index. The kernel adds the two entries, takes the first weights, the first
//! accumulators and the numbers of taps out of the sum, and then goes up through both: weights are stored in the order
//! in which taps need them. What is not in a register while weights are added is in a floating-point register.

use s2c_dialects::convolution::{Axis, Geometry};

use super::{Factor, RowKernel, WeightWidth, interface::Accumulator, pack_row};

/// A convolution kernel variant. See the module's page for what it does. Pairs are rows, then columns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConvKernel {
    /// Width of the weights.
    pub weights: WeightWidth,
    /// Width of the accumulators.
    pub accumulators: Accumulator,
    /// Columns of the source map.
    pub source_width: u32,
    /// Channels of the source map.
    pub source_channels: u32,
    /// Source neurons that are pooled into one position.
    pub pool: [u32; 2],
    /// Positions after pooling; neurons beyond have no effect.
    pub pooled: [u32; 2],
    /// Kernel positions.
    pub kernel: [u32; 2],
    /// Pooled positions from one output position to the next.
    pub stride: [u32; 2],
    /// Positions around the pooled map that are taken as silent, on each side.
    pub padding: [u32; 2],
    /// Pooled positions from one kernel position to the next.
    pub dilation: [u32; 2],
    /// Columns of the output map.
    pub target_width: u32,
    /// Channels of the output map with padding: a multiple of 4, at least 4.
    pub target_channels: u32,
    /// What the weights are multiplied by.
    pub factor: Factor,
}

impl ConvKernel {
    /// The kernel of 8-bit weights from a source of some channels and columns to all rows and columns of the output, with
    /// so many channels per place.
    pub fn whole(
        geometry: &Geometry,
        accumulators: Accumulator,
        [channels, columns]: [usize; 2],
        target_channels: usize,
    ) -> Self {
        let pair = |pair: [usize; 2]| pair.map(|value| value as u32);
        Self {
            weights: WeightWidth::W8,
            accumulators,
            source_width: columns as u32,
            source_channels: channels as u32,
            pool: pair(geometry.pool),
            pooled: pair(geometry.pooled()),
            kernel: pair(geometry.kernel),
            stride: pair(geometry.stride),
            padding: pair(geometry.padding),
            dilation: pair(geometry.dilation),
            target_width: geometry.output()[2] as u32,
            target_channels: target_channels as u32,
            factor: Factor::One,
        }
    }

    /// The kernel's symbol, such as `conv_w8_i16_from34x2_pool1x1_to34x34_k3x3_s1x1_p1x1_d1x1_into34x16`: the source's
    /// width and channels, pooling and what remains, kernel, stride, padding, dilation, the output's width and channels.
    pub fn name(&self) -> String {
        let pair = |[rows, columns]: [u32; 2]| format!("{rows}x{columns}");
        format!(
            "conv_{}_{}_from{}_pool{}_to{}_k{}_s{}_p{}_d{}_into{}{}",
            self.weights.name(),
            self.accumulators.name(),
            pair([self.source_width, self.source_channels]),
            pair(self.pool),
            pair(self.pooled),
            pair(self.kernel),
            pair(self.stride),
            pair(self.padding),
            pair(self.dilation),
            pair([self.target_width, self.target_channels]),
            self.factor.name(),
        )
    }

    /// The convolution along one axis.
    pub(super) fn axis(&self, axis: usize) -> Axis {
        let of = |pair: [u32; 2]| pair[axis] as usize;
        Axis {
            pool: of(self.pool),
            pooled: of(self.pooled),
            kernel: of(self.kernel),
            stride: of(self.stride),
            padding: of(self.padding),
            dilation: of(self.dilation),
        }
    }

    /// Kernel positions along an axis that a source neuron reaches, on average.
    pub fn taps(&self, axis: usize) -> f64 {
        let along = Axis { pool: 1, ..self.axis(axis) };
        let Axis { pooled, kernel, stride, padding, dilation, .. } = along;
        let outputs = (pooled + 2 * padding).saturating_sub(dilation * (kernel - 1) + 1) / stride + 1;
        let taps: usize = (0..pooled).map(|position| along.taps(position, 0..outputs).count()).sum();
        taps as f64 / pooled.max(1) as f64
    }

    /// How the weights of one kernel position are added.
    pub const fn row(&self) -> RowKernel {
        let Self { weights, accumulators, factor, target_channels: length, .. } = *self;
        RowKernel { weights, accumulators, length, factor }
    }

    /// Bytes of the weights of one source channel.
    pub fn channel_bytes(&self) -> u32 {
        self.kernel[0] * self.kernel[1] * self.weight_step()
    }

    /// Bytes from the weights of one kernel position to the next.
    pub(super) fn weight_step(&self) -> u32 {
        self.row().row_bytes()
    }

    /// Bytes from the accumulators of one output position to the next.
    pub(super) const fn target_step(&self) -> u32 {
        self.target_channels * self.accumulators.bytes()
    }
}

/// Stores the weights as the kernel reads them, from the target channels of each position: of each source channel, kernel
/// row and kernel column.
///
/// Each is a row of [`pack_row`], at the place that [`ConvKernel::place_of`] gives it.
///
/// # Panics
/// If there are more target channels than the kernel has.
pub fn pack_kernel(kernel: &ConvKernel, positions: &[Vec<i32>]) -> Vec<u8> {
    let row = kernel.row();
    let bytes = row.row_bytes() as usize;
    let mut packed = vec![0; positions.len() * bytes];
    for (position, weights) in (0..).zip(positions) {
        let at = kernel.place_of(position) as usize * bytes;
        packed[at..at + bytes].copy_from_slice(&pack_row(&row, weights));
    }
    packed
}
