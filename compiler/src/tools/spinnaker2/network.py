

def array(name):
    """An array of network.npz: a number where all its values are equal, else a list."""
    values = ARRAYS[name]
    return values.item() if values.size == 1 else values.tolist()


def build():
    """The network, and its populations by name."""
    net, populations = snn.Network(NAME), {}
    for name, size in [*INPUTS, *((name, size) for name, size, _ in ALWAYS)]:
        populations[name] = snn.Population(size=size, neuron_model="spike_list", params={}, name=name)
    for name, model, size, atoms, reset, _ in POPULATIONS:
        params = {key: array(f"{name}.{key}") for key in ("threshold", "alpha_decay", "i_offset", "v_reset")}
        params["reset"] = reset
        if model == "lif_curr_exp_no_delay":
            params["exc_decay"] = params["inh_decay"] = array(f"{name}.current_decay")
            params["t_refrac"] = 0
        record = ["time_done"] + (["v"] if name in dict(READOUTS) else ["spikes"])
        population = snn.Population(size=size, neuron_model=model, params=params, name=name, record=record)
        population.set_max_atoms_per_core(atoms)
        populations[name] = population
    net.add(*populations.values())
    for pre, post in SYNAPSES:
        source, target, weight = (ARRAYS[f"{pre} -> {post}.{key}"].astype(int) for key in ("pre", "post", "weight"))
        rows = np.stack([source, target, weight, np.zeros_like(weight)], axis=1).tolist()
        net.add(snn.Projection(pre=populations[pre], post=populations[post], connections=rows))
    for pre, post, params in CONVOLUTIONS:
        kernel = ARRAYS[f"{pre} -> {post}.kernel"]
        net.add(snn.Conv2DProjection(populations[pre], populations[post], kernel, params))
    return net, populations


def run(sample, board=None, stm=None, backend="board", tick=TICK_IN_S):
    """Runs one sample, {input: ticks x neurons of 0 and 1}.

    Gives {NIR node: chip ticks x neurons}, and the PEs that were late with the ticks in which they were. Neurons without
    spikes give their membranes, in units of 2^-f volts with the f of READOUTS.
    """
    net, populations = build()
    ticks = max(len(cells) for cells in sample.values()) + LATENCY
    for name, _ in INPUTS:
        times = [(np.flatnonzero(cells) + INPUT_STARTS).tolist() for cells in sample[name].T]
        populations[name].params = {neuron: spikes for neuron, spikes in enumerate(times) if spikes}
    for name, size, first in ALWAYS:
        populations[name].params = {neuron: list(range(first, ticks)) for neuron in range(size)}
    if backend == "brian2":
        from spinnaker2 import brian2_sim

        brian2_sim.Brian2Backend().run(net, ticks)
    else:
        # A hardware object serves one run.
        addresses = {key: address for key, address in (("eth_ip", board), ("stm_ip", stm)) if address}
        machine = hardware.SpiNNaker2Chip if CHIPS == 1 else hardware.SpiNNcloud48NodeBoard
        machine(**addresses).run(net, ticks, sys_tick_in_s=tick, debug=False)
    recorded = {name: cells_of(populations[name], ticks) for name, *_ in POPULATIONS if name not in RELAYS}
    return recorded, [] if backend == "brian2" else late(populations, tick)


def cells_of(population, ticks):
    """What a population did, ticks x neurons."""
    if population.name in dict(READOUTS):
        voltages = population.get_voltages()
        volts = np.stack([voltages[neuron][:ticks] for neuron in range(population.size)], axis=1)
        factor = np.asarray(ARRAYS[f"{population.name}.readout"], np.float32)
        return np.rint(np.asarray(volts, np.float32) * factor).astype(np.int32)
    cells = np.zeros((ticks, population.size), np.uint8)
    for neuron, times in population.get_spikes().items():
        cells[np.asarray(times, int), neuron] = 1
    return cells


def late(populations, tick):
    """PEs that were not done when a tick ended, and the ticks."""
    found = []
    for name, *_ in POPULATIONS:
        for pe, times in populations[name].get_time_done_times().items():
            found += [(pe, int(at)) for at in np.flatnonzero(np.asarray(times) >= 1e6 * tick)]
    return found


def compare(recorded, expected):
    """Prints how many cells are as the compiler predicts, and the first that isn't; gives the number of the others."""
    cells = sum(values.size for values in recorded.values())
    wrong = {name: np.argwhere(values != expected[name]) for name, values in recorded.items()}
    differ = sum(map(len, wrong.values()))
    print(f"{cells - differ} of {cells} cells equal the compiler's prediction")
    if differ:
        at, name = min((places[0][0], name) for name, places in wrong.items() if len(places))
        print(f"the first that differs: population {name}, tick {at}")
    return differ


def report(overruns):
    """Prints which PEs were late."""
    if overruns:
        pe, at = overruns[0]
        print(f"{len(overruns)} ticks overran, the first of them tick {at} on {pe}: give a longer --tick")


def read(arguments):
    """The sample that the command line names."""
    names, sample = dict(INPUTS), {}
    for argument in arguments:
        name, _, file = argument.rpartition("=")
        name = name if name or len(names) > 1 else next(iter(names))
        if name not in names:
            raise SystemExit(f"--input {argument}: the inputs are {', '.join(names)}; give NODE=FILE")
        cells = np.load(file)
        cells = cells.reshape(len(cells), -1)
        if cells.shape[1] != names[name] or not np.isin(cells, (0, 1)).all():
            raise SystemExit(f"--input {argument}: {name} takes ticks x {names[name]} cells of 0 and 1")
        if len(cells) + LATENCY > MOST_TICKS:
            raise SystemExit(f"--input {argument}: recordings fit a PE's memory for {MOST_TICKS - LATENCY} ticks alone")
        sample[name] = cells
    if len(sample) < len(names):
        raise SystemExit(f"give an --input for each of {', '.join(names)}")
    return sample


def main():
    """Checks the board against the compiler's prediction, then runs the sample that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", action="append", metavar="[NODE=]FILE", help="ticks x neurons of 0 and 1, .npy")
    parser.add_argument("--output", metavar="FILE", help="what all populations did, .npz")
    parser.add_argument("--board", metavar="ADDRESS", help="of the board, else as the vendor's configuration says")
    parser.add_argument("--stm", metavar="ADDRESS", help="of the board's controller, where it has 48 chips")
    parser.add_argument("--backend", choices=["board", "brian2"], default="board")
    parser.add_argument("--tick", type=float, default=TICK_IN_S, metavar="SECONDS", help="default: %(default)s")
    parser.add_argument("--no-check", action="store_true", help="don't run the compiler's own sample first")
    arguments = parser.parse_args()
    where = arguments.board, arguments.stm, arguments.backend, arguments.tick
    sample = read(arguments.input) if arguments.input else None
    differ = 0
    recorded = None
    if sample is None or not arguments.no_check:
        expected = np.load(FOLDER / "expected.npz")
        recorded, overruns = run({name: expected[name] for name, _ in INPUTS}, *where)
        differ = compare(recorded, expected)
        report(overruns)
    if sample is not None:
        recorded, overruns = run(sample, *where)
        report(overruns)
    if arguments.output:
        np.savez_compressed(arguments.output, **recorded)
    return 1 if differ else 0


if __name__ == "__main__":
    raise SystemExit(main())
