"""Neural architecture search with random labels, from Python.

    import rlnas
    rlnas.train("nasbench201", data="cifar10:cifar", out="runs/a", epochs=12)
    report = rlnas.search(supernet="runs/a")
    print(report.best.arch, report.best.score)

Arrays are NumPy's, and used where they lie; PyTorch's tensors on the CPU are taken too. What goes wrong is raised as
rlnas.Error; Ctrl-C ends a call as soon as it can, with what can be kept, and raises KeyboardInterrupt. The library is
a C ABI behind ctypes (rlnas.h): no extension to compile.
"""

from ._library import CommunicationError, DataError, DeviceError, Error, Interrupted, UsageError, version
from .architectures import (Architecture, Indicator, angle, angle_sums, angles, angles_of_weights, describe, export,
                            indicators, sample, spaces, supernet_tensors)
from .kernels import Timing, primitives, time_primitive
from .networks import Graph, Loss, Network
from .searching import Found, Report, Search, scores, search
from .training import Training, TrainResult, train
from ._watch import Progress

__version__ = version().split(" ")[0]
__all__ = [
    "Architecture", "CommunicationError", "DataError", "DeviceError", "Error", "Found", "Graph", "Indicator",
    "Interrupted", "Loss", "Network", "Progress", "Report", "Search", "Timing", "TrainResult", "Training",
    "UsageError", "angle", "angle_sums", "angles", "angles_of_weights", "describe", "export", "indicators",
    "primitives", "sample", "scores", "search", "spaces", "supernet_tensors", "time_primitive", "train", "version",
]
