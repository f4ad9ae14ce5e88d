//! The one place behind the importer that knows NIR's kinds of neurons.

use s2c_dialects::{attribute::Tensor, snn::Op};

/// What a population of NIR holds, by the stage that it is for.
pub struct Parts<'o> {
    /// NIR node.
    pub node: &'o str,
    /// `tau_syn` and `w_in`.
    pub current: Option<(&'o Tensor<f64>, &'o Tensor<f64>)>,
    /// `r`; none where nothing is kept from tick to tick.
    pub r: Option<&'o Tensor<f64>>,
    /// `tau` and `v_leak`.
    pub leak: Option<(&'o Tensor<f64>, &'o Tensor<f64>)>,
    /// The threshold, and `v_reset` where there is something to reset.
    pub fire: Option<(&'o Tensor<f64>, Option<&'o Tensor<f64>>)>,
}

impl<'o> Parts<'o> {
    /// The parts of a population as the importer made it; `None` for other ops.
    pub fn of(op: &'o Op) -> Option<Self> {
        let none = |node| Self { node, current: None, r: None, leak: None, fire: None };
        Some(match op {
            Op::If(op) => Self { r: Some(&op.r), fire: Some((&op.v_threshold, Some(&op.v_reset))), ..none(&op.node) },
            Op::Lif(op) => Self {
                r: Some(&op.r),
                leak: Some((&op.tau, &op.v_leak)),
                fire: Some((&op.v_threshold, Some(&op.v_reset))),
                ..none(&op.node)
            },
            Op::CubaLif(op) => Self {
                current: Some((&op.tau_syn, &op.w_in)),
                r: Some(&op.r),
                leak: Some((&op.tau_mem, &op.v_leak)),
                fire: Some((&op.v_threshold, Some(&op.v_reset))),
                ..none(&op.node)
            },
            Op::Threshold(op) => Self { fire: Some((&op.threshold, None)), ..none(&op.node) },
            Op::I(op) => Self { r: Some(&op.r), ..none(&op.node) },
            Op::Li(op) => Self { r: Some(&op.r), leak: Some((&op.tau, &op.v_leak)), ..none(&op.node) },
            Op::CubaLi(op) => Self {
                current: Some((&op.tau_syn, &op.w_in)),
                r: Some(&op.r),
                leak: Some((&op.tau_mem, &op.v_leak)),
                ..none(&op.node)
            },
            Op::Relay(op) => none(&op.node),
            _ => return None,
        })
    }

    /// The time constants.
    pub fn taus(&self) -> impl Iterator<Item = &'o Tensor<f64>> {
        self.current.into_iter().chain(self.leak).map(|(tau, _)| tau)
    }
}
