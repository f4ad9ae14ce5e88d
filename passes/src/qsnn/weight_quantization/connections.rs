//! Connections with integer weights.

use crate::{
    analysis::grid,
    options::{Options, WeightCast},
};
use s2c_dialects::{
    attribute::Weights,
    diagnostic::{Diagnostic, Result},
    qsnn, snn,
};
use std::collections::BTreeMap;

/// The bits of connection `index`.
pub fn bits_at(bits: &BTreeMap<usize, u32>, index: usize) -> Result<u32> {
    bits.get(&index).copied().ok_or_else(|| Box::new(Diagnostic::bug("a connection leads to no population")))
}

/// A scaled weight as an integer of so many bits.
pub fn quantize(weight: f32, bits: u32, cast: WeightCast) -> i32 {
    let weight = f64::from(weight);
    let weight = if cast == WeightCast::Truncate { weight.trunc() } else { weight };
    grid::nearest(weight, bits) as i32
}

/// A matrix in integers.
pub fn dense(op: &snn::Linear, bits: u32, shift: Option<i64>, options: &Options) -> qsnn::Dense {
    let values = op.weight.iter().map(|weight| quantize(weight, bits, options.weight_cast)).collect();
    qsnn::Dense { weight: Weights::new(bits, op.weight.shape.clone(), values), bits: bits.into(), shift }
}

/// A scale in integers.
pub fn one_to_one(op: &snn::Scale, bits: u32, shift: Option<i64>, options: &Options) -> qsnn::Scale {
    let values = op.scale.iter().map(|weight| quantize(weight, bits, options.weight_cast)).collect();
    qsnn::Scale { weight: Weights::new(bits, vec![op.scale.len()], values), bits: bits.into(), shift }
}

/// A convolution in integers.
pub fn conv2d(op: &snn::Conv2d, bits: u32, shift: Option<i64>, options: &Options) -> qsnn::Conv2d {
    let values = op.weight.iter().map(|weight| quantize(weight, bits, options.weight_cast)).collect();
    qsnn::Conv2d {
        weight: Weights::new(bits, op.weight.shape.clone(), values),
        bits: bits.into(),
        shift,
        pool: op.pool.clone(),
        stride: op.stride.clone(),
        padding: op.padding.clone(),
        dilation: op.dilation.clone(),
        groups: op.groups,
    }
}
