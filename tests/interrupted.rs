//! Commands that are killed (SIGKILL) at random moments leave a whole file under its final name: the one that was there
//! before, or the new one. Interrupted ones (Ctrl-C) also clean up beside it.
//!
//! `S2C_KILLS` sets how often each command is killed. Every other time the moment is chosen around the writing of the
//! file, which is short.

use ndarray::ArrayD;
use s2c::frontend::model_file;
use s2c_nir::{
    self, Graph, Node,
    linear::Linear,
    neuron::Lif,
    port::{Input, Output},
};
use s2c_tests::Random;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Kills per command where nothing else is asked for.
const KILLS: u32 = 10;
const NEURONS: usize = 900;

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A network whose binary has some hundred thousand bytes, so that writing it takes a moment.
fn write_model(path: &Path) {
    let weight = ArrayD::from_shape_fn(vec![NEURONS, NEURONS], |at| ((at[0] * 7 + at[1] * 3) % 19) as f32 - 9.0);
    let all = |value: f64| ArrayD::from_elem(vec![NEURONS], value);
    let lif = Lif { tau: all(0.01), r: all(1.0), v_leak: all(0.0), v_threshold: all(1.0), v_reset: all(0.0) };
    let nodes = [
        ("input", Node::Input(Input { shape: vec![NEURONS] })),
        ("fc", Node::Linear(Linear { weight })),
        ("lif", Node::Lif(lif)),
        ("output", Node::Output(Output { shape: vec![NEURONS] })),
    ];
    let edges = [("input", "fc"), ("fc", "lif"), ("lif", "output")];
    let graph = Graph {
        nodes: nodes.into_iter().map(|(name, node)| (name.to_owned(), node)).collect(),
        edges: edges.map(|(from, to)| (from.to_owned(), to.to_owned())).to_vec(),
    };
    model_file::write(&graph, path).unwrap();
}

fn start(folder: &Path, line: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_s2c"));
    command.args(line.split(' ')).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// Removes what killed processes left beside the file, and says how many there were.
fn sweep(folder: &Path) -> usize {
    let parts = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    parts.filter(|path| path.extension().is_some_and(|ending| ending == "part")).map(fs::remove_file).count()
}

/// Waits until a file is being written, at most as long as the process lives.
fn wait_for_part(folder: &Path, child: &mut Child) {
    let begun =
        || fs::read_dir(folder).unwrap().any(|entry| entry.unwrap().path().extension() == Some("part".as_ref()));
    while !begun() && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_micros(50));
    }
}

#[test]
fn an_interrupted_command_leaves_nothing_beside_its_file() {
    let folder = folder("ctrl_c");
    write_model(&folder.join("model.nir"));
    for _ in 0..KILLS {
        let mut child = start(&folder, "compile model.nir --dt 1e-3 --convention norse --reset zero -o out.bin");
        wait_for_part(&folder, &mut child);
        let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).stderr(Stdio::null()).status();
        let status = child.wait().unwrap();
        assert!(interrupt.is_ok() && (status.success() || status.code() == Some(130)), "{status}");
        assert_eq!(sweep(&folder), 0, "no part is left");
    }
}

#[test]
fn a_killed_command_leaves_no_part_of_a_file_under_its_name() {
    let kills = std::env::var("S2C_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(KILLS);
    let folder = folder("killed");
    write_model(&folder.join("model.nir"));
    fs::write(folder.join("spikes.npy"), {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': (40, {NEURONS}), }}\n");
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        let spikes: Vec<u8> = (0..40 * NEURONS).map(|at| u8::from(at % 5 == 0)).collect();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &spikes].concat()
    })
    .unwrap();
    let mut random = Random(1);
    for (file, line) in [
        ("out.bin", "compile model.nir --dt 1e-3 --convention norse --reset zero -o out.bin"),
        ("lif.npy", "run out.bin --input spikes.npy --engine reference --record lif:v=lif.npy"),
        ("report.html", "report out.bin -o report.html"),
    ] {
        let path = folder.join(file);
        let begin = Instant::now();
        assert!(start(&folder, line).wait().unwrap().success(), "{line}");
        let (whole, duration) = (fs::read(&path).unwrap(), begin.elapsed());
        let (mut old, mut new, mut none, mut parts) = (0, 0, 0, 0);
        for kill in 0..kills {
            let before = if kill % 4 < 2 { None } else { Some(&b"what was there before"[..]) };
            match before {
                None => drop(fs::remove_file(&path)),
                Some(bytes) => fs::write(&path, bytes).unwrap(),
            }
            let share = random.unit();
            let mut child = start(&folder, line);
            if kill % 2 == 0 {
                thread::sleep(duration.mul_f64(share));
            } else {
                wait_for_part(&folder, &mut child);
                thread::sleep(Duration::from_micros((share * 3000.0) as u64));
            }
            child.kill().unwrap();
            child.wait().unwrap();
            parts += sweep(&folder);
            match fs::read(&path).ok() {
                Some(bytes) if bytes == whole => new += 1,
                Some(bytes) if Some(&bytes[..]) == before => old += 1,
                None if before.is_none() => none += 1,
                found => panic!("kill {kill} of `{line}` left {:?} bytes of {}", found.map(|f| f.len()), whole.len()),
            }
        }
        println!(
            "{file}: {kills} kills left {none} times no file, {old} the old one, {new} the new one; {parts} while it was written"
        );
        fs::write(&path, &whole).unwrap();
    }
}
