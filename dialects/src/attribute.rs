//! Attributes as plain Rust values.

use crate::{
    diagnostic::{Diagnostic, Result},
    ir, raw,
};
use melior::{
    Context,
    ir::{
        Attribute, AttributeLike, OperationRef, Type,
        attribute::{
            DenseElementsAttribute, DenseI64ArrayAttribute, FlatSymbolRefAttribute, FloatAttribute, IntegerAttribute,
            StringAttribute,
        },
        operation::OperationLike,
        r#type::{IntegerType, RankedTensorType},
    },
};

/// A dense tensor of numbers; `values` holds one value for all elements (a splat) or one per element, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<T> {
    /// Extent of each dimension.
    pub shape: Vec<usize>,
    /// One value, or one per element.
    pub values: Vec<T>,
}

impl<T: Copy + PartialEq> Tensor<T> {
    /// A tensor of the given values; all-equal values are kept as one.
    pub fn new(shape: Vec<usize>, mut values: Vec<T>) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len());
        if let Some(first) = values.first().copied()
            && values.iter().all(|&value| value == first)
        {
            values.truncate(1);
        }
        Self { shape, values }
    }

    /// A tensor with the same value everywhere.
    pub fn splat(shape: Vec<usize>, value: T) -> Self {
        Self { shape, values: vec![value] }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True where there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of all elements, where they are equal.
    pub fn uniform(&self) -> Option<T> {
        (self.values.len() == 1).then(|| self.values[0])
    }

    /// Element `index` in row-major order.
    pub fn at(&self, index: usize) -> T {
        if self.values.len() == 1 { self.values[0] } else { self.values[index] }
    }

    /// All elements in row-major order.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        (0..self.len()).map(|index| self.at(index))
    }

    /// The elements `first .. first + count` as a tensor of rank one.
    pub fn slice(&self, first: usize, count: usize) -> Self {
        Self::new(vec![count], (first..first + count).map(|index| self.at(index)).collect())
    }

    /// Another tensor of the same shape.
    pub fn map<U: Copy + PartialEq>(&self, mut f: impl FnMut(T) -> U) -> Tensor<U> {
        Tensor { shape: self.shape.clone(), values: self.values.iter().map(|&value| f(value)).collect() }
    }
}

/// A number that MLIR's dense attributes store as it is in memory.
pub trait Number: Copy + PartialEq + 'static {
    /// Bytes per element.
    const BYTES: usize;
    /// The element type's name in MLIR.
    const NAME: &'static str;
    /// Reads one element from its little-endian bytes.
    fn from_le(bytes: &[u8]) -> Self;
    /// Appends the element's little-endian bytes.
    fn to_le(self, out: &mut Vec<u8>);
    /// The MLIR type.
    fn element_type(context: &Context) -> Type<'_>;
}

macro_rules! number {
    ($type:ty, $name:literal, $element:expr) => {
        impl Number for $type {
            const BYTES: usize = size_of::<$type>();
            const NAME: &'static str = $name;
            fn from_le(bytes: &[u8]) -> Self {
                let mut array = [0; size_of::<$type>()];
                array.copy_from_slice(bytes);
                Self::from_le_bytes(array)
            }
            fn to_le(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn element_type(context: &Context) -> Type<'_> {
                let make: fn(&Context) -> Type<'_> = $element;
                make(context)
            }
        }
    };
}
number!(f32, "f32", |context| Type::float32(context));
number!(f64, "f64", |context| Type::float64(context));
number!(i8, "i8", |context| IntegerType::new(context, 8).into());
number!(i16, "i16", |context| IntegerType::new(context, 16).into());
number!(i32, "i32", |context| IntegerType::new(context, 32).into());
number!(i64, "i64", |context| IntegerType::new(context, 64).into());

/// A Rust type that an attribute of an op can hold. `None` stands for an attribute that is not there.
pub trait AttributeValue: Sized {
    /// Decodes; the error is the kind of attribute that was expected.
    fn decode(attribute: Option<Attribute<'_>>) -> std::result::Result<Self, String>;
    /// Encodes.
    fn encode<'c>(&self, context: &'c Context) -> Option<Attribute<'c>>;
}

impl AttributeValue for i64 {
    fn decode(attribute: Option<Attribute<'_>>) -> std::result::Result<Self, String> {
        let attribute = attribute.ok_or("an integer")?;
        IntegerAttribute::try_from(attribute).map(|value| value.value()).map_err(|_| "an integer".into())
    }
    fn encode<'c>(&self, context: &'c Context) -> Option<Attribute<'c>> {
        Some(IntegerAttribute::new(IntegerType::new(context, 64).into(), *self).into())
    }
}

impl AttributeValue for f64 {
    fn decode(attribute: Option<Attribute<'_>>) -> std::result::Result<Self, String> {
        attribute
            .and_then(|attribute| FloatAttribute::try_from(attribute).ok())
            .map(|value| value.value())
            .ok_or("a float".into())
    }
    fn encode<'c>(&self, context: &'c Context) -> Option<Attribute<'c>> {
        Some(FloatAttribute::new(context, Type::float64(context), *self).into())
    }
}

impl AttributeValue for f32 {
    fn decode(attribute: Option<Attribute<'_>>) -> std::result::Result<Self, String> {
        attribute
            .and_then(|attribute| FloatAttribute::try_from(attribute).ok())
            .filter(|value| value.r#type().to_string() == Self::NAME)
            .map(|value| value.value() as Self)
            .ok_or("a 32-bit float".into())
    }
    fn encode<'c>(&self, context: &'c Context) -> Option<Attribute<'c>> {
        Some(FloatAttribute::new(context, Type::float32(context), f64::from(*self)).into())
    }
}

impl AttributeValue for String {
    fn decode(attribute: Option<Attribute<'_>>) -> std::result::Result<Self, String> {
        attribute
            .and_then(|attribute| StringAttribute::try_from(attribute).ok())
            .map(|value| value.value().to_owned())
            .ok_or("a string".into())
    }
    fn encode<'c>(&self, context: &'c Context) -> Option<Attribute<'c>> {
        Some(StringAttribute::new(context, self).into())
    }
}

/// A unit attribute: there or not.
impl AttributeValue for bool {
    fn decode(attribute: Option<Attribute<'_>>) -> std::result::Result<Self, String> {
        Ok(attribute.is_some())
    }
    fn encode<'c>(&self, context: &'c Context) -> Option<Attribute<'c>> {
        self.then(|| Attribute::unit(context))
    }
}

impl AttributeValue for Vec<i64> {
    fn decode(attribute: Option<Attribute<'_>>) -> std::result::Result<Self, String> {
        let array = attribute
            .and_then(|attribute| DenseI64ArrayAttribute::try_from(attribute).ok())
            .ok_or("an array of integers")?;
        (0..array.len()).map(|index| array.element(index).map_err(|error| error.to_string())).collect()
    }
    fn encode<'c>(&self, context: &'c Context) -> Option<Attribute<'c>> {
        Some(DenseI64ArrayAttribute::new(context, self).into())
    }
}

/// The name of a symbol of the same table, without the `@`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol(pub String);

impl AttributeValue for Symbol {
    fn decode(attribute: Option<Attribute<'_>>) -> std::result::Result<Self, String> {
        attribute
            .and_then(|attribute| FlatSymbolRefAttribute::try_from(attribute).ok())
            .map(|value| Self(value.value().to_owned()))
            .ok_or("a symbol".into())
    }
    fn encode<'c>(&self, context: &'c Context) -> Option<Attribute<'c>> {
        Some(FlatSymbolRefAttribute::new(context, &self.0).into())
    }
}

impl<T: AttributeValue> AttributeValue for Option<T> {
    fn decode(attribute: Option<Attribute<'_>>) -> std::result::Result<Self, String> {
        attribute.map(|attribute| T::decode(Some(attribute))).transpose()
    }
    fn encode<'c>(&self, context: &'c Context) -> Option<Attribute<'c>> {
        self.as_ref().and_then(|value| value.encode(context))
    }
}

impl<T: Number> AttributeValue for Tensor<T> {
    fn decode(attribute: Option<Attribute<'_>>) -> std::result::Result<Self, String> {
        let expected = || format!("dense {} elements", T::NAME);
        let attribute = attribute.ok_or_else(expected)?;
        let dense = DenseElementsAttribute::try_from(attribute).map_err(|_| expected())?;
        let (shape, element) = ir::shape_of(dense.r#type()).ok_or_else(expected)?;
        if element != T::NAME {
            return Err(expected());
        }
        let bytes = raw::dense_bytes(attribute, T::BYTES).ok_or_else(expected)?;
        Ok(Self { shape, values: bytes.chunks_exact(T::BYTES).map(T::from_le).collect() })
    }
    fn encode<'c>(&self, context: &'c Context) -> Option<Attribute<'c>> {
        let dimensions: Vec<u64> = self.shape.iter().map(|&extent| extent as u64).collect();
        let tensor = RankedTensorType::new(&dimensions, T::element_type(context), None);
        let mut bytes = Vec::with_capacity(self.values.len() * T::BYTES);
        self.values.iter().for_each(|value| value.to_le(&mut bytes));
        Some(DenseElementsAttribute::raw_buffer(tensor.into(), &bytes).into())
    }
}

/// An integer tensor of one of the widths that weights are stored in.
#[derive(Clone, Debug, PartialEq)]
pub enum Weights {
    /// Up to 8 bits.
    I8(Tensor<i8>),
    /// 9 to 16 bits.
    I16(Tensor<i16>),
}

impl Weights {
    /// A tensor of the narrowest element type that holds `bits`.
    pub fn new(bits: u32, shape: Vec<usize>, values: Vec<i32>) -> Self {
        if bits <= 8 {
            Self::I8(Tensor::new(shape, values.into_iter().map(|value| value as i8).collect()))
        } else {
            Self::I16(Tensor::new(shape, values.into_iter().map(|value| value as i16).collect()))
        }
    }

    /// Extent of each dimension.
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::I8(tensor) => &tensor.shape,
            Self::I16(tensor) => &tensor.shape,
        }
    }

    /// Element `index` in row-major order.
    #[inline]
    pub fn at(&self, index: usize) -> i32 {
        match self {
            Self::I8(tensor) => tensor.at(index).into(),
            Self::I16(tensor) => tensor.at(index).into(),
        }
    }
}

impl AttributeValue for Weights {
    fn decode(attribute: Option<Attribute<'_>>) -> std::result::Result<Self, String> {
        Tensor::decode(attribute).map(Self::I8).or_else(|_| Tensor::decode(attribute).map(Self::I16))
    }
    fn encode<'c>(&self, context: &'c Context) -> Option<Attribute<'c>> {
        match self {
            Self::I8(tensor) => tensor.encode(context),
            Self::I16(tensor) => tensor.encode(context),
        }
    }
}

/// Declares an enum that an op stores as an `I32EnumAttr`, with the names that its ODS file gives.
macro_rules! enum_attribute {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$case_meta:meta])* $case:ident = $number:literal, $text:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$case_meta])* $case,)* }
        impl $name {
            /// The word that stands for the case in IR and on the command line.
            pub fn keyword(self) -> &'static str {
                match self { $(Self::$case => $text,)* }
            }
        }
        impl $crate::attribute::AttributeValue for $name {
            fn decode(attribute: Option<melior::ir::Attribute<'_>>) -> std::result::Result<Self, String> {
                let number = attribute
                    .and_then(|attribute| melior::ir::attribute::IntegerAttribute::try_from(attribute).ok())
                    .map(|attribute| attribute.value());
                match number { $(Some($number) => Ok(Self::$case),)* _ => Err(concat!("a ", stringify!($name)).into()) }
            }
            fn encode<'c>(&self, context: &'c melior::Context) -> Option<melior::ir::Attribute<'c>> {
                let number = match self { $(Self::$case => $number,)* };
                let i32 = melior::ir::r#type::IntegerType::new(context, 32).into();
                Some(melior::ir::attribute::IntegerAttribute::new(i32, number).into())
            }
        }
    };
}
pub(crate) use enum_attribute;

enum_attribute! {
    /// What happens to the membrane in the tick of a spike.
    pub enum Reset {
        /// The threshold (or the amount `reset_by`) is subtracted.
        Subtract = 0, "subtract";
        /// The membrane is set to a value.
        Value = 1, "value";
        /// As [`Self::Subtract`], but a membrane that was above the threshold before the tick must rise above it by the
        /// amount to fire: snnTorch's `reset_delay=False`.
        SubtractPending = 2, "subtract_pending";
        /// The threshold is subtracted in the next tick, after the decay: snnTorch's `reset_delay=True`.
        SubtractLate = 3, "subtract_late";
    }
}

/// Reads attribute `name` of an op; a missing or wrong one is an error at the op.
pub fn read<T: AttributeValue>(operation: OperationRef<'_, '_>, name: &str) -> Result<T> {
    T::decode(operation.attribute(name).ok()).map_err(|expected| {
        let op = ir::name_of(operation);
        Box::new(
            Diagnostic::error("bad-attribute", format!("attribute `{name}` of `{op}` is not {expected}"))
                .at_node(ir::node_name(operation.location())),
        )
    })
}
