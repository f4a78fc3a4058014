#!/usr/bin/env python3
"""A model of training the ImageNet SuperNets on 1 to 64 GPUs: the tables of docs/scale.md, from counted steps.

  scripts/scale_model.py --bench build/release/tests/counted/rlnas_bench_counted     counts, then models
  scripts/scale_model.py --counted counted.json                                      of steps counted before

Everything printed is modelled, nothing measured: a step takes at least as long as its counted work
(docs/cuda_counted.md) does on the described device, or as queueing it takes the host; gradients go out beside
the backward pass in buckets, by a ring. What is assumed stands in ASSUMED and is printed.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

GPUS = (1, 2, 4, 8, 16, 32, 64)
IMAGES = 1_281_167
# Published: global batch and epochs of the SuperNets (docs/method.md 5 and 6).
RECIPES = {"darts-imagenet": {"batch": 512, "epochs": 50}, "mobilenet": {"batch": 512, "epochs": 120}}
ASSUMED = {
    "over_the_bound": 1.0,      # how much longer a step takes than its counted work must
    "node_gpus": 8,
    "node_gb_per_s": 360.0,     # what a ring moves a GPU within a node: NVLink of H100, by NCCL's own tests
    "network_gb_per_s": 40.0,   # and between nodes: 400 Gb/s a GPU
    "bucket_us": 30.0,          # an all-reduce at the least
    "bucket_mb": 2.1,           # the smallest, and how many at the most: engine/comm/nccl_exchange.cpp
    "most_buckets": 16,
    "images_per_core_s": 400.0,  # docs/scale.md says how it was measured
    "cores_a_gpu": 14.0,        # 112 cores for eight GPUs, as such nodes have
    "disk_gb_per_s": 1.0,
    "dollars_a_gpu_hour": 2.5,
}


def count(bench, precision, batches, paths):
    steps = []
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "counted.json")
        for space in RECIPES:
            for batch in batches:
                print(f"counting {space}, batch {batch}, {precision}", file=sys.stderr)
                subprocess.run([bench, "--space", space, "--batch", str(batch), "--precision", precision, "--paths",
                                str(paths), "--out", out], check=True, stdout=subprocess.DEVNULL)
                with open(out) as file:
                    steps += json.load(file)["steps"]
    return steps


def by_batch(steps, space, precision):
    chosen = {step["batch"]: step for step in steps if step["space"] == space and step["precision"] == precision}
    if len(chosen) < 2:
        sys.exit(f"{space} in {precision}: needs two batches or more, has {sorted(chosen)}")
    return chosen


def at_batch(chosen, batch, value):
    """On the line through the two counted batches nearest: bytes and operations are linear in the batch."""
    low, high = sorted(sorted(chosen, key=lambda known: (abs(known - batch), known))[:2])
    share = (batch - low) / (high - low)
    return (1 - share) * value(chosen[low]) + share * value(chosen[high])


def backward_ms(step):
    return sum(work["least_ms"] for work in step["by_primitive"] if "backward" in work["name"])


def exchange_ms(gpus, weights, assumed):
    """Of all weights, and of the last bucket, which nothing hides."""
    if gpus == 1:
        return 0.0, 0.0
    rate = assumed["node_gb_per_s"] if gpus <= assumed["node_gpus"] else assumed["network_gb_per_s"]
    megabytes = 4e-6 * weights
    bucket_mb = max(assumed["bucket_mb"], megabytes / assumed["most_buckets"])
    buckets = max(1.0, megabytes / bucket_mb)

    def one(size_mb):
        return 1e-3 * assumed["bucket_us"] + 2 * (gpus - 1) / gpus * size_mb / rate

    return buckets * one(megabytes / buckets), one(min(megabytes, bucket_mb))


def model(chosen, recipe, assumed):
    rows = []
    for gpus in GPUS:
        batch = recipe["batch"] / gpus
        device = at_batch(chosen, batch, lambda step: step["device_least_ms"]) * assumed["over_the_bound"]
        host = at_batch(chosen, batch, lambda step: step["host_least_ms"])
        weights = next(iter(chosen.values()))["weights"]
        exchange, last = exchange_ms(gpus, weights, assumed)
        hidden = at_batch(chosen, batch, backward_ms) * assumed["over_the_bound"]
        exposed = max(last, exchange - hidden) if gpus > 1 else 0.0
        step_ms = max(device + exposed, host)
        images_s = 1e3 * recipe["batch"] / step_ms
        cores = images_s / gpus / assumed["images_per_core_s"]
        fed_ms = max(step_ms, step_ms * cores / assumed["cores_a_gpu"])
        steps = -(-IMAGES // recipe["batch"]) * recipe["epochs"]
        rows.append({"gpus": gpus, "batch": batch, "device_ms": device, "host_ms": host, "exchange_ms": exchange,
                     "exposed_ms": exposed, "step_ms": step_ms, "images_s": images_s, "cores_a_gpu": cores,
                     "fed_ms": fed_ms, "hours": steps * step_ms / 3.6e6, "fed_hours": steps * fed_ms / 3.6e6,
                     "bound": "images" if fed_ms > step_ms else "host" if host > device + exposed else
                              "exchange" if exposed > 0.2 * device else "device"})
    for row in rows:
        row["efficiency"] = rows[0]["step_ms"] / row["step_ms"] / row["gpus"]
        row["dollars"] = row["fed_hours"] * row["gpus"] * assumed["dollars_a_gpu_hour"]
    return rows


def print_space(space, chosen, recipe, rows, assumed):
    step = next(iter(chosen.values()))
    weights_mb, state_mb = 4e-6 * step["weights"], 1e-6 * step["fixed_bytes"]
    # Weights, momentum and running statistics; the initial weights and the gradient are not in it.
    checkpoint_mb = 2 * weights_mb
    print(f"\n### {space}: batch {recipe['batch']}, {recipe['epochs']} epochs, {step['precision']}, modelled\n")
    print(f"Gradients {weights_mb:.0f} MB a step; on the device {state_mb:.0f} MB beside activations; a checkpoint "
          f"{checkpoint_mb:.0f} MB, {1e-3 * checkpoint_mb / assumed['disk_gb_per_s']:.1f} s.\n")
    print("| GPUs | images each | device ms | host ms | exchange ms | of it seen | step ms | efficiency | images/s | "
          "cores a GPU | hours | fed by the cores | bound by | $ |")
    print("|" + "--:|" * 12 + "---|--:|")
    for row in rows:
        print(f"| {row['gpus']} | {row['batch']:.0f} | {row['device_ms']:.1f} | {row['host_ms']:.1f} | "
              f"{row['exchange_ms']:.1f} | {row['exposed_ms']:.1f} | {row['step_ms']:.1f} | "
              f"{100 * row['efficiency']:.0f} % | {row['images_s']:.0f} | {row['cores_a_gpu']:.0f} | "
              f"{row['hours']:.1f} | {row['fed_hours']:.1f} | {row['bound']} | {row['dollars']:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--bench", metavar="PROGRAM", help="rlnas_bench_counted")
    source.add_argument("--counted", metavar="FILE", nargs="+", help="its JSON")
    parser.add_argument("--precision", default="tf32", choices=("fp32", "tf32", "bf16"))
    parser.add_argument("--batches", type=int, nargs="+", default=[8, 64, 512])
    parser.add_argument("--paths", type=int, default=4)
    parser.add_argument("--assume", nargs="+", default=[], metavar="NAME=VALUE", help=", ".join(ASSUMED))
    parser.add_argument("--keep", metavar="FILE", help="what was counted, for --counted")
    parser.add_argument("--out", metavar="FILE", help="the tables as JSON")
    args = parser.parse_args()
    assumed = dict(ASSUMED)
    for text in args.assume:
        name, _, value = text.partition("=")
        if name not in assumed:
            parser.error(f"--assume: no such figure as {name}")
        assumed[name] = float(value)
    if args.bench:
        steps = count(args.bench, args.precision, args.batches, args.paths)
    else:
        steps = [step for name in args.counted for step in json.load(open(name))["steps"]]
    if args.keep:
        with open(args.keep, "w") as file:
            json.dump({"label": "counted", "steps": steps}, file)
    tables = {}
    for space, recipe in RECIPES.items():
        chosen = by_batch(steps, space, args.precision)
        tables[space] = model(chosen, recipe, assumed)
        print_space(space, chosen, recipe, tables[space], assumed)
    print("\nAssumed: " + ", ".join(f"{name} {value:g}" for name, value in assumed.items()) + ".")
    if args.out:
        with open(args.out, "w") as file:
            json.dump({"label": "modelled", "assumed": assumed, "tables": tables}, file, indent=1)


if __name__ == "__main__":
    main()
