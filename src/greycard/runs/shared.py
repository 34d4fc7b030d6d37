"""The runs of many people in one shared folder."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from greycard.core.errors import GreycardWarning
from greycard.core.paths import as_path
from greycard.runs.crossval import PLAN
from greycard.runs.directory import RECIPE

_DEEPEST = 3
"""Folders between the shared one and a run, such as `SHARED/class-7/ada/runs/digits-cnn-1`."""

_NO_NAMES = ("runs",)
"""Folders that Greycard names itself, so they name no person."""


@dataclass(frozen=True)
class SharedRun:
    """A run in a shared folder.

    Attributes:
        path: its folder.
        label: its path below the shared folder, which tells equal names apart.
        owner: the subfolder that it is in, such as `ada`; None directly in the shared folder.
    """

    path: Path
    label: str
    owner: str | None


def shared_runs(folder: str | Path) -> list[SharedRun]:
    """The runs in a folder and in its subfolders, by path; empty if it has none, or is a run itself."""
    root = as_path(folder, "a run")
    if not root.is_dir() or (root / RECIPE).is_file():
        return []
    return [_shared(path, root) for path in sorted(_runs_in(root, _DEEPEST))]


def _shared(path: Path, root: Path) -> SharedRun:
    inside = path.relative_to(root)
    named = [part for part in inside.parts[:-1] if part not in _NO_NAMES]
    return SharedRun(path, inside.as_posix(), named[-1] if named else None)


def _runs_in(folder: Path, deeper: int) -> Iterator[Path]:
    """Run folders, without the folds of a cross-validation; a warning names a folder that cannot be read."""
    try:
        with os.scandir(folder) as entries:
            found = [Path(entry.path) for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except OSError as error:
        warnings.warn(f"{folder} cannot be read: {error.strerror}", GreycardWarning, stacklevel=5)
        return
    for path in found:
        if os.path.isfile(path / RECIPE):
            yield path
        elif deeper and not os.path.isfile(path / PLAN):
            yield from _runs_in(path, deeper - 1)
