"""What was done in a folder, as moves of files: each step can be undone and done again, also after a restart."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from greycard.core.atomic_files import atomic_write
from greycard.studio.json_files import read_object

_MOST_STEPS, _MOST_MOVES = 500, 50_000
"""Steps that are remembered, and their moves together; the last step always is."""


@dataclass(frozen=True)
class Move:
    """One file from one place to another; both are paths relative to the folder, with `/`."""

    source: str
    target: str

    @property
    def back(self) -> Move:
        return Move(self.target, self.source)


@dataclass(frozen=True)
class Step:
    """What a user did at once.

    Attributes:
        what: in words, such as `3 images to cat`.
        moves: in their order.
    """

    what: str
    moves: tuple[Move, ...]


class History:
    """The steps done in a folder, and those undone.

    A step is on disk before its first file moves. A kill between two moves loses no file: every file is at its old or
    its new place, and undoing the step brings back those that have moved.

    Args:
        root: the folder.
        file: where the steps are stored.
    """

    def __init__(self, root: Path, file: Path) -> None:
        self._root, self._file = root, file
        self._done, self._undone = _read(file)

    @property
    def undoable(self) -> str | None:
        """What `undo` would take back."""
        return self._done[-1].what if self._done else None

    @property
    def redoable(self) -> str | None:
        """What `redo` would do again."""
        return self._undone[-1].what if self._undone else None

    def do(self, step: Step) -> list[Move]:
        """Do a step; returns the moves that were made."""
        self._store(_recent([*self._done, step]), [])
        return self._move(step.moves)

    def undo(self) -> list[Move]:
        """Take back the last step; returns the moves that were made, none if there is no step."""
        if not self._done:
            return []
        *rest, last = self._done
        self._store(rest, [*self._undone, last])
        return self._move(move.back for move in reversed(last.moves))

    def redo(self) -> list[Move]:
        """Do again what was undone last; returns the moves that were made."""
        if not self._undone:
            return []
        *rest, last = self._undone
        self._store([*self._done, last], rest)
        return self._move(last.moves)

    def _store(self, done: list[Step], undone: list[Step]) -> None:
        self._done, self._undone = done, undone
        content = {"done": [asdict(step) for step in done], "undone": [asdict(step) for step in undone]}
        self._file.parent.mkdir(exist_ok=True)
        atomic_write(self._file, json.dumps(content))

    def _move(self, moves: Iterable[Move]) -> list[Move]:
        """A file that is gone, or whose place is taken, stays where it is: others may change the folder, too."""
        made = []
        for move in moves:
            source, target = self._root / move.source, self._root / move.target
            if source.is_file() and not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                os.rename(source, target)
                made.append(move)
        return made


def _recent(steps: list[Step]) -> list[Step]:
    """The last steps that are remembered."""
    kept, moves = steps[-_MOST_STEPS:], 0
    for place, step in reversed(list(enumerate(kept))):
        moves += len(step.moves)
        if moves > _MOST_MOVES and step is not kept[-1]:
            return kept[place + 1 :]
    return kept


def _read(file: Path) -> tuple[list[Step], list[Step]]:
    """Both lists; empty if there is no such file, or if it is damaged: the images are what counts."""
    content = read_object(file)
    with suppress(KeyError, TypeError):
        done, undone = (
            [Step(each["what"], tuple(Move(**move) for move in each["moves"])) for each in content[name]]
            for name in ("done", "undone")
        )
        return done, undone
    return [], []
