//! The update of one slice, and where its parameters lie.

use super::{build::zeros, cut::Slice, storage::Storage};
use s2c_dialects::{
    attribute::{Reset, Symbol, Tensor},
    diagnostic::{Diagnostic, Result},
    qsnn::{Network, Op},
    s2k::{Buffer, DecayForm, Parameter, Pe, Update, Values},
};
use s2c_kernels::GROUP;

/// A 32-bit number that a parameter can be.
trait Word: Copy + Default + PartialEq {
    /// A threshold that no membrane exceeds.
    const NEVER: Self;
    /// The same for all neurons.
    fn parameter(value: Self) -> Parameter;
    /// One per neuron.
    fn values(tensor: Tensor<Self>) -> Values;
}

impl Word for i32 {
    const NEVER: Self = Self::MAX;
    fn parameter(value: Self) -> Parameter {
        Parameter::Value(value.into())
    }
    fn values(tensor: Tensor<Self>) -> Values {
        Values::I32(tensor)
    }
}

impl Word for f32 {
    const NEVER: Self = Self::MAX;
    fn parameter(value: Self) -> Parameter {
        Parameter::Float(value)
    }
    fn values(tensor: Tensor<Self>) -> Values {
        Values::F32(tensor)
    }
}

/// Parameters of a slice: those that are equal for all neurons as values, the others as buffers of the PE.
struct Parameters<'p> {
    slice: &'p Slice,
    pe: &'p mut Pe,
    /// Neurons after which all parameters repeat, where they do.
    period: Option<usize>,
}

impl Parameters<'_> {
    /// The values of the slice's neurons; padding takes `padding`, or what its neighbours have.
    fn here<T: Copy + PartialEq>(&self, tensor: &Tensor<T>, padding: Option<T>) -> Tensor<T> {
        let mut last = padding.or_else(|| self.slice.neurons.iter().flatten().next().map(|&first| tensor.at(first)));
        let values = self.slice.neurons.iter().map(|neuron| {
            if let Some(index) = neuron {
                let value = tensor.at(*index);
                last = padding.or(Some(value));
                return value;
            }
            last.unwrap_or_else(|| tensor.at(0))
        });
        Tensor::new(vec![self.slice.neurons.len()], values.collect())
    }

    fn add<T: Word>(&mut self, name: &str, tensor: Tensor<T>) -> Parameter {
        if let Some(value) = tensor.uniform() {
            return T::parameter(value);
        }
        let count = self.period.unwrap_or(self.slice.neurons.len().next_multiple_of(4));
        let bytes = 4 * count as i64;
        let tensor = match self.period {
            Some(period) => Tensor::new(vec![period], tensor.iter().take(period).collect()),
            None => tensor,
        };
        let values = Some(T::values(tensor));
        self.pe.buffers.push(Buffer { sym_name: name.to_owned(), bytes, address: None, values });
        Parameter::Buffer(Symbol(name.to_owned()))
    }

    fn word<T: Word>(&mut self, name: &str, tensor: &Tensor<T>) -> Parameter {
        self.add(name, self.here(tensor, None))
    }

    /// As [`Self::word`]; zero for all is nothing at all.
    fn offset<T: Word>(&mut self, name: &str, tensor: &Tensor<T>) -> Option<Parameter> {
        Some(self.word(name, tensor)).filter(|parameter| *parameter != T::parameter(T::default()))
    }

    /// The current between sums and membrane.
    fn current(&mut self, update: &mut Update, decay: &Tensor<i64>, offset: &Tensor<i32>, shift: i64) {
        update.currents = Some(Symbol("currents".to_owned()));
        update.current_shift = Some(shift);
        (update.current_form, update.current_decay) = self.decay("current_decay", decay);
        update.current_offset = self.offset("current_offset", offset);
    }

    /// The same with float state, where nothing is shifted.
    fn float_current(&mut self, update: &mut Update, decay: &Tensor<f32>, offset: &Tensor<f32>) {
        update.currents = Some(Symbol("currents".to_owned()));
        (update.current_form, update.current_decay) = self.float_decay("current_decay", decay);
        update.current_offset = self.offset("current_offset", offset);
    }

    /// Threshold, what a spike does, and what to add.
    fn fire<T: Word>(&mut self, update: &mut Update, op: (&Tensor<T>, &Tensor<T>, Reset, &Tensor<T>)) {
        let (offset, threshold, reset, reset_by) = op;
        update.offset = self.offset("offset", offset);
        // Neurons that are only padding never fire.
        let thresholds = self.padded(threshold, T::NEVER);
        update.threshold = Some(self.add("threshold", thresholds));
        update.reset = Some(reset);
        update.reset_by = Some(self.word("reset_by", reset_by));
    }

    /// What membranes are multiplied by to be sent; neurons that are only padding send nothing.
    fn hand_on<T: Word>(&mut self, update: &mut Update, offset: &Tensor<T>, readout: &Tensor<T>, fraction: i64) {
        update.offset = self.offset("offset", offset);
        let factors = self.padded(readout, T::default());
        update.readout = Some(self.add("readout", factors));
        update.fraction = Some(fraction);
    }

    /// The values of the slice's neurons and of the padding up to whole groups.
    fn padded<T: Word>(&self, tensor: &Tensor<T>, padding: T) -> Tensor<T> {
        let values = self.here(tensor, Some(padding));
        let padded = values.len().next_multiple_of(GROUP as usize);
        let padding = std::iter::repeat_n(padding, padded - values.len());
        Tensor::new(vec![padded], values.iter().chain(padding).collect())
    }

    /// A float decay; 1 for all is none at all.
    fn float_decay(&mut self, name: &str, tensor: &Tensor<f32>) -> (Option<DecayForm>, Option<Parameter>) {
        let parameter = Some(self.word(name, tensor)).filter(|parameter| *parameter != Parameter::Float(1.0));
        (parameter.is_some().then_some(DecayForm::Float), parameter)
    }

    fn decay(&mut self, name: &str, tensor: &Tensor<i64>) -> (Option<DecayForm>, Option<Parameter>) {
        match decay_form(&self.here(tensor, None)) {
            Some((form, multiplier)) => (Some(form), Some(self.add(name, multiplier))),
            None => (None, None),
        }
    }
}

/// The update of a slice; what it needs of parameters goes into the PE.
pub fn update(
    network: &Network,
    population: usize,
    slice: &Slice,
    slots: i64,
    storage: &Storage,
    pe: &mut Pe,
) -> Result<Update> {
    let op = &network.nodes[population].op;
    let mut update = Update {
        slice: slice.name.clone(),
        population: op.node().unwrap_or("?").to_owned(),
        shape: Some(&network.result(population)?.shape)
            .filter(|shape| slice.layout.map_or(shape.len() != 1, |layout| layout.map[..] != shape[..]))
            .map(|shape| shape.iter().map(|&extent| extent as i64).collect()),
        first: slice.first as i64,
        count: slice.neurons.len() as i64,
        layout: slice.layout.map(|layout| layout.to_attribute()),
        start: op.start().ok_or_else(|| Diagnostic::bug("`retiming` has not run"))?,
        key: None,
        mask: None,
        accumulators: Symbol("accumulators".to_owned()),
        width: storage.width,
        slots,
        shift: 0,
        currents: None,
        current_shift: None,
        current_form: None,
        current_decay: None,
        current_offset: None,
        membranes: Symbol("membranes".to_owned()),
        form: None,
        decay: None,
        offset: None,
        threshold: None,
        reset: None,
        reset_by: None,
        readout: None,
        fraction: None,
        period: None,
        scale: Tensor::splat(vec![0], 0.0),
        saturate: false,
        byte_shift: None,
        float_state: false,
    };
    let padded = slice.layout.filter(|layout| storage.repeats && layout.padded.is_power_of_two());
    let period = padded.map(|layout| layout.padded);
    let mut parameters = Parameters { slice, pe, period };
    let scale = match op {
        Op::Lif(op) => {
            (update.shift, update.saturate, update.byte_shift) = (op.shift, op.saturate, op.byte_shift);
            (update.form, update.decay) = parameters.decay("decay", &op.decay);
            parameters.fire(&mut update, (&op.offset, &op.threshold, op.reset, &op.reset_by));
            &op.scale
        }
        Op::CubaLif(op) => {
            (update.shift, update.saturate, update.byte_shift) = (op.shift, op.saturate, op.byte_shift);
            parameters.current(&mut update, &op.current_decay, &op.current_offset, op.current_shift);
            (update.form, update.decay) = parameters.decay("decay", &op.decay);
            parameters.fire(&mut update, (&op.offset, &op.threshold, op.reset, &op.reset_by));
            &op.scale
        }
        Op::FloatLif(op) => {
            update.float_state = true;
            (update.form, update.decay) = parameters.float_decay("decay", &op.decay);
            parameters.fire(&mut update, (&op.offset, &op.threshold, op.reset, &op.reset_by));
            &op.scale
        }
        Op::FloatCubaLif(op) => {
            update.float_state = true;
            parameters.float_current(&mut update, &op.current_decay, &op.current_offset);
            (update.form, update.decay) = parameters.float_decay("decay", &op.decay);
            parameters.fire(&mut update, (&op.offset, &op.threshold, op.reset, &op.reset_by));
            &op.scale
        }
        Op::Li(op) => {
            (update.shift, update.saturate) = (op.shift, op.saturate);
            (update.form, update.decay) = parameters.decay("decay", &op.decay);
            parameters.hand_on(&mut update, &op.offset, &op.readout.map(|factor| factor as i32), op.fraction);
            &op.scale
        }
        Op::CubaLi(op) => {
            (update.shift, update.saturate) = (op.shift, op.saturate);
            parameters.current(&mut update, &op.current_decay, &op.current_offset, op.current_shift);
            (update.form, update.decay) = parameters.decay("decay", &op.decay);
            parameters.hand_on(&mut update, &op.offset, &op.readout.map(|factor| factor as i32), op.fraction);
            &op.scale
        }
        Op::FloatLi(op) => {
            update.float_state = true;
            (update.form, update.decay) = parameters.float_decay("decay", &op.decay);
            parameters.hand_on(&mut update, &op.offset, &op.readout, op.fraction);
            &op.scale
        }
        Op::FloatCubaLi(op) => {
            update.float_state = true;
            parameters.float_current(&mut update, &op.current_decay, &op.current_offset);
            (update.form, update.decay) = parameters.float_decay("decay", &op.decay);
            parameters.hand_on(&mut update, &op.offset, &op.readout, op.fraction);
            &op.scale
        }
        _ => return Err(Box::new(Diagnostic::bug("not a population"))),
    };
    update.scale = parameters.here(scale, None);
    if update.parameters().next().is_some() {
        update.period = period.map(|period| period as i64);
    }
    if update.currents.is_some() {
        pe.buffers.push(zeros("currents", slice.neurons.len().next_multiple_of(4) as i64 * 4));
    }
    Ok(update)
}

/// How the decay factors of a slice fit into signed 32-bit multipliers; `None` where nothing decays.
fn decay_form(decay: &Tensor<i64>) -> Option<(DecayForm, Tensor<i32>)> {
    const ONE: i64 = 1 << 32;
    if decay.uniform() == Some(ONE) {
        return None;
    }
    let whole = |factor: i64| factor >= ONE / 2;
    let form = match (decay.iter().all(whole), decay.iter().any(whole)) {
        (true, _) => DecayForm::Whole,
        (false, false) => DecayForm::Fraction,
        (false, true) => DecayForm::Mixed,
    };
    let multiplier = |factor: i64| match (whole(factor), form) {
        // In the mixed form 0 stands for a factor of 0; 1 - 2^-32 rounds every 32-bit value to itself, as 1 does.
        (true, DecayForm::Mixed) => (factor.min(ONE - 1) - ONE) as i32,
        (true, _) => (factor - ONE) as i32,
        (false, _) => factor as i32,
    };
    Some((form, decay.map(multiplier)))
}
