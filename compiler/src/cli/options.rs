//! The options of passes on the command line: made of what each pass declares, and refused where they can't act.

use crate::{
    calibration::Samples,
    cli::sink::Terminal,
    driver::Setup,
    files,
    frontend::{model_file, source::Source},
    targets,
    tools::{evaluation::Point, profile, width_search},
};
use clap::{
    Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
    error::{ContextKind, ContextValue, ErrorKind},
};
use s2c_dialects::{
    Context,
    diagnostic::{Diagnostic, Result},
};
use s2c_passes::{
    analysis::{
        moments::{CALIBRATE, CALIBRATE_SAMPLES},
        traffic::RATES,
    },
    option_spec::{Form, Heading, OptionSpec, Setting},
    options::{Level, Options},
    registry::{self, Route},
    session::Phase,
    target::TARGET,
};
use std::{ffi::OsStr, marker::PhantomData, path::Path, sync::Arc};

/// The options that a command offers.
pub trait Offer {
    /// Whether it offers one under this heading.
    fn offers(heading: Heading) -> bool;
}

/// All of them: the command goes all the way.
#[derive(Clone, Debug)]
pub struct All;

impl Offer for All {
    fn offers(_: Heading) -> bool {
        true
    }
}

/// What a file means in time: the command stops at the float network.
#[derive(Clone, Debug)]
pub struct Reading;

impl Offer for Reading {
    fn offers(heading: Heading) -> bool {
        heading == Heading::Reading
    }
}

/// What was given of the options that a command offers.
#[derive(Clone, Debug)]
pub struct Given<O> {
    settings: Vec<Setting>,
    offer: PhantomData<O>,
}

impl<O: Offer> Given<O> {
    fn offered() -> impl Iterator<Item = &'static OptionSpec> {
        registry::all().into_iter().filter(|option| O::offers(option.heading))
    }

    /// Refuses what can't act.
    pub fn check(&self, route: &Route<'_>) -> Result<()> {
        self.settings.iter().try_for_each(|setting| route.check(setting.option))
    }

    /// Refuses options that a hand-over to the vendor's software makes no use of.
    pub fn check_hand_over(&self, unused: &[&OptionSpec]) -> Result<()> {
        match unused.iter().find(|option| self.value(option).is_some()) {
            Some(option) => Err(without_effect(option.name, "The vendor's software has nothing like it.")),
            None => Ok(()),
        }
    }

    /// The options of a source with what was given.
    pub fn options(&self, source: &Source<'_>) -> Result<Options> {
        let mut options = source.options()?;
        registry::apply(&mut options, &self.settings)?;
        if let Some(file) = self.value(&RATES) {
            let given = options.rate.of;
            options.rate.of = profile::rates(Path::new(file))?;
            options.rate.of.extend(given);
        }
        Ok(options)
    }

    /// What a compile of the source needs.
    pub fn setup<'s>(&self, source: &Source<'_>, sink: &'s Terminal<'_>) -> Result<Setup<'s>> {
        let carried = source.target()?;
        let name = self.value(&TARGET).or(carried.as_deref()).unwrap_or(targets::DEFAULT);
        let target = targets::load(name)?;
        if let Some(carried) = carried.filter(|carried| *carried != target.name) {
            return Err(Box::new(targets::other(&carried, &target.name)));
        }
        Ok(Setup { target, options: self.options(source)?, samples: self.samples()?, sink })
    }

    /// The level that the options ask for.
    pub fn level(&self, source: &Source<'_>) -> Result<Level> {
        Ok(self.options(source)?.level)
    }

    /// As [`Given::setup`], with bits per weight found out where that is asked for, and all that was tried for them.
    pub fn settled<'c, 's>(
        &self,
        context: &'c Context,
        source: &Source<'c>,
        sink: &'s Terminal<'_>,
    ) -> Result<(Setup<'s>, Vec<Point>)> {
        let mut setup = self.setup(source, sink)?;
        let front = width_search::settle(context, source, &mut setup)?;
        Ok((setup, front))
    }

    /// The value of an option that names something.
    fn value(&self, option: &OptionSpec) -> Option<&str> {
        self.settings.iter().find(|setting| setting.option.name == option.name).map(|setting| setting.value.as_str())
    }

    /// The recordings to calibrate on, if there are any.
    fn samples(&self) -> Result<Option<Arc<Samples>>> {
        let Some(file) = self.value(&CALIBRATE) else { return Ok(None) };
        let most = self.value(&CALIBRATE_SAMPLES).unwrap_or(CALIBRATE_SAMPLES.default);
        // The parser has seen that it is a number.
        Samples::open(Path::new(file), most.parse().unwrap_or(1)).map(|samples| Some(Arc::new(samples)))
    }
}

impl<O: Offer> Args for Given<O> {
    fn augment_args(command: Command) -> Command {
        Self::offered().fold(command, |command, option| command.arg(argument(option)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<O: Offer> FromArgMatches for Given<O> {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let mut given = Self { settings: Vec::new(), offer: PhantomData };
        given.update_from_arg_matches(matches)?;
        Ok(given)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> std::result::Result<(), clap::Error> {
        self.settings = Self::offered()
            .flat_map(|option| {
                let is_flag = option.form == Form::Flag && matches.get_flag(option.name);
                let texts = match option.form {
                    Form::Flag => None,
                    _ => matches.get_many::<String>(option.name),
                };
                let flag = Setting { option, node: None, value: "true".to_owned() };
                let flag = is_flag.then_some(flag);
                let texts = texts.into_iter().flatten();
                let texts = texts.map(move |text| {
                    let (node, value) = option.split(text);
                    Setting { option, node: node.map(str::to_owned), value: value.to_owned() }
                });
                flag.into_iter().chain(texts)
            })
            .collect();
        Ok(())
    }
}

/// An option as clap takes it.
fn argument(option: &'static OptionSpec) -> Arg {
    let default = option.default_text().map(|text| format!(" [default: {text}]")).unwrap_or_default();
    let argument = Arg::new(option.name)
        .help(format!("{}{default}", option.help))
        .help_heading(option.heading.name())
        .hide_short_help(option.is_hidden);
    let argument = match option.form {
        Form::Flag => argument.action(ArgAction::SetTrue),
        Form::Once => argument.value_name(option.value).value_parser(Value(option)).action(ArgAction::Set),
        Form::PerNode | Form::Repeated => {
            argument.value_name(option.value).value_parser(Value(option)).action(ArgAction::Append)
        }
    };
    let argument = if option.name == CALIBRATE_SAMPLES.name { argument.requires(CALIBRATE.name) } else { argument };
    match option.short {
        Some(letter) => argument.short(letter),
        None => argument.long(option.name),
    }
}

/// Reads the value of an option as the pass declares it.
#[derive(Clone)]
struct Value(&'static OptionSpec);

impl TypedValueParser for Value {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        text: &OsStr,
    ) -> std::result::Result<String, clap::Error> {
        let text = text.to_string_lossy();
        let (node, value) = self.0.split(&text);
        if !self.0.words.is_empty() {
            PossibleValuesParser::new(self.0.words).parse_ref(command, argument, OsStr::new(value))?;
        }
        match (self.0.set)(&mut Options::default(), node, value) {
            Ok(()) => Ok(text.into_owned()),
            Err(expected) => {
                let mut error = clap::Error::new(ErrorKind::ValueValidation).with_cmd(command);
                error.insert(ContextKind::InvalidArg, ContextValue::String(self.0.flag()));
                error.insert(ContextKind::InvalidValue, ContextValue::String(text.into_owned()));
                error.insert(ContextKind::Custom, ContextValue::String(expected));
                Err(error)
            }
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let words = self.0.words;
        (!words.is_empty()).then(|| Box::new(words.iter().map(PossibleValue::new)) as Box<dyn Iterator<Item = _>>)
    }
}

/// Refuses an option of a command that has no effect on what it is given.
pub fn without_effect(name: &str, why: &str) -> Box<Diagnostic> {
    let title = format!("`--{name}` has no effect here");
    Box::new(Diagnostic::usage("option-without-effect", title).at_option(name, "").text(why).hint("leave it out"))
}

/// Reads a model or a dump.
pub fn source<'c>(context: &'c Context, file: &Path) -> Result<Source<'c>> {
    let last_resort = model_file::last_resort(file);
    Source::read(context, files::read(file)?, &file.display().to_string(), last_resort.as_deref())
}

/// A phase on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PhaseName {
    /// Float network.
    Snn,
    /// Integer network.
    Qsnn,
    /// Program for PEs.
    S2k,
}

impl From<PhaseName> for Phase {
    fn from(name: PhaseName) -> Self {
        match name {
            PhaseName::Snn => Self::Snn,
            PhaseName::Qsnn => Self::Qsnn,
            PhaseName::S2k => Self::S2k,
        }
    }
}
