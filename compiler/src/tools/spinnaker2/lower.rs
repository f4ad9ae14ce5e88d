//! From a quantized network to one of the vendor's programs.

use super::{
    decode::{self, End, Population},
    plan::{Cell, Kind, Neurons, Plan, Program, Projection, Readout, Synapse, Synapses},
    synapses,
};
use s2c_dialects::{
    diagnostic::{Diagnostic, Result},
    qsnn::{Network, Op},
};
use s2c_passes::{
    analysis::projections::{self, Projection as Edge},
    qsnn::vendor_rounding,
};
use std::collections::BTreeMap;

/// A threshold that no membrane reaches, as the vendor's own read-outs have it.
const OUT_OF_REACH: f32 = 1e9;

/// Says a network, after `retiming`, in the vendor's programs. How many neurons a PE takes is not decided yet.
///
/// # Errors
/// What the programs can't do, with the node and a way out.
pub fn lower(network: &Network) -> Result<Plan> {
    let mut lowering = Lowering {
        network,
        plan: Plan { name: network.name.clone(), cells: Vec::new(), projections: Vec::new(), outputs: Vec::new() },
        places: BTreeMap::new(),
        relays: BTreeMap::new(),
    };
    let mut populations = Vec::new();
    for (index, node) in network.nodes.iter().enumerate() {
        if let Op::Neuron(neuron) = &node.op {
            populations.push((index, decode::population(neuron)?));
        }
    }
    // A source that always fires acts from tick 1 on: where that is too late, everything starts a tick later.
    let late = usize::from(network.nodes.iter().any(|node| vendor_rounding::waits(&node.op)));
    for (index, node) in network.nodes.iter().enumerate() {
        if let Op::Input(_) = &node.op {
            lowering.input(index, late)?;
        }
    }
    for (index, population) in &populations {
        let first = population.start + late;
        lowering.add(*index, population.node.to_owned(), first, Kind::Neurons(neurons(population, first)?))?;
    }
    for (index, population) in &populations {
        lowering.connect(*index)?;
        lowering.bias(*index, population)?;
    }
    for (index, node) in network.nodes.iter().enumerate() {
        if let Op::Output(output) = &node.op {
            let (source, ticks) = projections::of_output(network, index)?;
            lowering.plan.outputs.push((output.node.clone(), lowering.places[&source], ticks as usize));
        }
    }
    Ok(lowering.plan)
}

/// Parameters of a population whose network tick 0 is chip tick `first`.
fn neurons(population: &Population<'_>, first: usize) -> Result<Neurons> {
    let size = population.decay.len();
    let decay: Vec<f32> = population.decay.iter().collect();
    let has_current = population.current.is_some();
    // From tick 0 on a program's own offset does; later a source has to.
    let offset: Vec<f32> = if first == 0 { population.offset.iter().collect() } else { vec![0.0; size] };
    let program = if has_current { Program::CurrExp } else { Program::Lif };
    let current_decay = population.current.map(|(decay, _)| decay.iter().collect());
    let mut neurons = Neurons {
        program,
        current_decay,
        decay,
        offset,
        threshold: vec![OUT_OF_REACH; size],
        subtracts: false,
        v_reset: vec![0.0; size],
        readout: None,
        atoms: 0,
    };
    match population.end {
        End::Values { factor, fraction } => {
            neurons.readout = Some(Readout { factor: factor.iter().collect(), fraction });
        }
        End::Spikes { threshold, subtracts, by } => {
            // With >= the threshold is the next lower float.
            let is_level = |n: usize| by.at(n) == threshold.at(n) || by.at(n).next_down() == threshold.at(n);
            if subtracts && !(0..size).all(is_level) {
                return Err(decode::unknown_reset(population.node));
            }
            neurons.subtracts = subtracts;
            for n in 0..size {
                neurons.threshold[n] = if subtracts { by.at(n) } else { threshold.at(n) };
                neurons.v_reset[n] = if subtracts { 0.0 } else { by.at(n) };
            }
        }
    }
    Ok(neurons)
}

/// A network on its way.
struct Lowering<'n> {
    network: &'n Network,
    plan: Plan,
    /// The cells of inputs and populations.
    places: BTreeMap<usize, usize>,
    /// The cells that repeat a cell some ticks later.
    relays: BTreeMap<(usize, usize), usize>,
}

impl Lowering<'_> {
    fn add(&mut self, index: usize, name: String, first: usize, kind: Kind) -> Result<()> {
        let size = self.network.result(index)?.len();
        self.places.insert(index, self.plan.cells.len());
        self.plan.cells.push(Cell { name, size, first, kind });
        Ok(())
    }

    fn input(&mut self, index: usize, late: usize) -> Result<()> {
        let Op::Input(input) = &self.network.nodes[index].op else { return Ok(()) };
        let refuse = |code, title: String, hint: &str| {
            Err(Box::new(Diagnostic::error(code, title).at_node(input.node.clone()).hint(hint)))
        };
        if input.fraction.is_some() {
            let title = "an input of the vendor's software fires, it has no values".to_owned();
            return refuse("handover-values", title, "encode values as spikes, and leave out --input-kind values");
        }
        if input.limit > 1 {
            let title = format!("an input of up to {} spikes a tick, the vendor's software has one", input.limit);
            return refuse(
                "handover-counts",
                title,
                "clip the input to 0 and 1, or use shorter ticks, and --input-limit 1",
            );
        }
        let first = input.start.unwrap_or(0) as usize + late;
        self.add(index, input.node.clone(), first, Kind::Input)
    }

    /// The projections into a population.
    fn connect(&mut self, index: usize) -> Result<()> {
        let post = self.places[&index];
        let edges = projections::of_qsnn(self.network, index)?;
        for edge in &edges {
            let source = &self.network.nodes[edge.source].op;
            if source.is_neuron() && source.fraction().is_some() {
                return Err(Box::new(
                    Diagnostic::error("handover-values", "a population hands values to another")
                        .at_node(source.node().unwrap_or("?"))
                        .text("Packets of the vendor's programs carry no values.")
                        .hint("let it fire, or make it the last of the network"),
                ));
            }
        }
        let as_kernel = self.stays_kernel(post, &edges)?;
        for edge in edges {
            let synapses = synapses::of(self.network, edge.connection, as_kernel)?;
            let pre = self.source(edge, post)?;
            self.project(pre, post, synapses);
        }
        if let (true, Kind::Neurons(neurons)) = (as_kernel, &mut self.plan.cells[post].kind) {
            neurons.program = Program::Conv2d;
        }
        Ok(())
    }

    /// Adds a projection; to one that is there between the same cells, its synapses.
    fn project(&mut self, pre: usize, post: usize, synapses: Synapses) {
        let same = self.plan.projections.iter_mut().find(|projection| (projection.pre, projection.post) == (pre, post));
        match (same.map(|projection| &mut projection.synapses), synapses) {
            (Some(Synapses::List(list)), Synapses::List(more)) => {
                list.extend(more);
                list.sort_unstable();
            }
            (_, synapses) => self.plan.projections.push(Projection { pre, post, synapses }),
        }
    }

    /// Whether a population can run as `lif_conv2d`: one convolution feeds it, and nothing else.
    fn stays_kernel(&self, post: usize, edges: &[Edge]) -> Result<bool> {
        let cell = &self.plan.cells[post];
        let plain = cell.neurons().is_some_and(|neurons| neurons.program == Program::Lif && neurons.readout.is_none());
        let [edge] = edges else { return Ok(false) };
        Ok(plain && synapses::is_kernel(self.network, edge.connection)?)
    }

    /// The cell whose spikes, a tick later, are those that an edge brings.
    fn source(&mut self, edge: Edge, post: usize) -> Result<usize> {
        let pre = self.places[&edge.source];
        let ticks = edge.ticks as usize + self.plan.cells[post].first;
        let ticks = ticks.checked_sub(self.plan.cells[pre].first).filter(|&ticks| ticks > 0);
        let ticks = ticks.ok_or_else(|| Diagnostic::bug("a spike arrives before it was sent"))?;
        Ok((1..ticks).fold(pre, |from, late| self.relay(pre, from, late)))
    }

    /// The cell that repeats `cell` `late` ticks later, fed by the one that does so a tick earlier.
    fn relay(&mut self, cell: usize, from: usize, late: usize) -> usize {
        if let Some(&relay) = self.relays.get(&(cell, late)) {
            return relay;
        }
        let Cell { name, size, first, .. } = &self.plan.cells[cell];
        let (size, all) = (*size, |value: f32| vec![value; *size]);
        let neurons = Neurons {
            program: Program::Lif,
            current_decay: None,
            decay: all(0.0),
            offset: all(0.0),
            threshold: all(0.5),
            subtracts: false,
            v_reset: all(0.0),
            readout: None,
            atoms: 0,
        };
        let relay = self.plan.cells.len();
        let name = format!("{name}, {late} later");
        self.plan.cells.push(Cell { name, size, first: first + late, kind: Kind::Relay(neurons) });
        let synapses = (0..size as u32).map(|neuron| Synapse { pre: neuron, post: neuron, weight: 1 }).collect();
        self.plan.projections.push(Projection { pre: from, post: relay, synapses: Synapses::List(synapses) });
        self.relays.insert((cell, late), relay);
        relay
    }

    /// The source of what a population gets in every tick, where its program's own offset doesn't do.
    fn bias(&mut self, index: usize, population: &Population<'_>) -> Result<()> {
        let post = self.places[&index];
        let first = self.plan.cells[post].first;
        let constant = match population.current {
            Some((_, offset)) => {
                if first > 0 && population.offset.iter().any(|value| value != 0.0) {
                    return Err(Box::new(
                        Diagnostic::error("handover-bias", "a leak potential other than 0 would act too early")
                            .at_node(population.node)
                            .text(format!("The population starts in tick {first}, the vendor's programs in tick 0."))
                            .hint("--convention spinnaker2 starts all populations in tick 0"),
                    ));
                }
                offset
            }
            None if first == 0 => return Ok(()),
            None => population.offset,
        };
        if constant.iter().any(|value| value.fract() != 0.0) {
            return Err(Box::new(
                Diagnostic::error("handover-bias", "a bias is no whole number of the weights' unit")
                    .at_node(population.node)
                    .text("It becomes the weight of a source that fires in every tick.")
                    .hint("compile the model, not a dump, or give --vendor"),
            ));
        }
        let (size, list) = synapses::constants(&constant.iter().map(|value| value as i64).collect::<Vec<_>>());
        if size == 0 {
            return Ok(());
        }
        let always = self.plan.cells.len();
        let name = format!("{}, bias", population.node);
        self.plan.cells.push(Cell { name, size, first: first - 1, kind: Kind::Always });
        self.plan.projections.push(Projection { pre: always, post, synapses: Synapses::List(list) });
        if let Kind::Neurons(neurons) = &mut self.plan.cells[post].kind
            && neurons.program == Program::Conv2d
        {
            neurons.program = Program::Lif;
            self.spread(post);
        }
        Ok(())
    }

    /// Spreads out the convolution into a cell that something else feeds, too.
    fn spread(&mut self, post: usize) {
        for projection in self.plan.projections.iter_mut().filter(|projection| projection.post == post) {
            if let Synapses::Kernel(geometry, weights) = &projection.synapses {
                projection.synapses = Synapses::List(synapses::spread(geometry, weights));
            }
        }
    }
}
