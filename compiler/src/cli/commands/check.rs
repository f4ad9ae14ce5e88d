//! `s2c check`: can a model be compiled, node by node, and what does it leave open.

use super::Warn;
use crate::{
    cli::{options::ModelOptions, output},
    driver,
    frontend::model_file,
    targets,
};
use clap::Args;
use s2c_backend::emit::Binary;
use s2c_dialects::{
    Context,
    diagnostic::{Diagnostic, Result},
    ir, qsnn,
    shown::{list, shown},
};
use s2c_passes::{analysis::timing::Timing, options::Options};
use serde::Serialize;
use std::{collections::BTreeMap, path::PathBuf};

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// NIR model.
    pub(crate) model: PathBuf,
    /// One JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Name of a target, or a target file.
    #[arg(long)]
    target: Option<String>,
    #[command(flatten)]
    options: ModelOptions,
}

/// What the command finds.
#[derive(Serialize)]
struct Report {
    /// Whether the model compiles with the options given.
    compiles: bool,
    nodes: Vec<Node>,
    /// Remarks of the reader: defaults, unknown fields, metadata.
    notes: Vec<Remark>,
    /// What is open or had to be assumed, and what stands in the way.
    findings: Vec<Finding>,
    /// Empty where the model does not compile.
    cycles: Vec<Cycle>,
    /// Present where the model compiles.
    sizes: Option<Sizes>,
}

#[derive(Serialize)]
struct Node {
    name: String,
    r#type: &'static str,
    /// One tick's values before and after the node.
    input: Vec<usize>,
    output: Vec<usize>,
    supported: bool,
}

#[derive(Serialize)]
struct Remark {
    node: String,
    text: String,
}

#[derive(Serialize)]
struct Finding {
    severity: &'static str,
    code: &'static str,
    node: Option<String>,
    title: String,
    text: String,
    hint: String,
}

/// The tightest cycle of populations that feed each other.
#[derive(Serialize)]
struct Cycle {
    populations: Vec<String>,
    /// Ticks of delay that its projections hold.
    ticks: i64,
    /// Ticks beyond one for each hop.
    slack: i64,
    /// Whether the chip keeps the network's timing.
    timing_kept: bool,
}

#[derive(Serialize)]
struct Sizes {
    neurons: usize,
    synapses: u64,
    sram_bytes: u64,
    pes: usize,
    router_entries: usize,
    dt: f64,
}

/// Runs the command; an error is what keeps the model from being compiled.
pub fn run(arguments: &Arguments, warn: &Warn<'_>) -> Result<()> {
    let model = model_file::read(&arguments.model)?;
    let graph = model.graph.flatten()?;
    let shapes = s2c_nir::infer_shapes(&graph)?;
    let nodes = graph.nodes.iter().map(|(name, node)| Node {
        name: name.clone(),
        r#type: node.kind(),
        input: shapes.nodes[name].input.clone(),
        output: shapes.nodes[name].output.clone(),
        supported: crate::frontend::import::is_supported(node),
    });
    let notes = model.notes.iter().map(|note| Remark { node: note.node.clone(), text: note.text.clone() });
    let (nodes, notes) = (nodes.collect(), notes.collect());
    let compiled = compile(arguments);
    let (warnings, cycles, binary, error) = match compiled {
        Ok((warnings, cycles, binary)) => (warnings, cycles, Some(binary), None),
        Err(error) if error.severity == s2c_dialects::diagnostic::Severity::Bug => return Err(error),
        Err(error) => (Vec::new(), Vec::new(), None, Some(error)),
    };
    let sizes = binary.as_ref().map(|binary| {
        let manifest = &binary.manifest;
        Sizes {
            neurons: manifest.neurons(),
            synapses: manifest.synapses(),
            sram_bytes: manifest.sram_bytes(),
            pes: manifest.pes.len(),
            router_entries: manifest.routes.len(),
            dt: manifest.dt,
        }
    });
    let findings = warnings.iter().chain(error.as_deref()).map(finding).collect();
    let report = Report { compiles: sizes.is_some(), nodes, notes, findings, cycles, sizes };
    if arguments.json {
        output::print_json(&report)?;
    } else {
        warn(&warnings);
        output::print(&text(&report))?;
    }
    error.map_or(Ok(()), Err)
}

fn compile(arguments: &Arguments) -> Result<(Vec<Diagnostic>, Vec<Cycle>, Binary)> {
    let context = ir::context();
    let options = arguments.options.to_options()?;
    let cycles = cycles_of(&context, arguments, &options)?;
    let (done, _, binary) =
        driver::compile(&context, &arguments.model, &options, arguments.target.as_deref(), &driver::Wishes::default())?;
    let binary = binary.ok_or_else(|| Diagnostic::bug("the compile stopped before it was done"))?;
    Ok((done.warnings, cycles, binary))
}

/// The tightest cycle of each set of populations that feed each other, as `retiming` will find them.
fn cycles_of(context: &Context, arguments: &Arguments, options: &Options) -> Result<Vec<Cycle>> {
    let start = driver::Compile::start(context, &arguments.model, options)?;
    let target = targets::load(arguments.target.as_deref().unwrap_or(targets::DEFAULT))?;
    let before = driver::remaining(&start.module)?.take_while(|pass| pass.name != "retiming");
    let integers = start.run(context, &target, before, &driver::Wishes::default())?;
    let network = qsnn::Network::read(&integers.module)?;
    let name = |&index: &usize| network.nodes[index].op.node().unwrap_or("?").to_owned();
    let cycles = Timing::of(&network)?.tightest_cycles().into_iter().map(|cycle| Cycle {
        populations: cycle.populations.iter().map(name).collect(),
        ticks: cycle.ticks,
        slack: cycle.slack(),
        timing_kept: cycle.slack() >= 0,
    });
    Ok(cycles.collect())
}

fn finding(diagnostic: &Diagnostic) -> Finding {
    Finding {
        severity: if diagnostic.severity == s2c_dialects::diagnostic::Severity::Warning { "warning" } else { "error" },
        code: diagnostic.code,
        node: diagnostic.node().map(str::to_owned),
        title: diagnostic.title.clone(),
        text: diagnostic.text.clone(),
        hint: diagnostic.hint.clone(),
    }
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    let width = report.nodes.iter().map(|node| shown(&node.name).chars().count()).max().unwrap_or(0).min(40);
    let mut notes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    report.notes.iter().for_each(|note| notes.entry(&note.node).or_default().push(&note.text));
    for node in &report.nodes {
        let verdict = if node.supported { "ok" } else { "not supported" };
        let shape = if node.input == node.output {
            format!("{:?}", node.output)
        } else {
            format!("{:?} -> {:?}", node.input, node.output)
        };
        text.push_str(&format!("{:<width$}  {:<10} {verdict}  {shape}\n", shown(&node.name), node.r#type));
        for note in notes.remove(node.name.as_str()).unwrap_or_default() {
            text.push_str(&format!("{:<width$}  note: {}\n", "", shown(note)));
        }
    }
    for note in notes.into_values().flatten() {
        text.push_str(&format!("note: {}\n", shown(note)));
    }
    for cycle in &report.cycles {
        let verdict = if cycle.timing_kept { "keeps its timing" } else { "does not keep its timing" };
        text.push_str(&format!(
            "the cycle of {} {verdict} on the chip: {} ticks of delay for {} hops\n",
            shown(&list(&cycle.populations)),
            cycle.ticks,
            cycle.populations.len()
        ));
    }
    match &report.sizes {
        Some(Sizes { neurons, synapses, sram_bytes, pes, router_entries, dt }) => text.push_str(&format!(
            "compiles: {neurons} neurons, {synapses} synapses, {sram_bytes} bytes on {pes} PEs, {router_entries} router \
             entries, ticks of {dt:e} s\n"
        )),
        None => text.push_str("does not compile with these options\n"),
    }
    text
}
