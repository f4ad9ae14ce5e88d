//! HDF5 to an untyped tree, under limits that a damaged file cannot lift.
//!
//! Limits: what all datasets declare together is at most 1032 times the length of the file, the most that deflate can
//! expand, and at most [`LARGEST_CONTENT`]; groups nest at most [`DEEPEST`] levels; there are at most [`MOST_OBJECTS`]
//! objects. Data in other files (external links, external or virtual datasets) is not followed.

use super::raw::{Members, Raw};
use hdf5::{
    Dataset, Group, IndexType, IterationOrder, LinkType,
    plist::dataset_create::Layout,
    types::{FixedAscii, FixedUnicode, FloatSize, TypeDescriptor, VarLenAscii, VarLenUnicode},
};
use ndarray::{ArrayD, Ix0, arr0};
use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::path::Path;

/// The most that deflate expands by, as its authors state.
const EXPANSION: u64 = 1032;
/// Bytes of all datasets together, expanded.
const LARGEST_CONTENT: u64 = 8 << 30;
/// Levels of groups.
const DEEPEST: usize = 48;
/// Groups and datasets together.
const MOST_OBJECTS: usize = 1 << 18;
/// Bytes of a string of fixed length.
const LONGEST_STRING: usize = 1024;

/// Reads the whole file.
pub(super) fn read(path: &Path) -> Result<Members> {
    let shown = path.display();
    let size = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Diagnostic::error("file-not-found", format!("the file `{shown}` does not exist"))
                .hint("check the path of the model")
        }
        _ => {
            Diagnostic::error("file-unreadable", format!("the file `{shown}` cannot be read")).text(format!("{error}."))
        }
    })?;
    if !size.is_file() {
        return Err(not_nir(path, "It is not a regular file."));
    }
    hdf5::silence_errors(true);
    let file = hdf5::File::open(path).map_err(|error| not_nir(path, &words(&error)))?;
    let content = size.len().saturating_mul(EXPANSION).min(LARGEST_CONTENT);
    let mut reader = Reader { path, content, objects: MOST_OBJECTS };
    reader.group(&file, "", 0)
}

/// The diagnostic for a file that is no NIR file.
pub(super) fn not_nir(path: &Path, why: &str) -> Box<Diagnostic> {
    Diagnostic::error("not-a-nir-file", format!("`{}` is not a readable NIR file", path.display()))
        .text(why)
        .hint("a NIR file is HDF5, as written by `nir.write` in Python; was the file cut off on its way?")
        .into()
}

/// The library's message, as one sentence.
fn words(error: &hdf5::Error) -> String {
    let text = error.to_string();
    format!("HDF5 says: {}.", text.lines().next().unwrap_or_default().trim_end_matches('.'))
}

struct Reader<'a> {
    path: &'a Path,
    content: u64,
    objects: usize,
}

impl Reader<'_> {
    fn broken(&self, name: &str, why: impl AsRef<str>) -> Box<Diagnostic> {
        not_nir(self.path, &format!("At `{name}`: {}", why.as_ref()))
    }

    fn group(&mut self, group: &Group, name: &str, depth: usize) -> Result<Members> {
        if depth > DEEPEST {
            return Err(self.broken(name, format!("Groups nest deeper than {DEEPEST} levels.")));
        }
        let mut links = Vec::new();
        group
            .find_link(IndexType::Name, IterationOrder::Increasing, |link, info| {
                links.push((link.to_owned(), info.link_type));
                Ok((links.len() > MOST_OBJECTS).then_some(()))
            })
            .map_err(|error| self.broken(name, words(&error)))?;
        let mut members = Members::with_capacity(links.len());
        for (link, kind) in links {
            let path = format!("{name}/{link}");
            self.objects = self
                .objects
                .checked_sub(1)
                .ok_or_else(|| self.broken(&path, format!("There are more than {MOST_OBJECTS} objects.")))?;
            let raw = match kind {
                LinkType::External => Some(Raw::Other("a link to another file".to_owned())),
                LinkType::Soft if group.loc_type_by_name(&link).is_err() => {
                    Some(Raw::Other("a link to nothing".to_owned()))
                }
                LinkType::Hard | LinkType::Soft => self.member(group, &link, &path, depth)?,
            };
            members.extend(raw.map(|raw| (link, raw)));
        }
        Ok(members)
    }

    /// A dataset or group; `None` for a dataset that says of itself that it has no value.
    fn member(&mut self, group: &Group, link: &str, path: &str, depth: usize) -> Result<Option<Raw>> {
        if let Ok(dataset) = group.dataset(link) {
            return self.dataset(&dataset, path);
        }
        match group.group(link) {
            Ok(inner) => self.group(&inner, path, depth + 1).map(|members| Some(Raw::Group(members))),
            Err(error) => Err(self.broken(path, words(&error))),
        }
    }

    fn dataset(&mut self, dataset: &Dataset, path: &str) -> Result<Option<Raw>> {
        let failed = |error: hdf5::Error| self.broken(path, words(&error));
        let dtype = dataset.dtype().map_err(failed)?;
        let space = dataset.space().map_err(failed)?;
        let plist = dataset.dcpl().map_err(failed)?;
        if plist.layout() == Layout::Virtual || !plist.external().is_empty() {
            return Ok(Some(Raw::Other("data in another file".to_owned())));
        }
        let elements = space.shape().iter().try_fold(1, |product: usize, &size| product.checked_mul(size));
        let elements = elements.filter(|&elements| elements == space.size() || space.shape().is_empty());
        let Some(elements) = elements else {
            return Err(self.broken(path, "The shape of the dataset overflows."));
        };
        if elements != 0 && space.size() == 0 {
            return Ok(None);
        }
        let chunk =
            plist.chunk().unwrap_or_default().iter().fold(1_usize, |product, &size| product.saturating_mul(size));
        let width = dtype.size().max(8);
        let bytes = u64::try_from(elements.max(chunk).saturating_mul(width)).unwrap_or(u64::MAX);
        self.content = self.content.checked_sub(bytes).ok_or_else(|| {
            self.broken(
                path,
                format!("The dataset declares {elements} elements, more than a file of this length can hold."),
            )
        })?;
        let failed = |error: hdf5::Error| self.broken(path, words(&error));
        let raw = match dtype.to_descriptor() {
            Ok(TypeDescriptor::Float(FloatSize::U4)) => Raw::F32(numbers(dataset).map_err(failed)?),
            Ok(TypeDescriptor::Float(_)) => Raw::F64(numbers(dataset).map_err(failed)?),
            Ok(
                TypeDescriptor::Integer(_)
                | TypeDescriptor::Unsigned(_)
                | TypeDescriptor::Boolean
                | TypeDescriptor::Enum(_),
            ) => Raw::Int(numbers(dataset).map_err(failed)?),
            Ok(TypeDescriptor::VarLenUnicode) => {
                let strings = dataset.read_dyn::<VarLenUnicode>().map_err(failed)?;
                self.text(&strings, path, |text| if text.as_ptr().is_null() { &[] } else { text.as_bytes() })?
            }
            Ok(TypeDescriptor::VarLenAscii) => {
                let strings = dataset.read_dyn::<VarLenAscii>().map_err(failed)?;
                self.text(&strings, path, |text| if text.as_ptr().is_null() { &[] } else { text.as_bytes() })?
            }
            Ok(TypeDescriptor::FixedUnicode(length)) if self.fits(elements, length) => {
                let strings = dataset.read_dyn::<FixedUnicode<LONGEST_STRING>>().map_err(failed)?;
                self.text(&strings, path, FixedUnicode::as_bytes)?
            }
            Ok(TypeDescriptor::FixedAscii(length)) if self.fits(elements, length) => {
                let strings = dataset.read_dyn::<FixedAscii<LONGEST_STRING>>().map_err(failed)?;
                self.text(&strings, path, FixedAscii::as_bytes)?
            }
            // Half and extended precision have no descriptor, but convert.
            Err(_) if dtype.conv_to::<f64>().is_some() => Raw::F64(numbers(dataset).map_err(failed)?),
            Ok(other) => Raw::Other(format!("data of type {other}")),
            Err(_) => Raw::Other("data of an unknown type".to_owned()),
        };
        Ok(Some(raw))
    }

    /// Whether strings of fixed length can be read through the buffers that they need.
    fn fits(&self, elements: usize, length: usize) -> bool {
        let bytes = u64::try_from(elements.saturating_mul(LONGEST_STRING)).unwrap_or(u64::MAX);
        length <= LONGEST_STRING && bytes <= self.content
    }

    fn text<T>(&self, strings: &ArrayD<T>, path: &str, bytes: impl Fn(&T) -> &[u8]) -> Result<Raw> {
        let mut good = true;
        let texts = strings.map(|text| {
            let text = std::str::from_utf8(bytes(text));
            good &= text.is_ok();
            text.unwrap_or_default().to_owned()
        });
        if good { Ok(Raw::Text(texts)) } else { Err(self.broken(path, "A string is not valid UTF-8.")) }
    }
}

/// Reads numbers with conversion to `T`. Scalars are arrays without axes.
fn numbers<T: hdf5::H5Type + Clone>(dataset: &Dataset) -> hdf5::Result<ArrayD<T>> {
    if dataset.ndim() == 0 {
        return dataset.read::<T, Ix0>().map(|value| arr0(value.into_scalar()).into_dyn());
    }
    dataset.read_dyn::<T>()
}
