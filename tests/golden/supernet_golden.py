"""Golden values of a small NAS-Bench-201 SuperNet, trained for five steps by PyTorch.

Run:  python3 tests/golden/supernet_golden.py > tests/golden/supernet_golden.json   (PyTorch 1.13, CPU)

The network is the published one with 8 channels and one cell a stage, written here from its description and with
nothing pruned: `none` multiplies by zero, every edge of the path runs, gradients of unsampled weights stay zero
tensors once they exist. Weights, images and labels come from integer hashes that the C++ test repeats, so only
losses and fingerprints of the final tensors are stored.
"""
import json
import sys
import zlib

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

CHANNELS, CLASSES, BATCH, SIZE, STEPS = 8, 10, 8, 16, 5
EDGES = [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]
# One path a step for each of the three cells, in edge order; step 0 has a dead edge (1<-0 leads nowhere in cell 0)
# and step 3 a cell without any live path.
PATHS = [
    [[3, 1, 0, 2, 0, 3], [3, 4, 2, 1, 3, 0], [2, 3, 3, 3, 2, 1]],
    [[1, 0, 2, 4, 3, 3], [1, 3, 0, 0, 0, 2], [4, 4, 4, 4, 4, 4]],
    [[2, 2, 2, 2, 2, 2], [3, 3, 3, 3, 3, 3], [1, 1, 1, 1, 1, 1]],
    [[3, 0, 2, 4, 1, 3], [3, 2, 1, 0, 0, 0], [1, 4, 3, 2, 2, 0]],
    [[4, 1, 3, 1, 0, 2], [2, 3, 0, 3, 4, 1], [3, 1, 1, 0, 1, 3]],
]


def hashed(count, salt):
    """Uniform over [0, 1), the same in C++: ((i * 2654435761 + salt * 40503) mod 2^32) / 2^32."""
    i = np.arange(count, dtype=np.uint64)
    return ((i * np.uint64(2654435761) + np.uint64(salt) * np.uint64(40503)) % np.uint64(2**32)).astype(np.float64) / 2.0**32


class ReluConvBn(nn.Module):
    def __init__(self, cin, cout, k, stride, affine):
        super().__init__()
        self.op = nn.Sequential(nn.ReLU(), nn.Conv2d(cin, cout, k, stride, k // 2, bias=False),
                                nn.BatchNorm2d(cout, affine=affine))

    def forward(self, x):
        return self.op(x)


class Zero(nn.Module):
    def forward(self, x):
        return x.mul(0.0)


class Cell(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.edges = nn.ModuleDict({
            f"{i}<-{j}": nn.ModuleList([Zero(), nn.Identity(), ReluConvBn(c, c, 1, 1, False),
                                        ReluConvBn(c, c, 3, 1, False),
                                        nn.AvgPool2d(3, 1, 1, count_include_pad=False)])
            for i, j in EDGES})

    def forward(self, x, path):
        nodes = [x]
        for i in (1, 2, 3):
            nodes.append(sum(self.edges[f"{a}<-{b}"][op](nodes[b])
                             for (a, b), op in zip(EDGES, path) if a == i))
        return nodes[3]


class Residual(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv_a = ReluConvBn(cin, cout, 3, 2, True)
        self.conv_b = ReluConvBn(cout, cout, 3, 1, True)
        self.downsample = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(cin, cout, 1, bias=False))

    def forward(self, x):
        return self.downsample(x) + self.conv_b(self.conv_a(x))


class Supernet(nn.Module):
    def __init__(self):
        super().__init__()
        c = CHANNELS
        self.stem = nn.Sequential(nn.Conv2d(3, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c))
        self.cells = nn.ModuleList([Cell(c), Residual(c, 2 * c), Cell(2 * c), Residual(2 * c, 4 * c), Cell(4 * c)])
        self.lastact = nn.Sequential(nn.BatchNorm2d(4 * c), nn.ReLU())
        self.classifier = nn.Linear(4 * c, CLASSES)

    def forward(self, x, paths):
        x = self.stem(x)
        paths = iter(paths)
        for cell in self.cells:
            x = cell(x, next(paths)) if isinstance(cell, Cell) else cell(x)
        x = self.lastact(x).mean((2, 3))
        return self.classifier(x)


def initialise(net):
    with torch.no_grad():
        for name, p in net.named_parameters():
            u = 2.0 * hashed(p.numel(), zlib.crc32(name.encode())) - 1.0
            if p.dim() == 1 and name != "classifier.bias":
                value = (1.0 if name.endswith("weight") else 0.0) + 0.1 * u
            else:
                fan_in = 4 * CHANNELS if p.dim() < 4 else p[0].numel()
                value = u / np.sqrt(fan_in)
            p.copy_(torch.from_numpy(value.astype(np.float32)).reshape(p.shape))


def fingerprint(t):
    """Sum, norm and up to eight spread-out elements, in double."""
    flat = t.detach().double().reshape(-1)
    picks = [int(k * (flat.numel() - 1) / 7) for k in range(8)]
    return [flat.sum().item(), flat.norm().item()] + [flat[k].item() for k in picks]


def main():
    torch.set_num_threads(1)
    net = Supernet()
    initialise(net)
    net.train()
    pixels = np.floor(hashed(BATCH * SIZE * SIZE * 3, 1) * 256.0).astype(np.uint8)
    x = torch.from_numpy((pixels.astype(np.float32) - 120.0) / 60.0).reshape(BATCH, SIZE, SIZE, 3).permute(0, 3, 1, 2)
    y = torch.arange(BATCH) % CLASSES
    opt = torch.optim.SGD(net.parameters(), 0.025, momentum=0.9, weight_decay=5e-4, nesterov=True)
    losses, first_gradients = [], {}
    for step in range(STEPS):
        opt.zero_grad(set_to_none=False)
        loss = F.cross_entropy(net(x.contiguous(), PATHS[step]), y)
        loss.backward()
        if step == 0:
            first_gradients = {n: fingerprint(p.grad) for n, p in net.named_parameters() if p.grad is not None}
        opt.step()
        losses.append(loss.item())
    json.dump({"torch": torch.__version__, "channels": CHANNELS, "classes": CLASSES, "batch": BATCH, "size": SIZE,
               "paths": PATHS, "losses": losses, "first_gradients": first_gradients,
               "final": {n: fingerprint(p) for n, p in net.named_parameters()},
               "statistics": {n: fingerprint(b) for n, b in net.named_buffers() if "num_batches" not in n}},
              sys.stdout, indent=0)
    print()


if __name__ == "__main__":
    main()
