"""Labels that the user has marked, on disk: an image with its label, so that a changed label loses its mark."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from greycard.core.atomic_files import atomic_write


class Marks:
    """A set of labelled images in a JSON file. Its methods may be called from several threads.

    Args:
        path: of the file; it need not exist. A file that is not a list counts as empty.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        self._marks = set(_read(path))

    def has(self, key: str, label: str | None) -> bool:
        """Whether the image with this key is marked with this label."""
        return _mark(key, label) in self._marks

    def add(self, labelled: Iterable[tuple[str, str | None]]) -> None:
        """Mark images, each a key and its label."""
        with self._lock:
            self._keep(self._marks | {_mark(*each) for each in labelled})

    def remove(self, labelled: Iterable[tuple[str, str | None]]) -> None:
        """Take the mark from images."""
        with self._lock:
            self._keep(self._marks - {_mark(*each) for each in labelled})

    def _keep(self, marks: set[str]) -> None:
        if marks != self._marks:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(self._path, json.dumps(sorted(marks)))
            self._marks = marks


def _mark(key: str, label: str | None) -> str:
    return f"{key} {label or ''}"


def _read(path: Path) -> list[str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
