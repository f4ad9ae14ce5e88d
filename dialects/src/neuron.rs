//! The neuron that both networks share: a difference equation with named stages.
//!
//! | stage | says |
//! |---|---|
//! | current (optional) | what the input drives before it drives the membrane |
//! | membrane | v from one tick to the next |
//! | fire, or hand on | spikes and what they do to v; or v itself |
//!
//! What a stage holds, and its exact arithmetic, is a matter of the [`Level`]: factors and volts in `snn`, integers or
//! binary32 with their scales in `qsnn`. A stage that isn't there has no attributes and costs nothing.

use crate::diagnostic::Result;
use melior::{
    Context,
    ir::{Attribute, Identifier, OperationRef, operation::OperationLike},
};
use std::fmt::Debug;

/// Attributes of an op; `None` for one that is not there.
pub(crate) type Attributes<'c> = Vec<(&'static str, Option<Attribute<'c>>)>;

/// A stage as attributes of its op.
pub trait Stage: Clone + Debug + PartialEq {
    /// Names of the attributes; the first is there where the stage is.
    const ATTRIBUTES: &'static [&'static str];
    /// Decodes the stage of an op that has it.
    ///
    /// # Errors
    /// An attribute that is missing or of another kind.
    fn read(operation: OperationRef<'_, '_>) -> Result<Self>;
    /// Encodes.
    fn attributes<'c>(&self, context: &'c Context) -> Vec<(&'static str, Option<Attribute<'c>>)>;
    /// Decodes the stage of an op that may have it.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn read_if_any(operation: OperationRef<'_, '_>) -> Result<Option<Self>> {
        let is_there = Self::ATTRIBUTES.first().is_some_and(|&name| operation.attribute(name).is_ok());
        is_there.then(|| Self::read(operation)).transpose()
    }
}

/// What the stages of a level hold.
pub trait Level: Clone + Debug + PartialEq {
    /// Between input and membrane.
    type Current: Stage;
    /// The membrane.
    type Membrane: Stage;
    /// Threshold and reset.
    type Fire: Stage;
    /// How a membrane is handed on.
    type HandOn: Stage;
}

/// The stages of a population's neurons, in the order in which they act in a tick.
#[derive(Clone, Debug, PartialEq)]
pub struct Stages<L: Level> {
    /// The synaptic current; without it the input drives the membrane.
    pub current: Option<L::Current>,
    /// The membrane.
    pub membrane: L::Membrane,
    /// What the neurons hand on.
    pub output: Output<L>,
}

/// What neurons hand on.
#[derive(Clone, Debug, PartialEq)]
pub enum Output<L: Level> {
    /// Spikes.
    Fire(L::Fire),
    /// Their membranes.
    HandOn(L::HandOn),
}

impl<L: Level> Stages<L> {
    /// Decodes the stages of an op.
    ///
    /// # Errors
    /// An attribute that is missing or of another kind.
    pub fn read(operation: OperationRef<'_, '_>) -> Result<Self> {
        let output = match L::Fire::read_if_any(operation)? {
            Some(fire) => Output::Fire(fire),
            None => Output::HandOn(L::HandOn::read(operation)?),
        };
        let current = L::Current::read_if_any(operation)?;
        Ok(Self { current, membrane: L::Membrane::read(operation)?, output })
    }

    /// Encodes.
    pub(crate) fn attributes<'c>(&self, context: &'c Context) -> Attributes<'c> {
        let mut all = self.current.as_ref().map_or_else(Vec::new, |current| current.attributes(context));
        all.extend(self.membrane.attributes(context));
        all.extend(match &self.output {
            Output::Fire(fire) => fire.attributes(context),
            Output::HandOn(hand_on) => hand_on.attributes(context),
        });
        all
    }

    /// Threshold and reset, where the neurons have spikes.
    pub fn fire(&self) -> Option<&L::Fire> {
        match &self.output {
            Output::Fire(fire) => Some(fire),
            Output::HandOn(_) => None,
        }
    }

    /// How membranes are handed on, where they are.
    pub fn hand_on(&self) -> Option<&L::HandOn> {
        match &self.output {
            Output::Fire(_) => None,
            Output::HandOn(hand_on) => Some(hand_on),
        }
    }
}

/// The attributes that are there, as an operation takes them.
pub(crate) fn present<'c>(context: &'c Context, attributes: Attributes<'c>) -> Vec<(Identifier<'c>, Attribute<'c>)> {
    attributes.into_iter().filter_map(|(name, value)| Some((Identifier::new(context, name), value?))).collect()
}

/// Declares stages: each field with the name of its attribute, the one that says that the stage is there first.
macro_rules! stages {
    ($($(#[$meta:meta])* pub struct $name:ident $(<$n:ident: $bound:path>)? {
        $($(#[$field_meta:meta])* $field:ident: $type:ty = $attribute:literal,)*
    })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name $(<$n: $bound>)? { $($(#[$field_meta])* pub $field: $type,)* }
        impl $(<$n: $bound>)? $crate::neuron::Stage for $name $(<$n>)? {
            const ATTRIBUTES: &'static [&'static str] = &[$($attribute),*];
            fn read(_operation: melior::ir::OperationRef<'_, '_>) -> $crate::diagnostic::Result<Self> {
                Ok(Self { $($field: $crate::attribute::read(_operation, $attribute)?,)* })
            }
            fn attributes<'c>(&self, _context: &'c melior::Context) -> $crate::neuron::Attributes<'c> {
                vec![$(($attribute, $crate::attribute::AttributeValue::encode(&self.$field, _context)),)*]
            }
        }
    )*};
}
pub(crate) use stages;
