"""How many images of the last hour were refused: many of them mean that the images have changed since training."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_MINUTES = 60


class LastHour:
    """Counts images by minute, for the last 60 minutes. It is used from one thread.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._minutes: deque[tuple[int, int, int]] = deque()  # (minute, images, refused)

    def count(self, *, refused: bool) -> None:
        """Count an image."""
        minute = int(self._clock() // 60)
        images, before = 0, 0
        if self._minutes and self._minutes[-1][0] == minute:
            _, images, before = self._minutes.pop()
        self._minutes.append((minute, images + 1, before + refused))

    def counts(self) -> tuple[int, int]:
        """The numbers of images and of refused images."""
        oldest = int(self._clock() // 60) - _MINUTES
        while self._minutes and self._minutes[0][0] <= oldest:
            self._minutes.popleft()
        return sum(images for _, images, _ in self._minutes), sum(refused for _, _, refused in self._minutes)
