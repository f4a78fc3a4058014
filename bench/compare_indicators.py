#!/usr/bin/env python3
"""Indicators of rlnas against the same in PyTorch, on the same cells of NAS-Bench-201 and cores, in turns.

  VENV/bin/python bench/compare_indicators.py --search build/release/apps/rlnas_search   (PyTorch, NumPy)

PyTorch runs the networks and definitions of tests/golden/indicator_golden.py in single precision, algebra too, on random
numbers that are made beforehand; --channels-last changes its layout. Of ours the time is that of a search of --cells
networks less one of two, so that starting is left out. A Markdown table: medians over --rounds, milliseconds a network.
"""
import argparse
import csv
import importlib
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent
OPS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
SIZE, BATCH, CHANNELS, CELLS = 32, 64, 16, 5
SCORES = {"az-nas": "az-expressivity+az-progressivity+az-trainability", "synflow": "synflow", "naswot": "naswot"}


def ours(options, score, cells):
    """Seconds, networks computed and their architectures."""
    with tempfile.TemporaryDirectory() as folder:
        report, table = pathlib.Path(folder, "r.json"), pathlib.Path(folder, "r.csv")
        start = time.perf_counter()
        subprocess.run([options.search, "--space", "nasbench201", "--score", SCORES[score], "--method", "random",
                        "--population", str(cells), "--generations", "1", "--threads", str(options.threads), "--json", report,
                        "--csv", table], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        networks = json.loads(report.read_text())["networks_computed"]
        return seconds, networks, [row["arch"] for row in csv.DictReader(table.open())]


def genes_of(arch):
    edges = [op for node in arch.split("+") for op in node.strip("|").split("|")]
    return [OPS.index(op.split("~")[0]) for op in edges]


class PyTorch:
    def __init__(self, options):
        sys.path.insert(0, str(ROOT / "tests/golden"))
        self.golden = importlib.import_module("indicator_golden")
        self.golden.pixels = lambda t: t.detach().permute(0, 2, 3, 1).reshape(-1, t.shape[1])
        self.golden.initialise = lambda net, *_, **__: None  # as PyTorch made it: time does not depend on the values
        kept = {}
        self.golden.signs = lambda name, like: kept.setdefault((name, like.shape), (torch.rand_like(like) > 0.5) * 2.0 - 1.0)
        self.layout = torch.channels_last if options.channels_last else torch.contiguous_format
        self.x = torch.randn(BATCH, 3, SIZE, SIZE).to(memory_format=self.layout)
        torch.set_num_threads(options.threads)

    def seconds(self, score, genes):
        start = time.perf_counter()
        net = self.golden.Nasbench201(genes, CHANNELS, CELLS)
        if score == "synflow":
            self.golden.synflow(net.double(), SIZE, torch.float64)
        else:
            net = net.to(memory_format=self.layout)
            (self.golden.az_nas if score == "az-nas" else self.golden.naswot)(net, self.x)
        return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--search", default="build/release/apps/rlnas_search")
    parser.add_argument("--cells", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--channels-last", action="store_true")
    options = parser.parse_args()
    pytorch = PyTorch(options)
    print(f"| indicator | rlnas, ms | PyTorch {torch.__version__}{' channels_last' if options.channels_last else ''}, ms | ratio |")
    print("|---|---|---|---|")
    for score in SCORES:
        own, theirs, ratios = [], [], []
        for _ in range(options.rounds):
            short, few, _ = ours(options, score, 2)
            whole, many, cells = ours(options, score, options.cells)
            own.append(1000 * (whole - short) / (many - few))
            live = [genes for genes in map(genes_of, cells) if any(genes)]
            theirs.append(1000 * statistics.mean(pytorch.seconds(score, genes) for genes in live))
            ratios.append(theirs[-1] / own[-1])
        print(f"| {score} | {statistics.median(own):.0f} | {statistics.median(theirs):.0f} | {statistics.median(ratios):.1f} |",
              flush=True)


if __name__ == "__main__":
    main()
