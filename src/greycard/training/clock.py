"""Where a run's seconds go."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

_Item = TypeVar("_Item")


class Clock:
    """Adds up seconds by part. Parts do not overlap: each is time in which the run did nothing else."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] += time.perf_counter() - begun

    def waiting_for(self, items: Iterable[_Item]) -> Iterator[_Item]:
        """The items, the time until each is there counted as waiting."""
        source = iter(items)
        while True:
            with self("waiting"):
                item = next(source, None)
            if item is None:
                return
            yield item
