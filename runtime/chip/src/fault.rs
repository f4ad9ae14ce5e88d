//! What can go wrong while the model runs.

use std::fmt;

use thiserror::Error;

/// The place of a PE: its chip, the coordinates of its QPE and its number within the QPE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeId {
    /// Index of the chip, row by row.
    pub chip: usize,
    /// Column of the QPE.
    pub x: u8,
    /// Row of the QPE.
    pub y: u8,
    /// Number of the PE within its QPE, 0 to 3.
    pub core: u8,
}

impl fmt::Display for PeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chip {} ({}, {}) core {}", self.chip, self.x, self.y, self.core)
    }
}

/// What stopped a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Trap {
    /// The instruction is undefined, unpredictable or not implemented by the model.
    #[error("undefined instruction {first:04x} {second:04x}")]
    Undefined {
        /// The first halfword of the encoding.
        first: u16,
        /// The halfword after it.
        second: u16,
    },
    /// An instruction was fetched from outside the code region.
    #[error("instruction fetch outside the code region")]
    Fetch,
    /// A branch to an address with bit 0 clear, which would leave the Thumb state.
    #[error("branch to {target:#010x}, which is not Thumb code")]
    NotThumb {
        /// The address with its bit 0.
        target: u32,
    },
    /// An access to an address where there is neither memory nor a register.
    #[error("access to {address:#010x}, where nothing is mapped")]
    Unmapped {
        /// The address of the access.
        address: u32,
    },
    /// An unaligned access where the architecture or the device forbids it.
    #[error("unaligned access to {address:#010x}")]
    Unaligned {
        /// The address of the access.
        address: u32,
    },
    /// A store into the code region, which the model does not allow.
    #[error("store into code at {address:#010x}")]
    CodeWrite {
        /// The address of the store.
        address: u32,
    },
    /// A value was written to FPSCR that asks for other than the default arithmetic.
    #[error("unsupported floating-point mode {value:#010x}")]
    FloatMode {
        /// The value written.
        value: u32,
    },
    /// The receive ring is too small, misaligned or outside the memory.
    #[error("invalid receive ring {base:#x} to {end:#x}")]
    InvalidRing {
        /// First byte of the ring.
        base: u32,
        /// End of the ring.
        end: u32,
    },
    /// A packet arrived before reception was enabled.
    #[error("packet received while reception is disabled")]
    ReceptionDisabled,
    /// The core executed more instructions in a tick than allowed.
    #[error("instruction budget exceeded")]
    Budget,
    /// A called function went to sleep instead of returning.
    #[error("the function went to sleep")]
    Asleep,
}

/// A failure of a run, after which the chip must be reset.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// A core stopped.
    #[error("PE {pe}, pc {pc:#010x}: {trap}")]
    Core {
        /// The PE.
        pe: PeId,
        /// Address of the instruction.
        pc: u32,
        /// What happened.
        trap: Trap,
    },
    /// A packet visited more chips than there are.
    #[error("packet with key {key:#010x} runs in a loop between chips, last seen at chip {chip}")]
    RoutingLoop {
        /// Key of the packet.
        key: u32,
        /// The chip where the loop was noticed.
        chip: usize,
    },
    /// Packets kept causing further packets within one tick.
    #[error("packets did not come to rest within {rounds} rounds of one tick")]
    PacketStorm {
        /// Number of rounds.
        rounds: usize,
    },
}

/// A configuration or image that cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SetupError {
    /// There is no such chip.
    #[error("chip {chip} does not exist")]
    NoSuchChip {
        /// Index of the chip.
        chip: usize,
    },
    /// Two images for one PE.
    #[error("PE {pe} has two images")]
    DuplicatePe {
        /// The PE.
        pe: PeId,
    },
    /// A segment does not fit into the PE's memory.
    #[error("segment at {address:#x} with {length} bytes does not fit into the memory of PE {pe}")]
    Segment {
        /// The PE.
        pe: PeId,
        /// Address of the segment.
        address: u32,
        /// Size of the segment.
        length: usize,
    },
    /// A routing table does not fit into the router.
    #[error("chip {chip} has {entries} routing entries, its router holds {limit}")]
    TooManyEntries {
        /// Index of the chip.
        chip: usize,
        /// Number of entries.
        entries: usize,
        /// Number of places.
        limit: usize,
    },
    /// The memory is smaller than the code region or the vector table.
    #[error("the code region of {code_bytes} bytes is not a multiple of 4 or does not fit into the memory")]
    CodeRegion {
        /// Size of the code region.
        code_bytes: u32,
    },
    /// A fault while booting.
    #[error(transparent)]
    Boot(#[from] Fault),
}
