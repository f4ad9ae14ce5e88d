//! The configuration that the tests share.

use s2c_abi::{Comms, Registers, Timer};
use s2c_chip::{ChipConfig, CycleModel};

/// Registers where the code of the tests has them.
fn registers() -> Registers {
    let receive = [24, 8, 12, 20, 16];
    let [receive_size, receive_base, receive_end, receive_read, receive_write] = receive;
    let timer = Timer { base: 0xE100_0000, status: 0, clear: 4 };
    let comms = Comms {
        base: 0xE200_0000,
        send_status: 28,
        send_key: 0,
        send_payload: 4,
        receive_size,
        receive_base,
        receive_end,
        receive_read,
        receive_write,
    };
    Registers { timer, comms }
}

/// A small chip with the cycles of a Cortex-M4.
pub fn config() -> ChipConfig {
    ChipConfig {
        sram_bytes: 0x4000,
        code_bytes: 0x1000,
        registers: registers(),
        cycles: CycleModel {
            branch_taken: 2,
            load_first: 2,
            load_next: 1,
            divide: 7,
            float_divide: 14,
            float_multiply_add: 3,
        },
        cycles_per_hop: 5,
        cycles_per_link: 50,
        host_chip: 0,
        chips: (1, 1),
        router_position: (4, 3),
        router_entries: 1024,
        instruction_budget: 10_000,
    }
}
