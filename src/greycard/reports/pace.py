"""How fast a piece of work goes: images per second, and the time left."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from greycard.reports.columns import seconds

_LINE_SECONDS = 30.0
"""Seconds between two lines where no bar can be shown."""


class Pace:
    """Counts images; threads may call it concurrently.

    Args:
        what: the work, such as `predicting`.
        images: the number of images; None if it is not known.
        clock: seconds.
    """

    def __init__(self, what: str, images: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._what, self._images, self._clock = what, images, clock
        self._lock, self._done = Lock(), 0
        self._begun = self._shown = clock()

    def add(self, count: int) -> None:
        with self._lock:
            self._done += count

    @property
    def speed(self) -> str:
        rate = self._rate()
        return f"{rate:,.0f} images/s" if rate >= 10 else f"{rate:.1f} images/s"

    def due_line(self) -> str | None:
        """A line about the work so far, if the last one was some time ago."""
        now = self._clock()
        with self._lock:
            if now - self._shown < _LINE_SECONDS:
                return None
            self._shown = now
        of, left = "", ""
        if self._images is not None:
            of = f" of {self._images:,}"
            left = f", {seconds((self._images - self._done) / max(self._rate(), 1e-9))} left"
        return f"{self._what}: {self._done:,}{of}, {self.speed}{left}"

    def _rate(self) -> float:
        return self._done / max(self._clock() - self._begun, 1e-9)
