"""Trains a convolutional network of LIF neurons on synthetic event-camera gestures and writes it as NIR.

Without `--bits` it trains gesture.nir with float weights and writes the test set. With `--bits` it starts from
gesture.nir and trains on with quantized weights in every forward pass. Either way the spikes of the trained network's
own forward pass on test recordings, in float32, are written beside it. README.md has the commands and the results.
"""

import argparse
from pathlib import Path

import nir
import numpy as np
import torch

from examples.gesture.events import CLASSES, SIZE, TICKS, data_set
from examples.spiking.convolutional import ConvLif, run, train
from examples.spiking.files import save_spikes

FOLDER = Path(__file__).resolve().parent
SEED, TRAINING_SEED, TEST_SEED = 1, 2, 3
TRAINING_PER_CLASS, TEST_PER_CLASS = 100, 12
RECORDED = 66  # Test recordings whose spikes in the forward pass are kept.
CHANNELS = (8, 16, 24)
# Epochs and learning rate.
FLOAT, QUANTIZED = (16, 4e-3), (6, 1e-3)


def load(network, graph):
    """Takes over weights, biases and thresholds."""
    layers = (*network.convolutions, network.dense)
    names = [(f"conv{index}", f"lif{index}") for index in range(1, len(layers))] + [("dense", "out")]
    for layer, log_threshold, (connection, neurons) in zip(layers, network.log_thresholds, names, strict=True):
        layer.weight.data = torch.from_numpy(graph.nodes[connection].weight)
        layer.bias.data = torch.from_numpy(graph.nodes[connection].bias)
        threshold = graph.nodes[neurons].v_threshold
        log_threshold.data = torch.from_numpy(threshold.reshape(len(threshold), -1)[:, 0]).log()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bits", type=int, choices=(8, 4, 2))
    bits = parser.parse_args().bits
    # One thread adds in one order: the same weights on every run.
    torch.set_num_threads(1)
    torch.manual_seed(SEED)

    network = ConvLif((2, SIZE, SIZE), CHANNELS, len(CLASSES), bits)
    if bits:
        load(network, nir.read(FOLDER / "gesture.nir"))
    epochs, rate = QUANTIZED if bits else FLOAT
    train(network, *data_set(TRAINING_PER_CLASS, TRAINING_SEED), epochs, rate, np.random.default_rng(SEED))

    spikes, labels = data_set(TEST_PER_CLASS, TEST_SEED)
    populations = run(network, spikes)
    right = (populations[-1].sum(1).argmax(1) == labels).sum()
    rates = ", ".join(f"{population.mean():.3f}" for population in populations)
    print(f"{right} of {len(labels)} test recordings right; spikes per neuron and tick by layer: {rates}")
    name = f"gesture_qat{bits}" if bits else "gesture"
    nir.write(FOLDER / f"{name}.nir", network.to_nir())
    # Channels, rows and columns of all populations in one row per tick.
    flat = [population[:RECORDED].reshape(RECORDED, TICKS, -1) for population in populations]
    save_spikes(FOLDER / f"{name}_forward.npz", np.concatenate(flat, 2))
    if not bits:
        save_spikes(FOLDER / "test.npz", spikes, labels=labels.astype(np.uint8))


if __name__ == "__main__":
    main()
