//! Convolution kernels against a transcription of their module page, and their cost.

use s2c_abi::convolution;
use s2c_kernels::{Accumulator, ConvKernel, Extent, Factor, Kernel, WeightWidth, pack_kernel};

use super::{
    super::{CodeImage, KernelCache},
    CODE_BYTES, Draw, Random, cache,
    machine::Machine,
    reference::factor,
};

const DESCRIPTOR: u32 = 0x2000;
const ROWS: u32 = 0x2100;
const COLUMNS: u32 = 0x2800;
const WEIGHTS: u32 = 0x3000;
/// Words around the accumulators that must stay as they are.
const GUARD: [u8; 12] = [0x5a; 12];
const WIDTHS: [(WeightWidth, Accumulator); 8] = [
    (WeightWidth::W8, Accumulator::I16),
    (WeightWidth::W8, Accumulator::I32),
    (WeightWidth::W16, Accumulator::I16),
    (WeightWidth::W16, Accumulator::I32),
    (WeightWidth::W4, Accumulator::I16),
    (WeightWidth::W4, Accumulator::I32),
    (WeightWidth::W2, Accumulator::I16),
    (WeightWidth::W2, Accumulator::I32),
];

/// A kernel with its weights and the rows of both maps that a PE deals with.
struct Layer {
    kernel: ConvKernel,
    /// Target channels that are not padding.
    channels: u32,
    /// In the kernel's order: source channel, kernel row, kernel column, target channel.
    weights: Vec<i32>,
    extent: Extent,
}

impl Layer {
    fn new(kernel: ConvKernel, channels: u32, extent: Extent, seed: u64) -> Self {
        let mut random = Random(seed);
        let bits = 32 - kernel.weights.bits();
        let count = kernel.source_channels * kernel.kernel[0] * kernel.kernel[1] * channels;
        let weights = (0..count).map(|_| random.value() << bits >> bits).collect();
        Self { kernel, channels, weights, extent }
    }

    fn weight(&self, channel: u32, ky: u32, kx: u32, target: u32) -> i32 {
        let [rows, columns] = self.kernel.kernel;
        self.weights[(((channel * rows + ky) * columns + kx) * self.channels + target) as usize]
    }

    /// What the packet of a neuron does; returns the number of weights added, padding not counted.
    fn packet(&self, index: u32, payload: i32, accumulators: &mut [i32]) -> u64 {
        let kernel = &self.kernel;
        let times = factor(kernel.factor, payload) << kernel.weights.scale_log2();
        let (channel, p) = (index % kernel.source_channels, index / kernel.source_channels);
        let y = (p / kernel.source_width + self.extent.source_row) / kernel.pool[0];
        let x = p % kernel.source_width / kernel.pool[1];
        if y >= kernel.pooled[0] || x >= kernel.pooled[1] {
            return 0;
        }
        let place = |axis: usize, position: u32, k: u32, first: u32, count: u32| {
            let reach = (position + kernel.padding[axis]).checked_sub(k * kernel.dilation[axis])?;
            let place = (reach / kernel.stride[axis]).checked_sub(first)?;
            (reach % kernel.stride[axis] == 0 && place < count).then_some(place)
        };
        let mut events = 0;
        for ky in 0..kernel.kernel[0] {
            let Some(oy) = place(0, y, ky, self.extent.target_row, self.extent.target_rows) else { continue };
            for kx in 0..kernel.kernel[1] {
                let Some(ox) = place(1, x, kx, 0, kernel.target_width) else { continue };
                let first = (oy * kernel.target_width + ox) * kernel.target_channels;
                for target in 0..self.channels {
                    let accumulator = &mut accumulators[(first + target) as usize];
                    *accumulator = accumulator.wrapping_add(self.weight(channel, ky, kx, target).wrapping_mul(times));
                }
                events += u64::from(self.channels);
            }
        }
        events
    }

    /// A machine with descriptor and weights, and the address of the accumulators.
    fn machine(&self, code: &CodeImage) -> (Machine, u32) {
        let positions: Vec<Vec<i32>> = self.weights.chunks(self.channels as usize).map(<[i32]>::to_vec).collect();
        let packed = pack_kernel(&self.kernel, &positions);
        let accumulators = WEIGHTS + packed.len() as u32 + GUARD.len() as u32;
        let mut descriptor = [0; convolution::SIZE as usize / 4];
        for (offset, value) in [
            (convolution::ACCUMULATORS, accumulators),
            (convolution::WEIGHTS, WEIGHTS),
            (convolution::ROWS, ROWS),
            (convolution::COLUMNS, COLUMNS),
        ] {
            descriptor[offset as usize / 4] = value;
        }
        let mut machine = Machine::new(code);
        machine.write(DESCRIPTOR, &descriptor.map(u32::to_le_bytes).concat());
        machine.write(ROWS, &self.kernel.row_table(self.extent));
        machine.write(COLUMNS, &self.kernel.column_table());
        machine.write(WEIGHTS, &packed);
        (machine, accumulators)
    }

    /// Runs spikes one after the other, compares after each; returns instructions, cycles and weights
    /// added.
    fn check(&self, code: &CodeImage, spikes: &[u32], random: &mut Random) -> (u64, u64, u64) {
        let entry = code.entry(&self.kernel.name()).unwrap();
        let (mut machine, address) = self.machine(code);
        let count = self.extent.target_rows * self.kernel.target_width * self.kernel.target_channels;
        let mut accumulators = random.values(count as usize);
        let guarded = |values: &[i32]| {
            let bytes = values.iter().flat_map(|value| match self.kernel.accumulators {
                Accumulator::I16 => (*value as i16).to_le_bytes().to_vec(),
                Accumulator::I32 => value.to_le_bytes().to_vec(),
            });
            GUARD.into_iter().chain(bytes).chain(GUARD).collect::<Vec<u8>>()
        };
        let address = address - GUARD.len() as u32;
        machine.write(address, &guarded(&accumulators));
        let (mut instructions, mut cycles, mut events) = (0, 0, 0);
        for &index in spikes {
            let payload = random.value();
            let executed = machine.call(entry, [index, DESCRIPTOR, 7, payload as u32]);
            (instructions, cycles) = (instructions + executed.0, cycles + executed.1);
            events += self.packet(index, payload, &mut accumulators);
            let expected = guarded(&accumulators);
            assert!(
                machine.read(address, expected.len()) == expected,
                "{}: neuron {index}, {:?}",
                self.kernel.name(),
                self.extent
            );
        }
        (instructions, cycles, events)
    }
}

/// A layer of random geometry, and the number of rows of its source slice.
fn any_layer(random: &mut Random, (weights, accumulators): (WeightWidth, Accumulator)) -> (Layer, u32) {
    loop {
        let mut pair = |first: u32, last: u32| [0; 2].map(|_| first + random.up_to(last + 1 - first));
        let (source, pool, kernel) = (pair(1, 12), pair(1, 3), pair(1, 5));
        let (stride, padding, dilation) = (pair(1, 3), pair(0, 3), pair(1, 2));
        let pooled = [0, 1].map(|axis| source[axis] / pool[axis]);
        let room =
            [0, 1].map(|axis| (pooled[axis] + 2 * padding[axis]).checked_sub(dilation[axis] * (kernel[axis] - 1) + 1));
        let ([Some(down), Some(across)], false) = (room, pooled.contains(&0)) else { continue };
        let target = [down / stride[0] + 1, across / stride[1] + 1];
        // Beyond 32, channels are added by a loop of their own, with or without a rest.
        let target_channels = random.pick(&[4, 8, 12, 16, 20, 24, 28, 32, 48, 60]);
        let source_row = random.up_to(source[0]);
        let target_row = random.up_to(target[0]);
        let target_rows = 1 + random.up_to(target[0] - target_row);
        let kernel = ConvKernel {
            weights,
            accumulators,
            source_width: source[1],
            source_channels: 1 + random.up_to(5),
            pool,
            pooled,
            kernel,
            stride,
            padding,
            dilation,
            target_width: target[1],
            target_channels,
            factor: match accumulators {
                _ if weights.is_narrow() => Factor::One,
                Accumulator::I16 => Factor::One,
                Accumulator::I32 => {
                    random.pick(&[Factor::One, Factor::Shifted(9), Factor::Payload(-12), Factor::Payload(3)])
                }
            },
        };
        let channels = target_channels - random.up_to(4);
        let source_rows = source[0] - source_row;
        let extent = Extent { source_row, source_rows, target_row, target_rows };
        return (Layer::new(kernel, channels, extent, u64::from(random.word())), source_rows);
    }
}

#[test]
fn convolutions_add_what_their_page_says() {
    let (mut cache, mut random) = (cache(), Random(11));
    let (mut total, mut largest) = (0, 0);
    for round in 0..480 {
        let (layer, rows) = any_layer(&mut random, WIDTHS[round % WIDTHS.len()]);
        let code = cache.image([&Kernel::Conv(layer.kernel.clone())], CODE_BYTES).unwrap();
        largest = largest.max(code.symbols[&layer.kernel.name()].size);
        let neurons = rows * layer.kernel.source_width * layer.kernel.source_channels;
        let mut spikes: Vec<u32> = (0..60).map(|_| random.up_to(neurons)).collect();
        spikes.extend([0, neurons - 1]);
        total += layer.check(&code, &spikes, &mut random).2;
    }
    println!("{total} weights; the largest kernel has {largest} bytes");
    assert!(total > 100_000, "{total} weights are too few to mean anything");
}

/// A "same" convolution of a 16x16 map with two channels.
fn same(widths: (WeightWidth, Accumulator), [size, stride, dilation, pool]: [u32; 4], target_channels: u32) -> Layer {
    let (padding, width) = (dilation * (size - 1) / 2, 16_u32.div_ceil(stride));
    let kernel = ConvKernel {
        weights: widths.0,
        accumulators: widths.1,
        source_width: 16 * pool,
        source_channels: 2,
        pool: [pool; 2],
        pooled: [16; 2],
        kernel: [size; 2],
        stride: [stride; 2],
        padding: [padding; 2],
        dilation: [dilation; 2],
        target_width: width,
        target_channels,
        factor: Factor::One,
    };
    let extent = Extent { source_row: 0, source_rows: 16 * pool, target_row: 0, target_rows: width };
    Layer::new(kernel, target_channels, extent, 3)
}

#[test]
fn large_kernels_have_entries_of_two_words() {
    let (mut cache, mut random) = (cache(), Random(14));
    let layer = same(WIDTHS[0], [17, 1, 1, 1], 4);
    assert_eq!((layer.kernel.entry_bytes(), same(WIDTHS[0], [9, 1, 1, 1], 4).kernel.entry_bytes()), (8, 4));
    let code = cache.image([&Kernel::Conv(layer.kernel.clone())], CODE_BYTES).unwrap();
    let spikes: Vec<u32> = (0..64).map(|_| random.up_to(2 * 16 * 16)).collect();
    assert!(layer.check(&code, &spikes, &mut random).2 > 64 * 4 * 81);
}

/// Convolutions that every neuron of the source sends through: kernel, packets, and instructions and cycles.
pub fn costs(cache: &mut KernelCache) -> Vec<(ConvKernel, usize, (u64, u64))> {
    let mut random = Random(13);
    let shapes = [[3, 1, 1, 1], [3, 1, 1, 2], [3, 1, 2, 1], [5, 1, 1, 1], [5, 2, 1, 1], [5, 3, 1, 1]];
    let cases = shapes.into_iter().flat_map(|shape| [4, 16, 32, 64].map(|channels| (shape, channels)));
    cases
        .zip(WIDTHS.into_iter().cycle())
        .map(|((shape, channels), widths)| {
            let layer = same(widths, shape, channels);
            let code = cache.image([&Kernel::Conv(layer.kernel.clone())], CODE_BYTES).unwrap();
            let spikes: Vec<u32> = (0..layer.kernel.source_width.pow(2) * 2).collect();
            let (instructions, cycles, _) = layer.check(&code, &spikes, &mut random);
            (layer.kernel, spikes.len(), (instructions, cycles))
        })
        .collect()
}

#[test]
fn convolutions_cost_few_instructions_per_weight() {
    const W8_I16: (WeightWidth, Accumulator) = WIDTHS[0];
    let (mut cache, mut random) = (cache(), Random(12));
    println!("{:>5} {:>12} {:>9}  kernel", "bytes", "instructions", "per event");
    // Widths, then size, stride, dilation and pool, then target channels, and the bound.
    let cases = [
        (W8_I16, [3, 1, 1, 1], 4, 3.3),
        (W8_I16, [3, 1, 1, 1], 8, 1.95),
        (W8_I16, [3, 1, 1, 1], 16, 1.3),
        (W8_I16, [3, 1, 1, 1], 32, 1.05),
        (W8_I16, [3, 1, 1, 1], 64, 1.05),
        (W8_I16, [3, 1, 1, 2], 16, 1.3),
        (W8_I16, [3, 1, 2, 1], 16, 1.35),
        (W8_I16, [5, 1, 1, 1], 16, 1.1),
        (W8_I16, [5, 2, 1, 1], 16, 1.45),
        (W8_I16, [5, 3, 1, 1], 16, 1.95),
        (WIDTHS[1], [3, 1, 1, 1], 16, 1.95),
        (WIDTHS[2], [3, 1, 1, 1], 16, 1.45),
        (WIDTHS[3], [3, 1, 1, 1], 16, 2.05),
        (WIDTHS[4], [3, 1, 1, 1], 16, 1.6),
        (WIDTHS[4], [3, 1, 1, 1], 32, 1.3),
        (WIDTHS[5], [3, 1, 1, 1], 16, 2.25),
        (WIDTHS[6], [3, 1, 1, 1], 32, 1.3),
    ];
    for (widths, shape, channels, bound) in cases {
        let layer = same(widths, shape, channels);
        let code = cache.image([&Kernel::Conv(layer.kernel.clone())], CODE_BYTES).unwrap();
        // One neuron of each pixel in the middle, six pooled positions wide, so that all phases of strides occur.
        let width = layer.kernel.source_width;
        let middle = 5 * shape[3]..11 * shape[3];
        let spikes: Vec<u32> =
            middle.clone().flat_map(|y| middle.clone().map(move |x| 2 * (y * width + x) + (x & 1))).collect();
        let (instructions, _, events) = layer.check(&code, &spikes, &mut random);
        let (name, each) = (layer.kernel.name(), instructions as f64 / events as f64);
        let size = code.symbols[&name].size;
        println!("{size:>5} {instructions:>12} {each:>9.2}  {name}");
        assert!(each <= bound, "{name}: {each} instructions per weight");
        // Narrow weights take an instruction more for four of them, and their counters two.
        let most = if widths.0.is_narrow() { 270 } else { 240 };
        assert!(size <= most, "{name}: {size} bytes");
    }
}
