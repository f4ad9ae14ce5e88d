//! Diagnostics for people and for tools.

use codespan_reporting::{
    diagnostic::{Diagnostic as Report, Label, Severity as ReportSeverity},
    files::SimpleFile,
    term::{
        self,
        termcolor::{ColorChoice, StandardStream},
    },
};
use s2c_dialects::diagnostic::{Diagnostic, Place, Severity};
use std::{fs, io::IsTerminal};

/// How diagnostics are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Prints a diagnostic to the standard error stream.
pub fn print(diagnostic: &Diagnostic, format: Format) {
    match format {
        Format::Json => eprintln!("{}", json(diagnostic)),
        Format::Text => text(diagnostic),
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::Bug => "bug",
    }
}

fn json(diagnostic: &Diagnostic) -> serde_json::Value {
    let place = match &diagnostic.place {
        Place::None => serde_json::Value::Null,
        Place::Node(node) => serde_json::json!({ "node": node }),
        Place::Text { file, line, column } => serde_json::json!({ "file": file, "line": line, "column": column }),
    };
    serde_json::json!({
        "severity": word(diagnostic.severity),
        "code": diagnostic.code,
        "title": diagnostic.title,
        "place": place,
        "text": diagnostic.text,
        "hint": diagnostic.hint,
    })
}

/// Text files are shown with the line that a diagnostic points to; for all else its own form is enough.
fn text(diagnostic: &Diagnostic) {
    if let Place::Text { file, line, column } = &diagnostic.place
        && let Ok(source) = fs::read_to_string(file)
    {
        let start: usize = source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let at = (start + column.saturating_sub(1)).min(source.len().saturating_sub(1));
        let severity = match diagnostic.severity {
            Severity::Warning => ReportSeverity::Warning,
            Severity::Error => ReportSeverity::Error,
            Severity::Bug => ReportSeverity::Bug,
        };
        let mut report = Report::new(severity)
            .with_code(diagnostic.code)
            .with_message(&diagnostic.title)
            .with_labels(vec![Label::primary((), at..at + 1).with_message(&diagnostic.text)]);
        if !diagnostic.hint.is_empty() {
            report = report.with_notes(vec![format!("hint: {}", diagnostic.hint)]);
        }
        let color = if std::io::stderr().is_terminal() { ColorChoice::Auto } else { ColorChoice::Never };
        let mut stream = StandardStream::stderr(color);
        let file = SimpleFile::new(file, &source);
        if term::emit_to_write_style(&mut stream, &term::Config::default(), &file, &report).is_ok() {
            return;
        }
    }
    eprintln!("{diagnostic}");
}
