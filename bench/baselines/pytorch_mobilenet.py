#!/usr/bin/env python3
"""The training step of rlnas_bench_mobilenet in PyTorch: the same SuperNet at 224 px, six paths, loss and optimiser.

Gradients of unsampled weights are None (set_to_none), so that PyTorch skips their update;
clip_grad_value_ takes one foreach call in 2.x. Options that pytorch_step.py has too mean the same. --serve: for
compare_step.py --space mobilenet.
"""
import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pytorch_step import report, serve, sweep  # noqa: E402

PATH_COUNT, SIZE, CLASSES = 6, 224, 1000
STAGES = [(32, 4, 2), (56, 4, 2), (112, 4, 2), (128, 4, 1), (256, 4, 2), (432, 1, 1)]
OPENS_STAGE = (0, 4, 8, 12, 16, 20)
OPS = [(3, 3), (3, 6), (5, 3), (5, 6), (7, 3), (7, 6)]  # kernel, expansion
IDENTITY = 6


def step_paths():
    rng = random.Random(1)
    return [[rng.randrange(6 if block in OPENS_STAGE else 7) for block in range(21)] for _ in range(PATH_COUNT)]


def build(args):
    import torch
    import torch.nn as nn
    import torch.nn.functional as functional
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)

    def conv_norm(cin, cout, kernel, stride=1, groups=1):
        return [nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(cout)]

    class InvertedResidual(nn.Module):
        def __init__(self, cin, cout, kernel, stride, expansion):
            super().__init__()
            hidden = cin * expansion
            layers = [] if expansion == 1 else [*conv_norm(cin, hidden, 1), nn.ReLU6(inplace=True)]
            layers += [*conv_norm(hidden, hidden, kernel, stride, hidden), nn.ReLU6(inplace=True),
                       *conv_norm(hidden, cout, 1)]
            self.conv = nn.Sequential(*layers)
            self.residual = stride == 1 and cin == cout

        def forward(self, x):
            return x + self.conv(x) if self.residual else self.conv(x)

    class Supernet(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Sequential(*conv_norm(3, 40, 3, 2), nn.ReLU6(inplace=True), InvertedResidual(40, 24, 3, 1, 1))
            blocks, cin = [], 24
            for channels, count, stride in STAGES:
                for i in range(count):
                    blocks.append(nn.ModuleList([InvertedResidual(cin, channels, k, stride if i == 0 else 1, e)
                                                 for k, e in OPS]))
                    cin = channels
            self.blocks = nn.ModuleList(blocks)
            self.head = nn.Sequential(*conv_norm(432, 1728, 1), nn.ReLU6(inplace=True))
            self.classifier = nn.Linear(1728, CLASSES)

        def forward(self, x, path):
            x = self.stem(x)
            for block, op in zip(self.blocks, path):
                if op != IDENTITY:
                    x = block[op](x)
            return self.classifier(self.head(x).mean((2, 3)))

    net = Supernet()
    images = torch.randn(args.batch, 3, SIZE, SIZE)
    labels = torch.randint(0, CLASSES, (args.batch,))
    if args.layout == "channels_last":
        net = net.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    parameters = list(net.parameters())
    decayed = [p for p in parameters if p.dim() > 1] + [net.classifier.bias]
    norms = [p for p in parameters if p.dim() == 1 and p is not net.classifier.bias]
    optimiser = torch.optim.SGD([{"params": decayed}, {"params": norms, "weight_decay": 0.0}], 0.25, momentum=0.9,
                                weight_decay=4e-5)
    paths = step_paths()

    def step(index):
        optimiser.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(net(images, paths[index]), labels, label_smoothing=0.1)
        loss.backward()
        torch.nn.utils.clip_grad_value_([p for p in parameters if p.grad is not None], 5.0)
        optimiser.step()
        return loss

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--layout", choices=("nchw", "channels_last"), default="nchw")
    parser.add_argument("--paths", type=int, default=PATH_COUNT, help="only the first so many paths")
    parser.add_argument("--sweeps", type=int, default=5, help="timed passes over the paths")
    parser.add_argument("--out", help="Google-Benchmark JSON file")
    parser.add_argument("--serve", action="store_true")
    args = parser.parse_args()
    args.prune = args.bf16 = args.compile = None  # pytorch_step.py's
    start = time.perf_counter()
    step = build(args)
    sweep(step, args.paths)
    (serve if args.serve else report)(step, args, time.perf_counter() - start)


if __name__ == "__main__":
    main()
