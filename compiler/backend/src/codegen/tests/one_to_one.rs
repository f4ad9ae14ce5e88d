//! One-to-one kernels against a transcription of their module page, and their cost.

use s2c_abi::one_to_one;
use s2c_kernels::{Accumulator, Factor, Kernel, OneToOneKernel};

use super::{CODE_BYTES, Draw, KernelCache, Random, cache, machine::Machine, reference::factor};

const DESCRIPTOR: u32 = 0x2000;
const TABLE: u32 = 0x3000;
const ACCUMULATORS: u32 = 0x4000;
/// Source neurons with a weight begin here; those before and behind have none.
const FIRST: u32 = 5;
/// How many they are.
pub const COUNT: u32 = 40;
/// Accumulators; no entry names the first or the last.
const TARGETS: u32 = 64;

/// Every kernel: widths, and ways to multiply.
pub fn kernels() -> impl Iterator<Item = OneToOneKernel> {
    let factors = [Factor::One, Factor::Shifted(9), Factor::Payload(-12), Factor::Payload(3)];
    [Accumulator::I16, Accumulator::I32]
        .into_iter()
        .flat_map(move |accumulators| factors.map(|factor| OneToOneKernel { accumulators, factor }))
}

/// Sends one packet of each source neuron, compares after each; returns the instructions and cycles of those with a
/// weight, the bytes of the kernel, and the most instructions of one without.
pub fn check(cache: &mut KernelCache, kernel: &OneToOneKernel, random: &mut Random) -> ((u64, u64), u32, u64) {
    let code = cache.image([&Kernel::OneToOne(kernel.clone())], CODE_BYTES).unwrap();
    let entry = code.entry(&kernel.name()).unwrap();
    let table: Vec<(i16, u32)> = (0..COUNT).map(|_| (random.value() as i16, 1 + random.up_to(TARGETS - 2))).collect();
    let mut accumulators = random.values(TARGETS as usize);
    let bytes = |values: &[i32]| -> Vec<u8> {
        let size = kernel.accumulators.bytes() as usize;
        values.iter().flat_map(|value| value.to_le_bytes()[..size].to_vec()).collect()
    };
    let mut machine = Machine::new(&code);
    for (offset, value) in [
        (one_to_one::ACCUMULATORS, ACCUMULATORS),
        (one_to_one::TABLE, TABLE),
        (one_to_one::FIRST, FIRST),
        (one_to_one::COUNT, COUNT),
    ] {
        machine.write(DESCRIPTOR + offset, &value.to_le_bytes());
    }
    for (address, (weight, target)) in (TABLE..).step_by(4).zip(&table) {
        machine.write(address, &((i32::from(*weight) << 16) as u32 | target).to_le_bytes());
    }
    machine.write(ACCUMULATORS, &bytes(&accumulators));
    let (mut adding, mut passing) = ((0, 0), 0);
    for index in 0..FIRST + COUNT + 3 {
        let payload = random.value();
        let executed = machine.call(entry, [index, DESCRIPTOR, 7, payload as u32]);
        match index.checked_sub(FIRST).and_then(|number| table.get(number as usize)) {
            Some(&(weight, target)) => {
                let sum = &mut accumulators[target as usize];
                *sum = sum.wrapping_add(i32::from(weight).wrapping_mul(factor(kernel.factor, payload)));
                adding = (adding.0 + executed.0, adding.1 + executed.1);
            }
            None => passing = passing.max(executed.0),
        }
        let expected = bytes(&accumulators);
        assert_eq!(machine.read(ACCUMULATORS, expected.len()), expected, "{}: neuron {index}", kernel.name());
    }
    (adding, code.symbols[&kernel.name()].size, passing)
}

#[test]
fn one_to_one_connections_add_one_weight() {
    let (mut cache, mut random) = (cache(), Random(31));
    println!("{:>5} {:>10} {:>8}  kernel", "bytes", "per packet", "cycles");
    for kernel in kernels() {
        let ((instructions, cycles), bytes, passing) = check(&mut cache, &kernel, &mut random);
        let [each, cycles] = [instructions, cycles].map(|sum| sum as f64 / f64::from(COUNT));
        println!("{bytes:>5} {each:>10.2} {cycles:>8.2}  {}", kernel.name());
        let bound = if kernel.factor == Factor::One { 12.0 } else { 15.0 };
        assert!(each <= bound, "{}: {each} instructions per packet", kernel.name());
        assert!(passing <= 5, "{}: {passing} instructions for a neuron without a weight", kernel.name());
        assert!(bytes <= 46, "{}: {bytes} bytes", kernel.name());
    }
}
