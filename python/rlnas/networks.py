"""Networks of your own, trained on arrays."""

from __future__ import annotations

import ctypes
import dataclasses
from typing import Any, Callable, Dict, Optional, Sequence, Union

import numpy as np

from . import _library as lib
from ._watch import ProgressFunction, Watch


class Graph(lib.Owner):
    """Layers, added one by one; a node is a number, 0 the images [height, width, channels]."""

    _free = "graph_free"
    input = 0

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        self.image_shape = (height, width, channels)
        lib.call("graph_new", channels, height, width, ctypes.byref(self._handle))

    def add(self, kind: str, inputs: Union[int, Sequence[int]], name: Optional[str] = None, **layer: int) -> int:
        """A node of a kind: conv, batch_norm, relu, relu6, sum, concat, slice, channel_shuffle, avg_pool, max_pool,
        global_avg_pool, linear. layer: out_channels, kernel, stride, padding, dilation, groups, first_channel."""
        given = [inputs] if isinstance(inputs, int) else list(inputs)
        numbers = (ctypes.c_int32 * len(given))(*given)
        node = ctypes.c_int32()
        lib.call("graph_add", self._handle, kind.encode(), None if name is None else name.encode(), numbers,
                 len(given), ctypes.byref(lib.Layer(**layer)), ctypes.byref(node))
        return node.value

    def conv(self, x: int, name: str, out_channels: int, kernel: int = 1, **layer: int) -> int:
        return self.add("conv", x, name, out_channels=out_channels, kernel=kernel, **layer)

    def batch_norm(self, x: int, name: str) -> int:
        return self.add("batch_norm", x, name)

    def relu(self, x: int) -> int:
        return self.add("relu", x)

    def sum(self, *terms: int) -> int:
        return self.add("sum", terms)

    def concat(self, *parts: int) -> int:
        return self.add("concat", parts)

    def global_avg_pool(self, x: int) -> int:
        return self.add("global_avg_pool", x)

    def linear(self, x: int, name: str, features: int) -> int:
        return self.add("linear", x, name, out_channels=features)

    def output(self, logits: int) -> None:
        """Which node has the logits."""
        lib.call("graph_output", self._handle, logits)

    @property
    def classes(self) -> int:
        """Of the output; 0 where there is none yet."""
        return lib.ask("graph_classes", self._handle)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image."""
        return lib.ask("graph_macs", self._handle)

    @property
    def parameters(self) -> int:
        return lib.ask("graph_parameters", self._handle)


@dataclasses.dataclass(frozen=True)
class Loss:
    mean: float  # cross-entropy
    accuracy: float
    images: int


def _loss(of: Any) -> Loss:
    images = max(1, of.images)
    return Loss(of.sum / images, of.correct / images, of.images)


class Network(lib.Owner):
    """A graph's weights on a device."""

    _free = "network_free"

    def __init__(self, graph: Graph, *, device: str = "auto", threads: int = 0, seed: int = 0) -> None:
        super().__init__()
        self._image_shape, self._classes = graph.image_shape, graph.classes
        lib.call("network_new", graph._handle, device.encode(), threads, seed, ctypes.byref(self._handle))
        self.shapes = {one["name"]: tuple(one["shape"]) for one in lib.parsed("network_tensors", self._handle)}

    def _images(self, images: Any) -> np.ndarray:
        own = lib.array(images, np.float32)
        if own.ndim != 4 or own.shape[1:] != self._image_shape:
            raise lib.UsageError(f"images are {['N', *self._image_shape]}, not {list(own.shape)}")
        return own

    def _labels(self, labels: Any, count: int) -> np.ndarray:
        own = lib.array(labels, np.int32)
        if own.shape != (count,):
            raise lib.UsageError(f"labels {list(own.shape)} of {count} images")
        return own

    def fit(self, images: Any, labels: Any, *, epochs: int, batch: int = 64, learning_rate: float = 0.1,
            min_learning_rate: float = 0.0, momentum: float = 0.9, weight_decay: float = 5e-4,
            label_smoothing: float = 0.0, progress: Optional[ProgressFunction] = None,
            should_stop: Optional[Callable[[], Any]] = None) -> Loss:
        """Trains by SGD with a cosine schedule, in a shuffled order. Images [N, height, width, channels] of float32,
        labels [N]. Returns the last epoch's loss."""
        pixels = self._images(images)
        numbers = self._labels(labels, len(pixels))
        options = lib.FitOptions(epochs=epochs, batch=batch, learning_rate=learning_rate,
                                 min_learning_rate=min_learning_rate, momentum=momentum, weight_decay=weight_decay,
                                 label_smoothing=label_smoothing)
        loss = lib.LossStruct()
        with Watch(progress, None, should_stop) as watch:
            lib.call("network_fit", self._handle, lib.address(pixels), lib.address(numbers), len(pixels),
                     ctypes.byref(options), watch.callbacks, ctypes.byref(loss))
        return _loss(loss)

    def evaluate(self, images: Any, labels: Any) -> Loss:
        """By running statistics."""
        pixels = self._images(images)
        numbers = self._labels(labels, len(pixels))
        loss = lib.LossStruct()
        with Watch() as watch:
            lib.call("network_evaluate", self._handle, lib.address(pixels), lib.address(numbers), len(pixels),
                     watch.callbacks, ctypes.byref(loss))
        return _loss(loss)

    def forward(self, images: Any) -> np.ndarray:
        """Logits [N, classes], by running statistics."""
        pixels = self._images(images)
        logits = np.empty((len(pixels), self._classes), np.float32)
        if len(pixels):
            lib.call("network_forward", self._handle, lib.address(pixels), len(pixels), lib.address(logits), logits.size)
        return logits

    def __getitem__(self, name: str) -> np.ndarray:
        """A tensor by its name, copied."""
        values = np.empty(self.shapes.get(name, (0,)), np.float32)
        lib.call("network_get", self._handle, name.encode(), lib.address(values), values.size)
        return values

    def __setitem__(self, name: str, values: Any) -> None:
        own = lib.array(values, np.float32)
        if own.shape != self.shapes.get(name, own.shape):
            raise lib.UsageError(f"tensor {name} is {list(self.shapes[name])}, not {list(own.shape)}")
        lib.call("network_set", self._handle, name.encode(), lib.address(own), own.size)

    def state_dict(self) -> Dict[str, np.ndarray]:
        """All tensors by their names."""
        return {name: self[name] for name in self.shapes}

    @property
    def angle(self) -> float:
        """How far all weights turned since the network was made, in radians."""
        found = ctypes.c_double()
        lib.call("network_angle", self._handle, ctypes.byref(found))
        return found.value
