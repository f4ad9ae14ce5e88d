"""All figures of the project in one run: counts, ratios, and the difference to a stored baseline.

Usage: bench.py [--samples N] [--peers PYTHON] [--write-baseline]

Networks are those of examples/ and, where it is there, of ../shared/data. Counts (instructions, cycles, bytes, PEs) are
exact and compared with tests/bench/baseline.json; times depend on the machine and are only shown. `--peers` names a
Python that has the other projects; without it they are skipped.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
S2C = ROOT / "target/release/s2c"
DATA = ROOT.parent / "shared/data"
BASELINE = pathlib.Path(__file__).with_name("baseline.json")
SNNTORCH = ["--dt", "1e-3", "--convention", "snntorch", "--reset", "subtract"]
# Name, model, options, recordings, and the array in them.
NETWORKS = [
    ("digits", ROOT / "examples/digits/digits.nir", SNNTORCH, ROOT / "examples/digits/test.npz", None),
    ("digits_qat4", ROOT / "examples/digits/digits_qat4.nir", [*SNNTORCH, "--weight-bits", "4"],
     ROOT / "examples/digits/test.npz", None),
    ("gesture", ROOT / "examples/gesture/gesture.nir", SNNTORCH, ROOT / "examples/gesture/test.npz", None),
    ("lif_norse", DATA / "nir/lif_norse.nir", ["--dt", "1e-4", "--convention", "norse"], DATA / "lif/lif_norse.csv", None),
    ("lif_rockpool", DATA / "nir/lif_rockpool.nir", ["--dt", "1e-4", "--convention", "rockpool"],
     DATA / "lif/lif_norse.csv", None),
    ("two_lif_neurons", DATA / "nir/two_lif_neurons.nir", ["--dt", "1e-4", "--convention", "norse"],
     DATA / "lif/lif_norse.csv", None),
    ("braille_zero", DATA / "nir/braille_noDelay_bias_zero.nir", ["--convention", "snntorch", "--reset", "zero"],
     DATA / "braille/input.npy", None),
    ("braille_subtract", DATA / "nir/braille_noDelay_noBias_subtract.nir",
     ["--convention", "snntorch", "--reset", "subtract", "--reset-delay", "0"], DATA / "braille/input.npy", None),
    ("digits_conv", DATA / "digits/digits_conv_lif.nir", ["--dt", "1e-4", "--convention", "nir", "--reset", "subtract"],
     DATA / "digits/digits_test.npz", None),
    ("nmnist_conv", DATA / "nmnist/nmnist_conv_lif.nir", ["--dt", "5.2e-3", "--convention", "nir", "--reset", "subtract"],
     DATA / "nmnist/nmnist_test100.npz", None),
    ("gesture_conv", DATA / "gesture/gesture_hard_conv_lif.nir", ["--dt", "1e-3", "--convention", "nir", "--reset", "subtract"],
     DATA / "gesture/gesture_hard_test.npz", None),
    ("cnn_sinabs", DATA / "nir/cnn_sinabs.nir", ["--dt", "1e-3", "--convention", "sinabs", "--input-limit", "3"],
     DATA / "nmnist/cnn_sinabs_ref_test100.npz", "frames_uint8_T300_1ms"),
    ("dvs_gesture", DATA / "nir/sinabs_dvs_gesture.nir", ["--dt", "1e-3", "--convention", "sinabs"], None, None),
]
INSTRUCTIONS_PER_EVENT, INSTRUCTIONS_PER_NEURON = 3, 12
# The network and the recordings for the speed of simulation; the engines of `run`, and what `evaluate` calls them.
TIMED, BATCH = next(network for network in NETWORKS if network[0] == "cnn_sinabs"), 10
ENGINES = {"chip": "chip", "reference": "quantized"}


def run(arguments):
    """Runs s2c; returns seconds by the clock and of the processor."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([S2C, *map(str, arguments)], capture_output=True, text=True)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"s2c {' '.join(map(str, arguments))}\n{done.stderr}")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, processor


def samples_of(file, array, count):
    """The first recordings of a file, samples first."""
    if file is None:
        return []
    if file.suffix == ".csv":
        return [numpy.loadtxt(file, delimiter=",")[:, :1]]
    if file.suffix == ".npy":
        return [numpy.load(file)]
    data = numpy.load(file)
    if array is None and "spikes_packed" in data:
        shape = data["shape"]
        bits = numpy.unpackbits(data["spikes_packed"].reshape(-1))
        return list(bits[: numpy.prod(shape)].reshape(shape)[:count])
    return list(data[array or "spikes"][:count])


def noise(model, count):
    """Spikes of one input in a hundred, where there are no recordings."""
    shape = [2, 128, 128]
    random = numpy.random.default_rng(1)
    return [(random.random([20, *shape]) < 0.01).astype(numpy.uint8) for _ in range(min(count, 2))]


def measure(network, samples, folder):
    """Figures of one network at -O0 and -O2."""
    name, model, options, recordings, array = network
    data = samples_of(recordings, array, samples) or noise(model, samples)
    figures, outputs = {}, {}
    for level in ("0", "2"):
        binary = folder / f"{name}{level}.bin"
        compile_arguments = ["compile", model, *options, f"-O{level}", "-o", binary]
        times = [run(compile_arguments) for _ in range(3)]
        totals = {"compile_seconds": min(t[0] for t in times), "compile_processor_seconds": min(t[1] for t in times)}
        outputs[level] = []
        for number, sample in enumerate(data):
            files = [folder / f"{name}.{kind}" for kind in ("in.npy", "out.npy", "json")]
            numpy.save(files[0], sample.astype(numpy.uint8))
            seconds, _ = run(["run", binary, "--input", files[0], "--output", files[1], "--stats", files[2]])
            outputs[level].append(files[1].read_bytes())
            stats = json.loads(files[2].read_text())
            for key in ("ticks", "instructions", "cycles", "synaptic_events", "neuron_updates", "packets"):
                totals[key] = totals.get(key, 0) + stats[key]
            totals["max_cycles_per_tick"] = max(totals.get("max_cycles_per_tick", 0), stats["max_cycles_per_tick"])
            totals["joules"] = totals.get("joules", 0) + stats["energy"][0]["joules"]
            totals["chip_seconds"] = totals.get("chip_seconds", 0) + seconds
            totals["pes"], totals["sram_bytes"] = stats["pes"], stats["sram_bytes"]
        figures[f"O{level}"] = totals
    figures["samples"], figures["same_spikes"] = len(data), outputs["0"] == outputs["2"]
    inspected = subprocess.run([S2C, "inspect", folder / f"{name}2.bin", "--json"], capture_output=True, text=True)
    figures["dense"] = dense_bytes(json.loads(inspected.stdout))
    return figures


def dense_bytes(binary):
    """Bytes of memory in use and bytes of weights, over the PEs that hold dense rows alone and 10 kB or more of them."""
    rows = []
    for pe in binary["pe"]:
        weights = sum(size for buffer, size in pe["memory"].items() if buffer.startswith("weights"))
        if all(not kernel.startswith(("conv", "sparse")) for kernel in pe["kernels"]) and weights >= 10_000:
            rows.append((pe["sram_bytes"], weights))
    return [sum(column) for column in zip(*rows)] if rows else None


def speed(folder, recordings):
    """Ticks per second of whole processes, by engine: on one long recording, and on all as `evaluate` runs them."""
    name, model, options, file, array = TIMED
    long = numpy.concatenate(recordings[:BATCH]).astype(numpy.uint8)
    numpy.save(folder / "long.npy", long)
    run_long = ["run", folder / f"{name}2.bin", "--input", folder / "long.npy", "--engine"]
    evaluate = ["evaluate", model, *options, "--data", file, "--input-array", array, "-O2", "--levels"]
    seconds = lambda *command: min(run(command)[0] for _ in range(3))
    one = {engine: len(long) / seconds(*run_long, engine) for engine in ENGINES}
    many = {engine: sum(map(len, recordings)) / seconds(*evaluate, level) for engine, level in ENGINES.items()}
    return one, many


def show_speed(folder, compile_seconds, python):
    """Simulation and compile time beside those of other projects."""
    recordings = samples_of(*TIMED[3:], 100)
    one, many = speed(folder, recordings)
    row = lambda name, rate, more="": print(f"  {name:<28} {rate:>9.0f}  {more}")
    print(f"\n{TIMED[0]}, ticks per second:")
    for engine in ENGINES:
        row(f"s2c, {engine}", one[engine], f"one recording of {BATCH * len(recordings[0])} ticks, whole process")
    for engine in ENGINES:
        row(f"s2c, {engine}", many[engine], f"{len(recordings)} recordings of {len(recordings[0])} ticks, whole process with compilation")
    if not python:
        return print("  peers skipped: --peers names no Python that has them")
    numpy.save(folder / "frames.npy", recordings[:BATCH])
    peers = pathlib.Path(__file__).with_name("peers.py")
    done = subprocess.run([python, peers, TIMED[1], folder / "frames.npy"], capture_output=True, text=True)
    ratios = lambda ours, theirs: ", ".join(f"{engine} x {ours[engine] / theirs:.1f}" for engine in ENGINES)
    for peer, figures in json.loads(done.stdout.splitlines()[-1]).items():
        if "ticks_per_second" in figures:
            row(peer, figures["ticks_per_second"], ratios(one, figures["ticks_per_second"]))
        if "batch_ticks_per_second" in figures:
            row(f"{peer}, batch of {BATCH}", figures["batch_ticks_per_second"], ratios(many, figures["batch_ticks_per_second"]))
        if "export_seconds" in figures:
            theirs = figures["export_seconds"]
            print(f"  {peer}: export {theirs:.3f} s; s2c compile -O2 {compile_seconds:.3f} s; x {theirs / compile_seconds:.1f}")
        if "skipped" in figures:
            print(f"  {peer} skipped: {figures['skipped']}")


def table(results):
    print(f"\n{'network':<16} {'PEs':>7} {'SRAM bytes':>17} {'cycles per tick':>17} {'instructions':>23} {'of limit':>8}  spikes")
    print(f"{'':<16} {'O0 O2':>7} {'O0 -> O2':>17} {'O0 -> O2':>17} {'O0 -> O2':>23}")
    for name, figures in results.items():
        old, new = figures["O0"], figures["O2"]
        limit = INSTRUCTIONS_PER_EVENT * new["synaptic_events"] + INSTRUCTIONS_PER_NEURON * new["neuron_updates"]
        per_tick = [level["cycles"] / level["ticks"] for level in (old, new)]
        print(
            f"{name:<16} {old['pes']:>3} {new['pes']:>3} {old['sram_bytes']:>8} {new['sram_bytes']:>8} "
            f"{per_tick[0]:>8.0f} {per_tick[1]:>8.0f} {old['instructions']:>11} {new['instructions']:>11} "
            f"{new['instructions'] / limit:>8.2f}  {'same' if figures['same_spikes'] else 'DIFFER'}"
        )
    print("\nlimit: 3 instructions per synaptic event and 12 per neuron and tick, everything counted")
    print(f"\n{'network':<16} {'samples':>7} {'events/tick':>11} {'busiest tick':>12} {'mJ/sample':>9} {'compile s':>9} {'CPU s':>6} {'bytes/weight':>12}")
    for name, figures in results.items():
        new = figures["O2"]
        dense = figures["dense"]
        ratio = f"{dense[0] / dense[1]:.3f}" if dense else "-"
        print(
            f"{name:<16} {figures['samples']:>7} {new['synaptic_events'] / new['ticks']:>11.0f} {new['max_cycles_per_tick']:>12} "
            f"{1e3 * new['joules'] / figures['samples']:>9.3f} {new['compile_seconds']:>9.3f} {new['compile_processor_seconds']:>6.3f} {ratio:>12}"
        )
    print("busiest tick in cycles; mJ at 150 MHz, an estimate (see the target file); bytes per weight: all memory of dense PEs, code and tables included")


COUNTED = ("instructions", "cycles", "sram_bytes", "pes", "packets", "synaptic_events")


def counts(results):
    return {
        name: {"samples": figures["samples"]} | {f"{level}.{key}": figures[level][key] for level in ("O0", "O2") for key in COUNTED}
        for name, figures in results.items()
    }


def compare(results):
    if not BASELINE.exists():
        return print("\nno baseline")
    baseline, differences = json.loads(BASELINE.read_text()), 0
    for name, now in counts(results).items():
        before = baseline.get(name)
        if before is None or before["samples"] != now["samples"]:
            print(f"\n{name}: the baseline has other samples, not compared")
            continue
        for key, value in now.items():
            if value != before[key]:
                differences += 1
                print(f"{name} {key}: {before[key]} -> {value} ({100 * (value / before[key] - 1):+.2f} %)")
    print(f"\n{differences} counts differ from the baseline")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=3)
    parser.add_argument("--peers", default=os.environ.get("PEERS_PYTHON"))
    parser.add_argument("--write-baseline", action="store_true")
    parser.add_argument("--only", help="one network")
    arguments = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for network in NETWORKS:
            if arguments.only not in (None, network[0]):
                continue
            if not network[1].exists():
                print(f"skipped: {network[1]} is not there")
                continue
            results[network[0]] = measure(network, arguments.samples, folder)
        table(results)
        if TIMED[0] in results:
            show_speed(folder, results[TIMED[0]]["O2"]["compile_seconds"], arguments.peers)
    compare(results)
    if arguments.write_baseline:
        BASELINE.write_text(json.dumps(counts(results), indent=1) + "\n")


if __name__ == "__main__":
    main()
