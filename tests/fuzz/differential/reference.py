"""A float64 reference of what a NIR file means under given choices, one tick after another.

Written from dialects/src/snn/README.md and shares no code with s2c: the file is read with h5py, sums are made over the
inputs in ascending order, and each operation of a neuron rounds in the order in which the README writes it.
"""

import math

import h5py
import numpy

POPULATIONS = {"Threshold", "I", "IF", "LI", "LIF", "CubaLI", "CubaLIF"}
GRADED = {"I", "LI", "CubaLI"}


def read(path):
    """The nodes of a flat graph, by name in the order of the file, and its edges."""

    def value(dataset):
        content = dataset[()]
        return content.decode() if isinstance(content, bytes) else content

    with h5py.File(path) as file:
        graph = file["node"]
        nodes = {name: {key: value(field) for key, field in node.items()} for name, node in graph["nodes"].items()}
        edges = [(source.decode(), target.decode()) for source, target in graph["edges"][()]]
    return nodes, edges


class Walk:
    """Order of the nodes, and the edges of cycles that hand on what their source was a tick ago."""

    def __init__(self, nodes, edges):
        self.nodes, self.edges, self.late = nodes, edges, set()
        while (cycle := self._cycle()) is not None:
            into_delay = self._into_delay(cycle)
            if into_delay is not None:
                self.late.add(into_delay)
                continue
            last = max(place for place, name in enumerate(cycle) if nodes[name]["type"] in POPULATIONS)
            self.late.add((cycle[last], cycle[(last + 1) % len(cycle)]))

    def _into_delay(self, cycle):
        for place, name in enumerate(cycle):
            if self.nodes[name]["type"] == "Delay":
                return cycle[place - 1], name
        return None

    def _cycle(self):
        """A cycle that a depth-first walk from the inputs meets, or None with `self.order` set."""
        following = {name: [] for name in self.nodes}
        for source, target in self.edges:
            if (source, target) not in self.late:
                following[source].append(target)
        done, left = set(), []
        starts = [name for name, node in self.nodes.items() if node["type"] == "Input"]
        for start in starts + list(self.nodes):
            if start in done:
                continue
            path, untried = [start], [iter(following[start])]
            while path:
                for target in untried[-1]:
                    if target in path:
                        return path[path.index(target):]
                    if target not in done:
                        path.append(target)
                        untried.append(iter(following[target]))
                        break
                else:
                    left.append(path[-1])
                    done.add(path.pop())
                    untried.pop()
        self.order = left[::-1]
        return None


def factor(choices, tau):
    """What a time constant becomes per tick."""
    step = choices["dt"] / numpy.asarray(tau, float)
    return step if choices["integrator"] == "euler" else -numpy.expm1(-step)


def taps(length, kernel, stride, padding, dilation):
    """(input, tap, output) along an axis, inputs ascending."""
    count = (length + sum(padding) - dilation * (kernel - 1) - 1) // stride + 1
    found = [
        (output * stride + tap * dilation - padding[0], tap, output) for output in range(count) for tap in range(kernel)
    ]
    return count, sorted(item for item in found if 0 <= item[0] < length)


class Stateless:
    """A node whose output follows from its input alone."""

    def __init__(self, node):
        self.node, self.kind = node, node["type"]

    def step(self, x):
        return getattr(self, "_" + self.kind.lower())(x)

    def _linear(self, x):
        weight = self.node["weight"].astype(float)
        result = numpy.zeros(weight.shape[0])
        for column in numpy.flatnonzero(x):
            result += weight[:, column] * x[column]
        return result

    def _affine(self, x):
        return self._linear(x) + self.node["bias"].astype(float)

    def _scale(self, x):
        return self.node["scale"].astype(float) * x

    def _flatten(self, x):
        first, last = int(self.node["start_dim"]), int(self.node["end_dim"]) % x.ndim
        return x.reshape(x.shape[:first] + (-1,) + x.shape[last + 1:])

    def _convolve(self, x, weight, bias, stride, padding, dilation, groups):
        """A cross-correlation of channels, rows and columns."""
        outputs, _, rows, columns = weight.shape
        high, row_taps = taps(x.shape[1], rows, stride[0], (padding[0], padding[0]), dilation[0])
        wide, column_taps = taps(x.shape[2], columns, stride[1], (padding[1], padding[1]), dilation[1])
        result = numpy.zeros((outputs, high, wide))
        inputs, per_group = x.shape[0] // groups, outputs // groups
        for channel in range(x.shape[0]):
            group = slice(channel // inputs * per_group, (channel // inputs + 1) * per_group)
            for row, tap_row, output_row in row_taps:
                for column, tap_column, output_column in column_taps:
                    if x[channel, row, column] != 0:
                        taken = weight[group, channel % inputs, tap_row, tap_column]
                        result[group, output_row, output_column] += taken * x[channel, row, column]
        return result + bias[:, None, None]

    def _pair(self, name):
        values = numpy.atleast_1d(self.node[name])
        return [int(values[0]), int(values[-1])]

    def _conv2d(self, x):
        weight, bias = self.node["weight"].astype(float), self.node["bias"].astype(float)
        pairs = (self._pair("stride"), self._pair("padding"), self._pair("dilation"))
        return self._convolve(x, weight, bias, *pairs, int(self.node["groups"]))

    def _conv1d(self, x):
        weight, bias = self.node["weight"].astype(float), self.node["bias"].astype(float)
        pairs = ([1, int(self.node[name])] for name in ("stride", "dilation"))
        stride, dilation = pairs
        padding = [0, int(self.node["padding"])]
        result = self._convolve(x[:, None], weight[:, :, None], bias, stride, padding, dilation, int(self.node["groups"]))
        return result[:, 0]

    def _pool(self, x, share):
        window, stride, padding = (self._pair(name) for name in ("kernel_size", "stride", "padding"))
        channels = x.shape[0]
        weight = numpy.full((channels, 1, *window), share)
        return self._convolve(x, weight, numpy.zeros(channels), stride, padding, [1, 1], channels)

    def _sumpool2d(self, x):
        return self._pool(x, 1.0)

    def _avgpool2d(self, x):
        return self._pool(x, 1.0 / math.prod(self._pair("kernel_size")))

    def _threshold(self, x):
        return (x > self.node["threshold"].astype(float)).astype(float)


class Delay:
    """The value of some ticks before."""

    def __init__(self, node, choices):
        self.ticks = numpy.rint(numpy.asarray(node["delay"], float) / choices["dt"]).astype(int)
        self.past = []

    def front(self, shape):
        """What leaves in this tick, where every element is late; needs nothing of this tick."""
        ticks = numpy.broadcast_to(self.ticks, shape)
        result = numpy.zeros(shape)
        for place in numpy.ndindex(*shape):
            if 0 < ticks[place] <= len(self.past):
                result[place] = self.past[-ticks[place]][place]
        return result

    def step(self, x):
        result = self.front(x.shape)
        now = numpy.broadcast_to(self.ticks, x.shape) == 0
        result[now] = x[now]
        self.past.append(x)
        return result


class Neuron:
    """A population with state."""

    def __init__(self, node, shape, choices):
        kind, self.choices = node["type"], choices
        field = lambda name, default=0.0: numpy.broadcast_to(numpy.asarray(node.get(name, default), float), shape)
        self.graded = kind in GRADED
        self.v, self.i = numpy.zeros(shape), None
        self.r, self.leak = field("r"), field("v_leak")
        self.f = None if kind in ("I", "IF") else factor(choices, field("tau_mem" if "Cuba" in kind else "tau"))
        if "Cuba" in kind:
            self.i, self.w_in, self.f_syn = numpy.zeros(shape), field("w_in", 1.0), factor(choices, field("tau_syn"))
        if not self.graded:
            self.theta = field("v_threshold")
            self.to = field("v_reset") if choices["convention"] == "nir" else numpy.zeros(shape)
            self.spiked = numpy.zeros(shape, bool)

    def step(self, x):
        if self.i is not None:
            self.i = self.i + self.f_syn * (-self.i + self.w_in * x)
            x = self.i
        before = self.v
        if self.f is None:
            v = self.v + self.r * x
        else:
            v = self.v + self.f * (self.leak - self.v + self.r * x)
        if self.graded:
            self.v = v
            return v
        above = numpy.greater if self.choices["compare"] == "gt" else numpy.greater_equal
        reset, delay = self.choices["reset"], self.choices.get("reset_delay")
        if reset == "subtract" and delay == 1:
            v = v - numpy.where(self.spiked, self.theta, 0.0)
            self.spiked = above(v, self.theta)
            self.v = v
            return self.spiked.astype(float)
        pending = above(before, self.theta) if (reset, delay) == ("subtract", 0) else numpy.zeros(v.shape, bool)
        fires = above(numpy.where(pending, v - self.theta, v), self.theta)
        self.v = numpy.where(fires, v - self.theta if reset == "subtract" else self.to, v)
        return fires.astype(float)


def run(path, inputs, choices):
    """What every population and output of a file hands on: name to array, ticks first.

    `inputs` holds an array for each Input node, ticks first; `choices` dt, convention, integrator, reset, reset_delay
    and compare.
    """
    nodes, edges = read(path)
    walk = Walk(nodes, edges)
    before = {name: [source for source, target in edges if target == name] for name in nodes}
    machines, results = {}, {name: [] for name, node in nodes.items() if node["type"] in POPULATIONS | {"Output"}}
    now = {}
    for tick in range(len(next(iter(inputs.values())))):
        past, now = now, {}

        def arriving(name):
            parts = []
            for source in before[name]:
                if (source, name) not in walk.late:
                    parts.append(now[source])
                elif source in past:
                    parts.append(past[source])
            return sum(parts[1:], parts[0]) if parts else None

        for name in walk.order:
            node = nodes[name]
            if node["type"] == "Input":
                now[name] = inputs[name][tick].astype(float)
            elif node["type"] == "Delay" and any((source, name) in walk.late for source in before[name]):
                # In a cycle: what comes in is known when the tick is over.
                machine = machines.setdefault(name, Delay(node, choices))
                now[name] = machine.front(numpy.shape(node["delay"]))
            else:
                x = arriving(name)
                if x is None:
                    x = numpy.zeros(len_of_input(node))
                if name not in machines:
                    machines[name] = machine_of(node, x.shape, choices)
                now[name] = machines[name].step(x)
            if name in results:
                results[name].append(now[name])
        for name in walk.order:
            if nodes[name]["type"] == "Delay" and any((source, name) in walk.late for source in before[name]):
                machines[name].past.append(sum((now[source] for source in before[name][1:]), now[before[name][0]]))
    return {name: numpy.array(values) for name, values in results.items()}


def len_of_input(node):
    """Elements that come into a matrix whose source has not handed on anything yet."""
    return node["weight"].shape[1]


def machine_of(node, shape, choices):
    """What steps a node."""
    kind = node["type"]
    if kind == "Output":
        return Copy()
    if kind == "Delay":
        return Delay(node, choices)
    if kind in POPULATIONS - {"Threshold"}:
        return Neuron(node, shape, choices)
    return Stateless(node)


class Copy:
    """Hands on what it gets."""

    def step(self, x):
        return x
