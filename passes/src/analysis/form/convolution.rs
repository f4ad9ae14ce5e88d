//! Convolutions: a packet adds the taps of a kernel, which is stored once, around the place of its neuron.

use super::interface::{Argument, Call, Matrix, StorageForm, Word, Work, accumulators, factor};
use crate::analysis::{
    cost::{self, Cost, CostModel, Memory},
    variants::weight_width,
};
use s2c_abi::convolution;
use s2c_dialects::{
    diagnostic::Result,
    s2k::{Convolution, Head, Pe},
};
use s2c_kernels::{ConvKernel, Extent, Kernel, pack_kernel};
use std::ops::Range;

fn kernel(c: &Convolution, head: &Head) -> ConvKernel {
    let pair = |values: &[i64]| [0, 1].map(|axis| values[axis] as u32);
    ConvKernel {
        weights: weight_width(c.bits),
        accumulators: accumulators(head),
        source_width: c.source_width as u32,
        source_channels: c.source_channels as u32,
        pool: pair(&c.pool),
        pooled: pair(&c.pooled),
        kernel: pair(&c.kernel),
        stride: pair(&c.stride),
        padding: pair(&c.padding),
        dilation: pair(&c.dilation),
        target_width: c.target_width as u32,
        target_channels: c.target_channels as u32,
        factor: factor(head),
    }
}

/// The rows of both maps that a block deals with.
fn extent(c: &Convolution, head: &Head) -> Extent {
    Extent {
        source_row: c.source_row as u32,
        source_rows: (head.count as u32).div_ceil((c.source_channels * c.source_width) as u32),
        target_row: c.target_row as u32,
        target_rows: c.target_rows as u32,
    }
}

/// Taps along an axis (0 rows, 1 columns) that end in the PE, for each place of the source.
fn taps_along(c: &Convolution, head: &Head, axis: usize) -> Vec<usize> {
    let Extent { source_row, source_rows, target_row, target_rows } = extent(c, head);
    let range = |first: u32, size: u32| first as usize..(first + size) as usize;
    let (places, outputs): (Range<usize>, Range<usize>) = match axis {
        0 => (range(source_row, source_rows), range(target_row, target_rows)),
        _ => (0..c.source_width as usize, 0..c.target_width as usize),
    };
    let along = c.axis(axis);
    places.map(|place| along.taps(place, outputs.clone()).count()).collect()
}

impl StorageForm for Convolution {
    fn call(&self, head: &Head) -> Call {
        let kernel = kernel(self, head);
        let first = self.source_channel as u32 * kernel.channel_bytes();
        Call {
            argument: Argument::Number,
            descriptor: vec![
                (convolution::ACCUMULATORS, Word::sums(head)),
                (convolution::WEIGHTS, Word::weights(head, first)),
                (convolution::ROWS, Word::Table(kernel.row_table(extent(self, head)))),
                (convolution::COLUMNS, Word::Table(kernel.column_table())),
            ],
            kernel: Kernel::Conv(kernel),
        }
    }

    fn pack(&self, head: &Head, weights: &Matrix<'_>, _: u32) -> Result<Vec<u8>> {
        let positions = (0..weights.rows()).map(|row| weights.row(row)).collect::<Result<Vec<_>>>()?;
        Ok(pack_kernel(&kernel(self, head), &positions))
    }

    fn work(&self, _: &Pe, head: &Head, model: &CostModel<'_>) -> Work {
        let kernel = kernel(self, head);
        let mean = |axis: usize| {
            let taps = taps_along(self, head, axis);
            taps.iter().sum::<usize>() as f64 / taps.len().max(1) as f64
        };
        let (taps, all) = (mean(0) * mean(1), kernel.taps(0) * kernel.taps(1));
        let packet = model.convolution_packet(&kernel).cycles;
        let adding = model.convolution(&kernel).cycles - packet;
        Work {
            cycles: packet + adding * if all > 0.0 { taps / all } else { 0.0 },
            reach: taps / (self.target_rows * self.target_width) as f64,
        }
    }

    fn fan_out(&self, pe: &Pe, head: &Head) -> Vec<u32> {
        let channels = pe.updates.first().and_then(|update| update.map()).map_or(0, |map| map.channels);
        let [rows, columns] = [0, 1].map(|axis| taps_along(self, head, axis));
        let of = |neuron: i64| {
            let place = (neuron / self.source_channels) as usize;
            let (row, column) = (place / columns.len(), place % columns.len());
            (rows[row] * columns[column] * channels) as u32
        };
        (0..head.count).map(of).collect()
    }
}

/// What LLVM does of a convolution's packet, without divisions that are more than shifts: entries, addresses, counts.
const CONV_PACKET: (f64, Memory) = (26.0, Memory { first: 2.0, next: 0.0, words: 2.0, branches: 0.0 });
/// A division of the index with remainder.
const CONV_DIVISION: Cost = Cost::new(5.0, 5.0);

impl CostModel<'_> {
    /// A packet through a convolution, on average over the source's positions.
    pub fn convolution(&self, kernel: &ConvKernel) -> Cost {
        let [down, across] = [0, 1].map(|axis| kernel.taps(axis));
        let code = kernel.code();
        let tap = self.row_code(&code.row) + self.lines(&code.next_tap) + self.branch();
        let row = self.lines(&code.columns) + tap * across + self.lines(&code.next_row);
        self.convolution_packet(kernel) + row * down
    }

    /// What a packet through a convolution costs beyond its taps.
    pub fn convolution_packet(&self, kernel: &ConvKernel) -> Cost {
        let code = kernel.code();
        let divisors = [kernel.source_channels, kernel.source_width];
        let divisions = divisors.iter().filter(|divisor| !divisor.is_power_of_two()).count();
        let calculation = self.counted(&CONV_PACKET) + CONV_DIVISION * divisions as f64 + cost::factor(kernel.factor);
        self.call(code.row.last.max(5)) + calculation + self.lines(&code.enter)
    }
}
