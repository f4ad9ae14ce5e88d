//! Helpers on arrays and shapes: broadcasting as NumPy does it, counting, comparing.

use ndarray::ArrayD;
use s2c_dialects::diagnostic::{Diagnostic, Result};

/// Number of elements of a shape; saturates instead of overflowing.
pub(super) fn count(shape: &[usize]) -> usize {
    shape.iter().fold(1, |product, &size| product.saturating_mul(size))
}

/// Whether two shapes differ in nothing but dimensions of size one.
pub(super) fn same_but_ones(a: &[usize], b: &[usize]) -> bool {
    let essential = |shape: &[usize]| shape.iter().copied().filter(|&size| size != 1).collect::<Vec<_>>();
    essential(a) == essential(b)
}

/// The shape that two shapes broadcast to, by NumPy's rule: aligned at the end, a size of one stretches.
pub fn broadcast_shape(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |shape: &[usize], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(index) => shape.get(index).copied().unwrap_or(1),
        None => 1,
    };
    (0..rank)
        .map(|axis| match (size(a, axis), size(b, axis)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

/// Stretches a parameter to a shape. An array of one element fits every shape, whatever its rank.
///
/// ```
/// # use ndarray::arr1;
/// let tau = s2c_nir::broadcast(&arr1(&[0.02]).into_dyn(), &[2, 3])?;
/// assert_eq!(tau.shape(), [2, 3]);
/// # Ok::<(), Box<s2c_dialects::diagnostic::Diagnostic>>(())
/// ```
pub fn broadcast(values: &ArrayD<f64>, shape: &[usize]) -> Result<ArrayD<f64>> {
    if let (1, Some(&value)) = (values.len(), values.first()) {
        return Ok(ArrayD::from_elem(shape, value));
    }
    match values.broadcast(shape) {
        Some(view) => Ok(view.to_owned()),
        None if values.len() == count(shape) && same_but_ones(values.shape(), shape) => {
            values.to_shape(shape).map(|array| array.to_owned()).map_err(|_| mismatch(values, shape))
        }
        None => Err(mismatch(values, shape)),
    }
}

fn mismatch(values: &ArrayD<f64>, shape: &[usize]) -> Box<Diagnostic> {
    Diagnostic::error("parameter-shape", "a parameter does not fit its population")
        .text(format!("The parameter has shape {:?}, the population {shape:?}.", values.shape()))
        .hint("give one value, one per neuron, or a shape that NumPy broadcasts to the population's")
        .into()
}

/// The shape that all parameters broadcast to. Single values fit every shape, and count only where there is nothing else.
pub(super) fn common_shape(parameters: &[(&'static str, &ArrayD<f64>)]) -> Option<Vec<usize>> {
    let single = parameters.iter().all(|(_, values)| values.len() == 1);
    let mut shapes =
        parameters.iter().filter(|(_, values)| single || values.len() != 1).map(|(_, values)| values.shape());
    shapes.try_fold(Vec::new(), |common, shape| broadcast_shape(&common, shape))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{arr1, arr3};

    #[test]
    fn shapes_broadcast_as_in_numpy() {
        assert_eq!(broadcast_shape(&[16, 1, 1], &[16, 8, 4]), Some(vec![16, 8, 4]));
        assert_eq!(broadcast_shape(&[], &[3]), Some(vec![3]));
        assert_eq!(broadcast_shape(&[2, 1], &[3]), Some(vec![2, 3]));
        assert_eq!(broadcast_shape(&[2], &[3]), None);
    }

    #[test]
    fn one_element_of_any_rank_fits_every_shape() {
        let one = arr3(&[[[5.0]]]).into_dyn();
        assert_eq!(broadcast(&one, &[2]).unwrap(), arr1(&[5.0, 5.0]).into_dyn());
    }

    #[test]
    fn other_shapes_are_refused() {
        let error = broadcast(&arr1(&[1.0, 2.0]).into_dyn(), &[3]).unwrap_err();
        assert_eq!(error.code, "parameter-shape");
    }
}
