//! `s2c completions` and `s2c man`.

use crate::{
    cli::{Cli, output},
    files,
};
use clap::{Args, CommandFactory};
use s2c_dialects::diagnostic::{Diagnostic, Result};
use std::path::PathBuf;

/// Arguments of `s2c completions`.
#[derive(Args)]
pub struct Completions {
    /// The shell.
    shell: clap_complete::Shell,
}

/// Arguments of `s2c man`.
#[derive(Args)]
pub struct Man {
    /// Folder for the pages: `s2c.1`, and one for each command.
    folder: PathBuf,
}

/// Prints the completions of a shell.
pub fn completions(arguments: &Completions) -> Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "s2c", &mut text);
    output::print(&String::from_utf8_lossy(&text))
}

/// Writes the manual pages.
pub fn man(arguments: &Man) -> Result<()> {
    files::create_folder(&arguments.folder)?;
    let write = |name: &str, command: clap::Command| {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(command).render(&mut page);
        rendered.map_err(|error| Diagnostic::bug(format!("a manual page: {error}")))?;
        files::write(&arguments.folder.join(format!("{name}.1")), &page)
    };
    let mut command = Cli::command();
    command.build();
    write("s2c", command.clone())?;
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        let name = format!("s2c-{}", inner.get_name());
        // The name of a page is made of the command's own.
        write(&name, inner.clone().name(name.clone()).display_name(name.clone()))?;
    }
    Ok(())
}
