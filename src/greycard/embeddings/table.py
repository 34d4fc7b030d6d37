"""Feature vectors that are stored, what is known about all of them, and some of their rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from greycard.core.errors import GreycardError
from greycard.core.records import from_json, to_json
from greycard.embeddings.network import Network

KEY = "greycard"
"""The key of Greycard's metadata in a file; it also marks the file as Greycard's own."""

_SCHEMA = 1


@dataclass(frozen=True)
class Rows:
    """Images with their vectors.

    Attributes:
        ids: names of the images.
        paths: absolute paths of their files; empty for images that were no files.
        labels: their classes, None where there is none.
        vectors: float32 (n, features).
    """

    ids: Sequence[str]
    paths: Sequence[str]
    labels: Sequence[str | None]
    vectors: np.ndarray


@dataclass(frozen=True)
class About:
    """The metadata of a file.

    Attributes:
        network: that computed the vectors.
        greycard: the version that wrote the file.
        labelled: whether the images have classes.
    """

    network: Network
    greycard: str
    labelled: bool

    def to_text(self) -> str:
        return json.dumps({"schema": _SCHEMA, **to_json(self)})

    @classmethod
    def from_text(cls, text: str | bytes) -> About:
        """Read the output of `to_text`; GreycardError or ValueError for anything else."""
        content: Any = json.loads(text)
        if not isinstance(content, dict) or content.pop("schema", None) != _SCHEMA:
            raise GreycardError(f"its metadata is not of schema {_SCHEMA}", hint="make it again with greycard embed")
        return from_json(cls, content)


class Stored(Protocol):
    """Feature vectors that Greycard wrote: a file, or a folder of parts."""

    @property
    def address(self) -> str:
        """Its path or address."""
        ...

    @property
    def about(self) -> About:
        """What is known about all of them."""
        ...

    @property
    def count(self) -> int:
        """Number of vectors."""
        ...

    def rows(self) -> Iterator[Rows]:
        """The vectors in order, some at a time; GreycardError if they are damaged."""
        ...

    def again(self, model: object) -> str:
        """A hint: how to compute the vectors again, by another network."""
        ...


class Writer(Protocol):
    """Writes rows to a file; `close` completes it."""

    def write(self, rows: Rows) -> None: ...
    def close(self) -> None: ...
