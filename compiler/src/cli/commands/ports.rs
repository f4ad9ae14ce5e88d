//! Files of a network's inputs and outputs on the command line: `--input [NODE=]FILE`, `--output [NODE=]FILE`.

use crate::{
    data::{self, Cell, Train},
    tools::recording,
};
use clap::Args;
use s2c_dialects::{
    diagnostic::{Diagnostic, Place, Result},
    shown,
};
use std::path::{Path, PathBuf};

/// The files of a run.
#[derive(Args)]
pub struct Files {
    /// Spikes or values: `.npy` (ticks x neurons, or ticks x channels x rows x columns), `.npz` or `.csv`; one for each
    /// input.
    #[arg(long, value_name = "[NODE=]FILE", required = true)]
    pub input: Vec<String>,
    /// Array of an `.npz` file.
    #[arg(long, value_name = "NAME")]
    pub input_array: Option<String>,
    /// Where an output goes: spikes, or values in the network's units where it has none.
    #[arg(long, value_name = "[NODE=]FILE")]
    pub output: Vec<String>,
    /// Record what a node hands on (NODE=FILE) or its membranes (NODE:v=FILE).
    #[arg(long, value_name = "NODE=FILE", value_parser = names_a_file)]
    pub record: Vec<String>,
}

/// A port and its shape.
pub type Port = (String, Vec<usize>);

/// The node and the file that an argument names. A file's name may hold `=`, and so may a node's: the longest name of a
/// node before an `=` counts. A single port need not be named.
fn resolve<'a>(option: &str, text: &'a str, ports: &[Port]) -> Result<(usize, &'a str)> {
    let named = ports.iter().enumerate().filter_map(|(index, (name, _))| {
        let file = text.strip_prefix(name.as_str())?.strip_prefix('=')?;
        Some((name.len(), index, file))
    });
    if let Some((_, index, file)) = named.max() {
        return Ok((index, file));
    }
    if ports.len() == 1 {
        return Ok((0, text));
    }
    let names = shown::list(ports.iter().map(|(name, _)| format!("`{name}`")));
    Err(Box::new(
        Diagnostic::error("which-port", format!("`--{option} {text}` leaves open which node it is for"))
            .text(format!("The network has {} of them: {}.", ports.len(), names))
            .hint(format!("give each its own: --{option} NODE=FILE")),
    ))
}

/// Whether an argument can be `NODE=FILE`, for any names of nodes.
fn names_a_file(text: &str) -> std::result::Result<String, String> {
    let is_whole = text.split_once('=').is_some_and(|(node, _)| !node.is_empty()) && !text.ends_with('=');
    is_whole.then(|| text.to_owned()).ok_or_else(|| "expected NODE=FILE".to_owned())
}

/// What is recorded (`NODE` or `NODE:v`), and the files that it goes into. As with [`outputs`], the longest name of a node
/// before an `=` counts; where there is none, what stands before the first.
pub fn records(texts: &[String], is_known: impl Fn(&str) -> bool) -> Vec<(String, PathBuf)> {
    let split = |text: &String| {
        let splits = text.rmatch_indices('=').map(|(at, _)| (&text[..at], &text[at + 1..]));
        let known =
            splits.filter(|(_, file)| !file.is_empty()).find(|(name, _)| is_known(recording::parse(name, &is_known).0));
        let (name, file) = known.or(text.split_once('=')).unwrap_or((text, ""));
        (name.to_owned(), PathBuf::from(file))
    };
    texts.iter().map(split).collect()
}

/// What all inputs are given, in their order.
///
/// # Errors
/// Arguments that do not name each input once, files that do not fit, and files of different lengths.
pub fn read_inputs<T: Cell>(given: &Files, ports: &[Port]) -> Result<Vec<Train<T>>> {
    read_files(&given.input, given.input_array.as_deref(), ports)
}

/// As [`read_inputs`], from the arguments `[NODE=]FILE` themselves; `array` picks one of an `.npz` file.
pub fn read_files<T: Cell>(given: &[String], array: Option<&str>, ports: &[Port]) -> Result<Vec<Train<T>>> {
    let mut files: Vec<Option<&str>> = vec![None; ports.len()];
    for text in given {
        let (index, file) = resolve("input", text, ports)?;
        if files[index].replace(file).is_some() {
            let title = "an input is given twice";
            return Err(Box::new(Diagnostic::error("which-port", title).at_node(ports[index].0.clone())));
        }
    }
    let mut inputs: Vec<Train<T>> = Vec::with_capacity(ports.len());
    for ((name, shape), file) in ports.iter().zip(files) {
        let file = file.ok_or_else(|| {
            Diagnostic::error("which-port", "an input has no file")
                .at_node(name.clone())
                .hint(format!("add --input {name}=FILE"))
        })?;
        let input = read_input(Path::new(file), array, shape).map_err(|error| match error.place {
            Place::None => Box::new(error.at_node(name.clone())),
            _ => error,
        })?;
        if let Some(first) = inputs.first().filter(|first| first.ticks() != input.ticks()) {
            return Err(Box::new(
                Diagnostic::error("input-ticks", "the inputs have different lengths")
                    .at_node(name.clone())
                    .text(format!("It has {} ticks, `{}` has {}.", input.ticks(), ports[0].0, first.ticks()))
                    .hint("pad the shorter one with zeros"),
            ));
        }
        inputs.push(input);
    }
    Ok(inputs)
}

/// The outputs that go into files.
pub fn outputs(texts: &[String], ports: &[Port]) -> Result<Vec<(String, String)>> {
    let output = |text: &String| {
        let (index, file) = resolve("output", text, ports)?;
        Ok((ports[index].0.clone(), file.to_owned()))
    };
    texts.iter().map(output).collect()
}

/// Reads what an input of a shape is given; one axis of all neurons is as good as the shape itself.
fn read_input<T: Cell>(file: &Path, array: Option<&str>, shape: &[usize]) -> Result<Train<T>> {
    let count: usize = shape.iter().product();
    let input: Train<T> = data::read_at_least(file, array, count)?;
    if input.shape() == shape || input.shape() == [count] {
        return input.with_shape(shape);
    }
    Err(Box::new(
        Diagnostic::error("input-shape", "the data does not fit the network's input")
            .text(format!("A tick of `{}` has shape {:?}, the input {shape:?}.", file.display(), input.shape()))
            .hint("the first axis must be time, the others those of the input"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_with_equals_signs_are_recorded() {
        let split = |text: &str, known: &[&str]| {
            let (name, file) = records(&[text.to_owned()], |name| known.contains(&name)).remove(0);
            (name, file.display().to_string())
        };
        let is = |name: &str, file: &str| (name.to_owned(), file.to_owned());
        assert_eq!(split("a=b=c.npy", &["a", "a=b"]), is("a=b", "c.npy"));
        assert_eq!(split("a=b=c.npy", &["a"]), is("a", "b=c.npy"));
        assert_eq!(split("a=b:v=c.npy", &["a=b"]), is("a=b:v", "c.npy"));
        assert_eq!(split("x=c.npy", &["a"]), is("x", "c.npy"));
        assert!(names_a_file("hidden").is_err() && names_a_file("a=").is_err() && names_a_file("=b").is_err());
    }

    #[test]
    fn names_and_files_may_hold_equals_signs() {
        let port = |name: &str| (name.to_owned(), vec![1]);
        let two = [port("a"), port("a=b")];
        assert_eq!(resolve("input", "a=b=c.npy", &two).unwrap(), (1, "c.npy"));
        assert_eq!(resolve("input", "a=c=d.npy", &two).unwrap(), (0, "c=d.npy"));
        assert!(resolve("input", "b.npy", &two).is_err());
        assert_eq!(resolve("input", "x=1.npy", &[port("a")]).unwrap(), (0, "x=1.npy"));
        assert_eq!(resolve("input", "a=x.npy", &[port("a")]).unwrap(), (0, "x.npy"));
    }
}
