//! Membranes from tick to tick: how they are kept, and what happens to them once fire and reset are done.

use super::{
    assembly::{Item, Quad, T, V, X},
    neuron::Writer,
    update::{Parameter, Spread},
};
use s2c_dialects::qsnn::Coefficient;

const BOUND: Parameter = Parameter::Of(Coefficient::Bound);

impl Writer<'_> {
    /// The end of a tick: hands membranes on, where neurons do that, and keeps them. `free` is overwritten.
    pub fn leave(&mut self, values: Quad, free: Quad) {
        let readout = self.kernel.word(Coefficient::Readout);
        if let Some(spread) = self.kernel.word(Coefficient::Bound) {
            self.bound(spread, values, free);
        }
        if let Some(spread) = readout {
            self.read_out(spread, values, free);
        }
        self.store_membranes(values);
        if readout.is_some() {
            self.send_values(free, values);
        }
    }

    /// The same with float state.
    pub fn leave_floats(&mut self, values: [u8; 4], others: [u8; 4]) {
        if let Some(spread) = self.kernel.word(Coefficient::Bound) {
            let bounds = self.float_parameter(spread, BOUND, others);
            for (v, bound) in values.into_iter().zip(bounds) {
                self.code.line(format_args!("vcmp.f32 s{v}, s{bound}"));
                self.code.line("vmrs APSR_nzcv, fpscr");
                self.code.line("it mi");
                self.code.line(format_args!("vmovmi.f32 s{v}, s{bound}"));
            }
        }
        if let Some(spread) = self.kernel.word(Coefficient::Readout) {
            let factors = self.float_parameter(spread, Parameter::READOUT, others);
            for ((v, factor), (y, payload)) in values.into_iter().zip(factors).zip(others.into_iter().zip(T)) {
                self.code.line(format_args!("vmul.f32 s{y}, s{v}, s{factor}"));
                self.code.line(format_args!("vcvtr.s32.f32 s{y}, s{y}"));
                self.code.line(format_args!("vmov r{payload}, s{y}"));
            }
            self.send_values(T, V);
        }
        self.store_floats(Item::Membranes, values);
    }

    /// Sets those of four membranes that are below their bounds to them; `free` takes bounds that differ.
    fn bound(&mut self, spread: Spread, values: Quad, free: Quad) {
        let bounds = match spread {
            Spread::Uniform => [self.code.get(Item::Value(BOUND)); 4],
            spread => {
                self.code.load_parameter(BOUND, spread, free);
                free
            }
        };
        for (v, bound) in values.into_iter().zip(bounds) {
            self.code.line(format_args!("cmp r{v}, r{bound}"));
            self.code.line("it lt");
            self.code.line(format_args!("movlt r{v}, r{bound}"));
        }
    }

    /// Four membranes as they were kept.
    pub fn load_membranes(&mut self, values: Quad) {
        let Some(shift) = self.kernel.byte_shift else { return self.code.load(Item::Membranes, values) };
        let at = self.code.get(Item::Membranes);
        self.code.line(format_args!("ldr r{X}, [r{at}]"));
        for (place, v) in values.into_iter().enumerate() {
            self.code.line(format_args!("sbfx r{v}, r{X}, #{}, #8", 8 * place));
            self.code.line(format_args!("lsl r{v}, r{v}, #{shift}"));
        }
    }

    /// Keeps four membranes, whose registers are overwritten where they become bytes: all but one bit are shifted out
    /// first, so that the addition that rounds can't overflow.
    fn store_membranes(&mut self, values: Quad) {
        let Some(shift) = self.kernel.byte_shift else { return self.code.store_next(Item::Membranes, values) };
        for v in values {
            self.code.line(format_args!("asr r{v}, r{v}, #{}", shift - 1));
            self.code.line(format_args!("add r{v}, r{v}, #1"));
            self.code.line(format_args!("ssat r{v}, #8, r{v}, asr #1"));
        }
        let [word, others @ ..] = values;
        for (place, v) in others.into_iter().enumerate() {
            self.code.line(format_args!("bfi r{word}, r{v}, #{}, #8", 8 * (place + 1)));
        }
        let at = self.code.get(Item::Membranes);
        self.code.line(format_args!("str r{word}, [r{at}], #4"));
        self.code.set(Item::Membranes, at);
    }
}
