//! The untyped tree to a stream, whose form [`stream`](super::stream) describes.

use super::{
    raw::{Members, Raw},
    stream::MAGIC,
};
use ndarray::ArrayD;
use std::io::{self, Write};

/// Writes the tree, or why there is none.
pub(super) fn write(tree: &Result<Members, String>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(MAGIC)?;
    match tree {
        Ok(members) => group(members, out)?,
        Err(why) => {
            out.write_all(b"E")?;
            text(why, out)?;
        }
    }
    out.flush()
}

fn count(value: usize, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&(value as u64).to_le_bytes())
}

fn text(value: &str, out: &mut dyn Write) -> io::Result<()> {
    count(value.len(), out)?;
    out.write_all(value.as_bytes())
}

fn shape(sizes: &[usize], out: &mut dyn Write) -> io::Result<()> {
    count(sizes.len(), out)?;
    sizes.iter().try_for_each(|&size| count(size, out))
}

fn group(members: &Members, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"G")?;
    count(members.len(), out)?;
    for (name, raw) in members {
        text(name, out)?;
        match raw {
            Raw::Group(inner) => group(inner, out)?,
            Raw::F32(values) => array(b"f", values, |value| value.to_le_bytes(), out)?,
            Raw::F64(values) => array(b"d", values, |value| value.to_le_bytes(), out)?,
            Raw::Int(values) => array(b"i", values, |value| value.to_le_bytes(), out)?,
            Raw::Text(texts) => {
                out.write_all(b"T")?;
                shape(texts.shape(), out)?;
                texts.iter().try_for_each(|value| text(value, out))?;
            }
            Raw::Other(what) => {
                out.write_all(b"O")?;
                text(what, out)?;
            }
        }
    }
    Ok(())
}

fn array<T: Copy, const N: usize>(
    tag: &[u8; 1],
    values: &ArrayD<T>,
    bytes: impl Fn(T) -> [u8; N],
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(tag)?;
    shape(values.shape(), out)?;
    values.iter().try_for_each(|&value| out.write_all(&bytes(value)))
}
