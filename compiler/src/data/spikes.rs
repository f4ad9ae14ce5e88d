//! What an input is given, as lists of events.

use ndarray::ArrayD;
use s2c_dialects::diagnostic::{Diagnostic, Result};
use s2c_interp::Interpreter;

/// A neuron and how many spikes it has in a tick, at least one.
pub type Event = (u32, u16);

/// What an input's neuron is given in a tick.
pub trait Cell: Copy + Into<f64> + Send + Sync {
    /// From a number of a file; none where that is nothing a cell can hold.
    fn of(value: f64) -> Option<Self>;

    /// What a number is that no cell can hold: code, title and text of the error.
    const REFUSED: [&'static str; 3];

    /// What may help then.
    const HINT: &'static str;

    /// A spike.
    const ONE: Self;

    /// Runs a network for one tick of its inputs.
    ///
    /// # Errors
    /// What the network says of the input.
    fn step(interpreter: &mut dyn Interpreter, inputs: &[Train<Self>], tick: usize) -> Result<()>;
}

/// A count of spikes.
impl Cell for u16 {
    const REFUSED: [&'static str; 3] =
        ["not-spike-counts", "does not hold spike counts", "counts are whole numbers from 0 to 65535"];
    const HINT: &'static str = "pick another array, turn the data into spikes first, or use --input-kind values";
    const ONE: Self = 1;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "other values are found out")]
    fn of(value: f64) -> Option<Self> {
        Some(value as u16).filter(|&count| f64::from(count) == value)
    }

    fn step(interpreter: &mut dyn Interpreter, inputs: &[SpikeTrain], tick: usize) -> Result<()> {
        interpreter.step_events(&inputs.iter().map(|input| input.events_at(tick)).collect::<Vec<_>>())
    }
}

/// A real value.
impl Cell for f32 {
    const REFUSED: [&'static str; 3] = ["not-values", "does not hold values", "values are finite numbers"];
    const HINT: &'static str = "check the program that wrote it";
    const ONE: Self = 1.0;

    #[expect(clippy::cast_possible_truncation, reason = "rounding is meant")]
    fn of(value: f64) -> Option<Self> {
        Some(value as f32).filter(|value| value.is_finite())
    }

    fn step(interpreter: &mut dyn Interpreter, inputs: &[ValueTrain], tick: usize) -> Result<()> {
        let dense = inputs.iter().map(|input| {
            let mut values = vec![0.0; input.neurons as usize];
            input.events_at(tick).iter().for_each(|&(neuron, value)| values[neuron as usize] = value.into());
            values
        });
        let dense: Vec<Vec<f64>> = dense.collect();
        interpreter.step_values(&dense.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }
}

/// Spikes of one recording.
pub type SpikeTrain = Train<u16>;

/// Real values of one recording; 0 where there is no event.
pub type ValueTrain = Train<f32>;

/// One recording: for every tick the neurons that have something, in rising order.
///
/// ```
/// # use s2c::data::SpikeTrain;
/// let mut builder = SpikeTrain::builder(&[2, 2])?;
/// builder.push_tick(&[0, 1, 0, 3]);
/// builder.push_tick(&[0, 0, 0, 0]);
/// let spikes = builder.finish();
/// assert_eq!(spikes.events_at(0), [(1, 1), (3, 3)]);
/// assert_eq!((spikes.ticks(), spikes.total()), (2, 4));
/// # Ok::<(), Box<s2c_dialects::diagnostic::Diagnostic>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Train<T> {
    shape: Vec<usize>,
    neurons: u32,
    /// Where each tick begins in `events`, and the end of the last.
    starts: Vec<usize>,
    events: Vec<(u32, T)>,
}

impl<T: Cell> Train<T> {
    /// A train of no ticks over a population of this shape, to be filled tick by tick.
    pub fn builder(shape: &[usize]) -> Result<TrainBuilder<T>> {
        let size = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        let neurons = size.and_then(|size| u32::try_from(size).ok()).ok_or_else(|| {
            Diagnostic::error("too-many-neurons", "a recording is too wide")
                .text(format!("A population of shape {shape:?} has more than 2^32 - 1 neurons."))
                .hint("the first axis of the data should be time")
        })?;
        Ok(TrainBuilder { train: Self { shape: shape.to_vec(), neurons, starts: vec![0], events: Vec::new() } })
    }

    /// The same numbers as other cells, which must hold them.
    pub(super) fn convert<C: Cell>(&self) -> Train<C> {
        let events = self.events.iter().filter_map(|&(neuron, value)| Some((neuron, C::of(value.into())?))).collect();
        Train { shape: self.shape.clone(), neurons: self.neurons, starts: self.starts.clone(), events }
    }

    /// Number of ticks.
    pub fn ticks(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of neurons.
    pub fn neurons(&self) -> u32 {
        self.neurons
    }

    /// Shape of the population, without time.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The events of a tick, by rising neuron; none after the end.
    pub fn events_at(&self, tick: usize) -> &[(u32, T)] {
        match (self.starts.get(tick), self.starts.get(tick + 1)) {
            (Some(&start), Some(&end)) => self.events.get(start..end).unwrap_or_default(),
            _ => &[],
        }
    }

    /// The events tick by tick.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[(u32, T)]> {
        (0..self.ticks()).map(|tick| self.events_at(tick))
    }

    /// Adds neurons that have nothing, up to so many.
    pub(super) fn widen(&mut self, neurons: u32) {
        if neurons > self.neurons {
            (self.neurons, self.shape) = (neurons, vec![neurons as usize]);
        }
    }

    /// The same recording over a population of another shape with as many neurons.
    pub fn with_shape(mut self, shape: &[usize]) -> Result<Self> {
        let Self { neurons, .. } = Self::builder(shape)?.train;
        if neurons != self.neurons {
            return Err(Diagnostic::error("data-shape", "the data does not fit the population")
                .text(format!("The data has {} neurons, {:?}; {shape:?} has {neurons}.", self.neurons, self.shape))
                .hint("the data should be time × the shape of the network's input")
                .into());
        }
        self.shape = shape.to_vec();
        Ok(self)
    }
}

impl SpikeTrain {
    /// A train from all counts, tick by tick, neurons in row-major order.
    pub fn from_dense(counts: &ArrayD<u16>) -> Result<Self> {
        let mut builder = Self::builder(counts.shape().get(1..).unwrap_or_default())?;
        for tick in counts.outer_iter() {
            let row: Vec<u16> = tick.iter().copied().collect();
            builder.push_tick(&row);
        }
        Ok(builder.finish())
    }

    /// All counts, with shape (ticks, shape of the population…).
    pub fn to_dense(&self) -> ArrayD<u16> {
        let shape = [&[self.ticks()], self.shape.as_slice()].concat();
        let mut dense = ArrayD::zeros(shape);
        for (tick, mut row) in dense.outer_iter_mut().enumerate() {
            let mut events = self.events_at(tick).iter().peekable();
            for (neuron, cell) in row.iter_mut().enumerate() {
                if let Some((_, count)) = events.next_if(|(next, _)| usize::try_from(*next) == Ok(neuron)) {
                    *cell = *count;
                }
            }
        }
        dense
    }

    /// Number of spikes in all.
    pub fn total(&self) -> u64 {
        self.events.iter().map(|&(_, count)| u64::from(count)).sum()
    }

    /// Number of spikes per neuron.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.neurons as usize];
        for &(neuron, count) in &self.events {
            counts[neuron as usize] += u64::from(count);
        }
        counts
    }
}

/// Fills a [`Train`] tick by tick.
#[derive(Clone, Debug)]
pub struct TrainBuilder<T> {
    train: Train<T>,
}

impl<T: Cell> TrainBuilder<T> {
    /// Adds an event to the tick that is being filled. Neurons must come in rising order and exist.
    pub(super) fn push_event(&mut self, neuron: u32, value: T) {
        debug_assert!(neuron < self.train.neurons);
        self.train.events.push((neuron, value));
    }

    /// Ends the tick that is being filled.
    pub(super) fn end_tick(&mut self) {
        self.train.starts.push(self.train.events.len());
    }

    /// Adds a tick from what all neurons have; what is beyond the population is ignored.
    pub fn push_tick(&mut self, cells: &[T]) {
        let given = (0..self.train.neurons).zip(cells).filter(|(_, cell)| (**cell).into() != 0.0);
        self.train.events.extend(given.map(|(neuron, cell)| (neuron, *cell)));
        self.end_tick();
    }

    /// The train so far.
    pub fn finish(self) -> Train<T> {
        self.train
    }
}

impl TrainBuilder<u16> {
    /// Adds a tick from its events in any order; those of one neuron add up and saturate, others are ignored.
    pub fn push_events(&mut self, events: &[Event]) {
        let mut sorted: Vec<_> =
            events.iter().filter(|(neuron, count)| *neuron < self.train.neurons && *count > 0).collect();
        sorted.sort_unstable();
        for group in sorted.chunk_by(|a, b| a.0 == b.0) {
            if let Some(&&(neuron, _)) = group.first() {
                self.push_event(neuron, group.iter().fold(0, |sum: u16, (_, count)| sum.saturating_add(*count)));
            }
        }
        self.end_tick();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn dense_and_events_agree() {
        let dense = arr2(&[[0_u16, 2, 0], [0, 0, 0], [1, 0, 9]]).into_dyn();
        let train = SpikeTrain::from_dense(&dense).unwrap();
        assert_eq!(train.events_at(2), [(0, 1), (2, 9)]);
        assert_eq!(train.events_at(3), []);
        assert_eq!(train.counts(), [1, 2, 9]);
        assert_eq!(train.to_dense(), dense);
    }

    #[test]
    fn events_are_sorted_and_summed() {
        let mut builder = SpikeTrain::builder(&[4]).unwrap();
        builder.push_events(&[(3, 1), (0, 2), (3, u16::MAX), (4, 1)]);
        assert_eq!(builder.finish().events_at(0), [(0, 2), (3, u16::MAX)]);
    }
}
