//! Parameters of NIR nodes as tensors.

use ndarray::ArrayD;
use s2c_dialects::{attribute::Tensor, diagnostic::Result};

/// A parameter with one value per element of a shape.
pub(super) fn tensor(node: &str, field: &str, values: &ArrayD<f64>, shape: &[usize]) -> Result<Tensor<f64>> {
    if values.len() == 1
        && let Some(&value) = values.iter().next()
    {
        return Ok(Tensor::splat(shape.to_vec(), value));
    }
    let values = s2c_nir::broadcast(values, shape).map_err(|mut diagnostic| {
        diagnostic.title = format!("`{field}`: {}", diagnostic.title);
        Box::new(diagnostic.at_node(node))
    })?;
    Ok(Tensor::new(shape.to_vec(), values.iter().copied().collect()))
}
