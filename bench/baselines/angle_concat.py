#!/usr/bin/env python3
"""The angle of NAS-Bench-201 cells the published way: every path's tensors concatenated, then one cosine.

    angle_concat.py RUN_DIRECTORY [--cells N] [--search PATH_OF_rlnas_search] [--out FILE]

RUN_DIRECTORY is one of rlnas_train (init.safetensors, latest.safetensors). N cells, spread evenly over the space, are
timed in float32 with PyTorch (torch.cat and torch.cosine_similarity, where torch is installed) and with NumPy
(concatenate and three dot products), each cell's time the fastest of three; the times of all 15,625 are EXTRAPOLATED
from their mean. With --search the whole process of rlnas_search is timed too, and its angles (--csv) must agree to 1e-5
rad with the same concatenation summed in float64, else exit code 1. How far off the two float32 ways are is their own
rounding, and reported: worst_difference_rad. Google-Benchmark JSON goes to standard output, or to FILE.
"""
import argparse
import csv
import json
import math
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import numpy

try:
    import torch
except ImportError:
    torch = None

from results import write_results

SPACE_SIZE = 15625
CHANNELS = [16] * 5 + [None] + [32] * 5 + [None] + [64] * 5  # of cells 0..16; None: residual block
PATHS = [(0, 3), (0, 2, 3), (0, 1, 2, 3), (0, 1, 3)]
NONE, SKIP, CONV1, CONV3, POOL = range(5)
HEAD = ["stem.0.weight", "stem.1.weight", "stem.1.bias"]
TAIL = ["lastact.0.weight", "lastact.0.bias", "classifier.weight", "classifier.bias"]
RESIDUAL = ["conv_a.op.1.weight", "conv_a.op.2.weight", "conv_a.op.2.bias", "conv_b.op.1.weight",
            "conv_b.op.2.weight", "conv_b.op.2.bias", "downsample.1.weight"]
MOST_DIFFERENCE_RAD = 1e-5
TRIES = 3


def read_safetensors(path):
    """Tensors of the file as flat float32 arrays."""
    with open(path, "rb") as file:
        content = file.read()
    (header_bytes,) = struct.unpack_from("<Q", content)
    start = 8 + header_bytes
    tensors = {}
    for name, entry in json.loads(content[8:start]).items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        first, last = entry["data_offsets"]
        tensors[name] = numpy.frombuffer(content[start + first:start + last], numpy.float32)
    return tensors


def cell_of(index):
    """Operations by (target, source), edges in the order 1<-0, 2<-0, 2<-1, 3<-0, 3<-1, 3<-2, the first slowest."""
    edges = [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]
    return {edge: index // 5 ** (5 - place) % 5 for place, edge in enumerate(edges)}


def pieces(weights, pool, cell):
    """The tensors of the cell's vector in the published order; none without a live path."""
    steps = [list(zip(path[1:], path)) for path in PATHS]
    live = [path for path in steps if all(cell[edge] != NONE for edge in path)]
    parts = [weights[name] for name in HEAD]
    for number, path in enumerate(live):
        for c, channels in enumerate(CHANNELS):
            if channels is None:
                if number == 0:
                    parts += [weights[f"cells.{c}.{name}"] for name in RESIDUAL]
                continue
            for target, source in path:
                op = cell[target, source]
                if op in (CONV1, CONV3):
                    parts.append(weights[f"cells.{c}.edges.{target}<-{source}.{op}.op.1.weight"])
                elif op == POOL:
                    parts.append(pool[channels])
    parts += [weights[name] for name in TAIL]
    return parts if live else []


def angle(cosine):
    return math.acos(min(1.0, max(-1.0, cosine)))


def numpy_angle(before, after, pool, cell):
    first, second = pieces(before, pool, cell), pieces(after, pool, cell)
    if not first:
        return 0.0
    a, b = numpy.concatenate(first), numpy.concatenate(second)
    return angle(float(a @ b) / math.sqrt(float(a @ a) * float(b @ b)))


def exact_angle(before, after, pool, cell):
    """The check, not timed: sums in float64."""
    parts = zip(pieces(before, pool, cell), pieces(after, pool, cell))
    pairs = [(a.astype(numpy.float64), b.astype(numpy.float64)) for a, b in parts]
    if not pairs:
        return 0.0
    dot, norm0, norm1 = (sum(float(pick(a, b)) for a, b in pairs)
                         for pick in (lambda a, b: a @ b, lambda a, b: a @ a, lambda a, b: b @ b))
    return angle(dot / math.sqrt(norm0 * norm1))


def torch_angle(before, after, pool, cell):
    first, second = pieces(before, pool, cell), pieces(after, pool, cell)
    if not first:
        return 0.0
    return angle(float(torch.cosine_similarity(torch.cat(first), torch.cat(second), dim=0)))


def measure(name, function, weights, cells):
    """Angles by index and the row of the benchmark file."""
    function(*weights, cell_of(cells[-1]))
    angles, times_ms = {}, []
    for index in cells:
        cell = cell_of(index)
        tries_s = []
        for _ in range(TRIES):
            start = time.perf_counter()
            angles[index] = function(*weights, cell)
            tries_s.append(time.perf_counter() - start)
        times_ms.append(1e3 * min(tries_s))
    total_ms = statistics.mean(times_ms) * SPACE_SIZE
    row = {"name": f"{name}/15625", "run_name": f"{name}/15625", "run_type": "iteration", "iterations": 1,
           "real_time": total_ms, "cpu_time": total_ms, "time_unit": "ms", "extrapolated_from_cells": len(cells),
           "median_ms_per_cell": statistics.median(times_ms)}
    return angles, row


def search_angles(program, run):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "all.csv")
        command = [program, "--supernet", run, "--method", "exhaustive"]
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        process_ms = 1e3 * (time.perf_counter() - start)
        subprocess.run(command + ["--csv", path], check=True, stdout=subprocess.DEVNULL)
        with open(path, newline="") as file:
            angles = {int(row["enumeration_index"]): float(row["angle_rad"]) for row in csv.DictReader(file)}
    row = {"name": "rlnas_search_process/15625", "run_name": "rlnas_search_process/15625", "run_type": "iteration",
           "iterations": 1, "real_time": process_ms, "cpu_time": process_ms, "time_unit": "ms"}
    return angles, row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="run directory of rlnas_train")
    parser.add_argument("--cells", type=int, default=200, help="sample, default %(default)s; 15625: every cell")
    parser.add_argument("--search", help="path of rlnas_search")
    parser.add_argument("--out", help="file for the JSON")
    args = parser.parse_args()
    count = min(max(args.cells, 1), SPACE_SIZE)
    # A stride that shares no factor with 5 meets every operation on every edge.
    cells = [(i * 7919 + 3122) % SPACE_SIZE for i in range(count)]
    before, after = (read_safetensors(os.path.join(args.run, f"{name}.safetensors")) for name in ("init", "latest"))
    pool = {channels: numpy.full(9 * channels, 1 / 9, numpy.float32) for channels in (16, 32, 64)}

    found, rows = {}, []
    found["numpy_concat"], row = measure("numpy_concat", numpy_angle, (before, after, pool), cells)
    rows.append(row)
    if torch is not None:
        tensors = [{key: torch.from_numpy(value.copy()) for key, value in group.items()}
                   for group in (before, after, pool)]
        with torch.no_grad():
            found["torch_concat"], row = measure("torch_concat", torch_angle, tensors, cells)
        rows.append(row)
    failed = False
    if args.search:
        searched, search_row = search_angles(args.search, args.run)
        for angles, row in zip(found.values(), rows):
            row["worst_difference_rad"] = max(abs(angles[index] - searched[index]) for index in cells)
            row["ratio_to_rlnas_search_process"] = row["real_time"] / search_row["real_time"]
        worst = max(abs(exact_angle(before, after, pool, cell_of(index)) - searched[index]) for index in cells)
        search_row["worst_difference_to_float64_concatenation_rad"] = worst
        rows.append(search_row)
        failed = not worst <= MOST_DIFFERENCE_RAD
    write_results(rows, args.out, numpy, torch,
                  torch_threads=torch.get_num_threads() if torch is not None else 0)
    if failed:
        print(f"{args.search}: an angle is {worst:.2e} rad off the concatenation in float64", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
