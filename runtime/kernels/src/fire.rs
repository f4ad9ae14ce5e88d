//! The code of neurons that send something: comparison with the thresholds, spikes and resets, and payloads.

use s2c_abi::SEND_READY;

use super::{
    assembly::{Item, Place, Quad, X},
    neuron::Writer,
    update::{Fire, GROUP, Parameter, Reset, Spread},
};

impl Writer<'_> {
    /// What the membranes are handed on as, into `payloads`.
    pub fn read_out(&mut self, spread: Spread, values: Quad, payloads: Quad) {
        let factors = match spread {
            Spread::Uniform => [self.code.get(Item::Value(Parameter::READOUT)); 4],
            spread => {
                self.code.load_parameter(Parameter::READOUT, spread, payloads);
                payloads
            }
        };
        for ((payload, v), factor) in payloads.into_iter().zip(values).zip(factors) {
            self.code.line(format_args!("smmulr r{payload}, r{v}, r{factor}"));
        }
    }

    /// Sends the payloads that are not 0; `free` is overwritten.
    pub fn send_values(&mut self, payloads: Quad, free: Quad) {
        let [at, first, key, _] = free;
        self.code.constant(at, self.comms.base);
        let (keys, Place::Core(left)) = (self.code.get(Item::Key), self.code.place(Item::Left)) else {
            unreachable!("the count is the first item")
        };
        self.code.line(format_args!("sub r{first}, r{keys}, r{left}, lsl #{}", GROUP.ilog2()));
        for (place, payload) in payloads.into_iter().enumerate() {
            let key = if place == 0 { first } else { key };
            if place > 0 {
                self.code.line(format_args!("add r{key}, r{first}, #{place}"));
            }
            self.wait_at(at, place as u32);
            self.code.line(format_args!("cmp r{payload}, #0"));
            self.code.line("itt ne");
            self.code.line(format_args!("strne r{payload}, [r{at}, #{}]", self.comms.send_payload));
            self.code.line(format_args!("strne r{key}, [r{at}, #{}]", self.comms.send_key));
        }
    }

    /// The registers of four thresholds; `free` takes them where each neuron has its own.
    pub fn thresholds(&mut self, fire: &Fire, free: Quad) -> Quad {
        if fire.threshold == Spread::Uniform {
            return [self.code.get(Item::Value(Parameter::THRESHOLD)); 4];
        }
        self.code.load_parameter(Parameter::THRESHOLD, fire.threshold, free);
        free
    }

    /// Branches to `.Lfires` if one of four neurons is above its threshold, and comes back to `.Lkept`. Once one is, the
    /// comparisons that follow don't happen, and the flags stay.
    pub fn leave_if_any(&mut self, values: Quad, thresholds: Quad) {
        for (place, (v, threshold)) in values.into_iter().zip(thresholds).enumerate() {
            let condition = if place == 0 { "" } else { "le" };
            self.code.line(format_args!("cmp{condition} r{v}, r{threshold}"));
            if place == 0 {
                self.code.line("ittt le");
            }
        }
        self.code.line("bgt .Lfires");
        self.code.line(".Lkept:");
    }

    /// Branches to `.LfiresN` for each neuron above its threshold, which comes back to `.LonN`.
    pub fn branch(&mut self, values: Quad, thresholds: Quad) {
        for (place, (v, threshold)) in values.into_iter().zip(thresholds).enumerate() {
            self.code.line(format_args!("cmp r{v}, r{threshold}"));
            self.code.line(format_args!("bgt .Lfires{place}"));
            self.code.line(format_args!(".Lon{place}:"));
        }
    }

    /// Finds those of four neurons that are above their thresholds, and lets them fire.
    pub fn fire_all(&mut self, fire: &Fire, values: Quad, thresholds: Quad, free: Quad) {
        self.code.line(".Lfires:");
        for (place, ((v, threshold), free)) in (0..).zip(values.into_iter().zip(thresholds).zip(free)) {
            self.code.line(format_args!("cmp r{v}, r{threshold}"));
            self.code.line(format_args!("ble .Lon{place}"));
            self.fire(fire, v, free, place);
            self.code.line(format_args!(".Lon{place}:"));
        }
        self.code.line("b .Lkept");
    }

    /// What happens when a neuron fires. The register of its own threshold is free by then.
    fn fire(&mut self, fire: &Fire, v: u8, free: u8, place: u32) {
        let left = self.left();
        if matches!(fire.reset, Reset::SubtractPending(_)) {
            self.hold_pending(fire, v, free, place);
        }
        self.wait_to_send(free, place);
        let key = self.code.get(Item::Key);
        self.code.line(format_args!("sub r{X}, r{key}, r{left}, lsl #{}", GROUP.ilog2()));
        self.send(free, place);
        self.address_reset(fire, free);
        self.reset(fire, v, place);
        if fire.threshold == Spread::Uniform && place + 1 < GROUP {
            self.code.get(Item::Value(Parameter::THRESHOLD));
        }
    }

    /// Goes back without a spike where a reset is pending and the membrane does not stay above the threshold with it.
    fn hold_pending(&mut self, fire: &Fire, v: u8, threshold: u8, place: u32) {
        self.code.line(format_args!("vmov s14, r{v}"));
        if fire.threshold == Spread::Uniform {
            let value = self.code.get(Item::Value(Parameter::THRESHOLD));
            self.code.line(format_args!("mov r{threshold}, r{value}"));
        }
        let before = self.code.get(Item::Membranes);
        match self.kernel.byte_shift {
            None => self.code.line(format_args!("ldr r{X}, [r{before}, #{}]", 4 * place)),
            Some(shift) => {
                self.code.line(format_args!("ldrsb r{X}, [r{before}, #{place}]"));
                self.code.line(format_args!("lsl r{X}, r{X}, #{shift}"));
            }
        }
        self.code.line(format_args!("cmp r{X}, r{threshold}"));
        self.code.line(format_args!("ble .Lsends{place}"));
        self.address_reset(fire, X);
        self.reset(fire, v, place);
        self.code.line(format_args!("cmp r{v}, r{threshold}"));
        self.code.line(format_args!("vmov r{v}, s14"));
        self.code.line(format_args!("bgt .Lsends{place}"));
        if fire.threshold == Spread::Uniform {
            self.code.get(Item::Value(Parameter::THRESHOLD));
        }
        self.code.line(format_args!("b .Lon{place}"));
        self.code.line(format_args!(".Lsends{place}:"));
    }

    /// The address of the group's first reset, where there are several, into [`X`].
    pub fn address_reset(&mut self, fire: &Fire, free: u8) {
        let (array, left) = (Item::Array(Parameter::RESET_BY), self.left());
        match fire.reset.spread() {
            Spread::Uniform => {}
            Spread::PerNeuron => {
                let end = self.code.get(array);
                self.code.line(format_args!("sub r{X}, r{end}, r{left}, lsl #{}", GROUP.ilog2() + 2));
            }
            Spread::Repeating(log2) => {
                self.code.line(format_args!("rsb r{free}, r{left}, #0"));
                self.code.group_of(free, free, 0, log2);
                let base = self.code.get(array);
                self.code.line(format_args!("add r{X}, r{base}, r{free}, lsl #{}", GROUP.ilog2() + 2));
            }
        }
    }

    /// Waits until a packet can be sent; leaves the address of the packet interface in `free`, and overwrites [`X`].
    pub fn wait_to_send(&mut self, free: u8, place: u32) {
        self.code.constant(free, self.comms.base);
        self.wait_at(free, place);
    }

    /// As [`Self::wait_to_send`], with the address of the packet interface at hand. The sender's status has the bit that
    /// says that it is ready in front.
    fn wait_at(&mut self, comms: u8, place: u32) {
        const { assert!(SEND_READY == 1 << 31) };
        self.code.line(format_args!(".Lready{place}:"));
        self.code.line(format_args!("ldr r{X}, [r{comms}, #{}]", self.comms.send_status));
        self.code.line(format_args!("cmp r{X}, #0"));
        self.code.line(format_args!("bpl .Lready{place}"));
    }

    /// Sends the key that is `place` after the one in [`X`]; `comms` holds the address of the packet interface.
    pub fn send(&mut self, comms: u8, place: u32) {
        if place > 0 {
            self.code.line(format_args!("add r{X}, r{X}, #{place}"));
        }
        self.code.line(format_args!("str r{X}, [r{comms}, #{}]", self.comms.send_key));
    }

    /// Resets a membrane; [`X`] holds the address of the first neuron's reset, where each has its own.
    pub fn reset(&mut self, fire: &Fire, v: u8, place: u32) {
        let by = match fire.reset.spread() {
            Spread::Uniform => self.code.get(Item::Value(Parameter::RESET_BY)),
            Spread::PerNeuron | Spread::Repeating(_) => {
                self.code.line(format_args!("ldr r{X}, [r{X}, #{}]", 4 * place));
                X
            }
        };
        match fire.reset {
            Reset::Subtract(_) | Reset::SubtractPending(_) if self.saturates() => {
                self.code.line(format_args!("qsub r{v}, r{v}, r{by}"))
            }
            Reset::Subtract(_) | Reset::SubtractPending(_) => self.code.line(format_args!("sub r{v}, r{v}, r{by}")),
            Reset::Value(_) => self.code.line(format_args!("mov r{v}, r{by}")),
        }
    }
}
