//! A whole program in decoded form.

use super::{Buffer, Convolution, HostInput, HostOutput, OneToOne, Parameter, Route, Rows, Update};
use crate::{
    attribute::{Symbol, read},
    diagnostic::{Diagnostic, Result},
    graph::{self, Options, internal, options_attribute, read_options},
    ir,
};
use melior::{
    Context,
    ir::{
        Attribute, Block, BlockLike, Identifier, Location, Module, OperationRef, Region, RegionLike,
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
    /// Its synapses as rows.
    pub rows: Vec<Rows>,
    /// Its synapses as convolution kernels.
    pub convolutions: Vec<Convolution>,
    /// Its synapses of one weight per source neuron.
    pub one_to_ones: Vec<OneToOne>,
    /// Its neurons.
    pub updates: Vec<Update>,
}

/// A block of synapses from one source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Synapses<'p> {
    /// As rows.
    Rows(&'p Rows),
    /// As a convolution kernel.
    Convolution(&'p Convolution),
    /// As single weights.
    OneToOne(&'p OneToOne),
}

impl<'p> Synapses<'p> {
    /// Name of the slice or host input that sends.
    pub fn source(&self) -> &'p str {
        match self {
            Self::Rows(rows) => &rows.source,
            Self::Convolution(convolution) => &convolution.source,
            Self::OneToOne(block) => &block.source,
        }
    }

    /// Buffer of the sums.
    pub fn accumulators(&self) -> &'p str {
        match self {
            Self::Rows(rows) => &rows.accumulators.0,
            Self::Convolution(convolution) => &convolution.accumulators.0,
            Self::OneToOne(block) => &block.accumulators.0,
        }
    }

    /// Buffer of the weights.
    pub fn weights(&self) -> &'p str {
        match self {
            Self::Rows(rows) => &rows.weights.0,
            Self::Convolution(convolution) => &convolution.weights.0,
            Self::OneToOne(block) => &block.table.0,
        }
    }

    /// Ticks between the next update and the one that the sums are for.
    pub fn slot(&self) -> i64 {
        match self {
            Self::Rows(rows) => rows.slot,
            Self::Convolution(convolution) => convolution.slot,
            Self::OneToOne(block) => block.slot,
        }
    }

    /// Whether weights are multiplied by the packet's payload, and by which power of two what they are multiplied by is
    /// shifted.
    pub fn factor(&self) -> (bool, i64) {
        let (graded, shift) = match self {
            Self::Rows(rows) => (rows.graded, rows.shift),
            Self::Convolution(convolution) => (convolution.graded, convolution.shift),
            Self::OneToOne(block) => (block.graded, block.shift),
        };
        (graded, shift.unwrap_or(0))
    }

    /// Whether weights are multiplied by the packet's payload.
    pub fn is_graded(&self) -> bool {
        self.factor().0
    }

    /// Number of source neurons.
    pub fn count(&self) -> i64 {
        match self {
            Self::Rows(rows) => rows.count,
            Self::Convolution(convolution) => convolution.count,
            Self::OneToOne(block) => block.count,
        }
    }
}

impl Pe {
    /// All blocks of synapses: rows, then convolutions, then single weights.
    pub fn blocks(&self) -> impl Iterator<Item = Synapses<'_>> {
        let rows = self.rows.iter().map(Synapses::Rows);
        let convolutions = self.convolutions.iter().map(Synapses::Convolution);
        rows.chain(convolutions).chain(self.one_to_ones.iter().map(Synapses::OneToOne))
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
        self.pes.iter().flat_map(Pe::blocks).any(|block| block.is_graded())
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
        let block = Block::new(&[]);
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
            rows: Vec::new(),
            convolutions: Vec::new(),
            one_to_ones: Vec::new(),
            updates: Vec::new(),
        };
        let mut children = Vec::new();
        ir::for_each_op(operation, |child| children.push(child));
        for child in children {
            match ir::name_of(child).as_str() {
                Buffer::NAME => pe.buffers.push(Buffer::read(child)?),
                Rows::NAME => pe.rows.push(Rows::read(child)?),
                Convolution::NAME => pe.convolutions.push(Convolution::read(child)?),
                OneToOne::NAME => pe.one_to_ones.push(OneToOne::read(child)?),
                Update::NAME => pe.updates.push(Update::read(child)?),
                other => return Err(foreign(other)),
            }
        }
        Ok(pe)
    }

    fn append_to<'c>(&self, context: &'c Context, parent: &Block<'c>) -> Result<()> {
        let block = Block::new(&[]);
        // Rows and updates carry the NIR node that they serve as their location, buffers the PE's name.
        for buffer in &self.buffers {
            append(context, &block, Buffer::NAME, &self.name, &buffer.attributes(context))?;
        }
        for rows in &self.rows {
            append(context, &block, Rows::NAME, &rows.source, &rows.attributes(context))?;
        }
        for convolution in &self.convolutions {
            append(context, &block, Convolution::NAME, &convolution.source, &convolution.attributes(context))?;
        }
        for synapses in &self.one_to_ones {
            append(context, &block, OneToOne::NAME, &synapses.source, &synapses.attributes(context))?;
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
    block: &Block<'c>,
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

impl Update {
    /// The buffers that hold parameters of the neurons.
    pub fn parameters(&self) -> impl Iterator<Item = &Symbol> {
        let all = [
            &self.current_decay,
            &self.current_offset,
            &self.decay,
            &self.offset,
            &self.threshold,
            &self.reset_by,
            &self.readout,
        ];
        all.into_iter().flatten().filter_map(|parameter| match parameter {
            Parameter::Buffer(buffer) => Some(buffer),
            _ => None,
        })
    }
}
