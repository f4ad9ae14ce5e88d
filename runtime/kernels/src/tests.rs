//! Rows survive packing; names and parameter lists say what the variant is.

use super::*;
use s2c_dialects::qsnn::Coefficient;
use std::collections::BTreeMap;

const fn row(weights: WeightWidth, accumulators: Accumulator, length: u32) -> RowKernel {
    RowKernel { weights, accumulators, length, factor: Factor::One }
}

#[test]
fn a_row_survives_packing_with_its_padding() {
    for weights in WeightWidth::ALL {
        for accumulators in [Accumulator::I16, Accumulator::I32] {
            let kernel = row(weights, accumulators, 44);
            let mut values: Vec<i32> = vec![-128, 127, 3, -4, 5, 6, -7, 8, 9, 1, 0, -1, -2, -8, 7];
            values.extend((0..26).map(|index| index % 3 - 1));
            values.iter_mut().for_each(|value| {
                if !weights.holds(*value) {
                    *value = if *value < 0 { -1 } else { 1 };
                }
            });
            let packed = pack_row(&kernel, &values);
            assert_eq!(packed.len() as u32, kernel.row_bytes());
            let unpacked = unpack_row(&kernel, &packed);
            assert_eq!(unpacked[..41], values);
            let padding = if weights == WeightWidth::W1 { 1 } else { 0 };
            assert_eq!(unpacked[41..], [padding; 3]);
        }
    }
}

#[test]
fn bytes_for_halfword_accumulators_are_interleaved() {
    let kernel = row(WeightWidth::W8, Accumulator::I16, 4);
    assert_eq!(pack_row(&kernel, &[1, 2, 3, -1]), [1, 3, 2, 255]);
    assert_eq!(kernel.name(), "row_w8_i16_n4");
}

#[test]
fn an_update_names_its_stages_and_their_parameters() {
    let kernel = UpdateKernel {
        accumulators: Accumulator::I16,
        state: State::Saturate,
        input_shift: 4,
        current: Some(CurrentStage { decay: Decay::Whole(Spread::Uniform), offset: None, output_shift: 2 }),
        decay: Decay::Fraction(Spread::PerNeuron),
        byte_shift: None,
        fire: Some(Fire { threshold: Spread::PerNeuron, reset: Reset::Subtract(Spread::Uniform) }),
        words: BTreeMap::from([(Coefficient::Offset, Spread::Uniform)]),
    };
    assert_eq!(kernel.name(), "update_i16_saturate_in4_cur_whole_u_out2_mem_fraction_n_offset_u_fire_n_subtract_u");
    let parameters = kernel.parameters();
    let names: Vec<String> = parameters.iter().map(|parameter| format!("{parameter:?}")).collect();
    assert_eq!(names, ["Currents", "Of(CurrentDecay)", "Of(Decay)", "Of(Offset)", "Of(Threshold)", "Of(ResetBy)"]);
}
