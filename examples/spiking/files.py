"""Spikes in files that s2c reads: packed eight to a byte, with their shape."""

import numpy as np


def save_spikes(path, spikes, **more):
    """Writes spikes, an array (samples, ticks, ...) of 0 and 1, and further arrays, such as `labels`."""
    spikes = np.asarray(spikes).astype(np.uint8)
    packed = np.packbits(spikes.reshape(len(spikes), -1), axis=1)
    np.savez_compressed(path, spikes_packed=packed, shape=np.array(spikes.shape), **more)
