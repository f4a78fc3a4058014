"""What architectures are, and how far their weights turned."""

from __future__ import annotations

import ctypes
import dataclasses
import os
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import numpy as np

from . import _library as lib

Architecture = Dict[str, Any]  # as rlnas_search --describe --json: "arch", "macs", "params", ...


@dataclasses.dataclass(frozen=True)
class Indicator:
    name: str
    help: str
    needs_supernet: bool
    needs_images: bool


def spaces() -> List[str]:
    """The built-in spaces. "file:PATH" is another, wherever one is named."""
    return lib.parsed("spaces")


def indicators() -> List[Indicator]:
    """What architectures can be ranked by: score=... of a search."""
    return [Indicator(**one) for one in lib.parsed("indicators")]


def describe(arch: str, space: str = "nasbench201", *, classes: int = 0, image_size: int = 0) -> Architecture:
    """Costs and names of an architecture; classes, image_size: of the network that is counted."""
    return lib.parsed("describe", space.encode(), arch.encode(), classes, image_size)


def sample(space: str, count: int) -> List[str]:
    """A fixed sample of architectures, the same in every run."""
    return lib.parsed("sample", space.encode(), count)


def supernet_tensors(space: str, classes: int) -> Dict[str, tuple]:
    """Names and shapes (PyTorch's) of all trained tensors of a SuperNet."""
    return {one["name"]: tuple(one["shape"]) for one in lib.parsed("supernet_tensors", space.encode(), classes)}


def angles(run: Union[str, "os.PathLike[str]"], archs: Sequence[str]) -> np.ndarray:
    """Angles in radians, of the SuperNet in a run directory. Returns [len(archs)]."""
    found = np.empty(len(archs))
    lib.call("angles_of_run", os.fspath(run).encode(), lib.text_array(archs), len(archs), lib.address(found))
    return found


def angles_of_weights(space: str, initial: Mapping[str, Any], trained: Mapping[str, Any], archs: Sequence[str],
                      *, classes: int) -> np.ndarray:
    """The same of weights that were trained elsewhere: state dicts with every tensor of supernet_tensors(); others in
    them, such as running statistics, are left alone."""
    shapes = supernet_tensors(space, classes)
    names = list(shapes)
    kept = [[lib.array(weights[name], np.float32) for name in names] for weights in (initial, trained)]
    for arrays in kept:
        for name, one in zip(names, arrays):
            if one.shape != shapes[name]:
                raise lib.UsageError(f"tensor {name} is {list(one.shape)}, not {list(shapes[name])}")
    pointers = [(lib.floats * len(names))(*(lib.address(one) for one in arrays)) for arrays in kept]
    counts = np.array([one.size for one in kept[0]], dtype=np.int64)
    found = np.empty(len(archs))
    lib.call("angles_of_weights", space.encode(), classes, lib.text_array(names), *pointers, lib.address(counts),
             len(names), lib.text_array(archs), len(archs), lib.address(found))
    return found


def angle_sums(w0: Any, w1: Any, offsets: Any, counts: Any) -> np.ndarray:
    """w0.w1, |w0|^2 and |w1|^2 of tensors that lie in two float arrays, at offsets of so many floats. Returns
    [tensors, 3]."""
    first, second = lib.array(w0, np.float32).reshape(-1), lib.array(w1, np.float32).reshape(-1)
    starts, sizes = lib.array(offsets, np.int64).reshape(-1), lib.array(counts, np.int64).reshape(-1)
    if starts.shape != sizes.shape:
        raise lib.UsageError(f"{len(starts)} offsets of {len(sizes)} tensors")
    if len(starts) and (starts.min() < 0 or sizes.min() < 0 or (starts + sizes).max() > min(len(first), len(second))):
        raise lib.UsageError("a tensor lies outside the arrays")
    sums = np.empty((len(starts), 3))
    lib.call("angle_sums", lib.address(first), lib.address(second), lib.address(starts), lib.address(sizes),
             len(starts), lib.address(sums))
    return sums


def angle(initial: Any, trained: Any) -> float:
    """Between the weights of any network, in radians: two arrays, or two state dicts with the same names."""
    if not isinstance(initial, Mapping):
        initial, trained = {"": initial}, {"": trained}
    if set(initial) != set(trained):
        raise lib.UsageError("the two networks have tensors of different names")
    total = np.zeros(3)
    for name in initial:
        first, second = lib.array(initial[name], np.float32), lib.array(trained[name], np.float32)
        if first.shape != second.shape:
            raise lib.UsageError(f"tensor {name}: {list(first.shape)} and {list(second.shape)}")
        total += angle_sums(first, second, [0], [first.size])[0]
    return lib.ask("angle_of_sums", lib.address(total))


def export(file: str, arch: str, *, space: Optional[str] = None, trained: Optional[str] = None,
           supernet: Optional[str] = None, classes: int = 0, image_size: int = 0) -> None:
    """Writes a network: file is KIND:FILE, of kind onnx, pytorch, dot, json or svg. Weights: those of a file of a
    stand-alone run (trained), of a SuperNet's run directory, or fresh ones."""
    def given(value: Optional[str]) -> Optional[bytes]:
        return None if value is None else os.fspath(value).encode()
    options = lib.ExportOptions(space=given(space), arch=arch.encode(), trained=given(trained),
                                supernet=given(supernet), classes=classes, image_size=image_size)
    lib.call("export", ctypes.byref(options), file.encode())
