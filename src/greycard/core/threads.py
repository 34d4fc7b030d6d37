"""How many threads to use: stated here once, for every backend, interpreter and pool."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from greycard.core import cgroups
from greycard.core.errors import GreycardError

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

VARIABLE = "GREYCARD_THREADS"
"""The environment variable that sets the number of threads."""

REQUESTED, CONTAINER, AFFINITY, CORES = VARIABLE, "container limit", "CPU affinity", "all CPU cores"

_WAITING, _MOST_IN_POOL = 4, 32
"""Python's own rule for the size of a pool: some more threads than cores, because threads also wait for the disk."""


_READERS = 16
"""Answers of remote storage that are waited for at a time."""


@dataclass(frozen=True)
class ThreadCount:
    """A number of threads and where it comes from.

    Attributes:
        count: threads to use, at least 1.
        reason: `REQUESTED`, `CONTAINER`, `AFFINITY` or `CORES`.
    """

    count: int
    reason: str

    @property
    def limited(self) -> bool:
        """True if libraries would not find this number by themselves: they see cores and affinity only."""
        return self.reason in (REQUESTED, CONTAINER)


def thread_count() -> ThreadCount:
    """The number of threads to use.

    That is `GREYCARD_THREADS` if it is set, else the smallest of the CPU cores, the cores this process may run on
    (affinity) and the container's CPU limit, rounded up.

    Raises:
        GreycardError: `GREYCARD_THREADS` is not a whole number of at least 1.
    """
    requested = os.environ.get(VARIABLE, "").strip()
    if requested:
        return ThreadCount(_checked(requested), REQUESTED)
    cores, usable, quota = os.cpu_count() or 1, usable_cores(), _container_cores()
    if quota is not None and quota < min(cores, usable):
        return ThreadCount(quota, CONTAINER)
    return ThreadCount(usable, AFFINITY) if usable < cores else ThreadCount(cores, CORES)


def threads_for_parts() -> ThreadCount:
    """The number of threads that compute a part of a batch: one, unless `GREYCARD_THREADS` is set.

    The last bits of a sum depend on the number of threads, and workers on other machines have other cores.

    Raises:
        GreycardError: as in `thread_count`.
    """
    found = thread_count()
    return found if found.reason == REQUESTED else ThreadCount(1, REQUESTED)


def thread_pool() -> ThreadPoolExecutor:
    """A pool for decoding and other work on files: as many threads as requested, else a few more than cores."""
    threads = thread_count()
    size = threads.count if threads.reason == REQUESTED else min(_MOST_IN_POOL, threads.count + _WAITING)
    return ThreadPoolExecutor(size)


def network_pool() -> ThreadPoolExecutor:
    """A pool for reading from remote storage: an answer takes tens of milliseconds, in which no core is used."""
    return ThreadPoolExecutor(_READERS)


def map_ahead(
    pool: ThreadPoolExecutor, function: Callable[[_Item], _Result], items: Iterable[_Item], ahead: int
) -> Iterator[_Result]:
    """Yield `function(item)` for each item, in order; the pool computes the next ones while the caller works.

    Args:
        pool: runs the function.
        function: of an item.
        items: read in the caller's thread, a few at a time.
        ahead: the most items whose results wait.
    """
    begun: deque[Future[_Result]] = deque()
    for item in items:
        begun.append(pool.submit(function, item))
        if len(begun) > ahead:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()


def usable_cores() -> int:
    """Cores that this process may run on; all of them if the system has no affinity, such as macOS."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    count = getattr(os, "process_cpu_count", os.cpu_count)()  # Python 3.13 and later
    return count or 1


def _checked(requested: str) -> int:
    if not requested.isdecimal() or int(requested) < 1:
        raise GreycardError(
            f"{VARIABLE} must be a whole number of at least 1. Received: {requested!r}",
            hint=f"unset {VARIABLE} to use all available cores, or set it, for example {VARIABLE}=2",
        )
    return int(requested)


def _container_cores() -> int | None:
    """The container's CPU time a period, as cores, rounded up; None without a limit."""
    for quota_file, period_file in (("cpu.max", None), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        found = cgroups.numbers(quota_file) + (cgroups.numbers(period_file) if period_file else [])
        if len(found) == 2 and min(found) > 0:  # version 2 says `max` for no limit, version 1 says -1
            quota, period = found
            return -(-quota // period)
    return None
