//! Every option with every command and kind of input: it changes what comes out, or it is refused. None is ignored.

use ndarray::{Array, ArrayD, IxDyn};
use rayon::prelude::*;
use s2c::cli::Cli;
use s2c_nir::{
    Graph, Node,
    linear::Affine,
    neuron::Lif,
    port::{Input, Output},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

/// A value for each option: one that no default is, and that a small network shows.
const VALUES: &[(&str, &str)] = &[
    ("-O", "-O2"),
    ("--input-kind", "--input-kind=values"),
    ("--input-limit", "--input-limit=200"),
    ("--dt", "--dt=2e-3"),
    ("--convention", "--convention=sinabs"),
    ("--integrator", "--integrator=exponential"),
    ("--reset", "--reset=hidden=zero"),
    ("--reset-delay", "--reset-delay=1"),
    ("--compare", "--compare=ge"),
    ("--weight-bits", "--weight-bits=3"),
    ("--sram-budget", "--sram-budget=1"),
    ("--max-loss", "--max-loss=100"),
    ("--weight-scale", "--weight-scale=layer"),
    ("--weight-percentile", "--weight-percentile=70"),
    ("--weight-cast", "--weight-cast=truncate"),
    ("--weight-rounding", "--weight-rounding=compensated"),
    ("--calibrate", "--calibrate=data.npz"),
    ("--calibrate-samples", "--calibrate-samples=1"),
    ("--state", "--state=f32"),
    ("--vendor", "--vendor"),
    ("--target", "--target=spinnaker2-board48"),
    ("--tick", "--tick=1e-2"),
    ("--rate", "--rate=0.3"),
    ("--rates", "--rates=rates.json"),
    ("--dead-pe", "--dead-pe=0,3,3,0"),
    // Options of commands.
    ("-o", "-o=other"),
    ("--emit", "--emit=qsnn"),
    ("--sample", "--sample=spikes.npy"),
    ("--stop-after", "--stop-after=s2k"),
    ("--dump-dir", "--dump-dir=stages"),
    ("--report", "--report=report.json"),
    ("--time-passes", "--time-passes"),
    ("--remarks", "--remarks"),
    ("--passes", "--passes=simplification"),
    ("--json", "--json"),
    ("--fields", "--fields"),
    ("--levels", "--levels=float"),
    ("--readout", "--readout=last"),
    ("--precision", "--precision=f64"),
    ("--counts", "--counts=counts"),
    ("--plots", "--plots=plots"),
    ("--data", "--data=other.npz"),
    ("--input", "--input=other.npy"),
    ("--input-array", "--input-array=spikes"),
    ("--output", "--output=output.npy"),
    ("--record", "--record=hidden=record.npy"),
    ("--time", "--time=chip"),
    ("--engine", "--engine=reference"),
    ("--stats", "--stats=stats.json"),
    ("--rasters", "--rasters"),
];

/// What a command is called with besides the file and the option.
const COMMANDS: &[(&str, &[&str])] = &[
    ("compile", &["-o", "out"]),
    ("check", &["--json"]),
    ("evaluate", &["--data", "data.npz", "--json"]),
    ("simulate", &["--input", "spikes.npy", "--output", "out", "--record", "hidden:v=membranes.npy"]),
    ("opt", &["-o", "out"]),
    ("run", &["--input", "spikes.npy", "--output", "out"]),
    ("inspect", &["--json"]),
];

/// Files, and whether they still need to be told how to be read.
const INPUTS: &[(&str, bool)] = &[
    ("net.nir", true),
    ("dumps/00-import.snn.mlir", false),
    ("dumps/01-discretization.snn.mlir", false),
    ("dumps/06-weight-quantization.qsnn.mlir", false),
    ("dumps/09-core-partitioning.s2k.mlir", false),
    ("dumps/10-placement.s2k.mlir", false),
    ("dumps/13-buffer-allocation.s2k.mlir", false),
    ("net.bin", false),
];

/// How the model is read where the option itself does not say it.
const READING: &[(&str, &str)] =
    &[("--dt", "--dt=1e-3"), ("--convention", "--convention=snntorch"), ("--reset", "--reset=subtract")];

/// Options that act although nothing of it shows here: command, option, why.
const UNSEEN: &[(&str, &str, &str)] = &[
    ("evaluate", "--plots", "plots need a folder, which is compared as a whole"),
    ("evaluate", "--calibrate-samples", "the scores of two samples are the same"),
    ("check", "--calibrate-samples", "sizes do not depend on the integers' values"),
    ("compile", "--max-loss", "no narrower width saves memory here"),
    ("check", "--max-loss", "no narrower width saves memory here"),
    ("evaluate", "--max-loss", "no narrower width saves memory here"),
    ("simulate", "--input-kind", "spikes of 0 and 1 are the same as values"),
    ("simulate", "--input-limit", "no tick has more than one spike"),
    ("simulate", "--compare", "no membrane stands at its threshold"),
    ("run", "--engine", "both engines give the same"),
    ("inspect", "--json", "it is given already"),
    ("check", "--json", "it is given already"),
    ("evaluate", "--json", "it is given already"),
];

/// Runs `s2c` in a folder of its own beside the files; gives the exit code and all that came out.
fn s2c(folder: &Path, arguments: &[&str]) -> (Option<i32>, BTreeMap<String, Vec<u8>>) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let own = folder.join(format!("run{number}"));
    fs::create_dir_all(&own).unwrap();
    for file in ["net.nir", "net.bin", "dumps", "data.npz", "other.npz", "spikes.npy", "other.npy", "rates.json"] {
        std::os::unix::fs::symlink(folder.join(file), own.join(file)).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_s2c")).args(arguments).current_dir(&own).output().unwrap();
    let mut found = BTreeMap::from([("stdout".to_owned(), output.stdout), ("stderr".to_owned(), output.stderr)]);
    files(&own, &own, &mut found);
    fs::remove_dir_all(&own).unwrap();
    (output.status.code(), found)
}

/// All files that are not links.
fn files(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            files(root, &path, found);
        } else {
            found.insert(path.strip_prefix(root).unwrap().display().to_string(), fs::read(&path).unwrap());
        }
    }
}

/// Two populations, a loop, biases: enough that every option has something to act on.
fn network() -> Graph {
    let weight = |rows: usize, columns: usize, scale: f32| {
        let at = |index: IxDyn| {
            (((index[0] * 7 + index[1] * 3) % 11) as f32 - 4.0) * scale + ((index[0] * index[1]) % 7) as f32 * 0.0137
        };
        ArrayD::from_shape_fn(IxDyn(&[rows, columns]), |index| at(index))
    };
    let affine = |rows: usize, columns: usize| {
        let bias = ArrayD::from_shape_fn(IxDyn(&[rows]), |index| index[0] as f64 * 0.013);
        Node::Affine(Affine { weight: weight(rows, columns, 0.37), bias })
    };
    let lif = |count: usize, v_reset: f64| {
        let all = |value: f64| ArrayD::from_elem(vec![count], value);
        Node::Lif(Lif { tau: all(0.0061), r: all(2.0), v_leak: all(0.0), v_threshold: all(1.0), v_reset: all(v_reset) })
    };
    let nodes = [
        ("input", Node::Input(Input { shape: vec![6] })),
        ("fc", affine(8, 6)),
        ("hidden", lif(8, 0.0)),
        ("back", affine(8, 8)),
        ("out", affine(3, 8)),
        ("last", lif(3, 0.0)),
        ("output", Node::Output(Output { shape: vec![3] })),
    ];
    let edges = [
        ("input", "fc"),
        ("fc", "hidden"),
        ("hidden", "back"),
        ("back", "hidden"),
        ("hidden", "out"),
        ("out", "last"),
        ("last", "output"),
    ];
    Graph {
        nodes: nodes.into_iter().map(|(name, node)| (name.to_owned(), node)).collect(),
        edges: edges.map(|(from, to)| (from.to_owned(), to.to_owned())).to_vec(),
    }
}

fn material() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("options");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("net.nir"), s2c_nir::write(&network()).unwrap()).unwrap();
    let spikes = |shift: usize| {
        Array::from_shape_fn((2, 40, 6), move |(s, t, n)| u8::from((s * t + t * 3 + n * 5 + shift) % 4 == 0))
    };
    for (name, shift) in [("data.npz", 0), ("other.npz", 1)] {
        let labels = Array::from_vec(vec![0u8, 1]);
        let arrays = [
            ("spikes", s2c::data::npy_bytes(&spikes(shift).into_dyn())),
            ("labels", s2c::data::npy_bytes(&labels.into_dyn())),
        ];
        fs::write(folder.join(name), s2c::data::npz_bytes(&arrays).unwrap()).unwrap();
    }
    for (name, shift) in [("spikes.npy", 0), ("other.npy", 1)] {
        let one = spikes(shift).index_axis(ndarray::Axis(0), 0).to_owned().into_dyn();
        fs::write(folder.join(name), s2c::data::npy_bytes(&one)).unwrap();
    }
    fs::write(folder.join("rates.json"), r#"{"rates": {"input": 0.4, "hidden": 0.3, "last": 0.2}}"#).unwrap();
    let reading = READING.iter().map(|(_, text)| *text);
    let line = ["compile", "net.nir", "-o", "net.bin", "--dump-dir", "dumps"].into_iter().chain(reading);
    let made = Command::new(env!("CARGO_BIN_EXE_s2c")).args(line).current_dir(&folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    folder
}

/// The command line of a case, without the option.
fn line<'a>(command: &'a str, others: &[&'a str], file: &'a str, needs_reading: bool, option: &str) -> Vec<&'a str> {
    let mut words = vec![command, file];
    let mut others = others.iter().peekable();
    while let Some(&word) = others.next() {
        let takes_value = others.peek().is_some_and(|next| !next.starts_with('-'));
        if word == option {
            others.next_if(|_| takes_value);
            continue;
        }
        words.push(word);
    }
    if needs_reading && ["compile", "check", "evaluate", "simulate"].contains(&command) {
        words.extend(READING.iter().filter(|(name, _)| *name != option).map(|(_, text)| *text));
    }
    words
}

/// What an option needs beside it to be taken at all.
fn needs(option: &str) -> &'static [&'static str] {
    match option {
        "--calibrate-samples" => &["--calibrate=data.npz", "--weight-bits=3"],
        "--sram-budget" | "--max-loss" => &["--weight-bits=auto", "--calibrate=data.npz"],
        "--vendor" => &["--state=f32"],
        "--rasters" => &["--stats=stats.json"],
        "--input-array" => &["--input=data.npz"],
        _ => &[],
    }
}

#[test]
fn every_option_acts_or_is_refused() {
    let folder = material();
    let mut cases = Vec::new();
    for &(command, others) in COMMANDS {
        for &(file, needs_reading) in INPUTS {
            cases.extend(VALUES.iter().map(|&(option, text)| (command, others, file, needs_reading, option, text)));
        }
    }
    let counts = [const { AtomicUsize::new(0) }; 2];
    let ignored: Vec<String> = cases
        .par_iter()
        .filter_map(|&(command, others, file, needs_reading, option, text)| {
            let mut without = line(command, others, file, needs_reading, option);
            without.extend(needs(option));
            let with = [without.clone(), vec![text]].concat();
            let (code, found) = s2c(&folder, &with);
            if code == Some(2) {
                counts[0].fetch_add(1, Ordering::Relaxed);
                return None;
            }
            counts[1].fetch_add(1, Ordering::Relaxed);
            let (code_without, plain) = s2c(&folder, &without);
            let is_refused_anyway = code == Some(1) && code_without == Some(1);
            let is_unseen = UNSEEN.iter().any(|&(of, name, _)| (of, name) == (command, option));
            let acts = code != code_without || found != plain;
            (!acts && !is_unseen && !is_refused_anyway).then(|| format!("s2c {}: {code:?}", with.join(" ")))
        })
        .collect();
    println!(
        "{} cases: {} refused, {} looked at",
        cases.len(),
        counts[0].load(Ordering::Relaxed),
        counts[1].load(Ordering::Relaxed)
    );
    assert!(ignored.is_empty(), "ignored:\n{}", ignored.join("\n"));
}

/// No option of these commands is left out of the table.
#[test]
fn the_table_holds_every_option() {
    let known: BTreeSet<&str> =
        VALUES.iter().map(|(name, _)| *name).chain(["--help", "-h", "--error-format", "--verbose", "-v"]).collect();
    let program = <Cli as clap::CommandFactory>::command();
    for (name, _) in COMMANDS {
        let command = program.find_subcommand(name).unwrap();
        for argument in command.get_arguments().filter(|argument| !argument.is_positional()) {
            let flag = match (argument.get_long(), argument.get_short()) {
                (Some(long), _) => format!("--{long}"),
                (None, Some(letter)) => format!("-{letter}"),
                (None, None) => continue,
            };
            assert!(known.contains(flag.as_str()), "`{flag}` of `{name}` has no value in the table");
        }
    }
}
