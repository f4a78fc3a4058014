"""Networks of your own, trained on arrays."""

from __future__ import annotations

import ctypes
import dataclasses
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

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
        global_avg_pool, linear, dropout, drop_path. layer: out_channels, kernel, stride, padding, dilation, groups, first_channel."""
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

    def shape(self, node: int) -> Tuple[int, int, int]:
        """(height, width, channels) of a node's value for one image."""
        found = (ctypes.c_int32 * 3)()
        lib.call("graph_shape", self._handle, node, found)
        return found[0], found[1], found[2]

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


_STATISTICS = ("running", "batch", "follow")


class Network(lib.Owner):
    """A graph's weights on a device: trained by fit(), or step by step by gradients() or forward() and backward(), and
    step(). Arrays are read where they lie, those of float32 in C order without a copy."""

    _free = "network_free"

    def __init__(self, graph: Graph, *, device: str = "auto", threads: int = 0, seed: int = 0, batch: int = 64,
                 dropout: float = 0.0, drop_path: float = 0.0) -> None:
        """batch: images that memory is reserved for; more are possible, and take more then. dropout, drop_path:
        probabilities, where the graph has such nodes, in passes with gradients."""
        super().__init__()
        self._graph, self._image_shape, self._classes = graph, graph.image_shape, graph.classes
        self._tapped: List[tuple] = []  # shapes, of the last pass
        options = lib.NetworkOptions(device=device.encode(), threads=threads, batch=batch, seed=seed, dropout=dropout,
                                     drop_path=drop_path)
        with Watch() as watch:
            lib.call("network_make", graph._handle, ctypes.byref(options), watch.callbacks, ctypes.byref(self._handle))
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

    def forward(self, images: Any, *, statistics: str = "running", gradients: bool = False, taps: Sequence[int] = (),
                out: Optional[np.ndarray] = None) -> Any:
        """Logits [N, classes]; with taps, nodes of the graph, the pair (logits, [their values [N, height, width,
        channels]]).

        statistics: what batch norms normalise by. "running": the running ones (evaluation); "batch": the batch's own;
        "follow": the batch's own, which the running ones follow (training). gradients: so that backward() can follow;
        then no tap is an activation: tap what it takes.
        out: an array of float32 that the logits are written into."""
        pixels = self._images(images)
        shape = (len(pixels), self._classes)
        logits = np.empty(shape, np.float32) if out is None else out
        if logits.dtype != np.float32 or logits.shape != shape or not logits.flags.c_contiguous:
            raise lib.UsageError(f"out is not float32 {list(shape)} in C order")
        if statistics not in _STATISTICS:
            raise lib.UsageError(f"statistics {statistics!r} are none of {', '.join(_STATISTICS)}")
        nodes = (ctypes.c_int32 * len(taps))(*taps)
        how = lib.PassStruct(statistics=_STATISTICS.index(statistics), gradients=int(gradients), taps=nodes,
                             tap_count=len(taps))
        self._tapped = []
        if len(pixels):
            lib.call("network_pass", self._handle, lib.address(pixels), len(pixels), ctypes.byref(how),
                     lib.address(logits), logits.size)
        self._tapped = [(len(pixels), *self._graph.shape(node)) for node in taps]
        return (logits, self._taps("network_tap")) if taps else logits

    def _taps(self, function: str) -> List[np.ndarray]:
        found = [np.empty(shape, np.float32) for shape in self._tapped]
        for place, values in enumerate(found):
            lib.call(function, self._handle, place, lib.address(values), values.size)
        return found

    def backward(self, seed: Any) -> List[np.ndarray]:
        """Back from d loss / d logits [N, classes] through the last forward(), which had gradients=True. What reaches
        the weights adds up until step(). Returns d loss / d value of each of its taps."""
        values = lib.array(seed, np.float32)
        lib.call("network_backward", self._handle, lib.address(values), values.size)
        return self._taps("network_tap_gradient")

    def gradients(self, images: Any, labels: Any, *, label_smoothing: float = 0.0) -> Loss:
        """Forward and back from the mean cross-entropy; step() follows."""
        pixels = self._images(images)
        numbers = self._labels(labels, len(pixels))
        loss = lib.LossStruct()
        lib.call("network_gradients", self._handle, lib.address(pixels), lib.address(numbers), len(pixels),
                 label_smoothing, ctypes.byref(loss))
        return _loss(loss)

    def step(self, learning_rate: float, *, momentum: float = 0.9, weight_decay: float = 0.0, nesterov: bool = False,
             max_gradient_norm: Optional[float] = None) -> None:
        """An update by SGD, by the gradients since the last one; max_gradient_norm: L2, over all weights."""
        sgd = lib.SgdStruct(learning_rate=learning_rate, momentum=momentum, weight_decay=weight_decay,
                            nesterov=int(nesterov), max_gradient_norm=max_gradient_norm or 0.0)
        lib.call("network_step", self._handle, ctypes.byref(sgd))

    def gradient(self, name: str) -> np.ndarray:
        """Of a parameter, since the last step()."""
        values = np.empty(self.shapes.get(name, (0,)), np.float32)
        lib.call("network_gradient", self._handle, name.encode(), lib.address(values), values.size)
        return values

    def forget_gradients(self) -> None:
        lib.call("network_forget_gradients", self._handle)

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
        """How far all weights turned since the network was made, or since mark_initial(), in radians."""
        found = ctypes.c_double()
        lib.call("network_angle", self._handle, ctypes.byref(found))
        return found.value

    def mark_initial(self) -> None:
        lib.call("network_mark_initial", self._handle)
