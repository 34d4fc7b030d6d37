"""Ways to do the same work, measured in turn: images a second, and images a second of one core's time."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Way:
    """One way to do some work.

    Attributes:
        work: what is done; ways of the same work are compared, the first is what users have today.
        how: by what.
        run: does it, given the round's number from 0, and returns how many images it did.
    """

    work: str
    how: str
    run: Callable[[int], int]


def measure(ways: Sequence[Way], rounds: int) -> Iterator[dict[str, Any]]:
    """A row for each way: medians over the rounds, after one round as a warm-up."""
    spent: dict[Way, list[tuple[int, float, float]]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way in ways:
            spent[way].append(_spend(way, number))
    for way, (_, *counted) in spent.items():
        each = [images / wall for images, wall, _ in counted]
        each_core = [images / cpu for images, _, cpu in counted]
        row = {"work": way.work, "how": way.how, "images": counted[0][0]}
        row |= {"images_per_second": median(each), "images_per_core_second": median(each_core)}
        yield row | {"each_round": each, "each_round_per_core": each_core}


def _spend(way: Way, number: int) -> tuple[int, float, float]:
    wall, cpu = time.perf_counter(), _cpu_seconds()
    images = way.run(number)
    spent = images, time.perf_counter() - wall, _cpu_seconds() - cpu
    print(f"{way.work}, {way.how}: {images / spent[1]:,.0f} images/s", file=sys.stderr, flush=True)
    return spent


def _cpu_seconds() -> float:
    """Of all threads, and of helper processes that have ended."""
    helpers = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + helpers.ru_utime + helpers.ru_stime
