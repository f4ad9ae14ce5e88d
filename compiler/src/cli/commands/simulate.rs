//! `s2c simulate`.

use super::{
    Precision,
    ports::{self, Files, Port, read_inputs},
};
use crate::{
    cli::{
        options::{Given, Reading, source, without_effect},
        sink::Terminal,
    },
    data::{Cell, Train},
    levels::Descent,
    progress,
    tools::recording::{self, Recording},
};
use clap::Args;
use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
    graph::{DialectOp, Network},
    ir, qsnn, snn,
};
use s2c_interp::Interpreter;
use s2c_passes::{
    registry::Route,
    session::{Pass, Phase},
};
use std::path::PathBuf;

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// NIR model, or a dump of `snn` or `qsnn`
    pub(crate) model: PathBuf,
    #[command(flatten)]
    files: Files,
    /// What neurons of a float network compute in [default: f32]
    #[arg(long, value_enum)]
    precision: Option<Precision>,
    #[command(flatten)]
    options: Given<Reading>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, sink: &Terminal<'_>) -> Result<()> {
    let context = ir::context();
    let source = source(&context, &arguments.model)?;
    // Only what gives the network its meaning in time runs: the result is still the float network.
    let only: Vec<&'static Pass> = s2c_passes::find("discretization").into_iter().collect();
    let (from, level) = (source.phase()?, source.options()?.level);
    let route = Route { from, done: &source.done(), level, until: Phase::Snn, only: Some(&only), emits: false };
    arguments.options.check(&route)?;
    if arguments.precision.is_some() && from == Some(Phase::Qsnn) {
        return Err(without_effect("precision", "The dump holds a network of integers."));
    }
    let mut descent = Descent::begin(&context, &source, &arguments.options.setup(&source, sink)?)?;
    if descent.phase()? == Phase::Snn {
        descent.float()?;
    }
    let model = Model::of(&descent.compile.module, arguments.precision.unwrap_or_default())?;
    let outputs = ports::outputs(&arguments.files.output, model.outputs())?.into_iter();
    let outputs = outputs.map(|(node, file)| (node, PathBuf::from(file)));
    let records = ports::records(&arguments.files.record, |name| model.has(name));
    let wishes: Vec<_> = outputs.chain(records).collect();
    let recordings = match model.takes_values {
        true => simulate(read_inputs::<f32>(&arguments.files, &model.inputs)?, model, wishes),
        false => simulate(read_inputs::<u16>(&arguments.files, &model.inputs)?, model, wishes),
    };
    recordings?.into_iter().try_for_each(|(recording, file)| recording.write(&file))
}

/// A network ready to run, with what is known about its ports.
pub(super) struct Model {
    interpreter: Box<dyn Interpreter + Send>,
    /// Inputs in their order.
    pub(super) inputs: Vec<Port>,
    /// Whether an input takes values instead of spikes.
    pub(super) takes_values: bool,
    /// All that can be recorded; outputs come first.
    nodes: Vec<Port>,
    outputs: usize,
}

impl Model {
    /// Outputs in their order.
    pub(super) fn outputs(&self) -> &[Port] {
        &self.nodes[..self.outputs]
    }

    /// Whether a node can be recorded.
    pub(super) fn has(&self, name: &str) -> bool {
        self.nodes.iter().any(|(known, _)| known == name)
    }

    pub(super) fn of(module: &Module<'_>, precision: Precision) -> Result<Self> {
        match Phase::of(module)? {
            Phase::Snn => {
                let network = snn::Network::read(module)?;
                let port = |op: &snn::Op| {
                    (op.node().map(str::to_owned), matches!(op, snn::Op::Input(_)), matches!(op, snn::Op::Output(_)))
                };
                let interpreter = s2c_interp::snn::Snn::with_precision(&network, precision.into())?;
                Self::with_ports(Box::new(interpreter), &network, port)
            }
            Phase::Qsnn => {
                let network = qsnn::Network::read(module)?;
                let port = |op: &qsnn::Op| {
                    (op.node().map(str::to_owned), matches!(op, qsnn::Op::Input(_)), matches!(op, qsnn::Op::Output(_)))
                };
                Self::with_ports(Box::new(s2c_interp::qsnn::Qsnn::new(&network)?), &network, port)
            }
            Phase::S2k => Err(Box::new(
                Diagnostic::error("wrong-level", "a program of `s2k` can't be simulated")
                    .hint("compile it to a binary and use `s2c run`"),
            )),
        }
    }

    /// `port` gives an op's name, and whether it is an input or an output.
    fn with_ports<O: DialectOp>(
        interpreter: Box<dyn Interpreter + Send>,
        network: &Network<O>,
        port: impl Fn(&O) -> (Option<String>, bool, bool),
    ) -> Result<Self> {
        let (mut inputs, mut nodes, mut populations) = (Vec::new(), Vec::new(), Vec::new());
        let mut takes_values = false;
        for (index, node) in network.nodes.iter().enumerate() {
            match port(&node.op) {
                (Some(name), true, _) => {
                    let result = network.result(index)?;
                    takes_values |= interpreter.is_graded(index);
                    inputs.push((name, result.shape.clone()));
                }
                (Some(name), _, true) => nodes.push((name, network.result(node.inputs[0])?.shape.clone())),
                (Some(name), _, _) => populations.push((name, network.result(index)?.shape.clone())),
                (None, _, _) => {}
            }
        }
        let outputs = nodes.len();
        nodes.extend(populations);
        Ok(Self { interpreter, inputs, takes_values, nodes, outputs })
    }
}

/// Runs all ticks of the inputs, which are of one length, and records the nodes (`NODE` or `NODE:v`) of the wishes; gives
/// each recording with what came with its wish.
pub(super) fn simulate<T: Cell, F>(
    inputs: Vec<Train<T>>,
    mut model: Model,
    wishes: impl IntoIterator<Item = (String, F)>,
) -> Result<Vec<(Recording, F)>> {
    let known: Vec<&str> = model.nodes.iter().map(|(name, _)| name.as_str()).collect();
    let ticks = inputs.first().map_or(0, Train::ticks);
    let mut wanted = Vec::new();
    for (name, file) in wishes {
        let (node, quantity) = recording::parse(&name, |name| known.contains(&name));
        let position = known.iter().position(|known| *known == node);
        let (Some(position), Some(index)) = (position, model.interpreter.find(node)) else {
            return Err(recording::unknown_node(node, &known));
        };
        let shape = model.nodes[position].1.clone();
        let is_graded = model.interpreter.is_graded(index);
        wanted.push((index, node.to_owned(), Recording::new(quantity, is_graded, ticks, shape), file));
    }
    let span = tracing::info_span!("simulate", ticks);
    progress::expect_ticks(&span, ticks);
    let _entered = span.enter();
    for tick in 0..ticks {
        progress::tick(&span);
        T::step(&mut *model.interpreter, &inputs, tick)?;
        for (index, node, recording, _) in &mut wanted {
            match recording {
                Recording::Spikes(table) => table.row(tick).copy_from_slice(&model.interpreter.spikes(*index)),
                Recording::Values(table) => table.row(tick).copy_from_slice(&model.interpreter.values(*index)),
                Recording::Membranes(table) => {
                    let membranes = model.interpreter.membranes(*index);
                    let membranes = membranes.ok_or_else(|| recording::unknown_node(&format!("{node}:v"), &known))?;
                    table.row(tick).copy_from_slice(&membranes);
                }
            }
        }
    }
    Ok(wanted.into_iter().map(|(_, _, recording, file)| (recording, file)).collect())
}
