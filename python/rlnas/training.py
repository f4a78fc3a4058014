"""Training runs."""

from __future__ import annotations

import ctypes
import dataclasses
import os
from typing import Any, Callable, Optional, Union

import numpy as np

from . import _library as lib
from ._watch import PreparingFunction, ProgressFunction, Watch


@dataclasses.dataclass(frozen=True)
class TrainResult:
    """What a run came to."""

    out: str
    steps: int
    interrupted: bool  # should_stop said so: go on with resume="auto"
    loss: float  # mean of the last epoch
    images_per_s: float
    top1: Optional[float]  # of the last test, 0..1; None: there was none


class Training(lib.Owner):
    """A run before it starts: the published recipe of a space, and settings by the names of rlnas_train's flags."""

    _free = "training_free"

    def __init__(self, space: str = "nasbench201", **settings: Any) -> None:
        super().__init__()
        self._out = ""
        self._images: tuple = ()
        lib.call("training_new", space.encode(), ctypes.byref(self._handle))
        self.set(**settings)

    def set(self, **settings: Any) -> None:
        self._out = os.fspath(settings.get("out", self._out))
        lib.set_all(self, "training_set", settings)

    def set_images(self, images: Any, labels: Any, classes: Optional[int] = None) -> None:
        """Images [N, side, side, 3] of uint8 and labels [N] instead of data=..."""
        pixels, numbers = lib.array(images, np.uint8), lib.array(labels, np.int32)
        if pixels.ndim != 4 or pixels.shape[3] != 3 or pixels.shape[1] != pixels.shape[2]:
            raise lib.UsageError(f"images are [N, side, side, 3], not {list(pixels.shape)}")
        if numbers.shape != pixels.shape[:1]:
            raise lib.UsageError(f"labels {list(numbers.shape)} of {pixels.shape[0]} images")
        self._images = (pixels, numbers)  # which the run reads
        count = int(numbers.max(initial=0)) + 1 if classes is None else classes
        lib.call("training_images", self._handle, lib.address(pixels), lib.address(numbers), len(pixels),
                 pixels.shape[1], count)

    def run(self, *, progress: Optional[ProgressFunction] = None, log: Optional[Callable[[str], Any]] = None,
            should_stop: Optional[Callable[[], Any]] = None,
            preparing: Optional[PreparingFunction] = None) -> TrainResult:
        """Trains. preparing(what, done, total) is told of loading and planning before the first step, progress of each
        step. Ctrl-C ends loading and planning, saves what was trained, and raises KeyboardInterrupt; resume="auto" goes
        on."""
        result = lib.TrainingResult()
        with Watch(progress, log, should_stop, preparing) as watch:
            lib.call("training_run", self._handle, watch.callbacks, ctypes.byref(result))
        return TrainResult(self._out, result.steps, bool(result.interrupted), result.loss, result.images_per_s,
                           result.top1 if result.top1 >= 0 else None)


def train(space: str = "nasbench201", *, out: Union[str, "os.PathLike[str]"], data: Optional[str] = None,
          images: Any = None, labels: Any = None, classes: Optional[int] = None,
          progress: Optional[ProgressFunction] = None, log: Optional[Callable[[str], Any]] = None,
          should_stop: Optional[Callable[[], Any]] = None, preparing: Optional[PreparingFunction] = None,
          **settings: Any) -> TrainResult:
    """Trains the SuperNet of a space, or with arch=... one architecture by itself.

    data: as --data of rlnas_train ("cifar10:DIR"); or images [N, side, side, 3] of uint8 with labels [N].
    label_kind="true" trains on these labels; by default they only say how many classes random labels are drawn of.
    settings: all other flags of rlnas_train, with _ for - (epochs=12, batch_size=64, label_seed=3).
    """
    kind = settings.pop("label_kind", None)
    training = Training(space, out=out, data=data, labels=kind, **settings)
    if images is not None:
        training.set_images(images, labels, classes)
    return training.run(progress=progress, log=log, should_stop=should_stop, preparing=preparing)
