"""Measure how many seconds each part of a run takes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

_Item = TypeVar("_Item")
_TOTAL = "total"


class Clock:
    """Sums seconds by part. Parts do not overlap: during each of them the run does nothing else."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._begun, self._before = time.perf_counter(), 0.0

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] += time.perf_counter() - begun

    @property
    def total(self) -> float:
        """Seconds since this clock was created, plus those of earlier processes of the same run."""
        return self._before + time.perf_counter() - self._begun

    def state(self) -> dict[str, float]:
        """All seconds, for `load_state`."""
        return {**self.seconds, _TOTAL: self.total}

    def load_state(self, reading: Mapping[str, float]) -> None:
        """Add the seconds of an earlier process."""
        self._before += reading.get(_TOTAL, 0.0)
        for part, seconds in reading.items():
            if part != _TOTAL:
                self.seconds[part] += seconds

    def waiting_for(self, items: Iterable[_Item]) -> Iterator[_Item]:
        """Yield the items and count the time until each one arrives as waiting."""
        source = iter(items)
        while True:
            with self("waiting"):
                item = next(source, None)
            if item is None:
                return
            yield item
