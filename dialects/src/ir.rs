//! Contexts, modules as text, and the types of SSA values.

use crate::{
    diagnostic::{Diagnostic, Result},
    nesting, raw,
};
use melior::{
    Context,
    diagnostic::DiagnosticSeverity,
    ir::{
        BlockLike, Location, Module, OperationRef, RegionLike, RegionRef, Type, TypeLike,
        attribute::StringAttribute,
        operation::{Operation, OperationLike, OperationMutLike},
        r#type::{IntegerType, RankedTensorType, ShapedTypeLike},
    },
};
use std::{cell::RefCell, rc::Rc};

/// A context that knows the three dialects. Single-threaded: passes run one after another.
pub fn context() -> Context {
    let context = Context::new_with_threading(false);
    raw::load_dialects(&context);
    context
}

/// What the elements of an SSA value are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `i1`: a spike or none.
    Spike,
    /// `ui8`: a small number of spikes.
    Count,
    /// `f32`: a current in `snn`.
    F32,
    /// `i16`: a narrow accumulator.
    I16,
    /// `i32`: a wide accumulator.
    I32,
}

impl Element {
    /// True for spikes and counts of spikes.
    pub fn is_spikes(self) -> bool {
        matches!(self, Self::Spike | Self::Count)
    }

    fn to_mlir(self, context: &Context) -> Type<'_> {
        match self {
            Self::Spike => IntegerType::new(context, 1).into(),
            Self::Count => IntegerType::unsigned(context, 8).into(),
            Self::F32 => Type::float32(context),
            Self::I16 => IntegerType::new(context, 16).into(),
            Self::I32 => IntegerType::new(context, 32).into(),
        }
    }
}

/// The type of an SSA value: a tensor of static shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueType {
    /// Extent of each dimension.
    pub shape: Vec<usize>,
    /// What the elements are.
    pub element: Element,
}

impl ValueType {
    /// A tensor type.
    pub fn new(shape: Vec<usize>, element: Element) -> Self {
        Self { shape, element }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True where there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn to_mlir<'c>(&self, context: &'c Context) -> Type<'c> {
        let dimensions: Vec<u64> = self.shape.iter().map(|&extent| extent as u64).collect();
        RankedTensorType::new(&dimensions, self.element.to_mlir(context), None).into()
    }

    pub(crate) fn from_mlir(r#type: Type<'_>) -> Option<Self> {
        let (shape, element) = shape_of(r#type)?;
        let element = match element.as_str() {
            "i1" => Element::Spike,
            "ui8" => Element::Count,
            "f32" => Element::F32,
            "i16" => Element::I16,
            "i32" => Element::I32,
            _ => return None,
        };
        Some(Self { shape, element })
    }
}

/// Extents and the element type's name of a ranked tensor of static shape.
pub(crate) fn shape_of(r#type: Type<'_>) -> Option<(Vec<usize>, String)> {
    if !r#type.is_ranked_tensor() {
        return None;
    }
    let tensor = RankedTensorType::try_from(r#type).ok()?;
    let shape = (0..tensor.rank())
        .map(|index| match tensor.dim_size(index) {
            Ok(melior::ir::r#type::DimSize::Static(extent)) => Some(extent as usize),
            _ => None,
        })
        .collect::<Option<Vec<usize>>>()?;
    Some((shape, tensor.element().to_string()))
}

/// The full name of an op, for example `snn.lif`.
pub(crate) fn name_of(operation: OperationRef<'_, '_>) -> String {
    operation.name().as_string_ref().as_str().unwrap_or("?").to_owned()
}

/// The NIR node that a location names; for a location in a text, `line:column`.
pub fn node_name(location: Location<'_>) -> String {
    if location.is_name() {
        return location.name_value().as_string_ref().as_str().unwrap_or("?").to_owned();
    }
    if location.is_fused() && location.fused_num_locations() > 0 {
        return node_name(location.fused_location(0));
    }
    if location.is_file_line_col_range() {
        return format!(
            "{}:{}",
            location.file_line_col_range_start_line(),
            location.file_line_col_range_start_column()
        );
    }
    "?".to_owned()
}

/// Runs `action` and turns what MLIR reported meanwhile, if it failed, into a diagnostic.
pub fn with_diagnostics<T>(
    context: &Context,
    code: &'static str,
    title: &str,
    action: impl FnOnce() -> Option<T>,
) -> Result<T> {
    type Report = Option<(String, Option<(String, usize, usize)>)>;
    let report: Rc<RefCell<Report>> = Rc::default();
    let sink = report.clone();
    let handler = context.attach_diagnostic_handler(move |diagnostic| {
        if matches!(diagnostic.severity(), DiagnosticSeverity::Error) && sink.borrow().is_none() {
            *sink.borrow_mut() = Some((diagnostic.to_string(), position(diagnostic.location())));
        }
        true
    });
    let result = action();
    context.detach_diagnostic_handler(handler);
    result.ok_or_else(|| {
        let (text, place) = report.borrow_mut().take().unwrap_or_default();
        let diagnostic = Diagnostic::error(code, title).text(text);
        Box::new(match place {
            Some((file, line, column)) => diagnostic.at_text(file, line, column),
            None => diagnostic,
        })
    })
}

fn position(location: Location<'_>) -> Option<(String, usize, usize)> {
    if location.is_name() {
        return position(location.name_child_location());
    }
    if location.is_fused() {
        return (0..location.fused_num_locations()).find_map(|index| position(location.fused_location(index)));
    }
    if !location.is_file_line_col_range() {
        return None;
    }
    let file = location.file_line_col_range_filename().as_string_ref().as_str().ok()?.to_owned();
    Some((file, location.file_line_col_range_start_line(), location.file_line_col_range_start_column()))
}

/// Parses and verifies a module; errors point into `file`.
pub fn parse<'c>(context: &'c Context, text: &str, file: &str) -> Result<Module<'c>> {
    if text.contains('\0') {
        return Err(Box::new(Diagnostic::error("bad-ir", "the file is not text").at_text(file, 1, 1)));
    }
    nesting::check(text).map_err(|(at, what)| {
        let before = &text[..at];
        let column = at - before.rfind('\n').map_or(0, |newline| newline + 1) + 1;
        Diagnostic::error("bad-ir", what).at_text(file, before.matches('\n').count() + 1, column)
    })?;
    let parsed =
        with_diagnostics(context, "bad-ir", "the file does not hold valid IR", || raw::parse(context, text, file));
    parsed.map_err(|error| retired_op(text, file).unwrap_or(error))
}

/// Ops of 0.1 for populations: all of them in `qsnn`, and in `snn` those that were discretised.
const RETIRED: [(&str, &str); 15] = [
    ("qsnn.lif", ""),
    ("qsnn.cuba_lif", ""),
    ("qsnn.li", ""),
    ("qsnn.cuba_li", ""),
    ("qsnn.float_lif", ""),
    ("qsnn.float_cuba_lif", ""),
    ("qsnn.float_li", ""),
    ("qsnn.float_cuba_li", ""),
    ("snn.if", " integrator "),
    ("snn.lif", " integrator "),
    ("snn.cuba_lif", " integrator "),
    ("snn.i", " integrator "),
    ("snn.li", " integrator "),
    ("snn.cuba_li", " integrator "),
    ("snn.threshold", "weight_scale"),
];

/// The error of a dump that 0.1 wrote, if the text is one.
fn retired_op(text: &str, file: &str) -> Option<Box<Diagnostic>> {
    let find = |line: &str| {
        RETIRED.iter().find_map(|(op, sign)| {
            let at = line.find(&format!(" {op} \""))?;
            line.contains(sign).then_some((*op, at + 2))
        })
    };
    let (number, (op, column)) = text.lines().enumerate().find_map(|(number, line)| Some((number, find(line)?)))?;
    let neuron = if op.starts_with("qsnn") { "qsnn.neuron" } else { "snn.neuron" };
    Some(Box::new(
        Diagnostic::error("old-dump", format!("`{op}` is an op of s2c 0.1"))
            .at_text(file, number + 1, column)
            .text(format!("This version writes every discretised population as `{neuron}`."))
            .hint("compile the model again, or go on with the version that wrote the dump"),
    ))
}

/// The structural verifier that MLIR generated from the ODS files.
pub fn verify(context: &Context, module: &Module<'_>) -> Result<()> {
    with_diagnostics(context, "bad-ir", "the module breaks a rule of its dialect", || {
        module.as_operation().verify().then_some(())
    })
}

/// A second module of the same content.
pub fn copy<'c>(module: &Module<'c>) -> Option<Module<'c>> {
    Module::from_operation(Operation::clone(&module.as_operation()))
}

/// Writes a remark on the module itself, outside its network or program.
pub fn set_mark<'c>(context: &'c Context, module: &mut Module<'c>, name: &str, value: &str) {
    module.as_operation_mut().set_attribute(name, StringAttribute::new(context, value).into());
}

/// A remark on the module itself.
pub fn mark(module: &Module<'_>, name: &str) -> Option<String> {
    let attribute = module.as_operation().attribute(name).ok()?;
    // The text of a string that needs no escapes; reading an empty one by its bytes is beyond `melior`.
    Some(attribute.to_string().strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

/// How many operations a module holds, the module itself and those in regions included.
pub fn operations(module: &Module<'_>) -> usize {
    fn count(operation: OperationRef<'_, '_>) -> usize {
        let mut sum = 1;
        for_each_op(operation, |inner| sum += count(inner));
        sum
    }
    count(module.as_operation())
}

/// The module as text that [`parse`] reads back, node names included.
pub fn to_text(module: &Module<'_>) -> String {
    raw::print(module.as_operation(), true, None)
}

/// The module as text for people: no locations, big tensors left out beyond `limit` elements.
pub fn to_short_text(module: &Module<'_>, limit: usize) -> String {
    raw::print(module.as_operation(), false, Some(limit))
}

/// Calls `action` for each op of the only block of `operation`.
pub(crate) fn for_each_op<'c, 'a>(operation: OperationRef<'c, 'a>, mut action: impl FnMut(OperationRef<'c, 'a>)) {
    let block = operation.regions().next().and_then(|region: RegionRef<'c, 'a>| region.first_block());
    let mut next = block.and_then(|block| block.first_operation());
    while let Some(op) = next {
        action(op);
        next = op.next_in_block();
    }
}
