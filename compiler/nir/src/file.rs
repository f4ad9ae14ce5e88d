//! HDF5 to an untyped tree, under [`Limits`] that a damaged file cannot lift.
//!
//! Every size is checked before memory is taken for it. Data in other files is not followed.

use super::{
    limits::{Limits, largest_content},
    raw::{Members, Raw},
};
use hdf5_reader::{
    Dataset, Datatype, Hdf5File, OpenOptions, StringSize, VarLenKind, error::Error as Hdf5Error, group::Group,
};
use ndarray::{ArrayD, IxDyn};

/// Why a file was not read.
#[derive(Debug)]
pub(super) struct Failure {
    /// The reason, as a sentence.
    pub(super) why: String,
    /// Whether the file may be good, and it is the reader that lacks something.
    pub(super) is_lack: bool,
}

type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    fn at(name: &str, why: impl AsRef<str>) -> Self {
        Self { why: format!("At `{name}`: {}", why.as_ref()), is_lack: false }
    }

    /// What the library says of an object, or of the whole file where it has no name.
    fn of(name: &str, error: &Hdf5Error) -> Self {
        let text = error.to_string();
        let why = format!("HDF5: {}.", text.lines().next().unwrap_or_default().trim_end_matches('.'));
        let why = if name.is_empty() { why } else { format!("At `{name}`: {why}") };
        Self { why, is_lack: is_lack(error) }
    }
}

/// Whether an error speaks of what the library has no code for.
fn is_lack(error: &Hdf5Error) -> bool {
    match error {
        Hdf5Error::Context { source, .. } => is_lack(source),
        Hdf5Error::UnsupportedFilter(_)
        | Hdf5Error::UnsupportedEncoding(_)
        | Hdf5Error::UnsupportedDatatypeClass(_)
        | Hdf5Error::UnsupportedLayoutClass(_)
        | Hdf5Error::UnsupportedLayoutVersion(_)
        | Hdf5Error::UnsupportedChunkIndexType(_)
        | Hdf5Error::UnsupportedLinkType(_)
        | Hdf5Error::UnsupportedSuperblockVersion(_)
        | Hdf5Error::UnsupportedObjectHeaderVersion(_)
        | Hdf5Error::UnsupportedFilterPipelineVersion(_)
        | Hdf5Error::UnsupportedFillValueVersion(_) => true,
        _ => false,
    }
}

/// Reads the whole file.
pub(super) fn read(bytes: Vec<u8>) -> Result<Members> {
    let length = bytes.len() as u64;
    let most = usize::try_from(largest_content(length)).unwrap_or(usize::MAX);
    let options = OpenOptions::default().with_max_read_bytes(most).with_max_chunk_bytes(most);
    let open = || Hdf5File::from_vec_with_options(bytes, options)?.root_group();
    let root = open().map_err(|error| Failure::of("", &error))?;
    Reader { limits: Limits::new(length) }.group(&root, "", 0)
}

struct Reader {
    limits: Limits,
}

impl Reader {
    /// The members in the order of their names.
    fn group(&mut self, group: &Group, name: &str, depth: usize) -> Result<Members> {
        let (groups, datasets) = group.members().map_err(|error| Failure::of(name, &error))?;
        let count = groups.len() + datasets.len();
        self.limits.enter(depth, count).map_err(|why| Failure::at(name, why))?;
        let mut members = Members::with_capacity(count);
        for inner in &groups {
            let path = format!("{name}/{}", inner.name());
            members.insert(inner.name().to_owned(), Raw::Group(self.group(inner, &path, depth + 1)?));
        }
        for dataset in &datasets {
            let path = format!("{name}/{}", dataset.name());
            members.extend(self.dataset(dataset, &path)?.map(|raw| (dataset.name().to_owned(), raw)));
        }
        members.sort_unstable_keys();
        Ok(members)
    }

    fn take(&mut self, bytes: u64, path: &str) -> Result<()> {
        self.limits.take(bytes).map_err(|why| Failure::at(path, why))
    }

    /// A dataset's value; `None` for one that says of itself that it has no value.
    fn dataset(&mut self, dataset: &Dataset, path: &str) -> Result<Option<Raw>> {
        let elements = dataset.num_elements().map_err(|error| Failure::of(path, &error))?;
        let shape: Option<Vec<usize>> = dataset.shape().iter().map(|&size| usize::try_from(size).ok()).collect();
        let shape = shape.ok_or_else(|| Failure::at(path, "The shape of the dataset overflows."))?;
        if elements == 0 && shape.is_empty() {
            return Ok(None);
        }
        let stored = dataset.raw_byte_len().map_err(|error| Failure::of(path, &error))? as u64;
        // In memory an element takes up to eight bytes.
        self.take(stored.max(elements.saturating_mul(8)), path)?;
        let raw = match dataset.dtype() {
            Datatype::FloatingPoint { size: 2, .. } => {
                let floats = self.numbers(dataset, path, |bytes| f64::from(half::f16::from_ne_bytes(bytes)))?;
                Raw::F64(self.array(shape, floats, path)?)
            }
            Datatype::FloatingPoint { size: 4, .. } => {
                Raw::F32(self.array(shape, self.numbers(dataset, path, f32::from_ne_bytes)?, path)?)
            }
            Datatype::FloatingPoint { size: 8, .. } => {
                Raw::F64(self.array(shape, self.numbers(dataset, path, f64::from_ne_bytes)?, path)?)
            }
            Datatype::FixedPoint { size, signed, .. } => {
                Raw::Int(self.array(shape, self.integers(dataset, path, *size, *signed)?, path)?)
            }
            Datatype::Enum { base, .. } => match **base {
                Datatype::FixedPoint { size, signed, .. } => {
                    Raw::Int(self.array(shape, self.integers(dataset, path, size, signed)?, path)?)
                }
                _ => Raw::Other("an enumeration of an unknown kind".to_owned()),
            },
            Datatype::String { size: StringSize::Fixed(_), .. } => {
                let texts = dataset.read_strings().map_err(|error| Failure::of(path, &error))?;
                Raw::Text(self.array(shape, texts, path)?)
            }
            Datatype::String { size: StringSize::Variable, .. } | Datatype::VarLen { kind: VarLenKind::String, .. } => {
                let texts = self.strings(dataset, path)?;
                Raw::Text(self.array(shape, texts, path)?)
            }
            other => Raw::Other(kind(other).to_owned()),
        };
        Ok(Some(raw))
    }

    fn array<T>(&self, shape: Vec<usize>, values: Vec<T>, path: &str) -> Result<ArrayD<T>> {
        ArrayD::from_shape_vec(IxDyn(&shape), values)
            .map_err(|_| Failure::at(path, "The dataset does not have as many elements as its shape says."))
    }

    fn numbers<T, const N: usize>(&self, dataset: &Dataset, path: &str, read: impl Fn([u8; N]) -> T) -> Result<Vec<T>> {
        let bytes = dataset.read_native_bytes().map_err(|error| Failure::of(path, &error))?;
        Ok(bytes.as_chunks().0.iter().map(|&bytes| read(bytes)).collect())
    }

    /// Integers of any width; those beyond 63 bits saturate.
    fn integers(&self, dataset: &Dataset, path: &str, size: u8, signed: bool) -> Result<Vec<i64>> {
        match (size, signed) {
            (1, true) => self.numbers(dataset, path, |bytes| i64::from(i8::from_ne_bytes(bytes))),
            (1, false) => self.numbers(dataset, path, |bytes| i64::from(u8::from_ne_bytes(bytes))),
            (2, true) => self.numbers(dataset, path, |bytes| i64::from(i16::from_ne_bytes(bytes))),
            (2, false) => self.numbers(dataset, path, |bytes| i64::from(u16::from_ne_bytes(bytes))),
            (4, true) => self.numbers(dataset, path, |bytes| i64::from(i32::from_ne_bytes(bytes))),
            (4, false) => self.numbers(dataset, path, |bytes| i64::from(u32::from_ne_bytes(bytes))),
            (8, true) => self.numbers(dataset, path, i64::from_ne_bytes),
            (8, false) => {
                self.numbers(dataset, path, |bytes| i64::try_from(u64::from_ne_bytes(bytes)).unwrap_or(i64::MAX))
            }
            _ => Err(Failure::at(path, format!("Integers of {size} bytes are not known."))),
        }
    }

    /// Strings of variable length, which lie in a heap that several elements may point into at the same place.
    fn strings(&mut self, dataset: &Dataset, path: &str) -> Result<Vec<String>> {
        let references = dataset.read_raw_bytes().map_err(|error| Failure::of(path, &error))?;
        let size = dataset.vlen_reference_size();
        let mut texts = Vec::with_capacity(references.len() / size);
        for reference in references.chunks_exact(size) {
            let bytes =
                dataset.resolve_vlen_reference_bytes(reference, 1).map_err(|error| Failure::of(path, &error))?;
            self.take(bytes.len() as u64, path)?;
            let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
            let text = std::str::from_utf8(text).map_err(|_| Failure::at(path, "A string is not valid UTF-8."))?;
            texts.push(text.to_owned());
        }
        Ok(texts)
    }
}

/// A type that no NIR field has, in words.
fn kind(datatype: &Datatype) -> &'static str {
    match datatype {
        Datatype::Compound { .. } => "data of a compound type",
        Datatype::Array { .. } | Datatype::VarLen { .. } => "data of an array type",
        Datatype::Opaque { .. } | Datatype::Bitfield { .. } => "data of an opaque type",
        Datatype::Reference { .. } => "references",
        _ => "data of an unknown type",
    }
}
