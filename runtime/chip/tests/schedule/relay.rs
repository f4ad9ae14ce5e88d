//! A small device program for the tests of the schedule.

use std::sync::Arc;

use s2c_chip::PeImage;

/// Address of the parameters and variables.
const DATA: u32 = 0x1000;
/// First byte of the receive ring.
const RING: u32 = 0x1100;
/// Address of the counter of received packets.
pub const COUNT: u32 = DATA + 12;
/// Address of the key that was received last.
pub const LAST_KEY: u32 = DATA + 20;

/// In each tick the program sends its key as many times as it has received packets since the last tick.
/// It sends its key at once when it receives a key with bit 31 set.
/// At `r6` are: begin and end of the ring, bytes per packet, counter, own key, last key received.
#[rustfmt::skip]
const CODE: &[u16] = &[
    0x3000, 0x0000, // initial stack pointer
    0x0009, 0x0000, // entry
    0x4c14, // ldr r4, comms
    0x4d15, // ldr r5, timer
    0xf44f, 0x5680, // mov.w r6, #0x1000
    0x6837, // ldr r7, [r6]
    0x60a7, // str r7, [r4, #8]
    0x68b0, // ldr r0, [r6, #8]
    0x61a0, // str r0, [r4, #24]
    0x6870, // ldr r0, [r6, #4]
    0x60e0, // str r0, [r4, #12]
    // loop:
    0xbf30, // wfi
    0x6828, // ldr r0, [r5]
    0xb138, // cbz r0, packets
    0x6068, // str r0, [r5, #4]
    0x68f0, // ldr r0, [r6, #12]
    0x6931, // ldr r1, [r6, #16]
    // update:
    0xb110, // cbz r0, sent
    0x6021, // str r1, [r4]
    0x3801, // subs r0, #1
    0xe7fb, // b update
    // sent:
    0x60f0, // str r0, [r6, #12]
    // packets:
    0x6920, // ldr r0, [r4, #16]
    0x42b8, // cmp r0, r7
    0xd0f1, // beq loop
    0x6839, // ldr r1, [r7]
    0x6171, // str r1, [r6, #20]
    0x68b0, // ldr r0, [r6, #8]
    0x4407, // add r7, r0
    0x6870, // ldr r0, [r6, #4]
    0x42b8, // cmp r0, r7
    0xd100, // bne keep
    0x6837, // ldr r7, [r6]
    // keep:
    0x6167, // str r7, [r4, #20]
    0x68f0, // ldr r0, [r6, #12]
    0x3001, // adds r0, #1
    0x60f0, // str r0, [r6, #12]
    0x2900, // cmp r1, #0
    0xd5ee, // bpl packets
    0x6931, // ldr r1, [r6, #16]
    0x6021, // str r1, [r4]
    0xe7eb, // b packets
    0xbf00, // .balign 4
    0x0000, 0xe200, // comms: .word 0xE2000000
    0x0000, 0xe100, // timer: .word 0xE1000000
];

/// The program for one PE with a ring of `slots` packets, an own key and an initial counter.
pub fn image(place: (usize, u8, u8, u8), slots: u32, key: u32, count: u32) -> PeImage {
    let (chip, x, y, core) = place;
    let code: Vec<u8> = CODE.iter().flat_map(|half| half.to_le_bytes()).collect();
    let data = [RING, RING + 8 * slots, 8, count, key].map(u32::to_le_bytes).concat();
    PeImage { chip, x, y, core, segments: vec![(0, Arc::from(code)), (DATA, Arc::from(data))] }
}

/// A PE that executes the given halfwords.
pub fn program(place: (usize, u8, u8, u8), code: &[u16]) -> PeImage {
    let (chip, x, y, core) = place;
    let halves = [0x3000, 0, 9, 0].iter().chain(code);
    let bytes: Vec<u8> = halves.flat_map(|half| half.to_le_bytes()).collect();
    PeImage { chip, x, y, core, segments: vec![(0, Arc::from(bytes))] }
}
