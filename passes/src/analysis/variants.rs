//! Which kernel variant each block of synapses and each update of a PE runs.

use s2c_dialects::{
    attribute,
    diagnostic::{Diagnostic, Result},
    s2k::{self, Convolution, DecayForm, OneToOne, Pe, Rows, Update},
};
use std::collections::BTreeSet;

use s2c_kernels::{
    Accumulator, ConvKernel, CurrentStage, Decay, Extent, Factor, Fire, Kernel, OneToOneKernel, Reset, RowKernel,
    SparseKernel, Spread, State, UpdateKernel, WeightWidth,
};

/// Accumulators of 16 or 32 bits.
pub fn accumulator(width: i64) -> Accumulator {
    if width == 16 { Accumulator::I16 } else { Accumulator::I32 }
}

/// Weights as stored.
pub fn weight_width(bits: i64) -> WeightWidth {
    WeightWidth::of_bits(bits).unwrap_or(WeightWidth::W16)
}

/// What a packet to a block multiplies weights by: its payload, or 1, shifted.
pub fn factor(graded: bool, shift: Option<i64>) -> Factor {
    match (graded, shift.unwrap_or(0)) {
        (true, bits) => Factor::Payload(bits as i8),
        (false, 0) => Factor::One,
        (false, bits) => Factor::Shifted(bits as u8),
    }
}

/// The kernel of a block of sparse rows.
pub fn sparse_kernel(rows: &Rows) -> SparseKernel {
    SparseKernel { accumulators: accumulator(rows.width) }
}

/// The kernel of a block of rows.
pub fn row_kernel(rows: &Rows) -> RowKernel {
    RowKernel {
        weights: weight_width(rows.bits),
        accumulators: accumulator(rows.width),
        length: rows.length as u32,
        factor: factor(rows.graded, rows.shift),
    }
}

fn number(value: i64) -> Result<u32> {
    u32::try_from(value).map_err(|_| Box::new(Diagnostic::bug(format!("a convolution holds {value}"))))
}

/// The rows of both maps that a convolution deals with.
pub fn extent(block: &Convolution) -> Result<Extent> {
    Ok(Extent {
        source_row: number(block.source_row)?,
        source_rows: number(block.count)?.div_ceil(number(block.source_channels * block.source_width)?.max(1)),
        target_row: number(block.target_row)?,
        target_rows: number(block.target_rows)?,
    })
}

/// The kernel of a convolution.
pub fn conv_kernel(block: &Convolution) -> Result<ConvKernel> {
    let pair = |values: &[i64]| match *values {
        [rows, columns] => Ok([number(rows)?, number(columns)?]),
        _ => Err(Box::new(Diagnostic::bug("a convolution's pair is not one"))),
    };
    Ok(ConvKernel {
        weights: weight_width(block.bits),
        accumulators: accumulator(block.width),
        source_width: number(block.source_width)?,
        source_channels: number(block.source_channels)?,
        pool: pair(&block.pool)?,
        pooled: pair(&block.pooled)?,
        kernel: pair(&block.kernel)?,
        stride: pair(&block.stride)?,
        padding: pair(&block.padding)?,
        dilation: pair(&block.dilation)?,
        target_width: number(block.target_width)?,
        target_channels: number(block.target_channels)?,
        factor: factor(block.graded, block.shift),
    })
}

/// The kernel of a one-to-one connection.
pub fn one_to_one_kernel(block: &OneToOne) -> OneToOneKernel {
    OneToOneKernel { accumulators: accumulator(block.width), factor: factor(block.graded, block.shift) }
}

fn spread(update: &Update, parameter: &s2k::Parameter) -> Spread {
    match (parameter, update.period) {
        (s2k::Parameter::Value(_) | s2k::Parameter::Float(_), _) => Spread::Uniform,
        (s2k::Parameter::Buffer(_), None) => Spread::PerNeuron,
        (s2k::Parameter::Buffer(_), Some(period)) => Spread::Repeating(period.ilog2() as u8),
    }
}

/// What a PE's kernels ask of a buffer: its address is a multiple of this many bytes, a power of two.
pub fn alignment(pe: &Pe, buffer: &str) -> i64 {
    let of = |update: &Update| match update.period {
        Some(period) if update.accumulators.0 == buffer => period * update.width / 8,
        Some(period) if update.parameters().any(|parameter| parameter.0 == buffer) => 8 * period,
        _ => 4,
    };
    pe.updates.iter().map(of).max().unwrap_or(4)
}

fn decay(form: Option<DecayForm>, spread: Option<Spread>) -> Decay {
    match (form, spread) {
        (Some(DecayForm::Whole), Some(spread)) => Decay::Whole(spread),
        (Some(DecayForm::Fraction), Some(spread)) => Decay::Fraction(spread),
        (Some(DecayForm::Mixed), Some(_)) => Decay::Mixed,
        (Some(DecayForm::Float), Some(spread)) => Decay::Float(spread),
        _ => Decay::None,
    }
}

/// The kernel of an update.
pub fn update_kernel(update: &Update) -> Result<UpdateKernel> {
    let spread = |parameter: &s2k::Parameter| spread(update, parameter);
    let shift = |shift: i64| u8::try_from(shift).map_err(|_| Box::new(Diagnostic::bug(format!("a shift of {shift}"))));
    let current = match &update.currents {
        Some(_) => Some(CurrentStage {
            decay: decay(update.current_form, update.current_decay.as_ref().map(spread)),
            offset: update.current_offset.as_ref().map(spread),
            output_shift: shift(update.current_shift.unwrap_or(0))?,
        }),
        None => None,
    };
    let fire = update.threshold.as_ref().zip(update.reset_by.as_ref()).map(|(threshold, by)| Fire {
        threshold: spread(threshold),
        reset: match update.reset {
            Some(attribute::Reset::Subtract) => Reset::Subtract(spread(by)),
            Some(attribute::Reset::SubtractPending) => Reset::SubtractPending(spread(by)),
            _ => Reset::Value(spread(by)),
        },
    });
    Ok(UpdateKernel {
        accumulators: accumulator(update.width),
        state: match (update.float_state, update.saturate) {
            (true, _) => State::Float,
            (false, true) => State::Saturate,
            (false, false) => State::Wrap,
        },
        input_shift: i8::try_from(update.shift)
            .map_err(|_| Box::new(Diagnostic::bug(format!("a shift of {}", update.shift))))?,
        current,
        decay: decay(update.form, update.decay.as_ref().map(spread)),
        offset: update.offset.as_ref().map(spread),
        byte_shift: update.byte_shift.map(shift).transpose()?,
        fire,
        readout: update.readout.as_ref().map(spread),
    })
}

/// All variants that a PE needs.
pub fn kernels_of(pe: &Pe) -> Result<BTreeSet<Kernel>> {
    let rows = pe.rows.iter().map(|rows| match rows.sparse {
        true => Kernel::Sparse(sparse_kernel(rows)),
        false => Kernel::Row(row_kernel(rows)),
    });
    let mut kernels: BTreeSet<Kernel> = rows.collect();
    for block in &pe.convolutions {
        kernels.insert(Kernel::Conv(conv_kernel(block)?));
    }
    for block in &pe.one_to_ones {
        kernels.insert(Kernel::OneToOne(one_to_one_kernel(block)));
    }
    for update in &pe.updates {
        kernels.insert(Kernel::Update(update_kernel(update)?));
    }
    Ok(kernels)
}
