//! The code of convolution kernels.

use super::{
    RowCode, RowKernel,
    body::{Body, Value},
    conv::ConvKernel,
    taps::Fields,
};
use s2c_abi::convolution;

/// Registers with which the loops are entered.
const INPUTS: std::ops::Range<u32> = 0..6;

impl ConvKernel {
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
        let weights = field(body, convolution::WEIGHTS, "i32");
        let weights = multiply_add(body, &channel, self.channel_bytes(), &weights);
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
        let mut enter = row.prepare();
        enter.extend(["vmov s0, s1, r4, r5".to_owned(), "vmov s2, r3".to_owned(), rows.copy("r2"), "1:".to_owned()]);
        ConvCode {
            enter,
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
