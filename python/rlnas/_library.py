"""The shared library: where it is, what its functions take, its errors as exceptions."""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import os
import pathlib
from typing import Any, Iterable

import numpy as np


class Error(RuntimeError):
    """What the library says went wrong, in one line."""


class UsageError(Error, ValueError):
    """An argument, a setting, or a text that is no architecture."""


class DataError(Error, OSError):
    """A file."""

    def __str__(self) -> str:
        return str(self.args[0])


class DeviceError(Error):
    """A device, memory, or a library of the backend."""


class CommunicationError(Error):
    """Another rank."""


class Interrupted(Error):
    """A callback said that the call was to end."""


_ERRORS = {1: Error, 2: UsageError, 3: DataError, 4: DeviceError, 5: CommunicationError, 6: Interrupted}


def _find() -> str:
    named = os.environ.get("RLNAS_LIBRARY")
    inside = pathlib.Path(__file__).with_name("librlnas.so")
    found = named or (str(inside) if inside.exists() else ctypes.util.find_library("rlnas"))
    if not found:
        raise ImportError("librlnas.so is neither in this package nor installed: name it by RLNAS_LIBRARY")
    return found


class Sized(ctypes.Structure):
    """A struct that begins with its size; fields are given by name."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(size=ctypes.sizeof(type(self)), **fields)


def sized(name: str, *fields: tuple) -> type:
    return type(name, (Sized,), {"_fields_": [("size", ctypes.c_size_t), *fields]})


i32, i64, f64, size_t = ctypes.c_int32, ctypes.c_int64, ctypes.c_double, ctypes.c_size_t
text, handle, pointer = ctypes.c_char_p, ctypes.c_void_p, ctypes.POINTER
floats, doubles, texts = pointer(ctypes.c_float), pointer(f64), pointer(text)

ProgressStruct = sized("ProgressStruct", ("step", i64), ("steps", i64), ("evaluated", i64), ("epoch", i32),
                       ("loss", f64), ("accuracy", f64), ("images_per_s", f64), ("best_score", f64), ("best", text))
SHOULD_STOP = ctypes.CFUNCTYPE(i32, handle)
PROGRESS = ctypes.CFUNCTYPE(None, handle, pointer(ProgressStruct))
LOG = ctypes.CFUNCTYPE(None, handle, text)
PREPARING = ctypes.CFUNCTYPE(None, handle, text, ctypes.c_uint64, ctypes.c_uint64)
VALUE = ctypes.CFUNCTYPE(i32, handle, text, pointer(f64))
Callbacks = sized("Callbacks", ("user", handle), ("should_stop", SHOULD_STOP), ("progress", PROGRESS), ("log", LOG),
                  ("preparing", PREPARING))
TrainingResult = sized("TrainingResult", ("steps", i64), ("interrupted", i32), ("loss", f64), ("images_per_s", f64),
                       ("top1", f64))
FoundStruct = sized("FoundStruct", ("arch", text), ("values", doubles), ("value_count", size_t), ("score", f64),
                    ("rank", i32), ("generation", i32), ("benchmark_index", i32))
ExportOptions = sized("ExportOptions", ("space", text), ("arch", text), ("trained", text), ("supernet", text),
                      ("classes", i32), ("image_size", i32))
ShapeStruct = sized("ShapeStruct", *((name, i32) for name in (
    "batch", "channels", "height", "width", "out_channels", "kernel", "stride", "padding", "dilation", "groups")))
TimingStruct = sized("TimingStruct", ("min_ms", f64), ("median_ms", f64), ("flops", ctypes.c_uint64),
                     ("bytes", ctypes.c_uint64))
Layer = sized("Layer", *((name, i32) for name in (
    "out_channels", "kernel", "stride", "padding", "dilation", "groups", "first_channel")))
NetworkOptions = sized("NetworkOptions", ("device", text), ("threads", i32), ("batch", i32), ("seed", ctypes.c_uint64),
                       ("dropout", f64), ("drop_path", f64))
FitOptions = sized("FitOptions", ("epochs", i32), ("batch", i32), *((name, f64) for name in (
    "learning_rate", "min_learning_rate", "momentum", "weight_decay", "label_smoothing")))
PassStruct = sized("PassStruct", ("statistics", i32), ("gradients", i32), ("taps", pointer(i32)), ("tap_count", size_t))
SgdStruct = sized("SgdStruct", *((name, f64) for name in (
    "learning_rate", "momentum", "weight_decay", "max_gradient_norm")), ("nesterov", i32))
LossStruct = sized("LossStruct", ("sum", f64), ("correct", i64), ("images", i64))

# Of functions that return a status; then of the others.
_STATUS = {
    "training_new": [text, pointer(handle)],
    "training_set": [handle, text, text],
    "training_images": [handle, pointer(ctypes.c_uint8), pointer(i32), i64, i32, i32],
    "training_run": [handle, pointer(Callbacks), pointer(TrainingResult)],
    "spaces": [pointer(handle)],
    "sample": [text, i32, pointer(handle)],
    "describe": [text, text, i32, i32, pointer(handle)],
    "indicators": [pointer(handle)],
    "supernet_tensors": [text, i32, pointer(handle)],
    "angles_of_run": [text, texts, size_t, doubles],
    "angles_of_weights": [text, i32, texts, pointer(floats), pointer(floats), pointer(i64), size_t, texts, size_t,
                          doubles],
    "angle_sums": [floats, floats, pointer(i64), pointer(i64), size_t, doubles],
    "search_new": [text, pointer(handle)],
    "search_set": [handle, text, text],
    "search_indicator": [handle, text, VALUE, handle],
    "search_run": [handle, pointer(Callbacks), pointer(handle)],
    "search_terms": [handle, pointer(size_t)],
    "search_scores": [handle, texts, size_t, pointer(Callbacks), doubles],
    "report_get": [handle, size_t, pointer(FoundStruct)],
    "report_rank": [handle, size_t, pointer(FoundStruct)],
    "export": [pointer(ExportOptions), text],
    "primitives": [pointer(handle)],
    "time_primitive": [text, pointer(ShapeStruct), text, i32, i32, pointer(TimingStruct)],
    "graph_new": [i32, i32, i32, pointer(handle)],
    "graph_add": [handle, text, text, pointer(i32), size_t, pointer(Layer), pointer(i32)],
    "graph_output": [handle, i32],
    "graph_shape": [handle, i32, pointer(i32)],
    "network_make": [handle, pointer(NetworkOptions), pointer(Callbacks), pointer(handle)],
    "network_fit": [handle, floats, pointer(i32), size_t, pointer(FitOptions), pointer(Callbacks),
                    pointer(LossStruct)],
    "network_evaluate": [handle, floats, pointer(i32), size_t, pointer(Callbacks), pointer(LossStruct)],
    "network_forward": [handle, floats, size_t, floats, size_t],
    "network_pass": [handle, floats, size_t, pointer(PassStruct), floats, size_t],
    "network_backward": [handle, floats, size_t],
    "network_tap": [handle, size_t, floats, size_t],
    "network_tap_gradient": [handle, size_t, floats, size_t],
    "network_gradients": [handle, floats, pointer(i32), size_t, f64, pointer(LossStruct)],
    "network_step": [handle, pointer(SgdStruct)],
    "network_gradient": [handle, text, floats, size_t],
    "network_forget_gradients": [handle],
    "network_tensors": [handle, pointer(handle)],
    "network_get": [handle, text, floats, size_t],
    "network_set": [handle, text, floats, size_t],
    "network_angle": [handle, pointer(f64)],
    "network_mark_initial": [handle],
}
_OTHERS = {
    "version": (text, []),
    "last_error": (text, []),
    "free": (None, [handle]),
    "training_free": (None, [handle]),
    "angle_of_sums": (f64, [doubles]),
    "search_free": (None, [handle]),
    "report_free": (None, [handle]),
    "report_evaluated": (size_t, [handle]),
    "report_indicators": (size_t, [handle]),
    "report_indicator": (text, [handle, size_t]),
    "report_text": (text, [handle, text]),
    "graph_free": (None, [handle]),
    "graph_classes": (i32, [handle]),
    "graph_macs": (i64, [handle]),
    "graph_parameters": (i64, [handle]),
    "network_free": (None, [handle]),
}

_library = ctypes.CDLL(_find())
for _name, _arguments in _STATUS.items():
    _function = getattr(_library, "rlnas_" + _name)
    _function.restype, _function.argtypes = ctypes.c_int, _arguments
for _name, (_result, _arguments) in _OTHERS.items():
    _function = getattr(_library, "rlnas_" + _name)
    _function.restype, _function.argtypes = _result, _arguments


def call(name: str, *arguments: Any) -> None:
    """Calls rlnas_NAME, which returns a status."""
    status = getattr(_library, "rlnas_" + name)(*arguments)
    if status != 0:
        raise _ERRORS.get(status, Error)(ask("last_error").decode(errors="replace"))


def ask(name: str, *arguments: Any) -> Any:
    """The result of rlnas_NAME, which cannot fail."""
    return getattr(_library, "rlnas_" + name)(*arguments)


def parsed(name: str, *arguments: Any) -> Any:
    """What the JSON says that rlnas_NAME gives out."""
    given = handle()
    call(name, *arguments, ctypes.byref(given))
    try:
        return json.loads(ctypes.string_at(given))
    finally:
        ask("free", given)


class Owner:
    """A handle that is freed with its object."""

    _free = ""

    def __init__(self) -> None:
        self._handle = handle()

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            ask(self._free, self._handle)
            self._handle = handle()


def encoded(value: Any) -> bytes:
    """A setting as a flag takes it."""
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return os.fspath(value).encode() if isinstance(value, (str, os.PathLike)) else repr(value).encode()


def set_all(owner: Owner, function: str, settings: dict) -> None:
    """Settings by the names of flags, with _ for -; those that are None are left as they are."""
    for name, value in settings.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if one is not None:
                call(function, owner._handle, name.replace("_", "-").encode(), encoded(one))


def text_array(values: Iterable[str]) -> Any:
    given = [value.encode() for value in values]
    return (text * len(given))(*given)


def array(values: Any, dtype: Any) -> np.ndarray:
    """As it lies in memory, if it is of this type and in C order; a PyTorch tensor too."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.ascontiguousarray(values, dtype=dtype)


def address(values: np.ndarray) -> Any:
    kinds = {np.dtype(np.float32): floats, np.dtype(np.float64): doubles, np.dtype(np.int32): pointer(i32),
             np.dtype(np.int64): pointer(i64), np.dtype(np.uint8): pointer(ctypes.c_uint8)}
    return values.ctypes.data_as(kinds[values.dtype])


def version() -> str:
    """Of the library, with the commit it was built from."""
    return ask("version").decode()
