"""The vendor's simulation of its programs."""

from . import _programs


class Brian2Backend:
    """Runs on the host; records no times."""

    def run(self, net, timesteps):
        _programs.run(net, timesteps)
        for population in net.populations:
            population.time_done = None
