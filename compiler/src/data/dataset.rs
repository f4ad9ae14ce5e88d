//! Recordings to run a network on, one or many, with or without labels.

use super::{
    csv::read_csv,
    nir_data,
    npy::{Npy, position},
    npz::Npz,
    packed::Packed,
    spikes::{Cell, SpikeTrain, Train, TrainBuilder},
};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    shown,
};
use std::{fmt, path::Path};

/// Ticks of a recording; more than the longest runs have, and few enough to be kept in memory.
pub(super) const MOST_TICKS: usize = 1 << 24;

/// How the first axes of an array are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Time × population: the file is one recording.
    OneSample,
    /// Samples × time × population.
    Samples,
}

impl Layout {
    /// Number of axes before those of the population.
    fn leading(self) -> usize {
        match self {
            Self::OneSample => 1,
            Self::Samples => 2,
        }
    }
}

/// An open file of recordings. Samples are decoded one by one, when they are asked for.
pub struct DataSet {
    content: Content,
    layout: Layout,
    labels: Option<Vec<u32>>,
    array: Option<String>,
}

enum Content {
    Train(SpikeTrain),
    Dense(Npy),
    Packed(Packed),
}

impl fmt::Debug for DataSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSet").field("array", &self.array).field("shape", &self.full_shape()).finish_non_exhaustive()
    }
}

impl DataSet {
    /// Opens a `.npy`, `.npz`, `.csv` or NIR data file. `array` picks an array of an `.npz`; without it that is `spikes`,
    /// else `spikes_packed`, else the only one that has a time axis and a population. Of NIR data it picks a node, or
    /// `NODE/OBSERVABLE`.
    pub fn open(path: &Path, array: Option<&str>, layout: Layout) -> Result<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        match (ending.as_str(), array) {
            ("nir" | "h5" | "hdf5", array) => nir_data::open(path, array, layout == Layout::OneSample)
                .and_then(|(name, npy)| Self::new(Content::Dense(npy), layout, None, Some(name))),
            ("npz", array) => Self::from_npz(&mut Npz::open(path)?, array, layout),
            ("npy" | "csv", Some(name)) => {
                Err(Diagnostic::error("no-such-array", format!("`{}` has no array names", path.display()))
                    .text(format!("The array `{name}` was asked for, but only .npz files have more than one array."))
                    .hint("leave the name of the array out")
                    .into())
            }
            ("npy", None) => Self::new(Content::Dense(Npy::open(path)?), layout, None, None),
            ("csv", None) => Self::new(Content::Train(read_csv(path)?), Layout::OneSample, None, None),
            _ => Err(Diagnostic::error(
                "unknown-data-format",
                format!("`{}` is no data file that is known", path.display()),
            )
            .text("Data is read from .npy, .npz and .csv files, and from NIR data (.nir, .h5, .hdf5).")
            .hint("save it with `numpy.save`")
            .into()),
        }
    }

    fn from_npz(npz: &mut Npz, array: Option<&str>, layout: Layout) -> Result<Self> {
        let name = match array {
            Some(name) => name.to_owned(),
            None => choose(npz, layout)?,
        };
        let is_packed = name.ends_with("_packed");
        let shape = match is_packed {
            true => npz.array("shape")?.map(|shape| sizes(&shape)).transpose()?,
            false => npz.shape(&name),
        };
        // Long silence takes little of a file and much of the memory: it is refused before that is taken.
        shape.iter().try_for_each(|shape| check_shape(shape, layout))?;
        let Some(npy) = npz.array(&name)? else {
            return Err(no_array(npz, &format!("there is no array `{name}`")));
        };
        let content = match shape {
            Some(shape) if is_packed => Content::Packed(unpack(&npy, shape)?),
            None if is_packed => {
                return Err(no_array(npz, &format!("`{name}` needs an array `shape`, which is absent")));
            }
            _ => Content::Dense(npy),
        };
        let labels = match npz.array("labels")? {
            Some(labels) if layout == Layout::Samples => {
                Some(labels.whole_numbers(u32::MAX, "not-labels", "labels")?)
            }
            _ => None,
        };
        Self::new(content, layout, labels, Some(name))
    }

    fn new(content: Content, layout: Layout, labels: Option<Vec<u32>>, array: Option<String>) -> Result<Self> {
        let set = Self { content, layout, labels, array };
        if !matches!(set.content, Content::Train(_)) {
            check_shape(set.full_shape(), layout)?;
        }
        if let Some(labels) = set.labels.as_ref().filter(|labels| labels.len() != set.len()) {
            return Err(Diagnostic::error("not-labels", "labels and samples do not go together")
                .text(format!("There are {} labels and {} samples.", labels.len(), set.len()))
                .hint("write one label per sample")
                .into());
        }
        Ok(set)
    }

    /// Makes a list of spikes one of so many neurons at least; arrays have the shape that they say.
    pub(super) fn widen(&mut self, neurons: usize) {
        if let (Content::Train(train), Ok(neurons)) = (&mut self.content, u32::try_from(neurons)) {
            train.widen(neurons);
        }
    }

    fn full_shape(&self) -> &[usize] {
        match &self.content {
            Content::Train(train) => train.shape(),
            Content::Dense(npy) => npy.shape(),
            Content::Packed(packed) => &packed.shape,
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        match (self.layout, &self.content) {
            (Layout::Samples, Content::Dense(_) | Content::Packed(_)) => {
                self.full_shape().first().copied().unwrap_or(0)
            }
            _ => 1,
        }
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of ticks of a sample.
    pub fn ticks(&self) -> usize {
        match &self.content {
            Content::Train(train) => train.ticks(),
            _ => self.full_shape().get(self.layout.leading() - 1).copied().unwrap_or(0),
        }
    }

    /// Shape of the population, without samples and time.
    pub fn shape(&self) -> &[usize] {
        match &self.content {
            Content::Train(train) => train.shape(),
            _ => self.full_shape().get(self.layout.leading()..).unwrap_or_default(),
        }
    }

    /// Name of the array that was chosen, for an `.npz` and NIR data.
    pub fn array(&self) -> Option<&str> {
        self.array.as_deref()
    }

    /// One label per sample, where the file has them.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_deref()
    }

    /// All samples in turn.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = Result<SpikeTrain>> {
        (0..self.len()).map(|index| self.sample(index))
    }

    /// One sample as spikes.
    pub fn sample(&self, index: usize) -> Result<SpikeTrain> {
        self.recording(index)
    }

    /// One sample as spikes or values.
    pub fn recording<T: Cell>(&self, index: usize) -> Result<Train<T>> {
        if index >= self.len() {
            return Err(Diagnostic::error("no-such-sample", format!("there is no sample {index}"))
                .text(format!("There are {} samples, counted from 0.", self.len()))
                .hint("choose another sample")
                .into());
        }
        let mut builder = Train::builder(self.shape())?;
        let width: usize = self.shape().iter().product();
        for tick in 0..self.ticks() {
            let start = (index * self.ticks() + tick) * width;
            match &self.content {
                Content::Train(train) => return Ok(train.convert()),
                Content::Dense(npy) => push_tick(&mut builder, npy, start, start + width)?,
                Content::Packed(packed) => {
                    let spikes = (start..start + width).zip(0..).filter(|(place, _)| packed.bit(*place));
                    spikes.for_each(|(_, neuron)| builder.push_event(neuron, T::ONE));
                    builder.end_tick();
                }
            }
        }
        Ok(builder.finish())
    }
}

/// Refuses the shape of an array that holds no recordings, or longer ones than can be run.
fn check_shape(shape: &[usize], layout: Layout) -> Result<()> {
    let wrong = |title: &str, text: String, hint: &str| {
        Err(Diagnostic::error("data-shape", title).text(text).hint(hint).into())
    };
    let ticks = shape.get(layout.leading() - 1).copied().unwrap_or(0);
    if shape.len() <= layout.leading() {
        let axes = if layout == Layout::OneSample { "time × population" } else { "samples × time × population" };
        let text = format!("Its shape is {shape:?}; it should be {axes}.");
        return wrong("the data has too few axes", text, "pick another array of the file, or reshape it");
    }
    // An axis of length 0 makes all others free to be of any length, at no cost in the file.
    if shape.contains(&0) {
        return wrong("the data is empty", format!("Its shape is {shape:?}."), "check the program that wrote it");
    }
    if ticks > MOST_TICKS {
        let text = format!("Its shape is {shape:?}, of which {ticks} are ticks; a recording has at most {MOST_TICKS}.");
        return wrong(
            "the data is too long",
            text,
            "the first axis is time: were the axes exchanged? Else cut it into parts",
        );
    }
    Ok(())
}

/// Adds a tick from its numbers in an array.
fn push_tick<T: Cell>(builder: &mut TrainBuilder<T>, npy: &Npy, start: usize, end: usize) -> Result<()> {
    let mut wrong = None;
    npy.nonzero(start, end, |place, value| {
        let Some(cell) = T::of(value) else {
            wrong = wrong.or(Some((place, value)));
            return;
        };
        #[expect(clippy::cast_possible_truncation, reason = "a recording has less than 2^32 neurons")]
        builder.push_event(place as u32, cell);
    });
    builder.end_tick();
    match wrong {
        None => Ok(()),
        Some((place, value)) => {
            let [code, title, text] = T::REFUSED;
            let place = position(npy.shape(), start + place);
            Err(Diagnostic::error(code, format!("{} {title}", npy.source()))
                .text(format!("At index {place:?} is {value}; {text}."))
                .hint(T::HINT)
                .into())
        }
    }
}

fn sizes(shape: &Npy) -> Result<Vec<usize>> {
    let sizes = shape.whole_numbers(u32::MAX, "packed-shape", "a shape")?;
    Ok(sizes.into_iter().map(|size| size as usize).collect())
}

fn unpack(npy: &Npy, shape: Vec<usize>) -> Result<Packed> {
    let bytes = npy.whole_numbers(u8::MAX.into(), "packed-shape", "packed bytes")?;
    #[expect(clippy::cast_possible_truncation, reason = "the range has been checked")]
    let bytes = bytes.into_iter().map(|byte| byte as u8).collect();
    Packed::new(bytes, npy.shape(), shape, npy.source())
}

/// The array that is meant where none is named.
fn choose(npz: &mut Npz, layout: Layout) -> Result<String> {
    let names = npz.names();
    if let Some(name) = ["spikes", "spikes_packed"].into_iter().find(|&wanted| names.iter().any(|name| name == wanted))
    {
        return Ok(name.to_owned());
    }
    let mut fitting =
        names.into_iter().filter(|name| npz.shape(name).is_some_and(|shape| shape.len() > layout.leading()));
    match (fitting.next(), fitting.next()) {
        (Some(name), None) => Ok(name),
        (None, _) => Err(no_array(npz, "no array has a time axis and a population")),
        (Some(one), Some(other)) => Err(no_array(npz, &format!("both `{one}` and `{other}` could be meant"))),
    }
}

fn no_array(npz: &mut Npz, why: &str) -> Box<Diagnostic> {
    let names = npz.names();
    let arrays = shown::list(names.iter().map(|name| format!("`{name}` {:?}", npz.shape(name).unwrap_or_default())));
    Diagnostic::error("no-such-array", format!("which array of `{}` holds the spikes is not clear", npz.source()))
        .text(format!("In it {why}. Its arrays are: {}.", arrays))
        .hint("choose one with `--input-array NAME`")
        .into()
}

/// What a command says that has samples of one input, of a network with several.
pub fn several_inputs(names: &[&str]) -> Box<Diagnostic> {
    let error = Diagnostic::error("several-inputs", format!("the network has {} inputs", names.len()));
    let text = format!("They are {}; data sets and calibration hold samples of a single one.", shown::list(names));
    Box::new(error.text(text).hint("`s2c run` and `s2c simulate` take a file for each: --input NODE=FILE"))
}
