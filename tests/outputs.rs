//! Outputs that are no new files: what stands under the name stays what it is, what may not be written stays as it was,
//! and nothing is lost without a word. Where the tests run as root, each also runs as an ordinary user.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/digits/digits.nir");
const COMPILE: &str = "compile digits.nir --dt 1e-3 --convention norse --reset subtract -o";
/// The user and group `nobody`.
const NOBODY: u32 = 65534;

/// Who runs `s2c`: the user of the tests, and an ordinary one where that is root.
fn users() -> &'static [Option<u32>] {
    static USERS: OnceLock<Vec<Option<u32>>> = OnceLock::new();
    USERS.get_or_init(|| {
        let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        if is_root { vec![None, Some(NOBODY)] } else { vec![None] }
    })
}

/// A folder of a user's own with the model.
fn scratch(name: &str, user: Option<u32>) -> PathBuf {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("outputs_{name}_{}", user.map_or("own", |_| "nobody")));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::copy(MODEL, folder.join("digits.nir")).unwrap();
    for path in [&folder, &folder.join("digits.nir")] {
        chown(path, user, user).unwrap();
    }
    folder
}

/// Runs a line of the shell in a folder as a user; `s2c` is the program.
fn shell(folder: &Path, user: Option<u32>, line: &str) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", &line.replace("s2c", env!("CARGO_BIN_EXE_s2c"))]).current_dir(folder);
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    command.output().unwrap()
}

fn succeeds(folder: &Path, user: Option<u32>, line: &str) {
    let output = shell(folder, user, line);
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// It fails with a message that holds `words`, and no half file is left.
fn fails(folder: &Path, user: Option<u32>, line: &str, words: &str) {
    let output = shell(folder, user, line);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{line}: {text}");
    assert!(text.contains("error[cannot-write]") && text.contains(words), "{line}: {text}");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let parts: Vec<_> = names.filter(|name| name.to_string_lossy().ends_with(".part")).collect();
    assert!(parts.is_empty(), "{line} left {parts:?}");
}

/// The binary as it comes out under a new name.
fn expected(folder: &Path, user: Option<u32>) -> Vec<u8> {
    succeeds(folder, user, &format!("s2c {COMPILE} new.bin"));
    fs::read(folder.join("new.bin")).unwrap()
}

/// A file of the user with this mode.
fn file(folder: &Path, user: Option<u32>, name: &str, mode: u32) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, "what was there before").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    chown(&path, user, user).unwrap();
    path
}

#[test]
fn a_file_is_replaced_and_keeps_its_mode_and_owner() {
    for &user in users() {
        let folder = scratch("replaced", user);
        let expected = expected(&folder, user);
        let old = file(&folder, user, "out.bin", 0o600);
        let before = fs::metadata(&old).unwrap();
        succeeds(&folder, user, &format!("s2c {COMPILE} out.bin"));
        let after = fs::metadata(&old).unwrap();
        assert_eq!(fs::read(&old).unwrap(), expected);
        assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
        assert_ne!(after.ino(), before.ino(), "a new file has taken the name");
        for length in [252, 255] {
            let name = "n".repeat(length);
            succeeds(&folder, user, &format!("s2c {COMPILE} {name}"));
            assert_eq!(fs::read(folder.join(name)).unwrap(), expected);
        }
    }
}

#[test]
fn links_stay_links() {
    for &user in users() {
        let folder = scratch("links", user);
        let expected = expected(&folder, user);
        let target = file(&folder, user, "target.bin", 0o644);
        for (name, to) in [("soft.bin", "target.bin"), ("dangling.bin", "made.bin")] {
            symlink(to, folder.join(name)).unwrap();
            succeeds(&folder, user, &format!("s2c {COMPILE} {name}"));
            assert_eq!(fs::read_link(folder.join(name)).unwrap(), Path::new(to));
            assert_eq!(fs::read(folder.join(to)).unwrap(), expected);
        }
        fs::write(&target, "old").unwrap();
        fs::hard_link(&target, folder.join("hard.bin")).unwrap();
        succeeds(&folder, user, &format!("s2c {COMPILE} hard.bin"));
        assert_eq!(fs::metadata(&target).unwrap().nlink(), 2);
        assert_eq!(fs::read(&target).unwrap(), expected);
    }
}

#[test]
fn pipes_and_devices_get_the_bytes() {
    for &user in users() {
        let folder = scratch("pipes", user);
        let expected = expected(&folder, user);
        succeeds(&folder, user, &format!("mkfifo fifo; cat fifo > copy & s2c {COMPILE} fifo && wait && test -p fifo"));
        assert_eq!(fs::read(folder.join("copy")).unwrap(), expected);
        succeeds(&folder, user, &format!("s2c {COMPILE} /dev/stdout | cat > piped"));
        assert_eq!(fs::read(folder.join("piped")).unwrap(), expected);
        // Appended to a log, the name of the standard output is that of the log.
        succeeds(&folder, user, &format!("echo before > log; s2c {COMPILE} /dev/stdout >> log"));
        assert_eq!(fs::read(folder.join("log")).unwrap(), [b"before\n", &expected[..]].concat());
        // A null device of the test's own, where there may be one; never the machine's.
        if user.is_none() && shell(&folder, None, "mknod null c 1 3 && : > null").status.success() {
            succeeds(&folder, user, &format!("s2c {COMPILE} null && test -c null"));
        }
    }
}

#[test]
fn what_may_not_be_written_stays_as_it_was() {
    for &user in users() {
        let folder = scratch("refused", user);
        let locked = file(&folder, user, "locked.bin", 0o444);
        fails(&folder, user, &format!("s2c {COMPILE} locked.bin"), "is read-only");
        assert_eq!(fs::read(&locked).unwrap(), b"what was there before");
        symlink("digits.nir", folder.join("soft.nir")).unwrap();
        fs::hard_link(folder.join("digits.nir"), folder.join("hard.nir")).unwrap();
        for name in ["digits.nir", "soft.nir", "hard.nir", "./digits.nir"] {
            fails(&folder, user, &format!("s2c {COMPILE} {name}"), "would be overwritten");
        }
        assert_eq!(fs::read(folder.join("digits.nir")).unwrap(), fs::read(MODEL).unwrap());
        fails(&folder, user, &format!("s2c {COMPILE} ."), "cannot be written");
        fails(&folder, user, &format!("s2c {COMPILE} twice --report twice"), "would be overwritten");
    }
    // The folder would let a user rename over root's file.
    if let [_, user @ Some(_)] = users() {
        let folder = scratch("others", *user);
        let foreign = file(&folder, Some(0), "out.bin", 0o644);
        fails(&folder, *user, &format!("s2c {COMPILE} out.bin"), "Permission denied");
        assert_eq!(fs::read(&foreign).unwrap(), b"what was there before");
        // A folder that takes no new files, with a file that may be written to.
        let expected = expected(&folder, *user);
        let own = file(&folder, *user, "own.bin", 0o644);
        chown(&folder, Some(0), Some(0)).unwrap();
        succeeds(&folder, *user, &format!("s2c {COMPILE} own.bin"));
        assert_eq!(fs::read(&own).unwrap(), expected);
    }
}

#[test]
fn full_disks_and_limits_are_told() {
    for &user in users() {
        let folder = scratch("full", user);
        let old = file(&folder, user, "out.bin", 0o644);
        fails(&folder, user, &format!("s2c {COMPILE} /dev/full"), "No space left");
        // In blocks of 512 or 1024 bytes; a binary of the digits has some ten thousand.
        fails(&folder, user, &format!("ulimit -f 2; s2c {COMPILE} out.bin"), "File too large");
        assert_eq!(fs::read(&old).unwrap(), b"what was there before");
        fails(&folder, user, &format!("ulimit -f 2; s2c {COMPILE} fresh.bin"), "File too large");
        assert!(!folder.join("fresh.bin").exists());
        for line in ["--help", "compile --help", "--version", "completions bash", "passes", "inspect digits.nir"] {
            fails(&folder, user, &format!("s2c {line} > /dev/full"), "the standard output cannot be written");
        }
        // Whoever has read enough of a listing closes the pipe.
        succeeds(&folder, user, "{ s2c completions bash; echo $? > code; } | true; test $(cat code) = 0");
        fails(
            &folder,
            user,
            &format!("{{ s2c {COMPILE} /dev/stdout; echo $? > code; }} | true; exit $(cat code)"),
            "Broken pipe",
        );
        // A message that can't be printed is not lost without a trace.
        let error = shell(&folder, user, "s2c compile missing.nir -o x.bin 2> /dev/full");
        assert_eq!(error.status.code(), Some(1));
        let usage = shell(&folder, user, "s2c compile --nonsense 2> /dev/full");
        assert_eq!(usage.status.code(), Some(2));
        let times = shell(&folder, user, &format!("s2c {COMPILE} out.bin --time-passes 2> /dev/full"));
        assert_eq!(times.status.code(), Some(1));
        let log = shell(&folder, user, &format!("s2c --verbose {COMPILE} out.bin 2> /dev/full"));
        assert_eq!(log.status.code(), Some(0), "nobody misses a log");
    }
}
