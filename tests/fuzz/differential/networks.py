"""Random networks that reach every primitive of NIR, written with h5py, and inputs for them."""

import h5py
import numpy

NAMES = ["0", "1.lif", "a b", "node:v", "output", "ünï", "数", "%x", '"q"', "-", "lif1.w_rec{0}", "x=y"]


class Network:
    """A graph in the making; a value is the name of a node with the shape of what it hands on."""

    def __init__(self, seed):
        self.random = numpy.random.default_rng(seed)
        self.nodes, self.edges, self.cycles = {}, [], 0
        self.dt = float(10.0 ** self.random.integers(-4, 1))
        # What a unit of the network's potentials is: thresholds, weights and leaks lie around it.
        self.unit = float(10.0 ** self.random.integers(-6, 7))
        self._build()

    def add(self, kind, sources, **fields):
        name = str(self.random.choice(NAMES)) if self.random.random() < 0.2 else f"n{len(self.nodes)}"
        if name in self.nodes:
            name = f"n{len(self.nodes)}"
        self.nodes[name] = {"type": kind, **fields}
        self.edges += [(source, name) for source in sources]
        return name

    def chance(self, probability):
        return self.random.random() < probability

    def weights(self, *shape):
        fan_in = max(1, int(numpy.prod(shape[1:])))
        weight = self.random.normal(0.3, 1.0, shape) * self.unit / numpy.sqrt(fan_in)
        weight[self.random.random(shape) < 0.2] = 0.0
        if self.chance(0.2):
            # Rows whose weights differ by orders of magnitude.
            weight *= 10.0 ** self.random.integers(-6, 1, (shape[0],) + (1,) * (len(shape) - 1))
        if self.chance(0.1):
            weight.flat[0] = 1e-42
        return weight.astype(numpy.float32)

    def parameter(self, shape, low, high):
        """One number for all, a number per element, or one that is broadcast."""
        kind = self.random.integers(3)
        if kind == 0:
            return self.random.uniform(low, high, shape)
        value = self.random.uniform(low, high)
        return numpy.full(shape, value) if kind == 1 else numpy.array([value])

    def gain(self, tau):
        """What cancels dt / tau, as exporters write it, or nothing."""
        return tau / self.dt if self.chance(0.7) else 1.0

    def population(self, source, shape, spiking=True):
        kinds = ["IF", "LIF", "CubaLIF", "LIF", "CubaLIF"] if spiking else ["I", "LI", "CubaLI"]
        kind = str(self.random.choice(kinds))
        leaky, cuba = kind not in ("I", "IF"), "Cuba" in kind
        fields = {"r": self.parameter(shape, 0.5, 2.0)}
        if leaky:
            tau = "tau_mem" if cuba else "tau"
            fields |= {tau: self.dt * self.parameter(shape, 1.2, 40.0)}
            fields |= {"r": fields["r"] * self.gain(fields[tau])}
        if cuba:
            fields |= {"tau_syn": self.dt * self.parameter(shape, 1.2, 40.0)}
            fields |= {"w_in": self.parameter(shape, 0.5, 2.0) * self.gain(fields["tau_syn"])}
        if leaky:
            leak = self.parameter(shape, -0.3, 0.3) if self.chance(0.3) else numpy.zeros(shape)
            fields |= {"v_leak": leak * self.unit}
        if spiking:
            fields |= {"v_threshold": self.parameter(shape, 0.4, 1.5) * self.unit}
            reset = self.parameter(shape, -0.3, 0.2) if self.chance(0.3) else numpy.zeros(shape)
            fields |= {"v_reset": reset * self.unit}
        return self.add(kind, [source], **fields)

    def connection(self, source, shape):
        """A connection of a random kind behind a value; name and shape."""
        if len(shape) == 1:
            size = int(self.random.integers(1, 9))
            if self.chance(0.3):
                scale = self.random.normal(1.0, 0.5, shape) * self.unit
                return self.add("Scale", [source], scale=scale.astype(numpy.float32)), shape
            if self.chance(0.5):
                return self.add("Linear", [source], weight=self.weights(size, shape[0])), (size,)
            bias = self.random.normal(0.0, 0.1, size) * self.unit
            weight = self.weights(size, shape[0])
            return self.add("Affine", [source], weight=weight, bias=bias.astype(numpy.float32)), (size,)
        return self.convolution(source, shape)

    def convolution(self, source, shape):
        axes, channels = len(shape) - 1, shape[0]
        groups = int(self.random.choice([1, channels])) if self.chance(0.3) else 1
        outputs = groups * int(self.random.integers(1, 4))
        kernel = [int(self.random.integers(1, 1 + min(3, size))) for size in shape[1:]]
        numbers = lambda low, high: [int(self.random.integers(low, high)) for _ in range(axes)]
        stride, padding = numbers(1, 3), numbers(0, 2)
        reach = min(size // max(1, k - 1) if k > 1 else 2 for size, k in zip(shape[1:], kernel))
        dilation = [int(self.random.integers(1, max(2, min(3, reach))))] * axes
        length = lambda axis: shape[1 + axis] + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1
        if min(map(length, range(axes))) < 0:
            dilation = [1] * axes
        output = (outputs, *(length(axis) // stride[axis] + 1 for axis in range(axes)))
        bias = self.random.normal(0.0, 0.05, outputs) * self.unit * self.chance(0.5)
        fields = {"weight": self.weights(outputs, channels // groups, *kernel), "bias": bias.astype(numpy.float32),
                  "groups": groups}
        if axes == 1:
            fields |= {"input_shape": shape[1], "stride": stride[0], "padding": padding[0], "dilation": dilation[0]}
        else:
            fields |= {"input_shape": numpy.array(shape[1:])}
            fields |= {name: numpy.array(pair) for name, pair in
                       (("stride", stride), ("padding", padding), ("dilation", dilation))}
        return self.add(f"Conv{axes}d", [source], **fields), output

    def pool(self, source, shape):
        size = numpy.array([int(self.random.integers(1, 1 + min(2, length))) for length in shape[1:]])
        stride = size if self.chance(0.7) else numpy.array([1, 1])
        padding = numpy.array([int(self.chance(0.2) and size.min() > 1)] * 2)
        kind = str(self.random.choice(["SumPool2d", "AvgPool2d"]))
        output = (shape[0], *((length + 2 * p - k) // s + 1 for length, p, k, s in zip(shape[1:], padding, size, stride)))
        return self.add(kind, [source], kernel_size=size, stride=stride, padding=padding), tuple(map(int, output))

    def _stage(self, source, shape, last):
        if len(shape) == 3 and self.chance(0.4):
            source, shape = self.pool(source, shape)
        if len(shape) > 1 and self.chance(0.3):
            source = self.add("Flatten", [source], start_dim=0, end_dim=-1, input_type=numpy.array(shape))
            shape = (int(numpy.prod(shape)),)
        if self.chance(0.25):
            late = self.random.integers(0, 4, shape) if self.chance(0.3) else numpy.full(shape, self.random.integers(0, 4))
            source = self.add("Delay", [source], delay=late * self.dt)
        source, shape = self.connection(source, shape)
        if self.chance(0.1):
            threshold = self.parameter(shape, 0.1, 0.9) * self.unit
            neurons = self.add("Threshold", [source], threshold=numpy.broadcast_to(threshold, shape).copy())
        else:
            neurons = self.population(source, shape, spiking=not (last and self.chance(0.2)))
            self._loop(source, neurons, shape)
        return neurons, shape

    def _loop(self, source, neurons, shape):
        """Spikes that come back to their own population."""
        spiking = "v_threshold" in self.nodes[neurons]
        if not spiking or len(shape) > 1 or not self.chance(0.25):
            return
        self.cycles += 1
        weight = self.weights(shape[0], shape[0]) * numpy.float32(0.3)
        back = neurons
        if self.chance(0.3):
            back = self.add("Delay", [neurons], delay=numpy.full(shape, self.random.integers(1, 4)) * self.dt)
        back = self.add("Linear", [back], weight=weight)
        self.edges.append((back, neurons))

    def _build(self):
        shapes = [(int(self.random.integers(1, 9)),), (2, 9), (2, 7, 6), (1, 5, 5)]
        shape = shapes[self.random.choice(4, p=[0.5, 0.1, 0.25, 0.15])]
        self.input = (self.add("Input", [], shape=numpy.array(shape)), shape)
        values = [self.input]
        stages = int(self.random.integers(1, 4))
        for stage in range(stages):
            values.append(self._stage(*values[-1], last=stage == stages - 1))
        self._skip(values)
        last, shape = values[-1]
        if self.chance(0.15):
            last = self.add("Delay", [last], delay=numpy.full(shape, self.random.integers(1, 4)) * self.dt)
        self.output = self.add("Output", [last], shape=numpy.array(shape))

    def _skip(self, values):
        """Another connection, past a population, into one that is there."""
        flat = [(name, shape) for name, shape in values[:-1] if len(shape) == 1]
        if flat and len(values[-1][1]) == 1 and self.chance(0.3):
            (source, (inputs,)), (target, (outputs,)) = flat[self.random.integers(len(flat))], values[-1]
            self.edges.append((self.add("Linear", [source], weight=self.weights(outputs, inputs)), target))

    def write(self, path):
        with h5py.File(path, "w") as file:
            file["version"] = "1.0.8"
            file["node/type"] = "NIRGraph"
            self._write_nodes(file.create_group("node/nodes"))
            file.create_dataset("node/edges", data=numpy.array(self.edges, dtype=h5py.string_dtype()))

    def _write_nodes(self, group):
        for name, node in self.nodes.items():
            fields = group.create_group(name)
            for key, value in node.items():
                fields[key] = value

    def inputs(self, ticks, limit):
        """Counts of spikes."""
        spikes = self.random.random((ticks, *self.input[1])) < self.random.uniform(0.05, 0.6)
        return (spikes * self.random.integers(1, limit + 1, spikes.shape)).astype(numpy.uint8)
