//! The code of the neurons within an update kernel: its stages for four neurons, and the loop in which every neuron has
//! its turn.

use s2c_abi::{Comms, Registers, slice};

use super::{
    assembly::{Assembly, Item, Place, Quad, T, V, X},
    interface::Accumulator,
    update::{Decay, GROUP, Parameter, Spread, State, UpdateKernel},
};
use s2c_dialects::qsnn::Coefficient;

/// Input shifts that SMLAWB and its relatives can do: x 2^(16 + shift) / 2^16, the factor being positive.
const FACTOR_SHIFTS: std::ops::RangeInclusive<i8> = -16..=14;

/// Writes the kernel.
pub struct Writer<'k> {
    pub kernel: &'k UpdateKernel,
    pub code: Assembly,
    pub comms: Comms,
}

impl<'k> Writer<'k> {
    /// A loop over all neurons.
    pub fn dense(kernel: &'k UpdateKernel, registers: &Registers) -> Assembly {
        let mut this = Self { kernel, code: Assembly::new(items(kernel), rare_items(kernel)), comms: registers.comms };
        this.enter();
        this.code.line(".Lloop:");
        let (values, free) = match &kernel.current {
            Some(_) => this.current_and_membrane(),
            None => {
                this.load_membranes(V);
                this.decay(kernel.decay, Parameter::DECAY, V, Some(T));
                this.add_accumulators(V);
                (V, T)
            }
        };
        this.add_parameter(kernel.word(Coefficient::Offset), Parameter::OFFSET, values, free);
        let thresholds = kernel.fire.as_ref().map(|fire| this.thresholds(fire, free));
        if let Some(thresholds) = thresholds {
            this.leave_if_any(values, thresholds);
        }
        this.leave(values, free);
        let left = this.left();
        this.code.line(format_args!("subs r{left}, r{left}, #1"));
        this.code.line("bne .Lloop");
        this.code.line("b .Lend");
        if let Some((fire, thresholds)) = kernel.fire.as_ref().zip(thresholds) {
            this.fire_all(fire, values, thresholds, free);
        }
        this.code.line(".Lend:");
        this.code
    }

    /// Loads what the loop needs.
    pub fn enter(&mut self) {
        let code = &mut self.code;
        code.line(format_args!("ldr r{X}, [r0, #{}]", slice::COUNT));
        if self.kernel.fire.is_some() || self.kernel.word(Coefficient::Readout).is_some() {
            code.line(format_args!("ldr r{}, [r0, #{}]", T[0], slice::KEY));
            code.line(format_args!("add r{0}, r{0}, r{X}", T[0]));
            code.set(Item::Key, T[0]);
        }
        for (item, offset) in descriptor(self.kernel) {
            match item {
                Item::Array(Parameter::RESET_BY) if self.kernel.spread(Parameter::RESET_BY) == Spread::PerNeuron => {
                    code.line(format_args!("ldr r{}, [r0, #{offset}]", T[0]));
                    code.line(format_args!("add r{0}, r{0}, r{X}, lsl #2", T[0]));
                    code.set(item, T[0]);
                }
                // r0 holds the descriptor's address until the end.
                _ if code.place(item) == Place::Core(0) => {}
                _ => code.load_item(item, 0, offset),
            }
        }
        self.constants();
        self.code.zeros(T[0], self.kernel.accumulators.bytes());
        let left = self.left();
        self.code.line(format_args!("lsrs r{left}, r{X}, #{}", GROUP.ilog2()));
        let last = descriptor(self.kernel).into_iter().find(|&(item, _)| self.code.place(item) == Place::Core(0));
        if let Some((item, offset)) = last {
            self.code.load_item(item, 0, offset);
        }
        self.code.line("beq .Lend");
    }

    /// The factors by which values are shifted.
    pub fn constants(&mut self) {
        let output = self.kernel.current.as_ref().map(|stage| stage.output_shift);
        for (item, value) in [
            (Item::InputFactor, factor_shift(self.kernel).map(|shift| 1 << (16 + shift))),
            (Item::OutputFactor, output.filter(|&shift| shift > 1).map(|shift| 1 << (32 - shift))),
        ] {
            if let Some(value) = value {
                self.code.constant(T[0], value);
                self.code.set(item, T[0]);
            }
        }
    }

    pub(super) fn left(&self) -> u8 {
        match self.code.place(Item::Left) {
            Place::Core(register) => register,
            Place::Float(_) => unreachable!("the count is the first item"),
        }
    }

    /// The current's stage and the membrane up to the drive; returns the registers of the membranes and the others.
    fn current_and_membrane(&mut self) -> (Quad, Quad) {
        let kernel = self.kernel;
        let Some(stage) = &kernel.current else { return (V, T) };
        let currents = Item::Array(Parameter::Currents);
        self.code.load(currents, V);
        self.decay(stage.decay, Parameter::CURRENT_DECAY, V, Some(T));
        self.add_accumulators(V);
        self.add_parameter(stage.offset, Parameter::CURRENT_OFFSET, V, T);
        self.code.store_next(currents, V);
        // A shift of two or more is a multiplication by 2^(32 - shift) of which the upper half is kept, to nearest.
        let folded = stage.output_shift > 1 && !self.saturates();
        if stage.output_shift == 1 {
            for c in V {
                self.code.line(format_args!("and r{X}, r{c}, #1"));
                self.code.line(format_args!("add r{c}, r{X}, r{c}, asr #1"));
            }
        } else if stage.output_shift > 1 && self.saturates() {
            let factor = self.code.get(Item::OutputFactor);
            V.iter().for_each(|c| self.code.line(format_args!("smmulr r{c}, r{c}, r{factor}")));
        }
        self.load_membranes(T);
        self.decay(kernel.decay, Parameter::DECAY, T, None);
        if folded {
            let factor = self.code.get(Item::OutputFactor);
            for (v, c) in T.into_iter().zip(V) {
                self.code.line(format_args!("smmlar r{v}, r{c}, r{factor}, r{v}"));
            }
        } else {
            T.into_iter().zip(V).for_each(|(v, c)| self.add(v, c));
        }
        (T, V)
    }

    pub(super) fn saturates(&self) -> bool {
        self.kernel.state == State::Saturate
    }

    /// `a + b` into a, saturating or wrapping as the kernel does.
    fn add(&mut self, a: u8, b: u8) {
        let operation = if self.saturates() { "qadd" } else { "add" };
        self.code.line(format_args!("{operation} r{a}, r{a}, r{b}"));
    }

    /// Adds the inputs to four values, which are not in [`T`], and leaves zeros behind.
    fn add_accumulators(&mut self, values: Quad) {
        let at = self.code.get(Item::Accumulators);
        match self.kernel.accumulators {
            Accumulator::I16 => self.code.line(format_args!("ldrd r{}, r{}, [r{at}]", T[0], T[1])),
            Accumulator::I32 => self.code.load(Item::Accumulators, T),
        }
        self.add_inputs(values);
        self.code.clear_next(at, self.kernel.accumulators.bytes());
    }

    /// Adds the inputs, which are in [`T`]. A multiplication takes a half word out and shifts it in one instruction
    /// (SMULWB, SMULWT), with the addition where it wraps (SMLAWB, SMLAWT).
    pub fn add_inputs(&mut self, values: Quad) {
        let (kernel, shift) = (self.kernel, self.kernel.input_shift);
        let distance = shift.unsigned_abs();
        let way = if shift < 0 { "asr" } else { "lsl" };
        let shifted = if shift == 0 { String::new() } else { format!(", {way} #{distance}") };
        if kernel.accumulators == Accumulator::I32 {
            for (v, x) in values.into_iter().zip(T) {
                self.add_shifted(v, x, &shifted);
            }
            return;
        }
        let halves = values.into_iter().zip([T[0], T[0], T[1], T[1]]).zip(["b", "t", "b", "t"]);
        if factor_shift(kernel).is_none() {
            for ((v, word), half) in halves {
                match half {
                    "b" => self.code.line(format_args!("sxth r{X}, r{word}")),
                    _ => self.code.line(format_args!("asr r{X}, r{word}, #16")),
                }
                self.add_shifted(v, X, &shifted);
            }
            return;
        }
        let factor = self.code.get(Item::InputFactor);
        for ((v, word), half) in halves {
            if self.saturates() {
                self.code.line(format_args!("smulw{half} r{}, r{factor}, r{word}", T[2]));
                self.add(v, T[2]);
            } else {
                self.code.line(format_args!("smlaw{half} r{v}, r{factor}, r{word}, r{v}"));
            }
        }
    }

    /// Adds x, shifted.
    fn add_shifted(&mut self, v: u8, x: u8, shifted: &str) {
        if !self.saturates() {
            return self.code.line(format_args!("add r{v}, r{v}, r{x}{shifted}"));
        }
        if !shifted.is_empty() {
            self.code.line(format_args!("mov r{x}, r{x}{shifted}"));
        }
        self.add(v, x);
    }

    fn add_parameter(&mut self, spread: Option<Spread>, parameter: Parameter, values: Quad, free: Quad) {
        match spread {
            None => {}
            Some(Spread::Uniform) => {
                let term = self.code.get(Item::Value(parameter));
                values.into_iter().for_each(|v| self.add(v, term));
            }
            Some(spread) => {
                self.code.load_parameter(parameter, spread, free);
                values.into_iter().zip(free).for_each(|(v, term)| self.add(v, term));
            }
        }
    }

    /// The decay of four values; with four free registers, factors of four neurons are loaded together.
    fn decay(&mut self, decay: Decay, parameter: Parameter, values: Quad, free: Option<Quad>) {
        match decay.spread() {
            None => {}
            Some(Spread::Uniform) => {
                let factor = self.code.get(Item::Value(parameter));
                values.into_iter().for_each(|v| self.decay_one(decay, v, factor));
            }
            Some(spread) => {
                if let Some(free) = free {
                    self.code.load_parameter(parameter, spread, free);
                    return values.into_iter().zip(free).for_each(|(v, factor)| self.decay_one(decay, v, factor));
                }
                let Place::Core(at) = self.code.place(Item::Array(parameter)) else {
                    unreachable!("the membranes' factors are an early item where there is a current")
                };
                for v in values {
                    self.code.line(format_args!("ldr r{X}, [r{at}], #4"));
                    self.decay_one(decay, v, X);
                }
                self.code.wrap(at, spread);
            }
        }
    }

    fn decay_one(&mut self, decay: Decay, v: u8, m: u8) {
        match decay {
            // Float states have a kernel of their own.
            Decay::None | Decay::Float(_) => {}
            Decay::Whole(_) => self.code.line(format_args!("smmlar r{v}, r{v}, r{m}, r{v}")),
            Decay::Fraction(_) => self.code.line(format_args!("smmulr r{v}, r{v}, r{m}")),
            Decay::Mixed => {
                self.code.line(format_args!("cmp r{m}, #0"));
                self.code.line("ite mi");
                self.code.line(format_args!("smmlarmi r{v}, r{v}, r{m}, r{v}"));
                self.code.line(format_args!("smmulrpl r{v}, r{v}, r{m}"));
            }
        }
    }
}

/// The input shift, where a multiplication does it.
pub fn factor_shift(kernel: &UpdateKernel) -> Option<i8> {
    let shift = kernel.input_shift;
    let halves = kernel.state != State::Float && kernel.accumulators == Accumulator::I16;
    (halves && FACTOR_SHIFTS.contains(&shift)).then_some(shift)
}

/// What is in the descriptor, with its offset.
pub fn descriptor(kernel: &UpdateKernel) -> Vec<(Item, u32)> {
    let mut items = vec![(Item::Accumulators, slice::ACCUMULATORS), (Item::Membranes, slice::MEMBRANES)];
    for (offset, (parameter, spread)) in (slice::PARAMETERS..).step_by(4).zip(kernel.spreads()) {
        items.push(match spread {
            Spread::PerNeuron | Spread::Repeating(_) => (Item::Array(parameter), offset),
            Spread::Uniform => (Item::Value(parameter), offset),
        });
    }
    items
}

/// What the loop needs in every turn, addresses first: an address in the wrong place costs more than a value.
fn items(kernel: &UpdateKernel) -> Vec<Item> {
    let mut items = vec![Item::Left, Item::Accumulators, Item::Membranes];
    // See `decay`: these factors are loaded one by one.
    let early = [Item::Array(Parameter::Currents), Item::Array(Parameter::DECAY)];
    let mut others: Vec<Item> = descriptor(kernel).into_iter().map(|(item, _)| item).skip(2).collect();
    others.retain(|item| !matches!(item, Item::Array(Parameter::RESET_BY) | Item::Value(Parameter::RESET_BY)));
    others.sort_by_key(|item| (!early.contains(item), matches!(item, Item::Value(_))));
    items.append(&mut others);
    items.extend(factor_shift(kernel).map(|_| Item::InputFactor));
    items.extend(kernel.current.as_ref().filter(|stage| stage.output_shift > 1).map(|_| Item::OutputFactor));
    items
}

/// What only neurons that send something need.
fn rare_items(kernel: &UpdateKernel) -> Vec<Item> {
    match kernel.fire.as_ref().map(|fire| fire.reset.spread()) {
        None => kernel.word(Coefficient::Readout).map(|_| Item::Key).into_iter().collect(),
        Some(Spread::Uniform) => vec![Item::Key, Item::Value(Parameter::RESET_BY)],
        Some(_) => vec![Item::Key, Item::Array(Parameter::RESET_BY)],
    }
}
