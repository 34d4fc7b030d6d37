"""The labels that the user has confirmed, on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from greycard.core.atomic_files import atomic_path


class Confirmed:
    """A set of words in a JSON file. Its methods may be called from several threads.

    Args:
        path: of the file; it need not exist. A file that is not a list counts as empty.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        self._words = set(_read(path))

    def __contains__(self, word: str) -> bool:
        return word in self._words

    def add(self, words: Iterable[str]) -> None:
        with self._lock:
            self._words |= set(words)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_path(self._path) as draft:
                draft.write_text(json.dumps(sorted(self._words)), encoding="utf-8")


def _read(path: Path) -> list[str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
