//! HDF5 to an untyped tree by the HDF5 C library, for files with filters or features that `file` lacks.
//!
//! Some damaged files crash the C library or make it read outside its memory, so that this runs in a process of its own,
//! which writes what it finds as a stream that this crate reads. The limits are those of `file`. Data in other files is not followed.

use super::{
    limits::Limits,
    raw::{Members, Raw},
    stream_writer,
};
use hdf5::{
    Dataset, File, Group, IndexType, IterationOrder, LinkType, LocationType,
    dataset::Layout,
    types::{FixedAscii, FixedUnicode, FloatSize, TypeDescriptor, VarLenAscii, VarLenUnicode},
};
use ndarray::{ArrayD, IxDyn};
use std::{io, path::Path};

/// Lengths that strings of fixed length are read with; the library fills up shorter ones.
const SHORT: usize = 64;
const LONG: usize = 1 << 16;

/// Writes the arrays of an HDF5 file of `length` bytes, or why they can't be read, as a stream that this crate reads.
///
/// # Errors
/// Those of `out`.
pub fn write_arrays(file: &Path, length: u64, out: &mut dyn io::Write) -> io::Result<()> {
    stream_writer::write(&read(file, length), out)
}

/// The tree of a file of `length` bytes; else why not, as a sentence.
pub(super) fn read(file: &Path, length: u64) -> Result<Members, String> {
    let root = File::open(file).map_err(|error| words(&error))?;
    Reader { limits: Limits::new(length) }.group(&root, 0)
}

/// The library's message, as one sentence.
fn words(error: &hdf5::Error) -> String {
    let text = error.to_string();
    format!("The HDF5 library says: {}.", text.lines().next().unwrap_or_default().trim_end_matches('.'))
}

struct Reader {
    limits: Limits,
}

impl Reader {
    /// The members in the order of their names.
    fn group(&mut self, group: &Group, depth: usize) -> Result<Members, String> {
        let mut names = Vec::new();
        let listed = group.iter_visit(IndexType::Name, IterationOrder::Increasing, |name, link| {
            if link.link_type != LinkType::External {
                names.push(name.to_owned());
            }
            Ok(())
        });
        listed.map_err(|error| words(&error))?;
        self.limits.enter(depth, names.len())?;
        let mut members = Members::with_capacity(names.len());
        for name in names {
            let raw = self
                .member(group, &name, depth)
                .map_err(|why| format!("At `{}/{name}`: {why}", group.name().trim_end_matches('/')));
            members.extend(raw?.map(|raw| (name, raw)));
        }
        members.sort_unstable_keys();
        Ok(members)
    }

    fn member(&mut self, group: &Group, name: &str, depth: usize) -> Result<Option<Raw>, String> {
        match group.loc_type_by_name(name).map_err(|error| words(&error))? {
            LocationType::Group => {
                let inner = group.group(name).map_err(|error| words(&error))?;
                self.group(&inner, depth + 1).map(Raw::Group).map(Some)
            }
            LocationType::Dataset => self.dataset(&group.dataset(name).map_err(|error| words(&error))?),
            _ => Ok(None),
        }
    }

    /// A dataset's value; `None` for one that says of itself that it has no value.
    fn dataset(&mut self, dataset: &Dataset) -> Result<Option<Raw>, String> {
        let stored = dataset.dcpl().map_err(|error| words(&error))?;
        if stored.layout() == Layout::Virtual || !stored.external().is_empty() {
            return Err("Its data lies in other files.".to_owned());
        }
        let (shape, elements) = (dataset.shape(), dataset.size() as u64);
        if elements == 0 && shape.is_empty() {
            return Ok(None);
        }
        let datatype = dataset.dtype().map_err(|error| words(&error))?;
        // In memory an element takes up to eight bytes.
        self.limits.take(elements.saturating_mul(datatype.size().max(8) as u64))?;
        let array = Array { dataset, shape };
        let raw = match datatype.to_descriptor() {
            Ok(TypeDescriptor::Float(FloatSize::U4)) => Raw::F32(array.numbers()?),
            Ok(TypeDescriptor::Float(_)) => Raw::F64(array.numbers()?),
            Ok(
                TypeDescriptor::Integer(_)
                | TypeDescriptor::Unsigned(_)
                | TypeDescriptor::Boolean
                | TypeDescriptor::Enum(_),
            ) => Raw::Int(array.numbers()?),
            Ok(TypeDescriptor::FixedAscii(size)) if size <= SHORT => Raw::Text(array.texts::<FixedAscii<SHORT>>()?),
            Ok(TypeDescriptor::FixedUnicode(size)) if size <= SHORT => Raw::Text(array.texts::<FixedUnicode<SHORT>>()?),
            Ok(TypeDescriptor::FixedAscii(_)) => {
                self.limits.take(elements.saturating_mul(LONG as u64))?;
                Raw::Text(array.texts::<FixedAscii<LONG>>()?)
            }
            Ok(TypeDescriptor::FixedUnicode(_)) => {
                self.limits.take(elements.saturating_mul(LONG as u64))?;
                Raw::Text(array.texts::<FixedUnicode<LONG>>()?)
            }
            Ok(TypeDescriptor::VarLenAscii) => Raw::Text(array.texts::<VarLenAscii>()?),
            Ok(TypeDescriptor::VarLenUnicode) => Raw::Text(array.texts::<VarLenUnicode>()?),
            Ok(other) => Raw::Other(kind(&other).to_owned()),
            Err(_) => Raw::Other("data of an unknown type".to_owned()),
        };
        Ok(Some(raw))
    }
}

/// A dataset that is read whole; the library converts its elements.
struct Array<'a> {
    dataset: &'a Dataset,
    shape: Vec<usize>,
}

impl Array<'_> {
    fn shaped<T>(&self, values: Vec<T>) -> Result<ArrayD<T>, String> {
        ArrayD::from_shape_vec(IxDyn(&self.shape), values)
            .map_err(|_| "The dataset does not have as many elements as its shape says.".to_owned())
    }

    /// Numbers; integers beyond 63 bits saturate.
    fn numbers<T: hdf5::H5Type>(&self) -> Result<ArrayD<T>, String> {
        self.shaped(self.dataset.read_raw().map_err(|error| words(&error))?)
    }

    /// Strings, to their first NUL.
    fn texts<T: hdf5::H5Type + AsRef<[u8]>>(&self) -> Result<ArrayD<String>, String> {
        let texts: Vec<T> = self.dataset.read_raw().map_err(|error| words(&error))?;
        let text = |text: &T| {
            let bytes = text.as_ref().split(|&byte| byte == 0).next().unwrap_or_default();
            std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "A string is not valid UTF-8.".to_owned())
        };
        self.shaped(texts.iter().map(text).collect::<Result<_, _>>()?)
    }
}

/// A type that no NIR field has, in words.
fn kind(datatype: &TypeDescriptor) -> &'static str {
    match datatype {
        TypeDescriptor::Compound(_) => "data of a compound type",
        TypeDescriptor::FixedArray(..) | TypeDescriptor::VarLenArray(_) => "data of an array type",
        TypeDescriptor::Reference(_) => "references",
        _ => "data of an unknown type",
    }
}
