//! Diagnostics in one form, for people and for tools.
//!
//! ```text
//! error[CODE]: title
//!   ┌─ file:line:column
//!   │
//! 3 │ the line of a text, of the command line, or of a model's listing
//!   │     ^^^
//!   │
//!   = what is wrong, with the numbers
//!   = hint: what to try next
//! ```
//! A model is a binary file; a place in it is shown in its listing, the one that `s2c inspect` prints, with the
//! neighbours of the node.

mod excerpt;

use crate::{
    cli::{output, usage},
    frontend::model_file,
};
use codespan_reporting::{
    diagnostic::{Diagnostic as Report, Label, Severity as ReportSeverity},
    term::{
        self,
        termcolor::{Buffer, BufferWriter, ColorChoice},
    },
};
use excerpt::Excerpt;
use s2c_dialects::{
    diagnostic::{Diagnostic, Place, Severity},
    shown::{cut, shown, shown_lines},
};
use s2c_nir::Listing;
use s2c_passes::registry;
use std::{
    collections::BTreeMap,
    fs,
    io::IsTerminal,
    mem,
    path::PathBuf,
    sync::{Mutex, OnceLock, PoisonError},
};

/// How diagnostics are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Name under which a position in the command line is reported.
pub const COMMAND_LINE: &str = "command line";

/// Diagnostics of one code that are printed; the others are counted.
const MOST: usize = 10;
/// Characters of a title, a name or a hint, and of a text.
const LINE: usize = 500;
const PARAGRAPH: usize = 3000;

/// Prints diagnostics, with what they speak of.
#[derive(Default)]
pub struct Renderer {
    format: Format,
    /// The command line, as a text.
    command_line: String,
    /// The model, dump or binary that the command is about.
    model: Option<PathBuf>,
    /// The model's nodes, once a diagnostic points to one.
    listing: OnceLock<Option<Listing>>,
    /// How many diagnostics of each code there were.
    counts: Mutex<BTreeMap<&'static str, usize>>,
}

impl Renderer {
    /// A renderer for one call of `s2c`.
    pub fn new(format: Format, command_line: String, model: Option<PathBuf>) -> Self {
        Self { format, command_line, model, ..Self::default() }
    }

    /// Prints a diagnostic, unless there were many of its code.
    pub fn print(&self, diagnostic: &Diagnostic) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(diagnostic.code).or_default();
        *count += 1;
        if *count <= MOST {
            self.print_one(diagnostic);
        }
    }

    /// Says how many diagnostics were not printed.
    pub fn finish(&self) {
        let counts = mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        for (code, count) in counts.into_iter().filter(|(_, count)| *count > MOST) {
            self.print_one(&Diagnostic::note(code, format!("{} more of these are not shown", count - MOST)));
        }
    }

    /// Prints a diagnostic to the standard error stream, in colours where that is a terminal.
    fn print_one(&self, diagnostic: &Diagnostic) {
        if self.format == Format::Json {
            return output::say_json(&self.json(diagnostic));
        }
        let colors = std::io::stderr().is_terminal();
        let writer = BufferWriter::stderr(if colors { ColorChoice::Auto } else { ColorChoice::Never });
        let mut buffer = writer.buffer();
        match self.text(diagnostic, &mut buffer) {
            Ok(()) => output::said(writer.print(&buffer)),
            Err(_) => output::say(&format!("{diagnostic}\n")),
        }
    }

    /// Where a diagnostic points to. One without a place of its own is about a word of the command line: one that it
    /// names, or the model.
    fn place(&self, diagnostic: &Diagnostic) -> Place {
        let node = match &diagnostic.place {
            Place::None => None,
            Place::Option { name, value } => return self.option(name, value),
            Place::Node(node) if self.excerpt(&diagnostic.place).is_none() => Some(node.clone()),
            known => return known.clone(),
        };
        let quoted =
            [&diagnostic.title, &diagnostic.text].into_iter().flat_map(|text| text.split('`').skip(1).step_by(2));
        let named = node.into_iter().chain(quoted.map(str::to_owned));
        let model = self.model.as_ref().map(|model| model.display().to_string());
        let column = named.chain(model).find_map(|word| usage::position(&self.command_line, &word));
        match column {
            Some(at) => Place::Text { file: COMMAND_LINE.to_owned(), line: 1, column: at + 1 },
            None => diagnostic.place.clone(),
        }
    }

    /// Where an option stands in the command line, or a value of it.
    fn option(&self, name: &str, value: &str) -> Place {
        let letter = registry::all().into_iter().find(|option| option.name == name).and_then(|option| option.short);
        let flag = letter.map_or_else(|| format!("--{name}"), |letter| format!("-{letter}"));
        let line = &self.command_line;
        let at = usage::position(line, &flag).or_else(|| line.find(&format!(" {flag}")).map(|at| at + 1)).unwrap_or(0);
        let at = usage::position(&line[at..], value).filter(|_| !value.is_empty()).map_or(at, |within| at + within);
        Place::Text { file: COMMAND_LINE.to_owned(), line: 1, column: at + 1 }
    }

    fn json(&self, diagnostic: &Diagnostic) -> serde_json::Value {
        let place = match &self.place(diagnostic) {
            Place::None | Place::Option { .. } => serde_json::Value::Null,
            Place::Node(node) => serde_json::json!({ "node": node, "file": self.model }),
            Place::Text { file, line, column } => serde_json::json!({ "file": file, "line": line, "column": column }),
        };
        serde_json::json!({
            "severity": diagnostic.severity.word(),
            "code": diagnostic.code,
            "title": diagnostic.title,
            "place": place,
            "text": diagnostic.text,
            "hint": hint(diagnostic),
        })
    }

    fn text(&self, diagnostic: &Diagnostic, buffer: &mut Buffer) -> Result<(), codespan_reporting::files::Error> {
        let place = self.place(diagnostic);
        let excerpt = self.excerpt(&place);
        let mut notes = Vec::new();
        match &place {
            Place::Node(node) if excerpt.is_none() => notes.push(format!("node: `{}`", line(node))),
            Place::Text { file, line: number, column } if excerpt.is_none() => {
                notes.push(format!("{}:{number}:{column}", line(file)));
            }
            _ => {}
        }
        notes.extend(paragraph(diagnostic));
        notes.push(format!("hint: {}", line(&hint(diagnostic))));
        let excerpt = excerpt.unwrap_or_default();
        let mut labels: Vec<Label<()>> =
            excerpt.secondary.iter().cloned().map(|range| Label::secondary((), range)).collect();
        labels.extend(excerpt.primary.clone().map(|range| Label::primary((), range)));
        let report = Report::new(severity(diagnostic.severity))
            .with_code(diagnostic.code)
            .with_message(line(&diagnostic.title))
            .with_labels(labels)
            .with_notes(notes);
        term::emit_to_write_style(buffer, &term::Config::default(), &excerpt, &report)
    }

    /// The lines that a place is in, if it can be shown.
    fn excerpt(&self, place: &Place) -> Option<Excerpt> {
        match place {
            Place::None | Place::Option { .. } => None,
            Place::Text { file, line, column } if file == COMMAND_LINE => {
                Excerpt::of_text(file, &self.command_line, *line, *column)
            }
            Place::Text { file, line, column } => {
                let source = fs::read(file).ok()?;
                Excerpt::of_text(file, &String::from_utf8_lossy(&source), *line, *column)
            }
            Place::Node(node) => {
                let file = self.model.as_ref()?;
                let shown = file.display().to_string();
                if file.extension().is_some_and(|ending| ending == "mlir") {
                    return Excerpt::of_dump(&shown, &fs::read_to_string(file).ok()?, node);
                }
                let listing = self.listing.get_or_init(|| model_file::listing(file).ok()).as_ref()?;
                Excerpt::of_listing(&shown, listing, node)
            }
        }
    }
}

/// A text in one line, of a bounded length.
fn line(text: &str) -> String {
    cut(&shown(text), LINE).into_owned()
}

/// The text of a diagnostic, where it has one. That of a bug is for its report: it may have lines, and is whole.
fn paragraph(diagnostic: &Diagnostic) -> Option<String> {
    let text = match diagnostic.severity {
        Severity::Bug => shown_lines(&diagnostic.text),
        _ => shown(&diagnostic.text),
    };
    let is_bug = diagnostic.severity == Severity::Bug;
    Some(cut(&text, if is_bug { usize::MAX } else { PARAGRAPH }).into_owned()).filter(|text| !text.is_empty())
}

/// What to do next; where a diagnostic does not say it, its page does.
fn hint(diagnostic: &Diagnostic) -> String {
    match diagnostic.hint.as_str() {
        "" => format!("`s2c explain {}` says more", diagnostic.code),
        hint => hint.to_owned(),
    }
}

fn severity(severity: Severity) -> ReportSeverity {
    match severity {
        Severity::Note => ReportSeverity::Note,
        Severity::Warning => ReportSeverity::Warning,
        Severity::Error | Severity::Usage => ReportSeverity::Error,
        Severity::Bug => ReportSeverity::Bug,
    }
}
