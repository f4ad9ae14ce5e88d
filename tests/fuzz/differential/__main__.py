"""Differential fuzzing: random networks on every engine of s2c, and on a reference that shares no code with it.

Usage: python tests/fuzz/differential [--networks N] [--hours H] [--seed S] [--s2c FILE] [--keep DIR]

Every network is run by `simulate --precision f64` and by reference.py, whose cells must be equal; and by the integer
interpreter, the reference engine and the machine code, whose cells must be equal, at random widths, states and levels
of optimisation. Each network is also changed in a way that must not matter (laws.py). One that differs is kept with the
commands that show it. The exit code is 1 if there is any.
"""

import argparse
import concurrent.futures
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import laws  # noqa: E402
import networks  # noqa: E402
import reference  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[3]
TICKS = 40
# Refusals that are an answer: what a network asks for is beyond the integers or the chip, and is said so.
REFUSALS = {"neuron-too-wide"}


class Failure(Exception):
    """Something that must not happen."""


class Case:
    """A network with its choices, in a folder of its own."""

    def __init__(self, seed, s2c, folder):
        self.seed, self.network, self.s2c = seed, networks.Network(seed), s2c
        self.folder = pathlib.Path(folder)
        random = numpy.random.default_rng([seed, 1])
        pick = lambda *options: options[random.integers(len(options))]
        reset = pick("subtract", "zero", "subtract")
        self.choices = {"dt": self.network.dt, "convention": "norse", "integrator": pick("euler", "exponential"),
                        "reset": reset, "compare": pick("gt", "ge")}
        if reset == "subtract" and random.random() < 0.4:
            self.choices["reset_delay"] = int(random.integers(2))
        self.limit = int(pick(1, 1, 3))
        self.mapping = ["-O" + pick("0", "1", "2", "s"), "--weight-bits", pick("8", "8", "16", "4", "2", "5"),
                        "--state", pick("fixed", "fixed", "fixed8", "f32")]
        self.commands = []
        self.model, self.input = self.folder / "net.nir", self.folder / "input.npy"
        self.network.write(self.model)
        self.spikes = self.network.inputs(TICKS, self.limit)
        numpy.save(self.input, self.spikes)

    def reading(self):
        named = {"dt": repr(self.choices["dt"])} | {key: value for key, value in self.choices.items() if key != "dt"}
        options = [word for key, value in named.items() for word in ("--" + key.replace("_", "-"), str(value))]
        return [*options, "--input-limit", str(self.limit)]

    def call(self, *words, environment=None):
        words = [str(word) for word in words]
        self.commands.append(" ".join(words))
        done = subprocess.run([self.s2c, *words], capture_output=True, text=True, timeout=120, env=environment)
        if done.returncode not in (0, 1):
            raise Failure(f"exit code {done.returncode} of `{words[0]}`\n{done.stderr[-2000:]}")
        return done

    def records(self, tag):
        """Options that record every population, and the files by name."""
        populations = [name for name, node in self.network.nodes.items()
                       if node["type"] in reference.POPULATIONS and "=" not in name]
        files = {name: self.folder / f"{tag}{place}.npy" for place, name in enumerate(populations)}
        return [f"--record={name}={file}" for name, file in files.items()], files

    def executed(self, tag, *words):
        """Runs a command with recordings: arrays of all populations and of the output."""
        options, files = self.records(tag)
        output = self.folder / f"{tag}.npy"
        done = self.call(*words, "--input", self.input, "--output", output, *options)
        if done.returncode != 0:
            raise Failure(f"refused: {done.stderr[:2000]}")
        return {name: numpy.load(file) for name, file in {**files, self.network.output: output}.items()}

    def float_level(self):
        """Cells, and cells that differ, of the float interpreter and the reference."""
        found = self.executed("float", "simulate", self.model, *self.reading(), "--precision", "f64")
        expected = reference.run(self.model, {self.network.input[0]: self.spikes}, self.choices)
        cells, differing = 0, []
        self.active = any(values.any() for values in found.values())
        for name, values in found.items():
            wanted = expected[name].reshape(values.shape)
            # Values leave as float32, and an accumulation of them is compared to the last bits of that.
            equal = values == wanted if values.dtype.kind in "ui" else numpy.isclose(
                values, wanted, rtol=1e-6, atol=1e-6 * max(1e-300, numpy.abs(wanted).max(initial=0.0)))
            cells += values.size
            if not equal.all():
                tick = int(numpy.argwhere(~equal)[0][0])
                differing.append(f"`{name}`: {int((~equal).sum())} cells, the first in tick {tick}")
        return cells, differing

    def integer_level(self):
        """The same for integer interpreter, reference engine and machine code; none where the network is refused."""
        binary, dump = self.folder / "out.bin", self.folder / "qsnn.mlir"
        done = self.call("compile", self.model, *self.reading(), *self.mapping, "-o", binary)
        if done.returncode != 0:
            code = done.stderr.split("error[")[-1].split("]")[0]
            if code in REFUSALS:
                return 0, []
            raise Failure(f"refused: {done.stderr[:2000]}")
        self.call("compile", self.model, *self.reading(), *self.mapping, "--emit", "qsnn", "-o", dump)
        found = {"integers": self.executed("integers", "simulate", dump)}
        for engine in ("reference", "chip"):
            found[engine] = self.executed(engine, "run", binary, "--engine", engine)
        cells, differing = 0, []
        for name, wanted in found["integers"].items():
            for engine in ("reference", "chip"):
                values = found[engine][name]
                cells += values.size
                if values.shape != wanted.shape or not (values == wanted).all():
                    differing.append(f"`{name}` differs between the integer interpreter and `{engine}`")
        law = laws.ALL[self.seed % len(laws.ALL)]
        return cells, differing + law(self, found["chip"][self.network.output], binary.read_bytes())


def check(seed, s2c, keep):
    """The case, cells compared at both levels, and what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        case, wrong, floats, integers = None, [], 0, 0
        try:
            case = Case(seed, s2c, folder)
            floats, wrong = case.float_level()
            integers, more = case.integer_level()
            wrong = wrong + more
        except (Failure, subprocess.TimeoutExpired) as failure:
            wrong.append(str(failure))
        if wrong and keep:
            kept = pathlib.Path(keep) / str(seed)
            shutil.copytree(folder, kept, dirs_exist_ok=True)
            (kept / "commands.txt").write_text("\n".join([*case.commands, "", *wrong, ""]))
        return case, floats, integers, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=200)
    parser.add_argument("--hours", type=float, help="go on with further seeds until so much time has passed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--s2c", default=str(ROOT / "target/release/s2c"))
    parser.add_argument("--keep", help="folder for networks that differ")
    arguments = parser.parse_args()
    start, done, floats, integers, active, refused, failed = time.monotonic(), 0, 0, 0, 0, 0, 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        seed = arguments.seed
        while done < arguments.networks or (arguments.hours or 0) * 3600 > time.monotonic() - start:
            batch = range(seed, seed + min(50, max(arguments.networks - done, 50 if arguments.hours else 1)))
            seed = batch.stop
            results = pool.map(lambda seed: check(seed, arguments.s2c, arguments.keep), batch)
            for number, (case, some, more, wrong) in zip(batch, results):
                done, floats, integers, refused = done + 1, floats + some, integers + more, refused + (more == 0)
                active += getattr(case, "active", False)
                if wrong:
                    failed += 1
                    print(f"network {number}: " + "; ".join(wrong), flush=True)
    print(f"{done} networks, {active} with spikes: {floats} cells at float level, {integers} of integers, {refused} "
          f"without integers, {failed} that differ, {time.monotonic() - start:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
