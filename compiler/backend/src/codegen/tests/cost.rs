//! The cost model against the chip model.

use s2c_kernels::{Accumulator, Factor, Kernel, RowKernel, SparseKernel, WeightWidth};
use s2c_passes::{
    analysis::cost::{Cost, CostModel},
    target::Target,
};

use super::{CODE_BYTES, Random, cache, conv, kernels, one_to_one};

/// Compares an estimate with what was executed; returns the larger relative error of the two.
fn error(name: &str, estimate: Cost, executed: (u64, u64), bound: f64) -> f64 {
    let (instructions, cycles) = (executed.0 as f64, executed.1 as f64);
    let error = |estimate: f64, executed: f64| (estimate - executed) / executed;
    let (first, second) = (error(estimate.instructions, instructions), error(estimate.cycles, cycles));
    let worst = if first.abs() > second.abs() { first } else { second };
    println!(
        "{:>8.0} {instructions:>8} {:>8.0} {cycles:>8} {:>7.1} %  {name}",
        estimate.instructions,
        estimate.cycles,
        100.0 * worst
    );
    assert!(worst.abs() <= bound, "{name}: {worst}");
    worst
}

#[test]
fn the_cost_of_kernels_is_known_before_they_run() {
    let target = Target::parse(include_str!("../../../../targets/spinnaker2.toml"), "spinnaker2.toml").unwrap();
    let model = CostModel::new(&target.cycles);
    let (mut cache, mut random) = (cache(), Random(21));
    println!("instructions: model, chip; cycles: model, chip; larger error");
    for weights in WeightWidth::ALL {
        for accumulators in [Accumulator::I16, Accumulator::I32] {
            for length in [4, 12, 32, 40, 48, 60, 256, 260] {
                let kernel = RowKernel { weights, accumulators, length, factor: Factor::One };
                let code = cache.image([&Kernel::Row(kernel.clone())], CODE_BYTES).unwrap();
                let executed = kernels::check_row(&code, &kernel, &mut random);
                error(&kernel.name(), model.row(&kernel), executed, 0.09);
            }
        }
    }
    for length in [4, 32, 60, 256] {
        let (weights, accumulators, factor) = (WeightWidth::W8, Accumulator::I32, Factor::Payload(-9));
        let kernel = RowKernel { weights, accumulators, length, factor };
        let code = cache.image([&Kernel::Row(kernel.clone())], CODE_BYTES).unwrap();
        error(&kernel.name(), model.row(&kernel), kernels::check_row(&code, &kernel, &mut random), 0.12);
    }
    for accumulators in [Accumulator::I16, Accumulator::I32] {
        let kernel = SparseKernel { accumulators };
        let code = cache.image([&Kernel::Sparse(kernel.clone())], CODE_BYTES).unwrap();
        for percent in [0, 2, 10, 20, 30] {
            let weights = kernels::sparse_row(256, percent, &mut random);
            let executed = kernels::check_sparse(&code, &kernel, &weights, &mut random);
            let groups = kernel.groups(weights.into_iter());
            error(&format!("{} {percent} %", kernel.name()), model.sparse(&kernel, groups), executed, 0.12);
        }
    }
    for round in 0..48 {
        let float = round % 8 > 5;
        let kernel = if float { kernels::any_float_kernel(&mut random) } else { kernels::any_kernel(&mut random) };
        let code = cache.image([&Kernel::Update(kernel.clone())], CODE_BYTES).unwrap();
        let silent = round % 2 == 0;
        let (executed, sent) = kernels::run_quiet(&code, &kernel, 64, silent, &mut random);
        let cost = model.update(&kernel);
        let group = if silent { cost.silent } else { cost.group };
        error(&kernel.name(), cost.fixed + group * 16.0 + cost.spike * sent as f64, executed, 0.08);
    }
    for kernel in
        [false, true].map(kernels::lif).into_iter().flat_map(|lif| [lif.clone(), kernels::with_current(lif, 3)])
    {
        let code = cache.image([&Kernel::Update(kernel.clone())], CODE_BYTES).unwrap();
        let (executed, sent) = kernels::run_firing(&code, &kernel, 256, &mut random);
        let cost = model.update(&kernel);
        error(&kernel.name(), cost.fixed + cost.group * 64.0 + cost.spike * sent as f64, executed, 0.02);
    }
    for (kernel, packets, executed) in conv::costs(&mut cache) {
        error(&kernel.name(), model.convolution(&kernel) * packets as f64, executed, 0.03);
    }
    for kernel in one_to_one::kernels() {
        let (executed, ..) = one_to_one::check(&mut cache, &kernel, &mut random);
        error(&kernel.name(), model.one_to_one(&kernel) * f64::from(one_to_one::COUNT), executed, 0.12);
    }
}
