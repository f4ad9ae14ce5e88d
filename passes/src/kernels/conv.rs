//! Convolution kernels: one packet adds a source neuron's weights to every output position that it reaches.
//!
//! A packet carries the neuron's index `i` in the source slice. All numbers are natural, and pairs are (rows, columns):
//!
//! ```text
//! channel = i % source_channels;  p = i / source_channels
//! y = (p / source_width + SOURCE_ROW) / pool.0;  x = (p % source_width) / pool.1
//! nothing unless y < pooled.0 and x < pooled.1
//! for all ky < kernel.0, kx < kernel.1, oy, ox with
//!         (TARGET_ROW + oy) * stride.0 = y + padding.0 - ky * dilation.0  and  oy < TARGET_ROWS
//!                       ox  * stride.1 = x + padding.1 - kx * dilation.1  and  ox < target_width:
//!     accumulators[oy, ox, ..] += weights[channel, ky, kx, ..] * x        (target_channels of them)
//! ```
//!
//! with x as [`Factor`] says.
//!
//! Along one axis, the pairs (kernel position, output position) of a neuron are evenly spaced: with g the greatest
//! common divisor of stride and dilation, they are (k0 + n·stride/g, o0 − n·dilation/g) for a range of n that is
//! computed before the loops, so that no tap is visited in vain. n counts down, so that addresses of accumulators go
//! up, as the row code leaves them.

use s2c_abi::convolution;
use s2c_dialects::convolution::Geometry;

use super::{
    Accumulator, Factor, RowKernel, WeightWidth,
    body::{Body, Value},
    pack_row,
};

/// A convolution kernel variant. See the module's page for what it does. Pairs are rows, then columns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConvKernel {
    /// Width of the weights.
    pub weights: WeightWidth,
    /// Width of the accumulators.
    pub accumulators: Accumulator,
    /// Columns of the source map.
    pub source_width: u32,
    /// Channels of the source map.
    pub source_channels: u32,
    /// Source neurons that are pooled into one position.
    pub pool: [u32; 2],
    /// Positions after pooling; neurons beyond have no effect.
    pub pooled: [u32; 2],
    /// Kernel positions.
    pub kernel: [u32; 2],
    /// Pooled positions from one output position to the next.
    pub stride: [u32; 2],
    /// Positions around the pooled map that are taken as silent, on each side.
    pub padding: [u32; 2],
    /// Pooled positions from one kernel position to the next.
    pub dilation: [u32; 2],
    /// Columns of the output map.
    pub target_width: u32,
    /// Channels of the output map with padding: a multiple of 4, at least 4.
    pub target_channels: u32,
    /// What the weights are multiplied by.
    pub factor: Factor,
}

impl ConvKernel {
    /// The kernel of 8-bit weights from a source of some channels and columns to all rows and columns of the output, with
    /// so many channels per place.
    pub fn whole(
        geometry: &Geometry,
        accumulators: Accumulator,
        [channels, columns]: [usize; 2],
        target_channels: usize,
    ) -> Self {
        let pair = |pair: [usize; 2]| pair.map(|value| value as u32);
        Self {
            weights: WeightWidth::W8,
            accumulators,
            source_width: columns as u32,
            source_channels: channels as u32,
            pool: pair(geometry.pool),
            pooled: pair(geometry.pooled()),
            kernel: pair(geometry.kernel),
            stride: pair(geometry.stride),
            padding: pair(geometry.padding),
            dilation: pair(geometry.dilation),
            target_width: geometry.output()[2] as u32,
            target_channels: target_channels as u32,
            factor: Factor::One,
        }
    }

    /// The kernel's symbol, such as `conv_w8_i16_from34x2_pool1x1_to34x34_k3x3_s1x1_p1x1_d1x1_into34x16`: the source's
    /// width and channels, pooling and what remains, kernel, stride, padding, dilation, the output's width and channels.
    pub fn name(&self) -> String {
        let pair = |[rows, columns]: [u32; 2]| format!("{rows}x{columns}");
        format!(
            "conv_{}_{}_from{}_pool{}_to{}_k{}_s{}_p{}_d{}_into{}{}",
            self.weights.name(),
            self.accumulators.name(),
            pair([self.source_width, self.source_channels]),
            pair(self.pool),
            pair(self.pooled),
            pair(self.kernel),
            pair(self.stride),
            pair(self.padding),
            pair(self.dilation),
            pair([self.target_width, self.target_channels]),
            self.factor.name(),
        )
    }

    /// The kernel as a function of MLIR's `llvm` dialect.
    pub fn emit(&self) -> String {
        let mut body = Body::default();
        self.emit_body(&mut body);
        format!(
            "llvm.func @{}(%index: i32, %descriptor: !llvm.ptr{}) attributes {{passthrough = [\"nounwind\"]}} {{\n{}  \
             llvm.return\n}}\n",
            self.name(),
            self.factor.arguments(),
            body.into_text()
        )
    }

    /// Kernel positions along an axis that a source neuron reaches, on average.
    pub fn taps(&self, axis: usize) -> f64 {
        let (kernel, stride, padding, dilation) =
            (self.kernel[axis], self.stride[axis], self.padding[axis], self.dilation[axis]);
        let pooled = self.pooled[axis];
        let outputs = (pooled + 2 * padding).saturating_sub(dilation * (kernel - 1) + 1) / stride + 1;
        let reaches = |position: u32, tap: u32| {
            let moved = (position + padding).checked_sub(tap * dilation);
            moved.is_some_and(|moved| moved.is_multiple_of(stride) && moved / stride < outputs)
        };
        let taps: usize = (0..pooled).map(|position| (0..kernel).filter(|&tap| reaches(position, tap)).count()).sum();
        taps as f64 / f64::from(pooled.max(1))
    }

    /// How the weights of one kernel position are added.
    pub const fn row(&self) -> RowKernel {
        let Self { weights, accumulators, factor, target_channels: length, .. } = *self;
        RowKernel { weights, accumulators, length, factor }
    }

    fn emit_body(&self, body: &mut Body) {
        let pixel = with_constant(body, "udiv", "%index", self.source_channels as i32);
        let channel = with_constant(body, "urem", "%index", self.source_channels as i32);
        let y = with_constant(body, "udiv", &pixel, self.source_width as i32);
        let x = with_constant(body, "urem", &pixel, self.source_width as i32);
        let source_row = field(body, convolution::SOURCE_ROW);
        let y = body.binary("add", &y, &source_row);
        let y = with_constant(body, "udiv", &y, self.pool[0] as i32);
        only_if(body, "ult", &y, self.pooled[0]);
        let x = with_constant(body, "udiv", &x, self.pool[1] as i32);
        if self.source_width.div_ceil(self.pool[1]) > self.pooled[1] {
            only_if(body, "ult", &x, self.pooled[1]);
        }
        let (first, rows) = (field(body, convolution::TARGET_ROW), field(body, convolution::TARGET_ROWS));
        let [vertical, horizontal] = [0, 1].map(|axis| Axis::new(self, axis));
        let down = vertical.taps(body, &y, Some(&first), &rows);
        let columns = body.constant(self.target_width as i32);
        let across = horizontal.taps(body, &x, None, &columns);
        self.emit_loops(body, &channel, [(&vertical, &down), (&horizontal, &across)]);
    }

    fn emit_loops(
        &self,
        body: &mut Body,
        channel: &str,
        [(vertical, down), (horizontal, across)]: [(&Axis, &Taps); 2],
    ) {
        let row = self.row();
        let weight_step = row.row_bytes() as i32;
        let target_step = (self.target_channels * self.accumulators.bytes()) as i32;
        let weight_row = weight_step * self.kernel[1] as i32 * vertical.step as i32;
        let target_row = target_step * self.target_width as i32 * vertical.back as i32;

        let weights = field(body, convolution::WEIGHTS);
        let index = multiply_add(body, channel, self.kernel[0] as i32, &down.kernel);
        let index = multiply_add(body, &index, self.kernel[1] as i32, &across.kernel);
        let weights = multiply_add(body, &index, weight_step, &weights);
        let accumulators = field(body, convolution::ACCUMULATORS);
        let index = multiply_add(body, &down.target, self.target_width as i32, &across.target);
        let accumulators = multiply_add(body, &index, target_step, &accumulators);
        // From behind the taps of one kernel row to the first of the next.
        let weight_jump = body.constant(-weight_row);
        let weight_jump = multiply_add(body, &across.count, weight_step * horizontal.step as i32, &weight_jump);
        let target_jump = body.constant(target_row);
        let target_jump = multiply_add(body, &across.count, -target_step * horizontal.back as i32, &target_jump);

        let factor = self.factor.emit(body);
        body.line(format_args!("llvm.br ^row({weights}, {accumulators}, {} : i32, i32, i32)", down.count));
        let at_row = body.block_with("^row", &["i32"; 3]);
        body.line(format_args!("llvm.br ^tap({}, {}, {} : i32, i32, i32)", at_row[0], at_row[1], across.count));
        let at_tap = body.block_with("^tap", &["i32"; 3]);
        let [weights, accumulators] = row.add_row(body, [&at_tap[0], &at_tap[1]], factor.as_deref(), "");
        let weights = with_constant(body, "add", &weights, -weight_step * (horizontal.step as i32 + 1));
        let accumulators = with_constant(body, "add", &accumulators, target_step * (horizontal.back as i32 - 1));
        repeat(body, "^tap", [&weights, &accumulators, &at_tap[2]], "^next");
        body.block("^next");
        let weights = body.binary("add", &weights, &weight_jump);
        let accumulators = body.binary("add", &accumulators, &target_jump);
        repeat(body, "^row", [&weights, &accumulators, &at_row[2]], "^exit");
        body.block("^exit");
    }
}

/// What is constant along one axis.
struct Axis {
    padding: u32,
    kernel: u32,
    /// Greatest common divisor of stride and dilation.
    common: u32,
    /// Kernel positions from one tap to the next: stride / common.
    step: u32,
    /// Output positions from one tap back to the next: dilation / common.
    back: u32,
}

/// The taps of a neuron along one axis.
struct Taps {
    /// How many there are, at least 1.
    count: Value,
    /// Kernel position of the last, where the loop begins.
    kernel: Value,
    /// Output position of the last, counted from the first that the PE holds.
    target: Value,
}

impl Axis {
    fn new(kernel: &ConvKernel, axis: usize) -> Self {
        let (stride, dilation) = (kernel.stride[axis], kernel.dilation[axis]);
        let common = greatest_common_divisor(stride, dilation);
        Self {
            padding: kernel.padding[axis],
            kernel: kernel.kernel[axis],
            common,
            step: stride / common,
            back: dilation / common,
        }
    }

    /// The taps of the neuron at a position, for `targets` output positions from `first` on; leaves if there are none.
    fn taps(&self, body: &mut Body, position: &str, first: Option<&str>, targets: &str) -> Taps {
        let (step, back) = (self.step as i32, self.back as i32);
        let mut reach = with_constant(body, "add", position, self.padding as i32);
        if self.common > 1 {
            let rest = with_constant(body, "urem", &reach, self.common as i32);
            only_if(body, "eq", &rest, 0);
            reach = with_constant(body, "udiv", &reach, self.common as i32);
        }
        // k0, the least kernel position with an output position, negative ones included: k0 * back = reach (mod step).
        let inverse = (1..self.step).find(|inverse| inverse * self.back % self.step == 1).unwrap_or(1);
        let multiple = with_constant(body, "mul", &reach, inverse as i32);
        let kernel = with_constant(body, "urem", &multiple, self.step as i32);
        // The output position of k0, plus `back`; never negative before `first` is taken off.
        let mut end = if back == 1 {
            let quotient = with_constant(body, "udiv", &reach, self.step as i32);
            with_constant(body, "add", &quotient, 1)
        } else {
            let scaled = with_constant(body, "mul", &kernel, -back);
            let numerator = body.binary("add", &reach, &scaled);
            let numerator = with_constant(body, "add", &numerator, back * step);
            with_constant(body, "udiv", &numerator, step)
        };
        if let Some(first) = first {
            end = body.binary("sub", &end, first);
        }
        // Taps n with begin <= n < stop. Quotients round towards 0, which is right: below 0 there is nothing to tell.
        let limit = body.constant(self.kernel as i32 + step - 1);
        let limit = body.binary("sub", &limit, &kernel);
        let limit = with_constant(body, "udiv", &limit, self.step as i32);
        let stop = with_constant(body, "sdiv", &end, back);
        let stop = extremum(body, "smin", &stop, &limit);
        let outside = body.binary("sub", &end, targets);
        let begin = with_constant(body, "sdiv", &outside, back);
        let zero = body.constant(0);
        let begin = extremum(body, "smax", &begin, &zero);
        let count = body.binary("sub", &stop, &begin);
        only_if(body, "sgt", &count, 0);
        let last = with_constant(body, "mul", &stop, -back);
        let target = body.binary("add", &end, &last);
        let kernel = with_constant(body, "add", &kernel, -step);
        let kernel = multiply_add(body, &stop, step, &kernel);
        Taps { count, kernel, target }
    }
}

/// Goes on only if `value` compares so with a constant.
fn only_if(body: &mut Body, comparison: &str, value: &str, constant: u32) {
    let constant = body.constant(constant as i32);
    let condition = body.value(format_args!("llvm.icmp \"{comparison}\" {value}, {constant} : i32"));
    let block = body.fresh_block("some");
    body.line(format_args!("llvm.cond_br {condition}, {block}, ^exit"));
    body.block(&block);
}

/// Goes back to a block with two addresses and one turn less, or on to `after` if none is left.
fn repeat(body: &mut Body, block: &str, [weights, accumulators, turns]: [&str; 3], after: &str) {
    let left = with_constant(body, "add", turns, -1);
    let more = body.is_not_zero(&left);
    body.line(format_args!("llvm.cond_br {more}, {block}({weights}, {accumulators}, {left} : i32, i32, i32), {after}"));
}

/// A word of the descriptor.
fn field(body: &mut Body, offset: u32) -> Value {
    let address = body.offset("%descriptor", offset);
    body.load("i32", &address)
}

/// A binary operation with a constant. LLVM simplifies what is trivial and turns divisions into multiplications.
fn with_constant(body: &mut Body, operation: &str, value: &str, constant: i32) -> Value {
    let constant = body.constant(constant);
    body.binary(operation, value, &constant)
}

/// `a * factor + b`.
fn multiply_add(body: &mut Body, a: &str, factor: i32, b: &str) -> Value {
    let product = with_constant(body, "mul", a, factor);
    body.binary("add", &product, b)
}

/// `smin` or `smax`.
fn extremum(body: &mut Body, operation: &str, a: &str, b: &str) -> Value {
    body.value(format_args!("llvm.intr.{operation}({a}, {b}) : (i32, i32) -> i32"))
}

const fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Stores the weights as the kernel reads them, indexed by source channel, kernel row, kernel column and target channel.
///
/// `weights` is asked in this order of arguments; target channels from `target_channels` on are padding and zero. Each
/// kernel position is a row of [`pack_row`].
///
/// # Panics
/// If there are more target channels than the kernel has.
pub fn pack_kernel(kernel: &ConvKernel, target_channels: u32, weights: &dyn Fn(u32, u32, u32, u32) -> i32) -> Vec<u8> {
    let row = kernel.row();
    let mut bytes = Vec::new();
    for channel in 0..kernel.source_channels {
        for ky in 0..kernel.kernel[0] {
            for kx in 0..kernel.kernel[1] {
                let values: Vec<i32> = (0..target_channels).map(|target| weights(channel, ky, kx, target)).collect();
                bytes.extend(pack_row(&row, &values));
            }
        }
    }
    bytes
}
