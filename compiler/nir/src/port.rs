//! Nodes that say how data is laid out: `Input`, `Output` and `Flatten`.
//!
//! - `Input`, `Output`: y = x. Field `shape`: sizes of the data without time and batch, e.g. (channels, height, width).
//! - `Flatten`: the axes from `start_dim` to `end_dim`, both included, become one, in row-major order. The axes are
//!   counted without time and batch; −1 is the last one. `input_type` may give the shape before.

use super::{
    array::count,
    fields::Fields,
    primitive::{NodeShape, Primitive},
    raw::{Members, Raw},
};
use s2c_dialects::diagnostic::{Diagnostic, Result};

/// Where data comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Shape of one tick's data.
    pub shape: Vec<usize>,
}

/// Where data goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Shape of one tick's data.
    pub shape: Vec<usize>,
}

/// Axes joined into one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flatten {
    /// Shape before, where the file gives it.
    pub input_type: Option<Vec<usize>>,
    /// First axis to join; 1 where the file is silent.
    pub start_dim: i64,
    /// Last axis to join; −1 where the file is silent.
    pub end_dim: i64,
}

impl Primitive for Input {
    const KIND: &'static str = "Input";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { shape: fields.required_shape("shape")? })
    }

    fn write(&self) -> Members {
        Members::from([("shape".to_owned(), Raw::sizes(&self.shape))])
    }

    fn shape(&self, _: Option<&[usize]>) -> Result<Option<NodeShape>> {
        Ok(Some(NodeShape::same(&self.shape)))
    }
}

impl Primitive for Output {
    const KIND: &'static str = "Output";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { shape: fields.required_shape("shape")? })
    }

    fn write(&self) -> Members {
        Members::from([("shape".to_owned(), Raw::sizes(&self.shape))])
    }

    fn shape(&self, _: Option<&[usize]>) -> Result<Option<NodeShape>> {
        Ok(Some(NodeShape::same(&self.shape)))
    }
}

impl Flatten {
    /// The shape after, for the shape before.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let axis = |dim: i64| {
            let rank = i64::try_from(input.len()).unwrap_or(i64::MAX);
            let dim = if dim < 0 { dim.saturating_add(rank) } else { dim };
            usize::try_from(dim).ok().filter(|&dim| dim < input.len())
        };
        let parts = axis(self.start_dim).zip(axis(self.end_dim)).filter(|(start, end)| start <= end).and_then(
            |(start, end)| {
                let joined = count(input.get(start..=end)?);
                Some([input.get(..start)?, &[joined], input.get(end + 1..)?].concat())
            },
        );
        parts.ok_or_else(|| {
            Diagnostic::error("flatten-axes", "Flatten names axes that its input does not have")
                .text(format!(
                    "It joins the axes {} to {}; the input has shape {input:?}.",
                    self.start_dim, self.end_dim
                ))
                .hint("NIR counts axes without the batch: joining everything is start_dim 0, end_dim -1")
                .into()
        })
    }
}

impl Primitive for Flatten {
    const KIND: &'static str = "Flatten";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self {
            input_type: fields.shape("input_type")?,
            start_dim: fields.integer_or("start_dim", 1)?,
            end_dim: fields.integer_or("end_dim", -1)?,
        })
    }

    fn write(&self) -> Members {
        let mut members = Members::from([
            ("start_dim".to_owned(), Raw::integer(self.start_dim)),
            ("end_dim".to_owned(), Raw::integer(self.end_dim)),
        ]);
        if let Some(shape) = &self.input_type {
            members.insert("input_type".to_owned(), Raw::sizes(shape));
        }
        members
    }

    fn shape(&self, input: Option<&[usize]>) -> Result<Option<NodeShape>> {
        let Some(input) = self.input_type.as_deref().or(input) else { return Ok(None) };
        Ok(Some(NodeShape { input: input.to_vec(), output: self.output_shape(input)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flatten(start_dim: i64, end_dim: i64, input: &[usize]) -> Option<Vec<usize>> {
        Flatten { input_type: None, start_dim, end_dim }.output_shape(input).ok()
    }

    #[test]
    fn axes_count_from_either_end() {
        assert_eq!(flatten(0, -1, &[2, 3, 4]), Some(vec![24]));
        assert_eq!(flatten(1, -1, &[2, 3, 4]), Some(vec![2, 12]));
        assert_eq!(flatten(-3, -2, &[2, 3, 4]), Some(vec![6, 4]));
        assert_eq!(flatten(1, 1, &[2, 3, 4]), Some(vec![2, 3, 4]));
    }

    #[test]
    fn axes_out_of_range_are_refused() {
        assert_eq!(flatten(1, -1, &[5]), None);
        assert_eq!(flatten(2, 1, &[2, 3, 4]), None);
        assert_eq!(flatten(i64::MIN, i64::MAX, &[2]), None);
    }
}
