//! The numbers that a node hands on in a tick, most of which are zero.

use fixedbitset::FixedBitSet;

/// Neurons that are looked at side by side: one block fills the registers of a core without being wide for few channels.
pub const LANES: usize = 16;

/// One number for each neuron of a block.
pub type Block<T = i32> = [T; LANES];

/// Changes a block lane by lane.
#[inline(always)]
pub fn change<T: Copy>(block: &mut Block<T>, f: impl Fn(usize, T) -> T) {
    for (lane, value) in block.iter_mut().enumerate() {
        *value = f(lane, *value);
    }
}

/// All bits that are set in any lane; zero for a block of zeros.
pub fn any(block: &Block) -> i32 {
    block.iter().fold(0, |any, &value| any | value)
}

/// One number for each neuron. The blocks that may hold something else than zeros are known, so that silence costs nothing.
#[derive(Default)]
pub struct Row {
    blocks: Vec<Block>,
    touched: FixedBitSet,
}

impl Row {
    /// Zeros; the last block is filled up with neurons that do not exist.
    pub fn new(width: usize) -> Self {
        let count = width.div_ceil(LANES);
        Self { blocks: vec![Block::default(); count], touched: FixedBitSet::with_capacity(count) }
    }

    /// Zeros again.
    pub fn clear(&mut self) {
        self.touched.ones().for_each(|block| self.blocks[block] = Block::default());
        self.touched.clear();
    }

    /// Blocks that may hold something else than zeros.
    pub fn touched(&self) -> &FixedBitSet {
        &self.touched
    }

    /// A block to read.
    pub fn block(&self, block: usize) -> &Block {
        &self.blocks[block]
    }

    /// A block to change.
    pub fn block_mut(&mut self, block: usize) -> &mut Block {
        self.touched.insert(block);
        &mut self.blocks[block]
    }

    /// A number to change.
    pub fn value_mut(&mut self, neuron: usize) -> &mut i32 {
        &mut self.block_mut(neuron / LANES)[neuron % LANES]
    }

    /// Neighbours to change.
    #[inline]
    pub fn span_mut(&mut self, start: usize, length: usize) -> &mut [i32] {
        self.touched.insert_range(start / LANES..(start + length).div_ceil(LANES));
        &mut self.blocks.as_flattened_mut()[start..start + length]
    }

    /// Changes all blocks that are not known to be zeros; `change` keeps zeros as they are.
    pub fn update(&mut self, change: impl Fn(usize, &mut Block)) {
        self.touched.ones().for_each(|block| change(block, &mut self.blocks[block]));
    }

    /// All numbers.
    pub fn values(&self) -> &[i32] {
        self.blocks.as_flattened()
    }

    /// Calls `event` with each neuron whose number is not zero, and the number.
    #[inline]
    pub fn for_each_event(&self, mut event: impl FnMut(usize, i32)) {
        for block in self.touched.ones() {
            for (lane, &value) in self.blocks[block].iter().enumerate() {
                if value != 0 {
                    event(block * LANES + lane, value);
                }
            }
        }
    }
}

impl Clone for Row {
    fn clone(&self) -> Self {
        Self { blocks: self.blocks.clone(), touched: self.touched.clone() }
    }

    /// Costs what is not zero, in both.
    fn clone_from(&mut self, other: &Self) {
        self.clear();
        other.touched.ones().for_each(|block| *self.block_mut(block) = other.blocks[block]);
    }
}

/// Where the numbers of a node stand. NIR's order is channels × places; rows hold the channels of a place side by side,
/// because a spike that meets a convolution reaches all channels of a few places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    channels: usize,
    places: usize,
}

impl Layout {
    /// For a node of this shape.
    pub fn of(shape: &[usize]) -> Self {
        match shape {
            [channels, places @ ..] if !places.is_empty() => {
                Self { channels: *channels, places: places.iter().product() }
            }
            _ => Self { channels: 1, places: shape.iter().product() },
        }
    }

    /// Number of neurons.
    pub fn width(self) -> usize {
        self.channels * self.places
    }

    /// The neuron of the row that neuron `index` of the network is.
    pub fn position(self, index: usize) -> usize {
        index % self.places * self.channels + index / self.places
    }

    /// The neuron of the network that each neuron of the row is.
    pub fn indices(self) -> impl Iterator<Item = usize> {
        (0..self.places).flat_map(move |place| (0..self.channels).map(move |channel| channel * self.places + place))
    }

    /// The neuron of the row that each neuron of the network is.
    pub fn positions(self) -> impl Iterator<Item = usize> {
        (0..self.channels).flat_map(move |channel| (0..self.places).map(move |place| place * self.channels + channel))
    }
}

/// A number of each neuron that never changes. What repeats after a few blocks, as numbers of a map's channels do, is kept
/// once.
pub struct Parameter<T> {
    blocks: Vec<Block<T>>,
    /// Bits of a block's number that tell which of `blocks` it is.
    mask: usize,
}

impl<T: Copy + Default + PartialEq> Parameter<T> {
    /// From the number of each neuron of the network; neurons that do not exist have zeros.
    pub fn new(layout: Layout, value: impl Fn(usize) -> T) -> Self {
        let mut blocks = vec![Block::default(); layout.width().div_ceil(LANES)];
        blocks.as_flattened_mut().iter_mut().zip(layout.indices()).for_each(|(to, index)| *to = value(index));
        let periods =
            std::iter::successors(Some(1), |period| Some(2 * period)).take_while(|&period| period < blocks.len());
        let repeats = |&period: &usize| (period..blocks.len()).all(|block| blocks[block] == blocks[block % period]);
        let period = periods.into_iter().find(repeats);
        blocks.truncate(period.unwrap_or(blocks.len()));
        Self { blocks, mask: period.map_or(usize::MAX, |period| period - 1) }
    }

    /// The numbers of a block.
    pub fn block(&self, block: usize) -> &Block<T> {
        &self.blocks[block & self.mask]
    }
}
