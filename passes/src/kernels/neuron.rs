//! The code of the neurons within an update kernel: one turn of its loop.

use super::{
    Accumulator,
    body::{Body, Value},
    descriptor::Slice,
    update::{Decay, Fire, Parameter, Reset, Spread, State, UpdateKernel},
};

/// Largest shift that SMULBB and its relatives can do: the factor must fit 16 bits with sign.
const LARGEST_FACTOR_SHIFT: u8 = 14;

/// Base-2 logarithm of the neurons per turn of the loop.
pub const PAIR_LOG2: u8 = 1;

/// Places among the arrays that are walked through.
const ACCUMULATORS: usize = 0;
const MEMBRANES: usize = 1;
const FIRST_PARAMETER: usize = 2;

/// Where a neuron's input is.
enum Input {
    /// It is the whole word.
    Word(Value),
    /// The low half of the word.
    Low(Value),
    /// The high half of the word.
    High(Value),
}

/// The code of one turn: one neuron or two. Each stage is done for both before the next, so that neighbours are loaded
/// and stored in pairs (LDRD, STRD).
pub struct Turn<'a> {
    kernel: &'a UpdateKernel,
    slice: &'a Slice,
    body: &'a mut Body,
    walks: Vec<Value>,
    left: Option<Value>,
}

impl<'a> Turn<'a> {
    /// Starts a block that takes the addresses and, in the loop, the turns left.
    pub fn start(kernel: &'a UpdateKernel, slice: &'a Slice, body: &'a mut Body, block: &str, looping: bool) -> Self {
        let mut walks = body.block_with(block, &slice.types(looping));
        let left = if looping { walks.pop() } else { None };
        Self { kernel, slice, body, walks, left }
    }

    /// Ends a turn of the loop: back to its start while turns are left.
    pub fn loop_back(self, block: &str, exit: &str) {
        let Some(left) = &self.left else {
            return;
        };
        let one = self.body.constant(1);
        let left = self.body.binary("sub", left, &one);
        let more = self.body.is_not_zero(&left);
        let block = self.slice.target(block, &self.walks, Some(&left));
        let exit = self.slice.target(exit, &self.walks, None);
        self.body.line(format_args!("llvm.cond_br {more}, {block}, {exit}"));
    }

    /// Goes on in block `then` if `condition` is not 0, else in `otherwise`.
    pub fn only_if(&mut self, condition: &str, then: &str, otherwise: &str) {
        let condition = self.body.is_not_zero(condition);
        self.body.line(format_args!("llvm.cond_br {condition}, {then}, {otherwise}"));
        self.body.block(then);
    }

    /// The code of the next `count` neurons, 1 or 2.
    pub fn emit(&mut self, count: usize) {
        let (kernel, kind) = (self.kernel, self.kernel.state.type_name());
        let inputs = self.take_inputs(count);
        let drives = kernel.current.as_ref().map(|stage| {
            let at = self.walk(Parameter::Currents);
            let mut c = self.load(kind, at, count);
            self.decay(stage.decay, Parameter::CurrentDecay, &mut c);
            self.add_inputs(&mut c, &inputs);
            self.add_parameter(stage.offset, Parameter::CurrentOffset, &mut c);
            self.store(kind, at, &c);
            if let Some(before) = stage.output_shift.checked_sub(1) {
                let half = self.body.constant(1 << before);
                for c in &mut c {
                    *c = self.sum("add", c, &half);
                    *c = self.body.shift("ashr", c, stage.output_shift);
                }
            }
            c
        });
        let mut v = self.load(kind, MEMBRANES, count);
        self.decay(kernel.decay, Parameter::Decay, &mut v);
        match drives {
            None => self.add_inputs(&mut v, &inputs),
            Some(drives) => self.add(&mut v, &drives),
        }
        self.add_parameter(kernel.offset, Parameter::Offset, &mut v);
        if let Some(fire) = &kernel.fire {
            self.fire(fire, &mut v);
        }
        self.store(kind, MEMBRANES, &v);
    }

    /// Addition or subtraction (`add`, `sub`) of states.
    fn sum(&mut self, operation: &str, a: &str, b: &str) -> Value {
        match self.kernel.state {
            State::Wrap => self.body.binary(operation, a, b),
            State::Saturate => {
                self.body.value(format_args!("llvm.intr.s{operation}.sat({a}, {b}) : (i32, i32) -> i32"))
            }
            State::Float => self.body.float(&format!("f{operation}"), a, b),
        }
    }

    fn add(&mut self, to: &mut [Value], terms: &[Value]) {
        for (to, term) in to.iter_mut().zip(terms) {
            *to = self.sum("add", to, term);
        }
    }

    /// Loads the accumulators of the turn's neurons and leaves zeros behind.
    fn take_inputs(&mut self, count: usize) -> Vec<Input> {
        let words = match self.kernel.accumulators {
            Accumulator::I16 => self.load("i32", ACCUMULATORS, 1),
            Accumulator::I32 => self.load("i32", ACCUMULATORS, count),
        };
        let zero = self.body.constant(0);
        self.store("i32", ACCUMULATORS, &vec![zero; words.len()]);
        match self.kernel.accumulators {
            Accumulator::I16 => [Input::Low, Input::High][..count].iter().map(|half| half(words[0].clone())).collect(),
            Accumulator::I32 => words.into_iter().map(Input::Word).collect(),
        }
    }

    /// `to + (x << input_shift)` for each neuron.
    fn add_inputs(&mut self, to: &mut [Value], inputs: &[Input]) {
        for (to, input) in to.iter_mut().zip(inputs) {
            *to = self.add_input(to, input);
        }
    }

    /// A multiplication takes a half word out and shifts it in one instruction (SMULBB, SMULTB), with the addition
    /// where it wraps (SMLABB, SMLATB).
    fn add_input(&mut self, to: &str, input: &Input) -> Value {
        let shift = self.kernel.input_shift;
        if self.kernel.state == State::Float {
            let x = self.float_input(input);
            return self.sum("add", to, &x);
        }
        let (word, letter, distance) = match input {
            Input::Word(word) => {
                let x = self.body.shift("shl", word, shift);
                return self.sum("add", to, &x);
            }
            Input::Low(word) => (word, 'b', 16),
            Input::High(word) => (word, 't', 0),
        };
        if (1..=LARGEST_FACTOR_SHIFT).contains(&shift) {
            let factor = self.body.constant(1 << shift);
            if self.kernel.state == State::Wrap {
                return self.body.intrinsic(&format!("llvm.arm.smla{letter}b"), &[word, &factor, to]);
            }
            let x = self.body.intrinsic(&format!("llvm.arm.smul{letter}b"), &[word, &factor]);
            return self.sum("add", to, &x);
        }
        let x = self.body.shift("shl", word, distance);
        let x = self.body.shift("ashr", &x, 16);
        let x = self.body.shift("shl", &x, shift);
        self.sum("add", to, &x)
    }

    /// An input as binary32.
    fn float_input(&mut self, input: &Input) -> Value {
        let x = match input {
            Input::Word(word) => word.clone(),
            Input::Low(word) => {
                let x = self.body.shift("shl", word, 16);
                self.body.shift("ashr", &x, 16)
            }
            Input::High(word) => self.body.shift("ashr", word, 16),
        };
        self.body.value(format_args!("llvm.sitofp {x} : i32 to f32"))
    }

    fn add_parameter(&mut self, spread: Option<Spread>, parameter: Parameter, to: &mut [Value]) {
        if spread.is_some() {
            let terms = self.parameter(parameter, to.len());
            self.add(to, &terms);
        }
    }

    fn decay(&mut self, decay: Decay, parameter: Parameter, values: &mut [Value]) {
        if decay.spread().is_none() {
            return;
        }
        let factors = self.parameter(parameter, values.len());
        for (v, m) in values.iter_mut().zip(&factors) {
            *v = match decay {
                Decay::Whole(_) => self.body.instruction("smmlar", &[v, m, v]),
                Decay::Mixed => {
                    // All ones where m is negative: the accumulator of SMMLAR is then v, else 0.
                    let sign = self.body.shift("ashr", m, 31);
                    let whole = self.body.binary("and", v, &sign);
                    self.body.instruction("smmlar", &[v, m, &whole])
                }
                Decay::Float(_) => self.body.float("fmul", v, m),
                _ => self.body.instruction("smmulr", &[v, m]),
            };
        }
    }

    /// Compares with the thresholds; sends keys and resets off the straight path.
    fn fire(&mut self, fire: &Fire, values: &mut [Value]) {
        let thresholds = self.parameter(Parameter::Threshold, values.len());
        for ((v, threshold), place) in values.iter_mut().zip(&thresholds).zip(0..) {
            let (fires, goes_on) = (self.body.fresh_block("fires"), self.body.fresh_block("on"));
            let above = match self.kernel.state {
                State::Float => self.body.value(format_args!("llvm.fcmp \"ogt\" {v}, {threshold} : f32")),
                _ => self.body.value(format_args!("llvm.icmp \"sgt\" {v}, {threshold} : i32")),
            };
            let kind = self.kernel.state.type_name();
            self.body.line(format_args!("llvm.cond_br {above} weights([1, 1000]), {fires}, {goes_on}({v} : {kind})"));
            self.body.block(&fires);
            // Neurons from the next one after the loop back to the first of this turn.
            let back = self.left.as_deref().map(|left| self.body.shift("shl", left, PAIR_LOG2));
            self.send(back.as_deref(), place);
            let by = self.reset_by(back.as_deref(), place);
            let reset = match fire.reset {
                Reset::Subtract(_) => self.sum("sub", v, &by),
                Reset::Value(_) => by,
            };
            self.body.line(format_args!("llvm.br {goes_on}({reset} : {kind})"));
            *v = self.body.block_with(&goes_on, &[kind]).swap_remove(0);
        }
    }

    /// Sends the key of the neuron that is `place` after the turn's first.
    fn send(&mut self, back: Option<&str>, place: i32) {
        let mut key = self.slice.key_end.clone();
        if let Some(back) = back {
            key = self.body.binary("sub", &key, back);
        }
        if place > 0 {
            let place = self.body.constant(place);
            key = self.body.binary("add", &key, &place);
        }
        self.body.line(format_args!("llvm.store volatile {key}, {} : i32, !llvm.ptr", self.slice.send_key));
    }

    /// The reset parameter of the neuron that is `place` after the turn's first.
    fn reset_by(&mut self, back: Option<&str>, place: i32) -> Value {
        let Some(end) = &self.slice.reset_end else {
            return self.parameter(Parameter::ResetBy, 1).swap_remove(0);
        };
        let mut address = end.clone();
        if let Some(back) = back {
            let zero = self.body.constant(0);
            let index = self.body.binary("sub", &zero, back);
            address =
                self.body.value(format_args!("llvm.getelementptr {end}[{index}] : (!llvm.ptr, i32) -> !llvm.ptr, i32"));
        }
        let address = self.body.offset(&address, 4 * place as u32);
        self.body.load(self.kernel.state.type_name(), &address)
    }

    /// A parameter of the turn's neurons: the uniform value, or the next of its array.
    fn parameter(&mut self, parameter: Parameter, count: usize) -> Vec<Value> {
        match self.slice.uniform.iter().find(|(name, _)| *name == parameter) {
            Some((_, value)) => vec![value.clone(); count],
            None => {
                let at = self.walk(parameter);
                let values = self.load(self.kernel.state.type_name(), at, count);
                self.advance(at, count);
                values
            }
        }
    }

    /// The place of a per-neuron parameter among the walks.
    fn walk(&self, parameter: Parameter) -> usize {
        let place = self.slice.walked.iter().position(|name| *name == parameter);
        FIRST_PARAMETER + place.expect("every stage's parameters are either uniform or walked through")
    }

    /// Loads the next elements of an array of 32-bit values.
    fn load(&mut self, kind: &str, at: usize, count: usize) -> Vec<Value> {
        (0..count as u32)
            .map(|place| {
                let address = self.body.offset(&self.walks[at], 4 * place);
                self.body.load(kind, &address)
            })
            .collect()
    }

    /// Stores the next elements of an array and moves on.
    fn store(&mut self, kind: &str, at: usize, values: &[Value]) {
        for (place, value) in (0..).zip(values) {
            let address = self.body.offset(&self.walks[at], 4 * place);
            self.body.store(kind, value, &address);
        }
        self.advance(at, values.len());
    }

    fn advance(&mut self, at: usize, count: usize) {
        self.walks[at] = self.body.offset(&self.walks[at], 4 * count as u32);
    }
}
