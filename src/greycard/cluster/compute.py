"""Compute something for many images in shards: each becomes one whole Parquet file, here or on many machines."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from greycard.cluster.engine import Engine
from greycard.cluster.file_units import run_units
from greycard.cluster.images import ShardImages
from greycard.cluster.shards import ANOTHER, Shard, begin, names_of
from greycard.cluster.where import Where, expect_share, open_engine, parse_where
from greycard.cluster.work import Work
from greycard.core.errors import GreycardError
from greycard.core.reporter import Reporter
from greycard.storage.folders import Folder
from greycard.training.interruption import InterruptedRunError

SHARD = 4096
"""Images of a shard, if the user does not say."""

_NAMED = 5
"""Unreadable files that are named at the end."""


@dataclass(frozen=True)
class Task:
    """A shard, to be computed now.

    Attributes:
        shard: which images.
        folder: of the parts.
        work: what is computed.
        own: whether it belongs to this process where the folder has no locks.
    """

    shard: Shard
    folder: Folder
    work: Work
    own: bool


@dataclass(frozen=True)
class Places:
    """Where shards are computed, and how large they are.

    Attributes:
        where: the machines or processes.
        shard: the most images of a part.
        share: which part of how many, counted from 0, this process begins with.
    """

    where: Where
    shard: int = SHARD
    share: tuple[int, int] = (0, 1)


def parse_places(on: str, shard: int, share: tuple[int, int] | None) -> Places:
    """Places from what the user says.

    Args:
        on: `here`, `processes:N`, `HOST:PORT` of a Ray cluster, or `cluster`.
        shard: the most images of a part.
        share: which part of how many, counted from 0; None for all.

    Raises:
        GreycardError: there is no such place or share, or a shard would have no images.
    """
    where = parse_where(on)
    expect_share(share, where)
    if shard < 1:
        raise GreycardError(f"a shard has 1 image or more. Received: {shard}", hint=f"{SHARD} is the usual number")
    return Places(where, shard, share or (0, 1))


@dataclass(frozen=True, repr=False)
class Parts:
    """The result of computing in shards.

    Attributes:
        folder: of the parts.
        shards: those whose part is there, in order.
        images: number of images in the parts.
        planned: number of parts of all images.
        bad: number of unreadable images.
        examples: some of them, with the reason.
        errors_are_in: where the parts have all reasons.
    """

    folder: Folder
    shards: tuple[Shard, ...]
    images: int
    planned: int
    bad: int
    examples: tuple[tuple[str, str], ...]
    errors_are_in: str

    @property
    def files(self) -> list[str]:
        """The paths or addresses of the parts that are there, in order."""
        return [self.folder.address_of(shard.file) for shard in self.shards]

    def lines(self) -> Iterator[str]:
        """What the user is told."""
        yield f"{self.folder.address}: {self._counts}"
        yield from (f"  {name}: {why}" for name, why in self.examples)
        if self.bad > len(self.examples):
            yield f"  and {self.bad - len(self.examples):,} more ({self.errors_are_in})"

    def __repr__(self) -> str:
        return f"Parts({self.folder.address!r}, {self._counts})"

    @property
    def _counts(self) -> str:
        bad = f", {self.bad:,} could not be read" if self.bad else ""
        parts = len(self.shards)
        left = "" if parts == self.planned else f" of {self.planned:,}; the others belong to other processes"
        return f"{self.images:,} images in {parts:,} part{'' if parts == 1 else 's'}{left}{bad}"


def compute_shards(
    work: Work, names: Iterable[str], folder: Folder, reporter: Reporter, places: Places, another: str = ANOTHER
) -> Parts:
    """Compute `part-000000.parquet` and so on; the same call again continues.

    Args:
        work: what is computed.
        names: paths or addresses of the images; each is read once, so there may be millions.
        folder: of the parts; a new one, or one that an earlier call began.
        reporter: shows progress.
        places: where, and how large shards are.
        another: the hint if the folder has other parts.

    Raises:
        GreycardError: a folder with other parts, or parts that could not be computed.
        InterruptedRunError: a signal; the same call continues.
    """
    with open_engine(places.where, reporter.log) as engine:
        return _parts(work, folder, compute_on(engine, work, names, folder, reporter, places, another))


def compute_on(
    engine: Engine,
    work: Work,
    names: Iterable[str],
    folder: Folder,
    reporter: Reporter,
    places: Places,
    another: str = ANOTHER,
) -> list[Task]:
    """As `compute_shards`, on an engine that has more to do afterwards; returns all shards, uncounted."""
    number, of = places.share
    shards = begin(folder, names, places.shard, work.words(), another)
    tasks = [Task(each, folder, work, each.number % of == number) for each in shards]
    try:
        _compute(engine, _left(tasks, number, of), reporter)
    except KeyboardInterrupt as stop:
        engine.cancel()
        raise _interrupted(stop, tasks) from stop
    return tasks


def compute_shard(task: Task) -> None:
    """Compute a shard, unless its part is there or another process has it.

    Raises:
        GreycardError: the model has changed, or the part cannot be written.
    """
    with task.folder.claimed(task.shard.file, task.own) as mine:
        if not mine or task.folder.has(task.shard.file):
            return
        names = names_of(task.folder, task.shard)
        with task.folder.writing(task.shard.file) as draft:
            task.work.write(draft, names, ShardImages(names, task.work.folder))


def _left(tasks: Sequence[Task], number: int, of: int) -> list[Task]:
    """Those without a part, this process's own ones first."""
    there = tasks[0].folder.names() if tasks else set()
    left = [task for task in tasks if task.shard.file not in there]
    return sorted(left, key=lambda task: (task.shard.number - number) % of)


def _compute(engine: Engine, tasks: list[Task], reporter: Reporter) -> None:
    if not tasks:
        return
    count = reporter.progress(tasks[0].work.verb, sum(task.shard.count for task in tasks))
    run_units(engine, compute_shard, tasks, lambda task: count(task.shard.count))


def _parts(work: Work, folder: Folder, tasks: Sequence[Task]) -> Parts:
    """Count what is there, from the parts themselves."""
    images = bad = 0
    examples: list[tuple[str, str]] = []
    there = folder.names()
    shards = [task.shard for task in tasks if task.shard.file in there]
    for shard in shards:
        with folder.open(shard.file) as file:
            found = work.count(file, _NAMED - len(examples))
        images, bad = images + found.images, bad + found.bad
        examples += found.examples
    if len(shards) == len(tasks):
        folder.finish()
    return Parts(folder, tuple(shards), images, len(tasks), bad, tuple(examples), work.errors_are_in)


def _interrupted(stop: KeyboardInterrupt, tasks: Sequence[Task]) -> InterruptedRunError:
    folder = tasks[0].folder
    there = folder.names()
    done = f"{sum(task.shard.file in there for task in tasks):,} of {len(tasks):,} parts are there"
    number = getattr(stop, "number", signal.SIGINT)
    return InterruptedRunError(folder.address, done, number, "the same command continues it")
