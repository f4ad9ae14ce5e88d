//! Weights between populations: `Affine`, `Linear` and `Scale`.
//!
//! - `Affine`: y = W·x + b. `weight` (…, outputs, inputs), `bias` broadcasts to (…, outputs). No units.
//! - `Linear`: y = W·x. `weight` as above.
//! - `Scale`: y = s ⊙ x, element by element. `scale` has the shape of x.

use super::{
    array::broadcast_shape,
    fields::Fields,
    primitive::{NodeShape, Primitive, elementwise_shape},
    raw::{Members, Raw},
};
use ndarray::ArrayD;
use s2c_dialects::diagnostic::Result;

/// Matrix and bias.
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// W, shape (…, outputs, inputs).
    pub weight: ArrayD<f32>,
    /// b; zeros where the file has none.
    pub bias: ArrayD<f64>,
}

/// Matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// W, shape (…, outputs, inputs).
    pub weight: ArrayD<f32>,
}

/// Factor per element.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// s, in the shape of the data or broadcasting to it.
    pub scale: ArrayD<f32>,
}

/// Shapes before and after a matrix; leading axes of the weight stay as they are.
fn matrix_shape(weight: &ArrayD<f32>) -> Option<NodeShape> {
    let (leading, [outputs, inputs]) = weight.shape().split_last_chunk::<2>()?;
    Some(NodeShape { input: [leading, &[*inputs]].concat(), output: [leading, &[*outputs]].concat() })
}

fn read_matrix(fields: &mut Fields<'_>) -> Result<ArrayD<f32>> {
    let weight = fields.weight("weight")?;
    if weight.ndim() < 2 || weight.is_empty() {
        return Err(fields
            .error("weight-rank", "a weight matrix has the wrong shape")
            .text(format!(
                "`weight` has shape {:?}; it should be (outputs, inputs), neither of them 0.",
                weight.shape()
            ))
            .hint("export the layer with a two-dimensional weight")
            .into());
    }
    Ok(weight)
}

impl Primitive for Affine {
    const KIND: &'static str = "Affine";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        let weight = read_matrix(fields)?;
        let output = matrix_shape(&weight).map(|shape| shape.output).unwrap_or_default();
        let bias = fields.parameter_or("bias", || ArrayD::zeros(output.as_slice()), "zeros")?;
        if broadcast_shape(bias.shape(), &output).as_ref() != Some(&output) {
            return Err(fields
                .error("parameter-shape", "a bias does not fit its weights")
                .text(format!("`bias` has shape {:?}, the outputs of `weight` have {output:?}.", bias.shape()))
                .hint("give one bias per output")
                .into());
        }
        Ok(Self { weight, bias })
    }

    fn write(&self) -> Members {
        Members::from([
            ("weight".to_owned(), Raw::F32(self.weight.clone())),
            ("bias".to_owned(), Raw::F64(self.bias.clone())),
        ])
    }

    fn shape(&self, _: Option<&[usize]>) -> Result<Option<NodeShape>> {
        Ok(matrix_shape(&self.weight))
    }
}

impl Primitive for Linear {
    const KIND: &'static str = "Linear";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { weight: read_matrix(fields)? })
    }

    fn write(&self) -> Members {
        Members::from([("weight".to_owned(), Raw::F32(self.weight.clone()))])
    }

    fn shape(&self, _: Option<&[usize]>) -> Result<Option<NodeShape>> {
        Ok(matrix_shape(&self.weight))
    }
}

impl Primitive for Scale {
    const KIND: &'static str = "Scale";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { scale: fields.weight("scale")? })
    }

    fn write(&self) -> Members {
        Members::from([("scale".to_owned(), Raw::F32(self.scale.clone()))])
    }

    fn shape(&self, input: Option<&[usize]>) -> Result<Option<NodeShape>> {
        Ok(elementwise_shape(self.scale.shape(), input))
    }
}
