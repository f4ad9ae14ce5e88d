//! The content of a NIR file as an untyped tree, between HDF5 and the typed graph.

use indexmap::IndexMap;
use ndarray::{ArrayD, arr0};

/// A group or dataset. Numbers keep their class; widths and byte order are gone.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    /// A group, by name.
    Group(Members),
    /// Floating point of at most 32 bits.
    F32(ArrayD<f32>),
    /// Wider floating point.
    F64(ArrayD<f64>),
    /// Integers, enumerations and truth values.
    Int(ArrayD<i64>),
    /// Strings.
    Text(ArrayD<String>),
    /// Something that no NIR field is stored as, described in words.
    Other(String),
}

/// The members of a group.
pub(super) type Members = IndexMap<String, Raw>;

impl Raw {
    /// A single string.
    pub(super) fn text(text: &str) -> Self {
        Self::Text(arr0(text.to_owned()).into_dyn())
    }

    /// A single integer; sizes beyond the range saturate.
    pub(super) fn integer(value: i64) -> Self {
        Self::Int(arr0(value).into_dyn())
    }

    /// A vector of sizes.
    pub(super) fn sizes(values: &[usize]) -> Self {
        Self::Int(
            values
                .iter()
                .map(|&value| i64::try_from(value).unwrap_or(i64::MAX))
                .collect::<ndarray::Array1<_>>()
                .into_dyn(),
        )
    }

    /// The string, if this is exactly one.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(array) if array.len() == 1 => array.first().map(String::as_str),
            _ => None,
        }
    }

    /// As JSON: one number or text as itself, an array as its shape and its values in row-major order.
    pub(super) fn to_json(&self) -> serde_json::Value {
        fn array<T: Clone + serde::Serialize>(values: &ArrayD<T>) -> serde_json::Value {
            match values.ndim() {
                0 => serde_json::json!(values.first()),
                _ => serde_json::json!({ "shape": values.shape(), "values": values.iter().collect::<Vec<_>>() }),
            }
        }
        match self {
            Self::F32(values) => array(&values.mapv(f64::from)),
            Self::F64(values) => array(values),
            Self::Int(values) => array(values),
            Self::Text(values) => array(values),
            Self::Group(members) => members.iter().map(|(name, raw)| (name.clone(), raw.to_json())).collect(),
            Self::Other(what) => what.clone().into(),
        }
    }

    /// Number of elements; members for a group.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Group(members) => members.len(),
            Self::F32(array) => array.len(),
            Self::F64(array) => array.len(),
            Self::Int(array) => array.len(),
            Self::Text(array) => array.len(),
            Self::Other(_) => 0,
        }
    }

    /// What this is, in words, for messages: `32-bit floats of shape [3, 4]`.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Group(members) => format!("a group of {} members", members.len()),
            Self::F32(array) => format!("32-bit floats of shape {:?}", array.shape()),
            Self::F64(array) => format!("64-bit floats of shape {:?}", array.shape()),
            Self::Int(array) => format!("integers of shape {:?}", array.shape()),
            Self::Text(array) => format!("strings of shape {:?}", array.shape()),
            Self::Other(what) => what.clone(),
        }
    }

    /// The value where it is short, else what it is; for notes.
    pub(super) fn preview(&self) -> String {
        const SHORT: usize = 8;
        match self {
            Self::F32(array) if array.len() <= SHORT => format!("{array}"),
            Self::F64(array) if array.len() <= SHORT => format!("{array}"),
            Self::Int(array) if array.len() <= SHORT => format!("{array}"),
            Self::Text(array) if array.len() <= SHORT => {
                array.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ")
            }
            Self::Group(members) => {
                let members: Vec<_> =
                    members.iter().take(SHORT).map(|(name, raw)| format!("{name}: {}", raw.preview())).collect();
                format!("{{{}}}", members.join(", "))
            }
            other => other.describe(),
        }
    }
}
