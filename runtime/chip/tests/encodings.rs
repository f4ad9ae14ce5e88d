//! Results, cycles and faults of single instructions that follow from the manual (ARM DDI 0403E), in particular of
//! those that the differential test leaves out.

mod common;

use common::config;
use s2c_chip::{CallReport, ChipConfig, Fault, Harness, Trap};

fn call(code: &[u16], arguments: [u32; 3]) -> (Harness, Result<CallReport, Fault>) {
    let mut harness = Harness::new(&config());
    let bytes: Vec<u8> = code.iter().flat_map(|half| half.to_le_bytes()).collect();
    harness.write(0, &bytes);
    let [r0, r1, r2] = arguments;
    let report = harness.call(0, [r0, r1, r2, 0]);
    (harness, report)
}

fn result(code: &[u16], arguments: [u32; 3]) -> u32 {
    call(code, arguments).1.expect("the code returns").r0
}

fn trap(code: &[u16], arguments: [u32; 3]) -> Trap {
    match call(code, arguments).1 {
        Err(Fault::Core { trap, .. }) => trap,
        other => panic!("no trap: {other:?}"),
    }
}

#[test]
fn calls_and_returns() {
    // push {lr}; bl 1f; adds r0, #1; pop {pc}; 1: adds r0, #16; bx lr
    assert_eq!(result(&[0xB500, 0xF000, 0xF802, 0x3001, 0xBD00, 0x3010, 0x4770], [1, 0, 0]), 18);
    // push {lr}; adr r1, 1f; adds r1, #1; blx r1; pop {pc}; .balign 4; 1: movs r0, #5; mov pc, lr
    assert_eq!(result(&[0xB500, 0xA102, 0x3101, 0x4788, 0xBD00, 0xBF00, 0x2005, 0x46F7], [0; 3]), 5);
    // str lr, [sp, #-4]!; movs r0, #4; ldr pc, [sp], #4
    assert_eq!(result(&[0xF84D, 0xED04, 0x2004, 0xF85D, 0xFB04], [0; 3]), 4);
    // mov r1, sp; str lr, [r1, #-8]; movs r2, #1; sub.w r1, r1, #12; movs r0, #6; ldr.w pc, [r1, r2, lsl #2]
    let indexed = [0x4669, 0xF841, 0xEC08, 0x2201, 0xF1A1, 0x010C, 0x2006, 0xF851, 0xF022];
    assert_eq!(result(&indexed, [0; 3]), 6);
    // push {r4, lr}; movs r4, #9; mov r0, r4; pop {r4, pc}
    assert_eq!(result(&[0xB510, 0x2409, 0x4620, 0xBD10], [0; 3]), 9);
}

#[test]
fn conditions_in_it_blocks() {
    // cmp r0, r1; ite lt; movlt r0, #1; movge r0, #2; bx lr
    let less = |a, b| result(&[0x4288, 0xBFB4, 0x2001, 0x2002, 0x4770], [a, b, 0]);
    assert_eq!((less(1, 2), less(u32::MAX, 0), less(5, 5)), (1, 1, 2));
    // cmp r0, r1; it eq; bxeq lr; movs r0, #9; bx lr
    let equal = |a, b| result(&[0x4288, 0xBF08, 0x4770, 0x2009, 0x4770], [a, b, 0]);
    assert_eq!((equal(7, 7), equal(7, 8)), (7, 9));
}

#[test]
fn the_budget_ends_anywhere() {
    // 0: movs r1, #2; 2: subs r1, #1; 4: bne 2; 6: cmp r1, #0; 8: it eq; 10: moveq r0, #1; 12: movw r2, #0; 16: b 0x2000
    let code = [0x2102, 0x3901, 0xD1FD, 0x2900, 0xBF08, 0x2001, 0xF240, 0x0200, 0xF001, 0xBFF6];
    let stop = |instruction_budget| {
        let mut harness = Harness::new(&ChipConfig { instruction_budget, ..config() });
        harness.write(0, &code.iter().flat_map(|half: &u16| half.to_le_bytes()).collect::<Vec<_>>());
        match harness.call(0, [0; 4]) {
            Err(Fault::Core { pc, trap, .. }) => (pc, trap),
            other => panic!("no fault: {other:?}"),
        }
    };
    let addresses = [0, 2, 4, 2, 4, 6, 8, 10, 12, 16, 0x2000];
    for (budget, pc) in (0..).zip(addresses) {
        assert_eq!(stop(budget), (pc, Trap::Budget));
    }
    assert_eq!(stop(11), (0x2000, Trap::Fetch));
}

#[test]
fn system_instructions() {
    // cpsid i; mrs r0, primask; cpsie i; bx lr
    assert_eq!(result(&[0xB672, 0xF3EF, 0x8010, 0xB662, 0x4770], [0; 3]), 1);
    // cpsid i; cpsie i; mrs r0, primask; bx lr
    assert_eq!(result(&[0xB672, 0xB662, 0xF3EF, 0x8010, 0x4770], [7, 0, 0]), 0);
    // msr primask, r0; mrs r0, primask; bx lr
    assert_eq!(result(&[0xF380, 0x8810, 0xF3EF, 0x8010, 0x4770], [3, 0, 0]), 1);
    // mrs r0, ipsr; bx lr
    assert_eq!(result(&[0xF3EF, 0x8005, 0x4770], [7, 0, 0]), 0);
    // mrs r0, msp; bx lr
    assert_eq!(result(&[0xF3EF, 0x8008, 0x4770], [0; 3]), config().sram_bytes);
    // dsb sy; isb sy; dmb sy; nop; nop.w; yield; movs r0, #3; bx lr
    let barriers = [0xF3BF, 0x8F4F, 0xF3BF, 0x8F6F, 0xF3BF, 0x8F5F, 0xBF00, 0xF3AF, 0x8000, 0xBF10, 0x2003, 0x4770];
    assert_eq!(result(&barriers, [0; 3]), 3);
    // sev; wfe; movs r0, #3; bx lr
    assert_eq!(result(&[0xBF40, 0xBF20, 0x2003, 0x4770], [0; 3]), 3);
    // movw r1, #0xed88; movt r1, #0xe000; mov.w r2, #0xf00000; str r2, [r1]; ldr r0, [r1]; bx lr
    let cpacr = [0xF64E, 0x5188, 0xF2CE, 0x0100, 0xF44F, 0x0270, 0x600A, 0x6808, 0x4770];
    assert_eq!(result(&cpacr, [0; 3]), 0xF0_0000);
}

#[test]
fn multiplications() {
    // smmla r0, r0, r1, r2; bx lr: the sum wraps.
    assert_eq!(result(&[0xFB50, 0x2001, 0x4770], [0x8000_0000, 0x8000_0000, 0x7FFF_FFFF]), 0xBFFF_FFFF);
    // smmlsr r0, r0, r1, r2; bx lr: the difference wraps.
    assert_eq!(result(&[0xFB60, 0x2011, 0x4770], [0x8000_0000, 0x8000_0000, 0x8000_0000]), 0x4000_0000);
    // smmul r0, r0, r1; bx lr
    assert_eq!(result(&[0xFB50, 0xF001, 0x4770], [0x4000_0000, 0x4000_0000, 0]), 0x1000_0000);
    // smlawt r0, r0, r1, r2; bx lr
    assert_eq!(result(&[0xFB30, 0x2011, 0x4770], [0x1_0000, 0x5_0000, 7]), 12);
    // sdiv r0, r0, r1; bx lr
    let divide = |a: i32, b: i32| result(&[0xFB90, 0xF0F1, 0x4770], [a as u32, b as u32, 0]) as i32;
    assert_eq!((divide(i32::MIN, -1), divide(-7, 2), divide(5, 0)), (i32::MIN, -3, 0));
}

#[test]
fn packing_and_saturation() {
    // uxtb16 r0, r0, ror #8; bx lr
    assert_eq!(result(&[0xFA3F, 0xF090, 0x4770], [0x1122_3344, 0, 0]), 0x0011_0033);
    // usat16 r0, #8, r0; bx lr
    let (harness, report) = call(&[0xF3A0, 0x0008, 0x4770], [0x0180_FFFF, 0, 0]);
    assert_eq!((report.map(|report| report.r0), harness.apsr()), (Ok(0x00FF_0000), 1 << 27));
}

#[test]
fn floating_point() {
    // vmov.32 d1[1], r0; vmov r1, s3; vmov.32 r0, d1[1]; adds r0, r0, r1; bx lr
    let halves = [0xEE21, 0x0B10, 0xEE11, 0x1A90, 0xEE31, 0x0B10, 0x1840, 0x4770];
    assert_eq!(result(&halves, [5, 0, 0]), 10);
    // vmov s0, r0; vmov s1, r1; vsub.f32 s2, s0, s1; vmov r0, s2; bx lr: a NaN keeps its sign.
    let subtract = [0xEE00, 0x0A10, 0xEE00, 0x1A90, 0xEE30, 0x1A60, 0xEE11, 0x0A10, 0x4770];
    assert_eq!(result(&subtract, [1f32.to_bits(), 0x7FC0_1234, 0]), 0x7FC0_1234);
    // vmov s0, r0; vcvt.s16.f32 s0, s0, #8; vmov r0, s0; bx lr: the result is sign-extended.
    let fixed = [0xEE00, 0x0A10, 0xEEBE, 0x0A44, 0xEE10, 0x0A10, 0x4770];
    assert_eq!(result(&fixed, [(-1.5f32).to_bits(), 0, 0]) as i32, -384);
}

#[test]
fn a_fused_multiplication_rounds_once() {
    // vmov s0, r0; vmov s1, r1; vmov s2, r2; vfma.f32 s2, s0, s1; vmov r0, s2; bx lr
    let fused = [0xEE00, 0x0A10, 0xEE00, 0x1A90, 0xEE01, 0x2A10, 0xEEA0, 0x1A20, 0xEE11, 0x0A10, 0x4770];
    // The same with vmla.f32.
    let chained = [0xEE00, 0x0A10, 0xEE00, 0x1A90, 0xEE01, 0x2A10, 0xEE00, 0x1A20, 0xEE11, 0x0A10, 0x4770];
    // (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24, which the rounded product loses.
    let operands = [0x3F80_0800, 0x3F80_0800, 0xBF80_1000];
    assert_eq!((result(&fused, operands), result(&chained, operands)), (0x3380_0000, 0));
    // Infinity times zero is invalid, whatever quiet NaN is added.
    assert_eq!(result(&fused, [0x7F80_0000, 0, 0x7FC0_0001]), 0x7FC0_0000);
}

#[test]
fn the_status_register_refuses_other_modes() {
    // vmrs r1, fpscr; vmsr fpscr, r0; vmrs r0, fpscr; bx lr
    let code = [0xEEF1, 0x1A10, 0xEEE1, 0x0A10, 0xEEF1, 0x0A10, 0x4770];
    assert_eq!(result(&code, [0xF000_009F, 0, 0]), 0xF000_009F);
    assert_eq!(trap(&code, [1 << 24, 0, 0]), Trap::FloatMode { value: 1 << 24 });
}

#[test]
fn the_cycle_estimate_follows_the_reference_manual() {
    let count = |code: &[u16]| {
        let report = call(code, [0x1000, 0x1000, 0]).1.expect("the code returns");
        (report.instructions, report.cycles)
    };
    // sdiv r0, r0, r1; bx lr
    assert_eq!(count(&[0xFB90, 0xF0F1, 0x4770]), (2, 7 + 3));
    // ldr r0, [r1]; ldr r2, [r1]; str r2, [r1]; bx lr
    assert_eq!(count(&[0x6808, 0x680A, 0x600A, 0x4770]), (4, 2 + 1 + 1 + 3));
    // vdiv.f32 s0, s1, s2; vsqrt.f32 s0, s1; bx lr
    assert_eq!(count(&[0xEE80, 0x0A81, 0xEEB1, 0x0AE0, 0x4770]), (3, 14 + 14 + 3));
    // push {r4, lr}; movs r4, #9; mov r0, r4; pop {r4, pc}
    assert_eq!(count(&[0xB510, 0x2409, 0x4620, 0xBD10]), (4, 3 + 1 + 1 + 5));
}

#[test]
fn what_the_model_does_not_have_is_undefined() {
    let undefined: [&[u16]; 6] = [
        // ldrex r0, [r1]
        &[0xE851, 0x0F00],
        // vadd.f64 d0, d1, d2
        &[0xEE31, 0x0B02],
        // svc #1
        &[0xDF01],
        // bkpt #1
        &[0xBE01],
        // mrs r0, control
        &[0xF3EF, 0x8014],
        // An unallocated coprocessor instruction.
        &[0xFE00, 0x0000],
    ];
    for code in undefined {
        assert!(matches!(trap(code, [0; 3]), Trap::Undefined { first, .. } if first == code[0]), "{code:x?}");
    }
}

#[test]
fn no_encoding_panics() {
    let mut harness = Harness::new(&ChipConfig { code_bytes: 8, instruction_budget: 8, ..config() });
    let (mut returned, mut undefined) = (0, 0);
    for first in 0..=u16::MAX {
        for second in [0x0000, 0x0F0F, 0x1234, 0x4770, 0x8A55, 0xB6C8, 0xF0F0, 0xFFFF] {
            let code = [first, second, 0x4770].map(u16::to_le_bytes).concat();
            harness.write(0, &code);
            harness.set_apsr(u32::from(first) << 16);
            match harness.call(0, [0x1000, 0x2004, 3, u32::MAX]) {
                Ok(_) => returned += 1,
                Err(Fault::Core { trap: Trap::Undefined { .. }, .. }) => undefined += 1,
                Err(_) => {}
            }
        }
    }
    assert!(returned > 100_000 && undefined > 10_000);
}
