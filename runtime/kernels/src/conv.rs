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
//! with x as [`Factor`] says. SOURCE_ROW, TARGET_ROW and TARGET_ROWS are those of the PE's block ([`super::Extent`]).
//!
//! Which taps a neuron has follows from its row and its column, so that both have an entry in a table (`taps.rs`)
//! and nothing is divided but the index. The kernel adds the two entries, takes the first weights, the first
//! accumulators and the numbers of taps out of the sum, and then goes up through both: weights are stored in the order
//! in which taps need them. What is not in a register while weights are added is in a floating-point register.

use s2c_abi::convolution;
use s2c_dialects::convolution::Geometry;

use super::{
    Accumulator, Factor, RowCode, RowKernel, WeightWidth,
    body::{Body, Value},
    pack_row,
    taps::Fields,
};

/// Registers with which the loops are entered.
const INPUTS: std::ops::Range<u32> = 0..6;

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

    /// Bytes from the weights of one kernel position to the next.
    fn weight_step(&self) -> u32 {
        self.row().row_bytes()
    }

    /// Bytes from the accumulators of one output position to the next.
    pub(super) const fn target_step(&self) -> u32 {
        self.target_channels * self.accumulators.bytes()
    }

    fn emit_body(&self, body: &mut Body) {
        let fields = Fields::of(self);
        let pixel = with_constant(body, "udiv", "%index", self.source_channels);
        let channel = with_constant(body, "urem", "%index", self.source_channels);
        let y = with_constant(body, "udiv", &pixel, self.source_width);
        let x = with_constant(body, "urem", &pixel, self.source_width);
        let kind = fields.kind();
        let [row, column] = [(convolution::ROWS, y), (convolution::COLUMNS, x)].map(|(table, number)| {
            let table = field(body, table, "!llvm.ptr");
            let entry = format!("llvm.getelementptr {table}[{number}] : (!llvm.ptr, i32) -> !llvm.ptr, {kind}");
            let entry = body.value(entry);
            body.value(format_args!("llvm.load {entry} {{alignment = 4 : i64}} : !llvm.ptr -> {kind}"))
        });
        let sum = body.value(format_args!("llvm.add {row}, {column} : {kind}"));
        let none = body.value(format_args!("llvm.mlir.constant({} : {kind}) : {kind}", fields.none()));
        let some = body.value(format_args!("llvm.icmp \"ult\" {sum}, {none} : {kind}"));
        body.line(format_args!("llvm.cond_br {some}, ^some, ^exit"));
        body.block("^some");
        let [tap, rows, columns, place] = fields.all().map(|field| {
            let at = body.value(format_args!("llvm.mlir.constant({} : {kind}) : {kind}", field.at));
            let value = body.value(format_args!("llvm.lshr {sum}, {at} : {kind}"));
            let value = match kind {
                "i32" => value,
                _ => body.value(format_args!("llvm.trunc {value} : {kind} to i32")),
            };
            with_constant(body, "and", &value, (1 << field.bits) - 1)
        });
        let positions = self.kernel[0] * self.kernel[1];
        let weights = field(body, convolution::WEIGHTS, "i32");
        let weights = multiply_add(body, &channel, positions * self.weight_step(), &weights);
        let weights = multiply_add(body, &tap, self.weight_step(), &weights);
        let accumulators = field(body, convolution::ACCUMULATORS, "i32");
        let accumulators = multiply_add(body, &place, self.target_step(), &accumulators);
        // From behind the taps of one kernel row to the first of the next.
        let weight_jump = remaining(body, self.kernel[1], &columns, self.weight_step());
        let seen = with_constant(body, "mul", &columns, self.rise(1));
        let target_jump = remaining(body, self.rise(0) * self.target_width, &seen, self.target_step());
        let factor = self.factor.emit(body);
        self.emit_loops(body, [weights, accumulators, rows, columns, weight_jump, target_jump], factor);
        body.line("llvm.br ^exit");
        body.block("^exit");
    }

    /// The loops as one assembly block.
    fn emit_loops(&self, body: &mut Body, inputs: [Value; INPUTS.end as usize], factor: Option<Value>) {
        let code = self.code();
        let first = RowKernel::overwritten(INPUTS.end, code.row.last, factor.is_some());
        let lines = [code.enter, code.columns, code.row.into_lines(), code.next_tap, code.next_row].concat();
        let outputs: Vec<String> = INPUTS.map(|register| format!("={{r{register}}}")).collect();
        let tied: String = INPUTS.map(|number| format!(",{number}")).collect();
        let operands: Vec<Value> = inputs.into_iter().chain(factor).collect();
        body.value(format_args!(
            "llvm.inline_asm has_side_effects asm_dialect = att \"{}\", \"{}{tied}{first}\" {} : ({}) -> \
             !llvm.struct<({})>",
            lines.join("\\0A"),
            outputs.join(","),
            operands.join(", "),
            vec!["i32"; operands.len()].join(", "),
            vec!["i32"; outputs.len()].join(", ")
        ));
    }

    /// Bytes of descriptor, entries of rows and columns, and code, roughly: instructions of 4 bytes but for a few, and
    /// what LLVM puts before the loops.
    pub fn fixed_bytes(&self, source_rows: u32) -> u32 {
        const BEFORE: u32 = 90;
        let code = self.code();
        let lines = [&code.enter, &code.columns, &code.next_tap, &code.next_row].map(Vec::len).iter().sum::<usize>();
        let entries = self.entry_bytes() * (self.source_width + source_rows);
        convolution::SIZE + entries + BEFORE + 4 * lines as u32 + code.row.bytes()
    }

    /// The instructions of the loops. They begin with the addresses of weights and accumulators, the numbers of rows and
    /// columns and the two distances to the next row in r0 to r5.
    pub fn code(&self) -> ConvCode {
        let row = self.row();
        let [steps, columns, rows] = row.counters();
        let mut next_tap = match self.target_step() * (self.rise(1) - 1) {
            0 => Vec::new(),
            distance @ 1..4096 => vec![format!("addw r1, r1, #{distance}")],
            distance => [
                format!("movw r2, #{}", distance & 0xffff),
                format!("movt r2, #{}", distance >> 16),
                "add r1, r1, r2".to_owned(),
            ]
            .into(),
        };
        next_tap.extend(columns.turn(2));
        let mut next_row = ["vmov r2, r3, s0, s1", "add r0, r0, r2", "add r1, r1, r3"].map(str::to_owned).to_vec();
        next_row.extend(rows.turn(1));
        ConvCode {
            enter: vec!["vmov s0, s1, r4, r5".to_owned(), "vmov s2, r3".to_owned(), rows.copy("r2"), "1:".to_owned()],
            columns: vec![columns.copy("s2"), "2:".to_owned()],
            row: row.code_counted(steps),
            next_tap,
            next_row,
        }
    }
}

/// The instructions of a convolution's loops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvCode {
    /// Before the loops.
    pub enter: Vec<String>,
    /// Before the columns of a kernel row.
    pub columns: Vec<String>,
    /// A tap.
    pub row: RowCode,
    /// Behind each tap.
    pub next_tap: Vec<String>,
    /// Behind each kernel row.
    pub next_row: Vec<String>,
}

/// A word of the descriptor, of the type given.
fn field(body: &mut Body, offset: u32, kind: &str) -> Value {
    let address = body.offset("%descriptor", offset);
    body.load(kind, &address)
}

/// A binary operation with a constant. LLVM simplifies what is trivial and turns divisions into multiplications.
fn with_constant(body: &mut Body, operation: &str, value: &str, constant: u32) -> Value {
    let constant = body.constant(constant as i32);
    body.binary(operation, value, &constant)
}

/// `a * factor + b`.
fn multiply_add(body: &mut Body, a: &str, factor: u32, b: &str) -> Value {
    let product = with_constant(body, "mul", a, factor);
    body.binary("add", &product, b)
}

/// `(whole - part) * unit`.
fn remaining(body: &mut Body, whole: u32, part: &str, unit: u32) -> Value {
    let whole = body.constant(whole as i32);
    let rest = body.binary("sub", &whole, part);
    with_constant(body, "mul", &rest, unit)
}

/// Stores the weights as the kernel reads them, indexed by source channel, kernel row, kernel column and target channel.
///
/// `weights` is asked in this order of arguments; target channels from `target_channels` on are padding and zero. Each
/// kernel position is a row of [`pack_row`], at the place that [`ConvKernel::place_of`] gives it.
///
/// # Panics
/// If there are more target channels than the kernel has.
pub fn pack_kernel(kernel: &ConvKernel, target_channels: u32, weights: &dyn Fn(u32, u32, u32, u32) -> i32) -> Vec<u8> {
    let ([rows, columns], row) = (kernel.kernel, kernel.row());
    let (bytes, positions) = (row.row_bytes() as usize, kernel.source_channels * rows * columns);
    let mut packed = vec![0; positions as usize * bytes];
    for position in 0..positions {
        let (channel, ky, kx) = (position / (rows * columns), position / columns % rows, position % columns);
        let values: Vec<i32> = (0..target_channels).map(|target| weights(channel, ky, kx, target)).collect();
        let at = kernel.place_of(position) as usize * bytes;
        packed[at..at + bytes].copy_from_slice(&pack_row(&row, &values));
    }
    packed
}
