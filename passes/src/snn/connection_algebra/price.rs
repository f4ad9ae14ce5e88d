//! What a connection takes on a PE, by itself.

use crate::{
    analysis::{cost::CostModel, variants::weight_width},
    snn::connection_fusion::compose::pool_to_convolution,
    target::{Cycles, Target},
};
use s2c_dialects::{convolution::Geometry, snn::Op};
use s2c_kernels::{Accumulator, ConvKernel, Factor, OneToOneKernel, RowKernel};

/// What a connection takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    /// Bytes of weights, tables and code.
    pub bytes: f64,
    /// Cycles of a spike, the runtime's included.
    pub cycles: f64,
}

/// How prices are found.
#[derive(Clone)]
pub struct Pricing {
    cycles: Cycles,
    bits: u32,
}

impl Pricing {
    /// Prices on a target, with so many bits per weight.
    pub fn new(target: &Target, bits: u32) -> Self {
        Self { cycles: target.cycles.clone(), bits }
    }

    /// The price of a connection on spikes, with 16-bit sums and in one piece.
    pub fn price(&self, op: &Op, from: &[usize], to: &[usize]) -> Price {
        let model = CostModel::new(&self.cycles);
        let (weights, accumulators) = (weight_width(self.bits.max(8).into()), Accumulator::I16);
        let [inputs, outputs] = [from, to].map(|shape| shape.iter().product::<usize>());
        let bytes_of = |count: usize| (count * weights.bits() as usize / 8) as f64;
        let (bytes, cycles) = match op {
            Op::Conv2d(op) => {
                let Some(geometry) = op.geometry(from) else { return Price::default() };
                let kernel = kernel(&geometry, accumulators);
                let taps = geometry.input[0] * geometry.kernel.iter().product::<usize>();
                let fixed = kernel.fixed_bytes(geometry.input[1] as u32);
                (bytes_of(taps * kernel.target_channels as usize) + f64::from(fixed), model.convolution(&kernel).cycles)
            }
            Op::Pool(pool) => match pool_to_convolution(pool, from) {
                Some(convolution) => return self.price(&convolution, from, to),
                None => (0.0, 0.0),
            },
            Op::Scale(_) => (
                (4 * outputs as u32 + OneToOneKernel::FIXED_BYTES).into(),
                model.one_to_one(&OneToOneKernel { accumulators, factor: Factor::One }).cycles,
            ),
            _ => {
                let length = outputs.next_multiple_of(4);
                let row = RowKernel { weights, accumulators, length: length as u32, factor: Factor::One };
                (bytes_of(inputs * length) + f64::from(row.fixed_bytes()), model.row(&row).cycles)
            }
        };
        Price { bytes, cycles: cycles + model.packet(1).cycles }
    }
}

fn kernel(geometry: &Geometry, accumulators: Accumulator) -> ConvKernel {
    let [channels, _, columns] = geometry.input;
    ConvKernel::whole(geometry, accumulators, [channels, columns], geometry.channels.next_multiple_of(4))
}
