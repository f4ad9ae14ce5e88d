"""Runs networks that `s2c compile --emit spinnaker2` writes on the stand-in of the vendor's package (tests/vendor), and
compares every population in every tick with the machine code on the chip model.

    python3 tests/board.py --s2c target/release/s2c [--data ../shared/data] [--random 200] [NAME ...]

Needs NumPy and the package `nir`. Prints a line per network: cells that differ, cells, spikes.
"""

import argparse
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile

import nir
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/vendor"))


def call(*words):
    """Runs a command; gives what it prints."""
    done = subprocess.run([*map(str, words)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(" ".join(map(str, words)) + "\n" + done.stderr)
    return done.stdout


def script_of(folder):
    """The emitted script as a module."""
    spec = importlib.util.spec_from_file_location("network", folder / "network.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Network:
    """A model in both forms, in a folder of its own."""

    def __init__(self, s2c, model, options, folder, sample=None):
        self.s2c, self.folder = s2c, pathlib.Path(folder)
        common = [model, "-O2", *options.split(), "--state", "f32", "--vendor"]
        sample = [] if sample is None else ["--sample", self.save(sample, "sample")]
        call(s2c, "compile", *common, "--rate", 0.2, *sample, "--emit", "spinnaker2", "-o", self.folder / "board")
        call(s2c, "compile", *common, "-o", self.folder / "out.bin")
        self.script = script_of(self.folder / "board")

    def save(self, cells, name):
        file = self.folder / f"{name}.npy"
        np.save(file, cells)
        return file

    def compare(self, sample):
        """Cells of all populations that differ, cells, and spikes, on {input: ticks x neurons}."""
        recorded, late = self.script.run(sample)
        assert not late
        files = []
        for index, (name, cells) in enumerate(sample.items()):
            files += ["--input", f"{name}={self.save(cells, f'input{index}')}"]
        places = {name: self.folder / f"record{index}.npy" for index, name in enumerate(recorded)}
        for name, place in places.items():
            files += ["--record", f"{name}={place}"]
        call(self.s2c, "run", self.folder / "out.bin", *files)
        firsts = {name: first for name, *_, first in self.script.POPULATIONS}
        ticks = len(next(iter(sample.values())))
        differ = cells = spikes = 0
        for name, place in places.items():
            machine = np.load(place).reshape(ticks, -1)
            board = recorded[name][firsts[name] : firsts[name] + ticks]
            if name in dict(self.script.READOUTS):
                # Sums in float32, added up in another order where biases are sources.
                board = board / 2.0 ** dict(self.script.READOUTS)[name]
                wrong = np.abs(board - machine) > 2.0**-20 * np.abs(machine).max()
            else:
                wrong = board != machine
            differ += int(wrong.sum())
            cells, spikes = cells + machine.size, spikes + int((machine != 0).sum())
        return differ, cells, spikes

    def expected(self):
        """The sample of expected.npz."""
        arrays = np.load(self.folder / "board/expected.npz")
        return {name: arrays[name] for name, _ in self.script.INPUTS}


def unpacked(file, count):
    """The first recordings of a bit-packed data set."""
    arrays = np.load(file)
    if "spikes_packed" not in arrays:
        name = "spikes" if "spikes" in arrays else "frames_uint8_T300_1ms"
        return np.minimum(arrays[name][:count], 1)
    shape = arrays["shape"]
    bits = np.unpackbits(arrays["spikes_packed"].reshape(-1))[: np.prod(shape)]
    return bits.reshape(shape)[:count]


def trained(data):
    """Trained networks: name, model, options, recordings, most ticks."""
    euler = "--convention spinnaker2 --integrator euler"
    norse = "--dt 1e-3 --convention norse --reset subtract"
    examples = ROOT / "examples"
    yield "digits", examples / "digits/digits.nir", norse, unpacked(examples / "digits/test.npz", 20)
    yield "gesture", examples / "gesture/gesture.nir", f"--dt 1e-3 {euler}", unpacked(examples / "gesture/test.npz", 3)
    if not data:
        return
    nmnist = unpacked(data / "nmnist/cnn_sinabs_ref_test100.npz", 2)
    sinabs = "--dt 1e-3 --convention sinabs"
    yield "cnn_sinabs", data / "nir/cnn_sinabs.nir", sinabs, nmnist
    nmnist = unpacked(data / "nmnist/nmnist_test100.npz", 3)
    yield "nmnist_conv", data / "nmnist/nmnist_conv_lif.nir", f"--dt 5.2e-3 {euler}", nmnist
    hard = unpacked(data / "gesture/gesture_hard_test.npz", 3)
    yield "gesture_hard", data / "gesture/gesture_hard_conv_lif.nir", f"--dt 1e-3 {euler}", hard
    digits = unpacked(data / "digits/digits_test.npz", 5)
    yield "digits_conv", data / "digits/digits_conv_lif.nir", f"--dt 1e-4 {euler}", digits
    slayer = "--dt 1e-3 --convention nir --integrator euler --target spinnaker2-board48"
    frames = unpacked(data / "slayer/frames_1ms.npz", 1)[:, 200:300]
    yield "slayer_gesture", data / "slayer/slayer_gesture.nir", slayer, frames


def braille(s2c, data):
    """The chip's own recordings: cells in which the emitted scripts differ from them."""
    cells = np.load(data / "braille/input.npy")
    for model, reset in (("noDelay_bias_zero", "zero"), ("noDelay_noBias_subtract", "subtract")):
        options = "--convention spinnaker2 --dt 1e-4 --integrator euler --weight-scale layer --weight-cast truncate"
        with tempfile.TemporaryDirectory() as folder:
            model_file = data / f"nir/braille_{model}.nir"
            network = Network(s2c, model_file, f"{options} --reset {reset}", folder, cells)
            recorded, _ = network.script.run({"input": cells})
            chip = np.load(data / f"braille/s2_activity_{model}.npy") != 0
            differ = int((recorded["lif1.lif"][: len(chip)] != chip).sum())
            yield f"braille {model}, the chip's recording", differ, chip.size, int(chip.sum())
            yield f"braille {model}", *network.compare({"input": cells})


class Maker:
    """Random networks of what the vendor's programs can express."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.edges = {}, []
        self.uses_current = self.random.random() < 0.4

    def weights(self, *shape):
        return self.random.normal(0.1, 1.0, shape).astype(np.float32)

    def neurons(self, shape, spikes=True):
        """Neurons of a kind: IF on whole numbers, LIF, or with a synaptic current."""
        def each(low, high):
            return self.random.uniform(low, high, shape)

        threshold, zero, one = each(0.5, 2.5), np.zeros(shape), np.ones(shape)
        kind = self.random.integers(3)
        tau = np.full(shape, 1e-3 * self.random.uniform(2, 20))
        # The input is not scaled by dt / tau in the end.
        gain = tau / 1e-3
        if not spikes:
            return nir.LI(tau=tau, r=gain, v_leak=zero)
        if self.uses_current and len(shape) == 1:
            syn = np.full(shape, 1e-3 * self.random.uniform(1.5, 8))
            return nir.CubaLIF(
                tau_syn=syn, tau_mem=tau, r=gain, v_leak=zero, v_threshold=3 * threshold, v_reset=zero, w_in=syn / 1e-3
            )
        if kind == 0:
            whole = self.random.random() < 0.5
            threshold = np.rint(3 * threshold) if whole else threshold
            return nir.IF(r=one, v_threshold=threshold, v_reset=zero)
        return nir.LIF(tau=tau, r=gain, v_leak=zero, v_threshold=threshold, v_reset=zero)

    def add(self, name, node, *sources):
        self.nodes[name] = node
        self.edges += [(source, name) for source in sources]
        return name

    def dense(self, inputs, outputs):
        bias = self.random.random() < 0.4
        weight = self.weights(outputs, inputs) * (self.random.random((outputs, inputs)) < 0.7)
        if self.random.random() < 0.3:
            weight = np.rint(3 * weight)
        if bias:
            return nir.Affine(weight=weight, bias=self.random.normal(0, 0.2, outputs).astype(np.float32))
        return nir.Linear(weight=weight)

    def convolutional(self):
        """Input, convolutions, perhaps pools; gives the last node and its size."""
        channels, size = int(self.random.integers(1, 3)), int(self.random.integers(6, 11))
        size += size % 2
        at = self.add("input", nir.Input({"input": np.array([channels, size, size])}))
        for layer in range(self.random.integers(1, 3)):
            if self.random.random() < 0.4 and size % 2 == 0:
                pool = nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
                at = self.add(f"pool{layer}", pool, at)
                size //= 2
            kernel, stride, padding = int(self.random.integers(1, 4)), int(self.random.integers(1, 3)), 1
            groups = channels if self.random.random() < 0.2 else 1
            outputs = groups * int(self.random.integers(1, 4))
            dilation = 2 if kernel > 1 and self.random.random() < 0.15 else 1
            weight = self.weights(outputs, channels // groups, kernel, kernel) / kernel
            conv = nir.Conv2d((size, size), weight, stride, padding, dilation, groups, np.zeros(outputs, np.float32))
            at = self.add(f"conv{layer}", conv, at)
            size = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            channels = outputs
            at = self.add(f"map{layer}", self.neurons((channels, size, size)), at)
        flat = nir.Flatten({"input": np.array([channels, size, size])}, start_dim=0)
        return self.add("flatten", flat, at), channels * size * size

    def network(self):
        """A NIR graph."""
        if self.random.random() < 0.4:
            at, size = self.convolutional()
        else:
            size = int(self.random.integers(3, 30))
            at = self.add("input", nir.Input({"input": np.array([size])}))
        past = []
        for layer in range(self.random.integers(1, 4)):
            count = int(self.random.integers(2, 40))
            source = at
            if self.random.random() < 0.3:
                ticks = self.random.integers(1, 6) * np.ones(size)
                source = self.add(f"delay{layer}", nir.Delay(1e-3 * ticks), at)
            incoming = [self.add(f"fc{layer}", self.dense(size, count), source)]
            if past and self.random.random() < 0.3:
                skipped, width = past[self.random.integers(len(past))]
                incoming.append(self.add(f"skip{layer}", self.dense(width, count), skipped))
            name = self.add(f"pop{layer}", self.neurons((count,)), *incoming)
            if self.random.random() < 0.3:
                loop = self.add(f"loop{layer}", nir.Linear(weight=self.weights(count, count) / 4), name)
                self.edges.append((loop, name))
            past.append((name, count))
            at, size = name, count
        if self.random.random() < 0.25:
            weight = self.add("readout", self.dense(size, 4), at)
            at, size = self.add("li", self.neurons((4,), spikes=False), weight), 4
        self.add("output", nir.Output({"output": np.array([size])}), at)
        return nir.NIRGraph(self.nodes, self.edges, type_check=False)


def made(s2c, count):
    """Random networks with random input."""
    for seed in range(count):
        random = np.random.default_rng(1000 + seed)
        convention = ["spinnaker2 --integrator euler", "norse", "nir --integrator euler"][random.integers(3)]
        reset = ["subtract", "zero"][random.integers(2)]
        with tempfile.TemporaryDirectory() as folder:
            model = pathlib.Path(folder) / "random.nir"
            nir.write(model, Maker(seed).network())
            network = Network(s2c, model, f"--dt 1e-3 --convention {convention} --reset {reset}", folder)
            yield f"random {seed}", *network.compare(network.expected())


def dense(neurons, *, inputs=8, weight=None, then=None):
    """Input, weights, neurons; perhaps further weights and neurons; output."""
    size = len(neurons.v_leak if hasattr(neurons, "v_leak") else neurons.r)
    weight = np.random.default_rng(0).normal(size=(size, inputs)) if weight is None else weight
    nodes = {"input": nir.Input({"input": np.array([inputs])}), "fc": nir.Linear(weight.astype(np.float32)), "pop": neurons}
    if then is not None:
        nodes |= {"next": nir.Linear(np.ones((size, size), np.float32)), "pop2": then}
    nodes["output"] = nir.Output({"output": np.array([size])})
    names = list(nodes)
    return nir.NIRGraph(nodes, list(zip(names, names[1:])), type_check=False)


def conv(neurons, *, inputs, outputs, kernel, weight=None):
    """Input, convolution, neurons, output."""
    shape = (outputs, inputs[1] - kernel + 1, inputs[2] - kernel + 1)
    weight = np.ones((outputs, inputs[0], kernel, kernel)) if weight is None else weight
    nodes = {
        "input": nir.Input({"input": np.array(inputs)}),
        "conv": nir.Conv2d(inputs[1:], weight.astype(np.float32), 1, 0, 1, 1, np.zeros(outputs, np.float32)),
        "pop": neurons(shape),
        "output": nir.Output({"output": np.array(shape)}),
    }
    names = list(nodes)
    return nir.NIRGraph(nodes, list(zip(names, names[1:])), type_check=False)


def lif(shape, leak=0.0):
    return nir.LIF(*(np.full(shape, value) for value in (0.01, 1.0, leak, 1.0)), v_reset=np.zeros(shape))


def current_lif(shape, leak=0.0):
    values = dict(tau_syn=0.005, tau_mem=0.01, r=1.0, v_leak=leak, v_threshold=1.0, v_reset=0.0, w_in=1.0)
    return nir.CubaLIF(**{key: np.full(shape, value) for key, value in values.items()})


def outside():
    """Networks that the vendor's programs can't express: what they are, graph, options."""
    one, current = dense(lif(4)), dense(current_lif(4))
    fire = dense(nir.IF(r=np.ones(4), v_threshold=np.ones(4), v_reset=np.zeros(4)))
    image = conv(lif, inputs=(1, 8, 8), outputs=2, kernel=3)
    for limit in (2, 3, 255):
        yield f"{limit} spikes a tick", one, f"--input-limit {limit}"
    yield "counts into a convolution", image, "--input-limit 4"
    for name, graph in (("LIF", one), ("IF", fire), ("CubaLIF", current), ("a convolution", image)):
        yield f"values into {name}", graph, "--input-kind values"
    for bits in (9, 10, 12, 14, 16):
        yield f"{bits} bits", one, f"--weight-bits {bits}"
    kernel = np.random.default_rng(0).normal(size=(2, 1, 3, 3))
    yield "16 bits of a convolution", conv(lif, inputs=(1, 8, 8), outputs=2, kernel=3, weight=kernel), "--weight-bits 16"
    yield "12 bits of one node", one, "--weight-bits pop=12"
    for state in ("fixed", "fixed8"):
        for name, graph in (("LIF", one), ("CubaLIF", current), ("IF", fire)):
            yield f"state {state} of {name}", graph, f"--state {state}"
    for name, graph in (("LIF", one), ("CubaLIF", current), ("a convolution", image)):
        for delay in (0, 1):
            yield f"snnTorch's reset_delay {delay} of {name}", graph, f"--convention snntorch --reset-delay {delay}"
    yield "snnTorch's reset_delay 0 of IF", fire, "--convention snntorch --reset-delay 0"
    def values():
        return (np.full(4, value) for value in (0.01, 1.0, 0.0))

    yield "LI before LIF", dense(nir.LI(*values()), then=lif(4)), ""
    yield "I before LIF", dense(nir.I(r=np.ones(4)), then=lif(4)), ""
    for leak in (0.3, -0.5):
        for convention in ("norse", "nir --integrator euler"):
            yield f"leak {leak}, {convention}", dense(current_lif(4, leak)), f"--convention {convention}"
    yield "leak, Rockpool", dense(current_lif(4, 0.3)), "--convention rockpool"
    yield "LI before CubaLIF", dense(nir.LI(*values()), then=current_lif(4)), ""
    yield "a fan-in of 30,000", dense(lif(1), inputs=30_000, weight=np.ones((1, 30_000))), ""
    yield "a dense layer of 2000 x 3000", dense(lif(2000), inputs=3000, weight=np.ones((2000, 3000))), ""
    yield "a map of 2 x 300 x 300", conv(lif, inputs=(1, 300, 300), outputs=2, kernel=1), ""
    yield "32 maps with currents", conv(current_lif, inputs=(16, 34, 34), outputs=32, kernel=3), ""


def refusals(s2c):
    """Compiles what can't be expressed; gives how many there are, and those that were not refused as they should be."""
    count, wrong = 0, []
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / "outside.nir"
        for name, graph, options in outside():
            nir.write(model, graph)
            defaults = {"--state": "f32", "--convention": "nir", "--reset": "subtract", "--integrator": "euler"}
            words = [word for pair in defaults.items() if pair[0] not in options for word in pair]
            command = [s2c, "compile", model, "--dt", "1e-3", *words, *options.split(), "--emit", "spinnaker2"]
            command += ["-o", pathlib.Path(folder) / "board", "--error-format", "json"]
            done = subprocess.run([*map(str, command)], capture_output=True, text=True)
            lines = [json.loads(line) for line in done.stderr.splitlines()]
            errors = [line for line in lines if line["severity"] == "error"]
            complete = len(errors) == 1 and errors[0]["hint"] and errors[0]["place"].get("node")
            if done.returncode != 1 or not complete or not errors[0]["code"].startswith("handover-"):
                wrong.append(f"{name}: {done.returncode} {done.stderr}")
            count += 1
    return count, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--s2c", default=ROOT / "target/release/s2c")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--random", type=int, default=20, metavar="N")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    data = arguments.data if arguments.data.exists() else None
    wrong = total = 0

    def show(name, differ, cells, spikes):
        nonlocal wrong, total
        wrong, total = wrong + differ, total + cells
        print(f"{name:<48} {differ:>8} of {cells:>9} cells differ, {spikes:>7} spikes", flush=True)

    def wanted(name):
        return not arguments.names or name in arguments.names

    for name, model, options, samples in trained(data):
        if wanted(name):
            with tempfile.TemporaryDirectory() as folder:
                network = Network(arguments.s2c, model, options, folder, samples[0])
                found = [network.compare({"input": cells}) for cells in samples.reshape(*samples.shape[:2], -1)]
                show(name, *np.sum(found, axis=0))
    if data and wanted("braille"):
        for line in braille(arguments.s2c, data):
            show(*line)
    if wanted("random"):
        lines = list(made(arguments.s2c, arguments.random))
        for line in lines:
            if line[1]:
                show(*line)
        show(f"{len(lines)} random networks", *np.sum([line[1:] for line in lines], axis=0))
    if wanted("refused"):
        count, accepted = refusals(arguments.s2c)
        print(f"{count - len(accepted)} of {count} networks outside the set are refused with code, node and way out")
        print(*accepted, sep="\n", end="")
        wrong += len(accepted)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
