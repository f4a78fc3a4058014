"""Golden values of `accuracy` and `flatness`: what a NAS-Bench-201 SuperNet tells along 20 paths, by PyTorch in double.

Run:  build/release/tests/training/write_probe_golden DIR
      python3 tests/golden/supernet_probe_golden.py DIR/inputs.safetensors > tests/golden/supernet_probe_golden.json
      (PyTorch 2.15, safetensors, CPU)

The engine draws weights, noise and images, and writes them; all that is done with them is done here once more: flips,
crops and normalisation, statistics of batch norms as plain averages over the two recalibration batches (each batch's
unbiased variance), then the losses by these statistics, with no noise and with each level of it.
"""
import json
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file

from indicator_golden import AFFINE, ARCHITECTURES, Nasbench201, random_architectures

DEVIATIONS = [0.001, 0.003, 0.006]


def images_of(inputs, batch):
    """What the network reads: flipped, then cropped with pixels of value 0 around, then normalised."""
    pixels = inputs[f"{batch}.pixels"].double().permute(0, 3, 1, 2)
    mean, inv_std = (inputs[name].double().reshape(3, 1, 1) for name in ("mean", "inv_std"))
    out = []
    for image, params in zip(pixels, inputs[f"{batch}.params"].int().tolist()):
        dy, dx, flip = params
        image = image.flip(2) if flip else image
        margin = max(abs(dy), abs(dx))
        padded = F.pad(image, (margin,) * 4)
        h, w = image.shape[1:]
        cropped = padded[:, margin + dy:margin + dy + h, margin + dx:margin + dx + w]
        out.append((cropped - mean) * inv_std)
    return torch.stack(out), inputs[f"{batch}.labels"].long()


def load(net, inputs, level):
    own = net.state_dict()
    prefix = f"level{level}."
    taken = {name[len(prefix):]: value.double() for name, value in inputs.items() if name.startswith(prefix)}
    net.load_state_dict({name: value for name, value in taken.items() if name in own}, strict=False)


def recalibrate(net, batches):
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average
    net.train()
    with torch.no_grad():
        for x, _ in batches:
            net(x)
    net.eval()


def tell(net, batches):
    """Mean loss, share of images that are right, and how near the nearest image is to being told otherwise."""
    loss, right, images, margin = 0.0, 0, 0, float("inf")
    with torch.no_grad():
        for x, labels in batches:
            logits = net(x)
            loss += F.cross_entropy(logits, labels, reduction="sum").item()
            right += (logits.argmax(1) == labels).sum().item()
            images += len(labels)
            top = logits.topk(2).values
            margin = min(margin, (top[:, 0] - top[:, 1]).min().item())
    return loss / images, right / images, margin


def values(inputs, ops):
    net = Nasbench201(ops, 16, 5).double()
    load(net, inputs, 0)
    recalibrate(net, [images_of(inputs, f"recalibration.{b}") for b in range(2)])
    tests = [images_of(inputs, f"test.{b}") for b in range(2)]
    _, accuracy, margin = tell(net, tests)
    losses = []
    for level in (1, 2, 3):
        load(net, inputs, level)
        losses.append(tell(net, tests)[0])
    steepness, before, deviation_before = 1e-5, 0.0, 0.0
    for loss, deviation in zip(losses, DEVIATIONS):
        steepness += abs(loss - before) / (deviation - deviation_before)
        before, deviation_before = loss, deviation
    return {"accuracy": accuracy, "losses": losses, "flatness": 1.0 / steepness}, margin


def main():
    torch.set_num_threads(1)
    inputs = load_file(sys.argv[1])
    architectures = list(ARCHITECTURES.values()) + list(random_architectures().values()) + AFFINE
    architectures = list(dict.fromkeys(map(tuple, architectures)))[:20]
    found, margins = [], []
    for ops in architectures:
        about, margin = values(inputs, list(ops))
        found.append({"genes": list(ops), **about})
        margins.append(margin)
    print(f"{len(found)} architectures, smallest margin {min(margins):.2e}", file=sys.stderr)
    text = ",\n".join(json.dumps(entry) for entry in found)
    print('{"torch": "%s", "paths": [\n%s]}' % (torch.__version__.split("+")[0], text))


if __name__ == "__main__":
    main()
