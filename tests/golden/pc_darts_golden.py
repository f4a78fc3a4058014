"""Golden values of differentiable searches, PC-DARTS and plain DARTS, trained for five steps by PyTorch.

Run:  python3 tests/golden/pc_darts_golden.py > tests/golden/pc_darts_golden.json   (PyTorch 2.15, CPU)

Written from the definition of the networks (edge by edge: slice, eight candidates, weighted sum, concatenation,
channel shuffle, weighted edges) and of the search: the first two steps train weights alone, in the others Adam moves
alphas and betas on a held-out batch before SGD moves the weights. Weights, images and labels come from integer hashes
that the C++ test repeats, so only losses, the alphas and betas and fingerprints of tensors are stored. Clipping is
harder than the published recipe's, so that it is seen to act. Run with --double it prints how far single and double
precision are apart instead: at most 2e-7 of a loss, 1e-7 of an alpha.
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
STEPS, BEGIN = 5, 2
CLASSES, CHANNELS, CELLS, BATCH, SIZE = 10, 8, 4, 8, 8
LR, DECAY, CLIP = 0.025, 3e-4, 1.0
ARCH_LR, ARCH_DECAY = 6e-4, 1e-3
SALTS = {4: (1, 2), 1: (5, 6)}  # of the training and the held-out images


def mixed(count, salt):
    """Uniform over [0, 1), the same in C++: a multiplicative hash, mixed as MurmurHash3 ends. (Without mixing, images
    and weights have so much order that maxima tie.)"""
    low = np.uint64(2**32 - 1)
    x = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(salt) * np.uint64(40503)) & low
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = ((x ^ (x >> np.uint64(shift))) * np.uint64(factor)) & low
    return (x ^ (x >> np.uint64(16))).astype(np.float64) / 2.0**32


def conv(cin, cout, k, stride=1, dilation=1, groups=1):
    return nn.Conv2d(cin, cout, k, stride, dilation * (k - 1) // 2, dilation, groups, bias=False)


def norm(c):
    return nn.BatchNorm2d(c, affine=False)


class Op(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.op = nn.Sequential(*layers)

    def forward(self, x):
        return self.op(x)


def sep_conv(c, k, stride):
    return Op(nn.ReLU(), conv(c, c, k, stride, groups=c), conv(c, c, 1), norm(c),
              nn.ReLU(), conv(c, c, k, groups=c), conv(c, c, 1), norm(c))


def dil_conv(c, k, stride):
    return Op(nn.ReLU(), conv(c, c, k, stride, dilation=2, groups=c), conv(c, c, 1), norm(c))


class FactorizedReduce(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv_1 = conv(cin, cout // 2, 1, 2)
        self.conv_2 = conv(cin, cout // 2, 1, 2)
        self.bn = norm(cout)

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
    def __init__(self, c, stride, share):
        super().__init__()
        self.share, c = share, c // share
        self._ops = nn.ModuleList([
            Zero(stride),
            nn.Sequential(nn.MaxPool2d(3, stride, 1), norm(c)),
            nn.Sequential(nn.AvgPool2d(3, stride, 1, count_include_pad=False), norm(c)),
            nn.Identity() if stride == 1 else FactorizedReduce(c, c),
            sep_conv(c, 3, stride), sep_conv(c, 5, stride), dil_conv(c, 3, stride), dil_conv(c, 5, stride)])

    def forward(self, x, weights):
        mixed, passed = x.tensor_split([x.shape[1] // self.share], 1)
        mixed = sum(w * op(mixed) for w, op in zip(weights, self._ops))
        if self.share == 1:
            return mixed
        if mixed.shape[2] != x.shape[2]:
            passed = F.max_pool2d(passed, 2, 2)
        out = torch.cat([mixed, passed], 1)
        n, c, h, w = out.shape
        return out.reshape(n, self.share, c // self.share, h, w).transpose(1, 2).reshape(n, c, h, w)


class Cell(nn.Module):
    def __init__(self, older, last, c, reduce, last_reduce, share):
        super().__init__()
        self.reduce = reduce
        self.preprocess0 = (FactorizedReduce(older, c) if last_reduce
                            else Op(nn.ReLU(), conv(older, c, 1), norm(c)))
        self.preprocess1 = Op(nn.ReLU(), conv(last, c, 1), norm(c))
        self._ops = nn.ModuleList([MixedOp(c, 2 if reduce and source < 2 else 1, share) for _, source in EDGES])

    def forward(self, s0, s1, alphas, betas):
        nodes = [self.preprocess0(s0), self.preprocess1(s1)]
        for node in range(2, 6):
            edges = [e for e, (target, _) in enumerate(EDGES) if target == node]
            nodes.append(sum(betas[e] * self._ops[e](nodes[EDGES[e][1]], alphas[e]) for e in edges))
        return torch.cat(nodes[2:], 1)


class Network(nn.Module):
    def __init__(self, share):
        super().__init__()
        c = CHANNELS
        self.share = share
        self.stem = nn.Sequential(conv(3, 3 * c, 3), nn.BatchNorm2d(3 * c))
        older = last = 3 * c
        last_reduce = False
        self.cells = nn.ModuleList()
        for i in range(CELLS):
            reduce = i in (CELLS // 3, 2 * CELLS // 3)
            c *= 2 if reduce else 1
            self.cells.append(Cell(older, last, c, reduce, last_reduce, share))
            older, last, last_reduce = last, 4 * c, reduce
        self.classifier = nn.Linear(last, CLASSES)
        self.logits = {}
        for name, shape in [("alphas_normal", (14, 8)), ("alphas_reduce", (14, 8)), ("betas_normal", (14,)),
                            ("betas_reduce", (14,))]:
            if share == 1 and name.startswith("betas"):
                continue
            u = 2.0 * mixed(int(np.prod(shape)), zlib.crc32(name.encode())) - 1.0
            self.logits[name] = torch.tensor((0.5 * u).astype(np.float32).reshape(shape), requires_grad=True)

    def forward(self, x):
        mix = {}
        for kind in ("normal", "reduce"):
            alphas = F.softmax(self.logits["alphas_" + kind], -1)
            betas = [1.0] * len(EDGES)
            if self.share > 1:
                beta = self.logits["betas_" + kind]
                betas = torch.cat([F.softmax(beta[first:first + n], -1)
                                   for first, n in ((0, 2), (2, 3), (5, 4), (9, 5))])
            mix[kind] = (alphas, betas)
        s0 = s1 = self.stem(x)
        for cell in self.cells:
            s0, s1 = s1, cell(s0, s1, *mix["reduce" if cell.reduce else "normal"])
        return self.classifier(s1.mean((2, 3)))


def initialise(net):
    with torch.no_grad():
        for name, p in net.named_parameters():
            u = 2.0 * mixed(p.numel(), zlib.crc32(name.encode())) - 1.0
            if p.dim() == 1:
                value = (1.0 if name.endswith("weight") else 0.0) + 0.1 * u
            else:
                value = u / np.sqrt(p[0].numel())
            p.copy_(torch.from_numpy(value.astype(np.float32)).reshape(p.shape))


def short(values):
    return [float(f"{v:.9g}") for v in values]


def fingerprint(t):
    """Sum, norm and four spread-out elements, in double."""
    flat = t.detach().double().reshape(-1)
    picks = [int(k * (flat.numel() - 1) / 3) for k in range(4)]
    return short([flat.sum().item(), flat.norm().item()] + [flat[k].item() for k in picks])


def batch(salt, dtype):
    pixels = np.floor(mixed(BATCH * SIZE * SIZE * 3, salt) * 256.0).astype(np.uint8)
    x = torch.from_numpy((pixels.astype(np.float32) - 120.0) / 60.0).reshape(BATCH, SIZE, SIZE, 3)
    return x.permute(0, 3, 1, 2).contiguous().to(dtype), (torch.arange(BATCH) * 7 + salt) % CLASSES


def search(share, dtype=torch.float32):
    net = Network(share)
    initialise(net)
    net.to(dtype).train()
    for name, logit in net.logits.items():
        net.logits[name] = logit.detach().to(dtype).requires_grad_()
    train, held_out = (batch(salt, dtype) for salt in SALTS[share])
    sgd = torch.optim.SGD(net.parameters(), LR, momentum=0.9, weight_decay=DECAY)
    adam = torch.optim.Adam(net.logits.values(), ARCH_LR, betas=(0.5, 0.999), weight_decay=ARCH_DECAY)
    losses, held_out_losses, gradients = [], [], []
    for step in range(STEPS):
        if step >= BEGIN:
            adam.zero_grad()
            loss = F.cross_entropy(net(held_out[0]), held_out[1])
            loss.backward()
            gradients.append({name: short(logit.grad.reshape(-1).tolist()) for name, logit in net.logits.items()})
            adam.step()
            held_out_losses.append(loss.item())
        sgd.zero_grad()
        loss = F.cross_entropy(net(train[0]), train[1])
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), CLIP)
        sgd.step()
        losses.append(loss.item())
    return {"share": share, "salts": SALTS[share], "losses": losses, "held_out_losses": held_out_losses, "gradients": gradients[0],
            "logits": {name: short(logit.reshape(-1).tolist()) for name, logit in net.logits.items()},
            "final": {n: fingerprint(p) for n, p in net.named_parameters()}}


def compare(share):
    single, double = search(share), search(share, torch.float64)
    worst = max(abs(a / b - 1) for k in ("losses", "held_out_losses") for a, b in zip(single[k], double[k]))
    logit = max(abs(a - b) for k in single["logits"] for a, b in zip(single["logits"][k], double["logits"][k]))
    print(f"share {share}: losses apart by {worst:.1e}, logits by {logit:.1e}", file=sys.stderr)


def main():
    torch.set_num_threads(1)
    if sys.argv[1:] == ["--double"]:
        return [compare(4), compare(1)]
    json.dump({"torch": torch.__version__, "steps": STEPS, "begin": BEGIN, "classes": CLASSES, "channels": CHANNELS,
               "cells": CELLS, "batch": BATCH, "size": SIZE, "lr": LR, "weight_decay": DECAY, "clip": CLIP,
               "arch_lr": ARCH_LR, "arch_decay": ARCH_DECAY, "runs": [search(4), search(1)]},
              sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
