//! Which taps the neurons of a convolution's source have: an entry for each of its rows and columns.
//!
//! Along one axis, the pairs (kernel position, output position) of a neuron are evenly spaced: with g the greatest
//! common divisor of stride and dilation, the kernel positions differ by stride/g and the output positions by
//! dilation/g, the one falling while the other rises. An entry says where the first is and how many there are; the sum
//! of a row's and a column's entry does so for both axes. Its fields, lowest first:
//!
//! | field | of a row | of a column |
//! |---|---|---|
//! | tap | number of the first kernel row x kernel.1 | number of the first kernel column |
//! | rows | number of taps | 0 |
//! | columns | 0 | number of taps |
//! | place | first output row x target_width | first output column |
//!
//! A row or column without taps has [`Fields::none`], so that no sum with it is less. Entries are words, or double words
//! where kernels are too large for that.

use super::conv::ConvKernel;

/// Accumulators lie in less than 2^18 bytes.
const MEMORY_BITS: u32 = 18;

/// The rows of both maps that a PE's block deals with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// First row of the source map.
    pub source_row: u32,
    /// Rows of the source map.
    pub source_rows: u32,
    /// First row of the output map.
    pub target_row: u32,
    /// Rows of the output map.
    pub target_rows: u32,
}

/// Bits of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Lowest bit.
    pub at: u32,
    /// Number of bits.
    pub bits: u32,
}

/// The layout of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    tap: Field,
    rows: Field,
    columns: Field,
    place: Field,
}

impl Fields {
    /// The layout that a kernel wants.
    pub fn of(kernel: &ConvKernel) -> Self {
        let mut at = 0;
        let mut take = |bits: u32| {
            at += bits;
            Field { at: at - bits, bits }
        };
        let bits = |most: u32| (u32::BITS - most.leading_zeros()).max(1);
        let most = |axis: usize| kernel.kernel[axis].div_ceil(kernel.step(axis));
        Self {
            tap: take(bits(kernel.kernel[0] * kernel.kernel[1] - 1)),
            rows: take(bits(most(0))),
            columns: take(bits(most(1))),
            place: take(MEMORY_BITS - kernel.target_step().ilog2()),
        }
    }

    /// Tap, rows, columns and place.
    pub const fn all(&self) -> [Field; 4] {
        [self.tap, self.rows, self.columns, self.place]
    }

    /// The least sum of two entries that says that there are no taps.
    pub const fn none(&self) -> u64 {
        1 << (self.place.at + self.place.bits)
    }

    /// LLVM's name of an entry's type.
    pub const fn kind(&self) -> &'static str {
        if self.none() <= 1 << 30 { "i32" } else { "i64" }
    }
}

impl ConvKernel {
    /// Bytes of an entry.
    pub fn entry_bytes(&self) -> u32 {
        if Fields::of(self).kind() == "i32" { 4 } else { 8 }
    }

    /// The entries of the source's rows, as they are stored.
    pub fn row_table(&self, extent: Extent) -> Vec<u8> {
        let fields = Fields::of(self);
        let rows = extent.source_row..extent.source_row + extent.source_rows;
        let entries = rows.map(|row| {
            let (order, output, count) = self.taps_from(0, row, extent.target_row, extent.target_rows)?;
            let place = output * self.target_width;
            assert!((place + self.target_width) >> fields.place.bits <= 1, "place {place} of `{}`", self.name());
            Some([order * self.kernel[1], count, 0, place])
        });
        self.stored(entries)
    }

    /// The entries of the source's columns, as they are stored.
    pub fn column_table(&self) -> Vec<u8> {
        let columns = (0..self.source_width).map(|column| {
            let (order, output, count) = self.taps_from(1, column, 0, self.target_width)?;
            Some([order, 0, count, output])
        });
        self.stored(columns)
    }

    fn stored(&self, entries: impl Iterator<Item = Option<[u32; 4]>>) -> Vec<u8> {
        let (fields, bytes) = (Fields::of(self), self.entry_bytes() as usize);
        let entry = |values: Option<[u32; 4]>| match values {
            None => fields.none(),
            Some(values) => {
                fields.all().into_iter().zip(values).map(|(field, value)| u64::from(value) << field.at).sum()
            }
        };
        entries.flat_map(|values| entry(values).to_le_bytes()[..bytes].to_vec()).collect()
    }

    /// The taps of the neurons at a position along an axis, for `count` output positions from `first` on: number of the
    /// first kernel position, first output position counted from `first`, and how many there are.
    fn taps_from(&self, axis: usize, position: u32, first: u32, count: u32) -> Option<(u32, u32, u32)> {
        let outputs = first as usize..(first + count) as usize;
        let mut taps = self.axis(axis).taps(position as usize, outputs).rev();
        let (k, output) = taps.next()?;
        Some((self.order(axis, k as u32), output as u32 - first, 1 + taps.count() as u32))
    }

    /// Kernel positions from one tap to the next along an axis.
    pub(super) const fn step(&self, axis: usize) -> u32 {
        self.stride[axis] / greatest_common_divisor(self.stride[axis], self.dilation[axis])
    }

    /// Output positions from one tap to the next along an axis.
    pub(super) const fn rise(&self, axis: usize) -> u32 {
        self.dilation[axis] / greatest_common_divisor(self.stride[axis], self.dilation[axis])
    }

    /// The number of a kernel position along an axis in the order in which weights are stored: those that are taps of
    /// one neuron lie together, the last first.
    fn order(&self, axis: usize, k: u32) -> u32 {
        let (size, step) = (self.kernel[axis], self.step(axis));
        let alike = |rest: u32| (size - rest).div_ceil(step);
        (0..k % step).map(alike).sum::<u32>() + alike(k % step) - 1 - k / step
    }

    /// The number of a kernel position in the order in which weights are stored; both numbers count source channels,
    /// kernel rows and kernel columns.
    pub fn place_of(&self, position: u32) -> u32 {
        let [rows, columns] = self.kernel;
        let (channel, row, column) = (position / (rows * columns), position / columns % rows, position % columns);
        channel * rows * columns + self.order(0, row) * columns + self.order(1, column)
    }
}

const fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
