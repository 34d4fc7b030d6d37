"""The interface of what is computed for the images of a shard: predictions, feature vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from greycard.cluster.images import ShardImages


@dataclass(frozen=True)
class Counted:
    """The images of a part.

    Attributes:
        images: all of them.
        bad: those that could not be read.
        examples: some of these, with the reason.
    """

    images: int
    bad: int
    examples: tuple[tuple[str, str], ...] = ()


class Work(Protocol):
    """What is computed for each image; other processes get a copy."""

    @property
    def verb(self) -> str:
        """For the progress, such as `predicting`."""
        ...

    @property
    def errors_are_in(self) -> str:
        """Where a part has the reasons of images that could not be read, for messages."""
        ...

    @property
    def folder(self) -> str:
        """Relative paths of images start here."""
        ...

    def words(self) -> list[str]:
        """What decides the content of a part, one phrase for each thing, such as `a model with the SHA-256 …`."""
        ...

    def write(self, place: Path, names: Sequence[str], images: ShardImages) -> None:
        """Write the part of some images as a Parquet file.

        Args:
            place: a new file.
            names: of the images, as the user gave them.
            images: the images; one that cannot be read is noted in the part.

        Raises:
            GreycardError: the model has changed since the record was written.
        """
        ...

    def count(self, part: IO[bytes], most: int) -> Counted:
        """Count the images of a part that is there, with at most so many examples."""
        ...
