//! What the emitter, the device runtime and the chip model agree on: one PE's memory layout, its tables,
//! its memory-mapped registers and how kernels are called.
//!
//! All tables are arrays of little-endian 32-bit words in the PE's own SRAM. Offsets are in bytes.
//! Addresses of peripherals and of their registers are *not* here: they are facts of a target and live in
//! `compiler/targets/*.toml`; this crate only says what each register does.
#![no_std]
#![forbid(unsafe_code)]

/// First word of the PE header: `S2C` and the version of this interface.
pub const MAGIC: u32 = 0x5332_4302;

/// The PE header, at the start of the data region. Fixed by the target, written by the emitter.
pub mod header {
    /// [`super::MAGIC`]; the runtime stops with [`super::fault::BAD_HEADER`] when it finds anything else.
    pub const MAGIC: u32 = 0;
    /// Chip tick of the *next* update; starts at 0, incremented once per timer event.
    pub const TICK: u32 = 4;
    /// Fault word: 0 or the bits of [`super::fault`], or-ed together.
    pub const FAULT: u32 = 8;
    /// Dispatch: the entry of a key is `TABLE[(key >> SHIFT) & MASK]`.
    pub const DISPATCH_SHIFT: u32 = 12;
    /// See [`DISPATCH_SHIFT`]; a power of two minus one.
    pub const DISPATCH_MASK: u32 = 16;
    /// Address of the dispatch table ([`super::dispatch`]).
    pub const DISPATCH_TABLE: u32 = 20;
    /// Address of the first word of the array of addresses of neuron-slice descriptors ([`super::slice`]).
    pub const SLICES: u32 = 24;
    /// End (exclusive) of the array of slice addresses.
    pub const SLICES_END: u32 = 28;
    /// Address of the first rotation ([`super::rotation`]).
    pub const ROTATIONS: u32 = 32;
    /// End (exclusive) of the rotations.
    pub const ROTATIONS_END: u32 = 36;
    /// First byte of the receive FIFO, a ring of packets.
    pub const FIFO_BASE: u32 = 40;
    /// End (exclusive) of the receive FIFO.
    pub const FIFO_END: u32 = 44;
    /// Size of the header in bytes.
    pub const SIZE: u32 = 48;
}

/// Bits of the fault word.
pub mod fault {
    /// The header's magic word is wrong: image and runtime do not belong together.
    pub const BAD_HEADER: u32 = 1;
    /// A packet's key has no entry in the dispatch table.
    pub const UNKNOWN_KEY: u32 = 2;
    /// The timer fired again before the tick's work was done.
    pub const OVERRUN: u32 = 4;
    /// The processor took an exception (bad instruction, bad address).
    pub const EXCEPTION: u32 = 8;
}

/// One entry of the dispatch table. A kernel is called with
/// r0 = `BASE + key * STRIDE` (modulo 2^32), r1 = `ARGUMENT`, r2 = key, r3 = payload.
///
/// It follows the procedure call standard (AAPCS): it may change r0–r3, r12 and the flags, nothing else.
pub mod dispatch {
    /// Address of the row of key 0, so that no subtraction is needed.
    pub const BASE: u32 = 0;
    /// Passed on to the kernel: the address of a synapse descriptor ([`super::synapse`]).
    pub const ARGUMENT: u32 = 4;
    /// Address of the kernel with bit 0 set (Thumb).
    pub const KERNEL: u32 = 8;
    /// Bytes from one row to the next.
    pub const STRIDE: u32 = 12;
    /// Size of an entry in bytes.
    pub const SIZE: u32 = 16;
}

/// Descriptor of a synapse block: what a row kernel needs beyond the row.
pub mod synapse {
    /// Address of the accumulators that the block adds to; for delayed blocks moved on by a rotation.
    pub const ACCUMULATORS: u32 = 0;
    /// Size in bytes for the kinds that need no more than this.
    pub const SIZE: u32 = 4;
}

/// Descriptor of a convolution: what a convolution kernel needs beyond the index of the source neuron that it is called
/// with. In the dispatch entry, `STRIDE` is 1 and `BASE` is minus the key of the source's first neuron.
pub mod convolution {
    /// Address of the accumulators that are added to, as [`super::synapse::ACCUMULATORS`].
    pub const ACCUMULATORS: u32 = super::synapse::ACCUMULATORS;
    /// Address of the weights.
    pub const WEIGHTS: u32 = 4;
    /// Address of the entries of the source's rows: what a convolution kernel's page calls an entry for each.
    pub const ROWS: u32 = 8;
    /// Address of the entries of the source's columns.
    pub const COLUMNS: u32 = 12;
    /// Size of a descriptor in bytes.
    pub const SIZE: u32 = 16;
}

/// Descriptor of a one-to-one connection: what its kernel needs beyond the index of the source neuron that it is called
/// with. In the dispatch entry, `STRIDE` is 1 and `BASE` is minus the key of the source's first neuron.
pub mod one_to_one {
    /// Address of the accumulators that are added to, as [`super::synapse::ACCUMULATORS`].
    pub const ACCUMULATORS: u32 = super::synapse::ACCUMULATORS;
    /// Address of the table: a word per source neuron, the weight in its upper half, the number of the accumulator in its
    /// lower half.
    pub const TABLE: u32 = 4;
    /// Index of the source neuron that the first word is for.
    pub const FIRST: u32 = 8;
    /// Number of words.
    pub const COUNT: u32 = 12;
    /// Size of a descriptor in bytes.
    pub const SIZE: u32 = 16;
}

/// Descriptor of a neuron slice. An update kernel is called once per tick with r0 = address of the descriptor,
/// from chip tick `START` on.
pub mod slice {
    /// Address of the update kernel with bit 0 set (Thumb).
    pub const KERNEL: u32 = 0;
    /// First chip tick in which the slice is updated.
    pub const START: u32 = 4;
    /// Number of neurons, a multiple of 4: slices are padded with neurons that never fire.
    pub const COUNT: u32 = 8;
    /// Key of the slice's first neuron; neuron `i` sends `KEY + i`.
    pub const KEY: u32 = 12;
    /// Address of the accumulators of this tick; moved on by a rotation where there are several slots.
    pub const ACCUMULATORS: u32 = 16;
    /// Address of the membranes.
    pub const MEMBRANES: u32 = 20;
    /// First of the kernel's parameter words: a value (uniform) or an address (per neuron), in the order
    /// that the kernel's variant states.
    pub const PARAMETERS: u32 = 24;
}

/// A pointer that moves once per tick through a ring of accumulator slots (delays of more than one tick).
/// After each tick's update: `*POINTER += STEP; if *POINTER == END { *POINTER = BASE }`.
pub mod rotation {
    /// Address of the word that holds the pointer.
    pub const POINTER: u32 = 0;
    /// Bytes per slot.
    pub const STEP: u32 = 4;
    /// End (exclusive) of the ring.
    pub const END: u32 = 8;
    /// First byte of the ring.
    pub const BASE: u32 = 12;
    /// Size of an entry in bytes.
    pub const SIZE: u32 = 16;
}

/// The peripherals of a PE that runtime, kernels and chip model use. Where they are is a fact of the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Registers {
    /// The tick timer.
    pub timer: Timer,
    /// The packet interface.
    pub comms: Comms,
}

/// Registers of the tick timer: its address, and offsets from that in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer {
    /// Address of the timer.
    pub base: u32,
    /// Reads 1 when a tick has begun and was not acknowledged, else 0.
    pub status: u32,
    /// Writing any value acknowledges the tick.
    pub clear: u32,
}

/// Registers of the packet interface: its address, and offsets from that in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Comms {
    /// Address of the interface.
    pub base: u32,
    /// Read: [`SEND_READY`] is set where a packet can be sent.
    pub send_status: u32,
    /// Write: sends a multicast packet with this key (and the payload, if one was armed).
    pub send_key: u32,
    /// Write: arms a 32-bit payload for the next key.
    pub send_payload: u32,
    /// Write: bytes per packet in the receive ring, 4 (key) or 8 (key, payload).
    pub receive_size: u32,
    /// Write: first byte of the receive ring in SRAM.
    pub receive_base: u32,
    /// Write: end (exclusive) of the receive ring; setting it enables reception.
    pub receive_end: u32,
    /// Write: address of the next packet that the core has not read yet. The ring is empty when this and the address to
    /// write are equal; one slot is always kept free. A full ring stalls the sender.
    pub receive_read: u32,
    /// Read: address at which the next packet will be stored.
    pub receive_write: u32,
}

/// Bit of the sender's status.
pub const SEND_READY: u32 = 1 << 31;

/// Bytes of a peripheral's registers that runtime, kernels and chip model may use.
pub const PERIPHERAL_BYTES: u32 = 0x200;
