//! A network as a plain graph: what passes and interpreters work on.
//!
//! A network op of `snn` or `qsnn` holds one block of ops that are connected by SSA values, as a graph region: a value
//! may be used before it is defined. [`Network::read`] decodes that block, [`Network::write`] builds it again.

use crate::{
    attribute::AttributeValue,
    diagnostic::{Diagnostic, Result},
    ir::{self, ValueType},
    raw,
};
use melior::{
    Context,
    ir::{
        Attribute, Block, BlockLike, Identifier, Location, Module, OperationRef, Region, RegionLike, Value, ValueLike,
        attribute::{DictionaryAttribute, FloatAttribute, StringAttribute},
        operation::{OperationBuilder, OperationLike, OperationMutLike},
    },
};
use std::collections::{BTreeMap, HashMap};

/// The op that stands for a result which comes later in the text.
const STAND_IN: &str = "builtin.unrealized_conversion_cast";

/// Compile options as they travel with the IR, so that a dump can be compiled on: name to value.
pub type Options = BTreeMap<String, String>;

/// The ops of one dialect in decoded form; implemented by the macro `dialect_enum!`.
pub trait DialectOp: Sized + Clone {
    /// Full name of the op that holds the network, for example `snn.network`.
    const NETWORK: &'static str;
    /// Decodes the attributes of an op.
    fn read(operation: OperationRef<'_, '_>) -> Result<Self>;
    /// Full name of the op.
    fn name(&self) -> &'static str;
    /// The attributes that are there.
    fn attributes<'c>(&self, context: &'c Context) -> Vec<(Identifier<'c>, Attribute<'c>)>;
}

/// An op of a network with its place in the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Node<O> {
    /// The op itself.
    pub op: O,
    /// The NIR node that it comes from.
    pub name: String,
    /// Indices of the nodes whose results are its operands.
    pub inputs: Vec<usize>,
    /// The type of its result, where it has one.
    pub result: Option<ValueType>,
}

/// A network of one dialect.
#[derive(Clone, Debug, PartialEq)]
pub struct Network<O> {
    /// Symbol name.
    pub name: String,
    /// Length of a tick in seconds, once it is known.
    pub dt: Option<f64>,
    /// Options of the compile.
    pub options: Options,
    /// The ops, in the order of the text.
    pub nodes: Vec<Node<O>>,
}

impl<O> Network<O> {
    /// The type of node `index`'s result.
    pub fn result(&self, index: usize) -> Result<&ValueType> {
        let node = &self.nodes[index];
        node.result
            .as_ref()
            .ok_or_else(|| Box::new(Diagnostic::bug("an operand is not a value").at_node(node.name.clone())))
    }

    /// Adds a node and returns its index.
    pub fn push(&mut self, op: O, name: impl Into<String>, inputs: Vec<usize>, result: Option<ValueType>) -> usize {
        self.nodes.push(Node { op, name: name.into(), inputs, result });
        self.nodes.len() - 1
    }

    /// Removes the nodes that nobody uses, again and again, where `may_go` says so of their op.
    pub fn remove_unused(&mut self, may_go: impl Fn(&O) -> bool) {
        let mut uses = vec![0usize; self.nodes.len()];
        self.nodes.iter().flat_map(|node| &node.inputs).for_each(|&input| uses[input] += 1);
        let mut kept = vec![true; self.nodes.len()];
        let mut open: Vec<usize> = (0..self.nodes.len()).collect();
        while let Some(index) = open.pop() {
            if kept[index] && uses[index] == 0 && may_go(&self.nodes[index].op) {
                kept[index] = false;
                self.nodes[index].inputs.iter().for_each(|&input| uses[input] -= 1);
                open.extend(&self.nodes[index].inputs);
            }
        }
        self.retain(&kept);
    }

    /// Keeps some nodes. None of them may use one that goes.
    pub fn retain(&mut self, kept: &[bool]) {
        let mut place = vec![0; self.nodes.len()];
        (0..kept.len()).filter(|&index| kept[index]).enumerate().for_each(|(new, old)| place[old] = new);
        let mut index = 0..;
        self.nodes.retain(|_| index.next().is_some_and(|index: usize| kept[index]));
        self.nodes.iter_mut().for_each(|node| node.inputs.iter_mut().for_each(|input| *input = place[*input]));
    }

    /// For each node, the nodes that use its result, in ascending order.
    pub fn users(&self) -> Vec<Vec<usize>> {
        let mut users = vec![Vec::new(); self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            for &input in &node.inputs {
                users[input].push(index);
            }
        }
        users
    }
}

impl<O: DialectOp> Network<O> {
    /// True where the module holds a network of this dialect.
    pub fn is_in(module: &Module<'_>) -> bool {
        module.body().first_operation().is_some_and(|op| ir::name_of(op) == O::NETWORK)
    }

    /// Decodes the network of a module.
    pub fn read(module: &Module<'_>) -> Result<Self> {
        let network =
            module.body().first_operation().filter(|&op| ir::name_of(op) == O::NETWORK).ok_or_else(|| {
                Diagnostic::error("wrong-level", format!("the module does not hold a `{}`", O::NETWORK))
            })?;
        let mut operations = Vec::new();
        ir::for_each_op(network, |operation| operations.push(operation));
        let producers: HashMap<usize, usize> = operations
            .iter()
            .enumerate()
            .flat_map(|(index, op)| op.results().map(move |result| (raw::value_key(&result), index)))
            .collect();
        let mut nodes = Vec::with_capacity(operations.len());
        for operation in &operations {
            let inputs = operation
                .operands()
                .map(|operand| producers.get(&raw::value_key(&operand)).copied())
                .collect::<Option<Vec<usize>>>()
                .ok_or_else(|| Diagnostic::bug(format!("`{}` uses a value from outside", ir::name_of(*operation))))?;
            let result = match operation.results().next() {
                Some(value) => Some(ValueType::from_mlir(value.r#type()).ok_or_else(|| {
                    Diagnostic::bug(format!("`{}` has a result of an unknown type", ir::name_of(*operation)))
                })?),
                None => None,
            };
            nodes.push(Node { op: O::read(*operation)?, name: ir::node_name(operation.location()), inputs, result });
        }
        Ok(Self {
            name: crate::attribute::read(network, "sym_name")?,
            dt: crate::attribute::read(network, "dt")?,
            options: read_options(network)?,
            nodes,
        })
    }

    /// Builds a module that holds the network.
    pub fn write<'c>(&self, context: &'c Context) -> Result<Module<'c>> {
        let unknown = Location::unknown(context);
        let block = Block::new(&[]);
        let mut placeholders = Vec::new();
        let mut values: Vec<Option<Value<'c, '_>>> = vec![None; self.nodes.len()];
        let mut patches = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let location = Location::name(context, &node.name, unknown);
            let mut operands = Vec::with_capacity(node.inputs.len());
            for (position, &input) in node.inputs.iter().enumerate() {
                operands.push(match values[input] {
                    Some(value) => value,
                    None => {
                        // The producer comes later in the text: stand in for it until it is there.
                        let stand_in = OperationBuilder::new(STAND_IN, location)
                            .add_results(&[self.result(input)?.to_mlir(context)])
                            .build()
                            .map_err(internal)?;
                        let stand_in = block.append_operation(stand_in);
                        placeholders.push(stand_in);
                        patches.push((index, position, input));
                        stand_in.result(0).map_err(internal)?.into()
                    }
                });
            }
            let results: Vec<_> = node.result.iter().map(|result| result.to_mlir(context)).collect();
            let operation = OperationBuilder::new(node.op.name(), location)
                .add_operands(&operands)
                .add_attributes(&node.op.attributes(context))
                .add_results(&results)
                .build()
                .map_err(internal)?;
            let operation = block.append_operation(operation);
            if node.result.is_some() {
                values[index] = Some(operation.result(0).map_err(internal)?.into());
            }
        }
        patch(&block, &patches, &values)?;
        placeholders.into_iter().for_each(raw::erase);

        let mut attributes = vec![
            (Identifier::new(context, "sym_name"), StringAttribute::new(context, &self.name).into()),
            (Identifier::new(context, "options"), options_attribute(context, &self.options)),
        ];
        if let Some(dt) = self.dt {
            let f64 = melior::ir::Type::float64(context);
            attributes.push((Identifier::new(context, "dt"), FloatAttribute::new(context, f64, dt).into()));
        }
        module_of(context, O::NETWORK, &self.name, attributes, block)
    }
}

/// Puts results in the place of their stand-ins: the op by its number, the operand's position, and whose result it is.
fn patch<'c, 'a>(
    block: &'a Block<'c>,
    patches: &[(usize, usize, usize)],
    values: &[Option<Value<'c, 'a>>],
) -> Result<()> {
    let mut operations = Vec::new();
    let mut next = block.first_operation();
    while let Some(operation) = next {
        next = operation.next_in_block();
        if ir::name_of(operation) != STAND_IN {
            operations.push(operation);
        }
    }
    for &(index, position, input) in patches {
        let value = values[input].ok_or_else(|| Diagnostic::bug("an operand is not a value"))?;
        raw::set_operand(operations[index], position, value);
    }
    Ok(())
}

/// A module that holds one op with one region of one block.
pub(crate) fn module_of<'c>(
    context: &'c Context,
    op: &str,
    name: &str,
    attributes: Vec<(Identifier<'c>, Attribute<'c>)>,
    block: Block<'c>,
) -> Result<Module<'c>> {
    let location = Location::name(context, name, Location::unknown(context));
    let region = Region::new();
    region.append_block(block);
    let operation = OperationBuilder::new(op, location)
        .add_attributes(&attributes)
        .add_regions([region])
        .build()
        .map_err(internal)?;
    let module = Module::new(location);
    module.body().append_operation(operation);
    ir::verify(context, &module)?;
    Ok(module)
}

/// The options that a module carries.
///
/// # Errors
/// A module without a network or program, and options that are no dictionary of strings.
pub fn options_of(module: &Module<'_>) -> Result<Options> {
    read_options(module.body().first_operation().ok_or_else(no_network)?)
}

/// Replaces the options that a module carries.
///
/// # Errors
/// A module without a network or program.
pub fn set_options<'c>(context: &'c Context, module: &Module<'c>, options: &Options) -> Result<()> {
    let mut operation = module.body().first_operation_mut().ok_or_else(no_network)?;
    operation.set_attribute("options", options_attribute(context, options));
    Ok(())
}

fn no_network() -> Box<Diagnostic> {
    Box::new(Diagnostic::error("wrong-level", "the module holds no network and no program"))
}

pub(crate) fn read_options(operation: OperationRef<'_, '_>) -> Result<Options> {
    let wrong = || Diagnostic::error("bad-attribute", "`options` is not a dictionary of strings");
    let attribute = operation.attribute("options").map_err(|_| wrong())?;
    let dictionary = DictionaryAttribute::try_from(attribute).map_err(|_| wrong())?;
    let mut options = Options::new();
    for index in 0..dictionary.len() {
        let (name, value) = dictionary.element(index).map_err(|_| wrong())?;
        let value = String::decode(Some(value)).map_err(|_| wrong())?;
        options.insert(name.as_string_ref().as_str().unwrap_or("?").to_owned(), value);
    }
    Ok(options)
}

pub(crate) fn options_attribute<'c>(context: &'c Context, options: &Options) -> Attribute<'c> {
    let elements: Vec<_> = options
        .iter()
        .map(|(name, value)| (Identifier::new(context, name), StringAttribute::new(context, value).into()))
        .collect();
    DictionaryAttribute::new(context, &elements).into()
}

pub(crate) fn internal(error: melior::Error) -> Box<Diagnostic> {
    Box::new(Diagnostic::bug(error.to_string()))
}

/// Declares a struct of attributes as typed fields.
macro_rules! attribute_struct {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }
        impl $name {
            /// Decodes the attributes of an op.
            pub fn read(_operation: melior::ir::OperationRef<'_, '_>) -> $crate::diagnostic::Result<Self> {
                Ok(Self { $($field: $crate::attribute::read(_operation, stringify!($field))?,)* })
            }
            /// The attributes that are there.
            pub fn attributes<'c>(
                &self,
                context: &'c melior::Context,
            ) -> Vec<(melior::ir::Identifier<'c>, melior::ir::Attribute<'c>)> {
                let all: Vec<(&str, Option<melior::ir::Attribute<'c>>)> = vec![$((stringify!($field), $crate::attribute::AttributeValue::encode(&self.$field, context)),)*];
                all.into_iter()
                    .filter_map(|(name, value)| Some((melior::ir::Identifier::new(context, name), value?)))
                    .collect()
            }
        }
    };
}
pub(crate) use attribute_struct;

/// Declares the decoded form of ops: one struct per op with its attributes as typed fields, and for a dialect whose
/// networks are graphs an enum of them that implements [`DialectOp`].
macro_rules! op_structs {
    ($($(#[$meta:meta])* pub struct $name:ident = $op:literal {
        $($(#[$field_meta:meta])* $field:ident: $type:ty,)*
    })*) => {$(
        $crate::graph::attribute_struct! {
            $(#[$meta])*
            pub struct $name { $($(#[$field_meta])* $field: $type,)* }
        }
        impl $name {
            /// Full name of the op.
            pub const NAME: &'static str = $op;
        }
    )*};
}
pub(crate) use op_structs;

/// See [`op_structs`].
macro_rules! dialect_enum {
    ($(#[$meta:meta])* pub enum Op in $network:literal { $($(#[$case_meta:meta])* $name:ident,)* }) => {
        $(#[$meta])*
        #[allow(clippy::large_enum_variant, reason = "there are few nodes, and their arrays are elsewhere")]
        #[derive(Clone, Debug, PartialEq)]
        pub enum Op { $($(#[$case_meta])* $name($name),)* }
        impl $crate::graph::DialectOp for Op {
            const NETWORK: &'static str = $network;
            fn read(operation: melior::ir::OperationRef<'_, '_>) -> $crate::diagnostic::Result<Self> {
                match $crate::ir::name_of(operation).as_str() {
                    $($name::NAME => Ok(Self::$name($name::read(operation)?)),)*
                    other => Err(Box::new($crate::diagnostic::Diagnostic::error(
                        "foreign-op",
                        format!("`{other}` does not belong into a `{}`", $network),
                    ).at_node($crate::ir::node_name(melior::ir::operation::OperationLike::location(&operation))))),
                }
            }
            fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $name::NAME,)* }
            }
            fn attributes<'c>(
                &self,
                context: &'c melior::Context,
            ) -> Vec<(melior::ir::Identifier<'c>, melior::ir::Attribute<'c>)> {
                match self { $(Self::$name(op) => op.attributes(context),)* }
            }
        }
        $(impl From<$name> for Op { fn from(op: $name) -> Self { Self::$name(op) } })*
    };
}
pub(crate) use dialect_enum;
