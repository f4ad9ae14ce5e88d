//! Arrays of `.npy`: bytes and what they mean.

use super::{element::Element, header};
use crate::files;
use ndarray::ArrayD;
use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::path::Path;

/// An array whose elements are still bytes, in C order.
#[derive(Clone, Debug)]
pub(super) struct Npy {
    shape: Vec<usize>,
    element: Element,
    /// A whole file, or the elements alone.
    bytes: Vec<u8>,
    /// Where in `bytes` the elements begin.
    start: usize,
    /// Where it comes from, for messages.
    source: String,
}

impl Npy {
    /// Reads a file.
    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::parse(files::read(path)?, &format!("`{}`", path.display()))
    }

    /// Reads the content of a file; `source` names it in messages.
    pub(super) fn parse(mut bytes: Vec<u8>, source: &str) -> Result<Self> {
        let damaged = |why: String| {
            Diagnostic::error("not-an-npy-file", format!("{source} is not a readable .npy array"))
                .text(why)
                .hint("write it with `numpy.save`; was the file cut off on its way?")
        };
        let (header, data) = header::parse(&bytes).map_err(damaged)?;
        let element = Element::parse(&header.descr).ok_or_else(|| {
            Diagnostic::error("unsupported-dtype", format!("{source} does not hold numbers that can be used"))
                .text(format!(
                    "Its type is `{}`; integers, truth values and floats of up to 64 bits are read.",
                    header.descr
                ))
                .hint("convert it, for example with `.astype(numpy.uint8)`")
        })?;
        let size = header.shape.iter().try_fold(element.size(), |product, &size| product.checked_mul(size));
        let size = size.filter(|&size| size <= data.len()).ok_or_else(|| {
            damaged(format!(
                "Its shape {:?} needs more than the {} bytes of data that are there.",
                header.shape,
                data.len()
            ))
        })?;
        let start = bytes.len() - data.len();
        let (bytes, start) = if header.fortran && header.shape.len() > 1 {
            (to_c_order(&data[..size], element.size(), &header.shape), 0)
        } else {
            bytes.truncate(start + size);
            (bytes, start)
        };
        Ok(Self { shape: header.shape, element, bytes, start, source: source.to_owned() })
    }

    /// The bytes of the elements.
    fn data(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Sizes of the axes.
    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Where it comes from, for messages.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The elements from `start` to `end` in C order that are not zero, each with its distance from `start`.
    pub(super) fn nonzero(&self, start: usize, end: usize, mut each: impl FnMut(usize, f64)) {
        /// Elements that are passed over together where all their bytes are zero.
        const STRETCH: usize = 16;
        let size = self.element.size();
        let bytes = self.data().get(start.saturating_mul(size)..end.saturating_mul(size)).unwrap_or_default();
        for (number, stretch) in bytes.chunks(STRETCH * size).enumerate() {
            if stretch.iter().fold(0, |any, byte| any | byte) != 0 {
                let mut place = STRETCH * number..;
                self.element.decode(stretch, |value| {
                    let place = place.next().unwrap_or_default();
                    if value != 0.0 {
                        each(place, value);
                    }
                });
            }
        }
    }

    /// All elements.
    pub(super) fn values(&self) -> Vec<f64> {
        let mut values = Vec::with_capacity(self.data().len() / self.element.size());
        self.element.decode(self.data(), |value| values.push(value));
        values
    }

    /// All elements as whole numbers from 0 to `most`; else a diagnostic with `code`.
    pub(super) fn whole_numbers(&self, most: u32, code: &'static str, what: &str) -> Result<Vec<u32>> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range has been checked")]
        let whole =
            |value: f64| (value.fract() == 0.0 && (0.0..=f64::from(most)).contains(&value)).then_some(value as u32);
        let convert = |(index, value): (usize, f64)| {
            whole(value).ok_or_else(|| {
                Diagnostic::error(code, format!("{} does not hold {what}", self.source))
                    .text(format!("At index {:?} is {value}.", position(&self.shape, index)))
                    .into()
            })
        };
        self.values().into_iter().enumerate().map(convert).collect()
    }
}

/// The index of an element, axis by axis, from its place in C order.
pub(super) fn position(shape: &[usize], mut place: usize) -> Vec<usize> {
    let mut index: Vec<_> = shape
        .iter()
        .rev()
        .map(|&size| {
            let size = size.max(1);
            let here = place % size;
            place /= size;
            here
        })
        .collect();
    index.reverse();
    index
}

/// Reorders elements of `size` bytes from Fortran to C order.
fn to_c_order(data: &[u8], size: usize, shape: &[usize]) -> Vec<u8> {
    let mut strides = Vec::with_capacity(shape.len());
    shape.iter().fold(size, |stride, &length| {
        strides.push(stride);
        stride.saturating_mul(length)
    });
    let mut sorted = Vec::with_capacity(data.len());
    for place in 0..data.len() / size {
        let start: usize = position(shape, place).iter().zip(&strides).map(|(index, stride)| index * stride).sum();
        sorted.extend_from_slice(data.get(start..start + size).unwrap_or_default());
    }
    sorted
}

/// An element that `.npy` files are written with.
pub trait NpyElement: Copy {
    /// Its type in NumPy's notation.
    const DESCR: &'static str;
    /// Appends its bytes.
    fn append(self, bytes: &mut Vec<u8>);
}

macro_rules! npy_element {
    ($($type:ty: $descr:literal),*) => {
        $(impl NpyElement for $type {
            const DESCR: &'static str = $descr;

            fn append(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
        })*
    };
}

npy_element!(i8: "|i1", u8: "|u1", u16: "<u2", i32: "<i4", u32: "<u4", i64: "<i8", f32: "<f4", f64: "<f8");

/// The bytes of a `.npy` file.
pub fn npy_bytes<T: NpyElement>(array: &ArrayD<T>) -> Vec<u8> {
    let mut bytes = header::format(T::DESCR, array.shape());
    bytes.reserve(array.len() * size_of::<T>());
    array.iter().for_each(|value| value.append(&mut bytes));
    bytes
}

/// Writes an array; the same array gives the same bytes.
pub fn write_npy<T: NpyElement>(path: &Path, array: &ArrayD<T>) -> Result<()> {
    files::write(path, &npy_bytes(array))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fortran_order_is_undone() {
        assert_eq!(to_c_order(&[0, 3, 1, 4, 2, 5], 1, &[2, 3]), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn positions_count_in_c_order() {
        assert_eq!(position(&[2, 3, 4], 23), [1, 2, 3]);
        assert_eq!(position(&[], 0), [0_usize; 0]);
    }

    #[test]
    fn a_shape_beyond_the_data_is_refused() {
        for shape in [&[1 << 40][..], &[usize::MAX, 2], &[3]] {
            let mut bytes = header::format("<f8", shape);
            bytes.extend([0; 16]);
            assert_eq!(Npy::parse(bytes, "x").unwrap_err().code, "not-an-npy-file");
        }
    }
}
