//! Taking the fields of one node out of the untyped tree, with checks, defaults and notes.

use super::{
    array::common_shape,
    grid,
    notes::{Note, NoteKind, list},
    raw::{Members, Raw},
};
use ndarray::{ArrayD, Dimension};
use s2c_dialects::diagnostic::{Diagnostic, Result};

/// Sizes beyond this are taken for damage.
const LARGEST_SIZE: i64 = 1 << 31;

/// What reading leaves to say, over the whole file.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) notes: Vec<Note>,
    pub(super) warnings: Vec<Diagnostic>,
}

/// The fields of one node that have not been taken yet.
pub(super) struct Fields<'a> {
    path: &'a str,
    kind: &'a str,
    members: Members,
    log: &'a mut Log,
}

impl<'a> Fields<'a> {
    pub(super) fn new(path: &'a str, kind: &'a str, members: Members, log: &'a mut Log) -> Self {
        Self { path, kind, members, log }
    }

    /// The node's type.
    pub(super) fn kind(&self) -> &'a str {
        self.kind
    }

    /// An error at this node.
    pub(super) fn error(&self, code: &'static str, title: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, title).at_node(self.path)
    }

    /// Adds a note on a field of this node.
    pub(super) fn note(&mut self, kind: NoteKind, field: &str, text: String) {
        self.log.notes.push(Note { node: self.path.to_owned(), kind, field: field.to_owned(), text });
    }

    /// Notes everything that no primitive has asked for.
    pub(super) fn finish(mut self) {
        for (name, raw) in std::mem::take(&mut self.members) {
            if name == "metadata" {
                self.note(NoteKind::Metadata, &name, format!("Metadata of the exporter: {}.", raw.preview()));
            } else {
                self.note(
                    NoteKind::Unknown,
                    &name,
                    format!("`{name}` is no field of {} and was not used: {}.", self.kind, raw.preview()),
                );
            }
        }
    }

    fn take(&mut self, name: &str) -> Option<Raw> {
        self.members.shift_remove(name)
    }

    fn missing(&self, name: &str) -> Box<Diagnostic> {
        self.error("missing-field", format!("the field `{name}` is missing"))
            .text(format!("{} needs it; the fields left in the file are: {}.", self.kind, list(self.members.keys())))
            .hint("export the model again with a current version of `nir`")
            .into()
    }

    fn wrong_type(&self, name: &str, raw: &Raw, wanted: &str) -> Box<Diagnostic> {
        self.error("wrong-field-type", format!("the field `{name}` is not {wanted}"))
            .text(format!("The file holds {}.", raw.describe()))
            .hint("export the model again with a current version of `nir`")
            .into()
    }

    /// A string, if the field is one; else the field stays.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let text = self.members.get(name)?.as_text()?.to_owned();
        self.take(name);
        Some(text)
    }

    /// Neuron parameters or a bias, of any shape.
    pub(super) fn parameter(&mut self, name: &str) -> Result<ArrayD<f64>> {
        let raw = self.take(name).ok_or_else(|| self.missing(name))?;
        let values = match raw {
            Raw::F64(values) => values,
            Raw::F32(values) => values.mapv(f64::from),
            #[expect(clippy::cast_precision_loss, reason = "a parameter beyond 2^53 is rounded like any other float")]
            Raw::Int(values) => values.mapv(|value| value as f64),
            other => return Err(self.wrong_type(name, &other, "an array of numbers")),
        };
        if values.is_empty() {
            return Err(self.wrong_type(name, &Raw::F64(values), "an array with elements"));
        }
        self.check_each(name, &values, "the value is not finite", f64::is_finite)?;
        Ok(values)
    }

    /// Parameters with a default, whose use is noted.
    pub(super) fn parameter_or(
        &mut self,
        name: &str,
        default: impl FnOnce() -> ArrayD<f64>,
        words: &str,
    ) -> Result<ArrayD<f64>> {
        if self.members.contains_key(name) {
            return self.parameter(name);
        }
        self.note(NoteKind::Defaulted, name, format!("`{name}` is absent; {words} is taken."));
        Ok(default())
    }

    /// Weights. Wider numbers are rounded to 32-bit floats, which is noted; those out of range are refused. A scale in the
    /// metadata is checked against them.
    pub(super) fn weight(&mut self, name: &str) -> Result<ArrayD<f32>> {
        let weights = self.floats(name)?;
        let mismatch = grid::mismatch(self.members.get("metadata"), &weights);
        self.log.warnings.extend(mismatch.map(|warning| warning.at_node(self.path)));
        Ok(weights)
    }

    fn floats(&mut self, name: &str) -> Result<ArrayD<f32>> {
        if matches!(self.members.get(name), Some(Raw::F32(_)))
            && let Some(Raw::F32(values)) = self.take(name)
        {
            self.check_each(name, &values, "the value is not finite", f32::is_finite)?;
            return Ok(values);
        }
        let wide = self.parameter(name)?;
        #[expect(clippy::cast_possible_truncation, reason = "rounding is meant, overflow is checked below")]
        let narrow = wide.mapv(|value| value as f32);
        let vanished = wide.iter().zip(&narrow).filter(|(wide, narrow)| **wide != 0.0 && **narrow == 0.0).count();
        self.check_each(name, &narrow, "the value exceeds the range of a 32-bit float", f32::is_finite)?;
        if vanished > 0 {
            self.log.warnings.push(
                Diagnostic::warning("weight-underflow", "weights are too small for 32-bit floats")
                    .at_node(self.path)
                    .text(format!("{vanished} values of `{name}` are not zero but below the range of a 32-bit float; zero is taken."))
                    .hint("scale the layer, or set these weights to zero"),
            );
        }
        let rounded = wide.iter().zip(&narrow).filter(|(wide, narrow)| **wide != f64::from(**narrow)).count();
        if rounded > 0 {
            self.note(
                NoteKind::Rounded,
                name,
                format!("{rounded} of {} values of `{name}` were rounded to 32-bit floats.", wide.len()),
            );
        }
        Ok(narrow)
    }

    /// Refuses an array with a value that fails `good`, and shows the first such value.
    pub(super) fn check_each<T>(
        &self,
        name: &str,
        values: &ArrayD<T>,
        rule: &str,
        good: impl Fn(T) -> bool,
    ) -> Result<()>
    where
        T: Copy + std::fmt::Display,
    {
        let bad = values.iter().filter(|value| !good(**value)).count();
        if bad == 0 {
            return Ok(());
        }
        let Some((index, value)) = values.indexed_iter().find(|(_, value)| !good(**value)) else { return Ok(()) };
        Err(self
            .error("wrong-field-value", format!("`{name}` holds {value}: {rule}"))
            .text(format!("{bad} of {} values are at fault; the first is at index {:?}.", values.len(), index.slice()))
            .hint("look at this layer in the program that exported the model")
            .into())
    }

    /// Refuses parameters that do not broadcast to one shape.
    pub(super) fn check_common_shape(&self, parameters: &[(&'static str, &ArrayD<f64>)]) -> Result<()> {
        if common_shape(parameters).is_some() {
            return Ok(());
        }
        let shapes: Vec<_> = parameters.iter().map(|(name, values)| format!("`{name}` {:?}", values.shape())).collect();
        Err(self
            .error("parameter-shape", "the parameters of a population have different shapes")
            .text(format!("They are: {}.", shapes.join(", ")))
            .hint("give all of them the shape of the population, or single values")
            .into())
    }

    /// Whole numbers, flattened; `None` where the field is absent.
    fn integers(&mut self, name: &str) -> Result<Option<Vec<i64>>> {
        let Some(raw) = self.take(name) else { return Ok(None) };
        if let Raw::Int(values) = &raw {
            return Ok(Some(values.iter().copied().collect()));
        }
        let floats: Option<Vec<f64>> = match &raw {
            Raw::F64(values) => Some(values.iter().copied().collect()),
            Raw::F32(values) => Some(values.iter().map(|&value| f64::from(value)).collect()),
            _ => None,
        };
        #[expect(clippy::cast_possible_truncation, reason = "only whole numbers of at most 32 bits are converted")]
        let whole = |&value: &f64| (value.fract() == 0.0 && value.abs() <= 2_147_483_648.0).then_some(value as i64);
        match floats.and_then(|values| values.iter().map(whole).collect()) {
            Some(values) => Ok(Some(values)),
            None => Err(self.wrong_type(name, &raw, "whole numbers")),
        }
    }

    /// One whole number with a default, whose use is noted.
    pub(super) fn integer_or(&mut self, name: &str, default: i64) -> Result<i64> {
        match self.integers(name)?.as_deref() {
            Some([value]) => Ok(*value),
            Some(values) => Err(self
                .error("wrong-field-value", format!("`{name}` has {} values", values.len()))
                .text("One number is expected.")
                .into()),
            None => {
                self.note(NoteKind::Defaulted, name, format!("`{name}` is absent; {default} is taken."));
                Ok(default)
            }
        }
    }

    fn checked_sizes(&self, name: &str, values: &[i64], least: i64) -> Result<Vec<usize>> {
        let size = |&value: &i64| usize::try_from(value).ok().filter(|_| (least..=LARGEST_SIZE).contains(&value));
        values.iter().map(size).collect::<Option<_>>().ok_or_else(|| {
            self.error("wrong-field-value", format!("`{name}` holds a number that cannot be"))
                .text(format!("It is {values:?}; every number should be from {least} to {LARGEST_SIZE}."))
                .hint("look at this layer in the program that exported the model")
                .into()
        })
    }

    /// `N` sizes of at least `least`; one number stands for all.
    pub(super) fn sizes<const N: usize>(&mut self, name: &str, least: i64) -> Result<[usize; N]> {
        self.optional_sizes(name, least)?.ok_or_else(|| self.missing(name))
    }

    /// As [`Fields::sizes`]; an absent field is noted.
    pub(super) fn optional_sizes<const N: usize>(&mut self, name: &str, least: i64) -> Result<Option<[usize; N]>> {
        let Some(values) = self.shape_of_least(name, least)? else { return Ok(None) };
        let all = match *values.as_slice() {
            [value] => Some([value; N]),
            _ => <[usize; N]>::try_from(values.as_slice()).ok(),
        };
        let error = || {
            self.error("wrong-field-value", format!("`{name}` has {} values", values.len()))
                .text(format!("It is {values:?}; one number or {N} are expected."))
                .hint("look at this layer in the program that exported the model")
                .into()
        };
        all.ok_or_else(error).map(Some)
    }

    /// A shape, where the file gives it; its absence is noted.
    pub(super) fn shape(&mut self, name: &str) -> Result<Option<Vec<usize>>> {
        self.shape_of_least(name, 1)
    }

    /// A shape that must be there.
    pub(super) fn required_shape(&mut self, name: &str) -> Result<Vec<usize>> {
        let values = self.integers(name)?.ok_or_else(|| self.missing(name))?;
        self.checked_sizes(name, &values, 1)
    }

    fn shape_of_least(&mut self, name: &str, least: i64) -> Result<Option<Vec<usize>>> {
        match self.integers(name)? {
            Some(values) => self.checked_sizes(name, &values, least).map(Some),
            None if matches!(name, "input_shape" | "input_type") => {
                self.note(NoteKind::Defaulted, name, format!("`{name}` is absent; the shape follows from the input."));
                Ok(None)
            }
            None => Ok(None),
        }
    }
}
