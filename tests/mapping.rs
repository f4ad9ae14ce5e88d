//! Networks on machines of several chips: the machine code against the integer interpreter, and the same bytes on any
//! number of threads.

mod support;

use s2c::{
    data::{DataSet, Layout, SpikeTrain},
    sink::Quiet,
    targets,
    tools::{
        machine::{Machine, Time, Wish},
        recording::{Quantity, Recording},
    },
};
use s2c_backend::emit::Binary;
use s2c_dialects::{diagnostic::Place, qsnn};
use s2c_interp::Interpreter;
use s2c_passes::{
    options::{Convention, Level, Options},
    registry,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use support::{Told, binary, integers};

/// Pseudo-random numbers below a limit.
struct Numbers(u32);

impl Numbers {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) % limit
    }
}

fn temporary(name: &str, text: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, text).unwrap();
    file
}

/// A target of 3 x 4 chips of 3 QPEs each, with PEs of 16 KiB, of which one is dead.
fn small_board(name: &str) -> PathBuf {
    let text = include_str!("../compiler/targets/spinnaker2-board48.toml")
        .replace("columns = 8\nrows = 6", "columns = 3\nrows = 4")
        .replace("host = 43", "host = 4")
        .replace("columns = [1, 7]\nrows = [1, 6]", "columns = [3, 4]\nrows = [3, 4]\ndead = [[4, 3, 3, 1]]")
        .replace("[4, 4], ", "")
        .replace("sram_bytes = 131072", "sram_bytes = 16384");
    temporary(name, &text)
}

/// A loop of populations behind an input, as a dump of `snn` with options.
fn ring(name: &str, populations: usize, neurons: usize, mut options: Options) -> PathBuf {
    (options.dt, options.convention) = (Some(1e-3), Convention::Norse);
    let options: Vec<String> =
        registry::write(&options).iter().map(|(name, value)| format!("\"{name}\" = \"{value}\"")).collect();
    let mut numbers = Numbers(7);
    let mut weights = |rows: usize, columns: usize, scale: f32| -> String {
        let one = |_| {
            let weight = (numbers.below(200) as f32 - 95.0) / 100.0 * scale;
            weight.to_le_bytes().map(|byte| format!("{byte:02X}")).concat()
        };
        let bytes: Vec<String> = (0..rows * columns).map(one).collect();
        format!("{{weight = dense<\"0x{}\"> : tensor<{rows}x{columns}xf32>}}", bytes.concat())
    };
    let n = neurons;
    let splat = |name: &str, value: f64| format!("{name} = dense<{value:?}> : tensor<{n}xf64>");
    let parameters = [("tau", 0.004), ("r", 4.0), ("v_leak", 0.0), ("v_threshold", 1.0), ("v_reset", 0.0)];
    let parameters = parameters.map(|(name, value)| splat(name, value)).join(", ");
    let mut text = format!(
        "snn.network @ring options {{{}}} {{
  %x = snn.input \"input\" limit 1 : tensor<{n}xui8>
  %late = snn.delay %s{last} by {populations} : tensor<{n}xi1>
  %back = snn.linear %late {} : tensor<{n}xi1> -> tensor<{n}xf32>
  %in = snn.linear %x {} : tensor<{n}xui8> -> tensor<{n}xf32>
  %i0 = snn.add %in, %back : tensor<{n}xf32>, tensor<{n}xf32> -> tensor<{n}xf32>\n",
        options.join(", "),
        weights(n, n, 0.2),
        weights(n, n, 1.0),
        last = populations - 1,
    );
    for population in 0..populations {
        if population > 0 {
            text += &format!(
                "  %i{population} = snn.linear %s{} {} : tensor<{n}xi1> -> tensor<{n}xf32>\n",
                population - 1,
                weights(n, n, 0.5)
            );
        }
        text += &format!(
            "  %s{population} = snn.lif \"p{population}\"(%i{population}) {{{parameters}}} : tensor<{n}xf32> -> tensor<{n}xi1>\n"
        );
    }
    text += &format!("  snn.output \"output\"(%s{}) : tensor<{n}xi1>\n}}\n", populations - 1);
    temporary(&format!("{name}.mlir"), &text)
}

fn level(level: Level) -> Options {
    Options { level, ..Options::default() }
}

fn with_rates(rates: BTreeMap<String, f64>) -> Options {
    let mut options = level(Level::O2);
    options.rate.of = rates;
    options
}

fn compile(model: &Path, target: &Path, options: &Options) -> Binary {
    binary(model, options, targets::load(target.to_str().unwrap()).unwrap(), &Quiet).unwrap()
}

fn noise(ticks: usize, shape: &[usize], one_in: u32) -> SpikeTrain {
    let mut numbers = Numbers(1);
    let mut builder = SpikeTrain::builder(shape).unwrap();
    let count: usize = shape.iter().product();
    for _ in 0..ticks {
        builder.push_tick(&(0..count).map(|_| u16::from(numbers.below(one_in) == 0)).collect::<Vec<_>>());
    }
    builder.finish()
}

/// Spikes of some nodes on the chip model and by the interpreter.
fn spikes(network: &qsnn::Network, machine: &mut Machine, input: &SpikeTrain, nodes: &[&str]) -> [Vec<Vec<u16>>; 2] {
    let wishes: Vec<Wish> =
        nodes.iter().map(|&node| Wish { node: node.to_owned(), quantity: Quantity::Spikes }).collect();
    let chip = machine.run(input, &wishes, Time::Network).unwrap().into_iter().map(|recording| match recording {
        Recording::Spikes(table) => table.values,
        _ => unreachable!("the node has no spikes"),
    });
    let mut interpreter = s2c_interp::qsnn::Qsnn::new(network).unwrap();
    let indices: Vec<usize> = nodes.iter().map(|node| interpreter.find(node).unwrap()).collect();
    let mut expected = vec![Vec::new(); nodes.len()];
    for tick in input.to_dense().outer_iter() {
        interpreter.step(&[&tick.iter().copied().collect::<Vec<_>>()]).unwrap();
        expected.iter_mut().zip(&indices).for_each(|(spikes, &index)| spikes.extend(interpreter.spikes(index)));
    }
    [chip.collect(), expected]
}

#[test]
fn a_loop_over_many_chips_runs_exactly() {
    let (model, target, options) =
        (ring("loop", 6, 160, level(Level::O2)), small_board("loop.toml"), Options::default());
    let binary = compile(&model, &target, &options);
    let chips: std::collections::BTreeSet<usize> = binary.manifest.pes.iter().map(|pe| pe.chip).collect();
    println!(
        "{} PEs on {} chips, {} router entries",
        binary.manifest.pes.len(),
        chips.len(),
        binary.manifest.routes.len()
    );
    assert!(chips.len() > 1);
    assert!(!binary.manifest.pes.iter().any(|pe| (pe.chip, pe.column, pe.row, pe.core) == (4, 3, 3, 1)));
    let mut machine = Machine::load(binary).unwrap();
    let nodes = ["p0", "p3", "p5", "output"];
    let [chip, expected] = spikes(&integers(&model, &options).unwrap(), &mut machine, &noise(40, &[160], 8), &nodes);
    assert!(expected.iter().all(|spikes| spikes.iter().filter(|&&count| count > 0).count() > 100));
    for (node, (chip, expected)) in nodes.iter().zip(chip.iter().zip(&expected)) {
        assert!(chip == expected, "{node}");
    }
    assert_eq!(machine.stats().dropped_packets, 0);
}

/// Hops and links of a run, in hops of the target.
fn traveled(binary: &Binary, input: &SpikeTrain) -> u64 {
    let mut machine = Machine::load(binary.clone()).unwrap();
    machine.run(input, &[], Time::Network).unwrap();
    let stats = machine.stats();
    stats.hops + 10 * stats.link_packets
}

#[test]
fn a_profile_of_a_run_shortens_the_ways_of_the_next() {
    let (target, input) = (small_board("profile.toml"), noise(40, &[160], 8));
    let at = |options| compile(&ring("profile", 6, 160, options), &target, &Options::default());
    let naive = at(level(Level::O0));
    let mut machine = Machine::load(naive.clone()).unwrap();
    machine.run(&input, &[], Time::Network).unwrap();
    let rates = machine.stats().rates;
    assert!(rates["input"] > 0.1 && rates["p5"] > 0.0, "{rates:?}");
    let [before, after] = [naive, at(with_rates(rates))].map(|binary| traveled(&binary, &input));
    println!("hops in the order of the program {before}, placed with rates {after}");
    assert!(after < before);
}

#[test]
fn dead_pes_are_mapped_around() {
    let dead = vec![[4, 3, 3, 0], [4, 4, 4, 2]];
    let model = ring("dead", 2, 120, Options { dead, ..Options::default() });
    let binary = compile(&model, &small_board("dead.toml"), &Options::default());
    let places: Vec<_> = binary.manifest.pes.iter().map(|pe| (pe.chip, pe.column, pe.row, pe.core)).collect();
    for pe in [(4, 3, 3, 0), (4, 3, 3, 1), (4, 4, 4, 2)] {
        assert!(!places.contains(&pe), "{places:?}");
    }
}

/// What is expected of packets is what a run counts, at the rates of that run; cycles are near what it takes.
#[test]
fn a_report_with_the_rates_of_a_run_is_what_the_run_counts() {
    let (target, input, ticks) = (small_board("report.toml"), noise(60, &[160], 8), 60.0);
    let at = |rates| compile(&ring("report", 3, 160, with_rates(rates)), &target, &Options::default());
    let run = |binary: &Binary| {
        let mut machine = Machine::load(binary.clone()).unwrap();
        machine.run(&input, &[], Time::Network).unwrap();
        machine.stats()
    };
    let binary = at(run(&at(Default::default())).rates);
    let (expected, stats) = (binary.manifest.expected.clone(), run(&binary));
    let sent: f64 = stats.rates.values().map(|rate| rate * 160.0).sum();
    assert!((expected.packets_per_tick - sent).abs() < 1e-6);
    // Slices of a population differ in their rates.
    let near = |expected: f64, counted: u64| (expected * ticks / counted as f64 - 1.0).abs() < 0.1;
    assert!(near(expected.hops_per_tick, stats.hops), "{} {}", expected.hops_per_tick, stats.hops);
    assert!(near(expected.links_per_tick, stats.link_packets), "{} {}", expected.links_per_tick, stats.link_packets);
    for (pe, counted) in expected.pes.iter().zip(&stats.pe) {
        let ratio = pe.cycles_per_tick * stats.cost.ticks as f64 / counted.cycles as f64;
        assert!((0.75..1.33).contains(&ratio), "{}: {ratio}", counted.name);
    }
}

#[test]
fn a_shorter_tick_takes_more_pes_and_one_that_is_too_short_is_said() {
    let target = small_board("ticks.toml");
    let at = |tick: f64, name: &str| {
        let model = ring(name, 2, 160, Options { tick: Some(tick), rate: 0.5.into(), ..level(Level::O2) });
        let told = Told::default();
        let target = targets::load(target.to_str().unwrap()).unwrap();
        let binary = binary(&model, &Options::default(), target, &told).unwrap();
        (binary.manifest.pes.len(), told.codes().contains(&"tick-too-short"))
    };
    let (long, short, none) = (at(1e-2, "tick-long"), at(5e-5, "tick-short"), at(1e-6, "tick-none"));
    println!("PEs and warning: {long:?}, {short:?}, {none:?}");
    assert!(!long.1 && !short.1 && none.1);
    assert!(long.0 < short.0 && short.0 <= none.0);
}

#[test]
fn a_network_that_does_not_fit_names_what_needs_most() {
    let text = std::fs::read_to_string(small_board("few.toml")).unwrap();
    let text = text.replace("columns = 3\nrows = 4", "columns = 1\nrows = 1").replace("host = 4", "host = 0");
    let target = temporary("one.toml", &text);
    let model = ring("too-many", 6, 160, level(Level::O2));
    let target = targets::load(target.to_str().unwrap()).unwrap();
    let error = binary(&model, &Options::default(), target, &Quiet).unwrap_err();
    assert_eq!((error.code, &error.place), ("too-many-pes", &Place::Node("p0".to_owned())));
    let all = format!("{} {} {}", error.title, error.text, error.hint);
    for words in ["the network needs 21 PEs", "has 12 for applications", "`p0` ", "--weight-bits", "at least 2 chips"] {
        assert!(all.contains(words), "{words}: {all}");
    }
}

#[test]
fn bytes_and_runs_are_equal_on_one_and_two_threads() {
    let (model, target) = (ring("threads", 4, 120, level(Level::O2)), small_board("threads.toml"));
    let input = noise(10, &[120], 8);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let binary = compile(&model, &target, &Options::default());
            let bytes = binary.to_bytes().unwrap();
            let mut machine = Machine::load(binary).unwrap();
            let wish = Wish { node: "output".to_owned(), quantity: Quantity::Spikes };
            let recordings = machine.run(&input, &[wish], Time::Network).unwrap();
            (bytes, format!("{recordings:?}"), serde_json::to_string(&machine.stats()).unwrap())
        })
    };
    assert!(on(1) == on(2));
}

/// The recordings of other platforms are not part of the project: tests that want them say so and pass without.
fn shared(file: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(file);
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// All populations of a network on one chip, on the chip model and by the interpreter.
fn all_layers_are_exact(model: &Path, options: &Options, inputs: &[SpikeTrain]) {
    let binary = compile(model, Path::new("spinnaker2"), options);
    assert!(binary.manifest.pes.len() <= 148);
    let nodes: Vec<String> = binary.manifest.populations().into_iter().map(str::to_owned).collect();
    let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
    let (network, mut machine) = (integers(model, options).unwrap(), Machine::load(binary).unwrap());
    for input in inputs {
        let [chip, expected] = spikes(&network, &mut machine, input, &nodes);
        for (node, (chip, expected)) in nodes.iter().zip(chip.iter().zip(&expected)) {
            assert!(chip == expected, "{node}");
        }
    }
    assert_eq!(machine.stats().dropped_packets, 0);
}

#[test]
fn a_network_of_177547_neurons_fits_on_a_chip_and_runs_exactly() {
    let Some(model) = shared("nir/sinabs_dvs_gesture.nir") else { return };
    let options = Options { dt: Some(1e-3), convention: Convention::Sinabs, ..level(Level::O2) };
    all_layers_are_exact(&model, &options, &[noise(4, &[2, 128, 128], 50)]);
}

#[test]
fn every_layer_of_a_network_for_nmnist_is_exact() {
    let (Some(model), Some(data)) = (shared("nir/cnn_sinabs.nir"), shared("nmnist/cnn_sinabs_ref_test100.npz")) else {
        return;
    };
    let options = Options { convention: Convention::Sinabs, input_limit: 3, ..level(Level::O2) };
    let data = DataSet::open(&data, None, Layout::Samples).unwrap();
    let inputs: Vec<SpikeTrain> = (0..3).map(|sample| data.sample(sample).unwrap()).collect();
    all_layers_are_exact(&model, &options, &inputs);
}
