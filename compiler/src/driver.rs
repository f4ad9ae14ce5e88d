//! The compile itself: import, the passes one after another, code.

use crate::{
    calibration::{self, Samples},
    files,
    frontend::{export, import, model_file},
    targets,
};
use s2c_backend::emit::{self, Binary};
use s2c_dialects::{
    Context, Module,
    diagnostic::{Diagnostic, Result, Severity},
    ir, qsnn,
    s2k::Program,
    snn,
};
use s2c_passes::{
    analysis::{expected::Expected, moments::Calibration, shared::Analyses},
    check::{self, mapping},
    options::Options,
    session::{Pass, Phase, Remark, Session},
    target::Target,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// What a compile is asked to leave behind besides its result.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Folder for a dump after each pass.
    pub dump_dir: Option<PathBuf>,
    /// Stop once the module is in this phase and all its passes have run.
    pub stop_after: Option<Phase>,
    /// Recordings to calibrate the quantization on.
    pub calibrate: Option<Arc<Samples>>,
}

/// A step of a compile: a pass, or what happens before and after them.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The pass's name.
    pub name: &'static str,
    /// How long it took.
    pub time: Duration,
    /// The module after it.
    pub phase: Phase,
    /// How many operations the module then has.
    pub operations: usize,
}

/// A module on its way, with all that came with it.
pub struct Compile<'c> {
    /// The module as it is now.
    pub module: Module<'c>,
    /// What the user is to be told.
    pub warnings: Vec<Diagnostic>,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// The integer network as it was before it was cut into pieces for PEs.
    pub network: Option<String>,
    /// What the float network's neurons receive on the recordings, once they have been run.
    pub calibration: Option<Arc<Calibration>>,
    /// What passes chose to do.
    pub remarks: Vec<Remark>,
    /// What is known about the module.
    pub analyses: Analyses,
    dumps: usize,
    /// Whether the mapping was read from a file, which a person may have changed.
    mapped_by_file: bool,
}

impl<'c> Compile<'c> {
    /// Reads a model or a dump, by its name's ending.
    pub fn start(context: &'c Context, file: &Path, options: &Options) -> Result<Self> {
        let _span = tracing::info_span!("import", file = %file.display()).entered();
        let mut warnings = Vec::new();
        let begin = Instant::now();
        let module = if file.extension().is_some_and(|ending| ending == "mlir") {
            let text = files::read_text(file)?;
            ir::parse(context, &text, &file.display().to_string())?
        } else {
            import::import(context, file, options, &mut warnings)?
        };
        let phase = Phase::of(&module)?;
        s2c_passes::session::verify(context, &module, phase)?;
        let time = begin.elapsed();
        let mapped_by_file = phase == Phase::S2k;
        let mut start = Self {
            module,
            warnings,
            steps: Vec::new(),
            network: None,
            calibration: None,
            remarks: Vec::new(),
            analyses: Analyses::default(),
            dumps: 0,
            mapped_by_file,
        };
        start.note("import", time)?;
        Ok(start)
    }

    /// Runs passes in order.
    pub fn run<'p>(
        mut self,
        context: &'c Context,
        target: &Target,
        passes: impl Iterator<Item = &'p Pass>,
        wishes: &Wishes,
    ) -> Result<Self> {
        if let Some(folder) = &wishes.dump_dir {
            files::create_folder(folder)?;
            if self.dumps == 0 {
                self.dump(folder, "import")?;
            }
        }
        let warnings = std::mem::take(&mut self.warnings);
        let (analyses, calibration) = (std::mem::take(&mut self.analyses), self.calibration.clone());
        let mut session = Session { warnings, calibration, analyses, ..Session::new(context, target.clone()) };
        for pass in passes.filter(|pass| wishes.stop_after.is_none_or(|phase| pass.gives <= phase)) {
            let _span = tracing::info_span!("pass", name = pass.name).entered();
            let begin = Instant::now();
            if pass.takes == Phase::Qsnn && pass.gives == Phase::S2k {
                self.network = Some(ir::to_text(&self.module));
            }
            if let (true, None, Some(samples)) =
                (s2c_passes::CALIBRATED.contains(&pass.name), &session.calibration, &wishes.calibrate)
            {
                let calibration = calibration::run(&snn::Network::read(&self.module)?, samples)?;
                session.calibration = Some(Arc::new(calibration));
                self.note("calibration", begin.elapsed())?;
            }
            let begin = Instant::now();
            let blame = self.blame();
            self.module = s2c_passes::session::run(pass, &mut session, self.module).map_err(blame)?;
            self.note(pass.name, begin.elapsed())?;
            if let Some(folder) = &wishes.dump_dir {
                self.dump(folder, pass.name)?;
            }
        }
        self.warnings = session.warnings;
        self.remarks.extend(session.remarks);
        self.calibration = session.calibration;
        self.analyses = session.analyses;
        Ok(self)
    }

    /// Adds a step that has just ended.
    fn note(&mut self, name: &'static str, time: Duration) -> Result<()> {
        let (phase, operations) = (Phase::of(&self.module)?, ir::operations(&self.module));
        self.steps.push(Step { name, time, phase, operations });
        Ok(())
    }

    /// Writes `NN-PASS.PHASE.mlir`.
    fn dump(&mut self, folder: &Path, name: &str) -> Result<()> {
        let phase = Phase::of(&self.module)?.name();
        let file = folder.join(format!("{:02}-{name}.{phase}.mlir", self.dumps));
        self.dumps += 1;
        files::write(&file, ir::to_text(&self.module).as_bytes())
    }

    /// The finished program, checked.
    pub fn program(&mut self, target: &Target) -> Result<Program> {
        let program = Program::read(&self.module)?;
        mapping::check(&program, target)
            .and_then(|()| self.analyses.get::<Expected>(&program, target))
            .and_then(|expected| check::expected::check(&program, target, &expected))
            .map_err(self.blame())?;
        Ok(program)
    }

    /// The binary of the finished program.
    pub fn binary(&mut self, target: &Target) -> Result<Binary> {
        let program = self.program(target)?;
        emit::emit(&program, target, &mut self.analyses).map_err(self.blame())
    }

    /// What does not hold is a bug, unless it was read from a dump.
    fn blame(&self) -> impl Fn(Box<Diagnostic>) -> Box<Diagnostic> + use<> {
        let by_file = self.mapped_by_file;
        move |diagnostic| match diagnostic.severity {
            Severity::Bug if by_file => Box::new(Diagnostic {
                severity: Severity::Error,
                code: "bad-ir",
                hint: "compile the model again, or undo what was changed in the dump".to_owned(),
                ..*diagnostic
            }),
            _ => diagnostic,
        }
    }
}

/// The passes that lead on from a module: all of its level's that take its phase or a later one. For a module in the
/// middle of a phase the passes that have run before must not change it again, which holds for each of them.
pub fn remaining(module: &Module<'_>) -> Result<impl Iterator<Item = &'static Pass> + use<>> {
    let (phase, options) = (Phase::of(module)?, s2c_passes::session::options_of(module)?);
    Ok(s2c_passes::pipeline(options.level).filter(move |pass| pass.takes >= phase))
}

/// A network as it will run, as a NIR graph with what NIR has no field for.
pub struct Exported {
    /// The graph.
    pub graph: s2c_nir::Graph,
    /// Length of a tick, and the neurons' rules.
    pub choices: s2c_nir::Choices,
    /// What the user is to be told.
    pub warnings: Vec<Diagnostic>,
    /// Time that each pass took.
    pub steps: Vec<Step>,
}

/// Compiles a model, or a dump of `snn` before its weights are scaled, to integers and writes those as NIR.
pub fn to_nir(
    context: &Context,
    file: &Path,
    options: &Options,
    target: Option<&str>,
    wishes: &Wishes,
) -> Result<Exported> {
    let target = targets::load(target.unwrap_or(targets::DEFAULT))?;
    let start = Compile::start(context, file, options)?;
    if Phase::of(&start.module)? != Phase::Snn {
        return Err(Box::new(
            Diagnostic::error("wrong-level", "the float network is needed to write NIR")
                .hint("start from the model, or from a dump of `snn`"),
        ));
    }
    let level = s2c_passes::session::options_of(&start.module)?.level;
    let passes = |takes: Phase, gives: Phase| {
        s2c_passes::pipeline(level).filter(move |pass| pass.takes == takes && pass.gives == gives)
    };
    let discretization = s2c_passes::find("discretization").into_iter();
    let discretized = start.run(context, &target, discretization, wishes)?;
    let float = snn::Network::read(&discretized.module)?;
    if float.nodes.iter().filter_map(|node| node.op.neuron()).any(|neuron| neuron.weight_scale.is_some()) {
        return Err(Box::new(
            Diagnostic::error("wrong-level", "the weights of this network are scaled already")
                .hint("start from the model, or from a dump of an earlier pass"),
        ));
    }
    let rest = passes(Phase::Snn, Phase::Snn).filter(|pass| pass.name != "discretization");
    let scaled = discretized.run(context, &target, rest, wishes)?;
    let scaled_network = snn::Network::read(&scaled.module)?;
    let rest = passes(Phase::Snn, Phase::Qsnn).chain(passes(Phase::Qsnn, Phase::Qsnn));
    let integers = scaled.run(context, &target, rest, wishes)?;
    let is_model = file.extension().is_none_or(|ending| ending != "mlir");
    let original = is_model.then(|| model_file::read(file)?.graph.flatten()).transpose()?;
    let (graph, choices) = export::export(&export::Levels {
        original: original.as_ref(),
        discretized: &float,
        scaled: &scaled_network,
        integers: &qsnn::Network::read(&integers.module)?,
    })?;
    Ok(Exported { graph, choices, warnings: integers.warnings, steps: integers.steps })
}

/// Compiles a model or a dump to a binary.
pub fn compile<'c>(
    context: &'c Context,
    file: &Path,
    options: &Options,
    target: Option<&str>,
    wishes: &Wishes,
) -> Result<(Compile<'c>, Target, Option<Binary>)> {
    let target = targets::load(target.unwrap_or(targets::DEFAULT))?;
    let start = Compile::start(context, file, options)?;
    let target = target.without(&s2c_passes::session::options_of(&start.module)?.dead);
    let passes = remaining(&start.module)?;
    let mut done = start.run(context, &target, passes, wishes)?;
    if Phase::of(&done.module)? != Phase::S2k {
        return Ok((done, target, None));
    }
    let program = done.program(&target)?;
    if wishes.stop_after.is_some() {
        return Ok((done, target, None));
    }
    let begin = Instant::now();
    let mut binary = emit::emit(&program, &target, &mut done.analyses).map_err(done.blame())?;
    if let Some(network) = done.network.take() {
        binary.add_network(network);
    }
    done.note("code-generation", begin.elapsed())?;
    Ok((done, target, Some(binary)))
}
