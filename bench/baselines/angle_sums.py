#!/usr/bin/env python3
"""w0.wT, |w0|^2 and |wT|^2 of two float32 vectors in NumPy and PyTorch: the baselines of rlnas_bench_angle.

    angle_sums.py [--floats N] [--threads T] [--repetitions R] [--out FILE]

Times three numpy.dot, three torch.dot and one torch.cosine_similarity (where torch is installed); gb_per_s counts 8
bytes an element, what one pass over both vectors reads. The thread count is PyTorch's; NumPy's BLAS takes it from
OPENBLAS_NUM_THREADS. Google-Benchmark JSON goes to standard output, or to FILE.
"""
import argparse
import os
import statistics
import sys
import time

import numpy

try:
    import torch
except ImportError:
    torch = None

from results import write_results


def measure(name, function, floats, threads, repetitions):
    function()
    times_us = []
    for _ in range(repetitions):
        start = time.perf_counter()
        function()
        times_us.append(1e6 * (time.perf_counter() - start))
    median_us = statistics.median(times_us)
    name = f"{name}/floats:{floats}/threads:{threads}"
    return {"name": name, "run_name": name, "run_type": "iteration", "iterations": repetitions,
            "real_time": median_us, "cpu_time": median_us, "time_unit": "us", "gb_per_s": 8e-3 * floats / median_us,
            "fastest_us": min(times_us)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--floats", type=int, default=16 << 20, help="length of a vector, default 16 Mi")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of PyTorch, default all")
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--out", help="file for the JSON")
    args = parser.parse_args()
    generator = numpy.random.default_rng(0)
    w0, w1 = (generator.standard_normal(args.floats, numpy.float32) for _ in range(2))

    def add(name, function):
        rows.append(measure(name, function, args.floats, args.threads, args.repetitions))

    rows = []
    add("numpy_dot_x3", lambda: (numpy.dot(w0, w1), numpy.dot(w0, w0), numpy.dot(w1, w1)))
    if torch is not None:
        torch.set_num_threads(args.threads)
        t0, t1 = torch.from_numpy(w0), torch.from_numpy(w1)
        with torch.no_grad():
            add("torch_dot_x3", lambda: (torch.dot(t0, t1), torch.dot(t0, t0), torch.dot(t1, t1)))
            add("torch_cosine_similarity", lambda: torch.cosine_similarity(t0, t1, dim=0))
    write_results(rows, args.out, numpy, torch)
    return 0


if __name__ == "__main__":
    sys.exit(main())
