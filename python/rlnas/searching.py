"""Searches, and indicators of architectures."""

from __future__ import annotations

import ctypes
import dataclasses
import json
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

import numpy as np

from . import _library as lib
from ._watch import PreparingFunction, ProgressFunction, Watch


@dataclasses.dataclass(frozen=True)
class Found:
    """An architecture that was evaluated."""

    arch: str
    score: float
    values: Dict[str, float]  # by indicator
    rank: int  # among all evaluated, from 1
    generation: int  # that evaluated it, from 1; 0 where there are none
    benchmark_index: int  # of a public benchmark; -1: none


class Report(lib.Owner):
    """What a search found. report.evaluated: all, in order; report.top(n): the best."""

    _free = "report_free"

    def __init__(self, given: ctypes.c_void_p) -> None:
        super().__init__()
        self._handle = given
        self.indicators: List[str] = [lib.ask("report_indicator", given, k).decode()
                                      for k in range(lib.ask("report_indicators", given))]

    def __len__(self) -> int:
        return lib.ask("report_evaluated", self._handle)

    def _get(self, function: str, place: int) -> Found:
        found = lib.FoundStruct()
        lib.call(function, self._handle, place, ctypes.byref(found))
        values = dict(zip(self.indicators, found.values[: found.value_count]))
        return Found(found.arch.decode(), found.score, values, found.rank, found.generation, found.benchmark_index)

    @property
    def evaluated(self) -> List[Found]:
        return [self._get("report_get", place) for place in range(len(self))]

    @property
    def best(self) -> Found:
        return self._get("report_rank", 1)

    def top(self, count: int) -> List[Found]:
        return [self._get("report_rank", rank) for rank in range(1, min(count, len(self)) + 1)]

    def _text(self, kind: bytes) -> str:
        return lib.ask("report_text", self._handle, kind).decode()

    @property
    def text(self) -> str:
        """As rlnas_search prints it."""
        return self._text(b"text")

    @property
    def profile(self) -> str:
        """Where the time went, with profile=True."""
        return self._text(b"profile")

    @property
    def csv(self) -> str:
        """A line for every evaluated architecture."""
        return self._text(b"csv")

    @property
    def json(self) -> Dict[str, Any]:
        """As rlnas_search --json."""
        return json.loads(self._text(b"json"))


class Search(lib.Owner):
    """A search before it starts: the published one of a space, and settings by the names of rlnas_search's flags."""

    _free = "search_free"

    def __init__(self, space: Optional[str] = None, *,
                 indicators: Optional[Mapping[str, Callable[[str], float]]] = None, **settings: Any) -> None:
        super().__init__()
        self._indicators = dict(indicators or {})
        self._watch: Optional[Watch] = None
        self._functions: List[Any] = []  # which the handle calls
        lib.call("search_new", None if space is None else space.encode(), ctypes.byref(self._handle))
        lib.set_all(self, "search_set", settings)
        for name, function in self._indicators.items():
            self._functions.append(lib.VALUE(self._value_of(function)))
            lib.call("search_indicator", self._handle, name.encode(), self._functions[-1], None)

    def _value_of(self, function: Callable[[str], float]) -> Callable[[Any, bytes, Any], int]:
        def value(_: Any, arch: bytes, result: Any) -> int:
            watch = self._watch
            found = watch.guarded(lambda: float(function(arch.decode()))) if watch else None
            if found is None:
                return 1
            result[0] = found
            return 0
        return value

    def run(self, *, progress: Optional[ProgressFunction] = None,
            should_stop: Optional[Callable[[], Any]] = None,
            preparing: Optional[PreparingFunction] = None) -> Report:
        """Searches. Raises Interrupted when should_stop says so; what out=... keeps is gone on with by resume=True."""
        made = ctypes.c_void_p()
        with Watch(progress, None, should_stop, preparing) as self._watch:
            lib_error: Optional[lib.Error] = None
            try:
                lib.call("search_run", self._handle, self._watch.callbacks, ctypes.byref(made))
            except lib.Error as error:
                lib_error = error
            if lib_error is not None and not self._watch.failed:
                raise lib_error
        return Report(made)

    def scores(self, archs: Sequence[str]) -> np.ndarray:
        """Values of the score's indicators, without a search. Returns [len(archs), terms]."""
        terms = ctypes.c_size_t()
        with Watch() as self._watch:
            lib.call("search_terms", self._handle, ctypes.byref(terms))
            values = np.empty((len(archs), terms.value))
            try:
                lib.call("search_scores", self._handle, lib.text_array(archs), len(archs), self._watch.callbacks,
                         lib.address(values))
            except lib.Error:
                if not self._watch.failed:
                    raise
        return values


def search(space: Optional[str] = None, *, supernet: Optional[str] = None, score: Optional[str] = None,
           indicators: Optional[Mapping[str, Callable[[str], float]]] = None,
           progress: Optional[ProgressFunction] = None, should_stop: Optional[Callable[[], Any]] = None,
           preparing: Optional[PreparingFunction] = None, **settings: Any) -> Report:
    """Searches a space for the architecture with the largest score.

    supernet: run directory of train(). score: indicators joined by + (their ranks are); "angle" by default.
    indicators: functions of your own, from architecture to value, which score can name.
    settings: all other flags of rlnas_search, with _ for - (method="exact", population=50, max_mflops=100.0).
    """
    if score is None and indicators:
        score = "+".join(indicators)
    made = Search(space, indicators=indicators, supernet=supernet, score=score, **settings)
    return made.run(progress=progress, should_stop=should_stop, preparing=preparing)


def scores(archs: Sequence[str], score: str, space: Optional[str] = None, **settings: Any) -> np.ndarray:
    """Values of indicators for some architectures: [len(archs), terms of score]. settings: those of search()."""
    return Search(space, score=score, **settings).scores(archs)
