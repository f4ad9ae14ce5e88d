//! What every primitive of NIR can do.

use super::{
    array::{broadcast_shape, count},
    fields::Fields,
    raw::Members,
};
use s2c_dialects::diagnostic::Result;

/// What every primitive can do.
pub(super) trait Primitive: Sized {
    /// Its name in the `type` field.
    const KIND: &'static str;
    /// Takes its fields.
    fn read(fields: &mut Fields<'_>) -> Result<Self>;
    /// Gives its fields, without `type`.
    fn write(&self) -> Members;
    /// Its shapes, as far as they are known from its fields and the shape that comes in.
    /// Where the fields fix the input shape, that one is given; the caller compares.
    fn shape(&self, input: Option<&[usize]>) -> Result<Option<NodeShape>>;
}

/// Shapes of one tick's data before and after a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeShape {
    /// What comes in.
    pub input: Vec<usize>,
    /// What goes out.
    pub output: Vec<usize>,
}

impl NodeShape {
    /// The same before and after.
    pub(super) fn same(shape: &[usize]) -> Self {
        Self { input: shape.to_vec(), output: shape.to_vec() }
    }
}

/// Shape of a node that works element by element with parameters of the shape `own`: that of its input, where the
/// parameters stretch to it, else its own. One single parameter has no shape of its own.
pub(super) fn elementwise_shape(own: &[usize], input: Option<&[usize]>) -> Option<NodeShape> {
    match input {
        Some(input) if count(own) == 1 || broadcast_shape(own, input).as_deref() == Some(input) => {
            Some(NodeShape::same(input))
        }
        None if count(own) == 1 => None,
        _ => Some(NodeShape::same(own)),
    }
}
