@ The runtime of one PE: vector table, start, and the loop that serves ticks and packets.
@
@ Every upper-case name is a constant of `s2c-abi` or of the target, put before this text by
@ `compiler/backend/src/codegen/runtime.rs`. PACKET_PAYLOAD is 1 where packets carry a payload word, else 0.
@ See README.md for the order of events.

    .syntax unified
    .thumb

@ Vector table (ARM DDI 0403E, B1.5.3): stack, reset, and the handlers of exceptions 2 to 15.
    .section .vectors, "a", %progbits
    .global vectors
    .type vectors, %object
vectors:
    .word STACK_TOP
    .word reset
    .rept 14
    .word exception
    .endr
    .size vectors, . - vectors

    .text
    .balign 4

    .macro function name
    .global \name
    .type \name, %function
    .thumb_func
\name:
    .endm

@ Sets bits of the fault word; overwrites two registers.
    .macro raise bits, address, value
    ldr \address, =HEADER_BASE
    ldr \value, [\address, #HEADER_FAULT]
    orr \value, \value, #\bits
    str \value, [\address, #HEADER_FAULT]
    .endm

@ What stays in registers; kernels leave r4 to r11 as they are.
    read    .req r4     @ address of the next packet that was not read
    stop    .req r5     @ end of the packets that may be read without another look at the ring
    receive .req r6     @ registers of the receive ring
    table   .req r7     @ dispatch table, its shift and its mask
    shift   .req r8
    mask    .req r9
    header  .req r10
    timer   .req r11

function reset
    cpsid i                             @ events wake the core, but no handler runs
    ldr header, =HEADER_BASE
    ldr receive, =RECEIVE
    ldr timer, =TIMER
    ldr r0, [header, #HEADER_MAGIC]
    ldr r1, =MAGIC
    cmp r0, r1
    bne bad_header

    ldr r0, =CPACR                      @ full access to the floating-point unit (ARM DDI 0403E, B3.2)
    ldr r1, [r0]
    orr r1, r1, #(0xf << 20)
    str r1, [r0]
    dsb
    isb

    movs r0, #PACKET_BYTES
    str r0, [receive, #RECEIVE_SIZE]
    ldr read, [header, #HEADER_FIFO_BASE]
    str read, [receive, #RECEIVE_BASE]
    str read, [receive, #RECEIVE_READ]
    ldr r0, [header, #HEADER_FIFO_END]
    str r0, [receive, #RECEIVE_END]
    b load_dispatch
    .size reset, . - reset

@ One tick: neuron slices, then rotations. Where the next tick has begun by then, it is noted.
@ The dispatch registers serve as scratch and are loaded again at the end.
    slices      .req r5
    slices_end  .req r7
    tick        .req r8
    .type serve_tick, %function
    .thumb_func
serve_tick:
    str r0, [timer, #TIMER_CLEAR]
    ldr tick, [header, #HEADER_TICK]
    ldr slices, [header, #HEADER_SLICES]
    ldr slices_end, [header, #HEADER_SLICES_END]
    b slices_check
next_slice:
    ldr r0, [slices], #4
    ldr r1, [r0, #SLICE_START]
    cmp r1, tick
    bhi slices_check
    ldr r1, [r0, #SLICE_KERNEL]
    blx r1
slices_check:
    cmp slices, slices_end
    bne next_slice

    ldr r0, [header, #HEADER_ROTATIONS]
    ldr r1, [header, #HEADER_ROTATIONS_END]
    b rotations_check
next_rotation:
    ldr r2, [r0, #ROTATION_POINTER]
    ldr r3, [r2]
    ldr r12, [r0, #ROTATION_STEP]
    add r3, r3, r12
    ldr r12, [r0, #ROTATION_END]
    cmp r3, r12
    it eq
    ldreq r3, [r0, #ROTATION_BASE]
    str r3, [r2]
    adds r0, #ROTATION_SIZE
rotations_check:
    cmp r0, r1
    bne next_rotation

    adds tick, tick, #1
    str tick, [header, #HEADER_TICK]
    ldr r0, [timer, #TIMER_STATUS]
    cbnz r0, overrun
load_dispatch:
    ldr shift, [header, #HEADER_DISPATCH_SHIFT]
    ldr mask, [header, #HEADER_DISPATCH_MASK]
    ldr table, [header, #HEADER_DISPATCH_TABLE]
    b serve
overrun:
    raise FAULT_OVERRUN, r0, r1
    b load_dispatch
    .size serve_tick, . - serve_tick

@ The main loop. The end of the packets is read before the timer: where no tick has begun by then, all of them were
@ sent in earlier ticks.
idle:
    wfi
    .type serve, %function
    .thumb_func
serve:
    ldr stop, [receive, #RECEIVE_WRITE]
    ldr r0, [timer, #TIMER_STATUS]
    cmp r0, #0
    bne serve_tick
    cmp stop, read
    beq idle
    it lo                               @ the packets go on at the start of the ring: first up to its end
    ldrlo stop, [header, #HEADER_FIFO_END]
next_packet:
    str read, [receive, #RECEIVE_READ]    @ frees the packets before this one
    .if PACKET_PAYLOAD
    ldrd r2, r3, [read], #PACKET_BYTES
    .else
    ldr r2, [read], #PACKET_BYTES
    .endif
    lsr r0, r2, shift
    and r0, r0, mask
    add r0, table, r0, lsl #DISPATCH_SIZE_LOG2
    ldm r0, {r0, r1, r12, lr}           @ base, argument, kernel, stride
    mla r0, r2, lr, r0
    blx r12
    cmp read, stop
    bne next_packet
    ldr r0, [header, #HEADER_FIFO_END]
    cmp read, r0
    it eq
    ldreq read, [header, #HEADER_FIFO_BASE]
    str read, [receive, #RECEIVE_READ]
    b serve
    .size serve, . - serve

@ Dispatch target for a key that feeds several synapse blocks: r1 = address of a count and as many dispatch entries,
@ r2 = key, r3 = payload. Each entry is called as the main loop would.
    left    .req r4
    entry   .req r5
    key     .req r6
    payload .req r7
function dispatch_several
    push {r3-r7, lr}                    @ r3 keeps the stack a multiple of 8 (AAPCS)
    ldr left, [r1], #4
    mov entry, r1
    mov key, r2
    mov payload, r3
several_next:
    ldm entry!, {r0, r1, r12, lr}
    mla r0, key, lr, r0
    mov r2, key
    mov r3, payload
    blx r12
    subs left, #1
    bne several_next
    pop {r3-r7, pc}
    .size dispatch_several, . - dispatch_several

@ Dispatch target of the keys that nothing here listens to.
function unknown_key
    raise FAULT_UNKNOWN_KEY, r0, r1
    bx lr
    .size unknown_key, . - unknown_key

    .type bad_header, %function
    .thumb_func
bad_header:
    raise FAULT_BAD_HEADER, r0, r1
    b sleep
    .size bad_header, . - bad_header

@ Handler of every exception: none is expected. A core that sleeps for good still takes ticks and packets, because a
@ full ring would stall those who send to it.
function exception
    raise FAULT_EXCEPTION, r0, r1
sleep:
    ldr r0, =TIMER
    str r0, [r0, #TIMER_CLEAR]
    ldr r0, =RECEIVE
    ldr r1, [r0, #RECEIVE_WRITE]
    str r1, [r0, #RECEIVE_READ]
    wfi
    b sleep
    .size exception, . - exception

    .ltorg
