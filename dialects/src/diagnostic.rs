//! One form for everything that `s2c` has to tell the person who has the model.
//!
//! A diagnostic has a stable kebab-case code, a short title, the place (a NIR node or a position in a text file), a
//! plain paragraph with the numbers, and a hint that names the next thing to try.
//! Library code returns diagnostics; only the `compiler` crate prints them.

use std::fmt;

/// How grave a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something worth knowing that needs no action.
    Note,
    /// Something was assumed that the reader may want to change.
    Warning,
    /// The input is at fault; nothing is produced.
    Error,
    /// What was asked for can't be done, or would have no effect; nothing is produced.
    Usage,
    /// `s2c` itself is at fault.
    Bug,
}

impl Severity {
    /// The word that a diagnostic begins with.
    pub fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error | Self::Usage => "error",
            Self::Bug => "bug",
        }
    }
}

/// Where a diagnostic points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// No particular place.
    None,
    /// A NIR node, by its path (`lif1.lif`, `block/conv`).
    Node(String),
    /// An option.
    Option {
        /// Its name, without dashes.
        name: String,
        /// The value, or the part of it, that is at fault; empty for the option as a whole.
        value: String,
    },
    /// A position in a text file, with 1-based line and column.
    Text {
        /// Path or name of the file.
        file: String,
        /// 1-based line.
        line: usize,
        /// 1-based column.
        column: usize,
    },
}

/// A message to the user. See the module's page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// Stable kebab-case code, for example `unsupported-node`.
    pub code: &'static str,
    /// One line, no full stop.
    pub title: String,
    /// The place that it speaks of.
    pub place: Place,
    /// What is wrong, with the numbers, in full sentences; may be empty.
    pub text: String,
    /// What to do next; may be empty.
    pub hint: String,
}

impl Diagnostic {
    /// An error of the input.
    pub fn error(code: &'static str, title: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, title)
    }

    /// A warning: the work goes on with a stated assumption.
    pub fn warning(code: &'static str, title: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, title)
    }

    /// A note: something worth knowing that needs no action.
    pub fn note(code: &'static str, title: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, title)
    }

    /// An error of the call: options that contradict each other, or have no effect.
    pub fn usage(code: &'static str, title: impl Into<String>) -> Self {
        Self::new(Severity::Usage, code, title)
    }

    /// An error of `s2c` itself: an invariant that was checked and did not hold.
    pub fn bug(title: impl Into<String>) -> Self {
        Self::new(Severity::Bug, "internal", title)
    }

    fn new(severity: Severity, code: &'static str, title: impl Into<String>) -> Self {
        Self { severity, code, title: title.into(), place: Place::None, text: String::new(), hint: String::new() }
    }

    /// The NIR node that it speaks of.
    pub fn node(&self) -> Option<&str> {
        match &self.place {
            Place::Node(node) => Some(node),
            _ => None,
        }
    }

    /// Points the diagnostic at a NIR node.
    pub fn at_node(mut self, node: impl Into<String>) -> Self {
        self.place = Place::Node(node.into());
        self
    }

    /// Points the diagnostic at an option, or at a value of it.
    pub fn at_option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.place = Place::Option { name: name.into(), value: value.into() };
        self
    }

    /// Points the diagnostic at a position in a text.
    pub fn at_text(mut self, file: impl Into<String>, line: usize, column: usize) -> Self {
        self.place = Place::Text { file: file.into(), line, column };
        self
    }

    /// Adds the explanation.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// Adds the hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

impl fmt::Display for Diagnostic {
    /// The plain form: `error[code]: title`, then place, text and hint on lines of their own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.severity.word(), self.code, self.title)?;
        match &self.place {
            Place::None => {}
            Place::Node(node) => write!(f, "\n  --> node `{node}`")?,
            Place::Option { name, value } if value.is_empty() => write!(f, "\n  --> --{name}")?,
            Place::Option { name, value } => write!(f, "\n  --> --{name} {value}")?,
            Place::Text { file, line, column } => write!(f, "\n  --> {file}:{line}:{column}")?,
        }
        if !self.text.is_empty() {
            write!(f, "\n  {}", self.text)?;
        }
        if !self.hint.is_empty() {
            write!(f, "\n  hint: {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// The usual result of library functions here.
pub type Result<T> = std::result::Result<T, Box<Diagnostic>>;
