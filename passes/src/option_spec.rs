//! How an option is declared: once, as a constant beside the pass that uses it. The command line, its help, and the
//! dictionary that travels with the IR are made of these declarations.

use crate::options::{Options, PerNode};
use std::fmt::Display;

/// Under which heading the help lists an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heading {
    /// What the file means in time.
    Reading,
    /// How the network becomes integers.
    Quantization,
    /// How it is laid out on the machine.
    Mapping,
}

impl Heading {
    /// The heading itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reading => "Reading",
            Self::Quantization => "Quantization",
            Self::Mapping => "Mapping",
        }
    }
}

/// How often an option may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Once.
    Once,
    /// Once, without a value on the command line; `true` in the dictionary.
    Flag,
    /// Once as `VALUE`, and once for each node as `NODE=VALUE`.
    PerNode,
    /// Any number of times; each adds a value.
    Repeated,
}

/// What came of a text: nothing, or what was expected instead.
pub type Parsed = Result<(), String>;

/// An option.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    /// Its name on the command line, without dashes. In the IR's dictionary it has underscores.
    pub name: &'static str,
    /// A letter that stands for the name on the command line.
    pub short: Option<char>,
    /// What the help calls the value.
    pub value: &'static str,
    /// The line of the help.
    pub help: &'static str,
    /// The default, where [`OptionSpec::get`] does not know it.
    pub default: &'static str,
    /// Where the help lists it.
    pub heading: Heading,
    /// All values, where they can be listed.
    pub words: &'static [&'static str],
    /// How often it may be given.
    pub form: Form,
    /// Of use only for comparisons with the published pipeline: in the long help alone.
    pub is_hidden: bool,
    /// Why the option has no effect beside the others, where that is so.
    pub idle: fn(&Options) -> Option<&'static str>,
    /// Reads a value, of a node or of all, into the options. One that names a file or target only checks the text: the
    /// caller reads the file and hands over what it holds.
    pub set: fn(&mut Options, Option<&str>, &str) -> Parsed,
    /// The values in the options that are there, in the form that `set` reads, with the node that each is for.
    pub get: fn(&Options) -> Vec<(Option<String>, String)>,
}

impl OptionSpec {
    /// What most options have in common.
    pub const fn of(heading: Heading) -> Self {
        Self {
            name: "",
            short: None,
            value: "VALUE",
            help: "",
            default: "",
            heading,
            words: &[],
            form: Form::Once,
            is_hidden: false,
            idle: |_| None,
            set: |_, _, _| Ok(()),
            get: |_| Vec::new(),
        }
    }

    /// The name in the IR's dictionary.
    pub fn key(&self) -> String {
        self.name.replace('-', "_")
    }

    /// How a person writes it on the command line.
    pub fn flag(&self) -> String {
        self.short.map_or_else(|| format!("--{}", self.name), |short| format!("-{short}"))
    }

    /// The default for all nodes as a text, if there is one.
    pub fn default_text(&self) -> Option<String> {
        if !self.default.is_empty() {
            return Some(self.default.to_owned());
        }
        (self.get)(&Options::default()).into_iter().find_map(|(node, value)| node.is_none().then_some(value))
    }

    /// The node and the value of a text of the command line.
    pub fn split<'t>(&self, text: &'t str) -> (Option<&'t str>, &'t str) {
        match text.rsplit_once('=') {
            Some((node, value)) if self.form == Form::PerNode => (Some(node), value),
            _ => (None, text),
        }
    }
}

/// An option with its value, as it was given.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The option.
    pub option: &'static OptionSpec,
    /// The node that it is for, or all.
    pub node: Option<String>,
    /// The value.
    pub value: String,
}

/// A value for all nodes.
pub fn one(value: impl Display) -> Vec<(Option<String>, String)> {
    vec![(None, value.to_string())]
}

/// A value that may be missing.
pub fn some<T>(value: Option<T>, show: impl Fn(T) -> String) -> Vec<(Option<String>, String)> {
    value.map(|value| (None, show(value))).into_iter().collect()
}

/// Values of all nodes and of single ones.
pub fn each<T: Copy>(choice: &PerNode<T>, show: impl Fn(T) -> Option<String>) -> Vec<(Option<String>, String)> {
    let all = show(choice.all).map(|value| (None, value));
    let of = choice.of.iter().filter_map(|(node, &value)| Some((Some(node.clone()), show(value)?)));
    all.into_iter().chain(of).collect()
}

/// The value of a word; the words are listed where it is none.
pub fn word<T>(value: Option<T>) -> Result<T, String> {
    value.ok_or_else(|| "unknown word".to_owned())
}

/// A number that `holds` is true of.
pub fn number(text: &str, holds: impl Fn(f64) -> bool, expected: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|&number: &f64| number.is_finite() && holds(number));
    number.ok_or_else(|| format!("expected {expected}"))
}
