"""Compile time and memory from 0.1 to 10 million synapses over a board of 48 chips.

Networks are chains of dense layers of 316 LIF neurons, and one dense matrix. Prints a table; `per synapse` is relative to
the smallest network of its kind. Needs the packages numpy and nir.

    python tests/bench/mapping_scaling.py target/release/s2c
"""

import json
import os
import subprocess
import sys
import tempfile
import time

import nir
import numpy as np


def network(widths, path):
    random = np.random.default_rng(0)
    nodes = {"input": nir.Input({"input": np.array([widths[0]])})}
    edges, before = [], "input"
    for number, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        weight = (random.standard_normal((outputs, inputs)) / np.sqrt(inputs)).astype(np.float32)
        one = np.ones(outputs, np.float32)
        nodes[f"w{number}"] = nir.Linear(weight)
        nodes[f"n{number}"] = nir.LIF(tau=one * 0.01, r=one, v_leak=one * 0, v_threshold=one)
        edges += [(before, f"w{number}"), (f"w{number}", f"n{number}")]
        before = f"n{number}"
    nodes["output"] = nir.Output({"output": np.array([widths[-1]])})
    nir.write(path, nir.NIRGraph(nodes, edges + [(before, "output")]))


def compile_one(s2c, widths, folder):
    model, report = os.path.join(folder, "model.nir"), os.path.join(folder, "report.json")
    network(widths, model)
    command = [s2c, "compile", model, "-O2", "--convention", "norse", "--dt", "1e-3", "--reset", "zero", "--weight-bits",
               "16", "--target", "spinnaker2-board48", "-o", os.path.join(folder, "out.bin"), "--report", report]
    start = time.monotonic()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return time.monotonic() - start, usage, json.load(open(report))


def main(s2c):
    kinds = [("chain of 316", lambda n: [316] * (round(n / 316**2) + 1)), ("one matrix", lambda n: [round(n**0.5)] * 2)]
    print("network        synapses  seconds  CPU s  per synapse  MiB  PEs  chips  router entries")
    for name, widths in kinds:
        first = None
        for synapses in (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000):
            with tempfile.TemporaryDirectory() as folder:
                seconds, usage, report = compile_one(s2c, widths(synapses), folder)
            cpu = usage.ru_utime + usage.ru_stime
            first = first or cpu / report["synapses"]
            print(f"{name:12} {report['synapses']:10} {seconds:8.2f} {cpu:6.2f} {cpu / report['synapses'] / first:12.3f} "
                  f"{usage.ru_maxrss / 1024:4.0f} {report['pes']:4} {report['chips']:6} {report['router_entries']:6}")


main(sys.argv[1])
