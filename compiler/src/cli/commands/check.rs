//! `s2c check`: can a model be compiled, node by node, and what does it leave open.

use crate::{
    cli::{
        options::{All, Given, source},
        output,
        sink::Terminal,
    },
    driver::Setup,
    frontend::{
        import,
        source::{Content, Source},
    },
    levels::Descent,
    tools::summary,
};
use clap::Args;
use s2c_backend::emit::Binary;
use s2c_dialects::{
    Context,
    diagnostic::{Diagnostic, Result, Severity},
    ir,
    qsnn::{self, Network},
    shown::{list, shown},
};
use s2c_nir::Model;
use s2c_passes::{analysis::timing::Timing, registry::Route, session::Phase};
use serde::Serialize;
use std::{collections::BTreeMap, path::PathBuf};

/// Arguments of the command.
#[derive(Args)]
pub struct Arguments {
    /// NIR model
    pub(crate) model: PathBuf,
    #[command(flatten)]
    options: Given<All>,
    /// Print one JSON object instead of text
    #[arg(long, help_heading = "Output")]
    json: bool,
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
    findings: Vec<serde_json::Value>,
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
    target: String,
    options: BTreeMap<String, String>,
}

/// Runs the command; an error is what keeps the model from being compiled.
pub fn run(arguments: &Arguments, sink: &Terminal<'_>) -> Result<()> {
    let context = ir::context();
    let source = source(&context, &arguments.model)?;
    let Content::Model(model) = &source.content else {
        return Err(Box::new(
            Diagnostic::error("wrong-level", "`s2c check` takes a model, not a dump")
                .hint("`s2c compile --stop-after s2k` goes on from a dump"),
        ));
    };
    let level = arguments.options.level(&source)?;
    let route = Route { from: None, done: &source.done(), level, until: Phase::S2k, only: None, emits: true };
    arguments.options.check(&route)?;
    let nodes = nodes(model)?;
    let notes = model.notes.iter().map(|note| Remark { node: note.node.clone(), text: note.text.clone() });
    // As JSON, warnings are findings.
    let sink = if arguments.json { sink.quiet() } else { sink.with_dumps(None)? };
    let compiled =
        arguments.options.settled(&context, &source, &sink).and_then(|(setup, _)| compile(&context, &source, &setup));
    let (cycles, binary, error) = match compiled {
        Ok((cycles, binary)) => (cycles, Some(binary), None),
        Err(error) if error.severity != Severity::Error => return Err(error),
        Err(error) => (Vec::new(), None, Some(error)),
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
            target: manifest.target.name.clone(),
            options: manifest.options.clone(),
        }
    });
    let findings = sink.told().iter().chain(error.as_deref()).map(summary::diagnostic).collect();
    let report = Report { compiles: sizes.is_some(), nodes, notes: notes.collect(), findings, cycles, sizes };
    if arguments.json {
        output::print_json(&report)?;
    } else {
        output::print(&text(&report))?;
    }
    error.map_or(Ok(()), Err)
}

fn nodes(model: &Model) -> Result<Vec<Node>> {
    let shapes = s2c_nir::infer_shapes(&model.graph)?;
    let nodes = model.graph.nodes.iter().map(|(name, node)| Node {
        name: name.clone(),
        r#type: node.kind(),
        input: shapes.nodes[name].input.clone(),
        output: shapes.nodes[name].output.clone(),
        supported: import::is_supported(node),
    });
    Ok(nodes.collect())
}

/// The cycles as `retiming` finds them, and the binary.
fn compile<'c>(context: &'c Context, source: &Source<'c>, setup: &Setup<'_>) -> Result<(Vec<Cycle>, Binary)> {
    let mut descent = Descent::begin(context, source, setup)?;
    descent.run_while(|pass| pass.name != "retiming")?;
    let cycles = cycles_of(&qsnn::Network::read(&descent.compile.module)?)?;
    Ok((cycles, descent.binary()?))
}

/// The tightest cycle of each set of populations that feed each other.
fn cycles_of(network: &Network) -> Result<Vec<Cycle>> {
    let name = |&index: &usize| network.nodes[index].op.node().unwrap_or("?").to_owned();
    let cycles = Timing::of(network)?.tightest_cycles().into_iter().map(|cycle| Cycle {
        populations: cycle.populations.iter().map(name).collect(),
        ticks: cycle.ticks,
        slack: cycle.slack(),
        timing_kept: cycle.slack() >= 0,
    });
    Ok(cycles.collect())
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
        Some(Sizes { neurons, synapses, sram_bytes, pes, router_entries, dt, .. }) => text.push_str(&format!(
            "compiles: {neurons} neurons, {synapses} synapses, {sram_bytes} bytes on {pes} PEs, {router_entries} router \
             entries, ticks of {dt:e} s\n"
        )),
        None => text.push_str("does not compile with these options\n"),
    }
    text
}
