"""The chip."""

from . import _programs

#: PEs of a chip for applications.
PES = 148


class SpiNNaker2Chip:
    """A chip, for one run."""

    pes = PES
    #: True for programs that fire at the threshold, too; both rules are believed by someone.
    fires_at = False
    #: Ticks in which every PE overruns, for tests of who notices.
    late = ()

    def __init__(self, eth_ip=None):
        self.eth_ip, self.has_run = eth_ip, False

    def run(self, net, timesteps, sys_tick_in_s=1e-3, debug=True):
        if self.has_run:
            raise RuntimeError("a hardware object serves one run")
        if not sys_tick_in_s > 0:
            raise ValueError("a tick takes time")
        cores = sum(population.cores() for population in net.populations)
        if cores > self.pes:
            raise RuntimeError(f"{cores} PEs are needed, there are {self.pes}")
        self.has_run = True
        _programs.run(net, timesteps, self.fires_at, self.late)


class SpiNNcloud48NodeBoard(SpiNNaker2Chip):
    """A board of 48 chips, for one run."""

    pes = 48 * PES

    def __init__(self, stm_ip=None, eth_ip=None):
        super().__init__(eth_ip)
        self.stm_ip = stm_ip
