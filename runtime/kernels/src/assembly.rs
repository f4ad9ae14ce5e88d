//! The text of an update kernel while it is written: where each value is kept, and the instructions to get at it.
//!
//! LLVM does not load four neighbours into ascending registers and keeps too much on the stack, so that update kernels
//! are one assembly block with registers of their own:
//!
//! | register | holds |
//! |---|---|
//! | r4–r7 ([`V`]), r8–r11 ([`T`]) | states and parameters of four neurons |
//! | r12 ([`X`]) | a value for the next instructions |
//! | r1, r2, r3, lr, r0 | what the loop needs most: addresses and counts |
//! | s0–s9 | everything else that lives through the loop; VMOV gets it in one cycle |
//! | s10–s13 | zeros, which one VSTM writes over the inputs of four neurons |
//! | s14, s15 | registers saved off the straight path |

use std::{collections::BTreeMap, fmt::Display};

use super::{
    body::Body,
    update::{GROUP, Parameter, Spread},
};

/// Registers of four neurons.
pub type Quad = [u8; 4];
/// The first four.
pub const V: Quad = [4, 5, 6, 7];
/// The second four.
pub const T: Quad = [8, 9, 10, 11];
/// For the next instructions.
pub const X: u8 = 12;
/// r0 comes last, because it holds the address of the descriptor until everything is loaded.
const CORE: [u8; 5] = [1, 2, 3, 14, 0];
const FLOATS: u8 = 10;
const FIRST_ZERO: u8 = FLOATS;

/// Something that lives through the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// Turns that are left.
    Left,
    /// Address of the accumulators.
    Accumulators,
    /// End of the accumulators.
    End,
    /// Address of the membranes.
    Membranes,
    /// Address of a per-neuron parameter, or of the currents.
    Array(Parameter),
    /// A uniform parameter.
    Value(Parameter),
    /// Power of two that shifts the inputs.
    InputFactor,
    /// Power of two that shifts the currents.
    OutputFactor,
    /// Key from which the others are counted.
    Key,
    /// Address of the slice descriptor.
    Descriptor,
    /// What the pending word will be.
    Pending,
}

/// Where an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A core register.
    Core(u8),
    /// A floating-point register.
    Float(u8),
}

/// An assembly block.
pub struct Assembly {
    lines: Vec<String>,
    places: BTreeMap<Item, Place>,
    /// Floating-point registers that it overwrites, from s0 on; those from s16 on have to be saved.
    pub float_registers: u8,
}

impl Assembly {
    /// A block with items, those that are needed most first; `rare` ones are never in core registers.
    pub fn new(often: impl IntoIterator<Item = Item>, rare: impl IntoIterator<Item = Item>) -> Self {
        let floats = (0..FLOATS).map(Place::Float);
        let mut all = CORE.into_iter().map(Place::Core).chain(floats.clone());
        let mut places: BTreeMap<Item, Place> = often.into_iter().zip(&mut all).collect();
        let mut rest: Vec<Place> = all.filter(|place| matches!(place, Place::Float(_))).collect();
        rest.reverse();
        places.extend(rare.into_iter().map_while(|item| Some((item, rest.pop()?))));
        Self { lines: Vec::new(), places, float_registers: 16 }
    }

    /// An instruction or a label.
    pub fn line(&mut self, text: impl Display) {
        self.lines.push(text.to_string());
    }

    /// Where an item is.
    ///
    /// # Panics
    /// If it was not among the items.
    pub fn place(&self, item: Item) -> Place {
        *self.places.get(&item).unwrap_or_else(|| panic!("{item:?} has no register"))
    }

    /// The register of an item, after it was moved to `X` where need be.
    pub fn get(&mut self, item: Item) -> u8 {
        match self.place(item) {
            Place::Core(register) => register,
            Place::Float(float) => {
                self.line(format_args!("vmov r{X}, s{float}"));
                X
            }
        }
    }

    /// Sets an item to what a register holds.
    pub fn set(&mut self, item: Item, register: u8) {
        match self.place(item) {
            Place::Core(core) if core == register => {}
            Place::Core(core) => self.line(format_args!("mov r{core}, r{register}")),
            Place::Float(float) => self.line(format_args!("vmov s{float}, r{register}")),
        }
    }

    /// Loads an item from memory.
    pub fn load_item(&mut self, item: Item, base: u8, offset: u32) {
        match self.place(item) {
            Place::Core(register) => self.line(format_args!("ldr r{register}, [r{base}, #{offset}]")),
            Place::Float(float) => self.line(format_args!("vldr s{float}, [r{base}, #{offset}]")),
        }
    }

    /// A constant in a register.
    pub fn constant(&mut self, register: u8, value: u32) {
        if value.is_power_of_two() {
            return self.line(format_args!("mov.w r{register}, #{value}"));
        }
        self.line(format_args!("movw r{register}, #{}", value & 0xffff));
        self.line(format_args!("movt r{register}, #{}", value >> 16));
    }

    /// Makes the zeros for inputs of so many bytes; `free` is overwritten.
    pub fn zeros(&mut self, free: u8, bytes: u32) {
        self.line(format_args!("mov.w r{free}, #0"));
        for first in (FIRST_ZERO..FIRST_ZERO + bytes as u8).step_by(2) {
            self.line(format_args!("vmov s{first}, s{}, r{free}, r{free}", first + 1));
        }
    }

    /// Writes zeros over the inputs of four neurons, of so many bytes each, and moves on.
    pub fn clear_next(&mut self, address: u8, bytes: u32) {
        self.line(format_args!("vstm r{address}!, {{s{FIRST_ZERO}-s{}}}", u32::from(FIRST_ZERO) + bytes - 1));
    }

    /// Loads the next four elements of a parameter and moves on, after the last one to the first where it repeats.
    pub fn load_parameter(&mut self, parameter: Parameter, spread: Spread, quad: Quad) {
        let array = Item::Array(parameter);
        let base = self.get(array);
        self.line(format_args!("ldm r{base}!, {}", list(quad)));
        self.wrap(base, spread);
        self.set(array, base);
    }

    /// Brings an address behind the last element of an array that repeats back to the first.
    pub fn wrap(&mut self, address: u8, spread: Spread) {
        if let Spread::Repeating(log2) = spread {
            self.line(format_args!("bic r{address}, r{address}, #{}", 4u32 << log2));
        }
    }

    /// The number of a group among those of a parameter that repeats after 2^`log2` neurons; the number among all groups
    /// begins at bit `first`.
    pub fn group_of(&mut self, register: u8, number: u8, first: u32, log2: u8) {
        match u32::from(log2) - GROUP.ilog2() {
            0 => self.line(format_args!("mov.w r{register}, #0")),
            bits => self.line(format_args!("ubfx r{register}, r{number}, #{first}, #{bits}")),
        }
    }

    /// Loads the next four elements of an array.
    pub fn load(&mut self, array: Item, quad: Quad) {
        let base = self.get(array);
        self.line(format_args!("ldm r{base}, {}", list(quad)));
    }

    /// Stores the next four elements of an array and moves on.
    pub fn store_next(&mut self, array: Item, quad: Quad) {
        let base = self.get(array);
        self.line(format_args!("stm r{base}!, {}", list(quad)));
        self.set(array, base);
    }

    /// The instructions and labels.
    pub fn into_lines(self) -> Vec<String> {
        self.lines
    }

    /// The block as the body of a function that takes the descriptor's address.
    pub fn into_body(self) -> String {
        let mut body = Body::default();
        let core: String = (1..=12).map(|register| format!(",~{{r{register}}}")).collect();
        let floats: String = (0..self.float_registers).map(|register| format!(",~{{s{register}}}")).collect();
        // LR is declared as overwritten so that the function ends in one POP instead of POP and BX.
        body.value(format_args!(
            "llvm.inline_asm has_side_effects asm_dialect = att \"{}\", \
             \"={{r0}},0{core},~{{lr}}{floats},~{{cc}},~{{memory}}\" %slice : (!llvm.ptr) -> !llvm.ptr",
            self.lines.join("\\0A")
        ));
        body.into_text()
    }
}

/// A register list.
pub fn list(quad: Quad) -> String {
    format!("{{r{}-r{}}}", quad[0], quad[3])
}
