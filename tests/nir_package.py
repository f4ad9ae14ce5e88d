"""Exchanges files with the Python package nir: every primitive is written by the package and read by s2c, and what s2c
writes is read by the package.

    python tests/nir_package.py [--s2c target/release/s2c]

Each field that s2c reads (`s2c inspect --json --fields`) must equal the one that Python wrote, and the fields of a
network that went through `s2c compile --emit nir` must equal those that went in, weights to half a step of 16 bits.
The exit code is 1 where something differs. Without the package, the script says so and passes.
"""

import argparse
import inspect
import json
import pathlib
import subprocess
import sys
import tempfile


def parameters(shape, seed, low=0.5, high=1.5):
    return np.random.default_rng(seed).uniform(low, high, shape)


def weights(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def padded(word, convolution):
    """A convolution whose padding is a word, which version 1.0.4 can't work out shapes for."""
    convolution.padding = word
    return convolution


def primitives():
    """Name, node, and the shapes of its input and output."""
    n, neurons = 5, lambda seed, **limits: parameters(5, seed, **limits)
    yield "Affine", nir.Affine(weights(3, n), weights(3)), (n,), (3,)
    yield "Linear", nir.Linear(weights(3, n)), (n,), (3,)
    yield "Scale", nir.Scale(weights(n)), (n,), (n,)
    yield "Conv1d", nir.Conv1d(9, weights(4, 2, 3), 2, 1, 1, 1, weights(4)), (2, 9), (4, 5)
    yield "Conv1d same", padded("same", nir.Conv1d(9, weights(4, 2, 4), 1, 0, 1, 1, weights(4))), (2, 9), (4, 9)
    yield "Conv1d valid", padded("valid", nir.Conv1d(9, weights(4, 2, 3), 1, 0, 2, 1, weights(4))), (2, 9), (4, 5)
    conv = lambda weight, stride, padding, dilation, groups: nir.Conv2d(
        (8, 9), weight, stride, padding, dilation, groups, weights(weight.shape[0])
    )
    yield "Conv2d", conv(weights(4, 2, 3, 3), 1, 1, 1, 1), (2, 8, 9), (4, 8, 9)
    yield "Conv2d stride", conv(weights(4, 2, 3, 3), (2, 3), (1, 0), 1, 1), (2, 8, 9), (4, 4, 3)
    yield "Conv2d dilation", conv(weights(4, 2, 3, 3), 1, (0, 0), (2, 2), 1), (2, 8, 9), (4, 4, 5)
    yield "Conv2d same", padded("same", conv(weights(4, 2, 3, 3), 1, 0, 1, 1)), (2, 8, 9), (4, 8, 9)
    yield "Conv2d valid", padded("valid", conv(weights(4, 2, 3, 3), 1, 0, 1, 1)), (2, 8, 9), (4, 6, 7)
    yield "Conv2d depth-wise", conv(weights(4, 1, 3, 3), 1, 1, 1, 2), (2, 8, 9), (4, 8, 9)
    window = np.array([2, 3]), np.array([2, 3]), np.array([0, 0])
    yield "SumPool2d", nir.SumPool2d(*window), (2, 8, 9), (2, 4, 3)
    yield "AvgPool2d", nir.AvgPool2d(*window), (2, 8, 9), (2, 4, 3)
    yield "Flatten", nir.Flatten({"input": np.array([2, 3, 4])}, 0, -1), (2, 3, 4), (24,)
    yield "Flatten 1", nir.Flatten({"input": np.array([2, 3, 4])}, 1, -1), (2, 3, 4), (2, 12)
    yield "Delay", nir.Delay(neurons(1)), (n,), (n,)
    yield "Threshold", nir.Threshold(neurons(1)), (n,), (n,)
    yield "I", nir.I(neurons(1)), (n,), (n,)
    yield "IF", nir.IF(r=neurons(1), v_threshold=neurons(2)), (n,), (n,)
    yield "LI", nir.LI(tau=neurons(1), r=neurons(2), v_leak=neurons(3)), (n,), (n,)
    yield "LIF", nir.LIF(tau=neurons(1), r=neurons(2), v_leak=neurons(3), v_threshold=neurons(4)), (n,), (n,)
    cuba = dict(tau_syn=neurons(1), tau_mem=neurons(2), r=neurons(3), v_leak=neurons(4), w_in=neurons(5))
    yield "CubaLIF", nir.CubaLIF(v_threshold=neurons(6), **cuba), (n,), (n,)
    # Newer versions of the package know more.
    if hasattr(nir, "CubaLI"):
        yield "CubaLI", nir.CubaLI(**cuba), (n,), (n,)
    if "v_reset" in nir.LIF.__dataclass_fields__:
        late = dict(v_threshold=neurons(6), v_reset=neurons(7, low=-1, high=0.4))
        yield "IF, v_reset", nir.IF(r=neurons(1), **late), (n,), (n,)
        yield "LIF, v_reset", nir.LIF(tau=neurons(1), r=neurons(2), v_leak=neurons(3), **late), (n,), (n,)
        yield "CubaLIF, v_reset", nir.CubaLIF(**late, **cuba), (n,), (n,)


def graph_of(nodes, edges):
    """A graph without the package's own check of shapes, which does not know groups."""
    unchecked = {"type_check": False} if "type_check" in inspect.signature(nir.NIRGraph.__init__).parameters else {}
    return nir.NIRGraph(nodes, edges, **unchecked)


def port(kind, shape):
    return nir.Input({"input": np.array(shape)}) if kind == "input" else nir.Output({"output": np.array(shape)})


def fields_of(node):
    """The fields of a node as they are stored: arrays, numbers and texts by name."""
    stored = node.to_dict()
    if isinstance(node, (nir.Input, nir.Output)):
        stored["shape"] = node.input_type["input"] if isinstance(node, nir.Input) else node.output_type["output"]
    return {name: value for name, value in stored.items() if name not in ("metadata", "input_type") and value is not None}


def flat(value):
    """A field that s2c read, as an array or a text."""
    if isinstance(value, dict):
        return np.array(value["values"]).reshape(value["shape"])
    return value if isinstance(value, str) else np.array(value)


def differing(ours, theirs, tolerance=0.0):
    """Names of the fields that are not equal; a single number stands for all."""
    wrong = []
    for name, value in theirs.items():
        if name not in ours:
            # A reset potential of 0 is not stored.
            if not (name == "v_reset" and not np.any(value)):
                wrong.append(name)
        elif isinstance(value, str) or isinstance(ours[name], str):
            if ours[name] != value:
                wrong.append(name)
        elif not np.all(np.abs(ours[name] - np.asarray(value, float)) <= tolerance):
            wrong.append(name)
    return wrong


class Exchange:
    """Files in a folder, and s2c on them."""

    def __init__(self, s2c, folder):
        self.s2c, self.folder, self.failures, self.files = s2c, pathlib.Path(folder), [], 0

    def run(self, *arguments):
        command = [str(part) for part in (self.s2c, *arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def write(self, graph):
        self.files += 1
        file = self.folder / f"{self.files}.nir"
        nir.write(file, graph)
        return file

    def check(self, name, wrong):
        print(f"{name}: {'equal' if not wrong else 'differs in ' + ', '.join(wrong)}")
        self.failures += [name] if wrong else []

    def compare(self, name, graph, expected):
        """Reads a graph with s2c; `expected` holds the nodes by their path."""
        read = json.loads(self.run("inspect", self.write(graph), "--json", "--fields"))
        nodes = {node["name"]: {k: flat(v) for k, v in node["fields"].items()} for node in read["nodes"]}
        wrong = [] if nodes.keys() == expected.keys() else [f"nodes {sorted(nodes)}"]
        for path in nodes.keys() & expected.keys():
            wrong += [f"{path}.{field}" for field in differing(nodes[path], fields_of(expected[path]))]
        self.check(name, wrong)
        return read

    def primitives(self):
        for name, node, before, after in primitives():
            nodes = {"input": port("input", before), "node": node, "output": port("output", after)}
            graph = graph_of(nodes, [("input", "node"), ("node", "output")])
            self.compare(name, graph, nodes)

    def graphs(self):
        lif = nir.LIF(tau=parameters(4, 1), r=parameters(4, 2), v_leak=np.zeros(4), v_threshold=parameters(4, 3))
        recurrent = nir.Linear(weights(4, 4))
        inner = nir.NIRGraph(
            {"input": port("input", [4]), "lif": lif, "w": recurrent, "output": port("output", [4])},
            [("input", "lif"), ("lif", "w"), ("w", "lif"), ("lif", "output")],
        )
        nodes = {"input": port("input", [4]), "sub": inner, "output": port("output", [4])}
        expected = {"input": nodes["input"], "output": nodes["output"], "sub/lif": lif, "sub/w": recurrent}
        read = self.compare("NIRGraph", nir.NIRGraph(nodes, [("input", "sub"), ("sub", "output")]), expected)
        edges = [["input", "sub/lif"], ["sub/lif", "output"], ["sub/lif", "sub/w"], ["sub/w", "sub/lif"]]
        self.check("NIRGraph, edges", [] if sorted(read["edges"]) == edges else [str(read["edges"])])
        first, second = nir.Linear(weights(4, 3)), nir.Linear(weights(4, 2))
        nodes = {
            "left": port("input", [3]), "right": port("input", [2]), "first": first, "second": second, "lif": lif,
            "spikes": port("output", [4]), "copy": port("output", [4]),
        }
        edges = [
            ("left", "first"), ("right", "second"), ("first", "lif"), ("second", "lif"), ("lif", "spikes"),
            ("lif", "copy"),
        ]
        self.compare("several Inputs and Outputs", nir.NIRGraph(nodes, edges), nodes)

    def emitted(self):
        """What `--emit nir` writes has the names and parameters of what went in, and quantized weights."""
        dt, count = 1e-3, lambda shape: int(np.prod(shape))
        neurons = lambda shape, seed: nir.LIF(
            tau=parameters(shape, seed, 5e-3, 2e-2), r=parameters(shape, seed + 1, 5, 9),
            v_leak=np.zeros(shape), v_threshold=np.ones(shape),
        )
        nodes = {
            "input": port("input", [2, 8, 9]),
            "conv": nir.Conv2d((8, 9), weights(4, 2, 3, 3), 2, 1, 1, 1, 0.1 * weights(4)),
            "hidden": neurons((4, 4, 5), 1),
            "flatten": nir.Flatten({"input": np.array([4, 4, 5])}, 0, -1),
            "fc": nir.Affine(weights(3, count((4, 4, 5))), 0.1 * weights(3)),
            "out": neurons((3,), 4),
            "output": port("output", [3]),
        }
        names = list(nodes)
        file = self.write(nir.NIRGraph(nodes, list(zip(names[:-1], names[1:]))))
        emitted = self.folder / "emitted.nir"
        options = ["--dt", dt, "--integrator", "euler", "--reset", "subtract", "--weight-bits", 16]
        self.run("compile", file, *options, "--emit", "nir", "-o", emitted)
        graph = nir.read(emitted)
        wrong = [] if set(graph.nodes) == set(nodes) else [f"nodes {sorted(graph.nodes)}"]
        if {key: str(value) for key, value in graph.metadata.get("s2c", {}).items()} != {
            "dt": "1e-3", "integrator": "euler", "reset": "subtract", "compare": "gt"
        }:
            wrong.append(f"metadata {graph.metadata}")
        for name in set(graph.nodes) & set(nodes):
            # A step is at most the largest weight over 32767.
            tolerance = 3 * 4.0 / 32767 if name in ("conv", "fc") else 0.0
            ours = {key: value if isinstance(value, str) else np.asarray(value) for key, value in fields_of(graph.nodes[name]).items()}
            wrong += [f"{name}.{field}" for field in differing(ours, fields_of(nodes[name]), tolerance)]
        self.check("compile --emit nir", wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--s2c", default=pathlib.Path(__file__).parents[1] / "target/release/s2c")
    arguments = parser.parse_args()
    print(f"nir {nir.version}")
    with tempfile.TemporaryDirectory() as folder:
        exchange = Exchange(arguments.s2c, folder)
        exchange.primitives()
        exchange.graphs()
        exchange.emitted()
    print(f"{len(exchange.failures)} failures")
    return int(bool(exchange.failures))


try:
    import nir
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(0)

if __name__ == "__main__":
    sys.exit(main())
