"""Golden values of DARTS cells and of two small DARTS SuperNets (CIFAR-10's and ImageNet's), trained for five
steps by PyTorch.

Run:  python3 tests/golden/darts_golden.py > tests/golden/darts_golden.json   (PyTorch 2.15, CPU)

Written from the description of the networks, with all fourteen edges of every cell evaluated, `none` included, and
with gradients of unsampled weights that stay zero tensors once they exist. Weights, images and labels come from
integer hashes that the C++ test repeats, so only losses and fingerprints of tensors are stored. Both optimisers
clip harder than the published recipes, so that clipping is seen to act. The sizes and learning rates are such that
PyTorch in single and in double precision agree to 1e-6 (at lr 0.1 and batch 6 ImageNet's network does not: 3e-3).
"""
import json
import sys
import zlib

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

EDGES = [(2, 0), (2, 1), (3, 0), (3, 1), (3, 2), (4, 0), (4, 1), (4, 2), (4, 3),
         (5, 0), (5, 1), (5, 2), (5, 3), (5, 4)]
# Cells with all eight operations, on the edges of stride 2 of the reduction cell too; no legal architecture has so
# many live edges.
NORMAL_CELL = [4, 5, 1, 2, 3, 6, 7, 0, 4, 3, 2, 1, 5, 6]
REDUCE_CELL = [1, 5, 3, 4, 5, 6, 7, 3, 0, 2, 3, 5, 1, 4]
# (normal, reduce) of each step: two inputs a node.
PATHS = [
    [[5, 4, 6, 0, 5, 4, 0, 0, 7, 0, 7, 6, 0, 0], [5, 6, 4, 0, 5, 0, 6, 0, 4, 0, 1, 5, 0, 0]],
    [[1, 2, 3, 0, 4, 0, 2, 1, 0, 3, 0, 0, 0, 5], [3, 3, 1, 2, 0, 0, 7, 3, 0, 3, 0, 0, 6, 0]],
    [[3, 3, 0, 7, 1, 0, 0, 3, 3, 0, 0, 2, 4, 0], [2, 7, 0, 4, 6, 5, 3, 0, 0, 0, 2, 0, 0, 7]],
    [[7, 6, 0, 5, 2, 1, 0, 0, 6, 0, 3, 0, 0, 3], [6, 1, 3, 0, 2, 0, 0, 1, 5, 4, 5, 0, 0, 0]],
    [[4, 1, 2, 2, 0, 7, 4, 0, 0, 1, 0, 5, 0, 0], [4, 3, 7, 0, 3, 2, 0, 4, 0, 6, 0, 1, 0, 0]],
]
STEPS = 5


def hashed(count, salt):
    """Uniform over [0, 1), the same in C++: ((i * 2654435761 + salt * 40503) mod 2^32) / 2^32."""
    i = np.arange(count, dtype=np.uint64)
    return ((i * np.uint64(2654435761) + np.uint64(salt) * np.uint64(40503)) % np.uint64(2**32)).astype(np.float64) / 2.0**32


def conv(cin, cout, k, stride=1, dilation=1, groups=1):
    return nn.Conv2d(cin, cout, k, stride, dilation * (k - 1) // 2, dilation, groups, bias=False)


class Op(nn.Module):
    """A sequence under the name `op`."""

    def __init__(self, *layers):
        super().__init__()
        self.op = nn.Sequential(*layers)

    def forward(self, x):
        return self.op(x)


def sep_conv(c, k, stride):
    return Op(nn.ReLU(), conv(c, c, k, stride, groups=c), conv(c, c, 1), nn.BatchNorm2d(c),
              nn.ReLU(), conv(c, c, k, groups=c), conv(c, c, 1), nn.BatchNorm2d(c))


def dil_conv(c, k, stride):
    return Op(nn.ReLU(), conv(c, c, k, stride, dilation=2, groups=c), conv(c, c, 1), nn.BatchNorm2d(c))


class FactorizedReduce(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv_1 = conv(cin, cout // 2, 1, 2)
        self.conv_2 = conv(cin, cout // 2, 1, 2)
        self.bn = nn.BatchNorm2d(cout)

    def forward(self, x):
        x = F.relu(x)
        return self.bn(torch.cat([self.conv_1(x), self.conv_2(x[:, :, 1:, 1:])], 1))


class Zero(nn.Module):
    def __init__(self, stride):
        super().__init__()
        self.stride = stride

    def forward(self, x):
        return x[:, :, ::self.stride, ::self.stride] * 0.0


class MixedOp(nn.Module):
    def __init__(self, c, stride):
        super().__init__()
        self._ops = nn.ModuleList([
            Zero(stride),
            nn.Sequential(nn.MaxPool2d(3, stride, 1), nn.BatchNorm2d(c)),
            nn.Sequential(nn.AvgPool2d(3, stride, 1, count_include_pad=False), nn.BatchNorm2d(c)),
            nn.Identity() if stride == 1 else FactorizedReduce(c, c),
            sep_conv(c, 3, stride), sep_conv(c, 5, stride), dil_conv(c, 3, stride), dil_conv(c, 5, stride)])


class Cell(nn.Module):
    def __init__(self, older, last, c, reduce, last_reduce):
        super().__init__()
        self.reduce = reduce
        self.preprocess0 = (FactorizedReduce(older, c) if last_reduce
                            else Op(nn.ReLU(), conv(older, c, 1), nn.BatchNorm2d(c)))
        self.preprocess1 = Op(nn.ReLU(), conv(last, c, 1), nn.BatchNorm2d(c))
        self._ops = nn.ModuleList([MixedOp(c, 2 if reduce and source < 2 else 1) for _, source in EDGES])

    def forward(self, s0, s1, code):
        nodes = [self.preprocess0(s0), self.preprocess1(s1)]
        for node in range(2, 6):
            nodes.append(sum(edge._ops[op](nodes[source])
                             for edge, op, (target, source) in zip(self._ops, code, EDGES) if target == node))
        return torch.cat(nodes[2:], 1)


class Supernet(nn.Module):
    def __init__(self, stem, classes, channels, cells):
        super().__init__()
        self.kind, c = stem, channels
        if stem == "cifar":
            self.stem = nn.Sequential(conv(3, 3 * c, 3), nn.BatchNorm2d(3 * c))
            older = last = 3 * c
        else:
            self.stem0 = nn.Sequential(conv(3, c // 2, 3, 2), nn.BatchNorm2d(c // 2), nn.ReLU(),
                                       conv(c // 2, c, 3, 2), nn.BatchNorm2d(c))
            self.stem1 = nn.Sequential(nn.ReLU(), conv(c, c, 3, 2), nn.BatchNorm2d(c))
            older = last = c
        last_reduce = stem == "imagenet"
        self.cells = nn.ModuleList()
        for i in range(cells):
            reduce = i in (cells // 3, 2 * cells // 3)
            c *= 2 if reduce else 1
            self.cells.append(Cell(older, last, c, reduce, last_reduce))
            older, last, last_reduce = last, 4 * c, reduce
        self.classifier = nn.Linear(last, classes)

    def forward(self, x, path):
        if self.kind == "cifar":
            s0 = s1 = self.stem(x)
        else:
            s0 = self.stem0(x)
            s1 = self.stem1(s0)
        for cell in self.cells:
            s0, s1 = s1, cell(s0, s1, path[1 if cell.reduce else 0])
        return self.classifier(s1.mean((2, 3)))


def initialise(net, prefix=""):
    with torch.no_grad():
        for name, p in net.named_parameters():
            u = 2.0 * hashed(p.numel(), zlib.crc32((prefix + name).encode())) - 1.0
            if p.dim() == 1:
                value = (1.0 if name.endswith("weight") else 0.0) + 0.1 * u
            else:
                value = u / np.sqrt(p[0].numel())
            p.copy_(torch.from_numpy(value.astype(np.float32)).reshape(p.shape))


def fingerprint(t):
    """Sum, norm and four spread-out elements, in double."""
    flat = t.detach().double().reshape(-1)
    picks = [int(k * (flat.numel() - 1) / 3) for k in range(4)]
    return [float(f"{v:.9g}") for v in [flat.sum().item(), flat.norm().item()] + [flat[k].item() for k in picks]]


def nhwc(t):
    return t.permute(0, 2, 3, 1).contiguous()


def hashed_image(n, h, w, c, salt):
    values = 2.0 * hashed(n * h * w * c, salt) - 1.0
    return torch.from_numpy(values.astype(np.float32)).reshape(n, h, w, c).permute(0, 3, 1, 2).contiguous()


def cell_values(kind):
    """One cell on its own: output, gradients of its inputs and weights, running statistics."""
    reduce = kind == "reduce"
    batch, size, older, last, c = 3, 8, 12, 20, 8
    older_size = size if reduce else 2 * size  # the normal cell comes after a reduction
    cell = Cell(older, last, c, reduce, not reduce)
    initialise(cell, "cells.0.")
    cell.train()
    s0 = hashed_image(batch, older_size, older_size, older, 21).requires_grad_()
    s1 = hashed_image(batch, size, size, last, 22).requires_grad_()
    code = REDUCE_CELL if reduce else NORMAL_CELL
    out = cell(s0, s1, code)
    out.backward(hashed_image(batch, out.shape[2], out.shape[3], out.shape[1], 23))
    return {"kind": kind, "code": code, "batch": batch, "size": size, "older_size": older_size,
            "older_channels": older, "last_channels": last, "channels": c, "output": fingerprint(nhwc(out)),
            "older_gradient": fingerprint(nhwc(s0.grad)), "last_gradient": fingerprint(nhwc(s1.grad)),
            "gradients": {"cells.0." + n: fingerprint(p.grad) for n, p in cell.named_parameters()
                          if p.grad is not None},
            "statistics": {"cells.0." + n: print for n, print in statistics(cell).items()}}


def statistics(net):
    """Running means and variances of the batch norms that have seen a batch."""
    return {f"{n}.{b}": fingerprint(getattr(m, b)) for n, m in net.named_modules()
            if isinstance(m, nn.BatchNorm2d) and m.num_batches_tracked > 0 for b in ("running_mean", "running_var")}


def training_values(stem, decay=None, steps=STEPS):
    cifar = stem == "cifar"
    classes, channels, cells, batch, size = (10, 4, 4, 8, 16) if cifar else (20, 8, 3, 12, 64)
    lr, weight_decay, smoothing = (0.025, 3e-4, 0.0) if cifar else (0.02, 4e-5, 0.1)
    weight_decay = decay or weight_decay
    net = Supernet(stem, classes, channels, cells)
    initialise(net)
    net.train()
    pixels = np.floor(hashed(batch * size * size * 3, 1) * 256.0).astype(np.uint8)
    x = torch.from_numpy((pixels.astype(np.float32) - 120.0) / 60.0).reshape(batch, size, size, 3).permute(0, 3, 1, 2)
    y = torch.arange(batch) % classes
    decayed = [p for p in net.parameters() if cifar or p.dim() == 4]
    rest = [p for p in net.parameters() if not cifar and p.dim() != 4]
    groups = [{"params": decayed, "weight_decay": weight_decay}] + ([{"params": rest, "weight_decay": 0.0}] if rest else [])
    opt = torch.optim.SGD(groups, lr, momentum=0.9)
    losses = []
    for step in range(steps):
        opt.zero_grad(set_to_none=False)
        loss = F.cross_entropy(net(x.contiguous(), PATHS[step]), y, label_smoothing=smoothing)
        loss.backward()
        if cifar:
            nn.utils.clip_grad_norm_([p for p in net.parameters() if p.grad is not None], 1.0)
        else:
            nn.utils.clip_grad_value_([p for p in net.parameters() if p.grad is not None], 0.05)
        opt.step()
        losses.append(loss.item())
    return {"stem": stem, "classes": classes, "channels": channels, "cells": cells, "batch": batch, "size": size,
            "lr": lr, "weight_decay": weight_decay, "label_smoothing": smoothing, "paths": PATHS, "losses": losses,
            "final": {n: fingerprint(p) for n, p in net.named_parameters() if p.grad is not None},
            "statistics": statistics(net)}


def main():
    torch.set_num_threads(1)
    runs = [training_values("cifar"), training_values("imagenet"),
            # A decay that shows in two steps, after which rounding has not grown yet.
            training_values("cifar", decay=0.5, steps=2), training_values("imagenet", decay=0.5, steps=2)]
    json.dump({"torch": torch.__version__, "cells": [cell_values("normal"), cell_values("reduce")], "runs": runs}, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
