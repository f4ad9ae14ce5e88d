//! HDF5 to an untyped tree, under limits that a damaged file cannot lift.
//!
//! Limits: what all datasets hold together, expanded, is at most 1032 times the length of the file, the most that deflate
//! can expand, and at most [`LARGEST_CONTENT`]; groups nest at most [`DEEPEST`] levels; there are at most
//! [`MOST_OBJECTS`] objects. Every size is checked before memory is taken for it. Data in other files is not followed.

use super::raw::{Members, Raw};
use hdf5_reader::{Dataset, Datatype, Hdf5File, OpenOptions, StringSize, VarLenKind, group::Group};
use ndarray::{ArrayD, IxDyn};
use s2c_dialects::diagnostic::{Diagnostic, Result};

/// The most that deflate expands by, as its authors state.
const EXPANSION: u64 = 1032;
/// Bytes of all datasets together, expanded.
const LARGEST_CONTENT: u64 = 8 << 30;
/// Levels of groups.
const DEEPEST: usize = 48;
/// Groups and datasets together.
const MOST_OBJECTS: usize = 1 << 18;

/// Reads the whole file.
pub(super) fn read(bytes: Vec<u8>, name: &str) -> Result<Members> {
    let content = (bytes.len() as u64).saturating_mul(EXPANSION).min(LARGEST_CONTENT);
    let limit = usize::try_from(content).unwrap_or(usize::MAX);
    let options = OpenOptions::default().with_max_read_bytes(limit).with_max_chunk_bytes(limit);
    let mut reader = Reader { file: name, content, objects: MOST_OBJECTS };
    let open = || Hdf5File::from_vec_with_options(bytes, options)?.root_group();
    let root = open().map_err(|error| not_nir(name, &words(&error)))?;
    reader.group(&root, "", 0)
}

/// The diagnostic for a file that is no NIR file.
pub(super) fn not_nir(file: &str, why: &str) -> Box<Diagnostic> {
    Diagnostic::error("not-a-nir-file", format!("`{}` is not a readable NIR file", file))
        .text(why)
        .hint("a NIR file is HDF5, as written by `nir.write` in Python; was the file cut off on its way?")
        .into()
}

/// The library's message, as one sentence.
fn words(error: &hdf5_reader::error::Error) -> String {
    let text = error.to_string();
    format!("HDF5: {}.", text.lines().next().unwrap_or_default().trim_end_matches('.'))
}

struct Reader<'a> {
    /// The file's name, for messages.
    file: &'a str,
    /// Bytes that datasets may still take.
    content: u64,
    /// Objects that may still come.
    objects: usize,
}

impl Reader<'_> {
    fn broken(&self, name: &str, why: impl AsRef<str>) -> Box<Diagnostic> {
        not_nir(self.file, &format!("At `{name}`: {}", why.as_ref()))
    }

    /// The members in the order of their names.
    fn group(&mut self, group: &Group, name: &str, depth: usize) -> Result<Members> {
        if depth > DEEPEST {
            return Err(self.broken(name, format!("Groups nest deeper than {DEEPEST} levels.")));
        }
        let (groups, datasets) = group.members().map_err(|error| self.broken(name, words(&error)))?;
        self.objects = self
            .objects
            .checked_sub(groups.len() + datasets.len())
            .ok_or_else(|| self.broken(name, format!("There are more than {MOST_OBJECTS} objects.")))?;
        let mut members = Members::with_capacity(groups.len() + datasets.len());
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
        self.content = self.content.checked_sub(bytes).ok_or_else(|| {
            self.broken(path, "The dataset declares more elements than a file of this length can hold.")
        })?;
        Ok(())
    }

    /// A dataset's value; `None` for one that says of itself that it has no value.
    fn dataset(&mut self, dataset: &Dataset, path: &str) -> Result<Option<Raw>> {
        let elements = dataset.num_elements().map_err(|error| self.broken(path, words(&error)))?;
        let shape: Option<Vec<usize>> = dataset.shape().iter().map(|&size| usize::try_from(size).ok()).collect();
        let shape = shape.ok_or_else(|| self.broken(path, "The shape of the dataset overflows."))?;
        if elements == 0 && shape.is_empty() {
            return Ok(None);
        }
        let stored = dataset.raw_byte_len().map_err(|error| self.broken(path, words(&error)))? as u64;
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
                let texts = dataset.read_strings().map_err(|error| self.broken(path, words(&error)))?;
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
            .map_err(|_| self.broken(path, "The dataset does not have as many elements as its shape says."))
    }

    fn numbers<T, const N: usize>(&self, dataset: &Dataset, path: &str, read: impl Fn([u8; N]) -> T) -> Result<Vec<T>> {
        let bytes = dataset.read_native_bytes().map_err(|error| self.broken(path, words(&error)))?;
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
            _ => Err(self.broken(path, format!("Integers of {size} bytes are not known."))),
        }
    }

    /// Strings of variable length, which lie in a heap that several elements may point into at the same place.
    fn strings(&mut self, dataset: &Dataset, path: &str) -> Result<Vec<String>> {
        let references = dataset.read_raw_bytes().map_err(|error| self.broken(path, words(&error)))?;
        let size = dataset.vlen_reference_size();
        let mut texts = Vec::with_capacity(references.len() / size);
        for reference in references.chunks_exact(size) {
            let bytes =
                dataset.resolve_vlen_reference_bytes(reference, 1).map_err(|error| self.broken(path, words(&error)))?;
            self.take(bytes.len() as u64, path)?;
            let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
            let text = std::str::from_utf8(text).map_err(|_| self.broken(path, "A string is not valid UTF-8."))?;
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
