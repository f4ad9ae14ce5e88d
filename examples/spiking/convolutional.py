"""A convolutional network of LIF neurons: training in PyTorch, with or without quantized weights, and export to NIR."""

import nir
import numpy as np
import torch
from torch.nn.functional import conv2d, cross_entropy, linear

from examples.spiking.neurons import lif
from examples.spiking.quantization import quantized

DT = 1e-3
FACTOR = 1 / 8  # dt / tau of all neurons.
FIRST_GAIN = 3.0  # Spikes are few: wider weights than is usual at the start let the neurons fire.
LOGIT_PER_SPIKE = 0.5  # How far one output spike moves the softmax.
LARGEST_SHIFT = 2  # Training moves recordings by up to so many pixels.


class ConvLif(torch.nn.Module):
    """Convolutions of 3 x 3 with stride 2, then one dense layer; LIF neurons after each.

    `shape` is (channels, height, width) of the input. With `bits` the weights are quantized in every forward pass. Each
    output channel has a learned threshold.
    """

    def __init__(self, shape, channels, classes, bits=None):
        super().__init__()
        self.shape, self.bits = tuple(shape), bits
        sizes = (shape[0], *channels)
        self.convolutions = torch.nn.ModuleList(
            torch.nn.Conv2d(before, after, 3, stride=2, padding=1) for before, after in zip(sizes, channels)
        )
        height, width = shape[1:]
        for _ in channels:
            height, width = (height + 1) // 2, (width + 1) // 2
        self.dense = torch.nn.Linear(channels[-1] * height * width, classes)
        for layer in self.convolutions:
            layer.weight.data *= FIRST_GAIN
            layer.bias.data.zero_()
        # Thresholds are positive: their logarithms are learned.
        self.log_thresholds = torch.nn.ParameterList(torch.zeros(count) for count in (*channels, classes))

    def layers(self):
        """Weight, bias and threshold per channel of each layer, as the forward pass uses them."""
        for layer, log_threshold in zip((*self.convolutions, self.dense), self.log_thresholds, strict=True):
            yield quantized(self.bits, layer.weight)[0], layer.bias, log_threshold.exp()

    def forward(self, spikes):
        """Spikes (samples, ticks, ...) of each population, for input spikes (samples, ticks, channels, rows, columns)."""
        populations = []
        for weight, bias, threshold in self.layers():
            if weight.dim() == 4:
                x = conv2d(spikes.flatten(0, 1), weight, bias, stride=2, padding=1).unflatten(0, spikes.shape[:2])
                threshold = threshold[:, None, None]
            else:
                x = linear(spikes.flatten(2), weight, bias)
            spikes = lif(x, FACTOR, threshold)
            populations.append(spikes)
        return populations

    def to_nir(self):
        """The network as a NIR graph: input, conv1, lif1, ..., flatten, dense, out, output."""
        nodes, shape = {"input": nir.Input({"input": np.array(self.shape)})}, self.shape
        for index, parameters in enumerate(self.layers(), 1):
            weight, bias, threshold = (value.detach().numpy() for value in parameters)
            if weight.ndim == 4:
                nodes[f"conv{index}"] = nir.Conv2d(shape[1:], weight, (2, 2), (1, 1), (1, 1), 1, bias)
                shape = (len(weight), (shape[1] + 1) // 2, (shape[2] + 1) // 2)
                nodes[f"lif{index}"] = population(shape, threshold[:, None, None])
            else:
                nodes["flatten"] = nir.Flatten({"input": np.array(shape)}, 0, -1)
                nodes["dense"] = nir.Affine(weight, bias)
                shape = (len(weight),)
                nodes["out"] = population(shape, threshold)
        nodes["output"] = nir.Output({"output": np.array(shape)})
        return nir.NIRGraph(nodes, list(zip(list(nodes)[:-1], list(nodes)[1:])))


def population(shape, threshold):
    """LIF neurons whose gain tau / dt makes a weight of one add one to the membrane."""

    def each(value):
        return np.broadcast_to(np.float32(value), shape).copy()

    return nir.LIF(tau=each(DT / FACTOR), r=each(1 / FACTOR), v_leak=each(0), v_threshold=each(threshold))


def shifted(spikes, random):
    """The recordings, each moved by a few pixels in both directions and filled up with zeros."""
    height, width = spikes.shape[-2:]
    padded = np.pad(spikes, [(0, 0)] * 3 + [(LARGEST_SHIFT, LARGEST_SHIFT)] * 2)
    places = random.integers(0, 2 * LARGEST_SHIFT + 1, (len(spikes), 2))
    return np.stack([one[..., y : y + height, x : x + width] for one, (y, x) in zip(padded, places)])


def train(network, spikes, labels, epochs, rate, random, batch=32):
    """Trains with Adam on moved copies, the learning rate falling along a cosine. Spikes are a uint8 array."""
    optimizer = torch.optim.Adam(network.parameters(), rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        right = 0
        for places in np.array_split(random.permutation(len(labels)), -(-len(labels) // batch)):
            wanted = torch.from_numpy(labels[places])
            counts = network(torch.from_numpy(shifted(spikes[places], random)).float())[-1].sum(1)
            loss = cross_entropy(LOGIT_PER_SPIKE * counts, wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            right += (counts.argmax(1) == wanted).sum().item()
        schedule.step()
        print(f"epoch {epoch + 1:3}: training accuracy {right / len(labels):.4f}", flush=True)


def run(network, spikes, batch=32):
    """Spikes of each population as uint8 arrays, without gradients."""
    with torch.no_grad():
        batches = (spikes[start : start + batch] for start in range(0, len(spikes), batch))
        parts = [network(torch.from_numpy(spikes).float()) for spikes in batches]
    return [np.concatenate(population).astype(np.uint8) for population in zip(*parts)]
