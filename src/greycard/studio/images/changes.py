"""What a request changes in the folder, and an image that it adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from greycard.studio.images.history import Move


@dataclass(frozen=True)
class Change:
    """What one request changed.

    Attributes:
        moves: of images; one with a target in the trash is no longer shown, and one from there is shown again.
        classes: the names of all classes afterwards.
        undo: what can be taken back.
        redo: what can be done again.
    """

    moves: Sequence[Move]
    classes: Sequence[str]
    undo: str | None
    redo: str | None


@dataclass(frozen=True)
class NewImage:
    """A checked image that is to be added.

    Attributes:
        file: its file, in the folder's state.
        name: the name that it had.
        ending: of its format, such as `.jpg`.
        label: its class; None for the one that the page shows.
    """

    file: Path
    name: str
    ending: str
    label: str | None
