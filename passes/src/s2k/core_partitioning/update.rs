//! The update of one slice, and where its parameters lie.

use super::{slice::Slice, stored::Storage};
use s2c_dialects::{
    attribute::{Symbol, Tensor},
    diagnostic::{Diagnostic, Result},
    fixed_point::Factor,
    neuron::Stages,
    qsnn::{Coefficient, Floats, Integers, Network, Numbers, PerNeuron, State},
    s2k::{Buffer, DecayForm, Parameter, Pe, Purpose, Update, Values},
};
use s2c_kernels::GROUP;

/// Numbers as a PE keeps them: in 32-bit words.
trait Stored: Numbers {
    /// A threshold that no membrane exceeds.
    const NEVER: Self::Word;
    /// Nothing to add or to hand on.
    const ZERO: Self::Word;
    /// The same for all neurons.
    fn parameter(value: Self::Word) -> Parameter;
    /// One per neuron.
    fn values(tensor: Tensor<Self::Word>) -> Values;
    /// How decay factors become multipliers; `None` where nothing decays.
    fn decay(factors: &Tensor<Self::Factor>) -> Option<(DecayForm, Tensor<Self::Word>)>;
    /// What membranes are multiplied by to be handed on.
    fn readout(factors: &Tensor<Self::Factor>) -> Tensor<Self::Word>;
}

impl Stored for Integers {
    const NEVER: i32 = i32::MAX;
    const ZERO: i32 = 0;
    fn parameter(value: i32) -> Parameter {
        Parameter::Value(value.into())
    }
    fn values(tensor: Tensor<i32>) -> Values {
        Values::I32(tensor)
    }
    fn decay(factors: &Tensor<Factor>) -> Option<(DecayForm, Tensor<i32>)> {
        decay_form(factors)
    }
    fn readout(factors: &Tensor<Factor>) -> Tensor<i32> {
        factors.map(|factor| factor.multiplier().to_bits())
    }
}

impl Stored for Floats {
    const NEVER: f32 = f32::MAX;
    const ZERO: f32 = 0.0;
    fn parameter(value: f32) -> Parameter {
        Parameter::Float(value)
    }
    fn values(tensor: Tensor<f32>) -> Values {
        Values::F32(tensor)
    }
    fn decay(factors: &Tensor<f32>) -> Option<(DecayForm, Tensor<f32>)> {
        (factors.uniform() != Some(1.0)).then(|| (DecayForm::Float, factors.clone()))
    }
    fn readout(factors: &Tensor<f32>) -> Tensor<f32> {
        factors.clone()
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

    /// A coefficient of the slice's neurons, and of the padding up to whole groups where `tensor` has that.
    fn add<N: Stored>(&mut self, which: Coefficient, tensor: Tensor<N::Word>) -> Parameter {
        if let Some(value) = tensor.uniform() {
            return N::parameter(value);
        }
        let count = self.period.unwrap_or(self.slice.neurons.len().next_multiple_of(4));
        let bytes = 4 * count as i64;
        let tensor = match self.period {
            Some(period) => Tensor::new(vec![period], tensor.iter().take(period).collect()),
            None => tensor,
        };
        let (name, values) = (which.name().to_owned(), Some(N::values(tensor)));
        let (sym_name, purpose) = (name.clone(), Purpose::Parameters);
        self.pe.buffers.push(Buffer { sym_name, purpose, bytes, address: None, values });
        Parameter::Buffer(Symbol(name))
    }

    /// The values of the slice's neurons and of the padding up to whole groups.
    fn padded<T: Copy + PartialEq>(&self, tensor: &Tensor<T>, padding: T) -> Tensor<T> {
        let values = self.here(tensor, Some(padding));
        let padded = values.len().next_multiple_of(GROUP as usize);
        let padding = std::iter::repeat_n(padding, padded - values.len());
        Tensor::new(vec![padded], values.iter().chain(padding).collect())
    }

    /// All stages.
    fn stages<N: Stored>(&mut self, update: &mut Update, stages: &Stages<N>) {
        for (which, values) in stages.coefficients() {
            match values {
                PerNeuron::Factors(factors) => self.factors::<N>(update, which, factors),
                PerNeuron::Words(words) => self.words::<N>(update, which, words),
            }
        }
        if let Some(current) = &stages.current {
            update.currents = Some(Symbol("currents".to_owned()));
            update.current_shift = current.shift;
        }
        update.reset = stages.fire().map(|fire| fire.reset);
        update.fraction = stages.hand_on().map(|hand_on| hand_on.fraction);
    }

    /// Decays, and what membranes are handed on with: neurons that are only padding hand on nothing.
    fn factors<N: Stored>(&mut self, update: &mut Update, which: Coefficient, factors: &Tensor<N::Factor>) {
        if which == Coefficient::Readout {
            let factors = self.padded(&N::readout(factors), N::ZERO);
            update.readout = Some(self.add::<N>(which, factors));
            return;
        }
        let decay = N::decay(&self.here(factors, None));
        let form = decay.as_ref().map(|(form, _)| *form);
        let multiplier = decay.map(|(_, multiplier)| self.add::<N>(which, multiplier));
        match which {
            Coefficient::CurrentDecay => (update.current_form, update.current_decay) = (form, multiplier),
            _ => (update.form, update.decay) = (form, multiplier),
        }
    }

    /// What is added or compared; neurons that are only padding never fire, and 0 for all is nothing to add.
    fn words<N: Stored>(&mut self, update: &mut Update, which: Coefficient, words: &Tensor<N::Word>) {
        let words = match which {
            Coefficient::Threshold => self.padded(words, N::NEVER),
            _ => self.here(words, None),
        };
        let parameter = Some(self.add::<N>(which, words));
        let offset = |parameter: Option<Parameter>| parameter.filter(|one| *one != N::parameter(N::ZERO));
        match which {
            Coefficient::CurrentOffset => update.current_offset = offset(parameter),
            Coefficient::Offset => update.offset = offset(parameter),
            Coefficient::Threshold => update.threshold = parameter,
            _ => update.reset_by = parameter,
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
    let neuron = network.nodes[population].op.neuron().ok_or_else(|| Diagnostic::bug("not a population"))?;
    let mut update = Update {
        slice: slice.name.clone(),
        population: neuron.node.clone(),
        shape: Some(&network.result(population)?.shape)
            .filter(|shape| slice.layout.map_or(shape.len() != 1, |layout| layout.map[..] != shape[..]))
            .map(|shape| shape.iter().map(|&extent| extent as i64).collect()),
        first: slice.first as i64,
        count: slice.neurons.len() as i64,
        layout: slice.layout.map(|layout| layout.to_attribute()),
        start: neuron.start.ok_or_else(|| Diagnostic::bug("`retiming` has not run"))?,
        key: None,
        mask: None,
        accumulators: Symbol("accumulators".to_owned()),
        width: storage.width,
        slots,
        shift: neuron.shift.unwrap_or(0),
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
        saturate: neuron.saturate,
        byte_shift: neuron.byte_shift,
        float_state: matches!(neuron.state, State::Floats(_)),
    };
    let padded = slice.layout.filter(|layout| storage.repeats && layout.padded.is_power_of_two());
    let period = padded.map(|layout| layout.padded);
    let mut parameters = Parameters { slice, pe, period };
    match &neuron.state {
        State::Integers(stages) => parameters.stages(&mut update, stages),
        State::Floats(stages) => parameters.stages(&mut update, stages),
    }
    update.scale = parameters.here(&neuron.scale, None);
    if update.parameters().next().is_some() {
        update.period = period.map(|period| period as i64);
    }
    if update.currents.is_some() {
        pe.buffers.push(Buffer::state("currents", slice.neurons.len().next_multiple_of(4) as i64 * 4));
    }
    Ok(update)
}

/// How the decay factors of a slice fit into signed 32-bit multipliers; `None` where nothing decays.
fn decay_form(decay: &Tensor<Factor>) -> Option<(DecayForm, Tensor<i32>)> {
    if decay.uniform() == Some(Factor::ONE) {
        return None;
    }
    let whole = |factor: Factor| factor >= Factor::HALF;
    let form = match (decay.iter().all(whole), decay.iter().any(whole)) {
        (true, _) => DecayForm::Whole,
        (false, false) => DecayForm::Fraction,
        (false, true) => DecayForm::Mixed,
    };
    let multiplier = |factor: Factor| match (whole(factor), form) {
        // In the mixed form 0 stands for a factor of 0; 1 - 2^-32 rounds every 32-bit value to itself, as 1 does.
        (true, DecayForm::Mixed) => factor.min(Factor::BELOW_ONE).beside_one(),
        (true, _) => factor.beside_one(),
        (false, _) => factor.multiplier(),
    };
    Some((form, decay.map(|factor| multiplier(factor).to_bits())))
}
