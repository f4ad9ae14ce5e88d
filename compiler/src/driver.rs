//! The compile itself: import, the passes one after another, code. What it has to say goes to a sink as it arises, so that
//! nothing is lost where a later pass fails.

use crate::{
    calibration::{self, Samples},
    frontend::{
        dump, import,
        source::{Content, Source},
    },
    sink::{Sink, Stage},
};
use s2c_backend::emit::{self, Binary};
use s2c_dialects::{
    Context, Module,
    diagnostic::{Diagnostic, Result, Severity},
    graph, ir,
    s2k::Program,
    snn,
};
use s2c_passes::{
    analysis::{expected, moments::CALIBRATE},
    check::{self, mapping},
    options::Options,
    registry,
    session::{self, Pass, Phase, Remark, Session},
    target::Target,
};
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

/// What a compile needs besides its source.
#[derive(Clone)]
pub struct Setup<'s> {
    /// The machine.
    pub target: Target,
    /// The options; for a dump those that it carries, with what is to be changed.
    pub options: Options,
    /// Recordings to calibrate the quantization on.
    pub samples: Option<Arc<Samples>>,
    /// Who is told.
    pub sink: &'s dyn Sink,
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
pub struct Compile<'c, 's> {
    /// The module as it is now.
    pub module: Module<'c>,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// What passes may use: target, options, calibration.
    pub session: Session<'c>,
    /// The integer network as it was before it was cut into pieces for PEs.
    network: Option<String>,
    samples: Option<Arc<Samples>>,
    sink: &'s dyn Sink,
    done: BTreeSet<String>,
    stages: usize,
    /// Whether the mapping was read from a file, which a person may have changed.
    mapped_by_file: bool,
}

impl<'c, 's> Compile<'c, 's> {
    /// Imports a model, or goes on from a dump.
    ///
    /// # Errors
    /// A model that can't be imported, and options that can't be met.
    pub fn start(context: &'c Context, source: &Source<'c>, setup: &Setup<'s>) -> Result<Self> {
        let _span = tracing::info_span!("import", name = source.name).entered();
        let begin = Instant::now();
        let options = setup.options.clone();
        if options.search {
            return Err(Box::new(Diagnostic::bug("bits per weight are to be searched for before the compile")));
        }
        let target = setup.target.clone().without(&options.dead)?;
        let mut warnings = Vec::new();
        let module = match &source.content {
            Content::Model(model) => import::import(context, model, &source.name, &options, &mut warnings)?,
            Content::Dump(module, _) => {
                let module = ir::copy(module).ok_or_else(|| Diagnostic::bug("a module can't be copied"))?;
                graph::set_options(context, &module, &registry::write(&options))?;
                module
            }
        };
        let phase = Phase::of(&module)?;
        session::verify(context, &module, phase)?;
        // The file may have answered what the options left open.
        let options = registry::options_of(&module)?;
        let mut start = Self {
            module,
            steps: Vec::new(),
            session: Session { warnings, ..Session::new(context, target, options) },
            network: None,
            samples: setup.samples.clone(),
            sink: setup.sink,
            done: source.done(),
            stages: 0,
            mapped_by_file: phase == Phase::S2k,
        };
        start.end_of("import", begin.elapsed())?;
        Ok(start)
    }

    /// Runs passes in order.
    ///
    /// # Errors
    /// What a pass refuses. What passes had to say until then has been told.
    pub fn run(&mut self, passes: impl IntoIterator<Item = &'static Pass>) -> Result<()> {
        for pass in passes {
            let _span = tracing::info_span!("pass", name = pass.name).entered();
            if pass.takes == Phase::Qsnn && pass.gives == Phase::S2k {
                self.network = Some(ir::to_text(&self.module));
            }
            if pass.options.iter().any(|option| option.name == CALIBRATE.name) {
                self.calibrate()?;
            }
            let begin = Instant::now();
            let module = ir::copy(&self.module).ok_or_else(|| Diagnostic::bug("a module can't be copied"))?;
            let result = session::run(pass, &mut self.session, module);
            self.tell();
            self.module = result.map_err(self.blame())?;
            self.done.insert(pass.name.to_owned());
            self.end_of(pass.name, begin.elapsed())?;
        }
        Ok(())
    }

    /// The passes that lead on from here: all of the level's that take the module's phase or a later one. In the middle
    /// of a phase the passes that have run before must not change the module again, which holds for each of them.
    ///
    /// # Errors
    /// A module of no phase.
    pub fn remaining(&self) -> Result<impl Iterator<Item = &'static Pass> + use<>> {
        let phase = Phase::of(&self.module)?;
        Ok(s2c_passes::pipeline(self.session.options.level).filter(move |pass| pass.takes >= phase))
    }

    /// Watches the float network on the recordings, once.
    fn calibrate(&mut self) -> Result<()> {
        let (None, Some(samples)) = (&self.session.calibration, &self.samples) else { return Ok(()) };
        let begin = Instant::now();
        let calibration = calibration::run(&snn::Network::read(&self.module)?, samples)?;
        self.session.calibration = Some(Arc::new(calibration));
        self.note("calibration", begin.elapsed())
    }

    /// A step that changed the module has ended.
    fn end_of(&mut self, name: &'static str, time: Duration) -> Result<()> {
        self.tell();
        dump::mark(self.session.context, &mut self.module, &self.done);
        self.note(name, time)?;
        let phase = Phase::of(&self.module)?;
        self.sink.stage(&Stage { number: self.stages, step: name, phase, module: &self.module })?;
        self.stages += 1;
        Ok(())
    }

    /// Hands on what passes had to say.
    fn tell(&mut self) {
        self.session.warnings.drain(..).for_each(|warning| self.sink.diagnostic(&warning));
    }

    fn note(&mut self, name: &'static str, time: Duration) -> Result<()> {
        let (phase, operations) = (Phase::of(&self.module)?, ir::operations(&self.module));
        self.steps.push(Step { name, time, phase, operations });
        Ok(())
    }

    /// What passes chose to do.
    pub fn remarks(&self) -> &[Remark] {
        &self.session.remarks
    }

    /// The finished program, checked.
    ///
    /// # Errors
    /// A mapping that breaks a rule.
    pub fn program(&self) -> Result<Program> {
        let (program, target) = (Program::read(&self.module)?, &self.session.target);
        let options = &self.session.options;
        mapping::check(&program, target)
            .and_then(|()| expected::expected(&program, target, options))
            .and_then(|costs| check::expected::check(&program, target, options, &costs))
            .map_err(self.blame())?;
        Ok(program)
    }

    /// The binary of the finished program.
    ///
    /// # Errors
    /// As [`Compile::program`].
    pub fn emit(&mut self) -> Result<Binary> {
        let program = self.program()?;
        let begin = Instant::now();
        let mut binary = emit::emit(&program, &self.session.target).map_err(self.blame())?;
        if let Some(network) = self.network.take() {
            binary.add_network(network);
        }
        self.note("code-generation", begin.elapsed())?;
        Ok(binary)
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
