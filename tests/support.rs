//! What tests of whole networks share: a network at all levels, and how each level is run.
#![allow(dead_code)] // Each test binary uses a part of it.

use s2c::{
    data::SpikeTrain,
    driver::Setup,
    frontend::source::Source,
    levels::{self, Descent},
    sink::{Quiet, Sink},
    targets,
    tools::{
        machine::{Machine, Time, Wish},
        recording::{Quantity, Recording},
    },
};
use s2c_backend::emit::Binary;
use s2c_dialects::{
    Context,
    attribute::Reset,
    diagnostic::{Diagnostic, Result},
    ir, qsnn, snn,
};
use s2c_interp::Interpreter;
use s2c_passes::{
    options::{Convention, Level, Options},
    target::Target,
};
use std::{
    path::{Path, PathBuf},
    sync::Mutex,
};

/// The recordings of other platforms are not part of the project: tests that want them say so and pass without.
pub fn shared(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(file);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

pub fn example(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(file)
}

pub fn options(dt: f64, convention: Convention, reset: Option<Reset>) -> Options {
    Options { dt: Some(dt), convention, reset: reset.into(), ..Options::default() }
}

/// The target where none is named.
pub fn target() -> Target {
    targets::load(targets::DEFAULT).unwrap()
}

/// A model, or a dump, from a file.
pub fn open<'c>(context: &'c Context, file: &Path) -> Source<'c> {
    Source::read(context, std::fs::read(file).unwrap(), &file.display().to_string(), None).unwrap()
}

/// What a compile needs besides its source. A dump keeps the options that it carries.
pub fn setup(source: &Source<'_>, options: &Options) -> Setup<'static> {
    let options = if source.phase().unwrap().is_some() { source.options().unwrap() } else { options.clone() };
    Setup { target: target(), options, samples: None, sink: &Quiet }
}

/// Keeps what is told.
#[derive(Default)]
pub struct Told(Mutex<Vec<&'static str>>);

impl Told {
    /// The codes of all diagnostics so far.
    pub fn codes(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }
}

impl Sink for Told {
    fn diagnostic(&self, diagnostic: &Diagnostic) {
        self.0.lock().unwrap().push(diagnostic.code);
    }
}

/// A network at all levels.
pub struct Levels {
    pub float: snn::Network,
    pub quantized: qsnn::Network,
    pub machine: Machine,
}

pub fn levels(model: &Path, options: &Options) -> Levels {
    let context = ir::context();
    let source = open(&context, model);
    let levels::Levels { float, quantized, binary } = levels::all(&context, &source, &setup(&source, options)).unwrap();
    Levels { float, quantized, machine: Machine::load(binary).unwrap() }
}

pub fn float(model: &Path, options: &Options) -> Result<snn::Network> {
    let context = ir::context();
    let source = open(&context, model);
    Descent::begin(&context, &source, &setup(&source, options))?.float()
}

pub fn integers(model: &Path, options: &Options) -> Result<qsnn::Network> {
    let context = ir::context();
    let source = open(&context, model);
    Descent::begin(&context, &source, &setup(&source, options))?.quantized()
}

pub fn binary(model: &Path, options: &Options, target: Target, sink: &dyn Sink) -> Result<Binary> {
    let context = ir::context();
    let source = open(&context, model);
    let setup = Setup { target, sink, ..setup(&source, options) };
    Descent::begin(&context, &source, &setup)?.binary()
}

/// Spikes of a node in every tick.
pub fn interpret(interpreter: &mut dyn Interpreter, input: &SpikeTrain, node: &str) -> Vec<u16> {
    let index = interpreter.find(node).unwrap();
    let dense = input.to_dense();
    let mut spikes = Vec::new();
    for tick in dense.outer_iter() {
        interpreter.step(&[&tick.iter().copied().collect::<Vec<_>>()]).unwrap();
        spikes.extend(interpreter.spikes(index));
    }
    spikes
}

pub fn on_chip(machine: &mut Machine, input: &SpikeTrain, node: &str) -> Vec<u16> {
    let wish = Wish { node: node.to_owned(), quantity: Quantity::Spikes };
    match machine.run(input, &[wish], Time::Network).unwrap().remove(0) {
        Recording::Spikes(table) => table.values,
        _ => unreachable!("the node has no spikes"),
    }
}

/// What a node hands on in every tick, spikes or values.
pub fn values(interpreter: &mut dyn Interpreter, input: &SpikeTrain, node: &str) -> Vec<f64> {
    let index = interpreter.find(node).unwrap();
    let mut values = Vec::new();
    for tick in input.to_dense().outer_iter() {
        interpreter.step(&[&tick.iter().copied().collect::<Vec<_>>()]).unwrap();
        values.extend(interpreter.values(index));
    }
    values
}

pub fn values_on_chip(machine: &mut Machine, input: &SpikeTrain, node: &str) -> Vec<f64> {
    let wish = Wish { node: node.to_owned(), quantity: Quantity::Spikes };
    machine.run(input, &[wish], Time::Network).unwrap().remove(0).numbers()
}

pub fn membranes_on_chip(machine: &mut Machine, input: &SpikeTrain, node: &str) -> Vec<f64> {
    let wish = Wish { node: node.to_owned(), quantity: Quantity::Membranes };
    match machine.run(input, &[wish], Time::Network).unwrap().remove(0) {
        Recording::Membranes(table) => table.values,
        _ => unreachable!("membranes were asked for"),
    }
}

pub fn differing<T: PartialEq>(left: &[T], right: &[T]) -> usize {
    assert_eq!(left.len(), right.len());
    left.iter().zip(right).filter(|(left, right)| left != right).count()
}

/// Machine code and integer interpreter agree in all that every node hands on and in every membrane, at every level.
pub fn machine_code_is_exact(model: &Path, options: &Options, input: &SpikeTrain, nodes: &[&str]) {
    for level in [Level::O0, Level::O1, Level::O2] {
        let mut levels = levels(model, &Options { level, ..options.clone() });
        for node in nodes {
            let expected = values(&mut s2c_interp::qsnn::Qsnn::new(&levels.quantized).unwrap(), input, node);
            let found = values_on_chip(&mut levels.machine, input, node);
            assert_eq!(differing(&found, &expected), 0, "{node} at -O{level}");
        }
        for node in nodes {
            let mut interpreter = s2c_interp::qsnn::Qsnn::new(&levels.quantized).unwrap();
            let index = interpreter.find(node).unwrap();
            if interpreter.membranes(index).is_none() {
                continue;
            }
            let mut expected = Vec::new();
            for tick in input.to_dense().outer_iter() {
                interpreter.step(&[&tick.iter().copied().collect::<Vec<_>>()]).unwrap();
                expected.extend(interpreter.membranes(index).unwrap());
            }
            assert_eq!(differing(&membranes_on_chip(&mut levels.machine, input, node), &expected), 0, "{node}:v");
        }
    }
}

/// A spike train of pseudo-random spikes.
pub fn noise(ticks: usize, neurons: usize, one_in: u32) -> SpikeTrain {
    let mut state = 1u32;
    let mut builder = SpikeTrain::builder(&[neurons]).unwrap();
    for _ in 0..ticks {
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            u16::from((state >> 16).is_multiple_of(one_in))
        };
        builder.push_tick(&(0..neurons).map(|_| draw()).collect::<Vec<_>>());
    }
    builder.finish()
}
