//! Populations with integer state.
//!
//! Neurons are updated in blocks, each step of the rule for all neurons of a block before the next, without branches
//! between neurons. A block that stayed as it was in a tick without input, and handed nothing on, is left out until
//! something arrives.

use super::{
    arithmetic::{keep_byte, shift_right},
    row::{Block, LANES, Layout, Parameter, Row, any, change},
};
use fixedbitset::FixedBitSet;
use s2c_dialects::{
    attribute::{Reset, Tensor},
    fixed_point::Factor,
    neuron::{Output, Stages},
    qsnn::{Integers, Neuron},
};

/// A population.
pub struct Population {
    layout: Layout,
    shift: u32,
    /// The current, and the shift to the right that it drives the membrane with.
    current: Option<(Stage, u32)>,
    membrane: Stage,
    hands_on: HandsOn,
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
enum HandsOn {
    Spikes { threshold: Parameter<i32>, reset: Reset, reset_by: Parameter<i32> },
    Values { readout: Parameter<Factor>, fraction: i64 },
}

/// `state <- decay(state) + x + offset`, in this order.
struct Stage {
    state: Vec<Block>,
    /// `None` where nothing leaks.
    decay: Option<Parameter<Factor>>,
    /// `None` where nothing is added.
    offset: Option<Parameter<i32>>,
}

impl Stage {
    fn new(layout: Layout, decay: &Tensor<Factor>, offset: &Tensor<i32>) -> Self {
        let leaks = decay.values.iter().any(|&factor| factor != Factor::ONE);
        let adds = offset.values.iter().any(|&offset| offset != 0);
        Self {
            state: vec![Block::default(); layout.width().div_ceil(LANES)],
            decay: leaks.then(|| Parameter::new(layout, |index| decay.at(index))),
            offset: adds.then(|| Parameter::new(layout, |index| offset.at(index))),
        }
    }

    /// The next state of a block.
    #[inline]
    fn advance(&mut self, block: usize, x: &Block, saturate: bool) {
        let state = &mut self.state[block];
        if let Some(factors) = &self.decay {
            let factors = factors.block(block);
            change(state, |lane, value| factors[lane].times(value));
        }
        add(state, x, saturate);
        if let Some(offset) = &self.offset {
            add(state, offset.block(block), saturate);
        }
    }
}

/// Addition that clamps to int32 or wraps.
#[inline]
fn add(left: &mut Block, right: &Block, saturate: bool) {
    if saturate {
        change(left, |lane, value| value.saturating_add(right[lane]));
    } else {
        change(left, |lane, value| value.wrapping_add(right[lane]));
    }
}

/// Subtraction that clamps to int32 or wraps.
#[inline]
fn subtract(left: &mut Block, right: &Block, saturate: bool) {
    if saturate {
        change(left, |lane, value| value.saturating_sub(right[lane]));
    } else {
        change(left, |lane, value| value.wrapping_sub(right[lane]));
    }
}

/// The bits in which two blocks differ.
fn differences(left: &Block, right: &Block) -> i32 {
    (0..LANES).fold(0, |any, lane| any | (left[lane] ^ right[lane]))
}

impl Population {
    /// The neurons of an op, whose stages these are.
    pub fn new(neuron: &Neuron, stages: &Stages<Integers>, layout: Layout) -> Self {
        let membrane = Stage::new(layout, &stages.membrane.decay, &stages.membrane.offset);
        let current = stages
            .current
            .as_ref()
            .map(|current| (Stage::new(layout, &current.decay, &current.offset), current.shift.unwrap_or(0) as u32));
        let hands_on = match &stages.output {
            Output::Fire(fire) => HandsOn::Spikes {
                threshold: Parameter::new(layout, |index| fire.threshold.at(index)),
                reset: fire.reset,
                reset_by: Parameter::new(layout, |index| fire.reset_by.at(index)),
            },
            Output::HandOn(hand_on) => HandsOn::Values {
                readout: Parameter::new(layout, |index| hand_on.readout.at(index)),
                fraction: hand_on.fraction,
            },
        };
        let mut population = Self {
            layout,
            shift: neuron.shift.unwrap_or(0) as u32,
            is_still: current.is_none() && membrane.decay.is_none() && membrane.offset.is_none(),
            current,
            awake: FixedBitSet::with_capacity(membrane.state.len()),
            due: FixedBitSet::new(),
            membrane,
            hands_on,
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
        let mut drive = *input;
        change(&mut drive, |_, x| x << self.shift);
        let mut changes = any(input);
        if let Some((current, shift)) = &mut self.current {
            let before = current.state[block];
            current.advance(block, &drive, self.saturate);
            drive = current.state[block];
            changes |= differences(&before, &drive);
            change(&mut drive, |_, current| shift_right(current, *shift));
        }
        let before = self.membrane.state[block];
        self.membrane.advance(block, &drive, self.saturate);
        let membrane = &mut self.membrane.state[block];
        let mut result = *membrane;
        match &self.hands_on {
            HandsOn::Values { readout, .. } => {
                let readout = readout.block(block);
                change(&mut result, |lane, membrane| readout[lane].times(membrane));
            }
            HandsOn::Spikes { threshold, reset, reset_by } => {
                let (threshold, reset_by) = (threshold.block(block), reset_by.block(block));
                // All bits of a neuron that fires.
                change(&mut result, |lane, membrane| -i32::from(membrane > threshold[lane]));
                let mut after = *membrane;
                subtract(&mut after, reset_by, self.saturate);
                if *reset == Reset::SubtractPending {
                    let may_fire = |lane: usize| before[lane] <= threshold[lane] || after[lane] > threshold[lane];
                    change(&mut result, |lane, fires| fires & -i32::from(may_fire(lane)));
                }
                if *reset == Reset::Value {
                    after = *reset_by;
                }
                change(membrane, |lane, membrane| after[lane] & result[lane] | membrane & !result[lane]);
                if let Some(shift) = self.byte_shift {
                    change(membrane, |_, membrane| keep_byte(membrane, shift));
                }
                change(&mut result, |_, fires| fires & 1);
            }
        }
        let fired = any(&result);
        if fired != 0 {
            *results.block_mut(block) = result;
        }
        match &self.hands_on {
            // Without leak, offset or current a membrane moves by spikes alone: those that arrive, and its own.
            HandsOn::Spikes { threshold, .. } if self.is_still => {
                let threshold = threshold.block(block);
                change(&mut result, |lane, _| i32::from(membrane[lane] > threshold[lane]));
                any(&result) != 0
            }
            _ => changes | differences(&before, membrane) | fired != 0,
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
        match self.hands_on {
            HandsOn::Values { fraction, .. } => Some(fraction),
            HandsOn::Spikes { .. } => None,
        }
    }

    /// Membranes by neuron of the network, as integers.
    pub fn raw_membranes(&self) -> impl Iterator<Item = i32> + '_ {
        let membranes = self.membrane.state.as_flattened();
        self.layout.positions().map(|position| membranes[position])
    }

    /// Membranes in volts.
    pub fn membranes(&self) -> Vec<f64> {
        self.raw_membranes().zip(self.scale.iter()).map(|(value, scale)| f64::from(value) / scale).collect()
    }

    /// Membranes at an end of their range.
    pub fn saturated(&self) -> usize {
        let (lowest, highest) = self.byte_shift.map_or((i32::MIN, i32::MAX), |shift| (-128 << shift, 127 << shift));
        self.raw_membranes().filter(|&value| value == lowest || value == highest).count()
    }
}
