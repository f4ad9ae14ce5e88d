#!/usr/bin/env python3
"""Prints how four networks fare with weights of 8 to 2 bits: one scale per layer by percentile, as in Arfa et al.,
arXiv 2504.06748, against calibrated scales per channel with compensated errors, the default with --calibrate.

    python3 tests/bench/quantization.py target/release/s2c ../shared/data [NETWORK …]

Two larger sets are run where they are named: `gesture3300`, 3300 samples of the gestures' generator with seed 7, which
neither training nor test uses, and `digits2500`, the 500 test images rate-coded anew with each of the seeds 1001 to 1005.

Each cell is `right answers / distance`: right answers of the integer network (which the machine code equals), and the van
Rossum distance of the output's spike trains from the float network's (1 = as far as silence). Calibration sees no labels
and, where the data's generator is at hand (gesture, digits), no test samples; else the first ten test samples. Needs
numpy, and scikit-learn for the digits.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

BITS = [8, 6, 4, 3, 2]
PERCENTILES = ["99", "99.9", "100"]


def gestures(data, of_each_class, seed):
    """Samples of the gesture set's generator, and their labels."""
    sys.path.insert(0, str(data / "gesture"))
    import gesture_synth

    gesture_synth.HARD = True
    return gesture_synth.make(of_each_class, seed)


def gesture(data):
    """Samples of the training seeds."""
    return gestures(data, 24, 1)[0][:64]


def digits(_):
    """Training images, rate-coded as in training."""
    from sklearn.datasets import load_digits

    images = load_digits().images.astype(np.float32) / 16
    train = np.random.default_rng(0).permutation(len(images))[:64]
    return np.random.default_rng(0).random((64, 16, 1, 8, 8)) < images[train][:, None, None] * 0.9


def more_gestures(data):
    """Ten times the test set."""
    return gestures(data, 300, 7)


def more_digits(data):
    """The test images, which training never saw, with spikes that neither training nor the test set has."""
    test = np.load(data / "digits/digits_test.npz")
    images = test["images"].astype(np.float32)[:, None, None] / 16
    spikes = [np.random.default_rng(seed).random((len(images), 16, 1, 8, 8)) < images * 0.9 for seed in range(1001, 1006)]
    return np.concatenate(spikes), np.tile(test["labels"], len(spikes))


def first_ten(file, array):
    """The first ten test samples, without their labels."""

    def read(data):
        content = np.load(data / file)
        if "shape" in content:
            shape = content["shape"]
            return np.unpackbits(content[array], axis=1)[:10, : int(np.prod(shape[1:]))].reshape(-1, *shape[1:])
        return content[array][:10]

    return read


# Name: model, options, test data (a file or what makes it), calibration data.
GESTURE = "gesture/gesture_hard_conv_lif.nir", "--dt 1e-3 --reset subtract --integrator euler"
DIGITS = "digits/digits_conv_lif.nir", "--dt 1e-4 --reset subtract --integrator euler"
NETWORKS = {
    "gesture": (*GESTURE, "gesture/gesture_hard_test.npz", gesture),
    "nmnist": ("nmnist/nmnist_conv_lif.nir", "--dt 5.2e-3 --reset subtract --integrator euler",
               "nmnist/nmnist_test100.npz", first_ten("nmnist/nmnist_test100.npz", "spikes_packed")),
    "digits": (*DIGITS, "digits/digits_test.npz", digits),
    "cnn_sinabs": ("nir/cnn_sinabs.nir", "--convention sinabs", "nmnist/cnn_sinabs_ref_test100.npz",
                   first_ten("nmnist/cnn_sinabs_ref_test100.npz", "frames_uint8_T300_1ms")),
}
MORE = {"gesture3300": (*GESTURE, more_gestures, gesture), "digits2500": (*DIGITS, more_digits, digits)}


def evaluate(s2c, data, network, bits, options):
    """Right answers of the float and of the integer network, and the distance of the output's spike trains."""
    model, base, test = network
    command = [s2c, "evaluate", data / model, "--data", data / test, "--levels", "float,quantized", "--json"]
    command += ["--weight-bits", str(bits), *base.split(), *options]
    output = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if output.returncode != 0:
        sys.exit(output.stderr)
    report = json.loads(output.stdout)
    levels = report["levels"]
    return levels["float"]["correct"], levels["quantized"]["correct"], report["layers"][-1]["distance"]


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    s2c, data = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    networks = {**NETWORKS, **MORE}
    names = sys.argv[3:] or list(NETWORKS)
    methods = {f"layer, {p} %": ["--weight-scale", "layer", "--weight-percentile", p] for p in PERCENTILES}
    methods["calibrated"] = None
    print("| network | float | bits | " + " | ".join(methods) + " |")
    print("|" + "---|" * (len(methods) + 3))
    sums = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            model, base, test, calibration = networks[name]
            file = pathlib.Path(folder) / f"{name}.npz"
            np.savez_compressed(file, spikes=np.asarray(calibration(data)).astype(np.uint8))
            if callable(test):
                spikes, labels = test(data)
                test = pathlib.Path(folder) / "test.npz"
                np.savez_compressed(test, spikes=spikes.astype(np.uint8), labels=labels)
            for bits in BITS:
                cells = []
                for method, options in methods.items():
                    options = options or ["--calibrate", file]
                    reference, right, distance = evaluate(s2c, data, (model, base, test), bits, options)
                    cells.append(f"{right} / {distance:.3f}")
                    sums[bits, method] = sums.get((bits, method), 0) + right
                print(f"| {name} | {reference} | {bits} | " + " | ".join(cells) + " |", flush=True)
    for bits in BITS:
        print(f"| sum | | {bits} | " + " | ".join(str(sums[bits, method]) for method in methods) + " |")


if __name__ == "__main__":
    main()
