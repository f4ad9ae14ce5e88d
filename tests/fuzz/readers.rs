//! The readers that meet files from outside, each as a function of bytes. Shared by the bounded run and by `cargo fuzz`.
#![allow(dead_code)] // The targets of `cargo fuzz` use a part of it.

use s2c::{
    data::{DataSet, Layout, SpikeTrain},
    driver::{Compile, Setup},
    frontend::{model_file, source::Source},
    levels::Descent,
    sink::Quiet,
    targets,
    tools::{
        machine::{self, Machine, Time, Wish},
        recording::Quantity,
    },
};
use s2c_backend::emit::Binary;
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    ir,
};
use s2c_passes::options::Options;
use std::path::{Path, PathBuf};

/// A reader with what the bounded run needs to know of it.
pub struct Reader {
    /// Name, and ending of its files.
    pub name: &'static str,
    /// Reads a file as far as any command would.
    pub read: fn(&Path) -> Result<()>,
    /// The largest memory that reading may take, as a multiple of the file's length, besides a fixed amount.
    pub expansion: usize,
    /// Arguments of `s2c` in front of the file and behind it.
    pub command: (&'static [&'static str], &'static [&'static str]),
}

/// What deflate expands by at most, with room for the decoded values beside the bytes.
const DEFLATED: usize = 4 * 1032;

/// All readers.
pub const READERS: &[Reader] = &[
    Reader { name: "nir", read: read_nir, expansion: DEFLATED, command: (&["inspect"], &[]) },
    Reader { name: "mlir", read: read_mlir, expansion: 1024, command: (&["compile", "-o", "last.out"], &[]) },
    Reader {
        name: "toml",
        read: read_toml,
        expansion: 1024,
        command: (&["compile", "network.mlir", "-o", "last.out", "--target"], &[]),
    },
    Reader { name: "npy", read: read_data, expansion: 256, command: (&["run", "digits.bin", "--input"], &[]) },
    Reader { name: "npz", read: read_data, expansion: DEFLATED, command: (&["run", "digits.bin", "--input"], &[]) },
    Reader { name: "csv", read: read_data, expansion: 256, command: (&["run", "digits.bin", "--input"], &[]) },
    Reader { name: "bin", read: read_bin, expansion: 256, command: (&["run"], &["--input", "sample.npy"]) },
];

fn read_nir(path: &Path) -> Result<()> {
    let graph = model_file::read(path)?.graph.flatten()?;
    s2c_nir::infer_shapes(&graph)?;
    model_file::listing(path)?.lines().count();
    let options = Options { dt: Some(1e-3), ..Options::default() };
    let context = ir::context();
    let source = Source::read(&context, s2c::files::read(path)?, &path.display().to_string(), None)?;
    Compile::start(&context, &source, &setup(targets::DEFAULT, options)?).map(drop)
}

/// The dump is led on to the end of the pipeline, and to a binary.
fn read_mlir(path: &Path) -> Result<()> {
    compile(path, targets::DEFAULT)
}

/// A network of integers is compiled for the target.
fn read_toml(path: &Path) -> Result<()> {
    let target = path.display().to_string();
    compile(&dump(), &target)
}

fn setup(target: &str, options: Options) -> Result<Setup<'static>> {
    Ok(Setup { target: targets::load(target)?, options, samples: None, sink: &Quiet })
}

fn compile(dump: &Path, target: &str) -> Result<()> {
    let context = ir::context();
    let source = Source::read(&context, s2c::files::read(dump)?, &dump.display().to_string(), None)?;
    Descent::begin(&context, &source, &setup(target, source.options()?)?)?.binary().map(drop)
}

/// A small network, seen from both places that this file is compiled from.
fn dump() -> PathBuf {
    let file = Path::new("tests/ir/core_partitioning/self_loop.mlir");
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.map(|folder| folder.join(file)).find(|file| file.exists()).unwrap_or_else(|| file.to_owned())
}

fn read_data(path: &Path) -> Result<()> {
    for layout in [Layout::OneSample, Layout::Samples] {
        if let Ok(set) = DataSet::open(path, None, layout) {
            set.samples().take(8).try_for_each(|sample| sample.map(drop))?;
        }
    }
    DataSet::open(path, None, Layout::OneSample).map(drop)
}

/// Two ticks without a spike, with a recording of every output.
fn read_bin(path: &Path) -> Result<()> {
    let bytes = s2c::files::read(path)?;
    let mut machine = Machine::load(Binary::from_bytes(&bytes, "file")?)?;
    let manifest = &machine.binary().manifest;
    let input = manifest.inputs.first().ok_or_else(|| Diagnostic::error("bad-binary", "no input"))?;
    let mut train = SpikeTrain::builder(&input.shape)?;
    (0..2).for_each(|_| train.push_events(&[]));
    let wishes: Vec<Wish> =
        manifest.outputs.iter().map(|output| Wish { node: output.node.clone(), quantity: Quantity::Spikes }).collect();
    machine.run(&train.finish(), &wishes, Time::Network).map(drop).map_err(machine::of_file)
}
