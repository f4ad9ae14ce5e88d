"""Spiking neurons in PyTorch, tick by tick as s2c runs them.

Forward Euler with factor f = dt / tau; a membrane strictly above its threshold fires and the threshold is taken off it
in the same tick. f and the gains are powers of two here, so that multiplying by them rounds nothing.
"""

import torch

SURROGATE_SLOPE = 2.0


class Fire(torch.autograd.Function):
    """1 where the argument, membrane minus threshold, is above zero.

    The gradient is that of a fast sigmoid (F. Zenke and S. Ganguli, "SuperSpike", Neural Computation 30, 2018).
    """

    @staticmethod
    def forward(context, above):
        context.save_for_backward(above)
        return (above > 0).to(above.dtype)

    @staticmethod
    def backward(context, gradient):
        (above,) = context.saved_tensors
        return gradient / (1 + SURROGATE_SLOPE * above.abs()) ** 2


def charge(state, factor, gain, x):
    """A leaky state after one tick with input x."""
    return state + factor * (gain * x - state)


def fire(membrane, threshold):
    """Spikes, and the membrane after its reset by subtraction. The reset passes no gradient through the spikes."""
    spikes = Fire.apply(membrane - threshold)
    return spikes, membrane - spikes.detach() * threshold


def lif(x, factor, threshold):
    """Spikes of a LIF population with gain 1 / factor, for inputs (samples, ticks, ...) known for all ticks.

    `threshold` is broadcast to one sample and tick of x.
    """
    membrane, spikes = torch.zeros_like(x[:, 0]), []
    for tick in range(x.shape[1]):
        fired, membrane = fire(charge(membrane, factor, 1 / factor, x[:, tick]), threshold)
        spikes.append(fired)
    return torch.stack(spikes, 1)
