"""Populations, projections and networks. Constructors refuse what the hardware refuses."""

import numpy as np

NEURON = {"threshold", "alpha_decay", "i_offset", "v_reset", "reset"}
#: Per model: parameters, largest weight, most neurons per PE.
MODELS = {
    "lif_no_delay": (NEURON, 127, 250),
    "lif_conv2d": (NEURON, 127, 256),
    "lif_curr_exp_no_delay": (NEURON | {"exc_decay", "inh_decay", "t_refrac"}, 127, 250),
    "spike_list": (None, 0, 4096),
}
RESETS = ("reset_by_subtraction", "reset_to_v_reset")
RECORDS = {"spikes", "v", "time_done"}
CONV_PARAMS = {"in_height", "in_width", "stride_x", "stride_y", "pool_x", "pool_y"} | {
    f"pad_{side}" for side in ("top", "bottom", "left", "right")
}


class Population:
    """Neurons of one model."""

    def __init__(self, size, neuron_model, params, name, record=()):
        if neuron_model not in MODELS:
            raise ValueError(f"unknown neuron model {neuron_model!r}")
        if set(record) - RECORDS:
            raise ValueError(f"{name}: can't record {sorted(set(record) - RECORDS)}")
        self.size, self.neuron_model, self.name, self.record = size, neuron_model, name, set(record)
        self.params = params
        self.atoms_per_core = MODELS[neuron_model][2]
        self.spikes = self.voltages = self.time_done = None
        if neuron_model != "spike_list":
            self._check_parameters()

    def _check_parameters(self):
        known = MODELS[self.neuron_model][0]
        if set(self.params) - known:
            raise ValueError(f"{self.name}: {self.neuron_model} has no {sorted(set(self.params) - known)}")
        for key in known - {"reset"}:
            value = self.params[key]
            if np.size(value) not in (1, self.size) or isinstance(value, np.ndarray):
                raise ValueError(f"{self.name}: {key} needs a number or a list of {self.size}")
            if not np.isfinite(value).all():
                raise ValueError(f"{self.name}: {key} is not finite")
        if self.params["reset"] not in RESETS:
            raise ValueError(f"{self.name}: unknown reset {self.params['reset']!r}")
        if self.params.get("t_refrac", 0) != 0:
            raise NotImplementedError("refractory periods")

    def parameter(self, key):
        """A parameter as float32, one value per neuron."""
        return np.broadcast_to(np.asarray(self.params[key], np.float32), (self.size,))

    def set_max_atoms_per_core(self, atoms):
        if not 1 <= atoms <= MODELS[self.neuron_model][2]:
            raise ValueError(f"{self.name}: {atoms} neurons per PE")
        self.atoms_per_core = atoms

    def cores(self):
        return -(-self.size // self.atoms_per_core)

    def _recorded(self, what, value):
        if what not in self.record or value is None:
            raise RuntimeError(f"{self.name}: {what} was not recorded")
        return value

    def get_spikes(self):
        """The ticks of each neuron's spikes."""
        spikes = self._recorded("spikes", self.spikes)
        return {neuron: np.flatnonzero(spikes[:, neuron]).tolist() for neuron in range(self.size)}

    def get_voltages(self):
        """Membranes after each tick, by neuron."""
        voltages = self._recorded("v", self.voltages)
        return {neuron: voltages[:, neuron] for neuron in range(self.size)}

    def get_time_done_times(self):
        """Microseconds that each PE took, by tick."""
        return self._recorded("time_done", self.time_done)


class Projection:
    """Synapses as rows [pre, post, weight, delay]."""

    def __init__(self, pre, post, connections):
        if post.neuron_model in ("lif_conv2d", "spike_list"):
            raise ValueError(f"{post.neuron_model} takes no Projection")
        rows = np.asarray(connections)
        if rows.ndim != 2 or rows.shape[1] != 4 or not np.issubdtype(rows.dtype, np.integer):
            raise ValueError("connections are rows of four integers")
        sources, targets, weights, delays = rows.T
        if (rows[:, :2] < 0).any() or (sources >= pre.size).any() or (targets >= post.size).any():
            raise ValueError(f"{pre.name} -> {post.name}: there is no such neuron")
        if (np.abs(weights) > MODELS[post.neuron_model][1]).any():
            raise ValueError(f"{pre.name} -> {post.name}: a weight beyond 127")
        if delays.any():
            raise ValueError(f"{post.neuron_model} has no delays")
        self.pre, self.post = pre, post
        order = np.argsort(sources, kind="stable")
        self.targets, self.weights = targets[order], weights[order].astype(np.float64)
        self.starts = np.searchsorted(sources[order], np.arange(pre.size + 1))

    def deliver(self, spikes):
        """Excitation and inhibition that a tick's spikes cause."""
        active = np.flatnonzero(spikes)
        rows = [np.arange(self.starts[pre], self.starts[pre + 1]) for pre in active]
        rows = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        targets, weights = self.targets[rows], self.weights[rows]

        def total(weights):
            return np.bincount(targets, weights, self.post.size).astype(np.float32)

        return total(np.maximum(weights, 0)), total(np.maximum(-weights, 0))


class Conv2DProjection:
    """A convolution of sums over pooling windows."""

    def __init__(self, pre, post, weights, params):
        if weights.dtype != np.int8 or weights.ndim != 4 or (weights == -128).any():
            raise ValueError("a kernel is int8 of (in, out, rows, columns), -127 to 127")
        if post.neuron_model != "lif_conv2d":
            raise ValueError("Conv2DProjection leads to lif_conv2d")
        if set(params) != CONV_PARAMS:
            raise ValueError(f"parameters {sorted(set(params) ^ CONV_PARAMS)}")
        self.pre, self.post, self.params = pre, post, params
        height, width = params["in_height"], params["in_width"]
        if pre.size != weights.shape[0] * height * width:
            raise ValueError(f"{pre.name} is no map of {weights.shape[0]} x {height} x {width}")
        if height % params["pool_y"] or width % params["pool_x"]:
            raise ValueError("pooling windows don't fit the input")
        kernel = weights.astype(np.float32).transpose(1, 0, 2, 3)
        self.shape = weights.shape
        flat = kernel.reshape(kernel.shape[0], -1)
        self.kernels = np.maximum(flat, 0), np.maximum(-flat, 0)
        if self._columns(np.zeros(pre.size, np.float32)).shape[1] * kernel.shape[0] != post.size:
            raise ValueError(f"the convolution's output is not the size of {post.name}")

    def _columns(self, spikes):
        p, (channels, _, rows, columns) = self.params, self.shape
        py, px = p["pool_y"], p["pool_x"]
        image = spikes.reshape(channels, p["in_height"] // py, py, p["in_width"] // px, px).sum((2, 4))
        padding = (0, 0), (p["pad_top"], p["pad_bottom"]), (p["pad_left"], p["pad_right"])
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(image, padding), (rows, columns), (1, 2))
        windows = windows[:, :: p["stride_y"], :: p["stride_x"]]
        return windows.transpose(0, 3, 4, 1, 2).reshape(channels * rows * columns, -1)

    def deliver(self, spikes):
        """Excitation and inhibition that a tick's spikes cause."""
        columns = self._columns(spikes)
        return tuple((kernel @ columns).reshape(-1) for kernel in self.kernels)


class Network:
    """Populations and projections."""

    def __init__(self, name):
        self.name, self.populations, self.projections = name, [], []

    def add(self, *items):
        for item in items:
            (self.populations if isinstance(item, Population) else self.projections).append(item)

    def validate(self):
        """Checks what only the whole network shows."""
        names = [population.name for population in self.populations]
        if len(set(names)) != len(names):
            raise ValueError("two populations have one name")
        for projection in self.projections:
            if projection.pre not in self.populations or projection.post not in self.populations:
                raise ValueError("a projection of a population that was not added")
        for population in self.populations:
            into = [projection for projection in self.projections if projection.post is population]
            if population.neuron_model == "lif_conv2d" and len(into) != 1:
                raise ValueError(f"{population.name}: lif_conv2d takes one projection")
            if population.neuron_model == "spike_list":
                for neuron, ticks in population.params.items():
                    if not 0 <= neuron < population.size or list(ticks) != sorted(set(ticks)):
                        raise ValueError(f"{population.name}: bad spike list of neuron {neuron}")
