"""Trains a convolutional network of LIF neurons on DVS128 Gesture and writes it as NIR, with the test set for s2c.

First with float weights, then, with `--bits`, on with quantized weights in every forward pass.
"""

import argparse
from pathlib import Path

import nir
import numpy as np
import torch

from examples.dvs_gesture.recordings import CLASSES, load
from examples.spiking.convolutional import ConvLif, run, train
from examples.spiking.files import save_spikes

SEED = 1
RATE, QUANTIZED_RATE = 2e-3, 5e-4


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the unpacked data set, with trials_to_train.txt")
    parser.add_argument("--output", type=Path, default=Path("dvs_gesture"), help="folder to write to")
    parser.add_argument("--ticks", type=int, default=60, help="ticks per gesture")
    parser.add_argument("--size", type=int, choices=(32, 64), default=32, help="rows and columns of the input")
    parser.add_argument("--channels", type=int, nargs="+", default=[16, 32, 64], help="of the convolutions")
    parser.add_argument("--epochs", type=int, default=60, help="with float weights")
    parser.add_argument("--bits", type=int, choices=(8, 4, 2), help="train on with weights of so many bits")
    parser.add_argument("--quantized-epochs", type=int, default=20)
    parser.add_argument("--files", type=int, help="recordings of each part to use, all by default")
    parser.add_argument("--threads", type=int, default=1, help="more are faster, but change the rounding of sums")
    return parser.parse_args()


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(SEED)
    random = np.random.default_rng(SEED)
    parts = [load(options.folder, part, options.ticks, options.size, options.files) for part in ("train", "test")]
    (spikes, labels), (test, test_labels) = parts
    options.output.mkdir(parents=True, exist_ok=True)
    save_spikes(options.output / "test.npz", test, labels=test_labels.astype(np.uint8))

    network = ConvLif((2, options.size, options.size), options.channels, CLASSES)
    train(network, spikes, labels, options.epochs, RATE, random)
    write(network, "float", test, test_labels, options.output)
    if options.bits:
        network.bits = options.bits
        train(network, spikes, labels, options.quantized_epochs, QUANTIZED_RATE, random)
        write(network, f"qat{options.bits}", test, test_labels, options.output)


def write(network, name, test, labels, folder):
    """Writes the network, and says how many test gestures its own forward pass gets right."""
    right = (run(network, test)[-1].sum(1).argmax(1) == labels).sum()
    print(f"{name}: {right} of {len(labels)} test gestures right, {100 * right / len(labels):.2f} %")
    nir.write(folder / f"{name}.nir", network.to_nir())


if __name__ == "__main__":
    main()
