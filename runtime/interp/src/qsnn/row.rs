//! The numbers that a node hands on in a tick, most of which are zero.

/// Neurons that are looked at side by side: one block fills the registers of a core without being wide for few channels.
pub const LANES: usize = 16;

/// One number for each neuron of a block.
pub type Block<T = i32> = [T; LANES];

/// A block computed lane by lane.
#[inline(always)]
pub fn lanes<T: Copy + Default>(f: impl Fn(usize) -> T) -> Block<T> {
    let mut block = Block::default();
    for (lane, value) in block.iter_mut().enumerate() {
        *value = f(lane);
    }
    block
}

/// All bits that are set in any lane; zero for a block of zeros.
pub fn any(block: &Block) -> i32 {
    block.iter().fold(0, |any, &value| any | value)
}

/// A set of blocks, in the order in which they were put in.
#[derive(Clone, Default)]
pub struct Blocks {
    list: Vec<u32>,
    is_in: Vec<bool>,
}

impl Blocks {
    /// No block of `count`.
    pub fn none(count: usize) -> Self {
        Self { list: Vec::with_capacity(count), is_in: vec![false; count] }
    }

    /// Puts a block in.
    pub fn insert(&mut self, block: usize) {
        if !std::mem::replace(&mut self.is_in[block], true) {
            self.list.push(block as u32);
        }
    }

    /// Puts all blocks in.
    pub fn insert_all(&mut self) {
        (0..self.is_in.len()).for_each(|block| self.insert(block));
    }

    /// Takes all blocks out.
    pub fn clear(&mut self) {
        self.list.drain(..).for_each(|block| self.is_in[block as usize] = false);
    }

    /// Asks of every block whether it stays in.
    pub fn retain(&mut self, mut stays: impl FnMut(usize) -> bool) {
        self.list.retain(|&block| {
            let stays = stays(block as usize);
            self.is_in[block as usize] = stays;
            stays
        });
    }

    /// The blocks.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.list.iter().map(|&block| block as usize)
    }
}

/// One number for each neuron. The blocks that may hold something else than zeros are known, so that silence costs nothing.
#[derive(Default)]
pub struct Row {
    blocks: Vec<Block>,
    touched: Blocks,
}

impl Row {
    /// Zeros; the last block is filled up with neurons that do not exist.
    pub fn new(width: usize) -> Self {
        let count = width.div_ceil(LANES);
        Self { blocks: vec![Block::default(); count], touched: Blocks::none(count) }
    }

    /// Zeros again.
    pub fn clear(&mut self) {
        self.touched.iter().for_each(|block| self.blocks[block] = Block::default());
        self.touched.clear();
    }

    /// Blocks that may hold something else than zeros.
    pub fn touched(&self) -> &Blocks {
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

    /// Neighbours to change.
    pub fn span_mut(&mut self, start: usize, length: usize) -> &mut [i32] {
        (start / LANES..(start + length).div_ceil(LANES)).for_each(|block| self.touched.insert(block));
        &mut self.blocks.as_flattened_mut()[start..start + length]
    }

    /// Changes all blocks that are not known to be zeros; `change` keeps zeros as they are.
    pub fn update(&mut self, change: impl Fn(usize, &mut Block)) {
        self.touched.iter().for_each(|block| change(block, &mut self.blocks[block]));
    }

    /// All numbers.
    pub fn values(&self) -> &[i32] {
        self.blocks.as_flattened()
    }

    /// The neurons whose number is not zero, with the number.
    pub fn events(&self) -> impl Iterator<Item = (usize, i32)> + '_ {
        self.touched.iter().flat_map(|block| (block * LANES..).zip(self.blocks[block])).filter(|&(_, value)| value != 0)
    }
}

impl Clone for Row {
    fn clone(&self) -> Self {
        Self { blocks: self.blocks.clone(), touched: self.touched.clone() }
    }

    /// Costs what is not zero, in both.
    fn clone_from(&mut self, other: &Self) {
        self.clear();
        other.touched.iter().for_each(|block| *self.block_mut(block) = other.blocks[block]);
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

    /// Numbers of the network in the row's order, block by block, with zeros behind the last neuron.
    pub fn blocks<T: Copy + Default>(self, value: impl Fn(usize) -> T) -> Vec<Block<T>> {
        let mut blocks = vec![Block::default(); self.width().div_ceil(LANES)];
        blocks.as_flattened_mut().iter_mut().zip(self.indices()).for_each(|(to, index)| *to = value(index));
        blocks
    }
}
