"""Golden values of small stand-alone networks (one found architecture, method.md 10), trained for five steps by
PyTorch: NAS-Bench-201, and DARTS on CIFAR-10 (auxiliary head, drop path) and on ImageNet (the other head). Learning rates are such that PyTorch
in single and in double precision agree (`retrain_golden.py precision` prints how far: losses, then weights).

Run:  python3 tests/golden/retrain_golden.py > tests/golden/retrain_golden.json   (PyTorch 2, CPU)

Written from the description; layers and hashes are those of darts_golden.py and supernet_golden.py beside this file.
The masks of drop path come from Philox4x32-10 streams of (seed, layer, step), as the engine's do, so that the same
edges are dropped. Only losses and fingerprints of tensors are stored.
"""
import json
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import darts_golden as darts
import supernet_golden as nasbench
from darts_golden import EDGES, FactorizedReduce, conv, fingerprint, hashed, initialise

STEPS = 5
AUXILIARY = 0.4
SEED = 11
M32, M64 = 2**32 - 1, 2**64 - 1
COUNTS = {}  # elements of the tensors, for `precision`


def philox_uniforms(seed, name, step, count):
    """The first `count` numbers of RandomStream(seed, name, step)."""
    key = 0xcbf29ce484222325
    for c in name.encode():
        key = ((key ^ c) * 0x100000001b3) & M64
    key = (key + seed * 0x9E3779B97F4A7C15) & M64
    key = ((key ^ (key >> 30)) * 0xBF58476D1CE4E5B9) & M64
    key = ((key ^ (key >> 27)) * 0x94D049BB133111EB) & M64
    key ^= key >> 31
    words = []
    for block in range((count + 3) // 4):
        c, k = [block, 0, step & M32, ((step >> 32) << 16) & M32], [key & M32, key >> 32]
        for _ in range(10):
            p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
            c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & M32, (p0 >> 32) ^ c[3] ^ k[1], p0 & M32]
            k = [(k[0] + 0x9E3779B9) & M32, (k[1] + 0xBB67AE85) & M32]
        words += c
    return np.array([w >> 8 for w in words[:count]]) / 2.0**24


class DartsEdge(nn.Module):
    """One operation, under the SuperNet's name for it; pools without batch norm."""

    def __init__(self, c, stride, op):
        super().__init__()
        self._ops = nn.ModuleDict({str(op): {
            0: lambda: None,
            1: lambda: nn.MaxPool2d(3, stride, 1),
            2: lambda: nn.AvgPool2d(3, stride, 1, count_include_pad=False),
            3: lambda: nn.Identity() if stride == 1 else FactorizedReduce(c, c),
            4: lambda: darts.sep_conv(c, 3, stride), 5: lambda: darts.sep_conv(c, 5, stride),
            6: lambda: darts.dil_conv(c, 3, stride), 7: lambda: darts.dil_conv(c, 5, stride)}[op]()})
        self.op = str(op)

    def forward(self, x, drop):
        y = self._ops[self.op](x)
        return y if isinstance(self._ops[self.op], nn.Identity) else drop(y)


class DartsCell(nn.Module):
    def __init__(self, older, last, c, reduce, last_reduce, code):
        super().__init__()
        self.preprocess0 = (FactorizedReduce(older, c) if last_reduce
                            else darts.Op(nn.ReLU(), conv(older, c, 1), nn.BatchNorm2d(c)))
        self.preprocess1 = darts.Op(nn.ReLU(), conv(last, c, 1), nn.BatchNorm2d(c))
        self._ops = nn.ModuleDict({str(e): DartsEdge(c, 2 if reduce and source < 2 else 1, code[e])
                                   for e, (_, source) in enumerate(EDGES) if code[e] != 0})

    def forward(self, s0, s1, name, dropper):
        nodes = [self.preprocess0(s0), self.preprocess1(s1)]
        for node in range(2, 6):
            nodes.append(sum(self._ops[str(e)](nodes[source], lambda y, e=e: dropper(y, f"drop:{name}._ops.{e}"))
                             for e, (target, source) in enumerate(EDGES) if target == node and str(e) in self._ops))
        return torch.cat(nodes[2:], 1)


class AuxiliaryHead(nn.Module):
    def __init__(self, kind, c, classes):
        super().__init__()
        cifar = kind == "cifar"
        self.features = nn.Sequential(
            nn.ReLU(), nn.AvgPool2d(5, stride=3 if cifar else 2, padding=0, count_include_pad=False),
            nn.Conv2d(c, 128, 1, bias=False), nn.BatchNorm2d(128), nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False), *([nn.BatchNorm2d(768)] if cifar else []), nn.ReLU())
        self.classifier = nn.Linear(768, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


class DartsNetwork(darts.Supernet):
    def __init__(self, kind, classes, channels, cells, codes):
        super().__init__(kind, classes, channels, 0)
        c = channels
        older = last = 3 * c if kind == "cifar" else c
        last_reduce = kind == "imagenet"
        self.head_after = 2 * cells // 3
        for i in range(cells):
            reduce = i in (cells // 3, 2 * cells // 3)
            c *= 2 if reduce else 1
            self.cells.append(DartsCell(older, last, c, reduce, last_reduce, codes[1 if reduce else 0]))
            older, last, last_reduce = last, 4 * c, reduce
            if i == self.head_after:
                self.auxiliary_head = AuxiliaryHead(kind, last, classes)
        self.classifier = nn.Linear(last, classes)

    def forward(self, x, dropper):
        s0 = s1 = self.stem(x) if self.kind == "cifar" else None
        if self.kind == "imagenet":
            s0 = self.stem0(x)
            s1 = self.stem1(s0)
        for i, cell in enumerate(self.cells):
            s0, s1 = s1, cell(s0, s1, f"cells.{i}", dropper)
            if i == self.head_after and self.training:
                auxiliary = self.auxiliary_head(s1)
        logits = self.classifier(s1.mean((2, 3)))
        return (logits, auxiliary) if self.training else logits


class NasbenchCell(nn.Module):
    """Convolutions under the SuperNet's names for them, with affine batch norm."""

    def __init__(self, c, path):
        super().__init__()
        self.path = path
        self.edges = nn.ModuleDict({
            f"{i}<-{j}": nn.ModuleDict({str(op): {
                0: nasbench.Zero, 1: nn.Identity, 2: lambda: nasbench.ReluConvBn(c, c, 1, 1, True),
                3: lambda: nasbench.ReluConvBn(c, c, 3, 1, True),
                4: lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False)}[op]()})
            for (i, j), op in zip(nasbench.EDGES, path)})

    def forward(self, x):
        nodes = [x]
        for i in (1, 2, 3):
            nodes.append(sum(self.edges[f"{a}<-{b}"][str(op)](nodes[b])
                             for (a, b), op in zip(nasbench.EDGES, self.path) if a == i))
        return nodes[3]


class NasbenchNetwork(nn.Module):
    def __init__(self, classes, c, path):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c))
        self.cells = nn.ModuleList([NasbenchCell(c, path), nasbench.Residual(c, 2 * c), NasbenchCell(2 * c, path),
                                    nasbench.Residual(2 * c, 4 * c), NasbenchCell(4 * c, path)])
        self.lastact = nn.Sequential(nn.BatchNorm2d(4 * c), nn.ReLU())
        self.classifier = nn.Linear(4 * c, classes)

    def forward(self, x):
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x)
        return self.classifier(self.lastact(x).mean((2, 3)))


def images(batch, size):
    pixels = np.floor(hashed(batch * size * size * 3, 1) * 256.0).astype(np.uint8)
    x = torch.from_numpy((pixels.astype(np.float32) - 120.0) / 60.0)
    return x.reshape(batch, size, size, 3).permute(0, 3, 1, 2).contiguous()


def results(net, losses, test_x):
    COUNTS.update({n: p.numel() for n, p in net.named_parameters()})
    net.eval()
    with torch.no_grad():
        logits = net(test_x, lambda y, _: y) if isinstance(net, DartsNetwork) else net(test_x)
    return {"losses": losses, "final": {n: fingerprint(p) for n, p in net.named_parameters()},
            "evaluated": fingerprint(logits)}


def darts_run(kind, dtype=torch.float32):
    cifar = kind == "cifar"
    classes, channels, cells, batch, size = (10, 4, 4, 12, 32) if cifar else (20, 4, 4, 6, 224)
    lr, smoothing, drop_path = (0.01, 0.0, 0.3) if cifar else (0.002, 0.1, 0.0)
    codes = darts.PATHS[1] if cifar else darts.PATHS[2]
    net = DartsNetwork(kind, classes, channels, cells, codes)
    initialise(net)
    net.to(dtype).train()
    x, y = images(batch, size).to(dtype), torch.arange(batch) % classes
    opt = torch.optim.SGD(net.parameters(), lr, momentum=0.9, weight_decay=3e-4)
    losses = []
    for step in range(STEPS):
        def dropper(out, layer):
            if drop_path == 0.0:
                return out
            kept = torch.from_numpy(philox_uniforms(SEED, layer, step, batch) >= drop_path).to(dtype)
            return out / (1.0 - drop_path) * kept.reshape(-1, 1, 1, 1)
        opt.zero_grad()
        logits, auxiliary = net(x, dropper)
        loss = F.cross_entropy(logits, y, label_smoothing=smoothing)
        (loss + AUXILIARY * F.cross_entropy(auxiliary, y, label_smoothing=smoothing)).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        opt.step()
        losses.append(loss.item())
    return {"kind": kind, "codes": codes, "classes": classes, "channels": channels, "cells": cells, "batch": batch,
            "size": size, "lr": lr, "weight_decay": 3e-4, "label_smoothing": smoothing, "clip_norm": 5.0,
            "drop_path": drop_path, "seed": SEED, "auxiliary": AUXILIARY, **results(net, losses, x)}


def nasbench_run(path, dtype=torch.float32):
    classes, channels, batch, size = 10, 8, 8, 16
    net = NasbenchNetwork(classes, channels, path)
    initialise(net)
    net.to(dtype).train()
    x, y = images(batch, size).to(dtype), torch.arange(batch) % classes
    opt = torch.optim.SGD(net.parameters(), NASBENCH_RATE, momentum=0.9, weight_decay=5e-4, nesterov=True)
    losses = []
    for _ in range(STEPS):
        opt.zero_grad(set_to_none=False)
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return {"path": path, "classes": classes, "channels": channels, "batch": batch, "size": size, "lr": NASBENCH_RATE,
            "weight_decay": 5e-4, **results(net, losses, x)}


# Every operation; one with a convolution of nothing but zeros (3<-1 behind a none), whose batch norm still shifts; one
# with a dead end (1<-0 leads nowhere).
NASBENCH_RATE = 0.004
NASBENCH_PATHS = [[3, 1, 4, 2, 0, 3], [0, 3, 0, 1, 3, 4], [3, 1, 0, 2, 0, 4]]


def main():
    torch.set_num_threads(2)
    if len(sys.argv) > 1 and sys.argv[1] == "precision":  # how far single and double precision are apart
        def distance(a, b):
            worst = max(abs(p - q) / q for p, q in zip(a["losses"], b["losses"]))
            weights = 0.0
            for name, w in b["final"].items():
                count = COUNTS[name]
                for k in range(len(w)):
                    size = w[1] if k < 2 else w[1] / count**0.5
                    weights = max(weights, abs(a["final"][name][k] - w[k]) / size)
            return worst, weights
        runs = [(nasbench_run, path) for path in NASBENCH_PATHS] + [(darts_run, kind) for kind in ("cifar", "imagenet")]
        for run, argument in runs:
            print(argument, *distance(run(argument), run(argument, torch.float64)))
        return
    json.dump({"torch": torch.__version__, "darts": [darts_run("cifar"), darts_run("imagenet")],
               "nasbench201": [nasbench_run(path) for path in NASBENCH_PATHS]}, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
