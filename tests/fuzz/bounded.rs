//! A bounded run of mutated files through every reader: no crash, no panic, no hang, no memory beyond a stated multiple
//! of the file, and errors that are the file's fault and not a bug's.
//!
//! `S2C_FUZZ_FILES` sets the number of files per reader. A file that brings a reader down is left behind as
//! `fuzz/last.<ending>` in the build's folder for temporary files.

mod mutate;
mod readers;

use mutate::Mutator;
use peak_alloc::PeakAlloc;
use readers::{READERS, Reader};
use s2c_backend::emit::Binary;
use s2c_dialects::diagnostic::Severity;
use std::{
    collections::BTreeMap,
    fs, panic,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Files per reader where nothing else is asked for.
const FILES: usize = 150;
/// Files per reader that are also given to the executable, at least; of many files one of [`ONE_IN`].
const BY_COMMAND: usize = 12;
const ONE_IN: usize = 40;
/// Memory that any file may take.
const FIXED: usize = 300 << 20;
/// A reader that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Files below a folder with an ending, in order.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|own| own == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Good files to begin with.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let below = |at: &str| files(&root().join(at), name).iter().map(|file| fs::read(file).unwrap()).collect();
    match name {
        "csv" => vec![b"tick,neuron\n0,1\n0,63\n# a comment\n15,7\n15,7\n".to_vec()],
        "mlir" => below("tests/ir"),
        "toml" => below("compiler/targets"),
        "bin" => vec![fs::read(folder().join("digits.bin")).unwrap()],
        _ => below("examples"),
    }
}

/// The time at which the reader began its file, in milliseconds since the start; 0 while there is none.
static BEGIN: AtomicU64 = AtomicU64::new(0);
/// Where and with what message the last panic was.
static PANIC: Mutex<String> = Mutex::new(String::new());

fn watch(start: Instant) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let begin = BEGIN.load(Ordering::Relaxed);
            if begin > 0 && start.elapsed() > Duration::from_millis(begin) + PATIENCE {
                eprintln!("a reader hangs");
                std::process::abort();
            }
        }
    });
}

/// What is wrong with how a file was read; `None` where all is well.
fn fault(reader: &Reader, path: &Path, length: usize, start: Instant) -> Option<String> {
    BEGIN.store(start.elapsed().as_millis() as u64 + 1, Ordering::Relaxed);
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let result = panic::catch_unwind(|| (reader.read)(path));
    let memory = MEMORY.peak_usage().saturating_sub(before);
    BEGIN.store(0, Ordering::Relaxed);
    if memory > FIXED + reader.expansion * length {
        return Some(format!("{memory} bytes of memory for a file of {length}"));
    }
    match result {
        Err(_) => Some(PANIC.lock().unwrap().clone()),
        Ok(Err(diagnostic)) if diagnostic.severity == Severity::Bug => Some(diagnostic.to_string()),
        Ok(_) => None,
    }
}

#[test]
fn no_file_brings_a_reader_down() {
    let count = std::env::var("S2C_FUZZ_FILES").ok().and_then(|count| count.parse().ok()).unwrap_or(FILES);
    let only = std::env::var("S2C_FUZZ_READER").ok();
    let folder = folder();
    let digits = root().join("examples/digits");
    fs::copy(digits.join("sample.npy"), folder.join("sample.npy")).unwrap();
    fs::copy(root().join("tests/ir/core_partitioning/self_loop.mlir"), folder.join("network.mlir")).unwrap();
    let s2c = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_s2c")).args(arguments).current_dir(&folder).output().unwrap()
    };
    let model = digits.join("digits.nir");
    let options = ["--dt", "1e-3", "--convention", "snntorch", "--reset", "subtract", "-o", "digits.bin"];
    assert!(s2c(&[&["compile", model.to_str().unwrap()][..], &options].concat()).status.success());

    let start = Instant::now();
    watch(start);
    panic::set_hook(Box::new(|panic| match BEGIN.load(Ordering::Relaxed) {
        0 => eprintln!("{panic}"),
        _ => *PANIC.lock().unwrap() = panic.to_string(),
    }));
    let mut faults: BTreeMap<String, usize> = BTreeMap::new();
    for reader in READERS.iter().filter(|reader| only.as_deref().is_none_or(|only| only == reader.name)) {
        let path = folder.join(format!("last.{}", reader.name));
        let mut mutator = Mutator::new(seeds(reader.name), 1);
        let begin = Instant::now();
        for number in 0..count {
            let mut bytes = mutator.next();
            if reader.name == "bin" && number % 2 == 0 {
                bytes = mutator.binary_with_good_checksums();
            }
            fs::write(&path, &bytes).unwrap();
            if let Some(fault) = fault(reader, &path, bytes.len(), start) {
                let seen = faults.entry(format!("{}: {fault}", reader.name)).or_default();
                if *seen == 0 {
                    fs::copy(&path, folder.join(format!("fault-{number}.{}", reader.name))).unwrap();
                }
                *seen += 1;
            }
            if number % (count / BY_COMMAND).clamp(1, ONE_IN) == 0 {
                let (before, behind) = reader.command;
                let output = s2c(&[before, &[path.to_str().unwrap()], behind].concat());
                let code = output.status.code();
                if !matches!(code, Some(0 | 1)) {
                    let text = String::from_utf8_lossy(&output.stderr);
                    *faults.entry(format!("{}: exit code {code:?}: {text}", reader.name)).or_default() += 1;
                }
            }
        }
        eprintln!("{}: {count} files in {:.1} s", reader.name, begin.elapsed().as_secs_f64());
    }
    drop(panic::take_hook());
    let list: Vec<String> = faults.iter().map(|(fault, count)| format!("{count} x {fault}")).collect();
    assert!(list.is_empty(), "{}", list.join("\n"));
}

impl Mutator {
    /// A binary whose manifest is changed, and whose checksums are right again: what a program that is not `s2c` may
    /// write, and no damage can.
    fn binary_with_good_checksums(&mut self) -> Vec<u8> {
        let seed = fs::read(folder().join("digits.bin")).unwrap();
        let binary = Binary::from_bytes(&seed, "seed").unwrap();
        let mut text = serde_json::to_value(&binary.manifest).unwrap();
        self.change_json(&mut text);
        match serde_json::from_value(text) {
            Ok(manifest) => Binary { manifest, blobs: binary.blobs }.to_unchecked_bytes().unwrap(),
            Err(_) => seed,
        }
    }
}
