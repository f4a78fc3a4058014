"""Callbacks of one call: Python's functions behind C's, Ctrl-C, and exceptions carried past the C code between."""

from __future__ import annotations

import ctypes
import dataclasses
from types import TracebackType
from typing import Any, Callable, Optional, Type

from . import _library as lib


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a call is; what does not apply is 0 or empty."""

    step: int  # done, of how many: steps of training; generations; networks measured
    steps: int
    evaluated: int  # architectures, of a search
    epoch: int
    loss: float
    accuracy: float
    images_per_s: float
    best_score: float
    best: str


ProgressFunction = Callable[[Progress], Any]
# what is done before the first step ("loading", "listing", "planning"), how far, of how much; 0: not known
PreparingFunction = Callable[[str, int, int], Any]


class Watch:
    """with Watch(...) as watch: call(..., watch.callbacks)

    The library asks every few milliseconds whether to stop. Asking runs Python, and so its signal handlers:
    KeyboardInterrupt and whatever else a function raises ends the call, and goes on from here."""

    def __init__(self, progress: Optional[ProgressFunction] = None, log: Optional[Callable[[str], Any]] = None,
                 should_stop: Optional[Callable[[], Any]] = None,
                 preparing: Optional[PreparingFunction] = None) -> None:
        self._raised: Optional[BaseException] = None

        def guarded(body: Callable[[], Any]) -> Any:
            if self._raised is not None:
                return None
            try:
                return body()
            except BaseException as raised:  # goes on in __exit__
                self._raised = raised
                return None

        def on_stop(_: Any) -> int:
            asked = guarded(lambda: should_stop() if should_stop else False)
            return 1 if asked or self._raised is not None else 0

        def on_progress(_: Any, now: Any) -> None:
            values = {field.name: getattr(now.contents, field.name) for field in dataclasses.fields(Progress)}
            values["best"] = (values["best"] or b"").decode()
            guarded(lambda: progress(Progress(**values)))

        self.guarded = guarded
        self._kept = lib.Callbacks(
            should_stop=lib.SHOULD_STOP(on_stop),
            progress=lib.PROGRESS(on_progress) if progress else lib.PROGRESS(),
            log=lib.LOG(lambda _, line: guarded(lambda: log(line.decode(errors="replace")))) if log else lib.LOG(),
            preparing=lib.PREPARING(lambda _, what, done, total: guarded(lambda: preparing(what.decode(), done, total)))
            if preparing else lib.PREPARING())
        self.callbacks = ctypes.byref(self._kept)

    @property
    def failed(self) -> bool:
        return self._raised is not None

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 where: Optional[TracebackType]) -> None:
        if self._raised is not None:
            raise self._raised from None
