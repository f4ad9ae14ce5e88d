"""From a network in snnTorch to its spikes on the chip model, as a numpy array.

    python -m examples.python.from_snntorch

builds a small network in snnTorch, runs it there, exports it with snnTorch's own NIR export, compiles the file with
`s2c`, runs the machine code on the same input, and compares the two. `s2c` is called as a program: data goes in and out
as `.npy` files. The environment variable S2C names the program where it is not in the path.
"""

import os
import subprocess
import tempfile
from pathlib import Path

import nir
import numpy as np
import snntorch as snn
import torch
from snntorch.export_nir import export_to_nir

TICKS, INPUTS, HIDDEN, OUTPUTS = 200, 40, 64, 10
# The time step that snnTorch's export puts into the file, in seconds.
DT = 1e-4


def neurons(count, beta):
    """Leaky neurons that are reset by subtraction, in the tick of their spike.

    NIR wants parameters for each neuron; snnTorch exports them as they are given here."""
    every = torch.ones(count)
    return snn.Leaky(
        beta=beta * every, threshold=every, init_hidden=True, reset_mechanism="subtract", reset_delay=False
    )


def network():
    """A dense network of two layers."""
    torch.manual_seed(5)
    layers = torch.nn.Sequential(
        torch.nn.Linear(INPUTS, HIDDEN),
        neurons(HIDDEN, beta=0.9),
        torch.nn.Linear(HIDDEN, OUTPUTS),
        neurons(OUTPUTS, beta=0.8),
    )
    with torch.no_grad():
        for layer in (layers[0], layers[2]):
            layer.weight *= 4.0
    return layers


def forward(layers, spikes):
    """Spikes of the output neurons, ticks x neurons, as snnTorch computes them."""
    with torch.no_grad():
        return np.stack([layers(torch.from_numpy(tick).float()).numpy() for tick in spikes]).astype(np.uint16)


def s2c(*arguments):
    """Calls `s2c`; an error of the compiler is shown as it is."""
    subprocess.run([os.environ.get("S2C", "s2c"), *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def on_chip(graph, spikes, *options):
    """Compiles a NIR graph, runs it on the chip model, and returns the spikes of its output, ticks x neurons."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        nir.write(folder / "model.nir", graph)
        np.save(folder / "in.npy", spikes.astype(np.uint8))
        s2c("compile", folder / "model.nir", "-O2", "-o", folder / "out.bin", *options)
        s2c("run", folder / "out.bin", "--input", folder / "in.npy", "--output", folder / "out.npy")
        return np.load(folder / "out.npy")


def main():
    spikes = np.random.default_rng(1).random((TICKS, INPUTS)) < 0.2
    layers = network()
    expected = forward(layers, spikes)
    graph = export_to_nir(layers, torch.zeros(INPUTS))
    print(f"snnTorch: {expected.sum()} spikes of {OUTPUTS} neurons in {TICKS} ticks")
    for bits in (16, 8, 4):
        options = ["--dt", DT, "--convention", "snntorch", "--reset", "subtract", "--reset-delay", 0]
        found = on_chip(graph, spikes, *options, "--weight-bits", bits)
        print(f"{bits:2} bits: {found.sum()} spikes, {np.count_nonzero(found != expected)} of {found.size} cells differ")


if __name__ == "__main__":
    main()
