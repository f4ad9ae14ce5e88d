"""Trains a small recurrent spiking network on handwritten digits and writes it as NIR.

The network is input 64 -> Affine -> 48 CubaLIF neurons with a recurrent Affine -> Affine -> 10 LIF neurons. It runs for
16 ticks of 1 ms per sample; the class is the output neuron with the most spikes, the lowest index where two are equal.
Training is back-propagation through time with a surrogate gradient. README.md has the commands and the results.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # One thread adds in one order: the same weights on every run.

from pathlib import Path

import nir
import numpy as np
from sklearn.datasets import load_digits

FOLDER = Path(__file__).resolve().parent
SEED = 1
INPUTS, HIDDEN, OUTPUTS, TICKS = 64, 48, 10, 16
TEST_SAMPLES = 500
EPOCHS, BATCH, LEARNING_RATE = 120, 32, 4e-3

DT = 1e-3
# Neuron constants. With w_in = tau_syn / dt and r = tau_mem / dt a weight of one adds one to the state behind it.
TAU_SYN, TAU_MEM, TAU_OUT = np.float32(4e-3), np.float32(8e-3), np.float32(8e-3)
W_IN, R_MEM, R_OUT = np.float32(4), np.float32(8), np.float32(8)
V_LEAK, V_THRESHOLD = np.float32(0), np.float32(1)

SURROGATE_SLOPE = 2.0
LOGIT_PER_SPIKE = 0.5  # How far one output spike moves the softmax.
ACTIVITY_COST = 0.05  # Weight of the squared mean firing rate of the hidden neurons in the loss.


def encode(images):
    """Spike trains (samples, TICKS, INPUTS) of images with intensities 0 to 16.

    Each pixel adds intensity / 16 per tick to an accumulator and fires when it reaches one, which is then taken off
    again: intensity v fires exactly v times in 16 ticks. The accumulator counts in sixteenths, so nothing is rounded.
    """
    spikes = np.zeros((len(images), TICKS, INPUTS), np.uint8)
    accumulator = np.zeros((len(images), INPUTS), np.int64)
    for tick in range(TICKS):
        accumulator += images
        spikes[:, tick] = accumulator >= 16
        accumulator -= 16 * spikes[:, tick].astype(np.int64)
    return spikes


def shifted(images, generator):
    """Copies of the images, each moved by up to one pixel in both directions and filled up with zeros."""
    padded = np.pad(images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    down, right = generator.integers(0, 3, (2, len(images), 1))
    pixel = np.arange(8)
    sample = np.arange(len(images))[:, None, None]
    return padded[sample, (down + pixel)[:, :, None], (right + pixel)[:, None, :]].reshape(-1, INPUTS)


def initial_parameters(generator):
    """Normally distributed weights and biases of zero."""

    def weights(outputs, inputs, scale):
        return (generator.standard_normal((outputs, inputs)) * scale / np.sqrt(inputs)).astype(np.float32)

    return {
        "fc1.weight": weights(HIDDEN, INPUTS, 0.3),
        "fc1.bias": np.zeros(HIDDEN, np.float32),
        "recurrent.weight": weights(HIDDEN, HIDDEN, 0.1),
        "recurrent.bias": np.zeros(HIDDEN, np.float32),
        "fc2.weight": weights(OUTPUTS, HIDDEN, 0.5),
        "fc2.bias": np.zeros(OUTPUTS, np.float32),
    }


def forward(parameters, spikes, dtype):
    """Runs the network: for each tick the spikes and the membranes before their reset, hidden and output.

    Forward Euler; a membrane above its threshold fires and is reset by subtraction in the same tick; the recurrent
    weights see the spikes of the tick before.
    """
    w1, b1, wr, br, w2, b2 = (value.astype(dtype) for value in parameters.values())
    f_syn, f_mem, f_out = (dtype(DT) / dtype(tau) for tau in (TAU_SYN, TAU_MEM, TAU_OUT))
    w_in, r_mem, r_out, v_leak, v_threshold = (dtype(value) for value in (W_IN, R_MEM, R_OUT, V_LEAK, V_THRESHOLD))
    current, membrane, hidden = (np.zeros((len(spikes), HIDDEN), dtype) for _ in range(3))
    out_membrane = np.zeros((len(spikes), OUTPUTS), dtype)
    trace = []
    for tick in range(TICKS):
        x = spikes[:, tick].astype(dtype) @ w1.T + b1 + hidden @ wr.T + br
        current = current + f_syn * (w_in * x - current)
        charged = membrane + f_mem * (v_leak - membrane + r_mem * current)
        hidden = (charged > v_threshold).astype(dtype)
        membrane = charged - hidden * v_threshold

        x2 = hidden @ w2.T + b2
        out_charged = out_membrane + f_out * (v_leak - out_membrane + r_out * x2)
        out = (out_charged > v_threshold).astype(dtype)
        out_membrane = out_charged - out * v_threshold
        trace.append((hidden, charged, out, out_charged))
    return tuple(np.stack(values, axis=1) for values in zip(*trace))


def surrogate_gradient(membrane):
    """Stands in for the derivative of a spike by the membrane: that of a fast sigmoid around the threshold."""
    return 1 / (1 + SURROGATE_SLOPE * np.abs(membrane - V_THRESHOLD)) ** 2


def gradients(parameters, spikes, labels):
    """Gradients of the loss: cross-entropy of the output spike counts, and the cost of hidden activity.

    Time runs backwards. The reset is taken as a constant, as is usual with surrogate gradients.
    """
    hidden, charged, out, out_charged = forward(parameters, spikes, np.float32)
    logits = LOGIT_PER_SPIKE * out.sum(axis=1)
    softmax = np.exp(logits - logits.max(axis=1, keepdims=True))
    softmax /= softmax.sum(axis=1, keepdims=True)
    d_out = LOGIT_PER_SPIKE * (softmax - np.eye(OUTPUTS, dtype=np.float32)[labels]) / len(labels)
    d_activity = ACTIVITY_COST * 2 * hidden.mean(axis=(0, 1)) / (len(labels) * TICKS)

    f_syn, f_mem, f_out = (np.float32(DT) / tau for tau in (TAU_SYN, TAU_MEM, TAU_OUT))
    gradient = {name: np.zeros_like(value) for name, value in parameters.items()}
    d_current, d_membrane, d_x = (np.zeros((len(labels), HIDDEN), np.float32) for _ in range(3))
    d_out_membrane = np.zeros((len(labels), OUTPUTS), np.float32)
    for tick in reversed(range(TICKS)):
        d_out_charged = d_out_membrane + d_out * surrogate_gradient(out_charged[:, tick])
        d_out_membrane = (1 - f_out) * d_out_charged
        d_x2 = f_out * R_OUT * d_out_charged
        gradient["fc2.weight"] += d_x2.T @ hidden[:, tick]
        gradient["fc2.bias"] += d_x2.sum(axis=0)

        # `d_x` is still that of the tick after: the way back through the recurrent weights.
        d_hidden = d_x2 @ parameters["fc2.weight"] + d_x @ parameters["recurrent.weight"] + d_activity
        d_charged = d_membrane + d_hidden * surrogate_gradient(charged[:, tick])
        d_membrane = (1 - f_mem) * d_charged
        d_current_now = d_current + f_mem * R_MEM * d_charged
        d_current = (1 - f_syn) * d_current_now
        d_x = f_syn * W_IN * d_current_now
        gradient["fc1.weight"] += d_x.T @ spikes[:, tick].astype(np.float32)
        gradient["fc1.bias"] += d_x.sum(axis=0)
        gradient["recurrent.bias"] += d_x.sum(axis=0)
        if tick > 0:
            gradient["recurrent.weight"] += d_x.T @ hidden[:, tick - 1]
    return gradient


def train(images, labels):
    """Parameters after training with Adam, the learning rate falling along a cosine."""
    generator = np.random.default_rng(SEED)
    parameters = initial_parameters(generator)
    mean = {name: np.zeros_like(value) for name, value in parameters.items()}
    square = {name: np.zeros_like(value) for name, value in parameters.items()}
    step, steps = 0, EPOCHS * -(-len(images) // BATCH)
    for epoch in range(EPOCHS):
        order = generator.permutation(len(images))
        spikes = encode(shifted(images, generator))
        for start in range(0, len(images), BATCH):
            batch = order[start : start + BATCH]
            rate = LEARNING_RATE * (1 + np.cos(np.pi * step / steps)) / 2
            step += 1
            for name, gradient in gradients(parameters, spikes[batch], labels[batch]).items():
                mean[name] += 0.1 * (gradient - mean[name])
                square[name] += 0.001 * (gradient**2 - square[name])
                m, s = mean[name] / (1 - 0.9**step), square[name] / (1 - 0.999**step)
                parameters[name] = (parameters[name] - rate * m / (np.sqrt(s) + 1e-8)).astype(np.float32)
        if (epoch + 1) % 10 == 0:
            out = forward(parameters, encode(images), np.float32)[2]
            print(f"epoch {epoch + 1:3}: training accuracy {accuracy(out.sum(axis=1), labels):.4f}", flush=True)
    return parameters


def accuracy(counts, labels):
    """Share of samples in which the right output neuron spikes most."""
    return (counts.argmax(axis=1) == labels).mean()


def to_nir(parameters, hidden_threshold=V_THRESHOLD, out_threshold=V_THRESHOLD):
    """The network as a NIR graph. NIR has no reset by subtraction: whoever reads the file has to choose it.

    A threshold is one value or one per neuron.
    """

    def affine(name):
        return nir.Affine(weight=parameters[f"{name}.weight"], bias=parameters[f"{name}.bias"])

    def each(size, value):
        return np.full(size, value, np.float32)

    nodes = {
        "input": nir.Input({"input": np.array([INPUTS])}),
        "fc1": affine("fc1"),
        "hidden": nir.CubaLIF(
            tau_syn=each(HIDDEN, TAU_SYN),
            tau_mem=each(HIDDEN, TAU_MEM),
            r=each(HIDDEN, R_MEM),
            v_leak=each(HIDDEN, V_LEAK),
            v_threshold=each(HIDDEN, hidden_threshold),
            w_in=each(HIDDEN, W_IN),
        ),
        "recurrent": affine("recurrent"),
        "fc2": affine("fc2"),
        "out": nir.LIF(
            tau=each(OUTPUTS, TAU_OUT),
            r=each(OUTPUTS, R_OUT),
            v_leak=each(OUTPUTS, V_LEAK),
            v_threshold=each(OUTPUTS, out_threshold),
        ),
        "output": nir.Output({"output": np.array([OUTPUTS])}),
    }
    edges = [
        ("input", "fc1"),
        ("fc1", "hidden"),
        ("hidden", "recurrent"),
        ("recurrent", "hidden"),
        ("hidden", "fc2"),
        ("fc2", "out"),
        ("out", "output"),
    ]
    return nir.NIRGraph(nodes, edges)


def main():
    digits = load_digits()
    images, labels = digits.data.astype(np.int64), digits.target
    parameters = train(images[:-TEST_SAMPLES], labels[:-TEST_SAMPLES])

    spikes, labels = encode(images[-TEST_SAMPLES:]), labels[-TEST_SAMPLES:]
    hidden, _, out, _ = forward(parameters, spikes, np.float64)
    counts = out.sum(axis=1).astype(np.uint8)
    print(f"test accuracy {accuracy(counts, labels):.4f}")
    print(f"mean output spikes per sample {counts.sum(axis=1).mean():.2f}")
    print(f"mean hidden spikes per neuron and tick {hidden.mean():.4f}")

    nir.write(FOLDER / "digits.nir", to_nir(parameters))
    np.savez_compressed(
        FOLDER / "test.npz",
        spikes_packed=np.packbits(spikes),
        shape=np.array(spikes.shape),
        labels=labels.astype(np.uint8),
        out_counts=counts,
    )
    # The sample with the largest lead of the right output neuron over all others.
    right = counts[np.arange(TEST_SAMPLES), labels].astype(np.int64)
    others = np.where(np.arange(OUTPUTS) == labels[:, None], 0, counts).max(axis=1)
    clearest = (right - others).argmax()
    print(f"sample.npy is test sample {clearest}, a {labels[clearest]}: output spikes {counts[clearest]}")
    np.save(FOLDER / "sample.npy", spikes[clearest])


if __name__ == "__main__":
    main()
