#!/usr/bin/env python3
"""w0.wT, |w0|^2 and |wT|^2 of two float32 vectors by three numpy.dot: a baseline of rlnas_bench_angle.

    angle_sums.py [--floats N] [--seconds S] [--cold] [--json]

--cold: goes from pair to pair through 1 GiB of them. `rlnas_bench_angle --numpy "python3 bench/baselines/angle_sums.py"`
starts it for each of its points. The number of threads is OPENBLAS_NUM_THREADS. Time is that of one pass over a pair;
a sample is of passes for 100 us at least, as there.
"""
import argparse
import json
import statistics
import sys
import time

import numpy

FAR_BYTES = 1 << 30
LEAST_SAMPLE_S = 100e-6
LEAST_SAMPLES = 10


def sums(pair):
    w0, w1 = pair
    return numpy.dot(w0, w1), numpy.dot(w0, w0), numpy.dot(w1, w1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--floats", type=int, default=16 << 20, help="length of a vector, default 16 Mi")
    parser.add_argument("--seconds", type=float, default=2.0, help="default %(default)s")
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a line of text")
    args = parser.parse_args()
    pairs = max(1, FAR_BYTES // (8 * args.floats)) if args.cold else 1
    generator = numpy.random.default_rng(0)
    memory = generator.random((pairs, 2, args.floats), numpy.float32) * 2 - 1
    step = next(s for s in range(pairs // 3 + 1, pairs + 2) if numpy.gcd(s, pairs) == 1)
    order = [i * step % pairs for i in range(pairs)]  # no pair follows its neighbour

    before = sums(memory[0])
    w0, w1 = memory[0].astype(numpy.float64)
    exact = w0 @ w1, w0 @ w0, w1 @ w1
    scales = (exact[1] * exact[2]) ** 0.5, exact[1], exact[2]
    error = max(abs(float(got) - right) / scale for got, right, scale in zip(before, exact, scales))

    place = 0

    def sample(calls):
        nonlocal place
        start = time.perf_counter()
        for _ in range(calls):
            sums(memory[order[place]])
            place = (place + 1) % pairs
        return (time.perf_counter() - start) / calls

    calls = max(1, int(LEAST_SAMPLE_S / max(1e-9, sample(1))))
    if args.cold:
        calls = min(calls, pairs)
    times_s, start = [], time.perf_counter()
    while len(times_s) < LEAST_SAMPLES or time.perf_counter() - start < args.seconds:
        times_s.append(sample(calls))
    times_s.sort()

    def quantile(share):
        return times_s[round(share * (len(times_s) - 1))]

    result = {"samples": len(times_s), "median_s": quantile(0.5), "p5_s": quantile(0.05), "p95_s": quantile(0.95),
              "fastest_s": times_s[0], "noise": statistics.pstdev(times_s) / statistics.mean(times_s),
              "error": error, "same_bits": sums(memory[0]) == before, "numpy": numpy.__version__}
    if args.json:
        print(json.dumps(result))
    else:
        print(f"{1e6 * result['median_s']:.2f} us, {8e-9 * args.floats / result['median_s']:.2f} GB/s, n "
              f"{result['samples']}, error {error:.0e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
