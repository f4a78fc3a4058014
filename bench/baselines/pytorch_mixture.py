#!/usr/bin/env python3
"""A step of a differentiable search (PC-DARTS, DARTS) in PyTorch, both phases, for compare_step.py.

The network as it is defined: on every edge all candidates, their weighted sum, the other channels beside it, a
channel shuffle, the weighted edge. The gradients that the step of the alphas takes of the weights too, as the
published code does, are left out unless --all-gradients: PyTorch need not compute them. Source: method.md 12.3.
"""
import argparse
import json
import os
import time

import torch
from torch import nn
from torch.nn import functional

from pytorch_step import resident_mib, serve, sweep

EDGES = [(target, source) for target in range(2, 6) for source in range(target)]
STEPS = 2  # of a sweep


def conv(inputs, outputs, kernel=1, stride=1, dilation=1, groups=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2 * dilation, dilation, groups, bias=False)


def norm(channels):
    return nn.BatchNorm2d(channels, affine=False)


class FactorizedReduce(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.first, self.second = conv(inputs, outputs // 2, 1, 2), conv(inputs, outputs // 2, 1, 2)
        self.norm = norm(outputs)

    def forward(self, x):
        x = functional.relu(x)
        return self.norm(torch.cat([self.first(x), self.second(x[:, :, 1:, 1:])], 1))


def separable(channels, kernel, stride, dilation=1):
    return [nn.ReLU(), conv(channels, channels, kernel, stride, dilation, channels), conv(channels, channels),
            norm(channels)]


def candidates(c, stride):
    """All but `none`, which adds nothing."""
    return nn.ModuleList([
        nn.Sequential(nn.MaxPool2d(3, stride, 1), norm(c)),
        nn.Sequential(nn.AvgPool2d(3, stride, 1, count_include_pad=False), norm(c)),
        nn.Identity() if stride == 1 else FactorizedReduce(c, c),
        nn.Sequential(*separable(c, 3, stride), *separable(c, 3, 1)),
        nn.Sequential(*separable(c, 5, stride), *separable(c, 5, 1)),
        nn.Sequential(*separable(c, 3, stride, 2)), nn.Sequential(*separable(c, 5, stride, 2))])


class MixedOp(nn.Module):
    def __init__(self, channels, stride, share):
        super().__init__()
        self.share, self.stride, self.ops = share, stride, candidates(channels // share, stride)

    def forward(self, x, weights):
        if self.share == 1:
            return sum(w * op(x) for w, op in zip(weights[1:], self.ops))
        first = x.shape[1] // self.share
        mixed = x[:, :first]
        mixed = sum(w * op(mixed) for w, op in zip(weights[1:], self.ops))
        rest = x[:, first:] if self.stride == 1 else functional.max_pool2d(x[:, first:], 2, 2)
        return functional.channel_shuffle(torch.cat([mixed, rest], 1), self.share)


class Cell(nn.Module):
    def __init__(self, before_last, last, channels, reduction, reduction_before, share):
        super().__init__()
        self.reduction = reduction
        self.pre0 = (FactorizedReduce(before_last, channels) if reduction_before
                     else nn.Sequential(nn.ReLU(), conv(before_last, channels), norm(channels)))
        self.pre1 = nn.Sequential(nn.ReLU(), conv(last, channels), norm(channels))
        self.edges = nn.ModuleList(MixedOp(channels, 2 if reduction and source < 2 else 1, share)
                                   for _, source in EDGES)

    def forward(self, s0, s1, alphas, betas):
        nodes = [self.pre0(s0), self.pre1(s1)]
        for node in range(2, 6):
            nodes.append(sum((1.0 if betas is None else betas[e]) * self.edges[e](nodes[source], alphas[e])
                             for e, (target, source) in enumerate(EDGES) if target == node))
        return torch.cat(nodes[2:], 1)


class Network(nn.Module):
    def __init__(self, share):
        super().__init__()
        channels, before_last, last, reduced = 16, 48, 48, False
        self.stem = nn.Sequential(conv(3, 48, 3), nn.BatchNorm2d(48))
        self.cells = nn.ModuleList()
        for index in range(8):
            reduction = index in (2, 5)
            channels *= 2 if reduction else 1
            self.cells.append(Cell(before_last, last, channels, reduction, reduced, share))
            reduced, before_last, last = reduction, last, 4 * channels
        self.classifier = nn.Linear(last, 10)
        self.alphas = [(1e-3 * torch.randn(14, 8)).requires_grad_() for _ in range(2)]
        self.betas = [(1e-3 * torch.randn(14)).requires_grad_() for _ in range(2)] if share > 1 else []

    def forward(self, x):
        alphas = [functional.softmax(a, -1) for a in self.alphas]
        betas = [torch.cat([functional.softmax(b[first:first + n], -1)
                            for first, n in ((0, 2), (2, 3), (5, 4), (9, 5))]) for b in self.betas] or [None, None]
        s0 = s1 = self.stem(x)
        for cell in self.cells:
            s0, s1 = s1, cell(s0, s1, alphas[cell.reduction], betas[cell.reduction])
        return self.classifier(s1.mean((2, 3)))


def build(args):
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    net = Network(4 if args.method == "pc-darts" else 1)
    images, labels = torch.randn(args.batch, 3, 32, 32), torch.randint(0, 10, (args.batch,))
    if args.layout == "channels_last":
        net = net.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    mixture = net.alphas + net.betas
    sgd = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, weight_decay=3e-4)
    adam = torch.optim.Adam(mixture, 6e-4, betas=(0.5, 0.999), weight_decay=1e-3)

    def loss():
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            logits = net(images)
        return functional.cross_entropy(logits.float(), labels)

    def step(_):
        adam.zero_grad(set_to_none=True)
        for parameter in net.parameters():
            parameter.requires_grad_(args.all_gradients)
        loss().backward()
        adam.step()
        for parameter in net.parameters():
            parameter.requires_grad_(True)
        for parameter in mixture:
            parameter.requires_grad_(args.all_gradients)
        sgd.zero_grad(set_to_none=True)
        loss().backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        sgd.step()
        for parameter in mixture:
            parameter.requires_grad_(True)

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=("pc-darts", "darts"), default="pc-darts")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--layout", choices=("nchw", "channels_last"), default="nchw")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--all-gradients", action="store_true", help="as the published code takes them")
    parser.add_argument("--serve", action="store_true")
    args = parser.parse_args()
    args.paths = STEPS
    start = time.perf_counter()
    step = build(args)
    sweep(step, STEPS)
    if args.serve:
        serve(step, args, time.perf_counter() - start)
    else:
        print(json.dumps({"ms": sweep(step, STEPS), "rss_mib": resident_mib()}))


if __name__ == "__main__":
    main()
