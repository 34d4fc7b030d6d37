"""A folder of parts with feature vectors, which is read as one table in the order of the parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from greycard.core.errors import GreycardError, command
from greycard.core.threads import map_ahead, network_pool
from greycard.embeddings import parquet
from greycard.embeddings.table import About, Rows
from greycard.storage.failures import reason
from greycard.storage.folders import Folder
from greycard.storage.parts import finished_parts

_AHEAD = 32
"""Parts whose metadata has been read and waits."""

_AGAIN = "if it is damaged or of another network, remove it; the command that began the folder computes it again"


@dataclass(frozen=True)
class EmbeddingParts:
    """A finished folder of parts; open it with `open_parts`.

    Attributes:
        folder: of the parts.
        files: their names, in order.
        about: what is known about all vectors.
        count: number of vectors.
    """

    folder: Folder
    files: tuple[str, ...]
    about: About
    count: int

    @property
    def address(self) -> str:
        return self.folder.address

    def rows(self) -> Iterator[Rows]:
        for file in self.files:
            with _explained(self.folder, file), self.folder.open(file) as opened:
                yield from parquet.read_rows(opened, self.about)

    def again(self, model: object) -> str:
        return f"compute them again, into a new folder: `{command('embed', model, 'FOLDER', '--answers', 'DIR')}`"


def open_parts(folder: Folder) -> EmbeddingParts:
    """Open a folder of parts that `greycard embed --answers` wrote; the metadata of each part is read.

    Raises:
        GreycardError: parts are missing, damaged, without feature vectors or of another network than the first one.
    """
    files, count = finished_parts(folder), 0
    about: About | None = None
    with network_pool() as pool:
        read: Callable[[str], tuple[About, int]] = partial(_about, folder)
        for file, (found, rows) in zip(files, map_ahead(pool, read, files, _AHEAD), strict=True):
            about, count = about or found, count + rows
            about.network.expect_same(found.network, folder.address_of(file), _AGAIN)
    if about is None or not count:
        raise GreycardError(f"{folder.address} has no feature vectors", hint="name images that can be read")
    return EmbeddingParts(folder, tuple(files), about, count)


def _about(folder: Folder, file: str) -> tuple[About, int]:
    """What a part says about its vectors, and how many it has."""
    with _explained(folder, file):
        with folder.open(file) as opened:
            text, rows = parquet.read_footer(opened)
        if text is not None:
            return _parsed(text), rows
    raise GreycardError(
        f"{folder.address_of(file)} has no feature vectors; expected parts with feature vectors",
        hint=f"`{command('embed', 'RUN', 'FOLDER', '--answers', 'DIR')}` writes them",
    )


def _parsed(text: bytes) -> About:
    try:
        return About.from_text(text)
    except GreycardError as error:
        raise ValueError(error.args[0]) from error


@contextmanager
def _explained(folder: Folder, file: str) -> Iterator[None]:
    """Errors of a damaged part as a GreycardError."""
    try:
        yield
    except (OSError, ValueError, KeyError) as error:  # pyarrow's errors are among these
        raise GreycardError(f"{folder.address_of(file)} cannot be read: {reason(error)}", hint=_AGAIN) from error
