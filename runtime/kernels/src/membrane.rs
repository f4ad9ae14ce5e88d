//! Membranes from tick to tick: how they are kept, and what happens to them once fire and reset are done.

use super::{
    assembly::{Item, Quad, T, V, X},
    neuron::Writer,
    update::Parameter,
};
use s2c_dialects::qsnn::Coefficient;

impl Writer<'_> {
    /// The end of a tick: hands membranes on, where neurons do that, and keeps them. `free` is overwritten.
    pub fn leave(&mut self, values: Quad, free: Quad) {
        let readout = self.kernel.word(Coefficient::Readout);
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
