//! The loop of an update kernel whose neurons rest without input: it runs over the accumulators and goes into the
//! neurons only where there is something. All other addresses follow from that of the accumulators.

use s2c_abi::{Registers, slice};

use super::{
    assembly::{Assembly, Item, T, V, X, list},
    neuron::{Writer, descriptor, factor_shift},
    update::{Fire, GROUP, Parameter, Spread, UpdateKernel},
};

const PENDING: Item = Item::Value(Parameter::Pending);

impl<'k> Writer<'k> {
    /// A loop over the neurons that have input.
    pub fn resting(kernel: &'k UpdateKernel, registers: &Registers) -> Assembly {
        let code = Assembly::new(items(kernel), rare_items(kernel));
        let mut this = Self { kernel, code, comms: registers.comms };
        let pending = this.enter_resting();
        let (words, bytes) = (kernel.accumulators.bytes(), kernel.accumulators.bytes() * GROUP);
        let (at, end) = (this.code.get(Item::Accumulators), this.code.get(Item::End));
        this.code.line(".Lloop:");
        match words {
            2 => this.code.line(format_args!("ldrd r{}, r{}, [r{at}], #8", T[0], T[1])),
            _ => this.code.line(format_args!("ldm r{at}!, {}", list(T))),
        }
        let mut terms: Vec<u8> = T[1..words as usize].to_vec();
        terms.extend(kernel.fire.as_ref().map(|_| this.code.get(PENDING)));
        let mut all = T[0];
        for (number, &term) in terms.iter().enumerate() {
            let flags = if number + 1 == terms.len() { "s" } else { "" };
            this.code.line(format_args!("orr{flags} r{X}, r{all}, r{term}"));
            all = X;
        }
        this.code.line("bne .Lactive");
        this.code.line(".Lnext:");
        this.code.line(format_args!("cmp r{at}, r{end}"));
        this.code.line("bne .Lloop");
        this.code.line("b .Ldone");

        this.code.line(".Lactive:");
        this.code.line(format_args!("mov.w r{}, #0", V[0]));
        for offset in (0..bytes).step_by(8) {
            this.code.line(format_args!("strd r{0}, r{0}, [r{at}, #-{1}]", V[0], bytes - offset));
        }
        this.address(Item::Membranes, Spread::PerNeuron, T[0]);
        this.code.line(format_args!("ldm r{X}, {}", list(V)));
        this.add_inputs(V);
        if let Some(fire) = &kernel.fire {
            let thresholds = match fire.threshold {
                Spread::Uniform => [this.code.get(Item::Value(Parameter::THRESHOLD)); 4],
                spread => {
                    this.address(Item::Array(Parameter::THRESHOLD), spread, T[0]);
                    this.code.line(format_args!("ldm r{X}, {}", list(T)));
                    T
                }
            };
            this.branch(V, thresholds);
        }
        this.address(Item::Membranes, Spread::PerNeuron, T[0]);
        this.code.line(format_args!("stm r{X}, {}", list(V)));
        this.code.line("b .Lnext");
        if let Some(fire) = &kernel.fire {
            (0..GROUP).for_each(|place| this.fire_and_note(fire, place));
        }
        this.code.line(".Ldone:");
        if let Some(offset) = pending {
            let descriptor = this.code.get(Item::Descriptor);
            this.code.line(format_args!("mov r{}, r{descriptor}", V[0]));
            let noted = this.code.get(Item::Pending);
            this.code.line(format_args!("str r{noted}, [r{}, #{offset}]", V[0]));
        }
        this.code.line(".Lend:");
        this.code
    }

    /// Loads what the loop needs; returns the offset of the pending word.
    fn enter_resting(&mut self) -> Option<u32> {
        let (kernel, code) = (self.kernel, &mut self.code);
        let log2 = kernel.accumulators.bytes().ilog2();
        let scale = 2 - log2;
        let mut pending = None;
        code.line(format_args!("ldr r{X}, [r0, #{}]", slice::COUNT));
        code.line(format_args!("cmp r{X}, #0"));
        code.line("beq .Lend");
        let first = T[1];
        code.line(format_args!("ldr r{first}, [r0, #{}]", slice::ACCUMULATORS));
        code.line(format_args!("add r{X}, r{first}, r{X}, lsl #{log2}"));
        code.set(Item::End, X);
        code.set(Item::Accumulators, first);
        if kernel.fire.is_some() {
            // The loop has moved on when a key or an address is computed.
            code.line(format_args!("ldr r{}, [r0, #{}]", T[0], slice::KEY));
            code.line(format_args!("sub r{0}, r{0}, r{first}, lsr #{log2}", T[0]));
            code.line(format_args!("sub r{0}, r{0}, #{GROUP}", T[0]));
            code.set(Item::Key, T[0]);
            code.set(Item::Descriptor, 0);
            code.line(format_args!("mov.w r{}, #0", T[0]));
            code.set(Item::Pending, T[0]);
        }
        let mut items = descriptor(kernel);
        items.retain(|(item, _)| *item != Item::Accumulators);
        // r0 is the register of whatever comes last.
        items.sort_by_key(|&(item, _)| code.place(item) == super::assembly::Place::Core(0));
        for (item, offset) in items {
            if item == PENDING {
                pending = Some(offset);
            }
            let repeats = matches!(item, Item::Array(array) if matches!(kernel.spread(array), Spread::Repeating(_)));
            if repeats || matches!(item, Item::Value(_)) {
                code.load_item(item, 0, offset);
                continue;
            }
            code.line(format_args!("ldr r{}, [r0, #{offset}]", T[0]));
            code.line(format_args!("sub r{0}, r{0}, r{first}, lsl #{scale}", T[0]));
            code.line(format_args!("sub r{0}, r{0}, #{1}", T[0], 4 * GROUP));
            code.set(item, T[0]);
        }
        self.constants();
        pending
    }

    /// The address of the turn's first element of an array, into [`X`]. Where the array repeats, the accumulators lie at a
    /// multiple of their bytes for the neurons after which it does.
    fn address(&mut self, array: Item, spread: Spread, free: u8) {
        let bytes = self.kernel.accumulators.bytes();
        let at = self.code.get(Item::Accumulators);
        let Spread::Repeating(log2) = spread else {
            let base = self.code.get(array);
            return self.code.line(format_args!("add r{X}, r{base}, r{at}, lsl #{}", 2 - bytes.ilog2()));
        };
        self.code.line(format_args!("sub r{free}, r{at}, #{}", GROUP * bytes));
        self.code.group_of(free, free, (GROUP * bytes).ilog2(), log2);
        let base = self.code.get(array);
        self.code.line(format_args!("add r{X}, r{base}, r{free}, lsl #{}", GROUP.ilog2() + 2));
    }

    /// What happens when a neuron fires. One that stays above its threshold is noted.
    fn fire_and_note(&mut self, fire: &Fire, place: u32) {
        let (v, saved) = (V[place as usize], T[(place as usize + 1) % T.len()]);
        let log2 = self.kernel.accumulators.bytes().ilog2();
        self.code.line(format_args!(".Lfires{place}:"));
        self.code.line(format_args!("vmov s15, r{saved}"));
        self.wait_to_send(saved, place);
        let (key, at) = (self.code.get(Item::Key), self.code.get(Item::Accumulators));
        self.code.line(format_args!("add r{X}, r{key}, r{at}, lsr #{log2}"));
        self.send(saved, place);
        if fire.reset.spread() != Spread::Uniform {
            self.address(Item::Array(Parameter::RESET_BY), fire.reset.spread(), saved);
        }
        self.code.line(format_args!("vmov r{saved}, s15"));
        self.reset(fire, v, place);
        let threshold = match fire.threshold {
            Spread::Uniform => self.code.get(Item::Value(Parameter::THRESHOLD)),
            Spread::PerNeuron | Spread::Repeating(_) => T[place as usize],
        };
        self.code.line(format_args!("cmp r{v}, r{threshold}"));
        self.code.line(format_args!("ble .Lon{place}"));
        self.code.line(format_args!("mov.w r{X}, #1"));
        self.code.set(Item::Pending, X);
        if fire.threshold == Spread::Uniform {
            self.code.get(Item::Value(Parameter::THRESHOLD));
        }
        self.code.line(format_args!("b .Lon{place}"));
    }
}

/// What every turn needs.
fn items(kernel: &UpdateKernel) -> Vec<Item> {
    let mut items = vec![Item::Accumulators, Item::End];
    items.extend(kernel.fire.as_ref().map(|_| PENDING));
    items.push(Item::Membranes);
    items.extend(kernel.fire.as_ref().map(|fire| match fire.threshold {
        Spread::Uniform => Item::Value(Parameter::THRESHOLD),
        _ => Item::Array(Parameter::THRESHOLD),
    }));
    items
}

/// What only neurons with input need.
fn rare_items(kernel: &UpdateKernel) -> Vec<Item> {
    let mut items: Vec<Item> = factor_shift(kernel).map(|_| Item::InputFactor).into_iter().collect();
    if let Some(fire) = &kernel.fire {
        items.extend([Item::Key, Item::Descriptor, Item::Pending]);
        items.push(match fire.reset.spread() {
            Spread::Uniform => Item::Value(Parameter::RESET_BY),
            _ => Item::Array(Parameter::RESET_BY),
        });
    }
    items
}
