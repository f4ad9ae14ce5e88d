//! The commands that the documentation shows are run, from the top of each page to its end, and what they print is
//! compared with what the page shows. A command is an indented line that begins with `$`, with its output below it, or
//! one that begins with the name of a program. Commands that are not run are listed with the reason. With
//! `INSTA_UPDATE=always` the pages are rewritten to show what is printed.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

/// Beginnings of commands that are not run here, and why.
const NOT_RUN: &[(&str, &str)] = &[
    ("make ", "builds the project or runs all its tests, among them this one"),
    ("python3 -m venv ", "installs packages"),
    ("venv/bin/pip ", "installs packages"),
    ("venv/bin/python ", "trains, with packages that `venv/bin/pip` installs"),
    ("for bits in 8 4 2; do venv/bin/python ", "trains, with packages that `venv/bin/pip` installs"),
    ("python3 tests/bench/", "needs recordings of other platforms"),
    ("python3 board/network.py", "needs a board, or the vendor's package"),
    ("s2c compile model.nir ", "the model is the reader's"),
    ("s2c run out.bin ", "the model is the reader's"),
    ("s2c evaluate gestures/", "the recordings are the reader's"),
];
/// Words with which a command begins where the page shows no output.
const PROGRAMS: [&str; 6] = ["s2c", "make", "python3", "venv/bin/pip", "venv/bin/python", "export"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A command with the output that the page shows.
#[derive(Debug, Default)]
struct Shown {
    line: usize,
    command: String,
    output: Vec<String>,
}

/// All commands of a page in order.
fn commands(text: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    // Whether the lines that follow may be output of the last command.
    let mut in_output = false;
    for (number, line) in text.lines().enumerate() {
        let Some(code) = line.strip_prefix("    ") else {
            in_output &= line.is_empty();
            if in_output && let Some(last) = found.last_mut() {
                last.output.push(String::new());
            }
            continue;
        };
        let program = code.split(' ').next().unwrap_or_default();
        if let Some(command) = code.strip_prefix("$ ") {
            found.push(Shown { line: number + 1, command: command.to_owned(), output: Vec::new() });
            in_output = true;
        } else if PROGRAMS.contains(&program) {
            found.push(Shown { line: number + 1, command: code.to_owned(), output: Vec::new() });
            in_output = false;
        } else if in_output && let Some(last) = found.last_mut() {
            last.output.push(code.to_owned());
        }
    }
    for shown in &mut found {
        while shown.output.last().is_some_and(String::is_empty) {
            shown.output.pop();
        }
    }
    found
}

/// A folder that looks like a fresh clone with the executable built: the examples, and nothing that was made by a
/// command.
fn clone(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docs").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("target/release")).unwrap();
    for part in ["examples", "compiler", "dialects", "passes", "tests", "runtime", "docs"] {
        symlink(root().join(part), folder.join(part)).unwrap();
    }
    symlink(env!("CARGO_BIN_EXE_s2c"), folder.join("target/release/s2c")).unwrap();
    folder
}

/// How many commands of a page ran, and what of it does not hold.
fn check(page: &str) -> (usize, Vec<String>) {
    let text = fs::read_to_string(root().join(page)).unwrap();
    let folder = clone(&page.replace('/', "_"));
    let mut exports = String::new();
    let (mut ran, mut faults, mut accepted) = (0, Vec::new(), Vec::new());
    let accepts = std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always");
    for Shown { line, command, output } in commands(&text) {
        // What stands behind a `#` is a remark to the reader.
        let command = command.split("  #").next().unwrap_or_default().trim_end();
        if NOT_RUN.iter().any(|(beginning, _)| command.starts_with(beginning)) {
            continue;
        }
        if command.starts_with("export ") {
            exports.push_str(command);
            exports.push('\n');
            continue;
        }
        ran += 1;
        let path = if page == "README.md" { "" } else { "export PATH=$PWD/target/release:$PATH\n" };
        let script = format!("{path}{exports}{command}");
        let result = Command::new("sh").args(["-c", &script]).current_dir(&folder).output().unwrap();
        let fails = output.first().is_some_and(|line| line.starts_with("error["));
        // Notes and warnings are left out, errors are shown.
        let printed = String::from_utf8_lossy(if fails { &result.stderr } else { &result.stdout });
        let mut printed: Vec<&str> = printed.lines().map(str::trim_end).collect();
        while printed.last().is_some_and(|line| line.is_empty()) {
            printed.pop();
        }
        if result.status.success() == fails {
            let errors = String::from_utf8_lossy(&result.stderr);
            faults.push(format!("{page}:{line}: `{command}`: {}\n{errors}", result.status));
        } else if !output.is_empty() && printed != output && accepts {
            let page_lines =
                printed.iter().map(|text| if text.is_empty() { String::new() } else { format!("    {text}") });
            accepted.push((line..line + output.len(), page_lines.collect::<Vec<_>>()));
        } else if !output.is_empty() && printed != output {
            faults.push(format!(
                "{page}:{line}: `{command}` prints\n{}\nand the page shows\n{}",
                printed.join("\n"),
                output.join("\n")
            ));
        }
    }
    if !accepted.is_empty() {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for (shown, printed) in accepted.into_iter().rev() {
            lines.splice(shown, printed);
        }
        fs::write(root().join(page), lines.join("\n") + "\n").unwrap();
    }
    println!("{page}: {ran} commands ran");
    (ran, faults)
}

#[test]
fn readme_from_top_to_bottom() {
    let (ran, faults) = check("README.md");
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
    assert!(ran > 10, "only {ran} commands were found");
}

#[test]
fn examples_and_further_pages() {
    let mut pages = vec!["CONTRIBUTING.md".to_owned(), "tests/bench/README.md".to_owned()];
    for folder in ["docs", "examples"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let name = format!("{folder}/{}", entry.unwrap().file_name().into_string().unwrap());
            if name.ends_with(".md") {
                pages.push(name);
            } else if root().join(&name).join("README.md").exists() {
                pages.push(format!("{name}/README.md"));
            }
        }
    }
    pages.sort();
    let faults: Vec<String> = pages.iter().flat_map(|page| check(page).1).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn commands_and_their_output_are_told_apart() {
    let text = "Text:\n\n    $ s2c targets\n    one\n\n    two\n\nMore.\n\n    s2c passes   # all\n    plain text\n";
    let found = commands(text);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].command.as_str(), found[0].line), ("s2c targets", 3));
    assert_eq!(found[0].output, ["one", "", "two"]);
    assert_eq!((found[1].command.as_str(), found[1].output.len()), ("s2c passes   # all", 0));
}
