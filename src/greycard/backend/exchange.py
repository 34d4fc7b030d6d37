"""The interface through which the workers of one training exchange numbers, and that of a worker alone."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Exchange(Protocol):
    """One worker's view of its group. All workers make the same calls in the same order; each call waits for all.

    Workers on GPUs of one machine would exchange sums through NCCL: in another class with this interface.

    Attributes:
        rank: this worker's number, from 0.
        workers: how many there are, a power of two.
    """

    @property
    def rank(self) -> int: ...

    @property
    def workers(self) -> int: ...

    def total(self, values: np.ndarray) -> np.ndarray:
        """The sum over all workers as `tree_sum` has it, float32 (n,): the same bits on each of them."""
        ...

    def gather(self, content: bytes) -> list[bytes]:
        """What each worker gave, by rank."""
        ...


class Alone:
    """A worker without others."""

    rank, workers = 0, 1

    def total(self, values: np.ndarray) -> np.ndarray:
        return values

    def gather(self, content: bytes) -> list[bytes]:
        return [content]


def from_first(exchange: Exchange, content: bytes) -> bytes:
    """What worker 0 gave; that of the others is not sent."""
    return exchange.gather(b"" if exchange.rank else content)[0]
