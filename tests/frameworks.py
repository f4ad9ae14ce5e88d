"""Compares the float interpreter with the frameworks that write NIR: spikes of random networks on random inputs.

    python tests/frameworks.py [--s2c target/release/s2c] [--seeds 5]

For each framework that is installed, networks of two layers (and recurrent ones) are built from its own neurons and
written as NIR by hand, with the parameters that its importer would turn into the same neurons. `s2c simulate` runs the
file under the framework's convention. A framework that is not installed is skipped with a message. The exit code is 1
where more than one cell in a thousand differs: both compute in float32, but not all frameworks in the same order, so that
a membrane that meets its threshold to the last digit may fall on either side.
"""

import argparse
import importlib
import os
import pathlib
import subprocess
import sys
import tempfile

# Two of the packages look for further ones on the network when they are imported.
os.environ.setdefault("PIP_NO_INDEX", "1")
os.environ.setdefault("PIP_RETRIES", "0")

TICKS, INPUTS, HIDDEN, OUTPUTS, DT = 200, 12, 24, 6, 1e-4


class Network:
    """Weights, time constants and thresholds of a network, and its spikes on a random input."""

    def __init__(self, seed, recurrent):
        random = np.random.default_rng(seed)
        # Multiples of 1/64: sums of them are exact in float32.
        weights = lambda *shape: np.round(random.normal(0.1, 0.5, shape) * 64).astype(np.float32) / 64
        self.w1, self.w2 = weights(HIDDEN, INPUTS), weights(OUTPUTS, HIDDEN)
        self.b1 = np.round(random.uniform(-0.05, 0.1, HIDDEN) * 64).astype(np.float32) / 64
        self.recurrent = weights(HIDDEN, HIDDEN) * 0.5 if recurrent else None
        self.tau = float(random.uniform(5, 30)) * DT
        self.tau_syn = float(random.uniform(3, 10)) * DT
        self.threshold = float(random.uniform(1.0, 2.5))
        self.input = (random.random((TICKS, INPUTS)) < 0.15).astype(np.uint8)

    def run(self, layers):
        """Spikes of both layers; `layers` are functions from a tick's input to its spikes."""
        hidden, output = np.zeros((TICKS, HIDDEN)), np.zeros((TICKS, OUTPUTS))
        last = torch.zeros(1, HIDDEN)
        tensor = lambda array: torch.from_numpy(np.asarray(array, np.float32))
        with torch.no_grad():
            for tick in range(TICKS):
                drive = tensor(self.input[tick])[None] @ tensor(self.w1).T + tensor(self.b1)
                if self.recurrent is not None:
                    drive = drive + last @ tensor(self.recurrent).T
                last = layers[0](drive)
                hidden[tick] = last.numpy()[0]
                output[tick] = layers[1](last @ tensor(self.w2).T).numpy()[0]
        return hidden, output

    def write(self, path, neuron):
        """Writes the network; `neuron(n)` gives the node of n neurons."""
        nodes = {
            "input": nir.Input({"input": np.array([INPUTS])}),
            "w1": nir.Affine(self.w1, self.b1),
            "hidden": neuron(HIDDEN),
            "w2": nir.Linear(self.w2),
            "out": neuron(OUTPUTS),
            "output": nir.Output({"output": np.array([OUTPUTS])}),
        }
        edges = [("input", "w1"), ("w1", "hidden"), ("hidden", "w2"), ("w2", "out"), ("out", "output")]
        if self.recurrent is not None:
            nodes["w_rec"] = nir.Linear(self.recurrent)
            edges += [("hidden", "w_rec"), ("w_rec", "hidden")]
        nir.write(path, nir.NIRGraph(nodes, edges))


def lif(network, r):
    return lambda n: nir.LIF(
        tau=np.full(n, network.tau), r=np.full(n, r), v_leak=np.zeros(n), v_threshold=np.full(n, network.threshold)
    )


def cuba_lif(network, w_in, r):
    return lambda n: nir.CubaLIF(
        tau_syn=np.full(n, network.tau_syn), tau_mem=np.full(n, network.tau), w_in=np.full(n, w_in), r=np.full(n, r),
        v_leak=np.zeros(n), v_threshold=np.full(n, network.threshold),
    )


def integrate_and_fire(network):
    return lambda n: nir.IF(r=np.ones(n), v_threshold=np.full(n, network.threshold))


def snntorch_cases(network):
    """`import_nir.py`: beta = 1 - dt / tau, alpha = 1 - dt / tau_syn, r = tau / dt, w_in = tau_syn / dt."""
    snn = importlib.import_module("snntorch")
    alpha, beta = 1 - DT / network.tau_syn, 1 - DT / network.tau

    def stateful(make):
        state = []

        def layer(x):
            nonlocal state
            if not state:
                make_state = cell.reset_mem()
                state = list(make_state) if isinstance(make_state, tuple) else [make_state]
            spikes, *state = cell(x, *state)
            return spikes

        cell = make()
        return layer

    for reset, delay in (("zero", 0), ("zero", 1), ("subtract", 0), ("subtract", 1)):
        options = dict(threshold=network.threshold, reset_mechanism=reset, reset_delay=bool(delay))
        leaky = lambda: stateful(lambda: snn.Leaky(beta=beta, **options))
        synaptic = lambda: stateful(lambda: snn.Synaptic(alpha=alpha, beta=beta, **options))
        flags = ["--convention", "snntorch", "--reset", reset, "--reset-delay", str(delay)]
        name = f"{reset}, reset_delay={bool(delay)}"
        yield f"Leaky, {name}", (leaky(), leaky()), lif(network, network.tau / DT), flags
        if (reset, delay) != ("zero", 1):
            node = cuba_lif(network, network.tau_syn / DT, network.tau / DT)
            yield f"Synaptic, {name}", (synaptic(), synaptic()), node, flags


def norse_cases(network):
    """`import_nir.py`: LIFBoxCell for LIF (without r), LIBoxCell and LIFBoxCell for CubaLIF, IAFCell for IF."""
    lif_box = importlib.import_module("norse.torch.module.lif_box")
    li_box = importlib.import_module("norse.torch.module.leaky_integrator_box")
    iaf = importlib.import_module("norse.torch.module.iaf")
    w_in, r = 12.0, 20.0
    flags = ["--convention", "norse", "--dt", str(DT)]

    def stateful(cell, gain=1.0):
        state = None

        def layer(x):
            nonlocal state
            z, state = cell(gain * x, state)
            return z

        return layer

    threshold = torch.tensor(network.threshold)
    membrane = lambda: lif_box.LIFBoxCell(
        lif_box.LIFBoxParameters(tau_mem_inv=torch.tensor(1 / network.tau), v_th=threshold), dt=DT
    )

    def cuba():
        synapse = stateful(li_box.LIBoxCell(li_box.LIBoxParameters(tau_mem_inv=torch.tensor(1 / network.tau_syn)), dt=DT))
        neuron = stateful(membrane(), r)
        return lambda x: neuron(synapse(w_in * x))

    # Norse's importer does not use r, so that weights have to be large: here r moves in front of the neuron.
    yield "LIF", (stateful(membrane(), r), stateful(membrane(), r)), lif(network, r), flags
    yield "CubaLIF", (cuba(), cuba()), cuba_lif(network, w_in, r), flags
    fire = lambda: stateful(iaf.IAFCell(iaf.IAFParameters(v_th=threshold), dt=DT))
    yield "IF", (fire(), fire()), integrate_and_fire(network), flags


def sinabs_cases(network):
    """`nir.py`: LIF with tau in ticks and norm_input=False, IAF for IF; here with at most one spike per tick."""
    layers = importlib.import_module("sinabs.layers")
    single = importlib.import_module("sinabs.activation").SingleSpike

    def stateful(module):
        return lambda x: module(x[:, None])[:, 0]

    leaky = lambda: stateful(
        layers.LIF(tau_mem=network.tau / DT, spike_threshold=torch.tensor(network.threshold), spike_fn=single, norm_input=False)
    )
    synaptic = lambda: stateful(
        layers.LIF(tau_mem=network.tau / DT, tau_syn=network.tau_syn / DT, spike_threshold=torch.tensor(network.threshold),
                   spike_fn=single, norm_input=False)
    )
    fire = lambda: stateful(layers.IAF(spike_threshold=torch.tensor(network.threshold), spike_fn=single))
    flags = ["--convention", "sinabs", "--dt", str(DT)]
    yield "LIF", (leaky(), leaky()), lif(network, 1.0), flags
    yield "LIF with tau_syn", (synaptic(), synaptic()), cuba_lif(network, 1.0, 1.0), flags
    yield "IAF", (fire(), fire()), integrate_and_fire(network), flags


def rockpool_cases(network):
    """`nir.py`: LIFNeuronTorch for LIF, LIFTorch for CubaLIF; here with at most one spike per tick."""
    modules = importlib.import_module("rockpool.nn.modules.torch")
    one = torch.tensor(1.0)

    def stateful(module):
        return lambda x: module(x[:, None])[0][:, 0]

    def leaky(n):
        return stateful(modules.LIFNeuronTorch(
            shape=(n,), tau_mem=torch.tensor(network.tau), threshold=torch.tensor(network.threshold), dt=DT,
            max_spikes_per_dt=one,
        ))

    def synaptic(n):
        return stateful(modules.LIFTorch(
            shape=(n,), tau_mem=torch.tensor(network.tau), tau_syn=torch.tensor(network.tau_syn),
            threshold=torch.tensor(network.threshold), dt=DT, max_spikes_per_dt=one,
        ))

    # The exporter's r, which tells the importer dt.
    r = network.tau / DT * np.exp(-DT / network.tau)
    flags = ["--convention", "rockpool", "--dt", str(DT)]
    yield "LIFNeuron", (leaky(HIDDEN), leaky(OUTPUTS)), lif(network, r), flags
    yield "LIF", (synaptic(HIDDEN), synaptic(OUTPUTS)), cuba_lif(network, 1.0, r), flags


def simulate(s2c, network, neuron, flags, folder):
    """Spikes of both layers by `s2c simulate`."""
    model, x, hidden, out = (folder / name for name in ("model.nir", "x.npy", "hidden.npy", "out.npy"))
    network.write(model, neuron)
    np.save(x, network.input)
    command = [s2c, "simulate", model, *flags, "--input", x, "--record", f"hidden={hidden}", "--record", f"out={out}"]
    subprocess.run([str(part) for part in command], check=True, stderr=subprocess.DEVNULL)
    return np.load(hidden), np.load(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--s2c", default=pathlib.Path(__file__).parents[1] / "target/release/s2c")
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    failed = False
    for package, cases in (
        ("snntorch", snntorch_cases), ("norse", norse_cases), ("sinabs", sinabs_cases), ("rockpool", rockpool_cases)
    ):
        try:
            version = importlib.metadata.version(package)
            importlib.import_module(package)
        except ImportError:
            print(f"{package}: not installed, skipped")
            continue
        totals = {}
        for seed in range(arguments.seeds):
            for recurrent in (False, True):
                network = Network(seed, recurrent)
                for name, layers, neuron, flags in cases(network):
                    theirs = network.run(layers)
                    with tempfile.TemporaryDirectory() as folder:
                        ours = simulate(arguments.s2c, network, neuron, flags, pathlib.Path(folder))
                    total = totals.setdefault(name, [0, 0, 0])
                    total[0] += sum(int((a != b).sum()) for a, b in zip(ours, theirs))
                    total[1] += sum(a.size for a in ours)
                    total[2] += sum(int(b.sum()) for b in theirs)
        for name, (differ, cells, spikes) in totals.items():
            print(f"{package} {version}, {name}: {differ} of {cells} cells differ ({spikes} spikes)")
            failed |= differ * 1000 > cells or spikes == 0
    return int(failed)


try:
    import nir
    import numpy as np
    import torch
    import importlib.metadata
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(0)

if __name__ == "__main__":
    sys.exit(main())
