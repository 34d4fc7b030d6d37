"""Units of work that each write one file into a folder: whole, once, and not again by the same call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from greycard.cluster.engine import Engine, UnitT
from greycard.core.errors import GreycardError
from greycard.core.reporter import Reporter
from greycard.storage.folders import Folder


class FileUnit(Protocol):
    """What writes a file; other processes get a copy."""

    @property
    def file(self) -> str:
        """The file's name."""
        ...

    @property
    def images(self) -> int:
        """Number of images, for the progress."""
        ...

    def write(self, folder: Folder, place: Path) -> None:
        """Write the content to a new local file; it depends only on the unit and on earlier files of the folder."""
        ...


@dataclass(frozen=True)
class _Task:
    """A unit and its folder."""

    unit: FileUnit
    folder: Folder


def write_files(engine: Engine, folder: Folder, units: Sequence[FileUnit], reporter: Reporter, verb: str) -> None:
    """Write the files of all units that are not there yet.

    Args:
        engine: runs the units.
        folder: of the files.
        units: in any order; none needs another one's file.
        reporter: shows progress.
        verb: for the progress, such as `comparing digests`.

    Raises:
        GreycardError: files that could not be written, or that another process writes.
        KeyboardInterrupt: a signal.
    """
    there = folder.names()
    left = [_Task(unit, folder) for unit in units if unit.file not in there]
    if not left:
        return
    count = reporter.progress(verb, sum(task.unit.images for task in left))
    run_units(engine, _write, left, lambda task: count(task.unit.images))
    if {task.unit.file for task in left} - folder.names():
        raise GreycardError(
            f"another process writes into {folder.address}", hint="wait for it, and run the same command again"
        )


def run_units(
    engine: Engine, function: Callable[[UnitT], None], units: Sequence[UnitT], count: Callable[[UnitT], None]
) -> None:
    """Run a function for each unit, and call `count` after each; a GreycardError at the end if some failed."""
    failed: list[GreycardError] = []
    for done in engine.each(function, units):
        if done.error:
            failed.append(done.error)
        else:
            count(done.unit)
    if failed:
        raise GreycardError(
            f"{len(failed)} of {len(units)} parts could not be computed: {failed[0].args[0]}",
            hint=f"{failed[0].hint}; the same command continues",
        )


def _write(task: _Task) -> None:
    with task.folder.claimed(task.unit.file, True) as mine:
        if not mine or task.folder.has(task.unit.file):
            return
        with task.folder.writing(task.unit.file) as draft:
            task.unit.write(task.folder, draft)
