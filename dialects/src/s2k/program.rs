//! A whole program in decoded form.

use super::{Block, Buffer, HostInput, HostOutput, MapLayout, Parameter, Purpose, Route, Update};
use crate::{
    attribute::{Symbol, read},
    diagnostic::{Diagnostic, Result},
    graph::{self, Options, internal, options_attribute, read_options},
    ir,
};
use melior::{
    Context,
    ir::{
        Attribute, Block as Body, BlockLike, Identifier, Location, Module, OperationRef, Region, RegionLike,
        attribute::{DenseI64ArrayAttribute, FloatAttribute, StringAttribute},
        operation::OperationBuilder,
    },
};

/// A program for a whole machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Symbol name.
    pub name: String,
    /// Name of the target.
    pub target: String,
    /// Length of a tick in seconds of network time.
    pub dt: f64,
    /// Options of the compile.
    pub options: Options,
    /// Spikes that the host sends.
    pub inputs: Vec<HostInput>,
    /// Spikes that the host receives.
    pub outputs: Vec<HostOutput>,
    /// The processing elements in use.
    pub pes: Vec<Pe>,
    /// The routers' entries, first match first.
    pub routes: Vec<Route>,
}

/// One processing element.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pe {
    /// Symbol name.
    pub name: String,
    /// [chip, QPE column, QPE row, core]; set by `placement`.
    pub place: Option<Vec<i64>>,
    /// Its memory.
    pub buffers: Vec<Buffer>,
    /// Its synapses.
    pub blocks: Vec<Block>,
    /// Its neurons.
    pub updates: Vec<Update>,
}

impl Pe {
    /// The buffer that a PE holds received packets in.
    pub fn ring(&self) -> Result<&Buffer> {
        let mut rings = self.buffers.iter().filter(|buffer| buffer.purpose == Purpose::Packets);
        rings.next().ok_or_else(|| Box::new(Diagnostic::bug("`buffer-allocation` has not run")))
    }

    /// The buffer of a name.
    pub fn buffer(&self, name: &str) -> Result<&Buffer> {
        self.buffers
            .iter()
            .find(|buffer| buffer.sym_name == name)
            .ok_or_else(|| Box::new(Diagnostic::bug(format!("PE `{}` has no buffer `{name}`", self.name))))
    }
}

impl Program {
    const NAME: &'static str = "s2k.program";

    /// Whether packets carry values as payloads to any PE.
    pub fn takes_values(&self) -> bool {
        self.pes.iter().flat_map(|pe| &pe.blocks).any(|block| block.head.graded)
    }

    /// True where the module holds a program.
    pub fn is_in(module: &Module<'_>) -> bool {
        module.body().first_operation().is_some_and(|op| ir::name_of(op) == Self::NAME)
    }

    /// Decodes the program of a module.
    pub fn read(module: &Module<'_>) -> Result<Self> {
        let operation = module
            .body()
            .first_operation()
            .filter(|&op| ir::name_of(op) == Self::NAME)
            .ok_or_else(|| Diagnostic::error("wrong-level", "the module does not hold an `s2k.program`"))?;
        let mut program = Self {
            name: read(operation, "sym_name")?,
            target: read(operation, "target")?,
            dt: read(operation, "dt")?,
            options: read_options(operation)?,
            inputs: Vec::new(),
            outputs: Vec::new(),
            pes: Vec::new(),
            routes: Vec::new(),
        };
        let mut children = Vec::new();
        ir::for_each_op(operation, |child| children.push(child));
        for child in children {
            match ir::name_of(child).as_str() {
                HostInput::NAME => program.inputs.push(HostInput::read(child)?),
                HostOutput::NAME => program.outputs.push(HostOutput::read(child)?),
                Route::NAME => program.routes.push(Route::read(child)?),
                "s2k.pe" => program.pes.push(Pe::read(child)?),
                other => return Err(foreign(other)),
            }
        }
        Ok(program)
    }

    /// Builds a module that holds the program.
    pub fn write<'c>(&self, context: &'c Context) -> Result<Module<'c>> {
        let block = Body::new(&[]);
        for input in &self.inputs {
            append(context, &block, HostInput::NAME, &input.node, &input.attributes(context))?;
        }
        for output in &self.outputs {
            append(context, &block, HostOutput::NAME, &output.node, &output.attributes(context))?;
        }
        for pe in &self.pes {
            pe.append_to(context, &block)?;
        }
        for route in &self.routes {
            append(context, &block, Route::NAME, &self.name, &route.attributes(context))?;
        }
        let attributes = vec![
            (Identifier::new(context, "sym_name"), StringAttribute::new(context, &self.name).into()),
            (Identifier::new(context, "target"), StringAttribute::new(context, &self.target).into()),
            (
                Identifier::new(context, "dt"),
                FloatAttribute::new(context, melior::ir::Type::float64(context), self.dt).into(),
            ),
            (Identifier::new(context, "options"), options_attribute(context, &self.options)),
        ];
        graph::module_of(context, Self::NAME, &self.name, attributes, block)
    }

    /// All slices with the index of their PE, in order.
    pub fn slices(&self) -> impl Iterator<Item = (usize, &Update)> {
        self.pes.iter().enumerate().flat_map(|(index, pe)| pe.updates.iter().map(move |update| (index, update)))
    }
}

impl Pe {
    fn read(operation: OperationRef<'_, '_>) -> Result<Self> {
        let mut pe = Self {
            name: read(operation, "sym_name")?,
            place: read(operation, "place")?,
            buffers: Vec::new(),
            blocks: Vec::new(),
            updates: Vec::new(),
        };
        let mut children = Vec::new();
        ir::for_each_op(operation, |child| children.push(child));
        for child in children {
            match ir::name_of(child).as_str() {
                Buffer::NAME => pe.buffers.push(Buffer::read(child)?),
                Update::NAME => pe.updates.push(Update::read(child)?),
                other => pe.blocks.push(Block::read(child)?.ok_or_else(|| foreign(other))?),
            }
        }
        Ok(pe)
    }

    fn append_to<'c>(&self, context: &'c Context, parent: &Body<'c>) -> Result<()> {
        let block = Body::new(&[]);
        // Synapses and updates carry the NIR node that they serve as their location, buffers the PE's name.
        for buffer in &self.buffers {
            append(context, &block, Buffer::NAME, &self.name, &buffer.attributes(context))?;
        }
        for synapses in &self.blocks {
            append(context, &block, synapses.name(), &synapses.head.source, &synapses.attributes(context))?;
        }
        for update in &self.updates {
            append(context, &block, Update::NAME, &update.population, &update.attributes(context))?;
        }
        let mut attributes: Vec<(Identifier<'c>, Attribute<'c>)> =
            vec![(Identifier::new(context, "sym_name"), StringAttribute::new(context, &self.name).into())];
        if let Some(place) = &self.place {
            attributes.push((Identifier::new(context, "place"), DenseI64ArrayAttribute::new(context, place).into()));
        }
        let region = Region::new();
        region.append_block(block);
        let operation =
            OperationBuilder::new("s2k.pe", Location::name(context, &self.name, Location::unknown(context)))
                .add_attributes(&attributes)
                .add_regions([region])
                .build()
                .map_err(internal)?;
        parent.append_operation(operation);
        Ok(())
    }
}

fn append<'c>(
    context: &'c Context,
    block: &Body<'c>,
    name: &str,
    node: &str,
    attributes: &[(Identifier<'c>, Attribute<'c>)],
) -> Result<()> {
    let location = Location::name(context, node, Location::unknown(context));
    let operation = OperationBuilder::new(name, location).add_attributes(attributes).build().map_err(internal)?;
    block.append_operation(operation);
    Ok(())
}

fn foreign(op: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::error("foreign-op", format!("`{op}` does not belong into an `s2k.program`")))
}

impl Buffer {
    /// State that is zero at the start, without an address.
    pub fn state(name: &str, bytes: i64) -> Self {
        Self { sym_name: name.to_owned(), purpose: Purpose::State, bytes, address: None, values: None }
    }
}

impl Update {
    /// The piece of a map that the slice is.
    pub fn map(&self) -> Option<MapLayout> {
        MapLayout::from_attribute(self.layout.as_deref()?)
    }

    /// Number of neurons, without padding.
    pub fn neurons(&self) -> usize {
        self.map().map_or(self.count as usize, |map| map.neurons())
    }

    /// The buffers that hold parameters of the neurons.
    pub fn parameter_buffers(&self) -> impl Iterator<Item = &Symbol> {
        self.parameters.values().filter_map(|parameter| match parameter {
            Parameter::Buffer(buffer) => Some(buffer),
            _ => None,
        })
    }
}
