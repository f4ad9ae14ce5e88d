//! What passes share: the session that they run in, what a pass is, and how one is run and its result verified.

use crate::{
    analysis::moments::Calibration,
    option_spec::{self, Heading, OptionSpec},
    options::{Level, Options, WeightRounding},
    target::Target,
};
use s2c_dialects::{
    Context, Module,
    diagnostic::{Diagnostic, Result},
    graph::Network,
    ir, qsnn,
    s2k::{self, Program},
    snn,
};
use std::sync::Arc;

/// What a pass may use besides the module.
pub struct Session<'c> {
    /// The context of all modules.
    pub context: &'c Context,
    /// The machine to compile for.
    pub target: Target,
    /// The options of the compile.
    pub options: Options,
    /// What the user is to be told although the compile goes on.
    pub warnings: Vec<Diagnostic>,
    /// What the float network's neurons receive on calibration data, where there is such data.
    pub calibration: Option<Arc<Calibration>>,
    /// What passes chose to do, for who asks.
    pub remarks: Vec<Remark>,
}

/// What a pass did, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The pass.
    pub pass: &'static str,
    /// What it did, in order.
    pub steps: Vec<String>,
    /// What that saves.
    pub saved: String,
}

impl<'c> Session<'c> {
    /// A session without calibration data, in which nothing has been said yet.
    pub fn new(context: &'c Context, target: Target, options: Options) -> Self {
        Self { context, target, options, warnings: Vec::new(), calibration: None, remarks: Vec::new() }
    }
}

impl Session<'_> {
    /// How errors of rounding are dealt with: as the options say, else as there is calibration data or not.
    pub fn rounding(&self) -> WeightRounding {
        let by_data = match self.calibration {
            Some(_) => WeightRounding::Compensated,
            None => WeightRounding::Nearest,
        };
        self.options.weight_rounding.unwrap_or(by_data)
    }
}

/// The dialect that a module holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Float network.
    Snn,
    /// Integer network.
    Qsnn,
    /// Program for PEs.
    S2k,
}

impl Phase {
    /// The dialect's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Snn => "snn",
            Self::Qsnn => "qsnn",
            Self::S2k => "s2k",
        }
    }

    /// The phase that a module is in.
    pub fn of(module: &Module<'_>) -> Result<Self> {
        if Network::<snn::Op>::is_in(module) {
            Ok(Self::Snn)
        } else if Network::<qsnn::Op>::is_in(module) {
            Ok(Self::Qsnn)
        } else if Program::is_in(module) {
            Ok(Self::S2k)
        } else {
            Err(Box::new(
                Diagnostic::error("wrong-level", "the module holds no network and no program")
                    .hint("the first op must be `snn.network`, `qsnn.network` or `s2k.program`"),
            ))
        }
    }
}

/// Of the passes that not all levels run, and of those that do more at a higher one.
pub const LEVEL: OptionSpec = OptionSpec {
    name: "level",
    short: Some('O'),
    value: "LEVEL",
    help: "Optimization level: 0 straight, 1 folding and narrow widths, 2 everything that saves cycles, s fewest PEs",
    words: Level::WORDS,
    set: |options, _, word| option_spec::word(Level::from_word(word)).map(|level| options.level = level),
    get: |options| option_spec::one(options.level),
    ..OptionSpec::of(Heading::Mapping)
};

/// A pass.
pub struct Pass {
    /// Name on the command line, in file names and in test folders.
    pub name: &'static str,
    /// One line.
    pub description: &'static str,
    /// The phase of the module that it takes.
    pub takes: Phase,
    /// The phase of the module that it gives.
    pub gives: Phase,
    /// The lowest optimisation level that runs it.
    pub from: Level,
    /// The options that it looks at.
    pub options: &'static [&'static OptionSpec],
    /// The pass itself.
    pub run: for<'c> fn(&mut Session<'c>, Module<'c>) -> Result<Module<'c>>,
}

/// Runs one pass and verifies what it gives.
pub fn run<'c>(pass: &Pass, session: &mut Session<'c>, module: Module<'c>) -> Result<Module<'c>> {
    let phase = Phase::of(&module)?;
    if phase != pass.takes {
        return Err(Box::new(
            Diagnostic::error("wrong-level", format!("`{}` takes a module of `{}`", pass.name, pass.takes.name()))
                .text(format!("This one holds `{}`.", phase.name()))
                .hint("`s2c passes` lists what each pass takes and gives"),
        ));
    }
    let module = (pass.run)(session, module)?;
    verify(session.context, &module, pass.gives)?;
    Ok(module)
}

/// Checks everything that a module of `phase` must hold.
pub fn verify(context: &Context, module: &Module<'_>, phase: Phase) -> Result<()> {
    ir::verify(context, module)?;
    match phase {
        Phase::Snn => snn::verify(&snn::Network::read(module)?),
        Phase::Qsnn => qsnn::verify(&qsnn::Network::read(module)?),
        Phase::S2k => s2k::verify(&Program::read(module)?),
    }
}
