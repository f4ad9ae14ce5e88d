//! Mistakes on the command line as diagnostics that point to the word at fault.

use crate::cli::{
    Cli, output,
    render::{COMMAND_LINE, Format, Renderer},
};
use clap::{
    CommandFactory,
    error::{ContextKind, ContextValue, ErrorKind},
};
use s2c_dialects::{diagnostic::Diagnostic, shown::shown};
use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

/// The command line as one text.
pub fn command_line(words: &[OsString]) -> String {
    let quote = |word: &OsString| {
        let word = word.to_string_lossy();
        let word = shown(&word);
        if word.is_empty() || word.contains(char::is_whitespace) { format!("{word:?}") } else { word.into_owned() }
    };
    let program = std::iter::once("s2c".to_owned());
    program.chain(words.iter().skip(1).map(quote)).collect::<Vec<_>>().join(" ")
}

/// Prints what is wrong with the command line, or the help that was asked for.
pub fn report(error: &clap::Error, words: &[OsString]) -> ExitCode {
    let line = command_line(words);
    let json = line.contains("--error-format json") || line.contains("--error-format=json");
    let renderer = Renderer::new(if json { Format::Json } else { Format::Text }, line.clone(), None);
    if !error.use_stderr() {
        let shown = error.print().and_then(|()| io::stdout().flush());
        return output::printed(shown).map_or_else(
            |diagnostic| {
                renderer.print(&diagnostic);
                ExitCode::FAILURE
            },
            |()| ExitCode::SUCCESS,
        );
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        output::said(error.print());
        return ExitCode::from(2);
    }
    renderer.print(&diagnostic(error, &line));
    ExitCode::from(2)
}

/// Options that had another name in an earlier version.
const RENAMED: &[(&str, &str)] = &[("--explain", "--remarks"), ("--profile", "--rates")];

/// The commands that know an option that this one does not.
fn elsewhere(option: &str, line: &str) -> String {
    let here = line.split(' ').nth(1).unwrap_or_default();
    let program = Cli::command();
    let knows = |command: &&clap::Command| {
        command.get_name() != here
            && command.get_arguments().any(|argument| {
                let short = argument.get_short().is_some_and(|letter| option == format!("-{letter}"));
                short || argument.get_long().is_some_and(|long| option == format!("--{long}"))
            })
    };
    let commands: Vec<String> =
        program.get_subcommands().filter(knows).map(|command| format!("`{}`", command.get_name())).collect();
    if commands.is_empty() { String::new() } else { format!("It is an option of {}.", commands.join(", ")) }
}

fn diagnostic(error: &clap::Error, line: &str) -> Diagnostic {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    let (argument, value) = (context(ContextKind::InvalidArg), context(ContextKind::InvalidValue));
    let option = argument.split([' ', '=']).next().unwrap_or_default().to_owned();
    let suggestions = [ContextKind::SuggestedValue, ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand];
    let suggestion = suggestions.map(context).into_iter().find(|text| !text.is_empty());
    let did_you_mean = suggestion.map(|text| format!("did you mean `{text}`?"));
    let help = || match line.split(' ').nth(1).filter(|word| !word.starts_with('-')) {
        Some(command) if error.kind() != ErrorKind::InvalidSubcommand => {
            format!("`s2c {command} --help` shows the arguments")
        }
        _ => "`s2c --help` lists the commands".to_owned(),
    };
    let (code, title, text, wrong) = match error.kind() {
        ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::NoEquals => {
            let title = match value.as_str() {
                "" => format!("`{option}` needs a value"),
                _ => format!("invalid value `{value}` for `{option}`"),
            };
            let expected = Some(context(ContextKind::Custom)).filter(|text| !text.is_empty());
            let reason = expected.or_else(|| std::error::Error::source(error).map(ToString::to_string));
            let reason = reason.map(|reason| format!("{reason}."));
            let valid = context(ContextKind::ValidValue);
            let text = if valid.is_empty() { reason.unwrap_or_default() } else { format!("Possible values: {valid}.") };
            ("bad-option-value", title, text, if value.is_empty() { option } else { value })
        }
        ErrorKind::UnknownArgument => {
            let text = elsewhere(&option, line);
            let title = format!("there is no option `{argument}` here");
            if let Some((_, now)) = RENAMED.iter().find(|(was, _)| *was == option) {
                let renamed = Diagnostic::error("unknown-option", title).text(format!("It is called `{now}` now."));
                return renamed.at_option(option.trim_start_matches('-'), "").hint(format!("give `{now}`"));
            }
            ("unknown-option", title, text, option)
        }
        ErrorKind::InvalidSubcommand => {
            let command = context(ContextKind::InvalidSubcommand);
            ("unknown-command", format!("there is no command `{command}`"), String::new(), command)
        }
        ErrorKind::MissingRequiredArgument | ErrorKind::MissingSubcommand | ErrorKind::TooFewValues => {
            ("missing-argument", format!("`{argument}` is missing"), String::new(), String::new())
        }
        _ => ("usage", error.kind().to_string(), argument.clone(), option),
    };
    let column = match wrong.as_str() {
        "" => line.len() + 1,
        // The value's own word where it has one, else where it stands in a word such as `--option=value`.
        _ => position(line, &wrong).map_or(1, |at| at + 1),
    };
    Diagnostic::error(code, title).at_text(COMMAND_LINE, 1, column).text(text).hint(did_you_mean.unwrap_or_else(help))
}

/// Where a word stands in the command line: as a word, or as the value of an option.
pub fn position(line: &str, word: &str) -> Option<usize> {
    let starts = std::iter::once(0).chain(line.match_indices([' ', '=', ':', ',']).map(|(at, _)| at + 1));
    let is_end = |at: usize| line[at..].chars().next().is_none_or(|c| matches!(c, ' ' | '=' | ':' | ','));
    starts.filter(|&at| line[at..].starts_with(word)).find(|&at| at > 0 && is_end(at + word.len()))
}
