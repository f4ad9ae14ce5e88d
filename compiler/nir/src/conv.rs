//! Convolutions: `Conv1d` and `Conv2d`.
//!
//! y(o, i) = b(o) + Σ over channels c of o's group and taps u of w(o, c, u) · x(c, i·stride + u·dilation − padding):
//! a cross-correlation, as in PyTorch. Fields, with D = 1 or 2 axes, all in elements:
//!
//! - `weight` (channels out, channels in / groups, kernel…), `bias` (channels out);
//! - `stride`, `dilation`, `padding`: D numbers, or one for all axes; `padding` may be `"same"` or `"valid"`;
//! - `groups`: channels are cut into that many groups, which do not mix;
//! - `input_shape`: lengths of the axes of x, optional.

use super::{
    fields::Fields,
    primitive::{NodeShape, Primitive},
    raw::{Members, Raw},
    window::Window,
};
use ndarray::ArrayD;
use s2c_dialects::diagnostic::{Diagnostic, Result};

/// Convolution over one axis.
pub type Conv1d = Conv<1>;
/// Convolution over two axes, height and width.
pub type Conv2d = Conv<2>;

/// Convolution over `D` axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv<const D: usize> {
    /// Lengths of the input's axes, where the file gives them.
    pub input_shape: Option<[usize; D]>,
    /// w, shape (channels out, channels in / groups, kernel…).
    pub weight: ArrayD<f32>,
    /// Step.
    pub stride: [usize; D],
    /// Zeros around the input.
    pub padding: Padding<D>,
    /// Distance between taps.
    pub dilation: [usize; D],
    /// Number of groups.
    pub groups: usize,
    /// b, one per channel out; zeros where the file has none.
    pub bias: ArrayD<f64>,
}

/// Zeros around the input of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding<const D: usize> {
    /// As many on either side.
    Fixed([usize; D]),
    /// As many as keep the length; an odd number has the extra zero behind.
    Same,
    /// None.
    Valid,
}

impl<const D: usize> Conv<D> {
    /// Number of channels that go out.
    pub fn channels_out(&self) -> usize {
        self.weight.shape().first().copied().unwrap_or(0)
    }

    /// Number of channels that come in.
    pub fn channels_in(&self) -> usize {
        self.weight.shape().get(1).map_or(0, |channels| channels.saturating_mul(self.groups))
    }

    /// Number of taps per axis.
    pub fn kernel(&self) -> [usize; D] {
        std::array::from_fn(|axis| self.weight.shape().get(axis + 2).copied().unwrap_or(0))
    }

    /// Zeros before and after each axis.
    pub fn padding_amounts(&self) -> [(usize, usize); D] {
        let kernel = self.kernel();
        match self.padding {
            Padding::Valid => [(0, 0); D],
            Padding::Fixed(sizes) => sizes.map(|size| (size, size)),
            Padding::Same => std::array::from_fn(|axis| {
                let total = self.dilation[axis].saturating_mul(kernel[axis].saturating_sub(1));
                (total / 2, total - total / 2)
            }),
        }
    }

    /// Lengths of the output's axes for those of the input.
    pub fn output_lengths(&self, input: &[usize; D]) -> Result<[usize; D]> {
        let (kernel, padding) = (self.kernel(), self.padding_amounts());
        let mut output = [0; D];
        for axis in 0..D {
            let window = Window {
                kernel: kernel[axis],
                stride: self.stride[axis],
                padding: padding[axis].0.saturating_add(padding[axis].1),
                dilation: self.dilation[axis],
            };
            output[axis] = window.output(input[axis])?;
        }
        Ok(output)
    }

    /// Refuses what no convolution can be.
    fn check(&self, fields: &Fields<'_>) -> Result<()> {
        let (shape, rank) = (self.weight.shape(), D + 2);
        if shape.len() != rank || shape.contains(&0) {
            return Err(fields
                .error("weight-rank", "convolution weights have the wrong shape")
                .text(format!("`weight` has shape {shape:?}; it should have {rank} axes (channels out, channels in / groups, kernel), none of them 0."))
                .hint("check the exporter: Conv1d has 3 axes, Conv2d has 4")
                .into());
        }
        let channels = self.channels_out();
        if !channels.is_multiple_of(self.groups) {
            return Err(fields
                .error("conv-groups", "the groups of a convolution do not divide its channels")
                .text(format!("There are {channels} channels out and {} groups.", self.groups))
                .hint("the number of groups must divide both numbers of channels")
                .into());
        }
        if self.bias.shape() != [channels] && self.bias.len() != 1 {
            return Err(fields
                .error("parameter-shape", "a bias does not fit its weights")
                .text(format!("`bias` has shape {:?}; there are {channels} channels out.", self.bias.shape()))
                .hint("give one bias per channel")
                .into());
        }
        if self.padding == Padding::Same && self.stride.iter().any(|&stride| stride != 1) {
            return Err(fields
                .error("same-padding-stride", "padding `same` goes with stride 1 only")
                .text(format!("The stride is {:?}.", self.stride))
                .hint("give the padding as numbers")
                .into());
        }
        Ok(())
    }
}

impl<const D: usize> Primitive for Conv<D> {
    const KIND: &'static str = if D == 1 { "Conv1d" } else { "Conv2d" };

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        let weight = fields.weight("weight")?;
        let channels = weight.shape().first().copied().unwrap_or(0);
        let padding = match fields.text("padding") {
            Some(text) if text == "same" => Padding::Same,
            Some(text) if text == "valid" => Padding::Valid,
            Some(text) => {
                return Err(fields
                    .error("wrong-field-value", format!("`padding` is {text:?}"))
                    .text("NIR knows \"same\", \"valid\" and numbers.")
                    .hint("export the padding as numbers")
                    .into());
            }
            None => Padding::Fixed(fields.sizes("padding", 0)?),
        };
        let [groups] = fields.sizes("groups", 1)?;
        let conv = Self {
            input_shape: fields.optional_sizes("input_shape", 1)?,
            weight,
            stride: fields.sizes("stride", 1)?,
            padding,
            dilation: fields.sizes("dilation", 1)?,
            groups,
            bias: fields.parameter_or("bias", || ArrayD::zeros([channels].as_slice()), "zeros")?,
        };
        conv.check(fields)?;
        Ok(conv)
    }

    fn write(&self) -> Members {
        let sizes = |sizes: &[usize; D]| match sizes.as_slice() {
            [size] => Raw::integer(i64::try_from(*size).unwrap_or(i64::MAX)),
            sizes => Raw::sizes(sizes),
        };
        let mut members = Members::from([
            ("weight".to_owned(), Raw::F32(self.weight.clone())),
            ("bias".to_owned(), Raw::F64(self.bias.clone())),
            ("stride".to_owned(), sizes(&self.stride)),
            ("dilation".to_owned(), sizes(&self.dilation)),
            ("groups".to_owned(), Raw::integer(i64::try_from(self.groups).unwrap_or(i64::MAX))),
            (
                "padding".to_owned(),
                match &self.padding {
                    Padding::Fixed(padding) => sizes(padding),
                    Padding::Same => Raw::text("same"),
                    Padding::Valid => Raw::text("valid"),
                },
            ),
        ]);
        if let Some(shape) = &self.input_shape {
            members.insert("input_shape".to_owned(), sizes(shape));
        }
        members
    }

    fn shape(&self, input: Option<&[usize]>) -> Result<Option<NodeShape>> {
        let axes = match (self.input_shape, input) {
            (Some(axes), _) => axes,
            (None, None) => return Ok(None),
            (None, Some(input)) => match input.split_first().map(|(_, axes)| <[usize; D]>::try_from(axes)) {
                Some(Ok(axes)) => axes,
                _ => {
                    return Err(Diagnostic::error("shape-mismatch", "the input of a convolution has the wrong rank")
                        .text(format!(
                            "A {} takes channels and {D} more axes; its input has shape {input:?}.",
                            Self::KIND
                        ))
                        .hint("check what comes before the node")
                        .into());
                }
            },
        };
        let output = self.output_lengths(&axes)?;
        Ok(Some(NodeShape {
            input: [&[self.channels_in()], axes.as_slice()].concat(),
            output: [&[self.channels_out()], output.as_slice()].concat(),
        }))
    }
}
