//! Populations with integer state.
//!
//! Neurons are updated in blocks, each step of the rule for all neurons of a block before the next. A block that stayed
//! as it was in a tick without input, and handed nothing on, is left out until something arrives.

use super::{
    decay, keep_byte,
    row::{Block, Blocks, Layout, Row, any, lanes},
    shift_right,
};
use s2c_dialects::{
    attribute::{Reset, Tensor},
    qsnn::{CubaLi, CubaLif, Li, Lif, ONE},
};

/// A population; LIF is CubaLIF without the current.
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
    /// Blocks that may change, or hand something on, without input.
    awake: Blocks,
}

/// What a population hands on.
enum HandsOn {
    Spikes { threshold: Vec<Block>, reset: Reset, reset_by: Vec<Block> },
    Values { readout: Vec<Block<i64>>, fraction: i64 },
}

/// `state <- decay(state) + x + offset`, in this order.
struct Stage {
    state: Vec<Block>,
    /// `None` where nothing leaks.
    decay: Option<Vec<Block<i64>>>,
    /// `None` where nothing is added.
    offset: Option<Vec<Block>>,
}

impl Stage {
    fn new(layout: Layout, decay: &Tensor<i64>, offset: &Tensor<i32>) -> Self {
        let leaks = decay.values.iter().any(|&factor| factor != ONE);
        let adds = offset.values.iter().any(|&offset| offset != 0);
        Self {
            state: layout.blocks(|_| 0),
            decay: leaks.then(|| layout.blocks(|index| decay.at(index))),
            offset: adds.then(|| layout.blocks(|index| offset.at(index))),
        }
    }

    /// The next state of a block, which is not yet kept.
    fn next(&self, block: usize, x: &Block, saturate: bool) -> Block {
        let state = &self.state[block];
        let decayed = match &self.decay {
            None => *state,
            Some(factors) => lanes(|lane| decay(state[lane], factors[block][lane])),
        };
        let driven = add(&decayed, x, saturate);
        self.offset.as_ref().map_or(driven, |offset| add(&driven, &offset[block], saturate))
    }

    /// Keeps a block's state; gives the bits that are new.
    fn keep(&mut self, block: usize, next: Block) -> i32 {
        let before = std::mem::replace(&mut self.state[block], next);
        any(&lanes(|lane| before[lane] ^ next[lane]))
    }
}

/// Addition that clamps to int32 or wraps.
fn add(left: &Block, right: &Block, saturate: bool) -> Block {
    if saturate {
        lanes(|lane| left[lane].saturating_add(right[lane]))
    } else {
        lanes(|lane| left[lane].wrapping_add(right[lane]))
    }
}

/// Subtraction that clamps to int32 or wraps.
fn subtract(left: &Block, right: &Block, saturate: bool) -> Block {
    if saturate {
        lanes(|lane| left[lane].saturating_sub(right[lane]))
    } else {
        lanes(|lane| left[lane].wrapping_sub(right[lane]))
    }
}

impl Population {
    fn new(
        layout: Layout,
        shift: i64,
        membrane: Stage,
        hands_on: HandsOn,
        scale: &Tensor<f64>,
        saturate: bool,
    ) -> Self {
        let mut population = Self {
            layout,
            shift: shift as u32,
            current: None,
            awake: Blocks::none(membrane.state.len()),
            membrane,
            hands_on,
            scale: scale.clone(),
            saturate,
            byte_shift: None,
        };
        population.reset();
        population
    }

    fn with_current(self, decay: &Tensor<i64>, offset: &Tensor<i32>, shift: i64) -> Self {
        Self { current: Some((Stage::new(self.layout, decay, offset), shift as u32)), ..self }
    }

    fn with_bytes(self, shift: Option<i64>) -> Self {
        Self { byte_shift: shift.map(|shift| shift as u32), ..self }
    }

    /// From the op.
    pub fn lif(op: &Lif, layout: Layout) -> Self {
        let hands_on = HandsOn::spikes(layout, &op.threshold, op.reset, &op.reset_by);
        let membrane = Stage::new(layout, &op.decay, &op.offset);
        Self::new(layout, op.shift, membrane, hands_on, &op.scale, op.saturate).with_bytes(op.byte_shift)
    }

    /// From the op.
    pub fn cuba_lif(op: &CubaLif, layout: Layout) -> Self {
        let hands_on = HandsOn::spikes(layout, &op.threshold, op.reset, &op.reset_by);
        let membrane = Stage::new(layout, &op.decay, &op.offset);
        Self::new(layout, op.shift, membrane, hands_on, &op.scale, op.saturate)
            .with_current(&op.current_decay, &op.current_offset, op.current_shift)
            .with_bytes(op.byte_shift)
    }

    /// From the op.
    pub fn li(op: &Li, layout: Layout) -> Self {
        let hands_on = HandsOn::values(layout, &op.readout, op.fraction);
        let membrane = Stage::new(layout, &op.decay, &op.offset);
        Self::new(layout, op.shift, membrane, hands_on, &op.scale, op.saturate)
    }

    /// From the op.
    pub fn cuba_li(op: &CubaLi, layout: Layout) -> Self {
        let hands_on = HandsOn::values(layout, &op.readout, op.fraction);
        let membrane = Stage::new(layout, &op.decay, &op.offset);
        Self::new(layout, op.shift, membrane, hands_on, &op.scale, op.saturate).with_current(
            &op.current_decay,
            &op.current_offset,
            op.current_shift,
        )
    }

    /// One tick with the sums of weights `input`.
    pub fn step(&mut self, input: &Row, results: &mut Row) {
        results.clear();
        let mut awake = std::mem::take(&mut self.awake);
        input.touched().iter().for_each(|block| awake.insert(block));
        awake.retain(|block| self.update(block, input.block(block), results));
        self.awake = awake;
    }

    /// One tick of a block. Whether the next one may differ from this one, should it have no input.
    fn update(&mut self, block: usize, input: &Block, results: &mut Row) -> bool {
        let x = lanes(|lane| input[lane] << self.shift);
        let (drive, mut changes) = match &mut self.current {
            None => (x, 0),
            Some((current, shift)) => {
                let next = current.next(block, &x, self.saturate);
                (lanes(|lane| shift_right(next[lane], *shift)), current.keep(block, next))
            }
        };
        let before = self.membrane.state[block];
        let mut membrane = self.membrane.next(block, &drive, self.saturate);
        let result = match &self.hands_on {
            HandsOn::Values { readout, .. } => lanes(|lane| decay(membrane[lane], readout[block][lane])),
            HandsOn::Spikes { threshold, reset, reset_by } => {
                let (threshold, reset_by) = (&threshold[block], &reset_by[block]);
                let reduced = subtract(&membrane, reset_by, self.saturate);
                let mut fires = lanes(|lane| i32::from(membrane[lane] > threshold[lane]));
                if *reset == Reset::SubtractPending {
                    let may_fire = |lane: usize| before[lane] <= threshold[lane] || reduced[lane] > threshold[lane];
                    fires = lanes(|lane| fires[lane] & i32::from(may_fire(lane)));
                }
                let after = if *reset == Reset::Value { reset_by } else { &reduced };
                membrane = lanes(|lane| if fires[lane] != 0 { after[lane] } else { membrane[lane] });
                if let Some(shift) = self.byte_shift {
                    membrane = lanes(|lane| keep_byte(membrane[lane], shift));
                }
                fires
            }
        };
        changes |= self.membrane.keep(block, membrane) | any(input);
        if any(&result) != 0 {
            *results.block_mut(block) = result;
            return true;
        }
        changes != 0
    }

    /// Back to the state before tick 0.
    pub fn reset(&mut self) {
        self.membrane.state.fill(Block::default());
        if let Some((current, _)) = &mut self.current {
            current.state.fill(Block::default());
        }
        self.awake.insert_all();
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

impl HandsOn {
    fn spikes(layout: Layout, threshold: &Tensor<i32>, reset: Reset, reset_by: &Tensor<i32>) -> Self {
        Self::Spikes {
            threshold: layout.blocks(|index| threshold.at(index)),
            reset,
            reset_by: layout.blocks(|index| reset_by.at(index)),
        }
    }

    fn values(layout: Layout, readout: &Tensor<i64>, fraction: i64) -> Self {
        Self::Values { readout: layout.blocks(|index| readout.at(index)), fraction }
    }
}
