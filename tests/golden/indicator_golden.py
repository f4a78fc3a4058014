"""Golden values of training-free indicators, computed by PyTorch in double precision.

Run:  python3 tests/golden/indicator_golden.py > tests/golden/indicator_golden.json   (PyTorch 2.15, CPU)
      python3 tests/golden/indicator_golden.py precision    (how far single precision is from it)

Written from the definitions of the indicators and, where those leave something open, from what the published
code does; for stand-alone networks, in which an edge of a cell that leads nowhere or carries only zeros is
not there, and two edges that read the same node have a ReLU each. Weights, images, labels and random signs
come from an integer hash by name, which the C++ test repeats (all of it modulo 2^64):

    splitmix64(x): x += 0x9E3779B97F4A7C15; x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
                   x = (x ^ x >> 27) * 0x94D049BB133111EB; return x ^ x >> 31
    uniform(i, salt) = (splitmix64(i + salt * 0x9E3779B97F4A7C15) >> 11) * 2^-53
    normal(i, salt)  = sqrt(-2 ln(uniform(i, salt) + 2^-33)) * cos(2 pi uniform(i, salt + 1000003))
    salt of a name   = its CRC-32, as zlib has it

Weights are normal(i) * sqrt(2 / fan_in) under their state-dict name, i in PyTorch's order of the tensor;
images are normal(i) under "input" (further batches: "input 1", "input 2", ...), i in NHWC order; both rounded
to float. Labels are floor(classes * uniform(i)) under "labels" ("labels 1", ...). Signs are -1 where
uniform(i) < 0.5, else 1, under "signs " and the feature's name, in NHWC order. Biases are 0, batch norms 1
and 0; with "affine" they are 1 + 0.1 normal(i) and 0.1 normal(i), rounded to float. For SWAP weights are
normal(i), not scaled.
"""
import json
import math
import sys
import zlib

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import darts_golden as darts
import mobilenet_golden as mobilenet

CLASSES = 10
EDGES = [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]
NONE, SKIP, CONV_1X1, CONV_3X3, POOL = range(5)
GOLDEN = 0x9E3779B97F4A7C15


# ---- the hash ---------------------------------------------------------------------------------------------


def uniforms(count, name, further=0):
    mask = 2**64 - 1
    salt = (zlib.crc32(name.encode()) + further) * GOLDEN & mask
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint64) + np.uint64(salt) + np.uint64(GOLDEN)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def normals(count, name):
    radius = np.sqrt(-2.0 * np.log(uniforms(count, name) + 2.0**-33))
    return radius * np.cos(2.0 * np.pi * uniforms(count, name, 1000003))


def nchw(values, n, size, channels):
    return torch.from_numpy(values).reshape(n, size, size, channels).permute(0, 3, 1, 2).contiguous()


def of_batch(what, b):
    return what if b == 0 else f"{what} {b}"


def images(count, size, b=0):
    return nchw(normals(count * size * size * 3, of_batch("input", b)).astype(np.float32), count, size, 3)


def labels(count, b=0):
    return torch.from_numpy(np.floor(CLASSES * uniforms(count, of_batch("labels", b))).astype(np.int64))


def signs(name, like):
    n, c, h, _ = like.shape
    return nchw(np.where(uniforms(like.numel(), "signs " + name) < 0.5, -1.0, 1.0), n, h, c).to(like.dtype)


def initialise(net, affine=False, gaussian=False):
    """`gaussian`: weights are normal(i), without a scale."""
    norms = {f"{name}.{part}" for name, m in net.named_modules() if isinstance(m, nn.BatchNorm2d)
             for part in ("weight", "bias")}
    with torch.no_grad():
        for name, p in net.named_parameters():
            centre = 1.0 if name in norms and name.endswith("weight") else 0.0
            scale = 0.1 if affine and name in norms else 0.0
            if p.dim() > 1:
                scale = 1.0 if gaussian else math.sqrt(2.0 / p[0].numel())
            value = centre + scale * normals(p.numel(), name)
            p.copy_(torch.from_numpy(value.astype(np.float32)).reshape(p.shape))


# ---- the networks: trace() gives the features, [(name, value)], and of each what is read on, cut(value) ---


class ReluConvBn(nn.Module):
    def __init__(self, cin, cout, k, stride=1):
        super().__init__()
        conv = nn.Conv2d(cin, cout, k, stride, k // 2, bias=False)
        self.op = nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(cout))

    def forward(self, x):
        return self.op(x)


class Pooling(nn.Module):
    def __init__(self):
        super().__init__()
        self.op = nn.AvgPool2d(3, 1, 1, count_include_pad=False)

    def forward(self, x):
        return self.op(x)


def live_edges(ops, zero_fed):
    """Edges on a path from the cell's input to its output. `zero_fed`: convolutions of a node that nothing
    reaches run too, for their batch norm may have a shift."""
    reached, carries, wanted = {0}, [], {3}
    for (target, source), op in zip(EDGES, ops):
        carries.append(op != NONE and (source in reached or (zero_fed and op in (CONV_1X1, CONV_3X3))))
        if carries[-1]:
            reached.add(target)
    live = []
    for e in range(len(EDGES))[::-1]:
        target, source = EDGES[e]
        if carries[e] and target in wanted:
            live.append(e)
            wanted.add(source)
    return sorted(live)


class Cell(nn.Module):
    def __init__(self, c, ops, zero_fed):
        super().__init__()
        self.ops = ops
        self.live = live_edges(ops, zero_fed)
        make = {
            SKIP: nn.Identity,
            CONV_1X1: lambda: ReluConvBn(c, c, 1),
            CONV_3X3: lambda: ReluConvBn(c, c, 3),
            POOL: Pooling,
        }
        self.edges = nn.ModuleDict(
            {self.name(e): nn.ModuleDict({str(ops[e]): make[ops[e]]()}) for e in self.live}
        )

    @staticmethod
    def name(e):
        return f"{EDGES[e][0]}<-{EDGES[e][1]}"

    def forward(self, x):
        nodes = [x] + [torch.zeros_like(x)] * 3
        for e in self.live:
            target, source = EDGES[e]
            out = self.edges[self.name(e)][str(self.ops[e])](nodes[source])
            first = not any(EDGES[k][0] == target for k in self.live if k < e)
            nodes[target] = out if first else nodes[target] + out
        return nodes[3]


class Residual(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv_a = ReluConvBn(cin, cout, 3, 2)
        self.conv_b = ReluConvBn(cout, cout, 3)
        self.downsample = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(cin, cout, 1, bias=False))

    def forward(self, x):
        return self.downsample(x) + self.conv_b(self.conv_a(x))


class Nasbench201(nn.Module):
    def __init__(self, ops, channels, cells, zero_fed=False):
        super().__init__()
        c = channels
        self.stem = nn.Sequential(nn.Conv2d(3, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c))
        self.names, parts = [], []
        for stage in range(3):
            if stage > 0:
                parts.append(Residual(c, 2 * c))
                self.names.append(f"block {stage}")
                c *= 2
            for i in range(cells):
                parts.append(Cell(c, ops, zero_fed))
                self.names.append(f"cell {stage * cells + i}")
        self.cells = nn.ModuleList(parts)
        self.lastact = nn.Sequential(nn.BatchNorm2d(c), nn.ReLU())
        self.classifier = nn.Linear(c, CLASSES)

    def trace(self, x, cut=lambda f: f):
        found = [("stem", self.stem(x))]
        leaves = [cut(found[0][1])]
        for name, cell in zip(self.names, self.cells):
            found.append((name, cell(leaves[-1])))
            leaves.append(cut(found[-1][1]))
        return found, leaves

    def forward(self, x):
        return self.classifier(self.lastact(self.trace(x)[1][-1]).mean((2, 3)))


class MobileNet(mobilenet.Standalone):
    def trace(self, x, cut=lambda f: f):
        found = [("stem", self.MBConv_ratio_1(self.conv_bn(x)))]
        leaves = [cut(found[0][1])]
        for b, block in enumerate(self.features):
            x = leaves[-1]
            for op in block._ops.values():
                x = op(x)
            found.append((f"block {b}", x))
            leaves.append(cut(x))
        return found, leaves

    def forward(self, x):
        return self.classifier(self.conv_1x1_bn(self.trace(x)[1][-1]).mean((2, 3)))


class DartsCell(nn.Module):
    """A cell of a stand-alone network: pools have no batch norm."""

    def __init__(self, older, last, c, reduce, last_reduce, code):
        super().__init__()
        self.preprocess0 = (darts.FactorizedReduce(older, c) if last_reduce
                            else darts.Op(nn.ReLU(), darts.conv(older, c, 1), nn.BatchNorm2d(c)))
        self.preprocess1 = darts.Op(nn.ReLU(), darts.conv(last, c, 1), nn.BatchNorm2d(c))
        self._ops = nn.ModuleDict()
        for e, ((_, source), op) in enumerate(zip(darts.EDGES, code)):
            if op == 0:
                continue
            stride = 2 if reduce and source < 2 else 1
            made = {1: lambda: nn.MaxPool2d(3, stride, 1),
                    2: lambda: nn.AvgPool2d(3, stride, 1, count_include_pad=False),
                    3: lambda: nn.Identity() if stride == 1 else darts.FactorizedReduce(c, c),
                    4: lambda: darts.sep_conv(c, 3, stride), 5: lambda: darts.sep_conv(c, 5, stride),
                    6: lambda: darts.dil_conv(c, 3, stride), 7: lambda: darts.dil_conv(c, 5, stride)}[op]()
            edge = nn.Module()
            edge._ops = nn.ModuleDict({str(op): made})
            self._ops[str(e)] = edge

    def forward(self, s0, s1):
        nodes = [self.preprocess0(s0), self.preprocess1(s1)]
        for node in range(2, 6):
            nodes.append(sum(op(nodes[darts.EDGES[int(e)][1]]) for e, edge in self._ops.items()
                             if darts.EDGES[int(e)][0] == node for op in edge._ops.values()))
        return torch.cat(nodes[2:], 1)


class Darts(nn.Module):
    def __init__(self, codes, channels, cells):
        super().__init__()
        c = channels
        self.stem = nn.Sequential(darts.conv(3, 3 * c, 3), nn.BatchNorm2d(3 * c))
        older, last, last_reduce = 3 * c, 3 * c, False
        self.cells = nn.ModuleList()
        for i in range(cells):
            reduce = i in (cells // 3, 2 * cells // 3)
            c *= 2 if reduce else 1
            self.cells.append(DartsCell(older, last, c, reduce, last_reduce, codes[int(reduce)]))
            older, last, last_reduce = last, 4 * c, reduce
        self.classifier = nn.Linear(last, CLASSES)

    def trace(self, x, cut=lambda f: f):
        found = [("stem", self.stem(x))]
        leaves = [cut(found[0][1])]
        for i, cell in enumerate(self.cells):
            found.append((f"cell {i}", cell(leaves[max(i - 1, 0)], leaves[i])))
            leaves.append(cut(found[-1][1]))
        return found, leaves

    def forward(self, x):
        return self.classifier(self.trace(x)[1][-1].mean((2, 3)))


# ---- the indicators: each takes a network of its own ------------------------------------------------------


def pixels(t):
    """[N,C,H,W] -> [N*H*W, C], in double."""
    return t.detach().double().permute(0, 2, 3, 1).reshape(-1, t.shape[1])


def entropy_of_spectrum(feature):
    x = pixels(feature)
    x = x - x.mean(0)
    values = torch.linalg.eigvalsh(x.T @ x / len(x))
    p = values / values.sum()
    return -(p * torch.log(p + 1e-8)).sum().item()


def trainability_between(g_in, g_out):
    """The largest singular value, and the score of it."""
    if g_in.shape == g_out.shape and torch.equal(g_in, g_out):
        return math.nan, -math.inf
    if g_in.shape[2] != g_out.shape[2]:
        g_in = F.pixel_unshuffle(g_in, g_in.shape[2] // g_out.shape[2])
    rows = pixels(g_out)
    largest = torch.linalg.svdvals(pixels(g_in).T @ rows / len(rows)).max().item()
    return largest, -largest - 1.0 / (largest + 1e-6) + 2.0


def finite(value):
    return -math.inf if math.isnan(value) else value


def az_nas(net, x):
    net.train()
    found, leaves = net.trace(x, lambda f: f.detach().requires_grad_())
    entropies = [entropy_of_spectrum(f) for _, f in found]
    seeds = [None] + [signs(name, f) for name, f in found[1:]]
    arrived = [torch.zeros_like(f) for f in leaves]
    pairs = []
    for l in range(1, len(found)):
        inputs = leaves[max(l - 2, 0):l]
        got = [torch.zeros_like(leaf) for leaf in inputs]
        if found[l][1].requires_grad:
            grads = torch.autograd.grad(found[l][1], inputs, seeds[l], allow_unused=True)
            got = [zero if g is None else g for g, zero in zip(grads, got)]
        for i, g in enumerate(got):
            arrived[l - len(got) + i] += g
        pairs.append(trainability_between(got[-1], seeds[l]))
    values = {"az-expressivity": finite(sum(entropies)),
              "az-progressivity": finite(float(np.min(np.diff(entropies)))),
              "az-trainability": finite(float(np.mean([score for _, score in pairs])))}
    if isinstance(net, Darts):  # its cells also read the feature before the last
        scores = [trainability_between(arrived[l - 1], seeds[l])[1] for l in range(1, len(found))]
        values["az-trainability arrived"] = finite(float(np.mean(scores)))
    return values, {"entropies": entropies, "singular_values": [s for s, _ in pairs]}


def synflow(net, size, dtype, unclipped=False):
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d) or (unclipped and isinstance(module, nn.ReLU6)):
            module.forward = nn.Identity().forward if isinstance(module, nn.BatchNorm2d) else F.relu
    with torch.no_grad():
        for p in net.parameters():
            p.abs_()
    net.eval()
    net(torch.ones(1, 3, size, size, dtype=dtype)).sum().backward()
    return sum((w.detach() * w.grad).abs().double().sum().item() for w in weights(net) if w.grad is not None)


def weights(net):
    """Of convolutions and the classifier."""
    return [p for p in net.parameters() if p.dim() > 1]


def activation_codes(net, x):
    """Of every ReLU, [N, values]: 1 where it is open."""
    codes = []
    hooks = [m.register_forward_hook(lambda _, inputs, out: codes.append((inputs[0] > 0).flatten(1).double()))
             for m in net.modules() if isinstance(m, nn.ReLU)]
    net.train()
    with torch.no_grad():
        net(x)
    for hook in hooks:
        hook.remove()
    return codes


def naswot(net, x):
    k = sum(c @ c.T + (1.0 - c) @ (1.0 - c.T) for c in activation_codes(net, x))
    return np.linalg.slogdet(k.numpy())[1].item()


def jacov(net, x):
    """Of a batch, the sum of the logits by the pixels."""
    x = x.clone().requires_grad_()
    out = net(x).sum()
    if not out.requires_grad:
        return math.nan
    rows = torch.autograd.grad(out, x, allow_unused=True)[0]
    if rows is None:
        return math.nan
    rows = rows.flatten(1).double().numpy()
    rows = rows - rows.mean(1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1)
    if (lengths == 0.0).any():
        return math.nan
    rows = rows / lengths[:, None]
    v = np.linalg.eigvalsh(rows @ rows.T)
    return -float(np.sum(np.log(v + 1e-5) + 1.0 / (v + 1e-5)))


def gradients(net, x, y, parameters):
    """Of the mean cross-entropy, in double."""
    loss = F.cross_entropy(net(x), y)
    found = torch.autograd.grad(loss, parameters, allow_unused=True)
    return [torch.zeros_like(p).double() if g is None else g.double() for g, p in zip(found, parameters)]


def grad_norms(net, x, y):
    """Of all parameters; and the sum of the norms of the weights, layer by layer."""
    total = sum(g.square().sum().item() for g in gradients(net, x, y, list(net.parameters())))
    return math.sqrt(total), sum(g.norm().item() for g in gradients(net, x, y, weights(net)))


def snip(net, x, y):
    found = gradients(net, x, y, weights(net))
    return sum((w.detach().double() * g).abs().sum().item() for w, g in zip(weights(net), found))


def by_layer(net, batches):
    """Gradients of the weights, [batches, weights] of each layer."""
    found = [gradients(net, x, y, weights(net)) for x, y in batches]
    return [torch.stack([g.flatten() for g in layer]) for layer in zip(*found)]


def zico(net, batches):
    score = 0.0
    for g in by_layer(net, batches):
        spread = g.std(0, correction=0)
        moves = spread > 0.0
        total = (g.abs().mean(0)[moves] / spread[moves]).sum().item()
        score += math.log(total) if total > 0.0 else 0.0
    return score


def grad_sign(net, x, y):
    """Image by image, each with batch norms over itself."""
    layers = by_layer(net, [(x[i:i + 1], y[i:i + 1]) for i in range(len(x))])
    agreement = torch.cat([g.sign().sum(0).abs() for g in layers])
    return agreement.mean().item()


def gradient_snr(layers):
    score = 0.0
    for g in layers:
        spread = g.var(0, correction=0)
        score += (g.mean(0).square() / (spread + 1e-8)).sum().item() if (spread > 0.0).any() else 0.0
    return score


def covariance_factor(logits):
    """The lower triangular L of L L^T = diag(p) - p p^T, p the softmax, smoothed by .05."""
    p = torch.softmax(logits.detach().double(), 0) * 0.95 + 0.05 / len(logits)
    left = torch.cat([torch.ones(1).double(), 1.0 - p.cumsum(0)[:-1]])  # before each class
    factor = torch.zeros(len(p), len(p)).double()
    for j in range(len(p) - 1):
        factor[j, j] = torch.sqrt(p[j] * left[j + 1] / left[j])
        factor[j + 1:, j] = -p[j + 1:] * factor[j, j] / left[j + 1]
    assert torch.allclose(factor @ factor.T, torch.diag(p) - torch.outer(p, p), atol=1e-12)
    return factor


def entropy_of_deciles(matrix):
    values = torch.linalg.svdvals(matrix)
    deciles = torch.quantile(values, torch.arange(1, 10).double() / 10.0)
    p = deciles / (deciles.sum() + 1e-10)
    return 0.0 - (p * torch.log(p + 1e-10)).sum().item()


def vkdnw(net, x, limit=128):
    """Tensors; the entropy as published, of J^T L^T L J; and that of the Fisher information, J^T L L^T J."""
    net.eval()
    parameters = list(net.parameters())
    used = parameters[:limit]
    published, fisher = 0.0, 0.0
    for i in range(len(x)):
        logits = net(x[i:i + 1])[0]
        rows = [torch.autograd.grad(logit, used, retain_graph=True, allow_unused=True) for logit in logits]
        firsts = [[0.0 if g is None else g.flatten()[0].item() for g in row] for row in rows]
        jacobian = torch.tensor(firsts, dtype=torch.float64)
        factor = covariance_factor(logits)
        for_published, for_fisher = factor @ jacobian, factor.T @ jacobian
        published = published + for_published.T @ for_published / len(x)
        fisher = fisher + for_fisher.T @ for_fisher / len(x)
    return {"vkdnw-tensors": len(parameters), "vkdnw-entropy": entropy_of_deciles(published),
            "vkdnw-entropy fisher": entropy_of_deciles(fisher)}


def swap(net, x):
    """Patterns of open and closed ReLUs over the batch: how many there are."""
    patterns = torch.cat(activation_codes(net, x), 1).numpy().astype(np.int64)
    return len(np.unique((patterns << np.arange(len(patterns))[:, None]).sum(0)))


def smallest_correlation(feature):
    """The smallest eigenvalue of the Pearson matrix of the channels of the first image; a channel that is
    constant correlates with none, nor with itself."""
    x = pixels(feature[:1])
    if len(x) < 2:
        return 0.0
    x = x - x.mean(0)
    lengths = x.norm(dim=0)
    varies = lengths > 0.0
    x = torch.where(varies, x / torch.where(varies, lengths, 1.0), 0.0)
    return torch.linalg.eigvalsh(x.T @ x).min().item()


def meco(net, x):
    """Over convolutions, batch norms, ReLUs and pools; and over all modules, as published."""
    layers, modules = [], []

    def look(module, _, out):
        if out.dim() != 4:
            return
        modules.append(smallest_correlation(out))
        if isinstance(module, (nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.AvgPool2d)):
            layers.append(modules[-1])

    for module in net.modules():
        module.register_forward_hook(look)
    with torch.no_grad():
        net(x)
    return sum(layers), sum(modules)


# ---- what is computed for which network ------------------------------------------------------------------


ARCHITECTURES = {
    "all 3x3": [3, 3, 3, 3, 3, 3],
    "all 1x1": [2, 2, 2, 2, 2, 2],
    "all pools": [4, 4, 4, 4, 4, 4],
    "pools and one 3x3": [4, 4, 3, 4, 1, 4],
    "nones, all that is left alive": [3, 0, 2, 0, 3, 4],
    "all skips: four times the input": [1, 1, 1, 1, 1, 1],
    "the input, unchanged": [0, 0, 0, 1, 0, 0],
    "a convolution that leads nowhere": [3, 2, 0, 3, 0, 3],
    "convolutions fed with zeros": [0, 3, 2, 1, 3, 3],
    "no live path": [3, 2, 1, 0, 0, 0],
}
AFFINE = [[3, 3, 3, 3, 3, 3], [2, 1, 3, 4, 2, 3], [3, 2, 0, 3, 0, 3], [1, 3, 4, 2, 3, 1]]
FULL = [[3, 3, 3, 3, 3, 3], [1, 3, 2, 1, 4, 3]]
MOBILENET = [[0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2],
             [5, 6, 1, 6, 3, 0, 6, 6, 4, 6, 2, 6, 1, 6, 6, 3, 2, 6, 0, 6, 4]]
DARTS = [darts.PATHS[0], darts.PATHS[1]]


def random_architectures():
    draws = np.floor(5 * uniforms(60, "random architectures")).astype(int).reshape(10, 6)
    return {f"random {i}": genes.tolist() for i, genes in enumerate(draws)}


class Group:
    """Networks of one size, made anew for each indicator."""

    def __init__(self, space, build, size, batch, affine=False, every=False, only_vkdnw=False, **options):
        self.space, self.build, self.size, self.batch = space, build, size, batch
        self.affine, self.every, self.only_vkdnw, self.options = affine, every, only_vkdnw, options

    def net(self, genes, dtype, gaussian=False):
        made = self.build(genes, **self.options)
        initialise(made, self.affine, gaussian)
        return made.to(dtype).train()

    def values(self, genes, dtype):
        net = lambda **how: self.net(genes, dtype, **how)
        x = images(self.batch, self.size).to(dtype)
        if self.only_vkdnw:
            return vkdnw(net(), x)
        values, parts = az_nas(net(), x)
        values["synflow"] = synflow(net(), self.size, dtype)
        if self.space == "mobilenet":
            values["synflow unclipped"] = synflow(net(), self.size, dtype, unclipped=True)
        if self.space == "nasbench201":
            values["naswot"] = naswot(net(), x)
        if self.every:
            values.update(self.further_values(net, x))
        with torch.no_grad():
            parts["logits"] = net()(x)[0].tolist()
        return {**values, **parts}

    def further_values(self, net, x):
        y = labels(self.batch)
        batches = [(images(self.batch, self.size, b).to(x.dtype), labels(self.batch, b)) for b in range(8)]
        values = {"layers": len(weights(net())), "jacov": jacov(net(), x)}
        values["grad-norm"], values["grad-norm by layer"] = grad_norms(net(), x, y)
        values["snip"] = snip(net(), x, y)
        values["zico"] = zico(net(), batches[:2])
        # Of two batches it hangs on the few weights whose gradients are nearly equal; of eight it does not.
        values["zico of 8"] = zico(net(), batches)
        values["grad-sign"] = grad_sign(net(), x, y)
        layers = by_layer(net(), batches)
        values["gradient-snr"] = gradient_snr(layers)
        values["gradient-snr accumulated"] = gradient_snr([g.cumsum(0) for g in layers])
        values.update(vkdnw(net(), x))
        values["swap"] = swap(net(gaussian=True), images(16, self.size).to(x.dtype))
        values["meco"], values["meco modules"] = meco(net(), images(1, 32).to(x.dtype))
        return values


def groups():
    """Pairs of a group and its architectures, each under a word about it."""
    numbered = lambda architectures: {f"{i}": genes for i, genes in enumerate(architectures)}
    small = dict(size=16, batch=8, every=True, channels=8, cells=1)
    yield Group("nasbench201", Nasbench201, **small), {**ARCHITECTURES, **random_architectures()}
    yield Group("nasbench201", Nasbench201, affine=True, **small), numbered(AFFINE)
    zero_fed = "convolutions fed with zeros"
    yield Group("nasbench201", Nasbench201, zero_fed=True, **small), {zero_fed: ARCHITECTURES[zero_fed]}
    more_tensors = {"more than 128 tensors": ARCHITECTURES["all 3x3"]}
    yield Group("nasbench201", Nasbench201, 16, 8, only_vkdnw=True, channels=8, cells=3), more_tensors
    yield Group("nasbench201", Nasbench201, size=32, batch=64, channels=16, cells=5), numbered(FULL)
    yield Group("mobilenet", MobileNet, size=64, batch=16), numbered(MOBILENET)
    yield Group("darts-cifar", Darts, size=16, batch=8, channels=4, cells=4), numbered(DARTS)


def rounded(value):
    """Nine digits; what is not finite as text."""
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.9g}") if math.isfinite(value) else str(value)
    return value


def entries(group, architectures):
    for about, genes in architectures.items():
        yield {"about": about, "genes": genes, **group.values(genes, torch.float64)}


def print_goldens():
    hashes = {name: {"uniform": uniforms(3, name).tolist(), "normal": normals(3, name).tolist()}
              for name in ("stem.0.weight", "input")}
    print('{"torch": "%s", "classes": %d,' % (torch.__version__.split("+")[0], CLASSES))
    print('"hashes": %s,' % json.dumps(rounded(hashes)))
    print('"networks": [')
    comma = ""
    for group, architectures in groups():
        about = {"space": group.space, "size": group.size, "batch": group.batch, "affine": group.affine,
                 **group.options}
        if group.space == "mobilenet":
            about["width_divisor"] = mobilenet.WIDTH_DIVISOR
        lines = ",\n".join(json.dumps(rounded(entry)) for entry in entries(group, architectures))
        print(comma + json.dumps(about)[:-1] + ', "architectures": [\n' + lines + "]}", end="", flush=True)
        comma = ",\n"
    print("]}")


def difference(a, b):
    if a == b or (math.isnan(a) and math.isnan(b)):
        return 0.0
    return abs(a - b) / max(abs(a), 1e-12) if math.isfinite(a) and math.isfinite(b) else math.inf


def print_precision():
    """Of every indicator: relative differences of single from double precision, and where the largest is."""
    for group, architectures in groups():
        found = {}
        for about, genes in architectures.items():
            exact, single = group.values(genes, torch.float64), group.values(genes, torch.float32)
            for name, value in exact.items():
                value, other = np.atleast_1d(value), np.atleast_1d(single[name])
                found.setdefault(name, []).append((max(map(difference, value, other)), about))
        print(group.space, group.size, "affine" if group.affine else "", group.options)
        for name, differences in found.items():
            middle = sorted(d for d, _ in differences)[len(differences) // 2]
            largest, about = max(differences)
            print(f"  {name:28} median {middle:.1e}  largest {largest:.1e} ({about})")


def main():
    torch.set_num_threads(1)
    if sys.argv[1:] == ["precision"]:
        print_precision()
    else:
        print_goldens()


if __name__ == "__main__":
    main()
