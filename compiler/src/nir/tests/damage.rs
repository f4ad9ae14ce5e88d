//! Damaged files give an error, and no panic.

use super::*;
use std::process::Command;

/// Tells a child process at which copy to begin.
const FIRST: &str = "S2C_TEST_FIRST_DAMAGED_COPY";
/// Number of damaged copies.
const COPIES: usize = 300;

/// The copies are read in a child process: the HDF5 library is C code that some damage crashes outright (a corrupt
/// global heap, in release 1.10), which no Rust code can catch. After such a crash another child goes on with the next
/// copy; crashes are counted and shown. A panic ends a child with an exit code, and fails the test.
#[test]
fn damaged_files_give_an_error_and_no_panic() {
    let progress = std::env::temp_dir().join("progress");
    if let Some(first) = std::env::var(FIRST).ok().and_then(|first| first.parse().ok()) {
        return read_copies(first, &progress);
    }
    let (_, module) = module_path!().split_once("::").unwrap();
    let this = format!("{module}::damaged_files_give_an_error_and_no_panic");
    let folder = scratch("damage");
    fs::create_dir_all(&folder).unwrap();
    let (mut first, mut crashes) = (0, 0);
    while first < COPIES {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", &this]).env(FIRST, first.to_string()).env("TMPDIR", &folder);
        command.stdout(std::process::Stdio::piped());
        let child = {
            let _none_open = OPEN_FILES.write().unwrap_or_else(PoisonError::into_inner);
            command.spawn().unwrap()
        };
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let last: usize = fs::read_to_string(folder.join("progress")).unwrap().parse().unwrap();
        match output.status.code() {
            Some(0) => assert!(text.contains("1 passed") && last + 1 == COPIES, "the child did not finish: {text}"),
            Some(_) => panic!("copy {last}: {text}"),
            None => crashes += 1,
        }
        first = last + 1;
    }
    eprintln!("{crashes} of {COPIES} damaged copies crashed the HDF5 library");
    assert!(crashes * 20 < COPIES, "more crashes than damage to the heap explains");
}

/// Reads all copies from the `first` on, and writes down which one is next.
fn read_copies(first: usize, progress: &std::path::Path) {
    let (small, path) = (scratch("small.nir"), scratch("damaged.nir"));
    write(&every_node(), &small).unwrap();
    let (bytes, mut random) = (fs::read(&small).unwrap(), Random(7));
    for copy in 0..COPIES {
        let damaged = random.damage(&bytes);
        if copy < first {
            continue;
        }
        fs::write(progress, copy.to_string()).unwrap();
        fs::write(&path, damaged).unwrap();
        if let Ok(model) = read(&path) {
            let _ = infer_shapes(&model.graph);
        }
    }
}
