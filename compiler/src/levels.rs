//! One way down from a source to each level: the float network, the integer network, the program for the chip, and back
//! to NIR. All that needs a network at some level goes through here.

use crate::{
    driver::{Compile, Setup},
    frontend::{
        export,
        source::{Content, Source},
    },
};
use s2c_backend::emit::Binary;
use s2c_dialects::{
    Context,
    diagnostic::{Diagnostic, Result},
    qsnn, snn,
};
use s2c_nir::{Choices, Graph};
use s2c_passes::session::{Pass, Phase};

/// The pass that gives a network its meaning in time; what comes after it prepares integers.
const FLOAT: &str = "discretization";

/// A network at all levels.
pub struct Levels {
    /// The float network.
    pub float: snn::Network,
    /// The integer network.
    pub quantized: qsnn::Network,
    /// The machine code.
    pub binary: Binary,
}

/// All levels of a model.
///
/// # Errors
/// As those of the steps of a [`Descent`].
pub fn all<'c>(context: &'c Context, source: &Source<'c>, setup: &Setup<'_>) -> Result<Levels> {
    let mut descent = Descent::begin(context, source, setup)?;
    Ok(Levels { float: descent.float()?, quantized: descent.quantized()?, binary: descent.binary()? })
}

/// The way down. Levels are to be asked for from the top; one that has been passed is gone.
pub struct Descent<'c, 's> {
    /// Where it stands.
    pub compile: Compile<'c, 's>,
}

impl<'c, 's> Descent<'c, 's> {
    /// Imports the source.
    ///
    /// # Errors
    /// As [`Compile::start`].
    pub fn begin(context: &'c Context, source: &Source<'c>, setup: &Setup<'s>) -> Result<Self> {
        Ok(Self { compile: Compile::start(context, source, setup)? })
    }

    /// The phase it has come to.
    ///
    /// # Errors
    /// None for a module that was verified.
    pub fn phase(&self) -> Result<Phase> {
        Phase::of(&self.compile.module)
    }

    /// Runs the passes that lead on, as long as `goes_on` says so.
    ///
    /// # Errors
    /// What a pass refuses.
    pub fn run_while(&mut self, goes_on: impl Fn(&Pass) -> bool) -> Result<()> {
        let passes = self.compile.remaining()?.take_while(move |pass| goes_on(pass));
        self.compile.run(passes)
    }

    /// Runs all passes that give a phase, and those before.
    ///
    /// # Errors
    /// What a pass refuses.
    pub fn to_end_of(&mut self, phase: Phase) -> Result<()> {
        self.run_while(|pass| pass.gives <= phase)
    }

    /// The float network, as soon as it is known in time.
    ///
    /// # Errors
    /// A network whose time is left open.
    pub fn float(&mut self) -> Result<snn::Network> {
        self.compile.run(s2c_passes::find(FLOAT))?;
        snn::Network::read(&self.compile.module)
    }

    /// The integer network, as it will run.
    ///
    /// # Errors
    /// A network that can't be quantized.
    pub fn quantized(&mut self) -> Result<qsnn::Network> {
        self.to_end_of(Phase::Qsnn)?;
        qsnn::Network::read(&self.compile.module)
    }

    /// The machine code.
    ///
    /// # Errors
    /// A network that does not fit on the machine.
    pub fn binary(&mut self) -> Result<Binary> {
        self.to_end_of(Phase::S2k)?;
        self.compile.emit()
    }
}

/// Quantizes a model, or a dump of `snn` before its weights are scaled, and gives it back as a NIR graph, with what NIR has
/// no field for: the length of a tick and the neurons' rules.
///
/// # Errors
/// Weights that are scaled already, and a network that NIR can't express.
pub fn to_nir<'c, 's>(descent: &mut Descent<'c, 's>, source: &Source<'c>) -> Result<(Graph, Choices)> {
    let too_late = |title: &str| {
        let hint = "start from the model, or from a dump of `snn` before `threshold-scaling`";
        Err(Box::new(Diagnostic::error("wrong-level", title).hint(hint)))
    };
    if descent.phase()? != Phase::Snn {
        return too_late("the float network is needed to write NIR");
    }
    let discretized = descent.float()?;
    if discretized.nodes.iter().filter_map(|node| node.op.neuron()).any(|neuron| neuron.weight_scale.is_some()) {
        return too_late("the weights of this network are scaled already");
    }
    descent.run_while(|pass| pass.gives == Phase::Snn)?;
    let scaled = snn::Network::read(&descent.compile.module)?;
    let integers = descent.quantized()?;
    let original = match &source.content {
        Content::Model(model) => Some(&model.graph),
        Content::Dump(..) => None,
    };
    export::export(&export::Levels { original, discretized: &discretized, scaled: &scaled, integers: &integers })
}
