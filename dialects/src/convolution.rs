//! The geometry of a convolution, seen from a spike: which taps of the kernel it meets, and where they lead.

use std::ops::Range;

/// A convolution over rows and columns, with an optional sum over windows in front. Pairs are [rows, columns].
/// A map of channels and columns alone is one of a single row: a convolution over one axis.
///
/// Output sizes are those of PyTorch's Conv2d: floor((size + padding + behind - dilation (kernel - 1) - 1) / stride) + 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Channels, rows and columns of the input.
    pub input: [usize; 3],
    /// Output channels.
    pub channels: usize,
    /// Groups of channels.
    pub groups: usize,
    /// Rows and columns of the window that is summed before the convolution.
    pub pool: [usize; 2],
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Steps between outputs.
    pub stride: [usize; 2],
    /// Zeros in front of the first row and column.
    pub padding: [usize; 2],
    /// Zeros behind the last row and column.
    pub behind: [usize; 2],
    /// Steps between taps.
    pub dilation: [usize; 2],
}

/// A convolution along one axis. All steps are at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Length of the windows that are summed before the convolution.
    pub pool: usize,
    /// Number of windows; positions beyond have no taps.
    pub pooled: usize,
    /// Kernel positions.
    pub kernel: usize,
    /// Windows from one output to the next.
    pub stride: usize,
    /// Zeros in front of the first window.
    pub padding: usize,
    /// Windows from one kernel position to the next.
    pub dilation: usize,
}

impl Axis {
    /// The taps of an input position that lead to some outputs, as (kernel position, output), in the order of the kernel.
    pub fn taps(self, position: usize, outputs: Range<usize>) -> impl DoubleEndedIterator<Item = (usize, usize)> {
        let window = position / self.pool;
        (0..self.kernel).filter_map(move |tap| {
            let shifted = (window + self.padding).checked_sub(tap * self.dilation)?;
            let output = shifted / self.stride;
            (window < self.pooled && shifted % self.stride == 0 && outputs.contains(&output)).then_some((tap, output))
        })
    }
}

/// A tap of the kernel that a spike meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tap {
    /// Row and column within the kernel.
    pub kernel: [usize; 2],
    /// Row and column within the output.
    pub output: [usize; 2],
}

/// Channels, rows and columns of a map; one of two axes is a single row.
pub fn map_of(shape: &[usize]) -> Option<[usize; 3]> {
    match *shape {
        [channels, columns] => Some([channels, 1, columns]),
        [channels, rows, columns] => Some([channels, rows, columns]),
        _ => None,
    }
}

impl Geometry {
    /// From an input's shape, a weight's shape (outputs, inputs per group, rows, columns) and the attributes pool,
    /// stride, padding, dilation; `None` where they do not make a convolution. Padding is a pair, or two where the two
    /// sides differ: [rows, columns in front, rows, columns behind].
    pub fn new(input: &[usize], weight: &[usize], pairs: [&Vec<i64>; 4], groups: i64) -> Option<Self> {
        let [in_channels, rows, columns] = map_of(input)?;
        let &[channels, per_group, kernel_rows, kernel_columns] = weight else { return None };
        let pair = |values: &Vec<i64>, least: i64| match values[..] {
            [a, b] if a >= least && b >= least => Some([a as usize, b as usize]),
            _ => None,
        };
        let groups = usize::try_from(groups).ok().filter(|&groups| groups > 0)?;
        let (front, behind) = match pairs[2].len() {
            4 => (pairs[2][..2].to_vec(), pairs[2][2..].to_vec()),
            _ => (pairs[2].clone(), pairs[2].clone()),
        };
        let geometry = Self {
            input: [in_channels, rows, columns],
            channels,
            groups,
            pool: pair(pairs[0], 1)?,
            kernel: [kernel_rows, kernel_columns],
            stride: pair(pairs[1], 1)?,
            padding: pair(&front, 0)?,
            behind: pair(&behind, 0)?,
            dilation: pair(pairs[3], 1)?,
        };
        let fits = (0..2).all(|axis| {
            geometry.kernel[axis] > 0
                && geometry.pooled()[axis] + geometry.padding[axis] + geometry.behind[axis]
                    > geometry.dilation[axis] * (geometry.kernel[axis] - 1)
        });
        let grouped = per_group * groups == in_channels && channels % groups == 0;
        (fits && grouped).then_some(geometry)
    }

    /// Rows and columns of the input in windows.
    pub fn pooled(&self) -> [usize; 2] {
        [self.input[1] / self.pool[0], self.input[2] / self.pool[1]]
    }

    /// Channels, rows and columns of the output.
    pub fn output(&self) -> [usize; 3] {
        let size = |axis: usize| {
            let reach = self.dilation[axis] * (self.kernel[axis] - 1) + 1;
            (self.pooled()[axis] + self.padding[axis] + self.behind[axis] - reach) / self.stride[axis] + 1
        };
        [self.channels, size(0), size(1)]
    }

    /// The output's shape for an input of as many axes as `input` has.
    pub fn output_shape(&self, input: &[usize]) -> Vec<usize> {
        let [channels, rows, columns] = self.output();
        if input.len() == 2 { vec![channels, columns] } else { vec![channels, rows, columns] }
    }

    /// The convolution along one axis.
    pub fn axis(&self, axis: usize) -> Axis {
        Axis {
            pool: self.pool[axis],
            pooled: self.pooled()[axis],
            kernel: self.kernel[axis],
            stride: self.stride[axis],
            padding: self.padding[axis],
            dilation: self.dilation[axis],
        }
    }

    /// Taps along one axis for an input row or column: (kernel index, output index).
    pub fn taps_along(&self, axis: usize, position: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        self.axis(axis).taps(position, 0..self.output()[axis + 1])
    }

    /// All taps that a spike at a row and a column meets.
    pub fn taps(&self, row: usize, column: usize) -> impl Iterator<Item = Tap> + '_ {
        self.taps_along(0, row).flat_map(move |(kernel_row, output_row)| {
            self.taps_along(1, column).map(move |(kernel_column, output_column)| Tap {
                kernel: [kernel_row, kernel_column],
                output: [output_row, output_column],
            })
        })
    }

    /// The output channels that an input channel leads to, and its index within its group.
    pub fn targets_of(&self, channel: usize) -> (std::ops::Range<usize>, usize) {
        let (inputs, outputs) = (self.input[0] / self.groups, self.channels / self.groups);
        let group = channel / inputs;
        (group * outputs..(group + 1) * outputs, channel % inputs)
    }

    /// Position in a weight's row-major values of (output channel, index within the group, kernel row, kernel column).
    pub fn weight_index(&self, output: usize, input: usize, kernel: [usize; 2]) -> usize {
        ((output * (self.input[0] / self.groups) + input) * self.kernel[0] + kernel[0]) * self.kernel[1] + kernel[1]
    }
}
