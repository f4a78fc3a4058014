#!/usr/bin/env python3
"""The training step of rlnas_bench_step in PyTorch, as good as its settings make it.

The same SuperNet, the same 30 paths (one operation vector in all 15 cells), batch, loss and optimiser;
gradients of unsampled weights are None (set_to_none), so that PyTorch skips their update. The variants:

  --layout nchw|channels_last   memory format of images and weights
  --prune                       leave out `none` edges and edges that lead nowhere, in Python
  --bf16                        autocast to bfloat16
  --device cuda                 on a GPU, waiting for it at the end of each step; --tf32: convolutions in tf32
  --compile op|cell|net         torch.compile (2.x) of every ReLU-convolution-norm, of every cell, of the
                                network; cell and net get one straight-line function a path, pruned
  MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_TOP_PAD_=268435456
                                in the environment: glibc keeps the memory of a step for the next

Prints ms a step and writes Google-Benchmark JSON with --out. --serve: for compare_step.py.
"""
import argparse
import json
import os
import random
import resource
import statistics
import sys
import time

EDGES = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
NONE, SKIP, CONV1, CONV3, POOL = range(5)
PATH_COUNT = 30


def step_paths():
    """The paths of bench/step_paths.h: tuples of six operations."""
    rng = random.Random(1)
    return [tuple(rng.randrange(5) for _ in EDGES) for _ in range(PATH_COUNT)]


def live_edges(path):
    fed, used = {0}, {3}
    for (source, target), op in zip(EDGES, path):
        if op != NONE and source in fed:
            fed.add(target)
    for (source, target), op in reversed(list(zip(EDGES, path))):
        if op != NONE and target in used:
            used.add(source)
    return [op != NONE and s in fed and t in used for (s, t), op in zip(EDGES, path)]


def in_turn(runs):
    """run(cell, its input) for the cells one after the other: one for all, or one for each."""
    if len(runs) == 1:
        return runs[0]
    rest = iter(runs)
    return lambda cell, n0: next(rest)(cell, n0)


def cell_source(path):
    """Python source of a cell along `path` without its dead edges."""
    lines, terms = [], {1: [], 2: [], 3: []}
    for edge, ((source, target), op, live) in enumerate(zip(EDGES, path, live_edges(path))):
        if not live:
            continue
        value = f"n{source}" if op == SKIP else f"cell.edges[{edge}][{op}](n{source})"
        terms[target].append(value)
    for node in (1, 2, 3):
        if terms[node]:
            lines.append(f"    n{node} = " + " + ".join(terms[node]))
    result = "n3" if terms[3] else "n0 * 0.0"
    return "\n".join(["def run(cell, n0):"] + lines + [f"    return {result}"])


def build(args):
    """Returns step(path index), which trains one step. PyTorch is imported here alone."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)

    class Zero(nn.Module):
        def forward(self, x):
            return x.mul(0.0)

    class ReluConvNorm(nn.Module):
        def __init__(self, inputs, outputs, kernel, stride=1, affine=True):
            super().__init__()
            self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
            self.norm = nn.BatchNorm2d(outputs, affine=affine)

        def forward(self, x):
            return self.norm(self.conv(functional.relu(x)))

    class Cell(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.edges = nn.ModuleList(
                nn.ModuleList([Zero(), nn.Identity(), ReluConvNorm(channels, channels, 1, affine=False),
                               ReluConvNorm(channels, channels, 3, affine=False),
                               nn.AvgPool2d(3, 1, 1, count_include_pad=False)]) for _ in EDGES)

        def forward(self, x, path):
            nodes = [x]
            for node in (1, 2, 3):
                nodes.append(sum(self.edges[e][path[e]](nodes[source])
                                 for e, (source, target) in enumerate(EDGES) if target == node))
            return nodes[3]

    class Residual(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.a = ReluConvNorm(inputs, outputs, 3, 2)
            self.b = ReluConvNorm(outputs, outputs, 3)
            self.pool = nn.AvgPool2d(2, 2)
            self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

        def forward(self, x):
            return self.shortcut(self.pool(x)) + self.b(self.a(x))

    class Supernet(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16))
            layers = []
            for channels in (16, 32, 64):
                if layers:
                    layers.append(Residual(channels // 2, channels))
                layers += [Cell(channels) for _ in range(5)]
            self.layers = nn.ModuleList(layers)
            self.norm = nn.BatchNorm2d(64)
            self.classifier = nn.Linear(64, 10)

        def forward(self, x, run_cell):
            x = self.stem(x)
            for layer in self.layers:
                x = run_cell(layer, x) if isinstance(layer, Cell) else layer(x)
            return self.classifier(functional.relu(self.norm(x)).mean((2, 3)))

    allow_tf32(args)
    net = Supernet().to(args.device)
    images = torch.randn(args.batch, 3, 32, 32, device=args.device)
    labels = torch.randint(0, 10, (args.batch,), device=args.device)
    if args.layout == "channels_last":
        net = net.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(net.parameters(), 0.025, momentum=0.9, weight_decay=5e-4, nesterov=True)

    def compiled(function):
        return torch.compile(function, dynamic=False)

    if args.compile:
        for name in ("recompile_limit", "cache_size_limit", "accumulated_recompile_limit",
                     "accumulated_cache_size_limit"):
            if hasattr(torch._dynamo.config, name):
                setattr(torch._dynamo.config, name, 100000)
    if args.compile == "op":
        for module in net.modules():
            if isinstance(module, ReluConvNorm):
                module.forward = compiled(module.forward)

    def path_function(index, path):
        scope = {}
        exec(compile(cell_source(path), f"<path {index}>", "exec"), scope)
        return scope["run"]

    def forward_of(index, path):
        parts = [path[i:i + len(EDGES)] for i in range(0, len(path), len(EDGES))]
        if not (args.prune or args.compile in ("cell", "net")):
            return lambda x: net(x, in_turn([lambda cell, n0, part=part: cell(n0, part) for part in parts]))
        if len(parts) > 1:
            runs = [path_function(index, part) for part in parts]
            return lambda x: net(x, in_turn(runs))
        run = path_function(index, path)
        if args.compile == "cell":
            run = compiled(run)
        if args.compile != "net":
            return lambda x: net(x, run)
        # A code object of its own: what the compiler keeps, it keeps by code object.
        scope = {"net": net, "run": run}
        exec(compile("def whole(x): return net(x, run)", f"<net {index}>", "exec"), scope)
        return compiled(scope["whole"])

    forwards = [forward_of(i, path) for i, path in enumerate(step_paths())]

    def step(index):
        optimiser.zero_grad(set_to_none=True)
        if args.bf16:
            with torch.autocast(args.device, dtype=torch.bfloat16):
                logits = forwards[index](images)
            loss = functional.cross_entropy(logits.float(), labels)
        else:
            loss = functional.cross_entropy(forwards[index](images), labels)
        loss.backward()
        optimiser.step()
        wait_for_device(args)

    return step


def add_device(parser):
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--tf32", action="store_true", help="convolutions and matrix products in tf32 (cuda)")


def allow_tf32(args):
    import torch
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = args.tf32


def wait_for_device(args):
    import torch
    if args.device == "cuda":
        torch.cuda.synchronize()


def variant_name(args):
    import torch
    parts = [f"torch {torch.__version__.split('+')[0]}", args.layout]
    if "MALLOC_TRIM_THRESHOLD_" in os.environ:
        parts.append("malloc")
    parts += [name for name in ("prune", "bf16", "tf32") if getattr(args, name)]
    if args.compile:
        parts.append(f"compile {args.compile}")
    return ", ".join(parts)


def sweep(step, path_count):
    times_ms = []
    for index in range(path_count):
        start = time.perf_counter()
        step(index)
        times_ms.append(1e3 * (time.perf_counter() - start))
    return times_ms


def resident_mib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 2**20


def serve(step, args, setup_s):
    print(json.dumps({"ready": True, "setup_s": setup_s}), flush=True)
    for _ in sys.stdin:
        print(json.dumps({"ms": sweep(step, args.paths), "rss_mib": resident_mib()}), flush=True)


def report(step, args, setup_s):
    rows, name = [], f"{variant_name(args)}/batch:{args.batch}/threads:{args.threads}"
    for repetition in range(args.sweeps):
        mean_ms = statistics.mean(sweep(step, args.paths))
        rows.append({"name": name, "run_name": name, "run_type": "iteration", "repetitions": args.sweeps,
                     "repetition_index": repetition, "threads": 1, "iterations": 1, "real_time": mean_ms,
                     "cpu_time": mean_ms, "time_unit": "ms", "images_per_s": 1e3 * args.batch / mean_ms,
                     "setup_s": setup_s, "rss_mib": resident_mib()})
    median = statistics.median(row["real_time"] for row in rows)
    print(f"{name}: {median:.1f} ms/step, {1e3 * args.batch / median:.0f} images/s, "
          f"{rows[-1]['rss_mib']:.0f} MiB, set up in {setup_s:.0f} s")
    if args.out:
        context = {"executable": sys.argv[0], "num_cpus": os.cpu_count(), "python": sys.version.split()[0]}
        with open(args.out, "w") as file:
            json.dump({"context": context, "benchmarks": rows}, file, indent=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_device(parser)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--layout", choices=("nchw", "channels_last"), default="nchw")
    parser.add_argument("--prune", action="store_true")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--compile", choices=("op", "cell", "net"))
    parser.add_argument("--paths", type=int, default=PATH_COUNT, help="only the first so many paths")
    parser.add_argument("--sweeps", type=int, default=5, help="timed passes over the paths")
    parser.add_argument("--out", help="Google-Benchmark JSON file")
    parser.add_argument("--serve", action="store_true")
    args = parser.parse_args()
    start = time.perf_counter()
    step = build(args)
    sweep(step, args.paths)  # plans convolutions, compiles
    setup_s = time.perf_counter() - start
    (serve if args.serve else report)(step, args, setup_s)


if __name__ == "__main__":
    main()
