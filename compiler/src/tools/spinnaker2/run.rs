//! What the vendor's programs do with a network, tick by tick, in float32.
//!
//! In each tick the packets of the tick before are added up, excitation and inhibition apart: i ← i `decay` + x for both
//! where there are currents, v ← v `decay` + (excitation − inhibition) + `offset`, then the spike and its reset.

use super::{
    plan::{Kind, Neurons, Plan, Synapse, Synapses},
    synapses::spread,
};

/// What cells did: by cell, tick after tick, 0 and 1 for spikes; rounded membranes for cells with a readout.
#[derive(Clone, Debug, PartialEq)]
pub struct Raster {
    /// One table of `ticks` times the cell's size per cell.
    pub cells: Vec<Vec<i32>>,
    /// Chip ticks.
    pub ticks: usize,
}

/// A plan that is ready to run.
#[derive(Clone, Debug)]
pub struct Simulation<'p> {
    plan: &'p Plan,
    /// The synapses of each projection.
    rows: Vec<Rows>,
}

/// A list of synapses by source: where each source's begin, then target and weight.
#[derive(Clone, Debug)]
struct Rows {
    starts: Vec<usize>,
    synapses: Vec<(u32, f32)>,
}

/// A cell while it runs.
struct State<'p> {
    neurons: Option<&'p Neurons>,
    /// Packets of the tick before, excitation and inhibition.
    sums: [Vec<f32>; 2],
    currents: [Vec<f32>; 2],
    membranes: Vec<f32>,
}

impl<'p> Simulation<'p> {
    /// Spreads out what is a convolution.
    pub fn new(plan: &'p Plan) -> Self {
        let rows = plan.projections.iter().map(|projection| {
            let size = plan.cells[projection.pre].size;
            match &projection.synapses {
                Synapses::List(list) => Rows::new(size, list),
                Synapses::Kernel(geometry, weights) => Rows::new(size, &spread(geometry, weights)),
            }
        });
        Self { plan, rows: rows.collect() }
    }

    /// Runs a sample: for each input its cells of 0 and 1, tick after tick. Gives as many chip ticks as the longest input
    /// has, and [`Plan::latency`] more.
    pub fn run(&self, inputs: &[Vec<u8>]) -> Raster {
        let plan = self.plan;
        let sizes = plan.inputs().map(|(_, cell)| cell.size.max(1));
        let longest = inputs.iter().zip(sizes).map(|(cells, size)| cells.len() / size).max().unwrap_or(0);
        let ticks = longest + plan.latency();
        let mut states: Vec<State<'_>> = plan.cells.iter().map(|cell| State::new(cell.neurons(), cell.size)).collect();
        let mut raster = Raster { cells: vec![Vec::new(); plan.cells.len()], ticks };
        for tick in 0..ticks {
            let mut given = inputs.iter();
            for (index, cell) in plan.cells.iter().enumerate() {
                match &cell.kind {
                    Kind::Input => {
                        let cells = given.next().map_or(&[][..], Vec::as_slice);
                        let at = tick.checked_sub(cell.first).map_or(cells.len(), |tick| tick * cell.size);
                        let now = cells.get(at..at + cell.size).unwrap_or_default();
                        raster.cells[index].extend(now.iter().map(|&spike| i32::from(spike)));
                        raster.cells[index].resize((tick + 1) * cell.size, 0);
                    }
                    Kind::Always => raster.cells[index].extend(vec![i32::from(tick >= cell.first); cell.size]),
                    Kind::Neurons(_) | Kind::Relay(_) => raster.cells[index].extend(states[index].step()),
                }
            }
            for (projection, rows) in plan.projections.iter().zip(&self.rows) {
                let size = plan.cells[projection.pre].size;
                states[projection.post].receive(rows, &raster.cells[projection.pre][tick * size..]);
            }
        }
        raster
    }
}

impl Rows {
    fn new(size: usize, list: &[Synapse]) -> Self {
        let mut starts = vec![0; size + 1];
        list.iter().for_each(|synapse| starts[synapse.pre as usize + 1] += 1);
        (1..starts.len()).for_each(|index| starts[index] += starts[index - 1]);
        Self { starts, synapses: list.iter().map(|synapse| (synapse.post, synapse.weight.into())).collect() }
    }
}

impl<'p> State<'p> {
    fn new(neurons: Option<&'p Neurons>, size: usize) -> Self {
        let zeros = || [vec![0.0; size], vec![0.0; size]];
        Self { neurons, sums: zeros(), currents: zeros(), membranes: vec![0.0; size] }
    }

    /// Adds up a tick's packets.
    fn receive(&mut self, rows: &Rows, sent: &[i32]) {
        for (pre, _) in sent.iter().enumerate().filter(|(_, spikes)| **spikes != 0) {
            for &(post, weight) in &rows.synapses[rows.starts[pre]..rows.starts[pre + 1]] {
                self.sums[usize::from(weight < 0.0)][post as usize] += weight.abs();
            }
        }
    }

    /// One tick; gives what the neurons hand on.
    fn step(&mut self) -> Vec<i32> {
        let Some(neurons) = self.neurons else { return Vec::new() };
        (0..self.membranes.len()).map(|neuron| self.update(neurons, neuron)).collect()
    }

    fn update(&mut self, neurons: &Neurons, neuron: usize) -> i32 {
        let mut drive = [0.0; 2];
        for ((drive, sum), current) in drive.iter_mut().zip(&mut self.sums).zip(&mut self.currents) {
            *drive = std::mem::take(&mut sum[neuron]);
            if let Some(decay) = &neurons.current_decay {
                current[neuron] = current[neuron] * decay[neuron] + *drive;
                *drive = current[neuron];
            }
        }
        let v = self.membranes[neuron] * neurons.decay[neuron] + (drive[0] - drive[1]) + neurons.offset[neuron];
        let fires = v > neurons.threshold[neuron];
        self.membranes[neuron] = match fires {
            true if neurons.subtracts => v - neurons.threshold[neuron],
            true => neurons.v_reset[neuron],
            false => v,
        };
        match &neurons.readout {
            Some(readout) => (v * readout.factor[neuron]).round_ties_even() as i32,
            None => fires.into(),
        }
    }
}

impl Raster {
    /// What output `number` of the plan hands back in each of the network's ticks: spikes, or values in volts.
    pub fn output(&self, plan: &Plan, number: usize) -> Vec<Vec<f64>> {
        let (_, index, late) = &plan.outputs[number];
        let cell = &plan.cells[*index];
        let readout = cell.neurons().and_then(|neurons| neurons.readout.as_ref());
        let unit = readout.map_or(1.0, |readout| (readout.fraction as f64).exp2());
        let ticks = self.ticks - plan.latency();
        let row = |tick: usize| match tick.checked_sub(*late).map(|tick| (cell.first + tick) * cell.size) {
            Some(at) => self.cells[*index][at..at + cell.size].iter().map(|&value| f64::from(value) / unit).collect(),
            None => vec![0.0; cell.size],
        };
        (0..ticks).map(row).collect()
    }
}
