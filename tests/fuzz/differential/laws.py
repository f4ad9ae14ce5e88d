"""Laws that a compile obeys whatever the network: changes that must not change what comes out.

Each law takes a case and the output of its machine code, and gives what broke, or nothing.
"""

import copy
import os

import numpy


def _output(case, tag, model, network, *more, environment=None):
    """What the machine code of a model hands on, and the binary's bytes; None where it is refused."""
    binary, output = case.folder / f"{tag}.bin", case.folder / f"{tag}-output.npy"
    done = case.call("compile", model, *case.reading(), *case.mapping, *more, "-o", binary, environment=environment)
    if done.returncode != 0:
        return None, done.stderr
    done = case.call("run", binary, "--input", case.input, "--output", output)
    return (numpy.load(output), binary.read_bytes()) if done.returncode == 0 else (None, done.stderr)


def _same(case, tag, network, wanted):
    model = case.folder / f"{tag}.nir"
    network.write(model)
    found, rest = _output(case, tag, model, network)
    if found is None:
        return [f"{tag}: refused: {rest[:500]}"]
    return [] if found.shape == wanted.shape and (found == wanted).all() else [f"{tag}: the output changes"]


def renaming(case, wanted, _bytes):
    """Names, and with them the order of the nodes in the file, mean nothing."""
    network = copy.copy(case.network)
    names = list(network.nodes)
    order = numpy.random.default_rng(len(names)).permutation(len(names))
    new = {name: f"m{place:03}" for name, place in zip(names, order)}
    network.nodes = {new[name]: node for name, node in network.nodes.items()}
    network.edges = [(new[source], new[target]) for source, target in network.edges]
    return _same(case, "renamed", network, wanted)


def edges(case, wanted, _bytes):
    """The order of the edges means nothing where no cycle leaves open which of them is late."""
    if case.network.cycles or case.mapping[-1] == "f32":
        return []
    network = copy.copy(case.network)
    network.edges = network.edges[::-1]
    return _same(case, "reversed", network, wanted)


def dead_branch(case, wanted, _bytes):
    """Neurons that lead to no output change nothing."""
    network = copy.copy(case.network)
    network.nodes, network.edges = dict(network.nodes), list(network.edges)
    source, shape = network.input
    size = numpy.ones(shape)
    network.nodes |= {
        "dead weights": {"type": "Scale", "scale": size.astype(numpy.float32)},
        "dead end": {"type": "LIF", "tau": 5 * network.dt * size, "r": 5 * size, "v_leak": 0 * size,
                     "v_threshold": size, "v_reset": 0 * size},
    }
    network.edges += [(source, "dead weights"), ("dead weights", "dead end")]
    return _same(case, "branched", network, wanted)


def dumps(case, _wanted, whole):
    """A compile that goes on from any of its dumps ends in the same bytes."""
    folder, wrong = case.folder / "dumps", []
    done = case.call("compile", case.model, *case.reading(), *case.mapping, "--dump-dir", folder, "-o",
                     case.folder / "dumped.bin")
    if done.returncode != 0:
        return [f"dumps: refused: {done.stderr[:500]}"]
    for dump in sorted(folder.iterdir()):
        binary = case.folder / "continued.bin"
        done = case.call("compile", dump, "-o", binary)
        if done.returncode != 0:
            wrong.append(f"dumps: {dump.name} is refused: {done.stderr[:500]}")
        elif binary.read_bytes() != whole and ".s2k." not in dump.name:
            wrong.append(f"dumps: {dump.name} ends in other bytes")
    return wrong


def surroundings(case, _wanted, whole):
    """The number of threads, the folder and the language mean nothing."""
    environment = os.environ | {"RAYON_NUM_THREADS": "1", "LC_ALL": "C", "HOME": str(case.folder)}
    found, bytes_ = _output(case, "elsewhere", case.model, case.network, environment=environment)
    return [] if found is not None and bytes_ == whole else ["surroundings: other bytes"]


ALL = [renaming, edges, dead_branch, dumps, surroundings]
