//! Populations.
//!
//! Neurons are updated in blocks, each step of the rule for all neurons of a block before the next, without branches
//! between neurons. A block that stayed as it was in a tick without input, and handed nothing on, is left out until
//! something arrives.

use super::{
    arithmetic::Arithmetic,
    row::{Block, LANES, Layout, Parameter, Row, any, change},
};
use fixedbitset::FixedBitSet;
use s2c_dialects::{
    attribute::{Reset, Tensor},
    neuron::{self, Stages},
    qsnn::{Integers, Neuron},
};

/// A population.
pub struct Population<N: Arithmetic> {
    layout: Layout,
    shift: u32,
    /// The current, and the shift to the right that it drives the membrane with.
    current: Option<(Stage<N>, u32)>,
    membrane: Stage<N>,
    /// What membranes are at least, once fire and reset are done.
    bound: Option<Parameter<N::Word>>,
    output: Output<N>,
    /// What a volt is, by neuron of the network.
    scale: Tensor<f64>,
    saturate: bool,
    /// The unit of membranes that are kept in 8 bits, as a power of two.
    byte_shift: Option<u32>,
    /// Whether there is neither a current, nor a leak, nor an offset.
    is_still: bool,
    /// Blocks that may change, or hand something on, without input.
    awake: FixedBitSet,
    /// Blocks of the tick, kept for the next one's use.
    due: FixedBitSet,
}

/// What a population hands on.
enum Output<N: Arithmetic> {
    Fire { threshold: Parameter<N::Word>, reset: Reset, reset_by: Parameter<N::Word> },
    HandOn { readout: Parameter<N::Factor>, fraction: i64 },
}

/// `state <- decay(state) + x + offset`, in this order.
struct Stage<N: Arithmetic> {
    state: Vec<Block<N::Word>>,
    /// `None` where nothing leaks.
    decay: Option<Parameter<N::Factor>>,
    /// `None` where nothing is added.
    offset: Option<Parameter<N::Word>>,
}

/// A coefficient in the order of rows.
fn all<T: Copy + Default + PartialEq>(layout: Layout, tensor: &Tensor<T>) -> Parameter<T> {
    Parameter::new(layout, |index| tensor.at(index))
}

impl<N: Arithmetic> Stage<N> {
    fn new(layout: Layout, decay: &Tensor<N::Factor>, offset: &Tensor<N::Word>) -> Self {
        let leaks = decay.values.iter().any(|&factor| factor != N::ONE);
        let adds = offset.values.iter().any(|&offset| offset != N::Word::default());
        Self {
            state: vec![Block::default(); layout.width().div_ceil(LANES)],
            decay: leaks.then(|| all(layout, decay)),
            offset: adds.then(|| all(layout, offset)),
        }
    }

    /// The next state of a block.
    #[inline]
    fn advance(&mut self, block: usize, x: &Block<N::Word>, saturate: bool) {
        let state = &mut self.state[block];
        if let Some(factors) = &self.decay {
            N::decay(state, factors.block(block));
        }
        N::add(state, x, saturate);
        if let Some(offset) = &self.offset {
            N::add(state, offset.block(block), saturate);
        }
    }
}

impl<N: Arithmetic> Population<N> {
    /// The neurons of an op, whose stages these are.
    pub fn new(neuron: &Neuron, stages: &Stages<N>, layout: Layout) -> Self {
        let membrane = Stage::new(layout, &stages.membrane.decay, &stages.membrane.offset);
        let current = stages
            .current
            .as_ref()
            .map(|current| (Stage::new(layout, &current.decay, &current.offset), current.shift.unwrap_or(0) as u32));
        let output = match &stages.output {
            neuron::Output::Fire(fire) => Output::Fire {
                threshold: all(layout, &fire.threshold),
                reset: fire.reset,
                reset_by: all(layout, &fire.reset_by),
            },
            neuron::Output::HandOn(hand_on) => {
                Output::HandOn { readout: all(layout, &hand_on.readout), fraction: hand_on.fraction }
            }
        };
        let mut population = Self {
            layout,
            shift: neuron.shift.unwrap_or(0) as u32,
            is_still: current.is_none() && membrane.decay.is_none() && membrane.offset.is_none(),
            current,
            awake: FixedBitSet::with_capacity(membrane.state.len()),
            due: FixedBitSet::new(),
            membrane,
            bound: stages.membrane.bound.as_ref().map(|bound| all(layout, bound)),
            output,
            scale: neuron.scale.clone(),
            saturate: neuron.saturate,
            byte_shift: neuron.byte_shift.map(|shift| shift as u32),
        };
        population.reset();
        population
    }

    /// One tick with the sums of weights `input`.
    pub fn step(&mut self, input: &Row, results: &mut Row) {
        results.clear();
        let mut due = std::mem::take(&mut self.due);
        due.clone_from(&self.awake);
        due.union_with(input.touched());
        for block in due.ones() {
            let stays_awake = self.update(block, input.block(block), results);
            self.awake.set(block, stays_awake);
        }
        self.due = due;
    }

    /// One tick of a block. Whether the next one may differ from this one, should it have no input.
    fn update(&mut self, block: usize, input: &Block, results: &mut Row) -> bool {
        let mut drive = N::input(input, self.shift);
        let mut changes = any(input);
        if let Some((current, shift)) = &mut self.current {
            let before = current.state[block];
            current.advance(block, &drive, self.saturate);
            drive = current.state[block];
            changes |= N::differences(&before, &drive);
            N::drive(&mut drive, *shift);
        }
        let before = self.membrane.state[block];
        self.membrane.advance(block, &drive, self.saturate);
        let membrane = &mut self.membrane.state[block];
        let fires = self.output.fire(block, &before, membrane, self.saturate);
        if let Some(bound) = &self.bound {
            let bound = bound.block(block);
            change(membrane, |lane, membrane| if membrane < bound[lane] { bound[lane] } else { membrane });
        }
        let result = match &self.output {
            Output::Fire { .. } => fires,
            Output::HandOn { readout, .. } => N::readout(membrane, readout.block(block)),
        };
        if let Some(shift) = self.byte_shift {
            change(membrane, |_, membrane| N::keep_byte(membrane, shift));
        }
        let handed_on = any(&result);
        if handed_on != 0 {
            *results.block_mut(block) = result;
        }
        match &self.output {
            // Without leak, offset or current a membrane moves by spikes alone: those that arrive, and its own.
            Output::Fire { threshold, .. } if self.is_still => {
                let threshold = threshold.block(block);
                (0..LANES).fold(false, |any, lane| any | (membrane[lane] > threshold[lane]))
            }
            _ => changes | N::differences(&before, membrane) | handed_on != 0,
        }
    }

    /// Back to the state before tick 0.
    pub fn reset(&mut self) {
        self.membrane.state.fill(Block::default());
        if let Some((current, _)) = &mut self.current {
            current.state.fill(Block::default());
        }
        self.awake.insert_range(..);
    }

    /// Fractional bits of what it hands on; `None` for spikes.
    pub fn fraction(&self) -> Option<i64> {
        match self.output {
            Output::HandOn { fraction, .. } => Some(fraction),
            Output::Fire { .. } => None,
        }
    }

    /// Membranes by neuron of the network, as they are kept.
    pub fn raw_membranes(&self) -> impl Iterator<Item = N::Word> + '_ {
        let membranes = self.membrane.state.as_flattened();
        self.layout.positions().map(|position| membranes[position])
    }

    /// Membranes in volts.
    pub fn membranes(&self) -> Vec<f64> {
        self.raw_membranes().zip(self.scale.iter()).map(|(value, scale)| N::value(value) / scale).collect()
    }
}

impl<N: Arithmetic> Output<N> {
    /// Which neurons of a block fire, as ones, and their resets. `before` holds the membranes before the tick.
    #[inline]
    fn fire(&self, block: usize, before: &Block<N::Word>, membrane: &mut Block<N::Word>, saturate: bool) -> Block {
        let Self::Fire { threshold, reset, reset_by } = self else { return Block::default() };
        let (threshold, reset_by) = (threshold.block(block), reset_by.block(block));
        let mut fires: Block = std::array::from_fn(|lane| i32::from(membrane[lane] > threshold[lane]));
        let mut after = *membrane;
        N::subtract(&mut after, reset_by, saturate);
        if *reset == Reset::SubtractPending {
            let may_fire = |lane: usize| before[lane] <= threshold[lane] || after[lane] > threshold[lane];
            change(&mut fires, |lane, fires| fires & i32::from(may_fire(lane)));
        }
        if *reset == Reset::Value {
            after = *reset_by;
        }
        change(membrane, |lane, membrane| if fires[lane] != 0 { after[lane] } else { membrane });
        fires
    }
}

impl Population<Integers> {
    /// Membranes at an end of their range.
    pub fn saturated(&self) -> usize {
        let (lowest, highest) = self.byte_shift.map_or((i32::MIN, i32::MAX), |shift| (-128 << shift, 127 << shift));
        self.raw_membranes().filter(|&value| value == lowest || value == highest).count()
    }
}
