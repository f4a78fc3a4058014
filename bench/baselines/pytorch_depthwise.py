#!/usr/bin/env python3
"""The cases of rlnas_bench_depthwise in PyTorch: depthwise convolutions, forward and both gradients.

    pytorch_depthwise.py [--layout channels_last|nchw] [--threads T] [--filter TEXT] [--kinds all,...] [--out FILE]

Names are those of rlnas_bench_depthwise; --filter keeps the names that contain TEXT. `all` is one forward pass and one
call for both gradients. Google-Benchmark JSON goes to standard output, or to FILE.
"""
import argparse
import os
import statistics
import sys
import time

import numpy
import torch

from results import write_results

MASKS = {"backward_data": [True, False, False], "backward_weights": [False, True, False], "all": [True, True, False]}


def cases():
    """(batch, channels, image, kernel, stride, dilation), as in depthwise_bench.cpp."""
    for stage in (0, 1, 2):
        for stride in (1, 2):
            for dilation in (1, 2):
                for kernel in (3, 5):
                    yield 64, 16 << stage, 32 >> stage, kernel, stride, dilation
    for kernel in (3, 5, 7):
        yield 8, 96, 112, kernel, 2, 1
        for channels, image in ((144, 56), (240, 28), (480, 14), (1152, 7)):
            yield 8, channels, image, kernel, 1, 1


def median_us(function, seconds):
    function()
    times_us, end = [], time.perf_counter() + seconds
    while len(times_us) < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        function()
        times_us.append(1e6 * (time.perf_counter() - start))
    return statistics.median(times_us), len(times_us)


def runner(kind, layout, case):
    batch, channels, image, kernel, stride, dilation = case
    padding = dilation * (kernel - 1) // 2
    memory_format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    x = torch.randn(batch, channels, image, image).to(memory_format=memory_format)
    w = torch.randn(channels, 1, kernel, kernel)

    def forward():
        return torch.nn.functional.conv2d(x, w, None, stride, padding, dilation, channels)

    if kind == "forward":
        return forward
    dy = torch.randn_like(forward())

    def backward():
        torch.ops.aten.convolution_backward(dy, x, w, None, [stride] * 2, [padding] * 2, [dilation] * 2, False,
                                            [0, 0], channels, MASKS[kind])

    return (lambda: (forward(), backward())) if kind == "all" else backward


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layout", choices=("channels_last", "nchw"), default="channels_last")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--filter", default="", help="only cases whose name contains this")
    parser.add_argument("--kinds", default="all,forward,backward_data,backward_weights")
    parser.add_argument("--seconds", type=float, default=0.05, help="timed for each case")
    parser.add_argument("--out", help="file for the JSON")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    rows = []
    with torch.no_grad():
        for case in cases():
            for kind in args.kinds.split(","):
                fields = zip(("batch", "channels", "image", "kernel", "stride", "dilation"), case)
                name = "/".join([kind] + [f"{key}:{value}" for key, value in fields] + [f"threads:{args.threads}"])
                if args.filter not in name:
                    continue
                us, count = median_us(runner(kind, args.layout, case), args.seconds)
                rows.append({"name": name, "run_name": name, "run_type": "iteration", "iterations": count,
                             "real_time": us, "cpu_time": us, "time_unit": "us", "median_us": us})
    write_results(rows, args.out, numpy, torch, layout=args.layout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
