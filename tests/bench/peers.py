"""How fast other projects are on the same network and recordings, in the same run as `s2c`.

Usage: peers.py NETWORK.nir FRAMES.npy

FRAMES.npy holds recordings x ticks x channels x rows x columns. Prints one JSON object: for each peer either its figures
or why it was left out. Ticks per second are those of one recording (batch 1), and of all at once where the peer takes a
batch, the best of three runs after one to warm up; importing and building the network do not count. SNN_MLIR_PATH may
name a folder with the newer `nir` that snn-mlir needs.
"""

import json
import os
import subprocess
import sys
import time
import warnings

import numpy

warnings.filterwarnings("ignore")

RUNS = 3
STEPPED_TICKS = 100


def best(function, ticks):
    """Ticks per second of the fastest run."""
    function()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return ticks / min(times)


def sinabs(graph, frames):
    import torch
    from sinabs.nir import from_nir

    def ticks_per_second(recordings):
        network = from_nir(graph, batch_size=len(recordings))
        data = torch.tensor(recordings, dtype=torch.float32).flatten(0, 1)
        return best(lambda: network(data), len(data))

    with torch.no_grad():
        return {"ticks_per_second": ticks_per_second(frames[:1]), "batch_ticks_per_second": ticks_per_second(frames)}


def stepped(network, frames):
    """Figures of a network that is called once per tick with its state."""
    import torch

    data = torch.tensor(frames[0, :STEPPED_TICKS], dtype=torch.float32)

    def run():
        state = None
        for tick in range(len(data)):
            _, state = network(data[tick : tick + 1], state)

    with torch.no_grad():
        return {"ticks_per_second": best(run, len(data))}


def norse(graph, frames):
    import norse.torch

    return stepped(norse.torch.from_nir(graph, dt=1e-3), frames)


def snntorch(graph, frames):
    from snntorch.import_nir import import_from_nir

    return stepped(import_from_nir(graph), frames)


def snn_mlir(file):
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "snn_mlir", "export", file, "-q", "-o", os.devnull],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": os.environ.get("SNN_MLIR_PATH", "")},
        )
        times.append(time.perf_counter() - start)
        if done.returncode != 0:
            raise RuntimeError((done.stderr.strip().splitlines() or ["no message"])[-1])
    return {"export_seconds": min(times)}


def main():
    import nir

    file, frames = sys.argv[1], numpy.load(sys.argv[2])
    graph = nir.read(file)
    peers = {
        "sinabs": lambda: sinabs(graph, frames),
        "norse": lambda: norse(graph, frames),
        "snntorch": lambda: snntorch(graph, frames),
        "snn-mlir": lambda: snn_mlir(file),
    }
    figures = {}
    for name, peer in peers.items():
        try:
            figures[name] = peer()
        except Exception as error:  # A peer that is not there or does not take the network is left out.
            figures[name] = {"skipped": f"{type(error).__name__}: {error}".splitlines()[0][:120]}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
