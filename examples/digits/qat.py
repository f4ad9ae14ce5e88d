"""Quantization-aware training of the digits network: weights of 8, 4 or 2 (ternary) bits.

Starts from digits.nir and trains on with quantized weights in every forward pass. Writes the network as NIR, its
weights exactly on their grids, and the spikes that this forward pass, in float32, gives on the test set. README.md has
the commands and the results.
"""

import argparse

import nir
import numpy as np
import torch
from sklearn.datasets import load_digits

from examples.digits.train import (
    ACTIVITY_COST,
    BATCH,
    FOLDER,
    HIDDEN,
    LOGIT_PER_SPIKE,
    OUTPUTS,
    SEED,
    TEST_SAMPLES,
    TICKS,
    accuracy,
    encode,
    shifted,
    to_nir,
)
from examples.spiking.files import save_spikes
from examples.spiking.neurons import charge, fire, lif
from examples.spiking.quantization import quantized

LEARNING_RATE = 2e-3
EPOCHS = {8: 60, 4: 60, 2: 150}  # Ternary weights start further away.
# dt / tau of current, membrane and output; the gains are their inverses.
F_SYN, F_MEM, F_OUT = 1 / 4, 1 / 8, 1 / 8


class Network(torch.nn.Module):
    """The network of train.py with weights in `bits` bits and one learned threshold per neuron."""

    def __init__(self, graph, bits):
        super().__init__()
        self.bits = bits
        for name in ("fc1", "recurrent", "fc2"):
            weight, bias = torch.from_numpy(graph.nodes[name].weight), torch.from_numpy(graph.nodes[name].bias)
            layer = torch.nn.Linear(weight.shape[1], weight.shape[0])
            layer.weight.data, layer.bias.data = weight.clone(), bias.clone()
            self.add_module(name, layer)
        # Thresholds are positive: their logarithms are learned.
        self.log_hidden = torch.nn.Parameter(torch.zeros(HIDDEN))
        self.log_out = torch.nn.Parameter(torch.zeros(OUTPUTS))

    def weights(self):
        """Quantized weights. Both projections into the hidden neurons share a neuron's scale."""
        w1, wr = quantized(self.bits, self.fc1.weight, self.recurrent.weight)
        (w2,) = quantized(self.bits, self.fc2.weight)
        return w1, wr, w2

    def forward(self, spikes):
        """Hidden and output spikes (samples, TICKS, neurons) for input spikes."""
        w1, wr, w2 = self.weights()
        threshold = self.log_hidden.exp()
        feed = torch.nn.functional.linear(spikes, w1, self.fc1.bias)
        current, membrane, fired = (torch.zeros(len(spikes), HIDDEN) for _ in range(3))
        hidden = []
        for tick in range(TICKS):
            x = feed[:, tick] + torch.nn.functional.linear(fired, wr, self.recurrent.bias)
            current = charge(current, F_SYN, 1 / F_SYN, x)
            fired, membrane = fire(charge(membrane, F_MEM, 1 / F_MEM, current), threshold)
            hidden.append(fired)
        hidden = torch.stack(hidden, 1)
        return hidden, lif(torch.nn.functional.linear(hidden, w2, self.fc2.bias), F_OUT, self.log_out.exp())

    def to_nir(self):
        """The network as a NIR graph, with the weights that the forward pass uses."""
        w1, wr, w2 = self.weights()
        parameters = {"fc1.weight": w1, "recurrent.weight": wr, "fc2.weight": w2}
        parameters |= {f"{name}.bias": getattr(self, name).bias for name in ("fc1", "recurrent", "fc2")}
        arrays = {name: value.detach().numpy() for name, value in parameters.items()}
        return to_nir(arrays, self.log_hidden.exp().detach().numpy(), self.log_out.exp().detach().numpy())


def train(network, images, labels, epochs):
    """Trains on shifted copies of the images, the learning rate falling along a cosine."""
    generator = np.random.default_rng(SEED)
    labels = torch.from_numpy(labels)
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        order = generator.permutation(len(images))
        spikes = torch.from_numpy(encode(shifted(images, generator)).astype(np.float32))
        right = 0
        for batch in np.array_split(order, len(order) // BATCH):
            hidden, out = network(spikes[batch])
            counts = out.sum(1)
            loss = torch.nn.functional.cross_entropy(LOGIT_PER_SPIKE * counts, labels[batch])
            loss = loss + ACTIVITY_COST * hidden.mean((0, 1)).square().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            right += (counts.argmax(1) == labels[batch]).sum().item()
        schedule.step()
        if (epoch + 1) % 30 == 0:
            print(f"epoch {epoch + 1:3}: training accuracy {right / len(images):.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bits", type=int, choices=(8, 4, 2), required=True)
    bits = parser.parse_args().bits
    # One thread adds in one order: the same weights on every run.
    torch.set_num_threads(1)
    torch.manual_seed(SEED)

    digits = load_digits()
    images, labels = digits.data.astype(np.int64), digits.target
    network = Network(nir.read(FOLDER / "digits.nir"), bits)
    train(network, images[:-TEST_SAMPLES], labels[:-TEST_SAMPLES], EPOCHS[bits])

    test, labels = torch.from_numpy(encode(images[-TEST_SAMPLES:]).astype(np.float32)), labels[-TEST_SAMPLES:]
    with torch.no_grad():
        hidden, out = (spikes.numpy() for spikes in network(test))
    right = accuracy(out.sum(1), labels)
    print(f"{bits} bits: test accuracy {right:.4f}, mean hidden spikes per neuron and tick {hidden.mean():.4f}")
    nir.write(FOLDER / f"digits_qat{bits}.nir", network.to_nir())
    save_spikes(FOLDER / f"digits_qat{bits}_forward.npz", np.concatenate((hidden, out), 2))


if __name__ == "__main__":
    main()
