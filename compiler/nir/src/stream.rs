//! The untyped tree as a stream of bytes, in which a process hands it to another.
//!
//! ```text
//! stream := MAGIC ( group | 'E' text )                       the tree, or why there is none
//! group  := 'G' count ( text value )*                        members, each behind its name
//! value  := group | 'f' array | 'd' array | 'i' array        f32, f64, i64
//!         | 'T' shape text* | 'O' text                       strings; what no field is stored as, in words
//! array  := shape elements                                   in row-major order
//! shape  := count size*
//! text   := count UTF-8
//! ```
//!
//! All numbers are little-endian; counts and sizes have 64 bits. A stream that was cut off, or goes on, is refused.

use super::{
    limits::Limits,
    raw::{Members, Raw},
};
use ndarray::{ArrayD, IxDyn};

/// What a stream begins with.
pub(super) const MAGIC: &[u8] = b"s2c arrays 1\n";

/// Reads a whole stream.
///
/// # Errors
/// What the other process says of the file, or what is wrong with the stream, as a sentence.
pub(super) fn read(bytes: &[u8]) -> Result<Members, String> {
    let mut input = Input { bytes, limits: Limits::new(bytes.len() as u64) };
    if input.take(MAGIC.len())? != MAGIC {
        return Err(CUT_OFF.to_owned());
    }
    match input.tag()? {
        b'G' => input.group(0).and_then(|members| input.bytes.is_empty().then_some(members).ok_or(CUT_OFF.to_owned())),
        b'E' => Err(input.text()?),
        _ => Err(CUT_OFF.to_owned()),
    }
}

/// What is said of a stream that is not whole.
pub(super) const CUT_OFF: &str = "What the reading process sent is not whole.";

/// What has not been read yet.
struct Input<'a> {
    bytes: &'a [u8],
    limits: Limits,
}

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(CUT_OFF)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn tag(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn count(&mut self) -> Result<usize, String> {
        let bytes = self.take(8)?.first_chunk().ok_or(CUT_OFF)?;
        usize::try_from(u64::from_le_bytes(*bytes)).map_err(|_| CUT_OFF.to_owned())
    }

    fn text(&mut self) -> Result<String, String> {
        let length = self.count()?;
        String::from_utf8(self.take(length)?.to_vec()).map_err(|_| CUT_OFF.to_owned())
    }

    /// A shape, and how many elements it has.
    fn shape(&mut self) -> Result<(Vec<usize>, usize), String> {
        let rank = self.count()?;
        let sizes = self.take(rank.saturating_mul(8))?.as_chunks().0.iter();
        let sizes: Option<Vec<usize>> = sizes.map(|&size| usize::try_from(u64::from_le_bytes(size)).ok()).collect();
        let sizes = sizes.ok_or(CUT_OFF)?;
        let elements = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size)).ok_or(CUT_OFF)?;
        Ok((sizes, elements))
    }

    fn array<T, const N: usize>(&mut self, value: impl Fn([u8; N]) -> T) -> Result<ArrayD<T>, String> {
        let (shape, elements) = self.shape()?;
        let values = self.take(elements.saturating_mul(N))?.as_chunks().0.iter().map(|&bytes| value(bytes)).collect();
        ArrayD::from_shape_vec(IxDyn(&shape), values).map_err(|_| CUT_OFF.to_owned())
    }

    fn group(&mut self, depth: usize) -> Result<Members, String> {
        let count = self.count()?;
        self.limits.enter(depth, count)?;
        let mut members = Members::with_capacity(count);
        for _ in 0..count {
            let name = self.text()?;
            members.insert(name, self.value(depth)?);
        }
        Ok(members)
    }

    fn value(&mut self, depth: usize) -> Result<Raw, String> {
        Ok(match self.tag()? {
            b'G' => Raw::Group(self.group(depth + 1)?),
            b'f' => Raw::F32(self.array(f32::from_le_bytes)?),
            b'd' => Raw::F64(self.array(f64::from_le_bytes)?),
            b'i' => Raw::Int(self.array(i64::from_le_bytes)?),
            b'T' => {
                let (shape, elements) = self.shape()?;
                // Each text takes at least its length's bytes of the stream.
                let texts = (0..elements).map(|_| self.text()).collect::<Result<Vec<_>, _>>()?;
                Raw::Text(ArrayD::from_shape_vec(IxDyn(&shape), texts).map_err(|_| CUT_OFF.to_owned())?)
            }
            b'O' => Raw::Other(self.text()?),
            _ => return Err(CUT_OFF.to_owned()),
        })
    }
}
