#!/usr/bin/env python3
"""The SuperNet training step of the DARTS and MobileNet spaces in PyTorch, for compare_step.py.

Only the operations of the path run, as in the published code's `if op != none`; gradients of unsampled
weights are None, so that their update is skipped. --paths FILE holds one architecture a line: 28 operations
of the two DARTS cells, or the 21 of MobileNet (-1: identity). Source: method.md 4.1, 5, 6.
"""
import argparse
import json
import os
import sys
import time

import torch
from torch import nn
from torch.nn import functional

from pytorch_step import add_device, allow_tf32, resident_mib, serve, sweep, wait_for_device

NONE, MAX_POOL, AVG_POOL, SKIP, SEP3, SEP5, DIL3, DIL5 = range(8)


def conv_norm(inputs, outputs, kernel=1, stride=1):
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)]


class FactorizedReduce(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs // 2, 1, 2, bias=False)
        self.second = nn.Conv2d(inputs, outputs // 2, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        x = functional.relu(x)
        return self.norm(torch.cat([self.first(x), self.second(x[:, :, 1:, 1:])], 1))


def separable(channels, kernel, stride, dilation=1):
    return [nn.ReLU(), nn.Conv2d(channels, channels, kernel, stride, kernel // 2 * dilation, dilation, channels,
                                 bias=False), *conv_norm(channels, channels)]


def darts_op(op, channels, stride):
    if op in (MAX_POOL, AVG_POOL):
        pool = (nn.MaxPool2d(3, stride, 1) if op == MAX_POOL
                else nn.AvgPool2d(3, stride, 1, count_include_pad=False))
        return nn.Sequential(pool, nn.BatchNorm2d(channels))
    if op == SKIP:
        return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels)
    if op in (SEP3, SEP5):
        kernel = 3 if op == SEP3 else 5
        return nn.Sequential(*separable(channels, kernel, stride), *separable(channels, kernel, 1))
    return nn.Sequential(*separable(channels, 3 if op == DIL3 else 5, stride, dilation=2))


class DartsCell(nn.Module):
    def __init__(self, before_last, last, channels, reduction, reduction_before):
        super().__init__()
        self.reduction = reduction
        self.pre0 = (FactorizedReduce(before_last, channels) if reduction_before
                     else nn.Sequential(nn.ReLU(), *conv_norm(before_last, channels)))
        self.pre1 = nn.Sequential(nn.ReLU(), *conv_norm(last, channels))
        self.edges = nn.ModuleList()
        for node in range(4):
            for source in range(node + 2):
                stride = 2 if reduction and source < 2 else 1
                self.edges.append(nn.ModuleList(darts_op(op, channels, stride) for op in range(1, 8)))

    def forward(self, s0, s1, ops):
        nodes, edge = [self.pre0(s0), self.pre1(s1)], 0
        for node in range(4):
            total = None
            for source in range(node + 2):
                if ops[edge] != NONE:
                    value = self.edges[edge][ops[edge] - 1](nodes[source])
                    total = value if total is None else total + value
                edge += 1
            nodes.append(total)
        return torch.cat(nodes[2:], 1)


class Darts(nn.Module):
    def __init__(self, imagenet):
        super().__init__()
        self.imagenet = imagenet
        if imagenet:
            self.stem0 = nn.Sequential(*conv_norm(3, 24, 3, 2), nn.ReLU(), *conv_norm(24, 48, 3, 2))
            self.stem1 = nn.Sequential(nn.ReLU(), *conv_norm(48, 48, 3, 2))
            channels, cells, reductions, reduced, classes = 48, 14, (4, 9), True, 1000
        else:
            self.stem = nn.Sequential(*conv_norm(3, 48, 3))
            channels, cells, reductions, reduced, classes = 16, 8, (2, 5), False, 10
        before_last = last = 48
        self.cells = nn.ModuleList()
        for index in range(cells):
            reduction = index in reductions
            channels *= 2 if reduction else 1
            self.cells.append(DartsCell(before_last, last, channels, reduction, reduced))
            reduced, before_last, last = reduction, last, 4 * channels
        self.classifier = nn.Linear(last, classes)

    def forward(self, x, path):
        if self.imagenet:
            s0 = self.stem0(x)
            s1 = self.stem1(s0)
        else:
            s0 = s1 = self.stem(x)
        for cell in self.cells:
            s0, s1 = s1, cell(s0, s1, path[14:] if cell.reduction else path[:14])
        return self.classifier(s1.mean((2, 3)))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, kernel, expansion):
        super().__init__()
        hidden = expansion * inputs
        self.residual = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(*conv_norm(inputs, hidden), nn.ReLU6(),
                                  nn.Conv2d(hidden, hidden, kernel, stride, kernel // 2, groups=hidden,
                                            bias=False),
                                  nn.BatchNorm2d(hidden), nn.ReLU6(), *conv_norm(hidden, outputs))

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(*conv_norm(3, 40, 3, 2), nn.ReLU6(),
                                  nn.Conv2d(40, 40, 3, 1, 1, groups=40, bias=False), nn.BatchNorm2d(40),
                                  nn.ReLU6(), *conv_norm(40, 24))
        self.blocks, inputs = nn.ModuleList(), 24
        for outputs, count, first_stride in ((32, 4, 2), (56, 4, 2), (112, 4, 2), (128, 4, 1), (256, 4, 2),
                                             (432, 1, 1)):
            for block in range(count):
                stride = first_stride if block == 0 else 1
                self.blocks.append(nn.ModuleList(InvertedResidual(inputs, outputs, stride, kernel, expansion)
                                                 for kernel in (3, 5, 7) for expansion in (3, 6)))
                inputs = outputs
        self.head = nn.Sequential(*conv_norm(432, 1728), nn.ReLU6())
        self.classifier = nn.Linear(1728, 1000)

    def forward(self, x, path):
        x = self.stem(x)
        for block, op in zip(self.blocks, path):
            x = block[op](x) if op >= 0 else x
        return self.classifier(self.head(x).mean((2, 3)))


def build(args, paths):
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    allow_tf32(args)
    net = (MobileNet() if args.space == "mobilenet" else Darts(args.space == "darts-imagenet")).to(args.device)
    size, classes = (32, 10) if args.space == "darts-cifar" else (224, 1000)
    images = torch.randn(args.batch, 3, size, size, device=args.device)
    labels = torch.randint(0, classes, (args.batch,), device=args.device)
    if args.layout == "channels_last":
        net = net.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(net.parameters(), 0.025, momentum=0.9, weight_decay=3e-4)

    def step(index):
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(args.device, dtype=torch.bfloat16, enabled=args.bf16):
            logits = net(images, paths[index])
        functional.cross_entropy(logits.float(), labels).backward()
        if args.space == "darts-cifar":
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        else:
            nn.utils.clip_grad_value_(net.parameters(), 5.0)
        optimiser.step()
        wait_for_device(args)

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add_device(parser)
    parser.add_argument("--space", choices=("darts-cifar", "darts-imagenet", "mobilenet"), required=True)
    parser.add_argument("--paths", required=True, metavar="FILE")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--layout", choices=("nchw", "channels_last"), default="nchw")
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--serve", action="store_true")
    args = parser.parse_args()
    with open(args.paths) as file:
        paths = [[int(op) for op in line.split()] for line in file if line.strip()]
    args.paths = len(paths)
    start = time.perf_counter()
    step = build(args, paths)
    sweep(step, len(paths))
    setup_s = time.perf_counter() - start
    if args.serve:
        serve(step, args, setup_s)
    else:
        times = sweep(step, len(paths))
        print(json.dumps({"ms": times, "rss_mib": resident_mib()}))


if __name__ == "__main__":
    main()
