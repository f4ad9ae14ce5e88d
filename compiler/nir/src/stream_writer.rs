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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::{CUT_OFF, read};
    use ndarray::{IxDyn, arr2};

    fn tree() -> Members {
        let inner = Members::from([("x".to_owned(), Raw::Other("references".to_owned()))]);
        Members::from([
            ("a".to_owned(), Raw::F32(arr2(&[[1.5, f32::MIN_POSITIVE], [-0.0, 3.0]]).into_dyn())),
            ("b".to_owned(), Raw::F64(ArrayD::zeros(IxDyn(&[0, 3])))),
            ("c".to_owned(), Raw::integer(i64::MIN)),
            ("d".to_owned(), Raw::Text(arr2(&[["", "ä\n"]]).mapv(str::to_owned).into_dyn())),
            ("e".to_owned(), Raw::Group(inner)),
        ])
    }

    fn written(tree: &Result<Members, String>) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(tree, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(read(&written(&Ok(tree()))).unwrap(), tree());
        assert_eq!(read(&written(&Err("No.".to_owned()))).unwrap_err(), "No.");
    }

    #[test]
    fn a_stream_that_is_cut_off_or_goes_on_is_refused() {
        let mut bytes = written(&Ok(tree()));
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]).unwrap_err(), CUT_OFF);
        }
        bytes.push(0);
        assert_eq!(read(&bytes).unwrap_err(), CUT_OFF);
    }

    #[test]
    fn counts_beyond_the_stream_are_refused_without_allocating() {
        let head = [MAGIC, b"G", &1_u64.to_le_bytes(), &0_u64.to_le_bytes()].concat();
        let huge = [u64::MAX, 1 << 60, 1 << 40];
        for (tag, size) in [b"f", b"d", b"i", b"T"].into_iter().flat_map(|tag| huge.map(|size| (tag, size))) {
            let bytes = [&head, tag.as_slice(), &1_u64.to_le_bytes(), &size.to_le_bytes()].concat();
            assert_eq!(read(&bytes).unwrap_err(), CUT_OFF);
        }
    }
}
