//! A target: the facts of a machine, from a TOML file that names the source of every number.

use s2c_dialects::diagnostic::{Diagnostic, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A machine of one or more SpiNNaker2 chips.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Name on the command line.
    pub name: String,
    /// One line.
    pub description: String,
    /// How many chips.
    pub chips: Chips,
    /// Where PEs are on a chip.
    pub grid: Grid,
    /// A PE's memory.
    pub memory: Memory,
    /// Clock frequencies.
    pub clock: Clock,
    /// Packets: router, NoC.
    pub comms: Comms,
    /// Registers of a PE's peripherals.
    pub registers: Registers,
    /// Cycles per instruction class.
    pub cycles: Cycles,
    /// Power, where measurements are known.
    #[serde(default)]
    pub power: Option<Power>,
}

/// Measured power of a whole chip.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Power {
    /// Watts with all PEs off.
    pub off: f64,
    /// PEs of the chip that was measured.
    pub pes: u32,
    /// At each clock frequency, ascending.
    pub levels: Vec<PowerLevel>,
}

/// Power at a clock frequency.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PowerLevel {
    /// In Hz.
    pub frequency: u64,
    /// Supply of the PEs in volts.
    pub volts: f64,
    /// Watts with all PEs asleep.
    pub sleep: f64,
    /// Watts with all PEs busy.
    pub busy: f64,
}

/// A torus of chips.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Chips {
    /// Chips per row.
    pub columns: u32,
    /// Rows of chips.
    pub rows: u32,
    /// The chip that the host is connected to; chips are numbered row by row.
    pub host: u32,
}

/// The grid of quad PEs (QPEs) of a chip.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// First and last column.
    pub columns: [u8; 2],
    /// First and last row.
    pub rows: [u8; 2],
    /// Places without a QPE.
    pub holes: Vec<[u8; 2]>,
    /// Place of the router, from which hops are counted.
    pub router: [u8; 2],
    /// The PEs of a QPE, in the order in which they are taken.
    pub pe_order: Vec<u8>,
    /// PEs of every chip that applications must not use: column, row, core.
    pub reserved: Vec<[u8; 3]>,
    /// Single PEs that do not work: chip, column, row, core.
    #[serde(default)]
    pub dead: Vec<[u32; 4]>,
}

/// A PE's memory.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// All of it, in bytes, from address 0.
    pub sram_bytes: u32,
    /// What is kept for code, from address 0.
    pub code_bytes: u32,
    /// What is kept for the stack, at the end.
    pub stack_bytes: u32,
}

/// Clock frequencies.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// In Hz, ascending.
    pub frequencies: Vec<u64>,
}

/// Packets.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Comms {
    /// Entries of a chip's router.
    pub router_entries: usize,
    /// NoC cycles per hop.
    pub cycles_per_hop: u32,
    /// NoC cycles from one chip to the next.
    pub cycles_per_link: u32,
}

/// Registers of a PE's peripherals.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Registers {
    /// The tick timer.
    #[serde(with = "Timer")]
    pub timer: s2c_abi::Timer,
    /// The packet interface.
    #[serde(with = "Interface")]
    pub comms: s2c_abi::Comms,
}

/// See [`s2c_abi::Timer`].
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, remote = "s2c_abi::Timer")]
struct Timer {
    base: u32,
    status: u32,
    clear: u32,
}

/// See [`s2c_abi::Comms`].
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, remote = "s2c_abi::Comms")]
struct Interface {
    base: u32,
    send_status: u32,
    send_key: u32,
    send_payload: u32,
    receive_size: u32,
    receive_base: u32,
    receive_end: u32,
    receive_read: u32,
    receive_write: u32,
}

/// Cycles per instruction class.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cycles {
    /// Extra cycles of a taken branch.
    pub branch_taken: u32,
    /// A load or store by itself.
    pub load_first: u32,
    /// A load or store right after another.
    pub load_next: u32,
    /// Integer division.
    pub divide: u32,
    /// Float division and square root.
    pub float_divide: u32,
    /// Float multiply-add.
    pub float_multiply_add: u32,
}

/// Most rows and most columns of chips: far more than any machine has, and few enough to be counted through.
const MOST_CHIPS: u32 = 512;

impl Grid {
    fn has_pe_order(&self) -> bool {
        let order: BTreeSet<u8> = self.pe_order.iter().copied().collect();
        !order.is_empty() && order.len() == self.pe_order.len() && order.iter().all(|&core| core < 4)
    }
}

impl Registers {
    /// The same in the form that runtime and kernels take.
    pub fn addresses(&self) -> s2c_abi::Registers {
        s2c_abi::Registers { timer: self.timer, comms: self.comms }
    }

    /// Whether both peripherals stand beyond the memory and beside each other.
    fn are_apart(&self, sram_bytes: u32) -> bool {
        let bases = [self.timer.base, self.comms.base];
        bases.iter().all(|base| base.is_multiple_of(4) && *base >= sram_bytes)
            && bases[0].abs_diff(bases[1]) >= s2c_abi::PERIPHERAL_BYTES
    }

    fn offsets(&self) -> Vec<u32> {
        let s2c_abi::Timer { base: _, status, clear } = self.timer;
        let s2c_abi::Comms { base: _, send_status, send_key, send_payload, receive_size, .. } = self.comms;
        let s2c_abi::Comms { receive_base, receive_end, receive_read, receive_write, .. } = self.comms;
        let send = [status, clear, send_status, send_key, send_payload];
        let receive = [receive_size, receive_base, receive_end, receive_read, receive_write];
        [send, receive].concat()
    }
}

impl Target {
    /// Reads a target file's text; `file` is named in errors.
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        let target: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = &text[..start.min(text.len())];
            let line = before.matches('\n').count() + 1;
            let column = start - before.rfind('\n').map_or(0, |newline| newline + 1) + 1;
            Diagnostic::error("bad-target", "the target file can't be read")
                .at_text(file, line, column)
                .text(error.message())
        })?;
        let memory = &target.memory;
        let wrong = if !memory.code_bytes.is_multiple_of(16)
            || u64::from(memory.code_bytes) + u64::from(memory.stack_bytes) >= u64::from(memory.sram_bytes)
        {
            Some("memory: code and stack must leave room, and code_bytes must be a multiple of 16")
        } else if target.chips.columns.max(target.chips.rows) > MOST_CHIPS {
            Some("chips: a machine has at most 512 columns and 512 rows of chips")
        } else if !target.grid.has_pe_order() {
            Some("grid: pe_order holds each of some of the numbers 0 to 3 once")
        } else if !target.registers.offsets().iter().all(|at| at.is_multiple_of(4) && *at < s2c_abi::PERIPHERAL_BYTES) {
            Some("registers: offsets are multiples of 4 below 0x200")
        } else if !target.registers.are_apart(memory.sram_bytes) {
            Some("registers: timer and comms have bases that are multiples of 4, beyond the memory and 0x200 apart")
        } else if target.pe_count() == 0 {
            Some("grid: no PE is left")
        } else if target.chips.host as usize >= target.chip_count() {
            Some("chips: the host's chip is not there")
        } else if !target.clock.frequencies.is_sorted() || target.clock.frequencies.first().is_none_or(|&f| f == 0) {
            Some("clock: at least one frequency is needed, in Hz, from the lowest to the highest")
        } else {
            None
        };
        match wrong {
            Some(text) => Err(Box::new(Diagnostic::error("bad-target", text).at_text(file, 1, 1))),
            None => Ok(target),
        }
    }

    /// Bytes of a PE that are left for data.
    pub fn data_bytes(&self) -> u32 {
        self.memory.sram_bytes - self.memory.code_bytes - self.memory.stack_bytes
    }

    /// Number of chips.
    pub fn chip_count(&self) -> usize {
        self.chips.columns as usize * self.chips.rows as usize
    }

    /// The machine with more PEs that do not work.
    pub fn without(mut self, dead: &[[u32; 4]]) -> Self {
        self.grid.dead.extend(dead);
        self.grid.dead.sort_unstable();
        self.grid.dead.dedup();
        self
    }

    /// Number of PEs for applications on all chips.
    pub fn pe_count(&self) -> usize {
        let with_dead: BTreeSet<usize> = self.grid.dead.iter().map(|place| place[0] as usize).collect();
        let whole = (0..).find(|chip| !with_dead.contains(chip)).map_or(0, |chip| self.places(chip).count());
        let with_dead: Vec<usize> = with_dead.into_iter().filter(|&chip| chip < self.chip_count()).collect();
        let left: usize = with_dead.iter().map(|&chip| self.places(chip).count()).sum();
        whole * (self.chip_count() - with_dead.len()) + left
    }

    /// The usable PEs of a chip as [column, row, core], QPEs nearest to the router first.
    pub fn places(&self, chip: usize) -> impl Iterator<Item = [u8; 3]> + '_ {
        let grid = &self.grid;
        let mut qpes: Vec<[u8; 2]> = (grid.columns[0]..=grid.columns[1])
            .flat_map(|x| (grid.rows[0]..=grid.rows[1]).map(move |y| [x, y]))
            .filter(|qpe| !grid.holes.contains(qpe))
            .collect();
        qpes.sort_by_key(|&[x, y]| (self.distance([x, y]), x, y));
        let is_dead = move |place: &[u8; 3]| {
            let [column, row, core] = place.map(u32::from);
            grid.dead.contains(&[chip as u32, column, row, core])
        };
        qpes.into_iter()
            .flat_map(move |[x, y]| grid.pe_order.iter().map(move |&core| [x, y, core]))
            .filter(move |place| !grid.reserved.contains(place) && !is_dead(place))
    }

    /// Hops between a QPE and the router of its chip.
    pub fn distance(&self, [x, y]: [u8; 2]) -> u32 {
        (self.grid.router[0].abs_diff(x) + self.grid.router[1].abs_diff(y)).into()
    }
}
