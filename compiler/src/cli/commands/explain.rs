//! `s2c explain`.

use crate::cli::output;
use clap::Args;
use s2c_dialects::{
    codes,
    diagnostic::{Diagnostic, Result},
};

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// A diagnostic's code, as in `error[CODE]`; without it all codes are listed.
    code: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let Some(name) = &arguments.code else {
        let list = codes::all().map(|code| format!("{:<22} {}\n", code.name, code.summary().replace('\n', " ")));
        return output::print(&list.collect::<String>());
    };
    let name = name.trim_start_matches("error[").trim_start_matches("warning[").trim_end_matches(']');
    match codes::find(name) {
        Some(code) => output::print(&format!("{}\n\n{}\n", code.name, code.page)),
        None => {
            let hint = match super::nearest(name, codes::all().map(|code| code.name)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`s2c explain` lists all codes".to_owned(),
            };
            Err(Box::new(Diagnostic::error("unknown-code", format!("there is no code `{name}`")).hint(hint)))
        }
    }
}
