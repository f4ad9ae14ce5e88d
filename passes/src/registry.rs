//! All options that the passes of [`PIPELINE`] declare: as a dictionary, which travels with the IR, and which of them can
//! act on what a command is given.

use crate::{
    PIPELINE,
    analysis::traffic::{RATE, RATES, TICK},
    option_spec::{self, Form, Heading, OptionSpec, Setting},
    options::{InputKind, Level, Options},
    session::{LEVEL, Pass, Phase},
    target::TARGET,
};
use s2c_dialects::{
    Module,
    diagnostic::{Diagnostic, Result},
    graph,
};
use std::collections::{BTreeMap, BTreeSet};

/// Of the importer, which stands before all passes.
const INPUT_KIND: OptionSpec = OptionSpec {
    name: "input-kind",
    value: "KIND",
    help: "Input type: spike counts, or real values applied in every tick",
    words: InputKind::WORDS,
    set: |options, _, word| option_spec::word(InputKind::from_word(word)).map(|kind| options.input_kind = kind),
    get: |options| option_spec::one(options.input_kind),
    ..OptionSpec::of(Heading::Reading)
};
/// Of the importer, which stands before all passes.
const INPUT_LIMIT: OptionSpec = OptionSpec {
    name: "input-limit",
    value: "N",
    help: "Largest spike count, or absolute value, per input neuron and tick, up to 255",
    set: |options, _, text| match text.parse() {
        Ok(limit @ 1..) => Ok(options.input_limit = limit),
        _ => Err("expected a whole number from 1 to 255".to_owned()),
    },
    get: |options| option_spec::one(options.input_limit),
    ..OptionSpec::of(Heading::Reading)
};
/// What the importer looks at.
const IMPORT: &[&OptionSpec] = &[&INPUT_KIND, &INPUT_LIMIT];
/// What the emitter looks at: it reports what is expected of the program.
const EMISSION: &[&OptionSpec] = &[&TICK, &RATE, &RATES, &TARGET];

/// A step of a compile.
#[derive(Clone, Copy)]
enum Step {
    Import,
    Pass(&'static Pass),
    Emission,
}

impl Step {
    /// All steps in order.
    fn all() -> impl Iterator<Item = Self> {
        [Self::Import].into_iter().chain(PIPELINE.iter().map(Self::Pass)).chain([Self::Emission])
    }

    fn name(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Pass(pass) => pass.name,
            Self::Emission => "code-generation",
        }
    }

    fn options(self) -> &'static [&'static OptionSpec] {
        match self {
            Self::Import => IMPORT,
            Self::Pass(pass) => pass.options,
            Self::Emission => EMISSION,
        }
    }
}

/// All options, in the order of the steps that look at them.
pub fn all() -> Vec<&'static OptionSpec> {
    let mut seen = BTreeSet::new();
    Step::all().flat_map(Step::options).copied().filter(|option| seen.insert(option.name)).collect()
}

/// The options that a module carries.
///
/// # Errors
/// An option or a value that does not exist.
pub fn options_of(module: &Module<'_>) -> Result<Options> {
    read(&graph::options_of(module)?)
}

/// Reads options from a dictionary; what is not there has its default.
///
/// # Errors
/// An option or a value that does not exist.
pub fn read(map: &graph::Options) -> Result<Options> {
    let mut options = Options::default();
    let known = all();
    for (key, text) in map {
        let (name, node) = key.split_once('.').map_or((key.as_str(), None), |(name, node)| (name, Some(node)));
        let option = known.iter().find(|option| option.key() == name);
        let option = option.filter(|option| node.is_none() || option.form == Form::PerNode);
        let unknown = |reason: &str| {
            let title = format!("the module carries the option `{key}` = `{text}`, which does not exist");
            Box::new(Diagnostic::error("bad-option", title).text(reason))
        };
        let option = option.ok_or_else(|| unknown(""))?;
        let values = if option.form == Form::Repeated { text.split(' ').collect() } else { vec![text.as_str()] };
        for value in values {
            (option.set)(&mut options, node, value).map_err(|expected| unknown(&format!("{expected}.")))?;
        }
    }
    Ok(options)
}

/// The options as a dictionary.
pub fn write(options: &Options) -> graph::Options {
    let mut map = graph::Options::new();
    for option in all() {
        for (node, value) in (option.get)(options) {
            let key = node.map_or_else(|| option.key(), |node| format!("{}.{node}", option.key()));
            let values = map.entry(key).or_default();
            let gap = if values.is_empty() { "" } else { " " };
            *values += &format!("{gap}{value}");
        }
    }
    map
}

/// Adds what was given to the options, over what they hold.
///
/// # Errors
/// An option that is given twice for the same nodes, a wrong value, and an option that has no effect beside the others.
pub fn apply(options: &mut Options, settings: &[Setting]) -> Result<()> {
    let mut given: BTreeMap<(&str, Option<&str>), &str> = BTreeMap::new();
    for Setting { option, node, value } in settings {
        let (name, node) = (option.name, node.as_deref());
        if option.form != Form::Repeated
            && let Some(other) = given.insert((name, node), value)
        {
            return Err(Box::new(
                Diagnostic::usage(
                    "bad-option",
                    format!("`{}` is given twice, as `{other}` and `{value}`", option.flag()),
                )
                .at_option(name, value)
                .hint("give it once, or once per node"),
            ));
        }
        (option.set)(options, node, value).map_err(|expected| {
            Diagnostic::usage("bad-option-value", format!("invalid value `{value}` for `{}`", option.flag()))
                .at_option(name, value)
                .text(format!("{expected}."))
        })?;
    }
    let idle = settings.iter().find_map(|setting| Some((setting, (setting.option.idle)(options)?)));
    idle.map_or(Ok(()), |(setting, reason)| {
        Err(without_effect(setting.option).text(reason).hint("leave it out").into())
    })
}

fn without_effect(option: &OptionSpec) -> Diagnostic {
    Diagnostic::usage("option-without-effect", format!("`{}` has no effect here", option.flag()))
        .at_option(option.name, "")
}

/// What a command does with what it is given: the options of its steps can act.
pub struct Route<'a> {
    /// The phase of a dump; none for a model.
    pub from: Option<Phase>,
    /// The passes that have run on the dump.
    pub done: &'a BTreeSet<String>,
    /// The level that the options ask for.
    pub level: Level,
    /// The last phase whose passes run.
    pub until: Phase,
    /// The passes that run, where not all of them do.
    pub only: Option<&'a [&'static Pass]>,
    /// Whether the program is emitted.
    pub emits: bool,
}

impl Route<'_> {
    fn has_run(&self, step: Step) -> bool {
        match step {
            Step::Import => self.from.is_some(),
            Step::Pass(pass) => self.from.is_some_and(|phase| pass.takes < phase) || self.done.contains(pass.name),
            Step::Emission => false,
        }
    }

    fn runs(&self, step: Step, option: &OptionSpec) -> bool {
        match step {
            _ if self.has_run(step) => false,
            Step::Import => true,
            Step::Pass(pass) => {
                let is_asked_for = self.only.is_none_or(|only| only.iter().any(|other| other.name == pass.name));
                // Whether the level has passes to choose from does not depend on the level.
                let is_of_level = pass.from.is_in(self.level) || option.name == LEVEL.name;
                pass.gives <= self.until && is_asked_for && is_of_level
            }
            Step::Emission => self.emits,
        }
    }

    /// Refuses an option that nothing looks at any more, or that nothing comes to look at.
    ///
    /// # Errors
    /// The option can't act.
    pub fn check(&self, option: &OptionSpec) -> Result<()> {
        let uses = |step: &Step| step.options().iter().any(|other| other.name == option.name);
        let users: Vec<Step> = Step::all().filter(uses).collect();
        if users.iter().any(|&step| self.runs(step, option)) {
            return Ok(());
        }
        let refused = without_effect(option);
        Err(Box::new(match users.iter().rev().find(|&&step| self.has_run(step)) {
            Some(step) => refused
                .text(format!("`{}`, which uses it, has already run on this dump.", step.name()))
                .hint("give it when compiling the model, or start from an earlier dump"),
            None => refused
                .text(format!("`{}`, which uses it, is not run.", users.first().map_or("nothing", |step| step.name())))
                .hint("leave it out"),
        }))
    }
}
