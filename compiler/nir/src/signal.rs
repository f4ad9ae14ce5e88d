//! Stateless or purely delaying nodes: `Delay` and `Threshold`.
//!
//! - `Delay`: y(t) = x(t − delay). `delay` in seconds, in the shape of x.
//! - `Threshold`: y = 1 where x > threshold, else 0. `threshold` in the unit of x, in the shape of x.

use super::{
    fields::Fields,
    primitive::{NodeShape, Primitive, elementwise_shape},
    raw::{Members, Raw},
};
use ndarray::ArrayD;
use s2c_dialects::diagnostic::Result;

/// Transport delay.
#[derive(Clone, Debug, PartialEq)]
pub struct Delay {
    /// Seconds, not negative.
    pub delay: ArrayD<f64>,
}

/// Step function.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// The value that must be exceeded.
    pub threshold: ArrayD<f64>,
}

impl Primitive for Delay {
    const KIND: &'static str = "Delay";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        let delay = fields.parameter("delay")?;
        fields.check_each("delay", &delay, "a delay is never negative", |seconds| seconds >= 0.0)?;
        Ok(Self { delay })
    }

    fn write(&self) -> Members {
        Members::from([("delay".to_owned(), Raw::F64(self.delay.clone()))])
    }

    fn shape(&self, input: Option<&[usize]>) -> Result<Option<NodeShape>> {
        Ok(elementwise_shape(self.delay.shape(), input))
    }
}

impl Primitive for Threshold {
    const KIND: &'static str = "Threshold";

    fn read(fields: &mut Fields<'_>) -> Result<Self> {
        Ok(Self { threshold: fields.parameter("threshold")? })
    }

    fn write(&self) -> Members {
        Members::from([("threshold".to_owned(), Raw::F64(self.threshold.clone()))])
    }

    fn shape(&self, input: Option<&[usize]>) -> Result<Option<NodeShape>> {
        Ok(elementwise_shape(self.threshold.shape(), input))
    }
}
