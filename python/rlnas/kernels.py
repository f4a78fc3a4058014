"""What one primitive takes, against what it costs on paper."""

from __future__ import annotations

import ctypes
import dataclasses
from typing import List

from . import _library as lib


@dataclasses.dataclass(frozen=True)
class Timing:
    min_ms: float
    median_ms: float
    flops: int
    bytes: int  # compulsory: every operand once

    @property
    def gflops_per_s(self) -> float:
        return self.flops / (self.min_ms * 1e6)

    @property
    def gbytes_per_s(self) -> float:
        return self.bytes / (self.min_ms * 1e6)


def primitives() -> List[str]:
    """Those that can be timed."""
    return lib.parsed("primitives")


def time_primitive(primitive: str, *, batch: int, channels: int, height: int = 1, width: int = 1,
                   out_channels: int = 0, kernel: int = 1, stride: int = 1, padding: int = 0, dilation: int = 1,
                   groups: int = 1, device: str = "auto", threads: int = 0, repeats: int = 10) -> Timing:
    """Runs it so often on a shape. Sizes are of the input; what a primitive has no use for is ignored."""
    shape = lib.ShapeStruct(batch=batch, channels=channels, height=height, width=width, out_channels=out_channels,
                            kernel=kernel, stride=stride, padding=padding, dilation=dilation, groups=groups)
    timing = lib.TimingStruct()
    lib.call("time_primitive", primitive.encode(), ctypes.byref(shape), device.encode(), threads, repeats,
             ctypes.byref(timing))
    return Timing(timing.min_ms, timing.median_ms, timing.flops, timing.bytes)
