//! The loop of an update kernel with float state. States and parameters of four neurons are in s16–s19 and s20–s23,
//! uniform parameters stay in the registers where [`Assembly`] keeps what is needed rarely.

use s2c_abi::Registers;

use super::{
    assembly::{Assembly, Item, Place, T, X},
    interface::Accumulator,
    neuron::{Writer, descriptor},
    update::{Decay, Fire, GROUP, Parameter, Reset, Spread, UpdateKernel},
};
use s2c_dialects::qsnn::Coefficient;

const VALUES: [u8; 4] = [16, 17, 18, 19];
const OTHERS: [u8; 4] = [20, 21, 22, 23];
/// For the next instructions.
const SCRATCH: u8 = 24;

impl<'k> Writer<'k> {
    /// A loop over all neurons.
    pub fn float(kernel: &'k UpdateKernel, registers: &Registers) -> Assembly {
        let (often, rare) = items(kernel);
        let mut code = Assembly::new(often, rare);
        code.float_registers = SCRATCH + 1;
        let mut this = Self { kernel, code, comms: registers.comms };
        this.enter();
        this.code.line(".Lloop:");
        let at = this.code.get(Item::Accumulators);
        match kernel.accumulators {
            Accumulator::I16 => this.code.line(format_args!("ldrd r{}, r{}, [r{at}]", T[0], T[1])),
            Accumulator::I32 => this.code.load(Item::Accumulators, T),
        }
        let (mut values, mut others) = (VALUES, OTHERS);
        if let Some(stage) = &kernel.current {
            this.load_floats(Item::Array(Parameter::Currents), values, None);
            this.float_decay(stage.decay, Parameter::CURRENT_DECAY, values, others);
            this.add_float_inputs(values);
            this.add_float(stage.offset, Parameter::CURRENT_OFFSET, values, others);
            this.store_floats(Item::Array(Parameter::Currents), values);
            // The membranes take the other registers, and the factors of their decay are needed at the same time.
            (values, others) = (others, values);
            this.load_floats(Item::Membranes, values, None);
            this.float_decay_beside(kernel.decay, Parameter::DECAY, values);
            for (v, c) in values.into_iter().zip(others) {
                this.code.line(format_args!("vadd.f32 s{v}, s{v}, s{c}"));
            }
        } else {
            this.load_floats(Item::Membranes, values, None);
            this.float_decay(kernel.decay, Parameter::DECAY, values, others);
            this.add_float_inputs(values);
        }
        this.code.clear_next(at, kernel.accumulators.bytes());
        this.add_float(kernel.word(Coefficient::Offset), Parameter::OFFSET, values, others);
        if let Some(fire) = &kernel.fire {
            this.compare_floats(fire, values, others);
        }
        this.leave_floats(values, others);
        let left = this.code.get(Item::Left);
        this.code.line(format_args!("subs r{left}, r{left}, #1"));
        this.code.line("bne .Lloop");
        this.code.line("b .Lend");
        if let Some(fire) = &kernel.fire {
            (0..GROUP).for_each(|place| this.fire_float(fire, values, others, place));
        }
        this.code.line(".Lend:");
        this.code
    }

    /// Loads the next four elements of an array; moves on in one with a spread.
    fn load_floats(&mut self, array: Item, quad: [u8; 4], advance: Option<Spread>) {
        let base = self.code.get(array);
        let mark = if advance.is_some() { "!" } else { "" };
        self.code.line(format_args!("vldm r{base}{mark}, {{s{}-s{}}}", quad[0], quad[3]));
        if let Some(spread) = advance {
            self.code.wrap(base, spread);
            self.code.set(array, base);
        }
    }

    pub fn store_floats(&mut self, array: Item, quad: [u8; 4]) {
        let base = self.code.get(array);
        self.code.line(format_args!("vstm r{base}!, {{s{}-s{}}}", quad[0], quad[3]));
        self.code.set(array, base);
    }

    /// A parameter of four neurons; `free` takes it where each has its own.
    pub fn float_parameter(&mut self, spread: Spread, parameter: Parameter, free: [u8; 4]) -> [u8; 4] {
        if spread == Spread::Uniform {
            return [self.float_place(parameter); 4];
        }
        self.load_floats(Item::Array(parameter), free, Some(spread));
        free
    }

    fn float_place(&self, parameter: Parameter) -> u8 {
        match self.code.place(Item::Value(parameter)) {
            Place::Float(register) => register,
            Place::Core(_) => unreachable!("values of float kernels are rare items"),
        }
    }

    fn float_decay(&mut self, decay: Decay, parameter: Parameter, values: [u8; 4], free: [u8; 4]) {
        if let Some(spread) = decay.spread() {
            let factors = self.float_parameter(spread, parameter, free);
            for (v, factor) in values.into_iter().zip(factors) {
                self.code.line(format_args!("vmul.f32 s{v}, s{v}, s{factor}"));
            }
        }
    }

    /// As [`Self::float_decay`], where no registers are free.
    fn float_decay_beside(&mut self, decay: Decay, parameter: Parameter, values: [u8; 4]) {
        let Some(spread) = decay.spread().filter(|&spread| spread != Spread::Uniform) else {
            return self.float_decay(decay, parameter, values, values);
        };
        let base = self.code.get(Item::Array(parameter));
        for v in values {
            self.code.line(format_args!("vldm r{base}!, {{s{SCRATCH}}}"));
            self.code.line(format_args!("vmul.f32 s{v}, s{v}, s{SCRATCH}"));
        }
        self.code.wrap(base, spread);
        self.code.set(Item::Array(parameter), base);
    }

    /// Converts the inputs, which are in [`T`], and adds them.
    fn add_float_inputs(&mut self, values: [u8; 4]) {
        for (place, v) in values.into_iter().enumerate() {
            let word = match self.kernel.accumulators {
                Accumulator::I32 => T[place],
                Accumulator::I16 => {
                    let word = T[place / 2];
                    match place % 2 {
                        0 => self.code.line(format_args!("sxth r{X}, r{word}")),
                        _ => self.code.line(format_args!("asr r{X}, r{word}, #16")),
                    }
                    X
                }
            };
            self.code.line(format_args!("vmov s{SCRATCH}, r{word}"));
            self.code.line(format_args!("vcvt.f32.s32 s{SCRATCH}, s{SCRATCH}"));
            self.code.line(format_args!("vadd.f32 s{v}, s{v}, s{SCRATCH}"));
        }
    }

    fn add_float(&mut self, spread: Option<Spread>, parameter: Parameter, values: [u8; 4], free: [u8; 4]) {
        if let Some(spread) = spread {
            let terms = self.float_parameter(spread, parameter, free);
            for (v, term) in values.into_iter().zip(terms) {
                self.code.line(format_args!("vadd.f32 s{v}, s{v}, s{term}"));
            }
        }
    }

    /// Compares with the thresholds; what can't be ordered does not fire.
    fn compare_floats(&mut self, fire: &Fire, values: [u8; 4], free: [u8; 4]) {
        let thresholds = self.float_parameter(fire.threshold, Parameter::THRESHOLD, free);
        for (place, (v, threshold)) in values.into_iter().zip(thresholds).enumerate() {
            self.code.line(format_args!("vcmp.f32 s{v}, s{threshold}"));
            self.code.line("vmrs APSR_nzcv, fpscr");
            self.code.line(format_args!("bgt .Lfires{place}"));
            self.code.line(format_args!(".Lon{place}:"));
        }
    }

    fn fire_float(&mut self, fire: &Fire, values: [u8; 4], free: [u8; 4], place: u32) {
        let (v, left) = (values[place as usize], self.code.get(Item::Left));
        self.code.line(format_args!(".Lfires{place}:"));
        if matches!(fire.reset, Reset::SubtractPending(_)) {
            self.hold_pending_float(fire, v, free[place as usize], place);
        }
        self.wait_to_send(T[0], place);
        let key = self.code.get(Item::Key);
        self.code.line(format_args!("sub r{X}, r{key}, r{left}, lsl #{}", GROUP.ilog2()));
        self.send(T[0], place);
        let by = self.reset_by(fire, place);
        match fire.reset {
            Reset::Subtract(_) | Reset::SubtractPending(_) => {
                self.code.line(format_args!("vsub.f32 s{v}, s{v}, s{by}"));
            }
            Reset::Value(_) => self.code.line(format_args!("vmov.f32 s{v}, s{by}")),
        }
        self.code.line(format_args!("b .Lon{place}"));
    }

    /// The register of a neuron's reset.
    fn reset_by(&mut self, fire: &Fire, place: u32) -> u8 {
        match fire.reset.spread() {
            Spread::Uniform => self.float_place(Parameter::RESET_BY),
            _ => {
                self.address_reset(fire, T[0]);
                self.code.line(format_args!("vldr s{SCRATCH}, [r{X}, #{}]", 4 * place));
                SCRATCH
            }
        }
    }

    /// Goes back without a spike where a reset is pending and the membrane does not stay above the threshold with it.
    fn hold_pending_float(&mut self, fire: &Fire, v: u8, own: u8, place: u32) {
        let threshold = match fire.threshold {
            Spread::Uniform => self.float_place(Parameter::THRESHOLD),
            _ => own,
        };
        let before = self.code.get(Item::Membranes);
        self.code.line(format_args!("vldr s{SCRATCH}, [r{before}, #{}]", 4 * place));
        self.code.line(format_args!("vcmp.f32 s{SCRATCH}, s{threshold}"));
        self.code.line("vmrs APSR_nzcv, fpscr");
        self.code.line(format_args!("ble .Lsends{place}"));
        let by = self.reset_by(fire, place);
        self.code.line(format_args!("vsub.f32 s{SCRATCH}, s{v}, s{by}"));
        self.code.line(format_args!("vcmp.f32 s{SCRATCH}, s{threshold}"));
        self.code.line("vmrs APSR_nzcv, fpscr");
        self.code.line(format_args!("bgt .Lsends{place}"));
        self.code.line(format_args!("b .Lon{place}"));
        self.code.line(format_args!(".Lsends{place}:"));
    }
}

/// What is needed in every turn, addresses that must be in core registers first; and values, which never are.
fn items(kernel: &UpdateKernel) -> (Vec<Item>, Vec<Item>) {
    let mut often = vec![Item::Left, Item::Accumulators];
    let mut rare = vec![Item::Key];
    for (item, _) in descriptor(kernel).into_iter().skip(1) {
        match item {
            Item::Value(_) | Item::Array(Parameter::RESET_BY) => rare.push(item),
            _ => often.push(item),
        }
    }
    (often, rare)
}
