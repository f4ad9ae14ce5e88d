"""What the programs on the PEs do, tick by tick, in float32."""

import numpy as np


class Neurons:
    """State of a population of neurons."""

    def __init__(self, population, at):
        get, size = population.parameter, population.size
        self.population, self.at = population, at
        self.threshold, self.decay = get("threshold"), get("alpha_decay")
        self.offset, self.v_reset = get("i_offset"), get("v_reset")
        self.subtracts = population.params["reset"] == "reset_by_subtraction"
        self.v = np.zeros(size, np.float32)
        self.currents = None
        if population.neuron_model == "lif_curr_exp_no_delay":
            self.decays = get("exc_decay"), get("inh_decay")
            self.currents = [np.zeros(size, np.float32), np.zeros(size, np.float32)]

    def step(self, sums):
        """One tick; gives the spikes."""
        if self.currents is not None:
            sums = self.currents = [c * d + s for c, d, s in zip(self.currents, self.decays, sums)]
        v = self.v * self.decay + (sums[0] - sums[1]) + self.offset
        fires = v >= self.threshold if self.at else v > self.threshold
        self.v = np.where(fires, v - self.threshold if self.subtracts else self.v_reset, v)
        return fires


def run(net, timesteps, at=False, late=()):
    """Runs a network; `late` are ticks in which every PE overruns."""
    net.validate()
    programs = [Neurons(p, at) for p in net.populations if p.neuron_model != "spike_list"]
    for population in net.populations:
        population.spikes = np.zeros((timesteps, population.size), bool)
        population.voltages = np.zeros((timesteps, population.size), np.float32)
        times = np.full(timesteps, 100)
        times[[tick for tick in late if tick < timesteps]] = 10**9
        population.time_done = {f"PE of {population.name}, {core}": times for core in range(population.cores())}
        if population.neuron_model == "spike_list":
            for neuron, ticks in population.params.items():
                population.spikes[[tick for tick in ticks if tick < timesteps], neuron] = True
    into = {program: [j for j in net.projections if j.post is program.population] for program in programs}
    for tick in range(timesteps):
        for program in programs:
            sums = [np.zeros(program.population.size, np.float32) for _ in range(2)]
            for projection in into[program] if tick else ():
                parts = projection.deliver(projection.pre.spikes[tick - 1].astype(np.float32))
                sums = [total + part for total, part in zip(sums, parts)]
            program.population.spikes[tick] = program.step(sums)
            program.population.voltages[tick] = program.v
