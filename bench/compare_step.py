#!/usr/bin/env python3
"""rlnas against PyTorch on the same training step, taking turns: a markdown table of medians and ratios.

Every variant is a program that is set up once and kept warm; then each runs one pass over the 30 paths in
turn, --rounds times, so that a change of the machine's speed meets all alike. With --load N the whole is
done once more beside N busy processes, and the table shows how much that slowed each variant.

  bench/compare_step.py --bench build/release/bench/rlnas_bench_step --python python3 --python VENV/bin/python
  bench/compare_step.py --bench build/release/bench/rlnas_bench_space_step --space darts-cifar \\
      --python python3 [--device cuda --precision tf32]
"""
import argparse
import contextlib
import fcntl
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296",
               "MALLOC_TOP_PAD_": "268435456"}
MIXTURES = ("pc-darts", "darts")  # steps of a search, whose --bench is rlnas_bench_mixture_step
CHANNELS_LAST = ["--layout", "channels_last"]
# Name, arguments of pytorch_step.py, environment; each takes the one before it a step further.
PYTORCH_VARIANTS = {
    "nchw": ("NCHW, default", [], {}),
    "channels_last": ("channels_last", CHANNELS_LAST, {}),
    "malloc": ("channels_last, malloc", CHANNELS_LAST, KEEP_MEMORY),
    "prune": ("channels_last, malloc, pruned", [*CHANNELS_LAST, "--prune"], KEEP_MEMORY),
    "compile": ("channels_last, malloc, pruned, compiled cells", [*CHANNELS_LAST, "--compile", "cell"],
                KEEP_MEMORY),
    "bf16": ("channels_last, malloc, pruned, bf16", [*CHANNELS_LAST, "--prune", "--bf16"], KEEP_MEMORY),
}


class Worker:
    """A program that answers a line of input with the step times of one pass."""

    def __init__(self, name, command, environment):
        self.name, self.times_ms, self.loaded_ms, self.rss_mib, self.paths = name, [], [], 0.0, 0
        start = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **environment})
        self.facts = self.read()
        self.setup_s = time.perf_counter() - start
        print(f"{name}: ready after {self.setup_s:.0f} s", file=sys.stderr)

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            command = " ".join(self.process.args)
            sys.exit(f"{self.name}: ended with exit code {self.process.wait()}: {command}")
        return json.loads(line)

    def sweep_ms(self):
        self.process.stdin.write("sweep\n")
        self.process.stdin.flush()
        answer = self.read()
        self.rss_mib, self.paths = answer["rss_mib"], len(answer["ms"])
        return statistics.mean(answer["ms"])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def locked(path):
    """Keeps others that use the same lock file off the machine; without a path, does nothing."""
    if not path:
        yield
        return
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def busy_processes(count):
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    time.sleep(0.3 if count else 0.0)
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def run_rounds(workers, rounds, lock, load):
    for round_number in range(rounds):
        for worker in workers:
            with locked(lock), busy_processes(load):
                time_ms = worker.sweep_ms()
            (worker.loaded_ms if load else worker.times_ms).append(time_ms)
        beside = f", {load} busy processes" if load else ""
        print(f"round {round_number + 1} of {rounds}{beside}", file=sys.stderr)


def our_workers(args):
    """rlnas's programs, and the arguments that give pytorch_*.py the same work."""
    if args.device == "cuda":
        device = ["--device", "cuda", "--precision", args.precision]
        algorithms = [("rlnas", "auto")]
    else:
        device = []
        algorithms = [("rlnas", "auto"), ("rlnas --conv-algorithm direct", "direct")]
    if args.space == "nasbench201":
        workers = [Worker(name, [args.bench, "--serve", str(args.batch), str(args.threads), algorithm, *device], {})
                   for name, algorithm in algorithms]
        return workers, ["pytorch_step.py"]
    if args.space in MIXTURES:
        method = ["--method", args.space]
        return [Worker("rlnas", [args.bench, *device, *method, "--batch", str(args.batch), "--threads",
                                 str(args.threads), "--serve"], {})], ["pytorch_mixture.py", *method]
    ours = Worker("rlnas", [args.bench, *device, "--space", args.space, "--batch", str(args.batch), "--threads",
                            str(args.threads), "--serve"], {})
    file = tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False)
    with file:
        file.writelines(" ".join(map(str, path)) + "\n" for path in ours.facts["paths"])
    return [ours], ["pytorch_spaces.py", "--space", args.space, "--paths", file.name]


def make_workers(args):
    common = ["--batch", str(args.batch), "--threads", str(args.threads), "--serve"]
    if args.device == "cuda":
        common += ["--device", "cuda", *(["--tf32"] if args.precision == "tf32" else [])]
    with locked(args.lock):
        ours, (script, *work) = our_workers(args)
    yield from ours
    for python in args.python:
        version = subprocess.run([python, "-c", "import torch; print(torch.__version__.split('+')[0])"],
                                 capture_output=True, text=True)
        if version.returncode != 0:
            print(f"{python}: no PyTorch, left out", file=sys.stderr)
            continue
        number = version.stdout.strip()
        for key in args.variants:
            if (key == "compile" and number.startswith("1.")
                    or key in ("prune", "compile") and args.space != "nasbench201"):
                continue
            name, flags, environment = PYTORCH_VARIANTS[key]
            if args.space != "nasbench201":  # whose networks have no dead edges
                flags, name = [flag for flag in flags if flag != "--prune"], name.replace(", pruned", "")
            command = [python, os.path.join(HERE, "baselines", script), *work, *flags, *common]
            # Compiling takes too long to keep others off.
            with locked(args.lock if key != "compile" else None):
                worker = Worker(f"PyTorch {number} {name}", command, environment)
            yield worker


def print_table(workers, args):
    ours = statistics.median(workers[0].times_ms)
    head = ["variant", "ms/step", "min..max", "images/s", "against rlnas", "MiB", "set-up, s"]
    if args.load:
        head += [f"ms/step, {args.load} busy", "slowdown"]
    print(f"Batch {args.batch}, {args.threads} threads, {args.rounds} rounds over {workers[0].paths} paths.\n")
    print("| " + " | ".join(head) + " |\n|---" + "|---:" * (len(head) - 1) + "|")
    for worker in workers:
        median = statistics.median(worker.times_ms)
        row = [worker.name, f"{median:.2f}", f"{min(worker.times_ms):.2f}..{max(worker.times_ms):.2f}",
               f"{1e3 * args.batch / median:.0f}", f"{median / ours:.2f}x", f"{worker.rss_mib:.0f}",
               f"{worker.setup_s:.0f}"]
        if args.load:
            loaded = statistics.median(worker.loaded_ms)
            row += [f"{loaded:.2f}", f"{loaded / median:.2f}x"]
        print("| " + " | ".join(row) + " |")
    facts = workers[0].facts
    gflops, peak = 1e3 * facts["gflop"] / ours, facts["fma_peak_gflops"]
    share = f", {100 * gflops / peak:.0f} % of the {peak:.0f} GFLOP/s measured" if peak else ""
    print(f"\nrlnas: {facts['gflop']:.2f} GFLOP a step without dead edges, {gflops:.0f} GFLOP/s{share}.")


def write_json(workers, args):
    rows = []
    for worker in workers:
        for suffix, times in (("", worker.times_ms), (f"/load:{args.load}", worker.loaded_ms)):
            name = f"{worker.name}/batch:{args.batch}/threads:{args.threads}{suffix}"
            rows += [{"name": name, "run_name": name, "run_type": "iteration", "repetitions": len(times),
                      "repetition_index": i, "threads": 1, "iterations": 1, "real_time": time_ms,
                      "cpu_time": time_ms, "time_unit": "ms", "images_per_s": 1e3 * args.batch / time_ms,
                      "rss_mib": worker.rss_mib} for i, time_ms in enumerate(times)]
    context = {"executable": args.bench, "num_cpus": os.cpu_count(), **workers[0].facts}
    with open(args.out, "w") as file:
        json.dump({"context": context, "benchmarks": rows}, file, indent=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default="build/release/bench/rlnas_bench_step",
                        help="default: %(default)s")
    parser.add_argument("--python", action="append", default=[],
                        help="an interpreter with PyTorch; may be repeated")
    parser.add_argument("--variants", nargs="+", choices=PYTORCH_VARIANTS, metavar="NAME",
                        default=[key for key in PYTORCH_VARIANTS if key != "compile"],
                        help=f"of {', '.join(PYTORCH_VARIANTS)}; "
                             "default: all but compile, which sets up for minutes")
    parser.add_argument("--space", default="nasbench201",
                        choices=("nasbench201", "darts-cifar", "darts-imagenet", "mobilenet", *MIXTURES))
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "tf32", "bf16"), default="fp32",
                        help="on cuda: rlnas's; PyTorch's convolutions may use tf32 where it is that")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--load", type=int, default=0, metavar="N",
                        help="once more beside N busy processes")
    parser.add_argument("--lock", metavar="FILE",
                        help="flock FILE around each pass and set-up, on a machine shared with others")
    parser.add_argument("--out", help="Google-Benchmark JSON file")
    args = parser.parse_args()
    workers = list(make_workers(args))
    run_rounds(workers, args.rounds, args.lock, 0)
    if args.load:
        run_rounds(workers, args.rounds, args.lock, args.load)
    for worker in workers:
        worker.close()
    print_table(workers, args)
    if args.out:
        write_json(workers, args)


if __name__ == "__main__":
    main()
