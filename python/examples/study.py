"""A study from beginning to end, cell by cell (# %%: Jupyter, VS Code and Spyder run them one by one).

    python study.py [steps]
"""

# %% Images in memory: here noise; yours are uint8 [N, side, side, 3], labels are numbers [N].
import sys
import tempfile

import numpy as np

import rlnas

random = np.random.default_rng(0)
images = random.integers(0, 256, (256, 16, 16, 3), dtype=np.uint8)
labels = random.integers(0, 10, 256)
steps = int(sys.argv[1]) if len(sys.argv) > 1 else 16

# %% A SuperNet, trained on random labels: the paper's way.
out = tempfile.mkdtemp() + "/run"
result = rlnas.train("nasbench201", out=out, images=images, labels=labels, classes=10, batch_size=32, epochs=2, steps=steps,
                     device="cpu", progress=lambda now: print(f"\r{now.step}/{now.steps} loss {now.loss:.3f}", end=""))
print(f"\n{result.steps} steps, {result.images_per_s:.0f} images/s")

# %% How far architectures turned, all of them at once.
everything = rlnas.search(supernet=out, method="exhaustive")
turned = np.array([found.score for found in everything.evaluated])
print(f"{len(everything)} architectures: {turned.min():.3f} .. {turned.max():.3f} rad, best {everything.best.arch}")

# %% An indicator of one's own beside the angle, in evolution.
light = rlnas.search(supernet=out, score="angle+light", population=30, mutants=15, crossovers=15,
                     generations=5,
                     indicators={"light": lambda arch: -rlnas.describe(arch)["macs"]})
for found in light.top(3):
    print(f"{found.rank}: {found.values['angle']:.3f} rad, {-found.values['light'] / 1e6:.1f} MMAC  {found.arch}")

# %% One primitive over shapes, against its cost.
for channels in (16, 32, 64):
    timing = rlnas.time_primitive("conv_forward", batch=32, channels=channels, height=16, width=16,
                                  out_channels=channels, kernel=3, padding=1, repeats=3)
    print(f"conv 3x3, {channels} channels: {timing.min_ms:.3f} ms, {timing.gflops_per_s:.1f} GFLOP/s")

# %% A network of one's own, and its angle.
graph = rlnas.Graph(channels=3, height=16, width=16)
x = graph.relu(graph.batch_norm(graph.conv(graph.input, "stem", 16, 3, stride=2, padding=1), "norm"))
graph.output(graph.linear(graph.global_avg_pool(x), "classifier", 10))
net = rlnas.Network(graph, seed=1)
before = net.state_dict()
loss = net.fit(images.astype(np.float32) / 255, labels, epochs=2)
print(f"loss {loss.mean:.3f}, turned by {net.angle:.3f} rad")

# %% The same angle of arrays, wherever they were trained: NumPy's, or PyTorch's state dicts.
names = [name for name in before if not name.startswith("norm.running")]
print(f"{rlnas.angle({n: before[n] for n in names}, {n: net[n] for n in names}):.3f} rad")
