//! Pooling: `SumPool2d` and `AvgPool2d`.
//!
//! y(c, i, j) = Σ x(c, i·stride + u − padding, j·stride + v − padding) over the taps u, v of the kernel; `AvgPool2d`
//! divides by the number of taps, padded ones included, as PyTorch does.
//! `kernel_size`, `stride` and `padding` are (height, width) in elements; one number stands for both.

use super::{
    fields::Fields,
    primitive::{NodeShape, Primitive},
    raw::{Members, Raw},
    window::Window,
};
use s2c_dialects::diagnostic::{Diagnostic, Result};

/// The window of a pooling node; axes are height and width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool2d {
    /// Taps.
    pub kernel_size: [usize; 2],
    /// Step.
    pub stride: [usize; 2],
    /// Zeros on either side.
    pub padding: [usize; 2],
}

/// Sum over windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SumPool2d(
    /// The window.
    pub Pool2d,
);

/// Mean over windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvgPool2d(
    /// The window.
    pub Pool2d,
);

impl Pool2d {
    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        let pool = Self {
            kernel_size: fields.sizes("kernel_size", 1)?,
            stride: fields.sizes("stride", 1)?,
            padding: fields.sizes("padding", 0)?,
        };
        if pool.padding.iter().zip(&pool.kernel_size).any(|(&padding, &kernel)| padding > kernel / 2) {
            return Err(fields
                .error("pool-padding", "a pooling node pads more than half its kernel")
                .text(format!("The padding is {:?}, the kernel {:?}.", pool.padding, pool.kernel_size))
                .hint("PyTorch allows at most half the kernel, so that no window lies in the padding alone")
                .into());
        }
        Ok(pool)
    }

    fn write(&self) -> Members {
        Members::from([
            ("kernel_size".to_owned(), Raw::sizes(&self.kernel_size)),
            ("stride".to_owned(), Raw::sizes(&self.stride)),
            ("padding".to_owned(), Raw::sizes(&self.padding)),
        ])
    }

    fn shape(&self, input: Option<&[usize]>) -> Result<Option<NodeShape>> {
        let Some(input) = input else { return Ok(None) };
        let [channels, height, width] = *input else {
            return Err(Diagnostic::error("shape-mismatch", "a pooling node needs a picture")
                .text(format!("Its input should have shape (channels, height, width) and has {input:?}."))
                .hint("check what comes before the node")
                .into());
        };
        let window = |axis: usize, length: usize| {
            let pick = |sizes: &[usize; 2]| sizes.get(axis).copied().unwrap_or(0);
            let (kernel, stride, padding) = (pick(&self.kernel_size), pick(&self.stride), 2 * pick(&self.padding));
            Window { kernel, stride, padding, dilation: 1 }.output(length)
        };
        Ok(Some(NodeShape { input: input.to_vec(), output: vec![channels, window(0, height)?, window(1, width)?] }))
    }
}

impl Primitive for SumPool2d {
    const KIND: &'static str = "SumPool2d";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Pool2d::read(fields).map(Self)
    }

    fn write(&self) -> Members {
        self.0.write()
    }

    fn shape(&self, input: Option<&[usize]>) -> Result<Option<NodeShape>> {
        self.0.shape(input)
    }
}

impl Primitive for AvgPool2d {
    const KIND: &'static str = "AvgPool2d";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Pool2d::read(fields).map(Self)
    }

    fn write(&self) -> Members {
        self.0.write()
    }

    fn shape(&self, input: Option<&[usize]>) -> Result<Option<NodeShape>> {
        self.0.shape(input)
    }
}
