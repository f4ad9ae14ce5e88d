//! What the architecture promises and no compiler checks: arrows between crates, folders and files, sizes, headings of
//! passes, where unsafe code and file access may stand.

#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/sizes.rs"]
mod sizes;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/structure.rs"]
mod structure;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Sources of the crates below the faces.
const LIBRARIES: &[&str] = &[
    "dialects/src",
    "passes/src",
    "runtime/abi/src",
    "runtime/chip/src",
    "runtime/interp/src",
    "runtime/kernels/src",
    "compiler/nir/src",
    "compiler/backend/src",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Crates of the workspace that a crate's `[dependencies]` name.
fn arrows(krate: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join(krate).join("Cargo.toml")).unwrap();
    let dependencies =
        manifest.split("[dependencies]").nth(1).unwrap_or_default().split("\n[").next().unwrap_or_default();
    dependencies.lines().filter_map(|line| line.strip_prefix("s2c-")?.split('.').next()).map(str::to_owned).collect()
}

#[test]
fn crates_depend_only_on_what_architecture_md_draws() {
    let expected = [
        ("runtime/abi", &[][..]),
        ("dialects", &[]),
        ("runtime/kernels", &["abi", "dialects"]),
        ("passes", &["abi", "dialects", "kernels"]),
        ("runtime/interp", &["dialects"]),
        ("runtime/chip", &["abi"]),
        ("compiler/nir", &["dialects"]),
        ("compiler/backend", &["abi", "dialects", "kernels", "passes"]),
        ("compiler", &["backend", "chip", "dialects", "interp", "nir", "passes"]),
    ];
    for (krate, allowed) in expected {
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(arrows(krate), allowed, "{krate}");
    }
}

/// Files of circles that are still to be cut.
const STILL_IN_CIRCLES: [&str; 2] = ["compiler/src/cli/commands/shell.rs", "compiler/src/cli/usage.rs"];

#[test]
fn no_files_use_each_other_in_a_circle() {
    let sources = sources::read(&root());
    let roots = structure::roots(&sources).into_iter();
    let circles = roots.flat_map(|root| structure::circles(&imports::arrows(&sources, root)));
    let is_known = |circle: &String| STILL_IN_CIRCLES.iter().any(|file| circle.contains(file));
    let circles: Vec<_> = circles.filter(|circle| !is_known(circle)).collect();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

/// Folders (and files) of each crate that has some, from the ground up: each uses its own and those before it.
const FLOORS: [(&str, &[&str]); 4] = [
    (
        "dialects/src/lib.rs",
        &[
            "shown",
            "nesting",
            "diagnostic",
            "codes",
            "raw",
            "ir",
            "attribute",
            "convolution",
            "graph",
            "neuron",
            "snn",
            "qsnn",
            "s2k",
            "lib",
        ],
    ),
    ("passes/src/lib.rs", &["options", "target", "analysis", "session", "snn", "qsnn", "s2k", "check", "lib"]),
    ("compiler/backend/src/lib.rs", &["codegen", "emit", "lib"]),
    (
        "compiler/src/lib.rs",
        &["files", "progress", "targets", "data", "frontend", "calibration", "driver", "levels", "tools", "cli", "lib"],
    ),
];

/// Arrows that go up all the same, each with its reason.
const UPWARD: [(&str, &str); 0] = [];

#[test]
fn folders_use_only_those_below_them() {
    let sources = sources::read(&root());
    assert!(UPWARD.len() <= 5);
    let found = FLOORS.iter().flat_map(|(root, order)| structure::upward(&imports::arrows(&sources, root), order));
    let found: BTreeSet<String> = found.collect();
    let listed: BTreeSet<String> = UPWARD.iter().map(|(arrow, _)| (*arrow).to_owned()).collect();
    assert_eq!(found, listed);
}

/// Functions that are tables: one arm for each instruction.
const TABLES_OF_INSTRUCTIONS: [&str; 3] = [
    "runtime/chip/src/cpu/execute.rs: execute",
    "runtime/chip/src/cpu/others.rs: execute_other",
    "runtime/chip/src/decode/narrow.rs: decode",
];

/// Functions and files that are still too long.
const STILL_LONG: &[&str] = &[
    "compiler/src/cli/commands/compile.rs: run has",
    "compiler/src/cli/commands/evaluate.rs: prepare has",
    "passes/src/s2k/core_partitioning/pace.rs: of has",
    "tests/e2e.rs: convolutional has",
    "tests/graphs.rs: levels_agree has",
];

#[test]
fn functions_and_files_are_of_readable_size() {
    let sources = sources::read(&root());
    let functions = sizes::functions(&sources);
    for table in TABLES_OF_INSTRUCTIONS {
        assert!(
            functions.iter().any(|function| function.name == table && function.lines > 60),
            "{table} needs no exception"
        );
    }
    let long = functions.iter().filter(|function| function.lines > 60);
    let long = long.filter(|function| !TABLES_OF_INSTRUCTIONS.contains(&function.name.as_str()));
    let long = long.map(|function| format!("{} has {} lines", function.name, function.lines));
    let lines = sources.iter().map(|(file, text)| (file, text.lines().count())).filter(|(_, lines)| *lines > 450);
    let too_long = long.chain(lines.map(|(file, lines)| format!("{file} has {lines} lines")));
    let too_long: Vec<_> = too_long.filter(|name| !STILL_LONG.iter().any(|known| name.starts_with(known))).collect();
    assert!(too_long.is_empty(), "{}", too_long.join("\n"));
}

#[test]
fn every_pass_has_its_headings_and_is_of_readable_size() {
    for pass in s2c_passes::PIPELINE {
        let folder = root().join("passes/src").join(pass.gives.name());
        let file = folder.join(format!("{}.rs", pass.name.replace('-', "_")));
        let text = fs::read_to_string(&file).unwrap();
        for heading in ["//! Needs:", "//! Gives:", "//! Example:", "//! Limits:", "//! Source:"] {
            assert!(text.contains(heading), "{} has no `{heading}`", file.display());
        }
        assert!(text.lines().count() <= 400, "{} is too long", file.display());
    }
}

#[test]
fn unsafe_code_is_in_one_file_per_crate() {
    for (krate, allowed) in [
        ("dialects/src", "raw.rs"),
        ("compiler/src", ""),
        ("compiler/nir/src", ""),
        ("compiler/backend/src", "llvm.rs"),
        ("passes/src", ""),
        ("runtime/chip/src", ""),
        ("runtime/interp/src", ""),
        ("runtime/abi/src", ""),
        ("runtime/kernels/src", ""),
    ] {
        for file in rust_files(&root().join(krate)) {
            let text = fs::read_to_string(&file).unwrap();
            let has = text.contains("unsafe {") || text.contains("unsafe fn") || text.contains("unsafe extern");
            assert!(!has || file.file_name().unwrap() == allowed, "{} has unsafe code", file.display());
        }
    }
}

#[test]
fn only_the_compiler_does_io() {
    for krate in LIBRARIES {
        for file in rust_files(&root().join(krate))
            .iter()
            .filter(|file| !file.components().any(|part| part.as_os_str() == "tests"))
        {
            let text = fs::read_to_string(file).unwrap();
            for word in ["std::fs", "std::env", "println!"] {
                assert!(!text.contains(word), "{} uses {word}", file.display());
            }
        }
    }
}

#[test]
fn every_module_says_what_it_is() {
    for krate in LIBRARIES.iter().chain(&["compiler/src"]) {
        for file in rust_files(&root().join(krate)) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(text.starts_with("//!"), "{} has no heading", file.display());
        }
    }
}

/// Codes that a file gives to diagnostics: the literals behind `error(` and `warning(`.
fn codes_in(text: &str) -> BTreeSet<String> {
    let calls = text.match_indices("error(").chain(text.match_indices("warning("));
    calls
        .filter_map(|(at, call)| {
            let literal = text[at + call.len()..].trim_start().strip_prefix('"')?.split('"').next()?;
            let is_code = !literal.is_empty() && literal.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            is_code.then(|| literal.to_owned())
        })
        .collect()
}

#[test]
fn every_code_has_its_page_and_every_page_is_used() {
    let mut used = BTreeSet::new();
    let mut sources = String::new();
    for krate in LIBRARIES.iter().chain(&["compiler/src"]) {
        for file in rust_files(&root().join(krate)) {
            let text = fs::read_to_string(&file).unwrap();
            used.extend(codes_in(&text));
            sources.push_str(&text);
        }
    }
    let pages: BTreeSet<String> = s2c_dialects::codes::all().map(|code| code.name.to_owned()).collect();
    let missing: Vec<_> = used.difference(&pages).collect();
    assert!(
        missing.is_empty(),
        "{missing:?} have no page. Add a section `## CODE` to dialects/src/codes.md, in alphabetical order: what was \
         found, and in a second paragraph what to do about it."
    );
    let unused: Vec<_> = pages.iter().filter(|code| !sources.contains(&format!("\"{code}\""))).collect();
    assert!(unused.is_empty(), "nothing uses {unused:?}. Remove their sections from dialects/src/codes.md.");
}

/// Snapshots below a folder.
fn snapshots(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(snapshots(&path));
        } else if path.extension().is_some_and(|ending| ending == "snap" || ending == "new") {
            files.push(path);
        }
    }
    files
}

#[test]
fn every_snapshot_belongs_to_a_case() {
    for file in snapshots(&root().join("tests/ir")) {
        assert!(file.with_extension("mlir").exists(), "{} is left over from a case that is gone", file.display());
    }
}

#[test]
fn shipped_examples_are_small() {
    for folder in fs::read_dir(root().join("examples")).unwrap().map(|entry| entry.unwrap().path()) {
        let files = fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.unwrap());
        for file in files.filter(|file| file.path().is_file()) {
            assert!(file.metadata().unwrap().len() < 300_000, "{} is too large", file.path().display());
        }
    }
}
