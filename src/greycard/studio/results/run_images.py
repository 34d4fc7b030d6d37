"""Where the images of a run are now: an image keeps its content when its label changes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from threading import Lock

from greycard.core.threads import thread_pool
from greycard.datasets.digests import file_digest
from greycard.studio.images.identity import identity

_NUMBER = re.compile(r"-([2-9]|[1-9]\d+)$")
"""What a move adds to a file's name if its place is taken."""


class RunImages:
    """Finds the images of runs in a folder. Digests of files are remembered.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._lock = root, Lock()
        self._known: dict[str, str] = {}

    def find(self, ids: Iterable[str], digests: Mapping[str, str], places: Iterable[str]) -> dict[str, str]:
        """The present places of images, by their ids in a run; an image that is not found is left out.

        An image is found if its content is at its old place, or at another one under the same file name, perhaps with
        a number. Another image may be at its old place: without digests there is no way to tell.

        Args:
            ids: of the run's images.
            digests: of the run's images, by id; empty if the run has none.
            places: of all images in the folder, relative to it.
        """
        wanted, here = list(dict.fromkeys(ids)), set(places)
        there = [id for id in wanted if id in here]
        if not digests:
            return {id: id for id in there}
        found = {id: id for id, digest in zip(there, self._digests(there), strict=True) if digest == digests.get(id)}
        for likely in (_same_names, _numbered_names):  # the likely places first: every digest reads a file
            moved = [id for id in wanted if id not in found]
            names = likely({PurePosixPath(id).name for id in moved})
            free = sorted(here.difference(found.values()))
            by_digest = self._by_digest([place for place in free if names(PurePosixPath(place).name)])
            for id in moved:
                if same := by_digest[digests.get(id, "")]:
                    found[id] = same.pop()
        return found

    def _by_digest(self, places: Sequence[str]) -> dict[str, list[str]]:
        found = defaultdict[str, list[str]](list)
        for place, digest in zip(places, self._digests(places), strict=True):
            if digest:
                found[digest].append(place)
        return found

    def _digests(self, places: Sequence[str]) -> list[str]:
        with thread_pool() as pool:
            return list(pool.map(self._digest, places))

    def _digest(self, place: str) -> str:
        """SHA-256 of a file; empty if it is gone."""
        try:
            file = self._root / place
            key = identity(file)
            with self._lock:
                known = self._known.get(key)
            if known is None:
                known = file_digest(file)
                with self._lock:
                    self._known[key] = known
        except OSError:
            return ""
        return known


def _same_names(own: set[str]) -> Callable[[str], bool]:
    return own.__contains__


def _numbered_names(own: set[str]) -> Callable[[str], bool]:
    """Names that have more numbers than one of these, or fewer: a move that added one may have been taken back."""
    before = {name for each in own for name in _without_numbers(each)}
    return lambda name: name in before or any(each in own for each in _without_numbers(name))


def _without_numbers(name: str) -> Iterator[str]:
    """The names that a file may have had before its moves: a-2-3.jpg was a-2.jpg, or a.jpg."""
    path = PurePosixPath(name)
    stem = path.stem
    while (shorter := _NUMBER.sub("", stem)) != stem:
        stem = shorter
        yield f"{stem}{path.suffix}"
