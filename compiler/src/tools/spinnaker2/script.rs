//! What a board owner gets: `network.py`, `network.npz` and `expected.npz`.

use super::{
    cores,
    plan::{Cell, Kind, Neurons, Plan, Synapses},
    run::Simulation,
};
use crate::data::npy_bytes;
use ndarray::{ArrayD, IxDyn};
use s2c_dialects::diagnostic::{Diagnostic, Result};
use s2c_passes::target::Target;
use std::fmt::Write;

/// The part of `network.py` that is the same for all networks.
const FUNCTIONS: &str = include_str!("network.py");

/// A folder's content.
pub struct Package {
    /// `network.py`.
    pub script: String,
    /// Arrays of `network.npz`, by name.
    pub network: Vec<(String, Vec<u8>)>,
    /// Arrays of `expected.npz`, by name.
    pub expected: Vec<(String, Vec<u8>)>,
}

/// Cuts a plan for PEs and writes it down; `sample` is the input whose outcome is predicted, as for [`Simulation::run`].
///
/// # Errors
/// A network that does not fit the target.
pub fn package(mut plan: Plan, sample: &[Vec<u8>], target: &Target) -> Result<Package> {
    let ticks = sample.iter().zip(plan.inputs()).map(|(cells, (_, cell))| cells.len() / cell.size.max(1)).max();
    let ticks = ticks.unwrap_or(0) + plan.latency();
    cores::cut(&mut plan, ticks, target.pe_count())?;
    let raster = Simulation::new(&plan).run(sample);
    let mut expected = Vec::new();
    for (cells, (_, cell)) in sample.iter().zip(plan.inputs()) {
        expected.push((cell.name.clone(), table(cells.clone(), cell.size)?));
    }
    for (cell, cells) in plan.cells.iter().zip(&raster.cells) {
        let Kind::Neurons(neurons) = &cell.kind else { continue };
        let bytes = match neurons.readout {
            Some(_) => table(cells.clone(), cell.size)?,
            None => table(cells.iter().map(|&spikes| spikes as u8).collect(), cell.size)?,
        };
        expected.push((cell.name.clone(), bytes));
    }
    let most = |(cell, cells): (&Cell, &Vec<i32>)| {
        let spikes =
            cells.chunks_exact(cell.size.max(1)).map(|tick| tick.iter().filter(|&&spikes| spikes != 0).count());
        spikes.max().unwrap_or(0)
    };
    let busiest: Vec<usize> = plan.cells.iter().zip(&raster.cells).map(most).collect();
    let script = script(&plan, target.chip_count(), cores::tick(&plan, &busiest), cores::most_ticks(&plan));
    Ok(Package { script, network: arrays(&plan)?, expected })
}

fn bytes<T: crate::data::NpyElement>(shape: &[usize], values: Vec<T>) -> Result<Vec<u8>> {
    let array = ArrayD::from_shape_vec(IxDyn(shape), values).map_err(|error| Diagnostic::bug(error.to_string()))?;
    Ok(npy_bytes(&array))
}

/// Ticks x neurons.
fn table<T: crate::data::NpyElement>(values: Vec<T>, size: usize) -> Result<Vec<u8>> {
    bytes(&[values.len() / size.max(1), size], values)
}

/// One value per neuron, or one for all.
fn parameter(values: &[f32]) -> Result<Vec<u8>> {
    let uniform = values.windows(2).all(|pair| pair[0].to_bits() == pair[1].to_bits());
    let kept = if uniform { &values[..values.len().min(1)] } else { values };
    bytes(&[kept.len()], kept.to_vec())
}

/// The arrays of `network.npz`.
fn arrays(plan: &Plan) -> Result<Vec<(String, Vec<u8>)>> {
    let mut arrays = Vec::new();
    for cell in &plan.cells {
        let Some(neurons) = cell.neurons() else { continue };
        let Neurons { threshold, decay, offset, v_reset, current_decay, readout, .. } = neurons;
        let mut parameters =
            vec![("threshold", threshold), ("alpha_decay", decay), ("i_offset", offset), ("v_reset", v_reset)];
        parameters.extend(current_decay.iter().map(|values| ("current_decay", values)));
        parameters.extend(readout.iter().map(|readout| ("readout", &readout.factor)));
        for (name, values) in parameters {
            arrays.push((format!("{}.{name}", cell.name), parameter(values)?));
        }
    }
    for projection in &plan.projections {
        let name = format!("{} -> {}", plan.cells[projection.pre].name, plan.cells[projection.post].name);
        match &projection.synapses {
            Synapses::List(list) => {
                let column = |f: &dyn Fn(usize) -> u32| bytes(&[list.len()], (0..list.len()).map(f).collect());
                arrays.push((format!("{name}.pre"), column(&|index| list[index].pre)?));
                arrays.push((format!("{name}.post"), column(&|index| list[index].post)?));
                let weights = list.iter().map(|synapse| synapse.weight).collect();
                arrays.push((format!("{name}.weight"), bytes(&[list.len()], weights)?));
            }
            Synapses::Kernel(geometry, weights) => {
                let [inputs, outputs] = [geometry.input[0], geometry.channels];
                let [rows, columns] = geometry.kernel;
                // The vendor's order is (input, output, row, column).
                let taps = rows * columns;
                let blocks =
                    (0..inputs).flat_map(|input| (0..outputs).map(move |output| (output * inputs + input) * taps));
                let turned = blocks.flat_map(|block| weights[block..block + taps].iter().copied()).collect();
                arrays.push((format!("{name}.kernel"), bytes(&[inputs, outputs, rows, columns], turned)?));
            }
        }
    }
    Ok(arrays)
}

/// A string as Python has it; JSON's form is one of Python's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A table of Python, a row a line.
fn list(out: &mut String, comment: &str, name: &str, rows: Vec<String>) {
    let _ = write!(out, "#: {comment}\n{name} = [");
    rows.iter().for_each(|row| {
        let _ = write!(out, "\n    {row},");
    });
    out.push_str(if rows.is_empty() { "]\n" } else { "\n]\n" });
}

/// The text of `network.py`.
fn script(plan: &Plan, chips: usize, tick: f64, most_ticks: usize) -> String {
    let mut out = format!(
        "\"\"\"{} on SpiNNaker2, by py-spinnaker2.\n\nMade by s2c. It needs NumPy, the package `spinnaker2`, and the files \
         beside it: network.npz holds weights and\nneurons' parameters, expected.npz a sample and what it should lead to.\n\"\"\"\n\n\
         import argparse\nimport pathlib\n\nimport numpy as np\nfrom spinnaker2 import hardware, snn\n\n",
        plan.name.replace('\\', "/").replace('"', "'")
    );
    out.push_str("FOLDER = pathlib.Path(__file__).parent\nARRAYS = np.load(FOLDER / \"network.npz\")\n");
    let start = plan.inputs().map(|(_, cell)| cell.first).max().unwrap_or(0);
    for (name, comment, value) in [
        ("NAME", "Of the network.", quoted(&plan.name)),
        ("CHIPS", "Of the machine: 1, or 48 on a board.", chips.to_string()),
        ("TICK_IN_S", "Time that a tick takes; estimated, so see that none overruns.", format!("{tick:?}")),
        ("LATENCY", "Ticks that a sample takes beyond its own.", plan.latency().to_string()),
        ("MOST_TICKS", "Ticks for which PEs have memory to record.", most_ticks.to_string()),
        ("INPUT_STARTS", "Tick in which a sample begins.", start.to_string()),
    ] {
        let _ = writeln!(out, "#: {comment}\n{name} = {value}");
    }
    cells(&mut out, plan);
    projections(&mut out, plan);
    out.push_str(FUNCTIONS);
    out
}

/// The tables of inputs, sources and populations.
fn cells(out: &mut String, plan: &Plan) {
    let named = || plan.cells.iter().map(|cell| (quoted(&cell.name), cell));
    let inputs = named().filter(|(_, cell)| cell.kind == Kind::Input);
    let inputs = inputs.map(|(name, cell)| format!("({name}, {})", cell.size)).collect();
    list(out, "Input, neurons.", "INPUTS", inputs);
    let always = named().filter(|(_, cell)| cell.kind == Kind::Always);
    let always = always.map(|(name, cell)| format!("({name}, {}, {})", cell.size, cell.first)).collect();
    list(out, "Source that fires in every tick, for biases; neurons; first tick.", "ALWAYS", always);
    let populations = named().filter_map(|(name, Cell { size, first, kind, .. })| {
        let (Kind::Neurons(neurons) | Kind::Relay(neurons)) = kind else { return None };
        let (model, reset) = (neurons.program.name(), if neurons.subtracts { "by_subtraction" } else { "to_v_reset" });
        Some(format!("({name}, \"{model}\", {size}, {}, \"reset_{reset}\", {first})", neurons.atoms))
    });
    let comment = "Population, model, neurons, neurons per PE, reset, chip tick of network tick 0.";
    list(out, comment, "POPULATIONS", populations.collect());
    let relays = named().filter(|(_, cell)| matches!(cell.kind, Kind::Relay(_))).map(|(name, _)| name).collect();
    list(out, "Populations that repeat spikes a tick later, for delays.", "RELAYS", relays);
    let readouts = named().filter_map(|(name, cell)| {
        let readout = cell.neurons()?.readout.as_ref()?;
        Some(format!("({name}, {})", readout.fraction))
    });
    list(out, "Population whose membranes are read, fractional bits of a reading.", "READOUTS", readouts.collect());
}

/// The tables of projections.
fn projections(out: &mut String, plan: &Plan) {
    let (mut synapses, mut convolutions) = (Vec::new(), Vec::new());
    for projection in &plan.projections {
        let [pre, post] = [projection.pre, projection.post].map(|cell| quoted(&plan.cells[cell].name));
        match &projection.synapses {
            Synapses::List(_) => synapses.push(format!("({pre}, {post})")),
            Synapses::Kernel(geometry, _) => {
                let numbers = [
                    ("in_height", geometry.input[1]),
                    ("in_width", geometry.input[2]),
                    ("stride_x", geometry.stride[1]),
                    ("stride_y", geometry.stride[0]),
                    ("pool_x", geometry.pool[1]),
                    ("pool_y", geometry.pool[0]),
                    ("pad_top", geometry.padding[0]),
                    ("pad_bottom", geometry.behind[0]),
                    ("pad_left", geometry.padding[1]),
                    ("pad_right", geometry.behind[1]),
                ];
                let numbers = numbers.map(|(key, number)| format!("\"{key}\": {number}")).join(", ");
                convolutions.push(format!("({pre}, {post}, {{{numbers}}})"));
            }
        }
    }
    list(out, "From, to; synapses are in network.npz.", "SYNAPSES", synapses);
    list(out, "From, to; kernels are in network.npz.", "CONVOLUTIONS", convolutions);
}
