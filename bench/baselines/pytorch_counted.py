#!/usr/bin/env python3
"""The training step of the SuperNets in eager PyTorch, counted instead of timed: operators, the kernels they
are at least, the bytes of their operands and their operations. Nothing is computed (fake tensors), so it runs
anywhere. The networks, paths and optimiser are those of pytorch_step.py and pytorch_spaces.py, the cases those
of a JSON file that rlnas_bench_counted wrote (--cases), so that both counts are of the same steps.

What is counted, always the least: an operator that is no view is one kernel that reads each operand and writes
each result once. But: the gradient of a convolution is two kernels (data, weights); batch norm reads its input
twice, its gradient both inputs twice, for the sums have to be there first (one kernel); a foreach operator of
the optimiser is as many kernels as multi_tensor_apply's limits of tensors and blocks make it. Transposes and
workspace inside cuDNN: none. SGD and clipping: foreach, the default on CUDA.
"""
import argparse
import contextlib
import functools
import json
import sys
from types import SimpleNamespace

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import pytorch_spaces
import pytorch_step

# Of one launch of multi_tensor_apply (ATen/native/cuda/MultiTensorApply.cuh), by the number of lists.
FOREACH_TENSORS, FOREACH_BLOCKS, FOREACH_CHUNK = (110, 64, 48, 36, 30), 320, 65536
VIEWS = {"view", "_unsafe_view", "t", "transpose", "permute", "detach", "alias", "slice", "select", "expand",
         "unsqueeze", "squeeze", "as_strided", "split", "split_with_sizes", "_reshape_alias", "empty",
         "empty_like", "new_empty", "new_empty_strided", "empty_strided", "unbind", "lift_fresh", "reshape"}
READS_TWICE = {"native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_functional",
               "cudnn_batch_norm", "native_batch_norm_backward", "cudnn_batch_norm_backward", "batch_norm_backward",
               "_batch_norm_with_update"}


def tensors_in(tree):
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def bytes_of(tensors):
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def foreach_kernels(lists):
    limit = FOREACH_TENSORS[min(len(lists), len(FOREACH_TENSORS)) - 1]
    kernels, tensors, blocks = 0, 0, 0
    for tensor in lists[0]:
        tensors += 1
        for _ in range(max(1, -(-tensor.numel() // FOREACH_CHUNK))):
            blocks += 1
            if blocks == FOREACH_BLOCKS:
                kernels, blocks, tensors = kernels + 1, 0, 1
        if tensors == limit:
            kernels, blocks, tensors = kernels + 1, 0, 0
    return kernels + (1 if blocks else 0)


class Counter(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.operators = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        space, name = func._schema.name.split("::")
        if space == "aten" and name not in VIEWS and not func.is_view:
            self.count(name, func, args, kwargs or {}, result)
        return result

    def count(self, name, func, args, kwargs, result):
        inputs, outputs = tensors_in((args, kwargs)), tensors_in(result)
        if func._schema.is_mutable and not outputs:  # foreach in place
            outputs = [tensor for tensor in tensors_in(args[0])]
        read, written, kernels, flops, precision = bytes_of(inputs), bytes_of(outputs), 1, 0, "fp32"
        if name.startswith("_foreach_"):
            lists = [argument for argument in args if isinstance(argument, (list, tuple)) and tensors_in(argument)]
            if not func._schema.is_mutable:
                lists = lists + [list(outputs)]
            kernels = foreach_kernels(lists)
        elif name in ("zero_", "fill_", "ones_like", "zeros_like", "zeros", "full_like", "copy_"):
            read = bytes_of(inputs[1:]) if name == "copy_" else 0
        elif name in READS_TWICE:
            large = inputs[:2] if "backward" in name else inputs[:1]
            read += bytes_of(large)
            flops = 9 * inputs[0].numel() if "backward" in name else 6 * inputs[0].numel()
        elif name == "convolution":
            x, w, y = args[0], args[1], outputs[0]
            flops, precision = 2 * y.numel() * w[0].numel(), str(x.dtype)
        elif name == "convolution_backward":
            dy, x, w = args[:3]
            macs, mask = dy.numel() * w[0].numel(), args[-1]
            kernels = int(mask[0]) + int(mask[1])
            flops, precision = 2 * macs * kernels, str(x.dtype)
            read = mask[0] * bytes_of([dy, w]) + mask[1] * bytes_of([dy, x])
        elif name in ("addmm", "mm"):
            a, b = (args[1], args[2]) if name == "addmm" else args[:2]
            flops, precision = 2 * a.shape[0] * a.shape[1] * b.shape[1], str(a.dtype)
        entry = self.operators.setdefault((name, precision), dict(calls=0, kernels=0, read_bytes=0,
                                                                  written_bytes=0, flops=0, parts=[]))
        entry["calls"] += 1
        entry["kernels"] += kernels
        entry["read_bytes"] += read
        entry["written_bytes"] += written
        entry["flops"] += flops
        entry["parts"].append((kernels, read + written, flops))


@contextlib.contextmanager
def foreach_by_default():
    """As on CUDA, where fake tensors of the CPU would get a loop."""
    kept = [(owner, name, getattr(owner, name)) for owner, name in (
        (torch.optim, "SGD"), (torch.nn.utils, "clip_grad_norm_"), (torch.nn.utils, "clip_grad_value_"))]
    for owner, name, function in kept:
        setattr(owner, name, functools.partial(function, foreach=True))
    try:
        yield
    finally:
        for owner, name, function in kept:
            setattr(owner, name, function)


def step_of(case, args, paths):
    # Fake weights cannot be given another layout. It changes no operator and no size: only whether cuDNN
    # transposes, and that is counted as never.
    options = SimpleNamespace(space=case["space"], batch=case["batch"], threads=1, layout="nchw", device="cpu",
                              tf32=False, bf16=case["precision"] == "bf16", prune=args.prune, compile=None)
    if case["space"] == "nasbench201":
        pytorch_step.step_paths = lambda: [tuple(path) for path in paths]
        return pytorch_step.build(options)
    return pytorch_spaces.build(options, paths)


def least_seconds(parts, precision, constants, case):
    limits = constants[case["device"]]
    kind = "fp32"
    if precision == "torch.bfloat16":
        kind = "bf16"
    elif precision == "torch.float32" and case["precision"] == "tf32":
        kind = "tf32"
    peak, bandwidth = 1e12 * limits[f"{kind}_tflops"], 1e9 * limits["gb_per_s"]
    return sum(max(moved / bandwidth, flops / peak) + 1e-6 * constants["gap_us"] * kernels
               for kernels, moved, flops in parts)


def count(case, args, constants):
    paths = case["paths"]
    with foreach_by_default(), FakeTensorMode():
        step = step_of(case, args, paths)
        for index in range(len(paths)):
            step(index)
        with Counter() as counter:
            for index in range(len(paths)):
                step(index)
    operators, share = [], 1.0 / len(paths)
    for (name, precision), entry in counter.operators.items():
        least_s = least_seconds(entry.pop("parts"), precision, constants, case)
        operators.append({"name": name, **{key: share * value for key, value in entry.items()},
                          "least_ms": 1e3 * share * least_s})
    operators.sort(key=lambda operator: -operator["least_ms"])
    total = {key: sum(operator[key] for operator in operators)
             for key in ("calls", "kernels", "read_bytes", "written_bytes", "flops", "least_ms")}
    host_ms = 1e-3 * constants["queue_us"] * total["kernels"]
    return {"space": case["space"], "batch": case["batch"], "precision": case["precision"],
            "device": case["device"], "pruned": args.prune, "torch": torch.__version__, **total,
            "host_least_ms": host_ms, "by_operator": operators}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", required=True, metavar="FILE", help="JSON of rlnas_bench_counted --out")
    parser.add_argument("--out", metavar="FILE")
    parser.add_argument("--operators", type=int, default=0, help="lines of operators of each case")
    parser.add_argument("--prune", action="store_true", help="NAS-Bench-201: leave out edges that lead nowhere")
    args = parser.parse_args()
    with open(args.cases) as file:
        counted = json.load(file)
    steps = []
    print("counted, not measured: PyTorch", torch.__version__, "eager, channels_last; bf16: autocast\n")
    print("| space | batch | precision | kernels | GB | GFLOP | device ms | host ms |")
    print("|---|--:|---|--:|--:|--:|--:|--:|")
    for case in counted["steps"]:
        if args.prune and case["space"] != "nasbench201":
            continue
        step = count(case, args, counted["constants"])
        steps.append(step)
        moved = (step["read_bytes"] + step["written_bytes"]) / 1e9
        print(f"| {step['space']} | {step['batch']} | {step['precision']} | {step['kernels']:.0f} | {moved:.3g} "
              f"| {step['flops'] / 1e9:.4g} | {step['least_ms']:.3g} | {step['host_least_ms']:.3g} |", flush=True)
        for operator in step["by_operator"][:args.operators]:
            moved = (operator["read_bytes"] + operator["written_bytes"]) / 1e9
            print(f"    {operator['name']}: {operator['calls']:.0f} calls, {operator['kernels']:.0f} kernels, "
                  f"{moved:.3g} GB, {operator['least_ms']:.3g} ms")
    if args.out:
        with open(args.out, "w") as file:
            json.dump({"label": "counted", "steps": steps}, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    sys.exit(main())
