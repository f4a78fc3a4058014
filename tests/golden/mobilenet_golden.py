"""Golden values of the MobileNet space: single inverted residuals, and five training steps each of a narrow SuperNet
and of the stand-alone network of one architecture.

Run:  python3 tests/golden/mobilenet_golden.py > tests/golden/mobilenet_golden.json   (PyTorch 2, CPU)

Written here from the description of the space (21 choice blocks of six inverted residuals, ReLU6, published tensor
names); channels are an eighth of the published ones. Weights, images and labels come from integer hashes that the C++
test repeats, so only losses and fingerprints are stored, and of the final weights only those that ever had a gradient.
Steps use the space's optimisers: no decay of batch norm, label smoothing, and a limit on each gradient element (SuperNet)
or on their norm and dropout (stand-alone). The limits are lower than published, and some of the decays higher, so that
they show.
"""
import json
import zlib

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from retrain_golden import philox_uniforms

WIDTH_DIVISOR, CLASSES, BATCH, SIZE = 8, 10, 12, 64
CLIP, SMOOTHING = 0.02, 0.1
CLIP_NORM, DROPOUT, SEED = 1.0, 0.2, 11  # of the stand-alone network
STAGES = [(32, 4, 2), (56, 4, 2), (112, 4, 2), (128, 4, 1), (256, 4, 2), (432, 1, 1)]
OPS = [(3, 3), (3, 6), (5, 3), (5, 6), (7, 3), (7, 6)]  # kernel, expansion
IDENTITY = 6
# One architecture a step. Most blocks that may be the identity are: without that, 60 batch norms over few pixels make
# training so unstable that PyTorch's own float and double runs part ways (1e-2 of the loss after three steps).
PATHS = [
    [3, 6, 6, 6, 4, 6, 6, 6, 3, 6, 6, 1, 2, 0, 6, 6, 4, 6, 6, 6, 2],
    [0, 6, 6, 6, 3, 6, 6, 6, 5, 6, 6, 6, 4, 6, 6, 6, 0, 3, 6, 6, 5],
    [0, 6, 6, 6, 5, 6, 6, 4, 1, 1, 6, 6, 0, 6, 6, 6, 3, 4, 6, 2, 4],
    [1, 6, 6, 6, 3, 3, 6, 1, 1, 6, 5, 6, 0, 1, 6, 6, 0, 6, 6, 6, 3],
    [5, 6, 6, 1, 5, 6, 6, 6, 3, 6, 6, 6, 2, 4, 4, 6, 1, 5, 6, 6, 2],
]
STANDALONE = [0, 6, 6, 6, 3, 6, 6, 6, 5, 6, 6, 6, 4, 6, 6, 6, 1, 6, 6, 6, 2]
BLOCKS = [dict(kernel=k, stride=s, expansion=e, in_channels=6, out_channels=6 if s == 1 else 10)
          for k in (3, 5, 7) for s, e in ((1, 3), (2, 6))]
BLOCK_BATCH, BLOCK_SIZE = 3, 10


def hashed(count, salt):
    """Uniform over [0, 1), the same in C++: 32 bits of i and the salt, mixed as MurmurHash3 ends. (A hash without the
    mixing makes weight matrices of low rank, whose batch norms blow rounding up until training is chaotic.)"""
    mask = np.uint64(2**32 - 1)
    x = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(salt) * np.uint64(40503)) & mask
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = ((x ^ (x >> np.uint64(shift))) * np.uint64(factor)) & mask
    return (x ^ (x >> np.uint64(16))).astype(np.float64) / 2.0**32


def hashed_image(n, h, w, c, salt):
    """Uniform over [-1, 1), hashed in NHWC order; returned as NCHW."""
    values = (2.0 * hashed(n * h * w * c, salt) - 1.0).astype(np.float32)
    return torch.from_numpy(values).reshape(n, h, w, c).permute(0, 3, 1, 2).contiguous()


def conv_norm(cin, cout, k, stride, groups=1):
    return [nn.Conv2d(cin, cout, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(cout)]


class InvertedResidual(nn.Module):
    def __init__(self, in_channels, out_channels, kernel, stride, expansion):
        super().__init__()
        hidden = in_channels * expansion
        layers = [] if expansion == 1 else [*conv_norm(in_channels, hidden, 1, 1), nn.ReLU6()]
        layers += [*conv_norm(hidden, hidden, kernel, stride, hidden), nn.ReLU6(), *conv_norm(hidden, out_channels, 1, 1)]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and in_channels == out_channels

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class Choice(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self._ops = nn.ModuleList([InvertedResidual(cin, cout, k, stride, e) for k, e in OPS])


class Supernet(nn.Module):
    def __init__(self):
        super().__init__()
        width = lambda channels: channels // WIDTH_DIVISOR
        self.conv_bn = nn.Sequential(*conv_norm(3, width(40), 3, 2), nn.ReLU6())
        self.MBConv_ratio_1 = InvertedResidual(width(40), width(24), 3, 1, 1)
        blocks, cin = [], width(24)
        for channels, count, stride in STAGES:
            for i in range(count):
                blocks.append(Choice(cin, width(channels), stride if i == 0 else 1))
                cin = width(channels)
        self.features = nn.ModuleList(blocks)
        self.conv_1x1_bn = nn.Sequential(*conv_norm(cin, width(1728), 1, 1), nn.ReLU6())
        self.classifier = nn.Sequential(nn.Linear(width(1728), CLASSES))

    def forward(self, x, path):
        x = self.MBConv_ratio_1(self.conv_bn(x))
        for block, op in zip(self.features, path):
            if op != IDENTITY:
                x = block._ops[op](x)
        return self.classifier(self.conv_1x1_bn(x).mean((2, 3)))


def initialise(net, norm_scale, norm_shift, norm_spread):
    with torch.no_grad():
        for name, p in net.named_parameters():
            u = 2.0 * hashed(p.numel(), zlib.crc32(name.encode())) - 1.0
            if p.dim() == 1 and not name.startswith("classifier"):
                value = (norm_scale if name.endswith("weight") else norm_shift) + norm_spread * u
            else:
                fan_in = p[0].numel() if p.dim() > 1 else net.classifier[0].in_features
                value = u / np.sqrt(fan_in)
            p.copy_(torch.from_numpy(value.astype(np.float32)).reshape(p.shape))


def fingerprint(t):
    """Sum, norm and four spread-out elements, in double."""
    flat = t.detach().double().reshape(-1)
    picks = [int(k * (flat.numel() - 1) / 3) for k in range(4)]
    return [float(f"{v:.9g}") for v in [flat.sum().item(), flat.norm().item()] + [flat[k].item() for k in picks]]


def image_fingerprint(t):
    return fingerprint(t.permute(0, 2, 3, 1).contiguous())


def block_golden(shape):
    """Gammas around 3 and betas around 1: many values lie above 6 and below 0."""
    block = InvertedResidual(**shape)
    initialise(block, 3.0, 1.0, 1.0)
    block.train()
    x = hashed_image(BLOCK_BATCH, BLOCK_SIZE, BLOCK_SIZE, shape["in_channels"], 1).requires_grad_()
    y = block(x)
    y.backward(hashed_image(y.shape[0], y.shape[2], y.shape[3], y.shape[1], 2))
    return {**shape, "output": image_fingerprint(y), "input_gradient": image_fingerprint(x.grad),
            "gradients": {n: fingerprint(p.grad) for n, p in block.named_parameters()}}


class Standalone(Supernet):
    """One architecture, under the SuperNet's names."""

    def __init__(self, path):
        super().__init__()
        for block, op in zip(self.features, path):
            block._ops = nn.ModuleDict({str(op): block._ops[op]} if op != IDENTITY else {})

    def forward(self, x, step):
        x = self.MBConv_ratio_1(self.conv_bn(x))
        for block in self.features:
            for op in block._ops.values():
                x = op(x)
        x = self.conv_1x1_bn(x).mean((2, 3))
        kept = torch.from_numpy(philox_uniforms(SEED, "dropout", step, x.numel()) >= DROPOUT).to(x.dtype)
        return self.classifier(x / (1.0 - DROPOUT) * kept.reshape(x.shape))


def batch_of(dtype):
    pixels = np.floor(hashed(BATCH * SIZE * SIZE * 3, 1) * 256.0).astype(np.uint8)
    x = torch.from_numpy((pixels.astype(np.float64) - 120.0) / 60.0).reshape(BATCH, SIZE, SIZE, 3).permute(0, 3, 1, 2)
    return x.contiguous().to(dtype), torch.arange(BATCH) % CLASSES


def train(net, steps, rate, decay, clip, dtype):
    """Runs net(images, step) for every step."""
    initialise(net, 1.0, 0.0, 0.1)
    net.to(dtype).train()
    x, y = batch_of(dtype)
    named = list(net.named_parameters())
    is_norm = lambda name, p: p.dim() == 1 and not name.startswith("classifier")
    opt = torch.optim.SGD([{"params": [p for n, p in named if is_norm(n, p)], "weight_decay": 0.0},
                           {"params": [p for n, p in named if not is_norm(n, p)]}],
                          rate, momentum=0.9, weight_decay=decay)
    losses = []
    for step in steps:
        opt.zero_grad(set_to_none=False)
        loss = F.cross_entropy(net(x, step), y, label_smoothing=SMOOTHING)
        loss.backward()
        clip([p for _, p in named if p.grad is not None])
        opt.step()
        losses.append(loss.item())
    sampled = {n for n, p in named if p.grad is not None}
    return {"width_divisor": WIDTH_DIVISOR, "classes": CLASSES, "batch": BATCH, "size": SIZE,
            "learning_rate": rate, "weight_decay": decay, "smoothing": SMOOTHING,
            "losses": losses, "final": {n: fingerprint(p) for n, p in named if n in sampled},
            "statistics": {n: fingerprint(b) for n, b in net.named_buffers()
                           if "running" in n and n.rsplit(".", 1)[0] + ".weight" in sampled}}


# In double, so that a float run has only its own rounding to answer for.
def train_supernet(steps=len(PATHS), decay=4e-5, dtype=torch.float64):
    return {"paths": PATHS[:steps], "clip": CLIP,
            **train(Supernet(), PATHS[:steps], 0.01, decay, lambda p: nn.utils.clip_grad_value_(p, CLIP), dtype)}


def train_standalone(dtype=torch.float64):
    return {"path": STANDALONE, "clip_norm": CLIP_NORM, "dropout": DROPOUT, "seed": SEED,
            **train(Standalone(STANDALONE), range(5), 0.003, 0.1,
                    lambda p: nn.utils.clip_grad_norm_(p, CLIP_NORM), dtype)}


def dump(value):
    """JSON with one entry a line."""
    if isinstance(value, dict):
        inner = ",\n".join(f"{json.dumps(k)}: {dump(v)}" for k, v in value.items())
        return "{\n" + inner + "\n}"
    return json.dumps(value)


def main():
    torch.set_num_threads(1)
    blocks = [block_golden(shape) for shape in BLOCKS]
    print(dump({"torch": torch.__version__, "block_batch": BLOCK_BATCH, "block_size": BLOCK_SIZE,
                "blocks": {f"{b['kernel']}x{b['kernel']} stride {b['stride']}": b for b in blocks},
                "training": train_supernet(), "standalone": train_standalone(),
                # A decay that shows in two steps, after which rounding has not grown yet.
                "decayed": train_supernet(steps=2, decay=0.5)}))


if __name__ == "__main__":
    main()
